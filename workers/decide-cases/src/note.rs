//! Notes without a decision. They need no claim.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use bonafide_domain::{Reviewer, face_api::Route};
use bonafide_records::{Event, Head, TRIES};
use bonafide_review::{CaseRef, Error, Identified, Note, map, write};
use bonafide_worker::{ApiAnswer, ApiRequest, now, text};
use serde::{Deserialize, Serialize};

use crate::Decider;

/// The body of the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    note: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'case> {
    success: bool,
    application_id: &'case str,
    case_id: String,
}

impl Decider {
    pub(crate) async fn note(
        &self,
        case: &CaseRef,
        person: &Reviewer,
        request: &ApiRequest,
    ) -> Result<ApiAnswer, Error> {
        let Body { note } = request.json()?;
        let identified = Identified::of(request, Route::NoteCase, &[&note])?;
        let note = Note::of(note, "note")?;
        for _ in 0..TRIES {
            let head = self.log.head(&case.application).await?;
            let read = self.cases.read(case, [&["noteRequests"], &[], &[]]).await?;
            let earlier: &[_] =
                read.row.get("noteRequests").and_then(|earlier| earlier.as_l().ok()).map_or(&[], |all| all);
            let mut is_written = false;
            for request in earlier.iter().filter_map(|request| request.as_m().ok()) {
                is_written |= identified.is(request)?;
            }
            if !is_written {
                read.standing().note(earlier.len())?;
                is_written = self.add(case, person, (&note, &identified), (&head, earlier.len())).await?;
            }
            if is_written {
                let application_id = case.application.as_str();
                return Ok(ApiAnswer::ok(&Answer { success: true, application_id, case_id: case.case.to_string() }));
            }
        }
        Err(Error::Contended)
    }

    /// False when the case has another note, or is decided, since it was read.
    async fn add(
        &self,
        case: &CaseRef,
        person: &Reviewer,
        (note, identified): (&Note, &Identified),
        (head, earlier): (&Head, usize),
    ) -> Result<bool, Error> {
        let at = now();
        let [kept, salt] = note.kept();
        let written = map([("by", text(&person.id)), ("at", text(&at)), kept, salt]);
        let update = Update::builder()
            .table_name(&self.cases.table)
            .set_key(Some(case.key()))
            .update_expression(
                "SET notes = list_append(if_not_exists(notes, :none), :note), \
                 noteRequests = list_append(if_not_exists(noteRequests, :none), :request)",
            )
            .condition_expression(
                "#status = :open AND (size(noteRequests) = :earlier OR attribute_not_exists(noteRequests))",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":open", text("OPEN"))
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":note", AttributeValue::L(vec![written]))
            .expression_attribute_values(":request", AttributeValue::L(vec![identified.kept()]))
            .expression_attribute_values(":earlier", AttributeValue::N(earlier.to_string()))
            .build()?;
        let record = case.record((Event::CaseNoted, &person.id, &at));
        let put = self.log.put(record, head, vec![("noteDigest", note.digest())])?;
        let items =
            vec![TransactWriteItem::builder().update(update).build(), TransactWriteItem::builder().put(put).build()];
        write(&self.cases.client, items).await
    }
}

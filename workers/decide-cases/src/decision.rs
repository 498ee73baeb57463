//! Decisions: written once, with a record in the log, and then told to the machine that waits.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use bonafide_domain::{
    CaseRefusal, ReasonCode, Reviewer, Step, Verdict,
    face_api::{Refusal, Route},
};
use bonafide_records::{Event, Head, TRIES};
use bonafide_review::{Case, CaseRef, Error, Identified, Note, map, write};
use bonafide_worker::{ApiAnswer, ApiRequest, Measurement, Row, column, now, seconds, text};
use serde::{Deserialize, Serialize};

use crate::{Decider, still_latest};

const MOST_REASONS: usize = 20;

/// The body of the request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    decision: Verdict,
    #[serde(default)]
    reasons: Vec<ReasonCode>,
    note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'case> {
    success: bool,
    application_id: &'case str,
    case_id: String,
    decision: Verdict,
    is_final: bool,
    message: &'static str,
}

/// A decision as it was requested.
struct Requested {
    verdict: Verdict,
    reasons: Vec<ReasonCode>,
    note: Option<Note>,
    identified: Identified,
}

impl Requested {
    fn of(request: &ApiRequest) -> Result<Self, Refusal> {
        let Body { decision, reasons, note } = request.json()?;
        if reasons.len() > MOST_REASONS {
            return Err(Refusal::At("reasons"));
        }
        let note = note.map(|text| Note::of(text, "note")).transpose()?;
        let codes: Vec<_> = reasons.iter().map(|reason| reason.code()).collect();
        let parts = [decision.name(), &codes.join(","), note.as_ref().map_or("", Note::as_str)];
        let identified = Identified::of(request, Route::DecideCase, &parts)?;
        Ok(Self { verdict: decision, identified, note, reasons })
    }

    fn reasons(&self) -> AttributeValue {
        AttributeValue::L(self.reasons.iter().map(|reason| text(reason.code())).collect())
    }

    /// What an earlier try of the same request has led to.
    fn earlier(&self, row: &Row) -> Result<Option<Step>, Refusal> {
        for (attribute, step) in [("firstRequest", Step::FirstApproval), ("request", Step::Final)] {
            let Some(request) = row.get(attribute).and_then(|request| request.as_m().ok()) else { continue };
            if self.identified.is(request)? {
                return Ok(Some(step));
            }
        }
        Ok(None)
    }
}

impl Decider {
    pub(crate) async fn decide(
        &self,
        case: &CaseRef,
        person: &Reviewer,
        request: &ApiRequest,
    ) -> Result<ApiAnswer, Error> {
        let requested = Requested::of(request)?;
        for _ in 0..TRIES {
            // Read first: another record after this head belongs to a later state of the case.
            let head = self.log.head(&case.application).await?;
            let read = self.cases.read(case, [&["firstRequest", "request"], &[], &[]]).await?;
            let seconds = u64::try_from(seconds()).unwrap_or_default();
            let step = if let Some(step) = requested.earlier(&read.row)? {
                step
            } else {
                let step = read.standing().decide(person, requested.verdict, &requested.reasons, seconds)?;
                let items = self.items(case, person, &requested, &read, (step, &head, seconds))?;
                if !write(&self.cases.client, items).await? {
                    continue;
                }
                for measured in measurements(requested.verdict, person, read.reasons()) {
                    self.metrics.write(&measured);
                }
                step
            };
            if step == Step::Final {
                self.wake(case).await?;
            }
            return Ok(answer(case, requested.verdict, step));
        }
        Err(Error::Contended)
    }

    fn items(
        &self,
        case: &CaseRef,
        person: &Reviewer,
        requested: &Requested,
        read: &Case,
        (step, head, seconds): (Step, &Head, u64),
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let at = now();
        let first = read.standing().first_approval.filter(|_| requested.verdict == Verdict::Approve);
        let (request, mut changes, what) = match step {
            Step::FirstApproval => {
                let approval = map([("by", text(&person.id)), ("byName", text(&person.name)), ("at", text(&at))]);
                ("firstRequest", vec![("firstApproval", approval)], Event::CaseApprovedFirst)
            }
            Step::Final => {
                let reviewers = first.into_iter().chain([person.id.as_str()]).map(text).collect();
                let decision = map([
                    ("outcome", text(requested.verdict.name())),
                    ("reasons", requested.reasons()),
                    ("reviewers", AttributeValue::L(reviewers)),
                    ("at", text(&at)),
                ]);
                let decided = ("status", text("DECIDED"));
                ("request", vec![("decision", decision), decided, ("decidedAt", text(&at))], Event::CaseDecided)
            }
        };
        changes.push((request, requested.identified.kept()));
        let mut sets: Vec<_> = changes.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let mut update = Update::builder().table_name(&self.cases.table).set_key(Some(case.key()));
        let mut record = vec![("outcome", text(requested.verdict.name())), ("reasons", requested.reasons())];
        if let Some(note) = &requested.note {
            let [kept, salt] = note.kept();
            let written = [("by", text(&person.id)), ("at", text(&at)), kept, salt];
            sets.push("notes = list_append(if_not_exists(notes, :none), :note)".to_owned());
            update = update.expression_attribute_values(":none", AttributeValue::L(Vec::new()));
            update = update.expression_attribute_values(":note", AttributeValue::L(vec![map(written)]));
            record.push(("noteDigest", note.digest()));
        }
        for (name, value) in changes {
            update = update.expression_attribute_names(format!("#{name}"), name);
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        // The first approval is part of what was judged.
        let condition = match read.standing().first_approval {
            Some(by) => {
                update = update.expression_attribute_names("#by", "by").expression_attribute_values(":first", text(by));
                "firstApproval.#by = :first"
            }
            None => "attribute_not_exists(firstApproval)",
        };
        let update = update
            .update_expression(format!("SET {} REMOVE claimedBy, claimedByName, claimExpiresAt", sets.join(", ")))
            .condition_expression(format!(
                "#status = :open AND claimedBy = :me AND claimExpiresAt > :now AND {condition}"
            ))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":open", text("OPEN"))
            .expression_attribute_values(":me", text(&person.id))
            .expression_attribute_values(":now", AttributeValue::N(seconds.to_string()))
            .build()?;
        let put = self.log.put(case.record((what, &person.id, &at)), head, record)?;
        Ok(vec![
            TransactWriteItem::builder().update(update).build(),
            still_latest(&self.cases, case, read)?,
            TransactWriteItem::builder().put(put).build(),
        ])
    }

    /// Tells the machine that waits to read the decision. The token is read afterwards: each try of the machine brings a new one.
    async fn wake(&self, case: &CaseRef) -> Result<(), Error> {
        let read = self.cases.client.get_item().table_name(&self.cases.table).set_key(Some(case.key()));
        let read = read.projection_expression("taskToken").consistent_read(true).send().await;
        let row = read.map_err(|error| Error::of("the case could not be read", error))?.item;
        let row = row.ok_or(CaseRefusal::NotFound)?;
        // Without a token, the machine has not waited yet, and reads the decision when it does.
        let Some(token) = column(&row, "taskToken") else { return Ok(()) };
        let Err(error) = self.step_functions.send_task_success().task_token(token).output("{}").send().await else {
            return Ok(());
        };
        match error.as_service_error() {
            // It was answered before, or waits no longer: it was aborted, or is being redriven and reads the row.
            Some(
                SendTaskSuccessError::TaskTimedOut(_)
                | SendTaskSuccessError::TaskDoesNotExist(_)
                | SendTaskSuccessError::InvalidToken(_),
            ) => Ok(()),
            // The decision stands: the same request, or the sweep, tells the machine.
            _ => Err(Error::of("the machine could not be told", error)),
        }
    }
}

/// A decision, counted by reviewer and by each doubt of the case.
fn measurements(decision: Verdict, person: &Reviewer, doubts: &[ReasonCode]) -> Vec<Measurement> {
    let counted = || Measurement::new().count("CaseDecisions");
    let decision = ("Decision", decision.name());
    let by_reviewer = counted().by([decision]).by([decision, ("Reviewer", &person.id)]);
    let by_doubt = doubts.iter().map(|doubt| counted().by([decision, ("Reason", doubt.code())]));
    [by_reviewer].into_iter().chain(by_doubt).collect()
}

fn answer(case: &CaseRef, decision: Verdict, step: Step) -> ApiAnswer {
    let is_final = step == Step::Final;
    let message = if is_final { "The case is decided." } else { "Another person has to approve as well." };
    let application_id = case.application.as_str();
    ApiAnswer::ok(&Answer {
        success: true,
        application_id,
        case_id: case.case.to_string(),
        decision,
        is_final,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_counted_by_reviewer_and_doubt() {
        let person = Reviewer { id: "5f0d".to_owned(), name: "ann".to_owned() };
        let doubts = [ReasonCode::FaceMatchUnsure, ReasonCode::FaceDuplicate];
        let counted = || Measurement::new().count("CaseDecisions");
        let decision = ("Decision", "approve");
        assert_eq!(
            measurements(Verdict::Approve, &person, &doubts),
            [
                counted().by([decision]).by([decision, ("Reviewer", "5f0d")]),
                counted().by([decision, ("Reason", "FACE_MATCH_UNSURE")]),
                counted().by([decision, ("Reason", "FACE_DUPLICATE")]),
            ]
        );
    }
}

//! Claims: while one lasts, only its owner may decide.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, TransactWriteItem, Update},
};
use bonafide_domain::{CaseRefusal, Reviewer};
use bonafide_records::{Event, TRIES};
use bonafide_review::{CaseRef, Claimed, Error, write};
use bonafide_worker::{ApiAnswer, now as time, seconds, text};
use serde::Serialize;

use crate::{Decider, still_latest};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'case> {
    success: bool,
    application_id: &'case str,
    case_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Claimed>,
}

impl Decider {
    pub(crate) async fn claim(&self, case: &CaseRef, person: &Reviewer) -> Result<ApiAnswer, Error> {
        for _ in 0..TRIES {
            let head = self.log.head(&case.application).await?;
            let now = u64::try_from(seconds()).unwrap_or_default();
            let read = self.cases.read(case, [&[], &[], &[]]).await?;
            let standing = read.standing();
            let claim = standing.claim(person, now)?;
            let is_renewed = standing.claim.is_some_and(|current| current.by == person.id && current.expires_at > now);
            let update = Update::builder()
                .table_name(&self.cases.table)
                .set_key(Some(case.key()))
                .update_expression("SET claimedBy = :me, claimedByName = :name, claimExpiresAt = :until")
                .condition_expression(
                    "#status = :open AND (attribute_not_exists(claimedBy) OR claimedBy = :me OR claimExpiresAt <= :now)",
                )
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":open", text("OPEN"))
                .expression_attribute_values(":me", text(&person.id))
                .expression_attribute_values(":name", text(&person.name))
                .expression_attribute_values(":until", AttributeValue::N(claim.expires_at.to_string()))
                .expression_attribute_values(":now", AttributeValue::N(now.to_string()))
                .build()?;
            let update = TransactWriteItem::builder().update(update).build();
            let mut items = vec![update, still_latest(&self.cases, case, &read)?];
            if !is_renewed {
                let put = self.log.put(case.record((Event::CaseClaimed, &person.id, &time())), &head, Vec::new())?;
                items.push(TransactWriteItem::builder().put(put).build());
            }
            if write(&self.cases.client, items).await? {
                return Ok(answer(case, Some(claim.into())));
            }
        }
        Err(Error::Contended)
    }

    pub(crate) async fn release(&self, case: &CaseRef, person: &Reviewer) -> Result<ApiAnswer, Error> {
        let mut is_tried = false;
        for _ in 0..TRIES {
            let now = u64::try_from(seconds()).unwrap_or_default();
            let read = self.cases.read(case, [&[], &[], &[]]).await?;
            match read.standing().release(person, now) {
                // The write succeeded, and its answer was lost.
                Err(CaseRefusal::NotClaimed | CaseRefusal::Claimed) if is_tried => return Ok(answer(case, None)),
                result => result?,
            }
            is_tried = true;
            let update = self
                .cases
                .client
                .update_item()
                .table_name(&self.cases.table)
                .set_key(Some(case.key()))
                .update_expression("REMOVE claimedBy, claimedByName, claimExpiresAt")
                .condition_expression("#status = :open AND claimedBy = :me")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":open", text("OPEN"))
                .expression_attribute_values(":me", text(&person.id));
            match update.send().await {
                Ok(_) => return Ok(answer(case, None)),
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                    _ => return Err(Error::of("the case could not be released", error)),
                },
            }
        }
        Err(Error::Contended)
    }
}

fn answer(case: &CaseRef, claim: Option<Claimed>) -> ApiAnswer {
    let application_id = case.application.as_str();
    ApiAnswer::ok(&Answer { success: true, application_id, case_id: case.case.to_string(), claim })
}

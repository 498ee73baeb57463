//! The changes of an application by one reviewer: a reopening, a hold, and the end of the relationship with its customer.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use bonafide_domain::{ApplicationId, ApplicationStanding, CaseRefusal, Retention, Reviewer, Status, face_api::Route};
use bonafide_records::{Event, Head, TRIES, record as logged};
use bonafide_review::{Error, Identified, Note, write};
use bonafide_worker::{ApiAnswer, ApiRequest, now, text};

use crate::{
    Because, Done, Operator,
    record::{Record, key, set},
};

/// A change that one reviewer makes for a reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    route: Route,
    event: Event,
    judge: fn(&ApplicationStanding) -> Result<(), CaseRefusal>,
    /// The attributes for the time, the reviewer's id and name, the reason and its salt.
    own: [&'static str; 5],
    /// The retention that begins with the change.
    begins: Option<Retention>,
    /// The status of the application after it.
    status: Option<Status>,
    /// The attributes of what this change ends.
    removed: &'static str,
}

/// Holds the data: they are not erased.
pub(crate) const HOLD: Change = Change {
    route: Route::HoldApplication,
    event: Event::ApplicationHeld,
    judge: ApplicationStanding::hold,
    own: ["heldAt", "heldBy", "heldByName", "holdReason", "holdSalt"],
    begins: None,
    status: None,
    removed: "unheldAt, unheldBy, unheldByName, unholdReason, unholdSalt",
};

/// Ends the hold.
pub(crate) const UNHOLD: Change = Change {
    route: Route::UnholdApplication,
    event: Event::ApplicationUnheld,
    judge: ApplicationStanding::unhold,
    own: ["unheldAt", "unheldBy", "unheldByName", "unholdReason", "unholdSalt"],
    begins: None,
    status: None,
    removed: "heldAt, heldBy, heldByName, holdReason, holdSalt",
};

/// Ends the relationship with the customer.
pub(crate) const END: Change = Change {
    route: Route::EndRelationship,
    event: Event::RelationshipEnded,
    judge: ApplicationStanding::end_relationship,
    own: ["endedAt", "endedBy", "endedByName", "endReason", "endSalt"],
    begins: Some(Retention::Customer),
    status: None,
    removed: "resumedAt, resumedBy, resumedByName, resumeReason, resumeSalt",
};

/// Takes the end of the relationship back.
pub(crate) const RESUME: Change = Change {
    route: Route::ResumeRelationship,
    event: Event::RelationshipResumed,
    judge: ApplicationStanding::resume_relationship,
    own: ["resumedAt", "resumedBy", "resumedByName", "resumeReason", "resumeSalt"],
    begins: None,
    status: None,
    removed: "retention, retentionFrom, endedAt, endedBy, endedByName, endReason, endSalt",
};

/// Opens an application again: the applicant may upload anything, and attempts are counted from the beginning.
pub(crate) const REOPEN: Change = Change {
    route: Route::ReopenApplication,
    event: Event::ApplicationReopened,
    judge: ApplicationStanding::reopen,
    own: ["reopenedAt", "reopenedBy", "reopenedByName", "reopenReason", "reopenSalt"],
    begins: Some(Retention::Unfinished),
    status: Some(Status::Open),
    removed: "kind, outcome, reasons, decidedAt, failure, statusBeforeFailure, packageSubmission, selfieSubmission, documentSubmission",
};

impl Operator {
    /// Changes the application, with the decision record. A repeated request has changed it already.
    pub(crate) async fn change(
        &self,
        change: Change,
        application: &ApplicationId,
        person: &Reviewer,
        request: &ApiRequest,
    ) -> Result<ApiAnswer, Error> {
        let Because { reason } = request.json()?;
        let identified = Identified::of(request, change.route, &[application.as_str(), &reason])?;
        let reason = Note::of(reason, "reason")?;
        for _ in 0..TRIES {
            let head = self.log.head(application).await?;
            let record = Record::read(&self.applications, application).await?;
            if record.is_changed_by(&identified)? {
                return Ok(ApiAnswer::ok(&Done { success: true, application_id: application.as_str() }));
            }
            (change.judge)(&record.standing()?)?;
            let items = self.changed(change, application, person, (&record, &head), (&identified, &reason))?;
            if write(&self.dynamodb, items).await? {
                return Ok(ApiAnswer::ok(&Done { success: true, application_id: application.as_str() }));
            }
        }
        Err(Error::Contended)
    }

    fn changed(
        &self,
        change: Change,
        application: &ApplicationId,
        person: &Reviewer,
        (record, head): (&Record, &Head),
        (identified, reason): (&Identified, &Note),
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let at = now();
        let [(_, kept), (_, salt)] = reason.kept();
        let own = [text(&at), text(&person.id), text(&person.name), kept, salt];
        let mut values: Vec<(&str, AttributeValue)> = change.own.into_iter().zip(own).collect();
        if let Some(retention) = change.begins {
            values.extend([("retention", text(retention.name())), ("retentionFrom", text(&at))]);
        }
        if let Some(status) = change.status {
            values.extend([("status", text(status.name())), ("updatedAt", text(&at))]);
        }
        values.push(("lastRequest", identified.kept()));
        let update = Update::builder().table_name(self.applications.table()).set_key(Some(key(application)));
        let update = record.unchanged(set(update, values, change.removed)).build()?;
        let event = logged(application, (change.event, &person.id, &at));
        let put = self.log.put(event, head, vec![("reasonDigest", reason.digest())])?;
        Ok(vec![TransactWriteItem::builder().update(update).build(), TransactWriteItem::builder().put(put).build()])
    }
}

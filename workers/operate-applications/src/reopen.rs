//! Reopening: the applicant may upload, and attempts are counted from the beginning.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use bonafide_domain::{ApplicationId, Retention, Reviewer, Status, face_api::Route};
use bonafide_records::{Event, Head, TRIES, record as logged};
use bonafide_review::{Error, Identified, Note, write};
use bonafide_worker::{ApiAnswer, ApiRequest, now, text};
use serde::Serialize;

use crate::{
    Because, Operator,
    record::{Record, key, set},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'id> {
    success: bool,
    application_id: &'id str,
    status: Status,
}

impl Operator {
    pub(crate) async fn reopen(
        &self,
        application: &ApplicationId,
        person: &Reviewer,
        request: &ApiRequest,
    ) -> Result<ApiAnswer, Error> {
        let Because { reason } = request.json()?;
        let identified = Identified::of(request, Route::ReopenApplication, &[application.as_str(), &reason])?;
        let reason = Note::of(reason, "reason")?;
        for _ in 0..TRIES {
            let head = self.log.head(application).await?;
            let record = Record::read(&self.applications, application).await?;
            if !record.is_changed_by(&identified)? {
                record.standing()?.reopen()?;
                let items = self.items(application, person, (&record, &head), (&identified, &reason))?;
                if !write(&self.dynamodb, items).await? {
                    continue;
                }
            }
            let application_id = application.as_str();
            return Ok(ApiAnswer::ok(&Answer { success: true, application_id, status: Status::Open }));
        }
        Err(Error::Contended)
    }

    fn items(
        &self,
        application: &ApplicationId,
        person: &Reviewer,
        (record, head): (&Record, &Head),
        (identified, reason): (&Identified, &Note),
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let at = now();
        let [(_, kept), (_, salt)] = reason.kept();
        let values = vec![
            ("status", text(Status::Open.name())),
            ("retention", text(Retention::Unfinished.name())),
            ("retentionFrom", text(&at)),
            ("reopenedAt", text(&at)),
            ("reopenedBy", text(&person.id)),
            ("reopenedByName", text(&person.name)),
            ("reopenReason", kept),
            ("reopenSalt", salt),
            ("lastRequest", identified.kept()),
            ("updatedAt", text(&at)),
        ];
        let removed = "#seen1, reasons, decidedAt, failure, statusBeforeFailure, #seen2, #seen3, #seen4";
        let update = Update::builder().table_name(self.applications.table()).set_key(Some(key(application)));
        let update = record.unchanged(set(update, values, removed)).build()?;
        let opened = logged(application, (Event::ApplicationReopened, &person.id, &at));
        let put = self.log.put(opened, head, vec![("reasonDigest", reason.digest())])?;
        Ok(vec![TransactWriteItem::builder().update(update).build(), TransactWriteItem::builder().put(put).build()])
    }
}

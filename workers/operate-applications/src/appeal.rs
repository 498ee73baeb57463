//! Appeals: the evidence of a declined submission is judged again, as a submission of its own, in which other declines count as doubts. A
//! case opens in the end.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use bonafide_domain::{
    ApplicationId, CaseRefusal, ObjectRef, Progress, ReasonCode, Retention, Reviewer, Status, SubmissionId, UploadKind,
    face_api::Route, overrule, require_consent,
};
use bonafide_records::{Event, TRIES, record as logged};
use bonafide_review::{Error, Identified, Note, latest, map, write};
use bonafide_worker::{ApiAnswer, ApiRequest, Row, column, now, read_object_ref, submission_key, text};
use serde::Serialize;
use serde_json::json;

use crate::{
    Because, Operator,
    record::{Record, key, set},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'id> {
    success: bool,
    application_id: &'id str,
    submission_id: &'id SubmissionId,
    status: Status,
}

/// The new submission.
struct Appealed {
    id: SubmissionId,
    /// The declined one.
    of: SubmissionId,
    upload: ObjectRef,
}

impl Operator {
    pub(crate) async fn appeal(
        &self,
        application: &ApplicationId,
        person: &Reviewer,
        request: &ApiRequest,
    ) -> Result<ApiAnswer, Error> {
        let Because { reason } = request.json()?;
        let identified = Identified::of(request, Route::AppealApplication, &[application.as_str(), &reason])?;
        let reason = Note::of(reason, "reason")?;
        for _ in 0..TRIES {
            let head = self.log.head(application).await?;
            let record = Record::read(&self.applications, application).await?;
            let appealed = if record.is_changed_by(&identified)? {
                self.appealed(application, &record).await?
            } else {
                let kind = record.standing()?.appeal()?;
                let declined = self.declined(application, &record, kind).await?;
                let (appealed, made) = self.submission(application, kind, &declined)?;
                let of = (&record, kind, &appealed, &made);
                let change = self.appealed_row(application, person, of, (&identified, &reason))?;
                let put = Put::builder().table_name(self.submissions.table()).set_item(Some(made));
                let put = put.condition_expression("attribute_not_exists(submissionId)").build()?;
                let put = TransactWriteItem::builder().put(put).build();
                let event = logged(application, (Event::ApplicationAppealed, &person.id, &now()));
                let more = vec![("submissionId", text(appealed.id.as_str())), ("reasonDigest", reason.digest())];
                let event = TransactWriteItem::builder().put(self.log.put(event, &head, more)?).build();
                if !write(&self.dynamodb, vec![change, put, event]).await? {
                    continue;
                }
                appealed
            };
            // The starter starts its execution, and ignores the message if that was done.
            self.send(&appealed.upload, json!({"appealOf": appealed.of})).await?;
            let (application_id, submission_id) = (application.as_str(), &appealed.id);
            let status = Status::InProgress;
            return Ok(ApiAnswer::ok(&Answer { success: true, application_id, submission_id, status }));
        }
        Err(Error::Contended)
    }

    /// The submission that an earlier try of the same request has made.
    async fn appealed(&self, application: &ApplicationId, record: &Record) -> Result<Appealed, Error> {
        let appealed = record.appealed().ok_or(Error::Incomplete("appeal"))?;
        let id: SubmissionId = parsed(appealed, "submissionId")?;
        let made = self.submissions.read(application, &id, &["upload", "appeal"]).await?;
        let appeal = made.get("appeal").and_then(|appeal| appeal.as_m().ok()).ok_or(Error::Incomplete("appeal"))?;
        Ok(Appealed { of: parsed(appeal, "of")?, upload: object(&made, "upload")?, id })
    }

    /// The declined submission.
    async fn declined(&self, application: &ApplicationId, record: &Record, kind: UploadKind) -> Result<Row, Error> {
        let id: SubmissionId = parsed(record.latest(kind).ok_or(Error::Incomplete(latest(kind)))?, "submissionId")?;
        let read = ["submissionId", "attempt", "receivedAt", "upload", "reasons", "appeal", "consent", kind.name()];
        let declined = self.submissions.read(application, &id, &read).await?;
        let reasons = declined.get("reasons").and_then(|reasons| reasons.as_l().ok()).into_iter().flatten();
        let reasons: Option<Vec<ReasonCode>> = reasons.map(|reason| reason.as_s().ok()?.parse().ok()).collect();
        overrule(&reasons.ok_or(Error::Incomplete("reasons"))?)?;
        require_consent(declined.contains_key("consent"), self.is_consent_required)
            .map_err(|_| CaseRefusal::ApplicationWithoutConsent)?;
        Ok(declined)
    }

    /// The record of the new submission: the same upload and evidence, and the same number among the attempts.
    fn submission(
        &self,
        application: &ApplicationId,
        kind: UploadKind,
        declined: &Row,
    ) -> Result<(Appealed, Row), Error> {
        let of: SubmissionId = parsed(declined, "submissionId")?;
        let upload = object(declined, "upload")?;
        let id = SubmissionId::of_appeal(&upload, &of);
        let earlier = declined.get("appeal").and_then(|appeal| column(appeal.as_m().ok()?, "asOf"));
        let as_of = earlier.or_else(|| column(declined, "receivedAt")).ok_or(Error::Incomplete("receivedAt"))?;
        let kept = |name| declined.get(name).cloned().ok_or(Error::Incomplete(name));
        let mut made = submission_key(application, &id);
        made.extend(
            [
                ("kind", text(kind.name())),
                ("attempt", kept("attempt")?),
                ("status", text(Status::InProgress.name())),
                ("receivedAt", text(&now())),
                ("executionArn", text(&self.execution(&id.execution_name(application)))),
                ("upload", kept("upload")?),
                (kind.name(), kept(kind.name())?),
                // Dates are judged as of the day on which the applicant sent the evidence.
                ("appeal", map([("of", text(of.as_str())), ("asOf", text(as_of))])),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        made.extend(declined.get_key_value("consent").map(|(name, consent)| (name.clone(), consent.clone())));
        Ok((Appealed { id, of, upload }, made))
    }

    /// The change of the application, as for an upload that the starter accepts.
    fn appealed_row(
        &self,
        application: &ApplicationId,
        person: &Reviewer,
        (record, kind, appealed, made): (&Record, UploadKind, &Appealed, &Row),
        (identified, reason): (&Identified, &Note),
    ) -> Result<TransactWriteItem, Error> {
        let at = now();
        let [(_, kept), (_, salt)] = reason.kept();
        let of_submission = |name: &'static str| made.get(name).cloned().ok_or(Error::Incomplete(name));
        let entry = [
            ("submissionId", text(appealed.id.as_str())),
            ("attempt", of_submission("attempt")?),
            ("progress", text(Progress::InProgress.name())),
            ("executionArn", of_submission("executionArn")?),
            ("appeal", of_submission("appeal")?),
        ];
        let consent = made.get("consent").map(|consent| ("consent", consent.clone()));
        let entry = entry.into_iter().chain(consent).map(|(name, value)| (name.to_owned(), value));
        let values = vec![
            ("status", text(Status::InProgress.name())),
            (latest(kind), AttributeValue::M(entry.collect())),
            ("executionArn", of_submission("executionArn")?),
            ("retention", text(Retention::Unfinished.name())),
            ("retentionFrom", text(&at)),
            ("appealedAt", text(&at)),
            ("appealedBy", text(&person.id)),
            ("appealedByName", text(&person.name)),
            ("appealReason", kept),
            ("appealSalt", salt),
            ("lastRequest", identified.kept()),
            ("updatedAt", text(&at)),
        ];
        let removed = match kind {
            UploadKind::Package => "failure, statusBeforeFailure, outcome, reasons, decidedAt",
            UploadKind::Selfie | UploadKind::Document => "failure, statusBeforeFailure, reasons",
        };
        let update = Update::builder().table_name(self.applications.table()).set_key(Some(key(application)));
        let update = record.unchanged(set(update, values, removed)).build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

fn parsed(row: &Row, name: &'static str) -> Result<SubmissionId, Error> {
    column(row, name).and_then(|id| id.parse().ok()).ok_or(Error::Incomplete(name))
}

fn object(row: &Row, name: &'static str) -> Result<ObjectRef, Error> {
    row.get(name).and_then(read_object_ref).ok_or(Error::Incomplete(name))
}

//! Erasure: the machine Erasure deletes the data of an application. A dry run counts them.
//!
//! The request is judged here, so that a refusal has an answer, and by the machine, before it deletes anything.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use bonafide_domain::{ApplicationId, CaseRefusal, ExecutionState, Reviewer, face_api::Route, restorable_until};
use bonafide_records::TRIES;
use bonafide_review::{Error, Identified, Note, write};
use bonafide_worker::{ApiAnswer, ApiRequest, instant, now, record_execution, text};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Operator,
    record::{Record, key, set},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    reason: String,
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'id> {
    success: bool,
    application_id: &'id str,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// The machine and the name of the execution that erases.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<String>,
}

/// What would be deleted, and what would stay.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    objects: usize,
    faces: usize,
    customers: usize,
    cases: usize,
    submissions: usize,
    applications: usize,
    /// The decision records, which stay.
    decisions: u64,
    /// The day before which the erasure is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    retained_until: Option<String>,
    /// Until when a recovery of the tables could bring the records back, if they were erased now.
    restorable_until: String,
}

impl Operator {
    pub(crate) async fn erase(
        &self,
        application: &ApplicationId,
        person: &Reviewer,
        request: &ApiRequest,
    ) -> Result<ApiAnswer, Error> {
        let Body { reason, dry_run } = request.json()?;
        let identified = Identified::of(request, Route::EraseApplication, &[application.as_str(), &reason])?;
        let reason = Note::of(reason, "reason")?;
        self.is_known(application).await?;
        for _ in 0..TRIES {
            let record = Record::find(&self.applications, application).await?;
            // A mark without an application is one of an erasure that was broken off.
            let standing = record.as_ref().filter(|record| !record.is_being_erased()).map(Record::standing);
            if let Some(standing) = standing {
                standing?.erase()?;
            }
            let retained = self.retained(record.as_ref())?;
            if dry_run {
                let plan = Some(self.plan(application, record.as_ref(), retained).await?);
                let application_id = application.as_str();
                return Ok(ApiAnswer::ok(&Answer { success: true, application_id, dry_run, plan, execution: None }));
            }
            if retained.is_some() {
                return Err(CaseRefusal::ApplicationRetained.into());
            }
            if let Some(record) = record {
                self.is_resting(&record).await?;
                // Another request with this key.
                record.is_changed_by(&identified)?;
                if !self.keep_reason(application, person, (&record, &identified, &reason)).await? {
                    continue;
                }
            }
            return self.start_erasure(application, person, (&identified, &reason)).await;
        }
        Err(Error::Contended)
    }

    /// When the data of a former customer may be erased, if that is not yet so.
    fn retained(&self, record: Option<&Record>) -> Result<Option<DateTime<Utc>>, Error> {
        let kept = record.map(Record::kept).transpose()?.flatten();
        Ok(kept.and_then(|kept| kept.until(self.customer_days)).filter(|until| *until > instant()))
    }

    async fn plan(
        &self,
        application: &ApplicationId,
        record: Option<&Record>,
        retained: Option<DateTime<Utc>>,
    ) -> Result<Plan, Error> {
        let mut objects = 0;
        for prefix in application.object_prefixes(record.and_then(Record::consented)) {
            objects += self.objects.count(&prefix).await?;
        }
        let stamp = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        Ok(Plan {
            objects,
            faces: record.map(Record::faces).unwrap_or_default(),
            customers: self.customers.count(application).await?,
            cases: self.case_records.keys(application).await?.len(),
            submissions: self.submission_records.keys(application).await?.len(),
            applications: usize::from(record.is_some_and(Record::is_application)),
            decisions: self.log.head(application).await?.number,
            retained_until: retained.map(stamp),
            restorable_until: stamp(restorable_until(instant())),
        })
    }

    /// Refuses while an execution runs that a person has resumed: its submission has failed as long as it runs.
    async fn is_resting(&self, record: &Record) -> Result<(), Error> {
        for execution in record.failed() {
            if matches!(self.describe(execution).await?, Some((ExecutionState::Running, _))) {
                return Err(CaseRefusal::ApplicationInProgress.into());
            }
        }
        Ok(())
    }

    /// Writes the reason to the application, with which it is erased. False when the application has changed since it was read.
    async fn keep_reason(
        &self,
        application: &ApplicationId,
        person: &Reviewer,
        (record, identified, reason): (&Record, &Identified, &Note),
    ) -> Result<bool, Error> {
        let [(_, kept), (_, salt)] = reason.kept();
        let values = vec![
            ("erasureRequestedAt", text(&now())),
            ("erasureRequestedBy", text(&person.id)),
            ("erasureRequestedByName", text(&person.name)),
            ("erasureReason", kept),
            ("erasureSalt", salt),
            ("lastRequest", identified.kept()),
        ];
        let update = Update::builder().table_name(self.applications.table()).set_key(Some(key(application)));
        let update = record.unchanged(set(update, values, "")).build()?;
        write(&self.dynamodb, vec![TransactWriteItem::builder().update(update).build()]).await
    }

    /// Starts the machine. The name of the execution is derived from the request, which therefore starts it once.
    async fn start_erasure(
        &self,
        application: &ApplicationId,
        person: &Reviewer,
        (identified, reason): (&Identified, &Note),
    ) -> Result<ApiAnswer, Error> {
        let application_id = application.as_str();
        let name = format!("{}-{}", application_id.get(..40).unwrap_or(application_id), identified.name());
        record_execution(&format!("{}:{name}", self.erasure.replacen(":stateMachine:", ":execution:", 1)));
        let digest = reason.digest();
        let input = json!({
            "applicationId": application, "scope": "everything", "asOf": now(), "requestedBy": person.id,
            "reasonDigest": digest.as_s().map(String::as_str).unwrap_or_default(),
        });
        let start = self.step_functions.start_execution().state_machine_arn(&self.erasure).name(&name);
        if let Err(error) = start.input(input.to_string()).send().await
            && !matches!(error.as_service_error(), Some(StartExecutionError::ExecutionAlreadyExists(_)))
        {
            return Err(Error::of("the erasure could not be started", error));
        }
        let machine = self.erasure.rsplit(':').next().unwrap_or_default();
        let execution = Some(format!("{machine}~{name}"));
        Ok(ApiAnswer::ok(&Answer { success: true, application_id, dry_run: false, plan: None, execution }))
    }
}

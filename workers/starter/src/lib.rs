//! Serves the uploads queue: records each upload, and starts the execution that judges it.

mod event;

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_sdk_sfn::{error::SdkError as SfnError, operation::start_execution::StartExecutionError};
use aws_sdk_sns::{error::SdkError as SnsError, operation::publish::PublishError};
use bonafide_domain::{
    ApplicationId, CheckOutcome, ObjectRef, ReasonCode, Upload, UploadKind, execution_name, replay_name,
};
use bonafide_worker::{
    Applications, DOCUMENT_EXECUTION, ErrorName, PACKAGE_EXECUTION, Row, TableFailure, TaskError, column,
    note_application, note_execution, note_outcome, note_reasons, object_ref, sdk_code,
};
use chrono::{DateTime, Days};
use serde_json::json;

use crate::event::{Created, Turn};

/// The machines that an upload can start, by their ARNs.
#[derive(Clone, Debug)]
pub struct Machines {
    /// For packages.
    pub onboarding: String,
    /// For selfies.
    pub identity_verification: String,
    /// For documents.
    pub document_extraction: String,
}

/// All that starting needs.
#[derive(Clone, Debug)]
pub struct Starter {
    /// Where uploads are recorded.
    pub applications: Applications,
    /// Where executions are started.
    pub step_functions: aws_sdk_sfn::Client,
    /// Where rejected uploads are announced.
    pub sns: aws_sdk_sns::Client,
    /// The notifications topic.
    pub topic_arn: String,
    /// What is started.
    pub machines: Machines,
    /// How long rows are kept after their last upload, in days.
    pub retention_days: u32,
}

/// Why a message goes back to the queue.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The message is no S3 event.
    #[error("the message is no S3 event")]
    Malformed,
    /// The clock gave no time that can be counted from.
    #[error("the time is not one of RFC 3339, so there is no day on which the row may go")]
    Clock(#[source] chrono::ParseError),
    /// The execution could not be started.
    #[error("the execution could not be started ({})", sdk_code(&**.0))]
    Start(#[source] Box<SfnError<StartExecutionError>>),
    /// The rejection could not be announced.
    #[error("the rejection could not be announced ({})", sdk_code(&**.0))]
    Announce(#[source] Box<SnsError<PublishError>>),
    /// The upload could not be recorded.
    #[error(transparent)]
    Table(#[from] TableFailure),
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Malformed => ErrorName::InvalidInput,
            Self::Clock(_) => ErrorName::Internal,
            Self::Start(error) => ErrorName::of_service(&**error),
            Self::Announce(error) => ErrorName::of_service(&**error),
            Self::Table(failure) => failure.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Malformed | Self::Clock(_) => None,
            Self::Start(error) => Some(sdk_code(&**error)),
            Self::Announce(error) => Some(sdk_code(&**error)),
            Self::Table(failure) => failure.code(),
        }
    }
}

impl Starter {
    /// Handles one message of the queue: an S3 event with any number of records.
    ///
    /// # Errors
    /// When a record could not be handled; doing it again does the others no harm.
    pub async fn handle(&self, body: &str, now: &str) -> Result<(), Failure> {
        for Created { object, turn } in event::created_objects(body).ok_or(Failure::Malformed)? {
            match Upload::from_key(&object.key) {
                Ok(upload) => self.start(&upload, &object, &turn, now).await?,
                Err(reason) => self.reject(reason, &object, now).await?,
            }
        }
        Ok(())
    }

    /// Records before it starts, so that no execution ever runs without a row. After a crash in between, the message comes back.
    async fn start(&self, upload: &Upload, object: &ObjectRef, turn: &Turn, now: &str) -> Result<(), Failure> {
        let id = &upload.application_id;
        note_application(id);
        let machine = match upload.kind {
            UploadKind::Package => &self.machines.onboarding,
            UploadKind::Selfie => &self.machines.identity_verification,
            UploadKind::Document => &self.machines.document_extraction,
        };
        let name = match turn {
            Turn::Upload { .. } => execution_name(id, &object.version_id),
            Turn::Replay { of } => replay_name(id, &object.version_id, of),
        };
        let execution = execution_arn(machine, &name);
        // A newer upload of the same key is judged already: nothing is started.
        let Some(row) = self.record(upload, object, turn, &execution, now).await? else {
            return Ok(());
        };
        if let Some(replaced) = replaced_failure(&row) {
            self.take_back(id, replaced, row.contains_key("outcome"), now).await?;
        }
        note_execution(&execution);
        let evidence = evidence(upload.kind);
        let input = json!({"applicationId": id, evidence: object}).to_string();
        match self.step_functions.start_execution().state_machine_arn(machine).name(&name).input(input).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // The event came again.
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(()),
                _ => Err(Failure::Start(Box::new(error))),
            },
        }
    }

    /// Writes the upload into the application's row, unless this very upload is there already, since a repeated event must not undo a
    /// verdict, or a newer one. The row, if it names this execution afterwards.
    async fn record(
        &self,
        upload: &Upload,
        object: &ObjectRef,
        turn: &Turn,
        execution: &str,
        now: &str,
    ) -> Result<Option<Row>, Failure> {
        let update = self.applications.update(&upload.application_id);
        let evidence = evidence(upload.kind);
        let (expression, execution_attribute) = match upload.kind {
            // A new package starts the application anew; its faces stay until the verdict.
            UploadKind::Package => (PACKAGE, PACKAGE_EXECUTION),
            UploadKind::Selfie => (SUPPLEMENT, SELFIE_EXECUTION),
            UploadKind::Document => (SUPPLEMENT, DOCUMENT_EXECUTION),
        };
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let update = match turn {
            // Sequencers are comparable for one key, and as text if they are of one length. Otherwise the times decide.
            Turn::Upload { sequencer: Some(sequencer), at } => update
                .update_expression(format!("SET #sequencer = :sequencer, #uploadedAt = :uploadedAt, {expression}"))
                .condition_expression(
                    "attribute_not_exists(#execution) OR (#execution <> :execution AND (attribute_not_exists(#sequencer) OR \
                     (#evidence.#key = :key AND size(#sequencer) = :length AND #sequencer < :sequencer) OR \
                     (NOT (#evidence.#key = :key AND size(#sequencer) = :length) AND \
                     (attribute_not_exists(#uploadedAt) OR #uploadedAt <= :uploadedAt))))",
                )
                .expression_attribute_names("#sequencer", format!("{evidence}Sequencer"))
                .expression_attribute_names("#uploadedAt", format!("{evidence}UploadedAt"))
                .expression_attribute_names("#key", "key")
                .expression_attribute_values(":key", text(&object.key))
                .expression_attribute_values(":length", AttributeValue::N(sequencer.len().to_string()))
                .expression_attribute_values(":sequencer", text(sequencer))
                .expression_attribute_values(":uploadedAt", text(at.as_deref().unwrap_or(now))),
            Turn::Upload { sequencer: None, .. } => update
                .update_expression(format!("SET {expression}"))
                .condition_expression("attribute_not_exists(#execution) OR #execution <> :execution"),
            Turn::Replay { of } => update
                .update_expression(format!("SET {expression}"))
                .condition_expression("#execution = :failed")
                .expression_attribute_values(":failed", text(of)),
        };
        let update = update
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#evidence", evidence)
            .expression_attribute_names("#execution", execution_attribute)
            .expression_attribute_values(":status", text("IN_PROGRESS"))
            .expression_attribute_values(":evidence", object_ref(object))
            .expression_attribute_values(":execution", text(execution))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":expires", self.expiry(now)?);
        match update.send().await {
            Ok(recorded) => Ok(Some(recorded.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let recorded = refused.item().filter(|row| column(row, execution_attribute) == Some(execution));
                    Ok(recorded.cloned())
                }
                _ => Err(TableFailure::Write(Box::new(error)).into()),
            },
        }
    }

    /// The row tells no more of a failure of an execution that another has replaced. If that one fails, it is recorded anew.
    async fn take_back(&self, id: &ApplicationId, failed: &str, is_decided: bool, now: &str) -> Result<(), Failure> {
        // Beside a verdict the reasons are the verdict's.
        let (status, removed) = if is_decided { ("DECIDED", "failure") } else { ("IN_PROGRESS", "failure, reasons") };
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let update = self
            .applications
            .update(id)
            .update_expression(format!("SET #status = :status, updatedAt = :now REMOVE {removed}"))
            .condition_expression("failure.executionArn = :failed")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status))
            .expression_attribute_values(":failed", text(failed))
            .expression_attribute_values(":now", text(now));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // A verdict has taken it back, or another failure has taken its place.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(TableFailure::Write(Box::new(error)).into()),
            },
        }
    }

    /// When the table may forget a row: seconds since 1970, as `DynamoDB` wants its time to live.
    fn expiry(&self, now: &str) -> Result<AttributeValue, Failure> {
        let now = DateTime::parse_from_rfc3339(now).map_err(Failure::Clock)?;
        Ok(AttributeValue::N((now + Days::new(self.retention_days.into())).timestamp().to_string()))
    }

    /// Records and announces an upload that belongs to no application. The key stays in the table: it may be an applicant's name.
    async fn reject(&self, reason: ReasonCode, object: &ObjectRef, now: &str) -> Result<(), Failure> {
        let id = ApplicationId::of_rejected_key(&object.key, &object.version_id);
        note_application(&id);
        note_outcome(CheckOutcome::Resubmit.name());
        note_reasons(&[reason]);
        let text = |value: &str| AttributeValue::S(value.to_owned());
        self.applications
            .update(&id)
            .update_expression(
                "SET #status = :status, outcome = :outcome, reasons = :reasons, #upload = :upload, receivedAt = :now, \
                 decidedAt = :now, updatedAt = :now, expiresAt = :expires",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#upload", "upload")
            .expression_attribute_values(":status", text("DECIDED"))
            .expression_attribute_values(":outcome", text("resubmit"))
            .expression_attribute_values(":reasons", AttributeValue::L(vec![text(reason.code())]))
            .expression_attribute_values(":upload", object_ref(object))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":expires", self.expiry(now)?)
            .send()
            .await
            .map_err(|error| TableFailure::Write(Box::new(error)))?;
        let message = json!({
            "eventId": format!("{id}:upload"),
            "applicationId": id,
            "event": "UPLOAD_REJECTED",
            "outcome": "resubmit",
            "reasons": [reason],
            "at": now,
        });
        self.sns
            .publish()
            .topic_arn(&self.topic_arn)
            .message(message.to_string())
            .send()
            .await
            .map_err(|error| Failure::Announce(Box::new(error)))?;
        Ok(())
    }
}

/// A new package starts the application anew.
const PACKAGE: &str = "#status = :status, #evidence = :evidence, #execution = :execution, receivedAt = :now, \
    updatedAt = :now, expiresAt = :expires REMOVE outcome, reasons, failure, decidedAt, packageCheck, \
    identityVerification, identityCompare, documentExtraction, thirdPartyCheck, documentFields, documentFieldsOf, duplicateFaceId, \
    LICENSE_SELFIE_MATCH, LICENSE_DETAILS_MATCH, LICENSE_VALIDATION";

/// An upload that joins an application, which may have begun with another one.
const SUPPLEMENT: &str = "#status = if_not_exists(#status, :status), #evidence = :evidence, #execution = :execution, \
    receivedAt = if_not_exists(receivedAt, :now), updatedAt = :now, expiresAt = :expires";

/// The execution that judges a selfie uploaded alone.
const SELFIE_EXECUTION: &str = "identityVerificationExecutionArn";

/// The failed execution that the row tells of, if the row names another one for its upload by now.
fn replaced_failure(row: &Row) -> Option<&str> {
    let failed = column(row.get("failure")?.as_m().ok()?, "executionArn")?;
    let is_named = |attribute| column(row, attribute) == Some(failed);
    let is_current = [PACKAGE_EXECUTION, SELFIE_EXECUTION, DOCUMENT_EXECUTION].into_iter().any(is_named);
    (!is_current).then_some(failed)
}

/// The attribute that points to an upload; its sequencer is beside it.
fn evidence(kind: UploadKind) -> &'static str {
    match kind {
        UploadKind::Package => "package",
        UploadKind::Selfie => "selfie",
        UploadKind::Document => "document",
    }
}

/// `arn:…:stateMachine:<machine>` and a name make `arn:…:execution:<machine>:<name>`.
fn execution_arn(machine_arn: &str, name: &str) -> String {
    format!("{}:{name}", machine_arn.replacen(":stateMachine:", ":execution:", 1))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{operation::update_item::UpdateItemOutput, types::error::ConditionalCheckFailedException};
    use aws_sdk_sfn::{operation::start_execution::StartExecutionOutput, types::error::ExecutionAlreadyExists};
    use aws_sdk_sns::operation::publish::PublishOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    const NOW: &str = "2026-11-21T00:00:00.000Z";

    fn body(key: &str) -> String {
        json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "evidence"}, "object": {"key": key, "versionId": "v1"}}}]})
            .to_string()
    }

    fn starter(update: &Rule, start: &Rule, publish: &Rule) -> Starter {
        let machine = |name: &str| format!("arn:aws:states:us-east-1:000000000000:stateMachine:{name}");
        Starter {
            applications: Applications::new(
                mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [update]),
                "applications".into(),
            ),
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [start]),
            sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [publish]),
            topic_arn: "topic".into(),
            machines: Machines {
                onboarding: machine("Onboarding"),
                identity_verification: machine("IdentityVerification"),
                document_extraction: machine("DocumentExtraction"),
            },
            retention_days: 365,
        }
    }

    fn recorded() -> Rule {
        mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build())
    }

    fn started(machine: &'static str) -> Rule {
        mock!(aws_sdk_sfn::Client::start_execution)
            .match_requests(move |request| {
                request.state_machine_arn().is_some_and(|arn| arn.ends_with(machine))
                    && request.name().is_some_and(|name| name.starts_with("8d247914-"))
            })
            .then_output(|| {
                let started_at = aws_sdk_sfn::primitives::DateTime::from_secs(0);
                StartExecutionOutput::builder().execution_arn("arn").start_date(started_at).build().expect("an output")
            })
    }

    fn published() -> Rule {
        mock!(aws_sdk_sns::Client::publish).then_output(|| PublishOutput::builder().build())
    }

    #[tokio::test]
    async fn each_prefix_starts_its_machine() {
        for (key, machine) in [
            ("zipped/8d247914.zip", "Onboarding"),
            ("selfie/8d247914.png", "IdentityVerification"),
            ("id_document/8d247914.jpg", "DocumentExtraction"),
        ] {
            let (update, start, publish) = (recorded(), started(machine), published());
            starter(&update, &start, &publish).handle(&body(key), NOW).await.expect("started");
            assert_eq!((update.num_calls(), start.num_calls(), publish.num_calls()), (1, 1, 0), "{key}");
        }
    }

    #[tokio::test]
    async fn every_row_has_its_day_to_go() {
        for key in ["zipped/8d247914.zip", "selfie/8d247914.png", "id_document/8d247914.jpg", "zipped/Jane+Doe.zip"] {
            let update = mock!(aws_sdk_dynamodb::Client::update_item)
                .match_requests(|request| {
                    let values = request.expression_attribute_values().expect("values");
                    // 2027-11-21T00:00:00Z
                    values[":expires"] == AttributeValue::N("1826755200".to_owned())
                        && request.update_expression().is_some_and(|update| update.contains("expiresAt = :expires"))
                })
                .then_output(|| UpdateItemOutput::builder().build());
            let start = started(match key.split_once('/').expect("a prefix").0 {
                "zipped" => "Onboarding",
                "selfie" => "IdentityVerification",
                _ => "DocumentExtraction",
            });
            starter(&update, &start, &published()).handle(&body(key), NOW).await.expect("recorded");
            assert_eq!(update.num_calls(), 1, "{key}");
        }
    }

    /// The row names another execution than the one to be recorded, or the same.
    fn refused(recorded: &'static str) -> Rule {
        mock!(aws_sdk_dynamodb::Client::update_item).then_error(move || {
            let recorded = AttributeValue::S(recorded.to_owned());
            let refused = ConditionalCheckFailedException::builder().item("executionArn", recorded).build();
            UpdateItemError::ConditionalCheckFailedException(refused)
        })
    }

    #[tokio::test]
    async fn an_event_that_comes_again_changes_nothing() {
        let name = execution_name(&"8d247914".parse().expect("an id"), "v1");
        let execution = format!("arn:aws:states:us-east-1:000000000000:execution:Onboarding:{name}");
        let update = refused(execution.leak());
        let start = mock!(aws_sdk_sfn::Client::start_execution)
            .then_error(|| StartExecutionError::ExecutionAlreadyExists(ExecutionAlreadyExists::builder().build()));
        let publish = published();
        starter(&update, &start, &publish).handle(&body("zipped/8d247914.zip"), NOW).await.expect("nothing to do");
        // It may have been recorded and not started.
        assert_eq!((update.num_calls(), start.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn an_event_that_a_newer_upload_has_overtaken_starts_nothing() {
        let (update, start) = (refused("arn:of-a-newer-upload"), started("Onboarding"));
        starter(&update, &start, &published()).handle(&body("zipped/8d247914.zip"), NOW).await.expect("nothing to do");
        assert_eq!((update.num_calls(), start.num_calls()), (1, 0));
    }

    #[tokio::test]
    async fn an_upload_is_compared_with_the_recorded_one_of_its_key() {
        let update = mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(|request| {
                let values = request.expression_attribute_values().expect("values");
                let names = request.expression_attribute_names().expect("names");
                request.condition_expression().is_some_and(|condition| {
                    condition.contains("#sequencer < :sequencer") && condition.contains("#uploadedAt <= :uploadedAt")
                }) && request.update_expression().is_some_and(|update| {
                    update.starts_with("SET #sequencer = :sequencer, #uploadedAt = :uploadedAt, ")
                }) && values[":uploadedAt"] == AttributeValue::S("2026-11-20T23:59:59.000Z".to_owned())
                    && values[":sequencer"] == AttributeValue::S("0055AED6DCD90281E5".to_owned())
                    && values[":length"] == AttributeValue::N("18".to_owned())
                    && names["#sequencer"] == "packageSequencer"
            })
            .then_output(|| UpdateItemOutput::builder().build());
        let mut event: serde_json::Value = serde_json::from_str(&body("zipped/8d247914.zip")).expect("json");
        event["Records"][0]["s3"]["object"]["sequencer"] = json!("0055AED6DCD90281E5");
        event["Records"][0]["eventTime"] = json!("2026-11-20T23:59:59Z");
        let start = started("Onboarding");
        starter(&update, &start, &published()).handle(&event.to_string(), NOW).await.expect("started");
        assert_eq!((update.num_calls(), start.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn a_replay_starts_another_execution_of_the_same_upload_once() {
        let event = |replay_of: serde_json::Value| {
            let mut event: serde_json::Value = serde_json::from_str(&body("zipped/8d247914.zip")).expect("json");
            event["Records"][0]["replayOf"] = replay_of;
            event.to_string()
        };
        let names = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = names.clone();
        let start = mock!(aws_sdk_sfn::Client::start_execution)
            .match_requests(move |request| {
                seen.lock().expect("no panic").push(request.name().expect("a name").to_owned());
                request.input().is_some_and(|input| !input.contains("replay"))
            })
            .then_output(|| {
                let started_at = aws_sdk_sfn::primitives::DateTime::from_secs(0);
                StartExecutionOutput::builder().execution_arn("arn").start_date(started_at).build().expect("an output")
            });
        for replay_of in [json!(null), json!("arn:failed"), json!("arn:failed"), json!("arn:failed-again")] {
            let starter = starter(&recorded(), &start, &published());
            starter.handle(&event(replay_of), NOW).await.expect("started");
        }
        let names = names.lock().expect("no panic");
        assert_eq!(names[1], names[2]);
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    }

    /// A row that tells of a failure.
    fn failed(also: &[(&str, &str)]) -> Row {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let failure = AttributeValue::M([("executionArn".to_owned(), text("arn:failed"))].into());
        let texts = [("status", "FAILED")].into_iter().chain(also.iter().copied());
        let texts = texts.map(|(name, value)| (name.to_owned(), text(value)));
        texts.chain([("failure".to_owned(), failure)]).collect()
    }

    /// What is written after a selfie has been recorded in this row: by an event that comes for the first time, or again.
    async fn taken_back(mut row: Row, is_first: bool) -> Vec<String> {
        let name = execution_name(&"8d247914".parse().expect("an id"), "v1");
        let execution = format!("arn:aws:states:us-east-1:000000000000:execution:IdentityVerification:{name}");
        row.insert(SELFIE_EXECUTION.to_owned(), AttributeValue::S(execution));
        let record = mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(|request| request.expression_attribute_names().expect("names").contains_key("#evidence"));
        let record = if is_first {
            record.then_output(move || UpdateItemOutput::builder().set_attributes(Some(row.clone())).build())
        } else {
            record.then_error(move || {
                let refused = ConditionalCheckFailedException::builder().set_item(Some(row.clone())).build();
                UpdateItemError::ConditionalCheckFailedException(refused)
            })
        };
        let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = written.clone();
        let restore = mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(move |request| {
                let values = request.expression_attribute_values().expect("values");
                let status = values[":status"].as_s().expect("a text");
                seen.lock().expect("no panic").push(format!("{status} {}", request.update_expression().expect("one")));
                request.condition_expression() == Some("failure.executionArn = :failed")
                    && values[":failed"] == AttributeValue::S("arn:failed".to_owned())
            })
            .then_output(|| UpdateItemOutput::builder().build());
        let (start, publish) = (started("IdentityVerification"), published());
        let mut starter = starter(&record, &start, &publish);
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&record, &restore]);
        starter.applications = Applications::new(client, "applications".into());
        starter.handle(&body("selfie/8d247914.jpg"), NOW).await.expect("started");
        assert_eq!(start.num_calls(), 1);
        written.lock().expect("no panic").clone()
    }

    #[tokio::test]
    async fn another_execution_of_a_selfie_takes_the_failure_of_the_first_back() {
        let set = "SET #status = :status, updatedAt = :now REMOVE failure";
        for is_first in [true, false] {
            let undecided = taken_back(failed(&[]), is_first).await;
            assert_eq!(undecided, [format!("IN_PROGRESS {set}, reasons")]);
            let decided = taken_back(failed(&[("outcome", "declined")]), is_first).await;
            assert_eq!(decided, [format!("DECIDED {set}")]);
        }
    }

    #[tokio::test]
    async fn the_failure_of_another_upload_is_not_taken_back() {
        for attribute in [PACKAGE_EXECUTION, DOCUMENT_EXECUTION] {
            let written = taken_back(failed(&[(attribute, "arn:failed")]), true).await;
            assert_eq!(written, Vec::<String>::new());
        }
    }

    #[tokio::test]
    async fn an_upload_of_nobody_is_recorded_and_announced_without_its_name() {
        let publish = mock!(aws_sdk_sns::Client::publish)
            .match_requests(|request| {
                let message = request.message().unwrap_or_default();
                message.contains("UPLOAD_NAME_INVALID") && !message.contains("Jane")
            })
            .then_output(|| PublishOutput::builder().build());
        let (update, start) = (recorded(), started("Onboarding"));
        starter(&update, &start, &publish).handle(&body("zipped/Jane+Doe.zip"), NOW).await.expect("rejected");
        assert_eq!((update.num_calls(), start.num_calls(), publish.num_calls()), (1, 0, 1));
    }

    #[tokio::test]
    async fn a_message_that_is_no_event_goes_back() {
        let (update, start, publish) = (recorded(), started("Onboarding"), published());
        let result = starter(&update, &start, &publish).handle("{\"Records\": 7}", NOW).await;
        assert_eq!(result.expect_err("malformed").name(), ErrorName::InvalidInput);
    }

    #[test]
    fn execution_arns_are_derived() {
        assert_eq!(
            execution_arn("arn:aws:states:us-east-1:1:stateMachine:Onboarding", "a-1"),
            "arn:aws:states:us-east-1:1:execution:Onboarding:a-1"
        );
    }
}

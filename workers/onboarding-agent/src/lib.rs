//! The functions that the agent of a conversation calls.
//!
//! The model decides what to say and which function to call; it takes no decision about a person. The order of the steps, the consent and
//! the results are checked here and in the machine `AgentOnboarding`. The model gets no part of a national number, and of every refusal the
//! same answer: otherwise a stranger could learn whose data are right, or who is a customer.

pub mod bedrock;
mod session;

use std::time::Duration;

use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::{PresigningConfig, PresigningConfigError};
use aws_sdk_sfn::{
    error::SdkError,
    operation::start_sync_execution::{StartSyncExecutionError, StartSyncExecutionOutput},
    types::SyncExecutionStatus,
};
use bonafide_domain::nordic::{Country, Evidence};
use bonafide_domain::{ReasonClass, ReasonCode};
use bonafide_worker::{
    ErrorName, TaskError, WorkerError, record_application, record_execution, record_reasons, sdk_code,
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use crate::bedrock::{Answer, Event};
use crate::bedrock::{FunctionResponse, MESSAGE_VERSION, Response, ResponseBody, ResponseState, Text};
use crate::session::{Progress, Session};

/// The action group, as the template names it.
pub const ACTION_GROUP: &str = "onboarding";
/// How long an upload address is valid, in seconds.
const UPLOAD_SECONDS: u64 = 900;
/// The accepted content types, with the extension of the key.
const CONTENT_TYPES: [(&str, &str); 2] = [("image/jpeg", "jpg"), ("image/png", "png")];

/// The machine and the bucket.
#[derive(Debug)]
pub struct Onboarding {
    /// A client whose timeout is longer than the longest execution.
    pub machines: aws_sdk_sfn::Client,
    /// ARN of `AgentOnboarding`.
    pub machine: String,
    /// Signs upload addresses, and finds the version of a selfie.
    pub s3: aws_sdk_s3::Client,
    /// Where pictures are uploaded.
    pub bucket: String,
}

/// The time and an unused id, which do not come from the event.
#[derive(Clone, Debug)]
pub struct Moment {
    /// ISO 8601, UTC.
    pub now: String,
    /// The date of `now`.
    pub today: NaiveDate,
    /// An unused id.
    pub id: Uuid,
}

/// The functions of the action group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// The person consents or refuses.
    GiveConsent,
    /// Returns an upload address for a picture.
    RequestUpload,
    /// The first step of the machine.
    ReadDocument,
    /// The second step.
    VerifyIdentity,
    /// The third step.
    RegisterCustomer,
    /// All three steps.
    CompleteOnboarding,
}

impl Function {
    /// All functions, in order.
    pub const ALL: [Self; 6] = [
        Self::GiveConsent,
        Self::RequestUpload,
        Self::ReadDocument,
        Self::VerifyIdentity,
        Self::RegisterCustomer,
        Self::CompleteOnboarding,
    ];

    /// The name in the action group.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GiveConsent => "give_consent",
            Self::RequestUpload => "request_upload",
            Self::ReadDocument => "read_document",
            Self::VerifyIdentity => "verify_identity",
            Self::RegisterCustomer => "register_customer",
            Self::CompleteOnboarding => "complete_onboarding",
        }
    }
}

/// The body of an answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnswerBody {
    /// What the model should tell the person or do next.
    pub message: String,
    /// The result of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<MachineResult>,
    /// The reason codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonCode>,
    /// The id of the new customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Where the picture is uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// Where and how a picture is uploaded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upload {
    /// Always `PUT`.
    pub method: String,
    /// A signed address for this object.
    pub url: String,
    /// The header that the upload must have.
    pub content_type: String,
    /// How long the address is valid.
    pub expires_in_seconds: u64,
}

/// The result of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MachineResult {
    /// The step is done; others remain.
    Ok,
    /// A better picture is needed.
    Resubmit,
    /// The person was not confirmed, or is not proven to be the one on the document.
    Unverified,
    /// The person is a customer now.
    Registered,
    /// The person already was a customer.
    AlreadyRegistered,
}

/// The output of the machine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MachineOutput {
    result: MachineResult,
    reasons: Vec<ReasonCode>,
    customer_id: Option<String>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event is of another action group or function.
    #[error("the event is of another action group, or of a function that does not exist")]
    UnknownFunction,
    /// No address could be signed.
    #[error("no upload address could be signed")]
    Signing(#[source] PresigningConfigError),
    /// No address could be signed, because there are no credentials.
    #[error("no upload address could be signed ({})", sdk_code(&**.0))]
    Credentials(#[source] Box<SdkError<aws_sdk_s3::operation::put_object::PutObjectError>>),
    /// S3 did not say whether there is a selfie.
    #[error("the selfie could not be found ({})", sdk_code(&**.0))]
    Selfie(#[source] Box<SdkError<HeadObjectError>>),
    /// The machine could not be started, or did not answer.
    #[error("the machine did not answer ({})", sdk_code(&**.0))]
    Machine(#[source] Box<SdkError<StartSyncExecutionError>>),
    /// The machine could not judge.
    #[error("the machine could not judge: {0}")]
    NotJudged(ReasonCode),
    /// The output of the machine does not match its contract.
    #[error("the output of the machine does not match its contract")]
    Result(#[source] Option<serde_json::Error>),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::UnknownFunction => ErrorName::InvalidInput,
            Self::Signing(_) | Self::Result(_) => ErrorName::Internal,
            Self::Credentials(error) => ErrorName::of_service(&**error),
            Self::Selfie(error) => ErrorName::of_service(&**error),
            Self::Machine(error) => ErrorName::of_service(&**error),
            Self::NotJudged(_) => ErrorName::Transient,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::UnknownFunction | Self::Signing(_) | Self::Result(_) => None,
            Self::Credentials(error) => Some(sdk_code(&**error)),
            Self::Selfie(error) => Some(sdk_code(&**error)),
            Self::Machine(error) => Some(sdk_code(&**error)),
            Self::NotJudged(reason) => Some(reason.code()),
        }
    }
}

/// Handles one call by the model.
///
/// # Errors
/// When the system fails. If the person or the model must do something first, that is an answer and not an error.
pub async fn handle(onboarding: &Onboarding, event: Event, moment: &Moment) -> Result<Answer, Error> {
    let function = Function::ALL.into_iter().find(|function| function.name() == event.function);
    let function = function.filter(|_| event.action_group == ACTION_GROUP).ok_or(Error::UnknownFunction)?;
    let mut session = Session::read(&event.session_attributes);
    if let Some(id) = &session.id {
        record_application(id);
    }
    let answered = match function {
        Function::GiveConsent => give_consent(&event, &mut session, moment),
        Function::RequestUpload => request_upload(onboarding, &event, &mut session, moment).await?,
        Function::ReadDocument => onboarding.step(&mut session, Some("extract"), moment).await?,
        Function::VerifyIdentity => onboarding.step(&mut session, Some("verify"), moment).await?,
        Function::RegisterCustomer => onboarding.step(&mut session, Some("register"), moment).await?,
        Function::CompleteOnboarding => onboarding.step(&mut session, None, moment).await?,
    };
    let (body, state) = match answered {
        Ok(body) => (body, None),
        Err(Missing(message)) => {
            (AnswerBody { message: message.to_owned(), ..AnswerBody::default() }, Some(ResponseState::Reprompt))
        }
    };
    Ok(Answer::new(&event, session.attributes(&event.session_attributes), &body, state))
}

/// What is missing, as an instruction for the model.
struct Missing(&'static str);

const NO_CONSENT: Missing = Missing(
    "The person has not consented. Explain that a picture of an identity document is read and compared with a selfie, and that the national \
     register is asked, ask whether they agree, and call give_consent with their answer.",
);
const UNCLEAR_CONSENT: Missing = Missing(
    "consent has to be true or false, as the person has said. Ask again, and call give_consent with their answer.",
);
const UNKNOWN_COUNTRY: Missing = Missing(
    "country has to be DK, SE, NO or FI: the country of the person's identity document. Ask for it, and call give_consent again.",
);
const UNKNOWN_PICTURE: Missing =
    Missing("picture has to be document or selfie. Call request_upload again with the one that the person sends.");
const UNKNOWN_TYPE: Missing =
    Missing("contentType has to be image/jpeg or image/png. Ask the person for a picture of that kind.");
const NO_DOCUMENT: Missing =
    Missing("There is no document. Call request_upload and wait until the person has uploaded it.");
const NOT_READ: Missing = Missing("The document has not been read. Call read_document first.");
const NOT_VERIFIED: Missing = Missing("The person has not been verified. Call verify_identity first.");

fn give_consent(event: &Event, session: &mut Session, moment: &Moment) -> Result<AnswerBody, Missing> {
    let body = |message: &str| Ok(AnswerBody { message: message.to_owned(), ..AnswerBody::default() });
    match event.parameter("consent").map(str::to_ascii_lowercase).as_deref() {
        Some("true") => {}
        Some("false") => {
            session.withdraw();
            return body(
                "Without consent the document is not read and the register is not asked. Thank the person and end the conversation.",
            );
        }
        _ => return Err(UNCLEAR_CONSENT),
    }
    let country = event.parameter("country").and_then(|country| country.to_ascii_uppercase().parse::<Country>().ok());
    session.consent(country.ok_or(UNKNOWN_COUNTRY)?, moment);
    if let Some(id) = &session.id {
        record_application(id);
    }
    body("The consent is recorded. Call request_upload next.")
}

async fn request_upload(
    onboarding: &Onboarding,
    event: &Event,
    session: &mut Session,
    moment: &Moment,
) -> Result<Result<AnswerBody, Missing>, Error> {
    let Some((country, id)) = session.consented() else { return Ok(Err(NO_CONSENT)) };
    let (picture, message) = match event.parameter("picture").map(str::to_ascii_lowercase).as_deref() {
        None | Some("document") => (
            Evidence::Document,
            "Give the person this address for a picture of the front of their identity document, flat and in good light, of at most 5 MB. \
             Call read_document when they say that it is uploaded.",
        ),
        Some("selfie") => (
            Evidence::Selfie,
            "Give the person this address for a selfie: alone, in good light, taken now and not a picture of a picture, of at most 5 MB. \
             Call verify_identity when they say that it is uploaded.",
        ),
        Some(_) => return Ok(Err(UNKNOWN_PICTURE)),
    };
    let kind = event.parameter("contentType").map(str::to_ascii_lowercase);
    let kind = kind.and_then(|kind| CONTENT_TYPES.into_iter().find(|(content_type, _)| *content_type == kind));
    let Some((content_type, extension)) = kind else { return Ok(Err(UNKNOWN_TYPE)) };
    let key = picture.key(country, moment.today, id, extension);
    let expiry = PresigningConfig::expires_in(Duration::from_secs(UPLOAD_SECONDS)).map_err(Error::Signing)?;
    let put = onboarding.s3.put_object().bucket(&onboarding.bucket).key(&key).content_type(content_type);
    let signed = put.presigned(expiry).await.map_err(|error| Error::Credentials(Box::new(error)))?;
    session.uploads_to(key, picture);
    Ok(Ok(AnswerBody {
        message: message.to_owned(),
        upload: Some(Upload {
            method: signed.method().to_owned(),
            url: signed.uri().to_owned(),
            content_type: content_type.to_owned(),
            expires_in_seconds: UPLOAD_SECONDS,
        }),
        ..AnswerBody::default()
    }))
}

impl Onboarding {
    /// One step of the machine, or all of them.
    async fn step(
        &self,
        session: &mut Session,
        step: Option<&'static str>,
        moment: &Moment,
    ) -> Result<Result<AnswerBody, Missing>, Error> {
        let Some((country, id)) = session.consented() else { return Ok(Err(NO_CONSENT)) };
        let (Some(key), Some(consented_at)) = (&session.document_key, &session.consented_at) else {
            return Ok(Err(NO_DOCUMENT));
        };
        match step {
            Some("verify") if !session.is_read() => return Ok(Err(NOT_READ)),
            Some("register") if !session.is_verified() => return Ok(Err(NOT_VERIFIED)),
            _ => {}
        }
        let mut input = json!({
            "sessionId": id,
            "country": country,
            "document": {"bucket": self.bucket, "key": key},
            "consentedAt": consented_at,
        });
        if let Some(step) = step {
            input["step"] = json!(step);
        }
        // The other steps compare no faces.
        if let (None | Some("verify"), Some(key)) = (step, &session.selfie_key)
            && let Some(version) = self.version_of(key).await?
        {
            input["selfie"] = json!({"bucket": self.bucket, "key": key, "versionId": version});
        }
        let output = self.run(&format!("{id}-{}", &moment.id.simple().to_string()[..12]), &input).await?;
        record_reasons(&output.reasons);
        session.progress = Some(match (output.result, step) {
            (MachineResult::Ok, Some("verify")) => Progress::Verified,
            (MachineResult::Ok, _) => Progress::Extracted,
            (MachineResult::Resubmit, _) => Progress::Resubmit,
            (MachineResult::Unverified, _) => Progress::Unverified,
            (MachineResult::Registered, _) => Progress::Registered,
            (MachineResult::AlreadyRegistered, _) => Progress::AlreadyRegistered,
        });
        let (message, reasons) = told(&output, step);
        Ok(Ok(AnswerBody {
            message,
            result: Some(output.result),
            reasons,
            customer_id: output.customer_id,
            upload: None,
        }))
    }

    /// The current version of a selfie; none if it is not uploaded. The machine judges this version, whatever is uploaded later.
    async fn version_of(&self, key: &str) -> Result<Option<String>, Error> {
        match self.s3.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => Ok(found.version_id),
            // Without permission to list the bucket, S3 answers 403 for an object that does not exist. Answers to HEAD have no code.
            Err(error) if error.raw_response().is_some_and(|answer| matches!(answer.status().as_u16(), 403 | 404)) => {
                Ok(None)
            }
            Err(error) => Err(Error::Selfie(Box::new(error))),
        }
    }

    /// Starts the machine and waits for its result. The execution's name begins with the session id, so that operators can find it.
    async fn run(&self, name: &str, input: &Value) -> Result<MachineOutput, Error> {
        let start = self.machines.start_sync_execution().state_machine_arn(&self.machine).name(name);
        let ended = start.input(input.to_string()).send().await.map_err(|error| Error::Machine(Box::new(error)))?;
        record_execution(ended.execution_arn());
        result(&ended)
    }
}

/// Error and cause of the execution are not passed on, except a reason code that the machine uses as its error.
fn result(ended: &StartSyncExecutionOutput) -> Result<MachineOutput, Error> {
    if *ended.status() != SyncExecutionStatus::Succeeded {
        let reason = ended.error().and_then(|error| error.parse().ok());
        return Err(Error::NotJudged(reason.unwrap_or(ReasonCode::SystemUnavailable)));
    }
    let output = ended.output().ok_or(Error::Result(None))?;
    serde_json::from_str(output).map_err(|error| Error::Result(Some(error)))
}

/// What the model should tell the person and do next, with the reasons that it may know.
///
/// Reasons of the picture are told. All others that refuse are one answer: it says neither what the register knows nor whether there is a
/// customer. `User already registered` is only the result for a person who is proven to be the one on the document.
fn told(output: &MachineOutput, step: Option<&str>) -> (String, Vec<ReasonCode>) {
    let is_told =
        |reason: &ReasonCode| reason.class() == ReasonClass::Correctable || *reason == ReasonCode::AttemptsExhausted;
    let reasons = match output.result {
        MachineResult::Unverified if !output.reasons.iter().all(is_told) => vec![ReasonCode::IdentityUnproven],
        _ => output.reasons.clone(),
    };
    let sentences: Vec<_> = reasons.iter().map(|reason| reason.applicant()).collect();
    let sentences = sentences.join(" ");
    let message = match output.result {
        MachineResult::Ok if step == Some("verify") => {
            "The person is confirmed. Call register_customer next.".to_owned()
        }
        MachineResult::Ok => {
            "The document was read. If there is no selfie yet, call request_upload for one. Then call verify_identity."
                .to_owned()
        }
        MachineResult::Resubmit => format!("{sentences} Call request_upload for another picture."),
        MachineResult::Unverified if reasons == [ReasonCode::AttemptsExhausted] => {
            format!("{sentences} End the conversation.")
        }
        MachineResult::Unverified if reasons == [ReasonCode::IdentityUnproven] => format!(
            "{sentences} Tell the person exactly this. If they have sent no selfie, they may send one: call request_upload for it, then \
             verify_identity again. Otherwise end the conversation."
        ),
        MachineResult::Unverified => {
            format!("The person could not be verified. {sentences} They may try again: call request_upload.")
        }
        MachineResult::Registered => "The person is registered. Congratulate them and end the conversation.".to_owned(),
        MachineResult::AlreadyRegistered => {
            "User already registered. Tell the person so and end the conversation.".to_owned()
        }
    };
    (message, reasons)
}

impl Answer {
    fn new(
        event: &Event,
        session_attributes: bedrock::Attributes,
        body: &AnswerBody,
        state: Option<ResponseState>,
    ) -> Self {
        Self {
            message_version: MESSAGE_VERSION.to_owned(),
            response: Response {
                action_group: event.action_group.clone(),
                function: event.function.clone(),
                function_response: FunctionResponse {
                    response_state: state,
                    response_body: ResponseBody { text: Text { body: json!(body).to_string() } },
                },
            },
            session_attributes,
            prompt_session_attributes: event.prompt_session_attributes.clone(),
        }
    }

    /// The answer to a call that failed. It contains no details.
    #[must_use]
    pub fn of_error(payload: &Value, error: &WorkerError) -> Self {
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        let attributes = |name: &str| serde_json::from_value(payload[name].clone()).unwrap_or_default();
        let reason: Option<ReasonCode> = error.code.as_deref().and_then(|code| code.parse().ok());
        let reason = reason.filter(|reason| reason.class() == ReasonClass::Technical);
        let reason = reason.unwrap_or(ReasonCode::SystemUnavailable);
        let body =
            AnswerBody { message: reason.applicant().to_owned(), reasons: vec![reason], ..AnswerBody::default() };
        let event = Event {
            message_version: MESSAGE_VERSION.to_owned(),
            agent: bedrock::Agent::default(),
            session_id: String::new(),
            input_text: bonafide_domain::Personal::default(),
            action_group: text("actionGroup"),
            function: text("function"),
            parameters: Vec::new(),
            session_attributes: bedrock::Attributes::default(),
            prompt_session_attributes: attributes("promptSessionAttributes"),
        };
        Self::new(&event, attributes("sessionAttributes"), &body, Some(ResponseState::Failure))
    }

    /// The body of the answer.
    ///
    /// # Errors
    /// When it was not written by this function.
    pub fn body(&self) -> Result<AnswerBody, serde_json::Error> {
        serde_json::from_str(&self.response.function_response.response_body.text.body)
    }
}

#[cfg(test)]
mod tests;

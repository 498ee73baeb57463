//! The tools of a conversation.
//!
//! The model decides what to say and which tool to call; it takes no decision about a person. The order of the steps, the consent and
//! the results are checked here and in the machine `AgentOnboarding`. The model gets no part of a national number, and of every refusal the
//! same answer: otherwise a stranger could learn whose data are right, or who is a customer.

pub mod bedrock;
pub mod gateway;
mod session;

use std::{fmt, time::Duration};

use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::{PresigningConfig, PresigningConfigError};
use aws_sdk_sfn::{
    error::SdkError,
    operation::{
        start_execution::StartExecutionError,
        start_sync_execution::{StartSyncExecutionError, StartSyncExecutionOutput},
    },
    types::SyncExecutionStatus,
};
use bonafide_domain::nordic::{ConsentText, Country, Evidence, Person, Tool, WithdrawnConsent};
use bonafide_domain::{ReasonClass, ReasonCode};
use bonafide_worker::{
    ErrorName, ServiceError, TaskError, WorkerError, record_application, record_execution, record_reasons, sdk_code,
};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use crate::session::Sessions;
use crate::session::{Progress, Session, Standing};

/// How long an upload address is valid, in seconds.
const UPLOAD_SECONDS: u64 = 900;
/// How long after a withdrawal something that had begun before may still be written, in seconds: an upload that began with the last second
/// of its address. A call of a tool and the execution that it starts take less.
const SETTLING_SECONDS: i64 = UPLOAD_SECONDS.cast_signed() + 300;
/// The accepted content types, with the extension of the key.
const CONTENT_TYPES: [(&str, &str); 2] = [("image/jpeg", "jpg"), ("image/png", "png")];

/// The machine, the bucket and the sessions.
#[derive(Debug)]
pub struct Onboarding {
    /// A client whose timeout is longer than the longest execution.
    pub machines: aws_sdk_sfn::Client,
    /// ARN of `AgentOnboarding`.
    pub machine: String,
    /// ARN of `Erasure`.
    pub erasure: String,
    /// Signs upload addresses, and finds the version of a selfie.
    pub s3: aws_sdk_s3::Client,
    /// Where pictures are uploaded.
    pub bucket: String,
    /// The state of each conversation.
    pub sessions: Sessions,
    /// Whether the stage has a classic agent, whose events are accepted as well.
    pub has_classic_agent: bool,
}

/// The time and an unused id, which do not come from the event.
#[derive(Clone, Debug)]
pub struct Moment {
    /// ISO 8601, UTC.
    pub now: String,
    /// The date of `now`.
    pub today: NaiveDate,
    /// `now` in seconds since 1970.
    pub seconds: i64,
    /// An unused id.
    pub id: Uuid,
}

/// An event: a call of a tool, in the format of its sender. What a model has sent is not printed.
pub enum Event {
    /// By a gateway of `AgentCore`.
    Gateway(gateway::Event),
    /// By a classic agent, with all that its answer repeats.
    Classic(bedrock::Event, Value),
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Map::deserialize(deserializer)?;
        let is_call = gateway::has_caller(&event);
        let event = Value::Object(event);
        if is_call {
            serde_json::from_value(event).map(Self::Gateway).map_err(D::Error::custom)
        } else {
            let parsed = serde_json::from_value(event.clone()).map_err(D::Error::custom)?;
            Ok(Self::Classic(parsed, event))
        }
    }
}

/// A call of a tool by a person.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    tool: Tool,
    person: Person,
    consent: Consent,
    arguments: Arguments,
}

/// How the person consents.
#[derive(Clone, Debug)]
pub(crate) enum Consent {
    /// On a page, which has not sent this call.
    Absent,
    /// On the page that has sent this call.
    OnPage(ConsentText),
    /// In the conversation: no page asks for it.
    InConversation,
}

/// The arguments from the model, which may contain anything that the person has said.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// These arguments.
    #[must_use]
    pub fn new(given: Map<String, Value>) -> Self {
        Self(given)
    }

    /// An argument in lower case, if it is not empty. Models confuse booleans with their text.
    fn word(&self, name: &str) -> Option<String> {
        let word = match self.0.get(name)? {
            Value::String(text) => text.trim().to_ascii_lowercase(),
            Value::Bool(value) => value.to_string(),
            _ => return None,
        };
        Some(word).filter(|word| !word.is_empty())
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// An answer, in the format of the sender of the event.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The gateway makes the text of the tool's result of it.
    Gateway(AnswerBody),
    /// For a classic agent.
    Classic(bedrock::Answer),
}

/// Why a call has not succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// The system failed. A classic agent ends the turn with `DependencyFailedException`.
    Failure,
    /// Something is missing: the model reads the message and continues.
    Reprompt,
}

/// The body of an answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnswerBody {
    /// What the model should tell the person or do next.
    pub message: String,
    /// Absent when the call succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
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
    /// The event is of an agent, or of a tool, that the stage does not have.
    #[error("the event is of an agent, a session or a tool that does not exist")]
    UnknownTool,
    /// The session could not be read or written, or its erasure could not be started.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Another call has changed the session.
    #[error("another call has changed the session")]
    Changed,
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
            Self::UnknownTool => ErrorName::InvalidInput,
            Self::Service(error) => error.name(),
            Self::Signing(_) | Self::Result(_) => ErrorName::Internal,
            Self::Credentials(error) => ErrorName::of_service(&**error),
            Self::Selfie(error) => ErrorName::of_service(&**error),
            Self::Machine(error) => ErrorName::of_service(&**error),
            Self::NotJudged(_) | Self::Changed => ErrorName::Transient,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::UnknownTool | Self::Changed | Self::Signing(_) | Self::Result(_) => None,
            Self::Service(error) => error.code(),
            Self::Credentials(error) => Some(sdk_code(&**error)),
            Self::Selfie(error) => Some(sdk_code(&**error)),
            Self::Machine(error) => Some(sdk_code(&**error)),
            Self::NotJudged(reason) => Some(reason.code()),
        }
    }
}

/// Handles one call by the model, or by a page.
///
/// # Errors
/// When the system fails. If the person or the model must do something first, that is an answer and not an error.
pub async fn handle(onboarding: &Onboarding, event: Event, moment: &Moment) -> Result<Answer, Error> {
    match event {
        Event::Gateway(event) => Ok(Answer::Gateway(onboarding.answer(event.call(), moment).await?)),
        Event::Classic(event, payload) if onboarding.has_classic_agent => {
            let body = onboarding.answer(event.call()?, moment).await?;
            Ok(Answer::Classic(bedrock::Answer::new(&payload, &body)))
        }
        Event::Classic(..) => Err(Error::UnknownTool),
    }
}

/// What is missing, as an instruction for the model.
struct Missing(&'static str);

type Answered = Result<AnswerBody, Missing>;

const NO_CONSENT: Missing = Missing(
    "The person has not consented. Explain that a picture of an identity document is read and compared with a selfie, and that the national \
     register is asked, ask whether they agree, and call give_consent with their answer.",
);
const NO_CONSENT_ON_PAGE: Missing = Missing(
    "The person has not consented. Ask them to read the text on the page, and to agree to it there. Continue when they say that they have.",
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

const REFUSED: &str = "Without consent the document is not read and the register is not asked. Thank the person and end the conversation.";
const WITHDRAWN: &str = "The consent is withdrawn. Nothing more is read or asked, and what this conversation has recorded is erased within an \
     hour, pictures included. Only data that the company has to keep by law stay until it may erase them, such as those of a person who is \
     a customer by now. Tell the person exactly this, and end the conversation.";

fn say(message: &str) -> AnswerBody {
    AnswerBody { message: message.to_owned(), ..AnswerBody::default() }
}

impl Consent {
    const fn missing(&self) -> Missing {
        match self {
            Self::Absent | Self::OnPage(_) => NO_CONSENT_ON_PAGE,
            Self::InConversation => NO_CONSENT,
        }
    }
}

impl Onboarding {
    async fn answer(&self, call: Call, moment: &Moment) -> Result<AnswerBody, Error> {
        let standing = self.sessions.of(&call.person, moment).await?;
        if let Some(session) = &standing.session {
            record_application(&session.id);
        }
        let answered = match (call.tool, &standing.session) {
            (Tool::GiveConsent, _) => self.give_consent(&call, &standing, moment).await?,
            (_, None) => Err(call.consent.missing()),
            (Tool::RequestUpload, Some(session)) => self.request_upload(&call, session, moment).await?,
            (Tool::ReadDocument, Some(session)) => self.step(&call, session, Some("extract"), moment).await?,
            (Tool::VerifyIdentity, Some(session)) => self.step(&call, session, Some("verify"), moment).await?,
            (Tool::RegisterCustomer, Some(session)) => self.step(&call, session, Some("register"), moment).await?,
            (Tool::CompleteOnboarding, Some(session)) => self.step(&call, session, None, moment).await?,
        };
        Ok(answered.unwrap_or_else(|Missing(message)| AnswerBody { state: Some(State::Reprompt), ..say(message) }))
    }

    async fn give_consent(&self, call: &Call, standing: &Standing, moment: &Moment) -> Result<Answered, Error> {
        let Call { person, consent, arguments, .. } = call;
        match arguments.word("consent").as_deref() {
            Some("true") => {}
            Some("false") => {
                let Some(session) = &standing.session else { return Ok(Ok(say(REFUSED))) };
                // The erasure first: it also ends the session, if this call does not come to its end.
                self.erase(session, moment).await?;
                self.sessions.end(person, session).await?;
                return Ok(Ok(say(WITHDRAWN)));
            }
            _ => return Ok(Err(UNCLEAR_CONSENT)),
        }
        let country =
            arguments.word("country").and_then(|country| country.to_ascii_uppercase().parse::<Country>().ok());
        let Some(country) = country else { return Ok(Err(UNKNOWN_COUNTRY)) };
        match (&standing.session, consent) {
            (Some(session), _) => {
                if session.country != country {
                    self.sessions.move_to(person, session, country).await?;
                }
            }
            (None, Consent::Absent) => return Ok(Err(NO_CONSENT_ON_PAGE)),
            (None, Consent::OnPage(_) | Consent::InConversation) => {
                let text = if let Consent::OnPage(text) = consent { Some(text) } else { None };
                let Some(session) = self.sessions.begin(person, standing, (country, text), moment).await? else {
                    let reason = ReasonCode::AttemptsExhausted;
                    let message = format!("{} End the conversation.", reason.applicant());
                    return Ok(Ok(AnswerBody { reasons: vec![reason], ..say(&message) }));
                };
                record_application(&session.id);
            }
        }
        Ok(Ok(say("The consent is recorded. Call request_upload next.")))
    }

    /// Starts the erasure of what a session has recorded. A session is erased once: the execution has its name.
    async fn erase(&self, session: &Session, moment: &Moment) -> Result<(), Error> {
        let settled = DateTime::from_timestamp(moment.seconds + SETTLING_SECONDS, 0).unwrap_or_default();
        let consent = WithdrawnConsent {
            at: session.consented_at.clone(),
            withdrawn_at: moment.now.clone(),
            text: session.consent.clone(),
        };
        let input = json!({
            "applicationId": session.id,
            "scope": "everything",
            "asOf": settled.to_rfc3339_opts(SecondsFormat::Millis, true),
            "requestedBy": "applicant",
            "consent": consent,
        });
        let name = format!("{}-withdrawal", session.id);
        record_execution(&format!("{}:{name}", self.erasure.replacen(":stateMachine:", ":execution:", 1)));
        let start = self.machines.start_execution().state_machine_arn(&self.erasure).name(name);
        match start.input(input.to_string()).send().await {
            Err(error) if !error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => {
                Err(ServiceError::new("the erasure could not be started", error).into())
            }
            _ => Ok(()),
        }
    }

    async fn request_upload(&self, call: &Call, session: &Session, moment: &Moment) -> Result<Answered, Error> {
        let (picture, message) = match call.arguments.word("picture").as_deref() {
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
        let kind = call.arguments.word("contentType");
        let kind = kind.and_then(|kind| CONTENT_TYPES.into_iter().find(|(content_type, _)| *content_type == kind));
        let Some((content_type, extension)) = kind else { return Ok(Err(UNKNOWN_TYPE)) };
        let key = picture.key(session.country, moment.today, &session.id, extension);
        let expiry = PresigningConfig::expires_in(Duration::from_secs(UPLOAD_SECONDS)).map_err(Error::Signing)?;
        let put = self.s3.put_object().bucket(&self.bucket).key(&key).content_type(content_type);
        let signed = put.presigned(expiry).await.map_err(|error| Error::Credentials(Box::new(error)))?;
        self.sessions.uploads_to(&call.person, session, (&key, picture)).await?;
        let upload = Upload {
            method: signed.method().to_owned(),
            url: signed.uri().to_owned(),
            content_type: content_type.to_owned(),
            expires_in_seconds: UPLOAD_SECONDS,
        };
        Ok(Ok(AnswerBody { upload: Some(upload), ..say(message) }))
    }

    /// One step of the machine, or all of them.
    async fn step(
        &self,
        call: &Call,
        session: &Session,
        step: Option<&'static str>,
        moment: &Moment,
    ) -> Result<Answered, Error> {
        let Some(key) = &session.document_key else { return Ok(Err(NO_DOCUMENT)) };
        match step {
            Some("verify") if !session.is_read() => return Ok(Err(NOT_READ)),
            Some("register") if !session.is_verified() => return Ok(Err(NOT_VERIFIED)),
            _ => {}
        }
        let mut input = json!({
            "sessionId": session.id,
            "country": session.country,
            "document": {"bucket": self.bucket, "key": key},
            "consentedAt": session.consented_at,
        });
        if let Some(consent) = &session.consent {
            input["consent"] = json!(consent);
        }
        if let Some(step) = step {
            input["step"] = json!(step);
        }
        // The other steps compare no faces.
        if let (None | Some("verify"), Some(key)) = (step, &session.selfie_key)
            && let Some(version) = self.version_of(key).await?
        {
            input["selfie"] = json!({"bucket": self.bucket, "key": key, "versionId": version});
        }
        let name = format!("{}-{}", session.id, &moment.id.simple().to_string()[..12]);
        let output = self.run(&name, &input).await?;
        record_reasons(&output.reasons);
        let progress = match (output.result, step) {
            (MachineResult::Ok, Some("verify")) => Progress::Verified,
            (MachineResult::Ok, _) => Progress::Extracted,
            (MachineResult::Resubmit, _) => Progress::Resubmit,
            (MachineResult::Unverified, _) => Progress::Unverified,
            (MachineResult::Registered, _) => Progress::Registered,
            (MachineResult::AlreadyRegistered, _) => Progress::AlreadyRegistered,
        };
        self.sessions.advance(&call.person, session, key, progress).await?;
        let (message, reasons) = told(&output, step);
        let customer_id = output.customer_id;
        Ok(Ok(AnswerBody { result: Some(output.result), reasons, customer_id, ..say(&message) }))
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
    /// The answer to a call that failed. It contains no details.
    #[must_use]
    pub fn of_error(payload: &Value, error: &WorkerError) -> Self {
        let reason: Option<ReasonCode> = error.code.as_deref().and_then(|code| code.parse().ok());
        let reason = reason.filter(|reason| reason.class() == ReasonClass::Technical);
        let reason = reason.unwrap_or(ReasonCode::SystemUnavailable);
        let body = AnswerBody { state: Some(State::Failure), reasons: vec![reason], ..say(reason.applicant()) };
        match payload.as_object() {
            Some(event) if !gateway::has_caller(event) => Self::Classic(bedrock::Answer::new(payload, &body)),
            _ => Self::Gateway(body),
        }
    }
}

#[cfg(test)]
mod tests;

//! A worker that API Gateway calls, as a REST API's Lambda proxy integration.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>

use std::{collections::HashMap, str::FromStr, time::Duration};

use bonafide_domain::face_api::{ApiError, Caller, IdempotencyKey, PersonReaders, Refusal};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, Visitor, value},
    forward_to_deserialize_any,
};
use serde_json::{Map, Value, json};
use tokio::time::timeout_at;

use crate::{
    ErrorName, Measurement, Report, TaskError, Worker, input, note_outcome,
    observer::{Observer, note_code},
    pace::Deadline,
};

/// Kept of an invocation's time for saying that it was not enough.
const RESERVE: Duration = Duration::from_millis(500);

/// What the template says of the API itself.
#[derive(Clone, Debug)]
pub struct Api {
    origins: Vec<String>,
    readers: PersonReaders,
}

impl Api {
    /// `origins` are those of the web pages that may read answers, with commas between them; empty when there are none.
    #[must_use]
    pub fn new(origins: &str) -> Self {
        let origins = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned);
        Self { origins: origins.collect(), readers: PersonReaders::default() }
    }

    /// `readers` are the roles and users that may read the person behind a face, by their ARNs with commas between them. Tokens with
    /// the scope may in any case.
    #[must_use]
    pub fn with_person_readers(self, readers: &str) -> Self {
        let Ok(readers) = readers.parse();
        Self { readers, ..self }
    }
}

/// A request, as far as workers look at it.
#[derive(Debug)]
pub struct ApiRequest {
    event: Event,
    caller: Caller,
}

/// Of API Gateway's event, what is read. The rest (addresses, user agents, queries) is nobody's business here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    headers: Option<HashMap<String, Option<String>>>,
    path_parameters: Option<HashMap<String, String>>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    identity: Option<Identity>,
    authorizer: Option<Authorizer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    user_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Authorizer {
    claims: Option<Map<String, Value>>,
}

impl std::fmt::Debug for Event {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl ApiRequest {
    /// Reads API Gateway's event.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(payload: Value, api: &Api) -> Result<Self, Report> {
        Ok(Self::of(input::parse(payload)?, &api.readers))
    }

    fn of(event: Event, readers: &PersonReaders) -> Self {
        let claims = event.request_context.authorizer.as_ref().and_then(|authorizer| authorizer.claims.as_ref());
        let claim = |name: &str| claims.and_then(|claims| claims.get(name)).and_then(Value::as_str);
        let arn = event.request_context.identity.as_ref().and_then(|identity| identity.user_arn.as_deref());
        let caller = match (claim("sub").or_else(|| claim("client_id")), arn) {
            (Some(subject), _) => Caller::of_token(subject, claim("scope").unwrap_or_default()),
            (None, Some(arn)) => Caller::of_iam(arn, readers),
            (None, None) => Caller::unknown(),
        };
        Self { event, caller }
    }

    /// Who sends it.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Reads the body, which has to be JSON.
    ///
    /// # Errors
    /// When it is not, or does not fit; the field is told, if it is one of the description's, and never the value.
    pub fn json<Body: DeserializeOwned>(&self) -> Result<Body, Refusal> {
        let media_type = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") || self.event.is_base64_encoded {
            return Err(ApiError::MediaTypeUnsupported.into());
        }
        let body = self.event.body.as_deref().unwrap_or_default();
        let mut body = serde_json::Deserializer::from_str(body);
        let read = serde_path_to_error::deserialize(&mut body);
        let read = read.map_err(|error| refusal_at(fields::<Body>(), &error.path().to_string()))?;
        body.end().map_err(|_| ApiError::RequestInvalid)?;
        Ok(read)
    }

    /// A part of the path; `None` when it cannot be one.
    #[must_use]
    pub fn path<Part: FromStr>(&self, name: &str) -> Option<Part> {
        self.event.path_parameters.as_ref()?.get(name)?.parse().ok()
    }

    /// The `Idempotency-Key`, if there is one.
    ///
    /// # Errors
    /// When it is no key.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Refusal> {
        Ok(self.header("idempotency-key").map(str::parse).transpose()?)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.event.headers.iter().flatten();
        headers.find(|(given, _)| given.eq_ignore_ascii_case(name))?.1.as_deref()
    }
}

/// Where a body does not fit; nowhere in particular when it is no JSON, or no object, or has a field that nobody knows: its name is the
/// client's, and may be anything.
fn refusal_at(fields: &'static [&'static str], path: &str) -> Refusal {
    fields.iter().find(|field| **field == path).map_or(ApiError::RequestInvalid.into(), |field| Refusal::At(field))
}

/// The fields of a body, as its type tells them whoever deserializes it.
fn fields<Body: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields = Fields(&[]);
    // It fails once it has been told.
    let _ = Body::deserialize(&mut fields);
    fields.0
}

struct Fields(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Fields {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = fields;
        Err(value::Error::custom("nothing is read"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(value::Error::custom("no object"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// An answer: a status of HTTP and a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiAnswer {
    status: u16,
    body: String,
}

impl ApiAnswer {
    /// What was asked for.
    ///
    /// # Panics
    /// When the body is no JSON, which its type rules out.
    #[must_use]
    pub fn ok(body: &impl Serialize) -> Self {
        Self::new(200, body)
    }

    /// An answer that was given before.
    #[must_use]
    pub fn again(status: u16, body: String) -> Self {
        Self { status, body }
    }

    /// The status of HTTP.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body, as JSON.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    fn new(status: u16, body: &impl Serialize) -> Self {
        Self { status, body: serde_json::to_string(body).expect("answers have names for keys and no failing parts") }
    }

    fn refused(refusal: &Refusal) -> Self {
        Self::new(refusal.status(), refusal)
    }
}

/// Why a request was not served: it is refused for what it says, or the system could not.
pub trait ApiFailure: TaskError {
    /// The refusal; `None` when it is not the request's fault.
    fn refusal(&self) -> Option<&Refusal>;
}

/// Serves requests until Lambda stops the process.
///
/// # Errors
/// When the Lambda runtime itself fails, or the template tells the worker too little.
pub async fn run_api<Failure, Handler>(worker: Worker, api: Api, handler: Handler) -> Result<(), Error>
where
    Failure: ApiFailure,
    Handler: AsyncFn(ApiRequest) -> Result<ApiAnswer, Failure>,
{
    let (observer, api, handler) = (&Observer::start(worker)?, &api, &handler);
    let respond = async move |event: LambdaEvent<Value>| {
        let until = Deadline::of(event.context.deadline);
        Ok::<_, Error>(Box::pin(call(observer, api, handler, until, event.payload)).await)
    };
    lambda_runtime::run(service_fn(respond)).await
}

/// One request, reported once: here. Whatever happens, the client gets an answer that it can read.
async fn call<Failure: ApiFailure>(
    observer: &Observer,
    api: &Api,
    handler: &impl AsyncFn(ApiRequest) -> Result<ApiAnswer, Failure>,
    until: Deadline,
    payload: Value,
) -> Value {
    let task = observer.begin(&Value::Null);
    let mut origin = None;
    let work = async {
        let request = ApiRequest::read(payload, api)?;
        origin = request
            .header("origin")
            .filter(|origin| api.origins.iter().any(|allowed| allowed == origin))
            .map(str::to_owned);
        let Ok(result) = timeout_at(until.less(RESERVE), Box::pin(handler(request))).await else {
            let report = Report::without_code(ErrorName::Transient, "the request was not served in time");
            return Err(Report { code: Some(TIMED_OUT.to_owned()), ..report });
        };
        match result {
            Ok(answer) => {
                note_outcome("served");
                Ok(answer)
            }
            Err(failure) => match failure.refusal() {
                Some(refusal) => {
                    note_outcome("refused");
                    note_code(refusal.code());
                    observer.measure(&Measurement::new().count("Refusals").by([("Code", refusal.code())]));
                    Ok(ApiAnswer::refused(refusal))
                }
                None => Err(Report::of(&failure)),
            },
        }
    };
    let result = task.run(work).await;
    task.end(&result.as_ref().map(|_| ()).map_err(Clone::clone));
    let answer = result.unwrap_or_else(|report| ApiAnswer::refused(&answer_to(&report).into()));
    proxy_response(&answer, origin.as_deref(), api)
}

const TIMED_OUT: &str = "TimedOut";

/// What a client may know of a failure.
fn answer_to(report: &Report) -> ApiError {
    match report.name {
        ErrorName::Transient if report.code.as_deref() == Some(TIMED_OUT) => ApiError::ServiceTimedOut,
        ErrorName::Transient => ApiError::ServiceUnavailable,
        ErrorName::InvalidInput | ErrorName::Internal => ApiError::InternalError,
    }
}

/// As API Gateway wants it.
fn proxy_response(answer: &ApiAnswer, origin: Option<&str>, api: &Api) -> Value {
    let mut headers = Map::new();
    let mut set = |name: &str, value: &str| headers.insert(name.to_owned(), value.into());
    set("Content-Type", "application/json");
    // Answers are about people.
    set("Cache-Control", "no-store");
    set("X-Content-Type-Options", "nosniff");
    if matches!(answer.status, 503 | 504) {
        set("Retry-After", "1");
    }
    if !api.origins.is_empty() {
        set("Vary", "Origin");
    }
    if let Some(origin) = origin {
        set("Access-Control-Allow-Origin", origin);
    }
    json!({"statusCode": answer.status, "headers": headers, "body": answer.body, "isBase64Encoded": false})
}

#[cfg(test)]
mod tests {
    use bonafide_domain::face_api::{FaceId, IndexRequest, RegisterRequest, UploadRequest, VerifyRequest};
    use proptest::prelude::*;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::logs::tests::Memory;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("refused")]
        Refused(Refusal),
        #[error("no answer")]
        Service(ErrorName),
    }

    impl TaskError for Failure {
        fn name(&self) -> ErrorName {
            match self {
                Self::Refused(_) => ErrorName::InvalidInput,
                Self::Service(name) => *name,
            }
        }
    }

    impl ApiFailure for Failure {
        fn refusal(&self) -> Option<&Refusal> {
            match self {
                Self::Refused(refusal) => Some(refusal),
                Self::Service(_) => None,
            }
        }
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
    }

    fn event(body: &str) -> Value {
        json!({
            "resource": "/verify", "path": "/verify", "httpMethod": "POST", "queryStringParameters": null,
            "headers": {"Content-Type": "application/json; charset=utf-8", "Origin": "https://faces.example"},
            "pathParameters": {"faceId": "7"}, "body": body, "isBase64Encoded": false,
            "requestContext": {"identity": {"userArn": "arn:aws:sts::1:assumed-role/backend/s", "sourceIp": "1.2.3.4"}, "authorizer": null},
        })
    }

    fn api() -> Api {
        Api::new("https://faces.example").with_person_readers("arn:aws:iam::1:role/backend")
    }

    /// So many milliseconds from now.
    fn within(milliseconds: u64) -> Deadline {
        Deadline::of(u64::try_from(crate::clock::milliseconds()).expect("after 1970") + milliseconds)
    }

    async fn served(
        payload: Value,
        handler: impl AsyncFn(ApiRequest) -> Result<ApiAnswer, Failure>,
    ) -> (Value, Value, Value) {
        // As long as no machine needs.
        served_until(within(600_000), payload, handler).await
    }

    async fn served_until(
        until: Deadline,
        payload: Value,
        handler: impl AsyncFn(ApiRequest) -> Result<ApiAnswer, Failure>,
    ) -> (Value, Value, Value) {
        let memory = Memory::default();
        let _guard = memory.listen();
        let response = call(&Observer::for_tests(), &api(), &handler, until, payload).await;
        let mut lines = memory.lines();
        let line = Value::Object(lines.pop().expect("a line"));
        assert_eq!(lines.len(), 0, "{lines:?}");
        let body = serde_json::from_str(response["body"].as_str().expect("a body")).expect("json");
        (response, body, line)
    }

    #[tokio::test]
    async fn serves_what_it_is_asked() {
        let (response, body, line) = served(event(r#"{"name": "Jane"}"#), async |request| {
            let Body { name } = request.json().map_err(Failure::Refused)?;
            assert_eq!((request.path::<u8>("faceId"), request.path::<u8>("other")), (Some(7), None));
            assert!(request.caller().reads_person() && request.idempotency_key() == Ok(None));
            Ok(ApiAnswer::ok(&json!({"success": true, "name": name})))
        })
        .await;
        assert_eq!((&response["statusCode"], &body["name"]), (&json!(200), &json!("Jane")));
        assert_eq!(response["headers"]["Access-Control-Allow-Origin"], "https://faces.example");
        assert_eq!(response["headers"]["Cache-Control"], "no-store");
        assert_eq!(line["outcome"], "served");
        assert!(!line.to_string().contains("Jane"), "{line}");
    }

    #[tokio::test]
    async fn refuses_by_path_and_never_by_value() {
        for (body, place) in [
            (r#"{"name": 7}"#, " at `name`"),
            (r#"{"name": "Jane"} {}"#, "this API."),
            (r#"{"name": "Jane""#, "this API."),
            (r#"{"Jane Doe": 1}"#, "this API."),
            (r#"{"Jane": 1}"#, "this API."),
            (r#"{"name.Jane[0]": 1}"#, "this API."),
            (r#"{"name": "Jane", "name": "Jane"}"#, "this API."),
            ("", "this API."),
            ("null", "this API."),
        ] {
            let (response, answer, line) = served(event(body), async |request| {
                Err(Failure::Refused(request.json::<Body>().err().expect("refused")))
            })
            .await;
            assert_eq!((&response["statusCode"], &answer["code"]), (&json!(400), &json!("REQUEST_INVALID")), "{body}");
            assert!(answer["error"].as_str().expect("a text").contains(place), "{answer}");
            assert_eq!(
                (&line["outcome"], &line["reason"], &line["level"]),
                (&json!("refused"), &json!("REQUEST_INVALID"), &json!("INFO"))
            );
            assert!(!format!("{answer}{line}").contains("Jane"));
        }
    }

    #[tokio::test]
    async fn only_json_is_read() {
        for (name, value) in [
            ("Content-Type", json!("text/plain")),
            ("Content-Type", json!(null)),
            ("X-Other", json!("application/json")),
        ] {
            let mut event = event(r#"{"name": "Jane"}"#);
            event["headers"] = json!({name: value});
            let (response, answer, _) =
                served(event, async |request| Err(Failure::Refused(request.json::<Body>().err().expect("refused"))))
                    .await;
            assert_eq!((&response["statusCode"], &answer["code"]), (&json!(415), &json!("MEDIA_TYPE_UNSUPPORTED")));
            assert!(response["headers"].get("Access-Control-Allow-Origin").is_none());
        }
    }

    #[tokio::test]
    async fn failures_are_told_apart_and_not_explained() {
        for (name, status, code) in
            [(ErrorName::Transient, 503, "SERVICE_UNAVAILABLE"), (ErrorName::Internal, 500, "INTERNAL_ERROR")]
        {
            let (response, answer, line) = served(event("{}"), async |_| Err(Failure::Service(name))).await;
            assert_eq!((&response["statusCode"], &answer["code"]), (&json!(status), &json!(code)));
            assert!(!answer.to_string().contains("no answer"), "{answer}");
            assert_eq!((&line["error.name"], &line["level"]), (&json!(name.as_str()), &json!("ERROR")));
        }
        let (response, answer, _) = served(event("{}"), async |_| panic!("Jane Doe")).await;
        assert_eq!((&response["statusCode"], &answer["code"]), (&json!(500), &json!("INTERNAL_ERROR")));
        let (response, ..) = served(json!({"Records": []}), async |_| panic!("not called")).await;
        assert_eq!(response["statusCode"], 500);
    }

    #[tokio::test]
    async fn only_a_page_of_a_configured_origin_may_read_answers_and_errors() {
        type Handler = fn() -> Result<ApiAnswer, Failure>;
        let answers: [(u16, Handler); 5] = [
            (200, || Ok(ApiAnswer::ok(&json!({})))),
            (400, || Err(Failure::Refused(ApiError::RequestInvalid.into()))),
            (503, || Err(Failure::Service(ErrorName::Transient))),
            (500, || Err(Failure::Service(ErrorName::Internal))),
            (500, || panic!("Jane Doe")),
        ];
        for (origin, is_allowed) in [
            (json!("https://faces.example"), true),
            (json!("https://other.example"), false),
            (json!("https://faces.example.other.example"), false),
            (json!("http://faces.example"), false),
            (json!("https://faces.example:8443"), false),
            (json!("https://faces.exampl"), false),
            (json!("*"), false),
            (json!("null"), false),
            (json!(""), false),
            (json!(null), false),
        ] {
            for (status, answer) in answers {
                let mut event = event("{}");
                event["headers"]["Origin"] = origin.clone();
                let (response, ..) = served(event, async |_| answer()).await;
                assert_eq!(response["statusCode"], status);
                let headers = response["headers"].as_object().expect("headers");
                let told: Vec<_> = headers.iter().filter(|(name, _)| name.starts_with("Access-Control-")).collect();
                let name = "Access-Control-Allow-Origin".to_owned();
                let expected = if is_allowed { vec![(&name, &origin)] } else { vec![] };
                assert_eq!(told, expected, "{status} to {origin}");
                // A cache must not hand on to one page what another one was told.
                assert_eq!(headers["Vary"], "Origin", "{status} to {origin}");
            }
        }
    }

    /// The function has 28 seconds (`cdk/lib/face-api-stack.ts`), and API Gateway waits for 29. On a clock that only waiting moves on.
    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_answered_in_time() {
        let started = Instant::now();
        let (response, answer, _) = served_until(within(28_000), event("{}"), async |_| {
            sleep(Duration::from_mins(1)).await;
            Ok(ApiAnswer::ok(&json!({})))
        })
        .await;
        assert_eq!((&response["statusCode"], &answer["code"]), (&json!(504), &json!("SERVICE_TIMED_OUT")));
        assert_eq!(response["headers"]["Retry-After"], "1");
        assert!(started.elapsed() + RESERVE <= Duration::from_millis(28_001));
    }

    #[test]
    fn a_caller_is_the_token_or_the_role() {
        let caller = |context: Value| {
            let event = json!({"headers": null, "pathParameters": null, "body": null, "requestContext": context});
            ApiRequest::of(serde_json::from_value(event).expect("an event"), &api().readers).caller
        };
        let role = json!({"userArn": "arn:aws:sts::1:assumed-role/backend/s"});
        let claims = json!({"sub": "anna", "scope": "openid faces/read-person", "exp": 1});
        assert!(caller(json!({"identity": role})).reads_person());
        assert_eq!(
            caller(json!({"identity": {"userArn": null}, "authorizer": {"claims": claims}})),
            Caller::of_token("anna", "faces/read-person")
        );
        // A token without the scope is not helped by a role.
        assert!(!caller(json!({"identity": role, "authorizer": {"claims": {"client_id": "app"}}})).reads_person());
        assert_eq!(caller(json!({"identity": null, "authorizer": {"principalId": "x"}})), Caller::unknown());
    }

    /// What is read of a request by any route, and what is said of it.
    fn read_by_all_routes(event: Value) -> Vec<String> {
        let Ok(request) = ApiRequest::read(event, &api()) else { return Vec::new() };
        let today = crate::clock::today();
        let said = |refused: Result<(), Refusal>| refused.err().map(|refusal| json!(refusal).to_string());
        let register = request.json::<RegisterRequest>().and_then(|body| body.parts(today).map(drop));
        let verify = request.json::<VerifyRequest>().and_then(|body| body.source().map(drop));
        let upload = request.json::<UploadRequest>().and_then(|body| body.parts().map(drop));
        let index = request.json::<IndexRequest>().map(drop);
        let key = request.idempotency_key().map(drop);
        let _ = (request.path::<FaceId>("faceId"), request.caller().reads_person());
        [register, verify, upload, index, key].into_iter().filter_map(said).collect()
    }

    const REGISTER: &str = r#"{"firstName":"MARKED","lastName":"MARKED","dateOfBirth":"1957-01-12","phoneNumber":"+1 555 0100","image":"MARKED"}"#;
    const UPLOAD: &str = r#"{"contentType":"image/png","contentLength":7,"MARKED":"MARKED"}"#;

    proptest! {
        #[test]
        fn any_text_is_a_body_or_refused(body in any::<String>()) {
            let _ = read_by_all_routes(event(&body));
        }

        /// A body is read, or refused in words that hold nothing of it.
        #[test]
        fn a_damaged_body_is_read_or_refused_without_quoting_it(
            body in proptest::sample::select(vec![REGISTER, UPLOAD, r#"{"faceId":"MARKED"}"#, r#"{"MARKED":{"MARKED":[]}}"#]),
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3_u8, any::<char>()), 0..6),
        ) {
            let mut body: Vec<char> = body.chars().collect();
            for (place, edit, character) in edits {
                let place = place.index(body.len());
                match edit {
                    0 => body[place] = character,
                    1 => body.insert(place, character),
                    _ => drop(body.remove(place)),
                }
            }
            for said in read_by_all_routes(event(&body.iter().collect::<String>())) {
                prop_assert!(!said.contains("MARK"), "{said}");
            }
        }

        /// Headers, the parts of the path and the claims of a token are the client's as well.
        #[test]
        fn any_headers_path_and_claims_are_read_or_refused_without_quoting_them(
            name in "(?i)content-type|origin|idempotency-key|.*",
            value in any::<Option<String>>(),
            id in any::<String>(),
            subject in any::<String>(),
            scope in any::<String>(),
        ) {
            let mut event = event(REGISTER);
            event["headers"][&name] = json!(value.map(|value| format!("MARKED{value}")));
            event["pathParameters"]["faceId"] = json!(id);
            event["requestContext"]["authorizer"] = json!({"claims": {"sub": subject, "scope": scope}});
            for said in read_by_all_routes(event) {
                prop_assert!(!said.contains("MARK"), "{said}");
            }
        }
    }
}

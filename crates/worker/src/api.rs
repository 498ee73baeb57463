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
    ErrorName, Measurement, TaskError, Worker, WorkerError, input,
    observer::{Observer, record_code},
    rate_limiter::Deadline,
    record_outcome,
};

/// The time that is reserved for the answer to a request that takes too long.
const RESERVE: Duration = Duration::from_millis(500);

/// The settings of the API.
#[derive(Clone, Debug)]
pub struct Api {
    origins: Vec<String>,
    readers: PersonReaders,
}

impl Api {
    /// `origins` are the origins of the web pages that may read answers, separated by commas.
    #[must_use]
    pub fn new(origins: &str) -> Self {
        let origins = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned);
        Self { origins: origins.collect(), readers: PersonReaders::default() }
    }

    /// `readers` are the ARNs of the roles and users that may read the person behind a face, separated by commas. A token needs the
    /// scope instead.
    #[must_use]
    pub fn with_person_readers(self, readers: &str) -> Self {
        let Ok(readers) = readers.parse();
        Self { readers, ..self }
    }
}

/// The parts of a request that workers need.
#[derive(Debug)]
pub struct ApiRequest {
    event: Event,
    caller: Caller,
}

/// The parts of API Gateway's event that are read. The rest (addresses, user agents) is not needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// The route of the description, such as `/faces/{faceId}`.
    resource: Option<String>,
    http_method: Option<String>,
    headers: Option<HashMap<String, Option<String>>>,
    path_parameters: Option<HashMap<String, String>>,
    query_string_parameters: Option<HashMap<String, String>>,
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

impl Event {
    fn claim(&self, name: &str) -> Option<&str> {
        self.request_context.authorizer.as_ref()?.claims.as_ref()?.get(name)?.as_str()
    }
}

impl ApiRequest {
    /// Reads API Gateway's event.
    ///
    /// # Errors
    /// When the payload is not such an event.
    pub fn read(payload: Value, api: &Api) -> Result<Self, WorkerError> {
        Ok(Self::of(input::parse(payload)?, &api.readers))
    }

    fn of(event: Event, readers: &PersonReaders) -> Self {
        let claim = |name: &str| event.claim(name);
        let arn = event.request_context.identity.as_ref().and_then(|identity| identity.user_arn.as_deref());
        let caller = match (claim("sub").or_else(|| claim("client_id")), arn) {
            (Some(subject), _) => Caller::of_token(subject, claim("scope").unwrap_or_default()),
            (None, Some(arn)) => Caller::of_iam(arn, readers),
            (None, None) => Caller::unknown(),
        };
        Self { event, caller }
    }

    /// The caller.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// A claim of the caller's token, which API Gateway has verified.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.event.claim(name)
    }

    /// Method and route of the description, such as `GET` and `/faces/{faceId}`, for a worker of several routes.
    #[must_use]
    pub fn route(&self) -> (&str, &str) {
        let Event { http_method, resource, .. } = &self.event;
        (http_method.as_deref().unwrap_or_default(), resource.as_deref().unwrap_or_default())
    }

    /// A query parameter, if there is one.
    ///
    /// # Errors
    /// When it is invalid. The refusal names the parameter, and never the value.
    pub fn query<Part: FromStr>(&self, name: &'static str) -> Result<Option<Part>, Refusal> {
        let given = self.event.query_string_parameters.as_ref().and_then(|query| query.get(name));
        given.map(|text| text.parse()).transpose().map_err(|_| Refusal::At(name))
    }

    /// Reads the body, which has to be JSON.
    ///
    /// # Errors
    /// When it is not JSON or does not match the type. The refusal names the field if the type has it, and never the value.
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

    /// A path parameter; `None` when it is missing or invalid.
    #[must_use]
    pub fn path<Part: FromStr>(&self, name: &str) -> Option<Part> {
        self.event.path_parameters.as_ref()?.get(name)?.parse().ok()
    }

    /// The `Idempotency-Key`, if there is one.
    ///
    /// # Errors
    /// When it is not a valid key.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Refusal> {
        Ok(self.header("idempotency-key").map(str::parse).transpose()?)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.event.headers.iter().flatten();
        headers.find(|(given, _)| given.eq_ignore_ascii_case(name))?.1.as_deref()
    }
}

/// The refusal of a body that does not match. It names only fields of the type: the name of an unknown field is the client's text, and
/// may be anything.
fn refusal_at(fields: &'static [&'static str], path: &str) -> Refusal {
    fields.iter().find(|field| **field == path).map_or(ApiError::RequestInvalid.into(), |field| Refusal::At(field))
}

/// The fields of a type, which its `Deserialize` passes to the deserializer.
fn fields<Body: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields = Fields(&[]);
    // This deserializer stores the fields and then fails.
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
        Err(value::Error::custom("only the fields are read"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(value::Error::custom("not an object"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// An answer: an HTTP status and a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiAnswer {
    status: u16,
    body: String,
}

impl ApiAnswer {
    /// An answer with status 200.
    ///
    /// # Panics
    /// When the body cannot be written as JSON; the types of this API can.
    #[must_use]
    pub fn ok(body: &impl Serialize) -> Self {
        Self::new(200, body)
    }

    /// The stored answer of an earlier request.
    #[must_use]
    pub fn repeated(status: u16, body: String) -> Self {
        Self { status, body }
    }

    /// The HTTP status.
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
        Self { status, body: serde_json::to_string(body).expect("the types of this API can be written as JSON") }
    }

    fn refused(refusal: &Refusal) -> Self {
        Self::new(refusal.status(), refusal)
    }
}

/// Why a request was not served: it was refused, or the system failed.
pub trait RequestError: TaskError {
    /// The refusal; `None` when the system failed.
    fn refusal(&self) -> Option<&Refusal>;
}

/// Serves requests until Lambda stops the process.
///
/// # Errors
/// When the Lambda runtime itself fails, or a setting is missing.
pub async fn run_api<HandlerError, Handler>(worker: Worker, api: Api, handler: Handler) -> Result<(), Error>
where
    HandlerError: RequestError,
    Handler: AsyncFn(ApiRequest) -> Result<ApiAnswer, HandlerError>,
{
    let (observer, api, handler) = (&Observer::start(worker)?, &api, &handler);
    let respond = async move |event: LambdaEvent<Value>| {
        let until = Deadline::of(event.context.deadline);
        Ok::<_, Error>(Box::pin(call(observer, api, handler, until, event.payload)).await)
    };
    lambda_runtime::run(service_fn(respond)).await
}

/// Serves one request and logs it. The client always gets an answer in the format of this API.
async fn call<HandlerError: RequestError>(
    observer: &Observer,
    api: &Api,
    handler: &impl AsyncFn(ApiRequest) -> Result<ApiAnswer, HandlerError>,
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
            let error = WorkerError::without_code(ErrorName::Transient, "the request was not served in time");
            return Err(WorkerError { code: Some(TIMED_OUT.to_owned()), ..error });
        };
        match result {
            Ok(answer) => {
                record_outcome("served");
                Ok(answer)
            }
            Err(failure) => match failure.refusal() {
                Some(refusal) => {
                    record_outcome("refused");
                    record_code(refusal.code());
                    observer.measure(&Measurement::new().count("Refusals").by([("Code", refusal.code())]));
                    Ok(ApiAnswer::refused(refusal))
                }
                None => Err(WorkerError::of(&failure)),
            },
        }
    };
    let result = task.run(work).await;
    task.end(&result.as_ref().map(|_| ()).map_err(Clone::clone));
    let answer = result.unwrap_or_else(|error| ApiAnswer::refused(&public_error(&error).into()));
    proxy_response(&answer, origin.as_deref(), api)
}

const TIMED_OUT: &str = "TimedOut";

/// The error that the client gets.
fn public_error(error: &WorkerError) -> ApiError {
    match error.name {
        ErrorName::Transient if error.code.as_deref() == Some(TIMED_OUT) => ApiError::ServiceTimedOut,
        ErrorName::Transient => ApiError::ServiceUnavailable,
        ErrorName::InvalidInput | ErrorName::Internal => ApiError::InternalError,
    }
}

/// The format of API Gateway.
fn proxy_response(answer: &ApiAnswer, origin: Option<&str>, api: &Api) -> Value {
    let mut headers = Map::new();
    let mut set = |name: &str, value: &str| headers.insert(name.to_owned(), value.into());
    set("Content-Type", "application/json");
    // Answers contain personal data.
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
    enum TestError {
        #[error("refused")]
        Refused(Refusal),
        #[error("no answer")]
        Service(ErrorName),
    }

    impl TaskError for TestError {
        fn name(&self) -> ErrorName {
            match self {
                Self::Refused(_) => ErrorName::InvalidInput,
                Self::Service(name) => *name,
            }
        }
    }

    impl RequestError for TestError {
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

    /// A deadline this many milliseconds from now.
    fn within(milliseconds: u64) -> Deadline {
        Deadline::of(u64::try_from(crate::clock::milliseconds()).expect("after 1970") + milliseconds)
    }

    async fn served(
        payload: Value,
        handler: impl AsyncFn(ApiRequest) -> Result<ApiAnswer, TestError>,
    ) -> (Value, Value, Value) {
        // Longer than any machine needs.
        served_until(within(600_000), payload, handler).await
    }

    async fn served_until(
        until: Deadline,
        payload: Value,
        handler: impl AsyncFn(ApiRequest) -> Result<ApiAnswer, TestError>,
    ) -> (Value, Value, Value) {
        let memory = Memory::default();
        let _guard = memory.capture();
        let response = call(&Observer::for_tests(), &api(), &handler, until, payload).await;
        let mut lines = memory.lines();
        let line = Value::Object(lines.pop().expect("a line"));
        assert_eq!(lines.len(), 0, "{lines:?}");
        let body = serde_json::from_str(response["body"].as_str().expect("a body")).expect("json");
        (response, body, line)
    }

    #[tokio::test]
    async fn serves_a_request() {
        let (response, body, line) = served(event(r#"{"name": "Jane"}"#), async |request| {
            let Body { name } = request.json().map_err(TestError::Refused)?;
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
    async fn a_refusal_names_the_path_and_never_the_value() {
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
                Err(TestError::Refused(request.json::<Body>().err().expect("refused")))
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
                served(event, async |request| Err(TestError::Refused(request.json::<Body>().err().expect("refused"))))
                    .await;
            assert_eq!((&response["statusCode"], &answer["code"]), (&json!(415), &json!("MEDIA_TYPE_UNSUPPORTED")));
            assert!(response["headers"].get("Access-Control-Allow-Origin").is_none());
        }
    }

    #[tokio::test]
    async fn errors_have_their_own_status_without_details() {
        for (name, status, code) in
            [(ErrorName::Transient, 503, "SERVICE_UNAVAILABLE"), (ErrorName::Internal, 500, "INTERNAL_ERROR")]
        {
            let (response, answer, line) = served(event("{}"), async |_| Err(TestError::Service(name))).await;
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
    async fn only_pages_of_configured_origins_may_read_answers() {
        type Handler = fn() -> Result<ApiAnswer, TestError>;
        let answers: [(u16, Handler); 5] = [
            (200, || Ok(ApiAnswer::ok(&json!({})))),
            (400, || Err(TestError::Refused(ApiError::RequestInvalid.into()))),
            (503, || Err(TestError::Service(ErrorName::Transient))),
            (500, || Err(TestError::Service(ErrorName::Internal))),
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
                let sent: Vec<_> = headers.iter().filter(|(name, _)| name.starts_with("Access-Control-")).collect();
                let name = "Access-Control-Allow-Origin".to_owned();
                let expected = if is_allowed { vec![(&name, &origin)] } else { vec![] };
                assert_eq!(sent, expected, "{status} to {origin}");
                // A cache must not give one page the answer to another.
                assert_eq!(headers["Vary"], "Origin", "{status} to {origin}");
            }
        }
    }

    /// The function has 28 seconds (`cdk/lib/face-api-stack.ts`), and API Gateway waits for 29. The test runs on a paused clock.
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
        // A role does not replace the scope of a token.
        assert!(!caller(json!({"identity": role, "authorizer": {"claims": {"client_id": "app"}}})).reads_person());
        assert_eq!(caller(json!({"identity": null, "authorizer": {"principalId": "x"}})), Caller::unknown());
    }

    /// Reads a request as every route does, and returns the refusals.
    fn read_by_all_routes(event: Value) -> Vec<String> {
        let Ok(request) = ApiRequest::read(event, &api()) else { return Vec::new() };
        let today = crate::clock::today();
        let text = |refused: Result<(), Refusal>| refused.err().map(|refusal| json!(refusal).to_string());
        let register = request.json::<RegisterRequest>().and_then(|body| body.parts(today).map(drop));
        let verify = request.json::<VerifyRequest>().and_then(|body| body.parts().map(drop));
        let upload = request.json::<UploadRequest>().and_then(|body| body.parts().map(drop));
        let index = request.json::<IndexRequest>().map(drop);
        let key = request.idempotency_key().map(drop);
        let _ = (request.path::<FaceId>("faceId"), request.caller().reads_person());
        [register, verify, upload, index, key].into_iter().filter_map(text).collect()
    }

    const REGISTER: &str = r#"{"firstName":"MARKED","lastName":"MARKED","dateOfBirth":"1957-01-12","phoneNumber":"+1 555 0100","image":"MARKED"}"#;
    const UPLOAD: &str = r#"{"contentType":"image/png","contentLength":7,"MARKED":"MARKED"}"#;

    proptest! {
        #[test]
        fn any_text_is_a_body_or_refused(body in any::<String>()) {
            let _ = read_by_all_routes(event(&body));
        }

        /// A body is read, or refused without quoting it.
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
            for refusal in read_by_all_routes(event(&body.iter().collect::<String>())) {
                prop_assert!(!refusal.contains("MARK"), "{refusal}");
            }
        }

        /// Headers, path parameters and the claims of a token are client input as well.
        #[test]
        fn any_metadata_is_read_or_refused_without_quoting_it(
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
            for refusal in read_by_all_routes(event) {
                prop_assert!(!refusal.contains("MARK"), "{refusal}");
            }
        }
    }
}

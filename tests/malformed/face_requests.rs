//! Malformed requests to the face API, apart from their bodies: headers, keys, ids, media types, and invalid HTTP.

use serde_json::json;

use crate::face_bodies::{self, gzip};
use crate::face_pictures::plain;
use crate::package::MARKER;

/// An id of no face and no upload.
pub(crate) const UNKNOWN_ID: &str = "0c1d2e3f-4a5b-4c6d-8e7f-00112233ffff";

/// The expected result of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    /// Refused with one of these codes.
    Refused(&'static [&'static str]),
    /// Served, or refused because of the picture: the request is unusual but valid.
    Harmless,
    /// Refused by the API, or by the HTTP server before it, whose answer has no code. 501 is HTTP's status for an unknown transfer coding.
    Rejected,
}

/// One request.
pub(crate) struct Request {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) method: &'static str,
    /// The path below the stage, as it is sent.
    pub(crate) path: String,
    /// Headers that are added to signature, client's key and body length, or replace them.
    pub(crate) headers: Vec<(&'static str, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: Expected,
    /// Bytes that are sent instead of all of this.
    pub(crate) head: Option<Vec<u8>>,
}

impl Request {
    fn new(kind: &'static str, name: &str, method: &'static str, path: &str, expected: Expected) -> Self {
        let (name, path) = (name.to_owned(), path.to_owned());
        Self { kind, name, method, path, headers: Vec::new(), body: Vec::new(), expected, head: None }
    }

    /// A request whose body is declared as JSON.
    pub(crate) fn json(
        kind: &'static str,
        name: &str,
        path: &str,
        body: impl Into<Vec<u8>>,
        expected: Expected,
    ) -> Self {
        let name = format!("{path} {name}");
        Self { body: body.into(), ..Self::new(kind, &name, "POST", path, expected) }
            .with("content-type", "application/json")
    }

    /// The request with a header, which replaces one of the same name.
    fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.and(name, value)
    }

    /// The request with a further header, also beside one of the same name.
    fn and(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn without(mut self, name: &'static str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }
}

pub(crate) fn all() -> Vec<Request> {
    [face_bodies::all(), face_ids(), keys(), media_types(), headers(), routes(), no_http()]
        .into_iter()
        .flatten()
        .collect()
}

/// A valid request with a picture without a face.
fn verify(kind: &'static str, name: &str, expected: Expected) -> Request {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body = json!({"image": format!("data:image/png;base64,{}", STANDARD.encode(plain()))});
    Request::json(kind, name, "/verify", body.to_string(), expected)
}

fn face_ids() -> Vec<Request> {
    let nowhere = Expected::Refused(&["FACE_NOT_FOUND", "ROUTE_NOT_FOUND"]);
    let upper = UNKNOWN_ID.to_uppercase();
    let ids = [
        ("unknown", UNKNOWN_ID.to_owned()),
        ("upper case", upper),
        ("no hyphens", UNKNOWN_ID.replace('-', "")),
        ("in braces", format!("%7B{UNKNOWN_ID}%7D")),
        ("as a URN", format!("urn:uuid:{UNKNOWN_ID}")),
        ("a dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("two dots, escaped", "%2e%2e".to_owned()),
        ("two dots, escaped twice", "%252e%252e".to_owned()),
        ("a path", "../register".to_owned()),
        ("an escaped path", "%2e%2e%2fregister".to_owned()),
        ("a path with backslashes", "..%5c..%5csecret".to_owned()),
        ("an upload", format!("uploads%2F{UNKNOWN_ID}")),
        ("a file", format!("{UNKNOWN_ID}.jpg")),
        ("a leading slash", format!("/{UNKNOWN_ID}")),
        ("a trailing slash", format!("{UNKNOWN_ID}/")),
        ("a trailing escaped slash", format!("{UNKNOWN_ID}%2F")),
        ("a trailing part", format!("{UNKNOWN_ID}/{MARKER}")),
        ("a NUL", "%00".to_owned()),
        ("a trailing NUL", format!("{UNKNOWN_ID}%00")),
        ("a trailing line end", format!("{UNKNOWN_ID}%0d%0aSet-Cookie:%20a=b")),
        ("a trailing space", format!("{UNKNOWN_ID}%20")),
        ("emoji", "%F0%9F%98%80".to_owned()),
        ("digits of full width", UNKNOWN_ID.replace('0', "%EF%BC%90")),
        ("no UTF-8", "%FF%FE".to_owned()),
        ("overlong", "%C0%AE%C0%AE%C0%AF".to_owned()),
        ("half an escape", "%".to_owned()),
        ("no escape", "%zz".to_owned()),
        ("10,000 characters", "a".repeat(10_000)),
        ("a hundred parts", "a/".repeat(100)),
        ("a name", MARKER.to_owned()),
        ("a star", "*".to_owned()),
        ("the parameter itself", "%7BfaceId%7D".to_owned()),
        ("null", "null".to_owned()),
        ("a number", "0".to_owned()),
        ("a condition", "a'%20OR%20'1'='1".to_owned()),
        ("an expression", "%24%7Bjndi:ldap:%2F%2F127.0.0.1%7D".to_owned()),
        ("a parameter of a path", format!("{UNKNOWN_ID};v=1")),
        ("a query", format!("{UNKNOWN_ID}?faceId={MARKER}&a%00=b")),
    ];
    let to_routes = |(name, id): &(&str, String)| {
        ["GET", "DELETE"].map(|method| {
            let name = format!("{method} {name}");
            Request::new("face id", &name, method, &format!("/faces/{id}"), nowhere)
        })
    };
    let mut requests: Vec<_> = ids.iter().flat_map(to_routes).collect();
    for (name, id) in [
        ("a NUL as it is", "\0".to_owned()),
        ("a space as it is", format!("{UNKNOWN_ID} x")),
        ("letters as they are", "é".to_owned()),
        ("70,000 characters", "a".repeat(70_000)),
    ] {
        requests.push(Request::new(
            "face id",
            &format!("GET {name}"),
            "GET",
            &format!("/faces/{id}"),
            Expected::Rejected,
        ));
    }
    requests
}

fn keys() -> Vec<Request> {
    let invalid = Expected::Refused(&["IDEMPOTENCY_KEY_INVALID"]);
    let keys: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("nothing", Vec::new(), invalid),
        ("256 characters", b"k".repeat(256), invalid),
        ("10,000 characters", b"k".repeat(10_000), invalid),
        ("a space within", format!("{MARKER} {MARKER}").into_bytes(), invalid),
        ("a tab within", format!("{MARKER}\t{MARKER}").into_bytes(), invalid),
        ("letters beyond ASCII", "schlüssel".as_bytes().to_vec(), invalid),
        ("emoji", "😀".as_bytes().to_vec(), invalid),
        ("bytes that are no text", b"\xFF\xFE\x80".to_vec(), invalid),
        ("a control character", b"a\x01b".to_vec(), Expected::Rejected),
        ("an escape sequence", b"\x1B[31mred".to_vec(), Expected::Rejected),
        ("a NUL", b"a\0b".to_vec(), Expected::Rejected),
        ("a line end", b"a\nb".to_vec(), Expected::Rejected),
        ("100,000 characters", b"k".repeat(100_000), Expected::Rejected),
    ];
    let register =
        || Request::json("Idempotency-Key", "", "/register", face_bodies::person(&json!({})).to_string(), invalid);
    let index =
        || Request::json("Idempotency-Key", "", "/create-index", json!({"faceId": UNKNOWN_ID}).to_string(), invalid);
    let remove = || Request::new("Idempotency-Key", "DELETE ", "DELETE", &format!("/faces/{UNKNOWN_ID}"), invalid);
    let mut requests = Vec::new();
    for route in [&register as &dyn Fn() -> Request, &index, &remove] {
        for (name, key, expected) in &keys {
            let base = route();
            let name = format!("{}{name}", base.name);
            requests.push(Request { name, expected: *expected, ..base }.with("idempotency-key", key.clone()));
        }
        let twice = route().with("idempotency-key", "a").and("idempotency-key", "b");
        requests.push(Request { name: format!("{}two of them", twice.name), ..twice });
    }
    requests
}

fn media_types() -> Vec<Request> {
    let unsupported = Expected::Refused(&["MEDIA_TYPE_UNSUPPORTED"]);
    let types = [
        "text/plain",
        "text/html",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/octet-stream",
        "image/png",
        "application/jsonp",
        "application/json5",
        "application/*",
        "*/*",
        "application/json, text/plain",
        "json",
        "",
        MARKER,
    ];
    let mut requests: Vec<_> =
        types.map(|kind| verify("media type", kind, unsupported).with("content-type", kind)).into();
    requests.push(verify("media type", "none", unsupported).without("content-type"));
    requests.push(verify("media type", "two of them", unsupported).and("content-type", "text/plain"));
    requests.push(
        verify("media type", "10,000 characters", unsupported)
            .with("content-type", format!("application/{}", "j".repeat(10_000))),
    );
    let no_face = Expected::Refused(&["SELFIE_FACE_NOT_FOUND"]);
    for kind in ["APPLICATION/JSON", "application/json; charset=utf-16", "application/json;boundary=a;a=b"] {
        requests.push(verify("media type", kind, no_face).with("content-type", kind));
    }
    let invalid = Expected::Refused(&["REQUEST_INVALID", "MEDIA_TYPE_UNSUPPORTED"]);
    for coding in ["gzip", "br", "deflate", "identity, gzip", MARKER] {
        let plain = verify("media type", &format!("declared as {coding}, which it is not"), no_face);
        requests.push(plain.with("content-encoding", coding));
        let packed = verify("media type", &format!("compressed, says {coding}"), invalid);
        requests.push(Request { body: gzip(&packed.body), ..packed }.with("content-encoding", coding));
    }
    requests
}

fn headers() -> Vec<Request> {
    let no_face = Expected::Refused(&["SELFIE_FACE_NOT_FOUND"]);
    let mut requests = Vec::new();
    for name in [
        "user-agent",
        "referer",
        "cookie",
        "origin",
        "from",
        "x-forwarded-for",
        "x-real-ip",
        "x-request-id",
        "x-amzn-trace-id",
        "traceparent",
        "forwarded",
        "x-http-method-override",
        "x-original-url",
        "accept",
        "accept-language",
        "if-match",
        "range",
        "via",
        "x-amzn-requestid",
        "x-amz-meta-name",
    ] {
        requests.push(verify("header", &format!("{name}: a name"), no_face).with(name, MARKER));
        requests.push(
            verify("header", &format!("{name}: an expression"), no_face)
                .with(name, format!("${{jndi:ldap://127.0.0.1/{MARKER}}}")),
        );
    }
    let many = (0..80).fold(verify("header", "80 of them", no_face), |request, _| request.and("x-more", MARKER));
    requests.push(many);
    let stranger = Expected::Refused(&["NOT_AUTHENTICATED", "NOT_AUTHORIZED"]);
    for (name, value) in [
        ("x-api-key", MARKER.to_owned()),
        ("x-api-key", String::new()),
        ("x-api-key", "k".repeat(8_000)),
        ("x-api-key", "' OR '1'='1".to_owned()),
        ("authorization", format!("Bearer {MARKER}")),
        (
            "authorization",
            "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIiwic2NvcGUiOiJmYWNlcy9yZWFkLXBlcnNvbiJ9.".to_owned(),
        ),
        ("authorization", "Basic dGVzdDp0ZXN0".to_owned()),
        ("authorization", format!("AWS4-HMAC-SHA256 Credential={MARKER}")),
        (
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={MARKER}/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"
            ),
        ),
        ("authorization", String::new()),
    ] {
        let shown: String = value.chars().take(40).collect();
        requests.push(verify("credentials", &format!("{name}: {shown}"), stranger).with(name, value));
    }
    requests
}

fn routes() -> Vec<Request> {
    let nowhere = Expected::Refused(&["ROUTE_NOT_FOUND"]);
    let mut requests = Vec::new();
    for (method, path) in [
        ("PUT", "/register"),
        ("PATCH", "/register"),
        ("DELETE", "/register"),
        ("GET", "/verify"),
        ("POST", "/faces/0c1d2e3f-4a5b-4c6d-8e7f-00112233ffff"),
        ("OPTIONS", "/verify"),
        ("TRACE", "/verify"),
        ("PROPFIND", "/verify"),
        ("GET", "/"),
        ("GET", "/faces"),
        ("GET", "/.env"),
        ("GET", "/.git/config"),
        ("GET", "/verify/../../../../etc/passwd"),
        ("GET", "/%2e%2e/%2e%2e/_ministack/health"),
        ("POST", "/VERIFY"),
        ("POST", "/verify%00"),
        ("POST", "/verify.json"),
        ("POST", "/2015-03-31/functions/bonafide-dev-verify-face/invocations"),
    ] {
        let body = if method == "GET" { Vec::new() } else { format!("{{\"name\":\"{MARKER}\"}}").into_bytes() };
        requests.push(Request { body, ..Request::new("route", &format!("{method} {path}"), method, path, nowhere) });
    }
    requests
}

/// Invalid HTTP, which no client would send.
fn no_http() -> Vec<Request> {
    let heads: [(&str, &[u8]); 20] = [
        ("no words", b"\r\n\r\n\r\n"),
        ("bytes", b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03\r\n\r\n"),
        ("one word", b"GET\r\n\r\n"),
        ("HTTP/0.9", b"GET /\r\n\r\n"),
        ("another version", b"POST PATH HTTP/9.9\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ("no host", b"POST PATH HTTP/1.1\r\n\r\n"),
        ("two hosts", b"POST PATH HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n"),
        ("a method of symbols", b"<script> PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ("a header without a colon", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\nZyzzyvaquux\r\n\r\n"),
        ("a header with a space in its name", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx y: Zyzzyvaquux\r\n\r\n"),
        ("a header with a NUL", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: Zyzzyva\0quux\r\n\r\n"),
        ("a header that goes on in the next line", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: a\r\n Zyzzyvaquux\r\n\r\n"),
        ("line endings of one byte", b"POST PATH HTTP/1.1\nhost: a\nconnection: close\ncontent-length: 2\n\n{}"),
        ("a length that is none", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: x\r\n\r\n"),
        ("a negative length", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: -1\r\n\r\n"),
        ("two lengths", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} "),
        ("a length and chunks", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /secret HTTP/1.1\r\n\r\n"),
        ("a chunk of no length", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n"),
        ("a chunk that is vast", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffffff\r\n\r\n"),
        ("an unknown coding", b"POST PATH HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: Zyzzyvaquux\r\n\r\n"),
    ];
    // `PATH` is replaced by the path of the route.
    let sent = |(name, head): (&str, &[u8])| {
        let request = Request::new("no HTTP", name, "POST", "/verify", Expected::Rejected);
        Request { head: Some(head.to_vec()), ..request }
    };
    heads.map(sent).into()
}

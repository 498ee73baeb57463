//! Malformed bodies for the face API: data URLs, JSON, and its fields.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bonafide_domain::face_api::MAX_INLINE_BYTES;
use serde_json::{Value, json};

use crate::details::HIDDEN;
use crate::face_pictures::{self, of_bytes, plain};
use crate::face_requests::{Expected, Request, UNKNOWN_ID};
use crate::package::MARKER;

const ENCODING: Expected = Expected::Refused(&["IMAGE_ENCODING_INVALID"]);
const INVALID: Expected = Expected::Refused(&["REQUEST_INVALID"]);
const NO_PICTURE: Expected = Expected::Refused(&["SELFIE_NOT_AN_IMAGE"]);
/// A valid request whose picture shows no face.
const NO_FACE: Expected = Expected::Refused(&["SELFIE_FACE_NOT_FOUND"]);
/// Refused by the worker. Lambda accepts at most 6 MB, a limit that the local AWS does not have.
const IMAGE_TOO_LARGE: Expected = Expected::Refused(&["IMAGE_TOO_LARGE"]);
/// Refused by API Gateway, which accepts 10 MB.
const TOO_LARGE: Expected = Expected::Refused(&["REQUEST_TOO_LARGE"]);

pub(crate) fn all() -> Vec<Request> {
    [data_urls(), sizes(), pictures(), no_json(), wrong_json(), names(), dates_and_numbers(), offers()]
        .into_iter()
        .flatten()
        .collect()
}

fn data_url(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}

fn plain_url() -> String {
    data_url("image/png", &plain())
}

/// A registration that is valid except for its picture; its fields can be changed.
pub(crate) fn person(changes: &Value) -> Value {
    let mut person = json!({
        "firstName": MARKER, "lastName": MARKER, "dateOfBirth": "1957-01-12", "phoneNumber": "+1 555 010 0142", "image": plain_url(),
    });
    person.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    person
}

/// Requests to both routes that accept pictures.
fn with_image(kind: &'static str, name: &str, image: &str, expected: Expected) -> [Request; 2] {
    [("/verify", json!({"image": image})), ("/register", person(&json!({"image": image})))]
        .map(|(path, body)| Request::json(kind, name, path, body.to_string(), expected))
}

fn data_urls() -> Vec<Request> {
    // A length with which base64 has to be padded.
    let good = STANDARD.encode(of_bytes(2_000));
    assert!(good.ends_with('='), "no padding");
    let png = |data: &str| format!("data:image/png;base64,{data}");
    let within = |text: &str| png(&format!("{}{text}{}", &good[..40], &good[40..]));
    let mut urls = vec![
        ("nothing", String::new(), Expected::Refused(&["REQUEST_INVALID", "IMAGE_ENCODING_INVALID"])),
        ("no picture", png(""), NO_PICTURE),
        ("padding alone", png("===="), ENCODING),
        ("one character", png("A"), ENCODING),
        ("one byte", png("AA=="), NO_PICTURE),
        ("bits after the end", png("AB=="), ENCODING),
        ("no padding", png(good.trim_end_matches('=')), ENCODING),
        ("padding twice", png(&format!("{good}====")), ENCODING),
        ("padding in the middle", within("=="), ENCODING),
        ("of the alphabet for URLs", png("_-__-_-_"), ENCODING),
        ("a star", within("*"), ENCODING),
        ("a space", within(" "), ENCODING),
        ("a line end", within("\r\n"), ENCODING),
        ("a tab", within("\t"), ENCODING),
        ("a trailing line end", png(&format!("{good}\n")), ENCODING),
        ("a NUL", within("\0"), ENCODING),
        ("a trailing NUL", png(&format!("{good}\0")), ENCODING),
        ("percent-encoded", png(&good.replace('/', "%2F").replace('+', "%2B").replace('A', "%41")), ENCODING),
        ("a comma", within(","), ENCODING),
        ("many commas", png(&",".repeat(10_000)), ENCODING),
        ("letters of full width", within("ＡＡＡＡ"), ENCODING),
        ("emoji", within("😀"), ENCODING),
        ("its name", png(MARKER), ENCODING),
        ("twice", png(&png(&good)), ENCODING),
        ("a trailing picture", format!("{};{}", png(&good), png(&good)), ENCODING),
        ("in quotes", format!("\"{}\"", png(&good)), ENCODING),
        ("a leading space", format!(" {}", png(&good)), ENCODING),
        ("a leading BOM", format!("\u{FEFF}{}", png(&good)), ENCODING),
        ("base64 alone", good.clone(), ENCODING),
        ("no comma", format!("data:image/png;base64{good}"), ENCODING),
        ("no media type", format!("data:;base64,{good}"), ENCODING),
        ("no media type, and no base64", format!("data:,{good}"), ENCODING),
        ("no base64", format!("data:image/png,{good}"), ENCODING),
        ("as hexadecimal digits", "data:image/png;hex,89504E470D0A1A0A".to_owned(), ENCODING),
        ("upper case", png(&good).replace("data:", "DATA:"), ENCODING),
        ("upper case, media type", format!("data:IMAGE/PNG;base64,{good}"), ENCODING),
        ("upper case, base64", format!("data:image/png;BASE64,{good}"), ENCODING),
        ("a parameter", format!("data:image/png;name={MARKER};base64,{good}"), ENCODING),
        ("a character set", format!("data:image/png;charset=utf-8;base64,{good}"), ENCODING),
        ("base64 twice", format!("data:image/png;base64;base64,{good}"), ENCODING),
        ("spaces in it", format!("data: image/png ; base64 , {good}"), ENCODING),
        ("slashes", format!("data://image/png;base64,{good}"), ENCODING),
        ("a file", "file:///etc/passwd".to_owned(), ENCODING),
        ("an address", format!("https://faces.example/{MARKER}.png"), ENCODING),
        ("the address of the metadata", "http://169.254.169.254/latest/meta-data/".to_owned(), ENCODING),
        ("an object", format!("s3://bucket/{MARKER}"), ENCODING),
        ("a script", format!("javascript:alert('{MARKER}')"), ENCODING),
        ("a template", format!("{{{{7*7}}}}${{jndi:ldap://127.0.0.1/{MARKER}}}"), ENCODING),
    ];
    let kinds = [
        "image/gif",
        "image/webp",
        "image/svg+xml",
        "image/heic",
        "image/jpg",
        "image/*",
        "text/html",
        "application/pdf",
        "application/octet-stream",
    ];
    urls.extend(kinds.map(|kind| (kind, data_url(kind, &plain()), ENCODING)));
    urls.iter().flat_map(|(name, url, expected)| with_image("data URL", name, url, *expected)).collect()
}

fn sizes() -> Vec<Request> {
    let mut requests: Vec<_> = [
        ("exactly as large as may be", MAX_INLINE_BYTES, NO_FACE),
        ("a byte larger", MAX_INLINE_BYTES + 1, IMAGE_TOO_LARGE),
        ("larger than Lambda takes", 5_000_000, IMAGE_TOO_LARGE),
        ("larger than API Gateway takes", 8_000_000, TOO_LARGE),
    ]
    .into_iter()
    .flat_map(|(name, length, expected)| with_image("size", name, &data_url("image/png", &of_bytes(length)), expected))
    .collect();
    let long = "A".repeat(20_000_000);
    requests.extend(with_image("size", "20 MB of base64", &format!("data:image/png;base64,{long}"), TOO_LARGE));
    for path in ["/register", "/verify", "/create-index", "/uploads"] {
        requests.push(Request::json("size", "12 MB of no JSON", path, "A".repeat(12_000_000), TOO_LARGE));
        requests.push(Request::json("size", "7 MB of spaces", path, format!("{}{{}}", " ".repeat(7_000_000)), INVALID));
    }
    requests
}

/// Sends pictures that have to be refused to both routes; others are only verified, not registered.
fn pictures() -> Vec<Request> {
    let to_routes = |picture: face_pictures::Picture| {
        let url = data_url(picture.media_type, &picture.bytes);
        let routes = with_image("picture", &picture.name, &url, picture.expected);
        let is_harmless = matches!(picture.expected, Expected::Harmless);
        routes.into_iter().take(if is_harmless { 1 } else { 2 })
    };
    face_pictures::all().into_iter().flat_map(to_routes).collect()
}

/// Each route with a body: a valid body, and its first field.
fn routes() -> [(&'static str, &'static str, Value); 4] {
    [
        ("/register", "firstName", person(&json!({}))),
        ("/verify", "image", json!({"image": plain_url()})),
        ("/create-index", "faceId", json!({"faceId": UNKNOWN_ID})),
        ("/uploads", "contentType", json!({"contentType": "image/png", "contentLength": 1000})),
    ]
}

fn no_json() -> Vec<Request> {
    let nested = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let mut requests = Vec::new();
    for (path, _, good) in routes() {
        let text = good.to_string();
        let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(to_bytes).collect() };
        let bodies: Vec<(&str, Vec<u8>)> = vec![
            ("nothing", Vec::new()),
            ("a space", b" ".to_vec()),
            ("half", text.as_bytes()[..text.len() - 1].to_vec()),
            ("twice", format!("{text}{text}").into_bytes()),
            ("in an array", format!("[{text}]").into_bytes()),
            ("as a text", json!(text).to_string().into_bytes()),
            ("a trailing comma", text.replace('}', ",}").into_bytes()),
            ("a comment", format!("/*{MARKER}*/{text}").into_bytes()),
            ("single quotes", text.replace('"', "'").into_bytes()),
            ("a leading script", format!(")]}}',\n{text}").into_bytes()),
            ("null", b"null".to_vec()),
            ("true", b"true".to_vec()),
            ("a number", b"1e999".to_vec()),
            ("not a number", b"NaN".to_vec()),
            ("nested 10,000 deep", nested("[", "]", 10_000).into_bytes()),
            ("nested 10,000 deep, without an end", "[".repeat(10_000).into_bytes()),
            ("objects nested 10,000 deep", format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).into_bytes()),
            ("a leading BOM", format!("\u{FEFF}{text}").into_bytes()),
            ("UTF-16", [b"\xFF\xFE".to_vec(), utf_16(u16::to_le_bytes)].concat()),
            ("UTF-16, big end first", utf_16(u16::to_be_bytes)),
            ("UTF-32", text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect()),
            ("no UTF-8", [&text.as_bytes()[..3], b"\xFF\xFE\xC0\x80", &text.as_bytes()[3..]].concat()),
            ("a NUL", text.replacen(':', ":\0", 1).into_bytes()),
            ("a trailing NUL", format!("{text}\0").into_bytes()),
            (
                "XML with an entity",
                format!("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///{MARKER}\">]><a>&b;</a>").into_bytes(),
            ),
            ("YAML", format!("firstName: !!python/object/apply:os.system [{MARKER}]").into_bytes()),
            ("a form", format!("firstName={MARKER}&image=x").into_bytes()),
            ("a picture", plain()),
            ("compressed", gzip(text.as_bytes())),
            ("a zip file", bonafide_tools::packages::zip(&[("a".to_owned(), text.clone().into_bytes())])),
        ];
        requests.extend(bodies.into_iter().map(|(name, body)| Request::json("no JSON", name, path, body, INVALID)));
    }
    requests
}

/// A gzip file with one block that is not compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short text");
    let head = b"\x1F\x8B\x08\0\0\0\0\0\0\xFF\x01";
    let (crc, size) = (crate::raw_zip::crc(bytes).to_le_bytes(), u32::from(length).to_le_bytes());
    [&head[..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes, &crc, &size].concat()
}

fn wrong_json() -> Vec<Request> {
    let mut requests = Vec::new();
    for (path, field, good) in routes() {
        // The body with another raw value of its first field.
        let with = |value: &str| {
            let mut rest = good.clone();
            rest.as_object_mut().expect("an object").remove(field);
            let rest = rest.to_string();
            format!("{{\"{field}\":{value}{}{}", if rest == "{}" { "" } else { "," }, &rest[1..])
        };
        let more = |members: &str| format!("{},{members}}}", good.to_string().trim_end_matches('}'));
        let many: Vec<_> = (0..10_000).map(|number| format!("\"{MARKER}{number}\":{number}")).collect();
        let bodies = [
            ("null", with("null")),
            ("true", with("true")),
            ("a number", with("7")),
            ("an endless number", with("1e999")),
            ("a number of 10,000 digits", with(&"9".repeat(10_000))),
            ("no number", with("NaN")),
            ("minus infinity", with("-Infinity")),
            ("an array", with(&format!("[\"{MARKER}\"]"))),
            ("an object", with(&format!("{{\"{MARKER}\":\"{MARKER}\"}}"))),
            ("half a pair of UTF-16", with(&format!("\"{MARKER}\\ud800\""))),
            ("a pair of UTF-16 in the wrong order", with("\"\\udc00\\ud800\"")),
            ("an escape that is none", with("\"\\x41\"")),
            ("a control character", with("\"a\u{1}b\"")),
            ("a text without an end", with(&format!("\"{MARKER}"))),
            ("twice", more(&format!("\"{field}\":\"{MARKER}\""))),
            ("twice the same", more(&format!("\"{field}\":{}", good[field]))),
            ("an unknown field", more(&format!("\"{MARKER}\":\"{MARKER}\""))),
            ("a field with a name of 1 MB", more(&format!("\"{}\":1", MARKER.repeat(100_000)))),
            ("10,000 fields", more(&many.join(","))),
            ("a field without a name", more("\"\":1")),
            ("__proto__", more("\"__proto__\":{\"success\":true}")),
            ("constructor", more("\"constructor\":{\"prototype\":{\"admin\":true}}")),
            ("$where", more("\"$where\":\"sleep(10000)\"")),
            (
                "an id of one's own",
                more(&format!("\"faceId\":\"{UNKNOWN_ID}\",\"rekognitionFaceId\":\"{MARKER}\",\"status\":\"indexed\"")),
            ),
            ("upper case", with("1").replace(field, &field.to_uppercase())),
            (
                "an escaped name, twice",
                more(&format!("\"\\u00{:02x}{}\":\"{MARKER}\"", field.as_bytes()[0], &field[1..])),
            ),
            ("missing", json!({}).to_string()),
        ];
        let long = with(&format!("\"{}\"", MARKER.repeat(300_000)));
        let no_text = Expected::Refused(&["REQUEST_INVALID", "IMAGE_ENCODING_INVALID"]);
        requests.push(Request::json("JSON", &format!("{field}: 3 MB"), path, long, no_text));
        requests
            .extend(bodies.map(|(name, body)| Request::json("JSON", &format!("{field}: {name}"), path, body, INVALID)));
    }
    let upload = |text: Value| json!({"upload": text});
    for (name, value) in [
        ("a path that leads out", json!("../../secret")),
        ("another prefix", json!(format!("faces/{UNKNOWN_ID}.jpg"))),
        ("a package", json!(format!("zipped/{MARKER}.zip"))),
        ("a path to itself", json!(format!("./{UNKNOWN_ID}"))),
        ("an escaped path", json!(format!("%2e%2e%2f{UNKNOWN_ID}"))),
        ("upper case", json!(UNKNOWN_ID.to_uppercase())),
        ("a trailing space", json!(format!("{UNKNOWN_ID} "))),
        ("a trailing line end", json!(format!("{UNKNOWN_ID}\n"))),
        ("a trailing NUL", json!(format!("{UNKNOWN_ID}\0"))),
        ("an extension", json!(format!("{UNKNOWN_ID}.png"))),
        ("a version", json!(format!("{UNKNOWN_ID}?versionId=null"))),
        ("no hyphens", json!(UNKNOWN_ID.replace('-', ""))),
        ("digits of full width", json!(UNKNOWN_ID.replace('0', "０"))),
        ("nothing", json!("")),
        ("an object", json!({"bucket": MARKER, "key": MARKER})),
        ("an array", json!([UNKNOWN_ID])),
        ("10,000 characters", json!("a".repeat(10_000))),
    ] {
        requests.push(Request::json("upload", name, "/verify", upload(value.clone()).to_string(), INVALID));
        let mut register = person(&upload(value));
        register.as_object_mut().expect("an object").remove("image");
        requests.push(Request::json("upload", name, "/register", register.to_string(), INVALID));
    }
    for path in ["/verify", "/register"] {
        let both = if path == "/verify" {
            json!({"image": plain_url(), "upload": UNKNOWN_ID})
        } else {
            person(&upload(json!(UNKNOWN_ID)))
        };
        requests.push(Request::json("upload", "and an image", path, both.to_string(), INVALID));
    }
    let not_found = Expected::Refused(&["UPLOAD_NOT_FOUND"]);
    requests.push(Request::json("upload", "not there", "/verify", upload(json!(UNKNOWN_ID)).to_string(), not_found));
    for (name, id) in [
        ("a path", "../../secret".to_owned()),
        ("upper case", UNKNOWN_ID.to_uppercase()),
        ("another prefix", format!("uploads/{UNKNOWN_ID}")),
        ("a NUL", format!("{UNKNOWN_ID}\0")),
        ("a name", MARKER.to_owned()),
    ] {
        requests.push(Request::json("face id", name, "/create-index", json!({"faceId": id}).to_string(), INVALID));
    }
    requests
}

fn names() -> Vec<Request> {
    let mut requests = Vec::new();
    let hidden = HIDDEN.iter().chain(&["\n", "\r\nSet-Cookie: a=b", "\t"]);
    let names =
        hidden.map(|character| (format!("with {}", character.escape_unicode()), format!("{MARKER}{character}a")));
    let formulas =
        ["=cmd|'/C calc'!A0 ", "=HYPERLINK(\"http://127.0.0.1\") ", "+1+", "-1+", "@SUM(1) ", "\u{FF1D}1+", "  ="];
    let formulas = formulas.map(|formula| (format!("the formula {formula}"), format!("{formula}{MARKER}")));
    let others = [
        ("10,000 characters", MARKER.repeat(1_000)),
        ("101 characters", format!("{MARKER}{}", "a".repeat(90))),
        ("10,000 accents on one letter", format!("{MARKER}{}", "\u{301}".repeat(10_000))),
        ("digits", "1234567".to_owned()),
        ("emoji", "😀😀".to_owned()),
        ("spaces", "   ".to_owned()),
        ("nothing", String::new()),
    ];
    let others = others.map(|(name, value)| (name.to_owned(), value));
    for (index, (name, value)) in names.into_iter().chain(formulas).chain(others).enumerate() {
        let field = ["firstName", "lastName"][index % 2];
        let body = person(&json!({field: value})).to_string();
        requests.push(Request::json("person", &format!("{field}: {name}"), "/register", body, INVALID));
    }
    // A name is stored and shown as text, whatever other programs may interpret in it.
    for value in [
        "<script>alert(1)</script>",
        "Robert'); DROP TABLE faces;--",
        "${jndi:ldap://127.0.0.1/a}",
        "{{7*7}}",
        "../../etc/passwd",
        "%n%s%x",
        "null",
        "O'Neill",
        "\u{646}\u{6CC}\u{200C}\u{6A9}",
    ] {
        let body = person(&json!({"lastName": format!("{value} {MARKER}")})).to_string();
        requests.push(Request::json("person", &format!("lastName: {value}"), "/register", body, NO_FACE));
    }
    requests
}

fn dates_and_numbers() -> Vec<Request> {
    let mut requests = Vec::new();
    let dates = [
        "",
        "1957-02-29",
        "1957-13-01",
        "1957-00-10",
        "1957-01-00",
        "0000-01-01",
        "0001-01-01",
        "1899-12-31",
        "2099-12-31",
        "2999-01-01",
        "9999-12-31",
        "10000-01-01",
        "-1957-01-12",
        "+1957-01-12",
        "1957-1-12",
        "12.1.1957",
        "01/12/1957",
        "19570112",
        "1957-W02-6",
        "1957-012",
        "1957-01-12T00:00:00Z",
        " 1957-01-12",
        "1957-01-12\n",
        "1957-01-12\0",
        "１９５７-０１-１２",
        "١٩٥٧-٠١-١٢",
        "2500-01-12",
        "令和3年1月12日",
        "1957‐01‐12",
        "tomorrow",
        "=1957-01-12",
    ];
    for date in dates {
        let body = person(&json!({"dateOfBirth": date})).to_string();
        requests.push(Request::json(
            "person",
            &format!("dateOfBirth: {}", date.escape_default()),
            "/register",
            body,
            INVALID,
        ));
    }
    let numbers = [
        "",
        "1234",
        "+",
        "()()()",
        "+1234567890123456",
        "555-CALL-NOW",
        "12345;DROP TABLE",
        "1+2345",
        "++12345",
        "１２３４５",
        "١٢٣٤٥",
        "+1 555\n010",
        "+1 555 010\0",
        "tel:+15550100",
        "=1+12345",
        "@12345",
        "12345,67890",
        "12345\u{202E}67890",
    ];
    for number in numbers {
        let body = person(&json!({"phoneNumber": number})).to_string();
        requests.push(Request::json(
            "person",
            &format!("phoneNumber: {}", number.escape_default()),
            "/register",
            body,
            INVALID,
        ));
    }
    let body = person(&json!({"phoneNumber": format!("+1 {}", "5".repeat(10_000))})).to_string();
    requests.push(Request::json("person", "phoneNumber: 10,000 digits", "/register", body, INVALID));
    requests
}

/// Requests for an upload.
fn offers() -> Vec<Request> {
    let mut requests = Vec::new();
    for length in ["0", "-1", "1.5", "1e999", "\"1000\"", "null", "true", "[]", "18446744073709551616", "NaN"] {
        let body = format!("{{\"contentType\":\"image/png\",\"contentLength\":{length}}}");
        requests.push(Request::json("offer", &format!("of {length} bytes"), "/uploads", body, INVALID));
    }
    let too_large = Expected::Refused(&["REQUEST_TOO_LARGE"]);
    for length in ["15728641", "18446744073709551615"] {
        let body = format!("{{\"contentType\":\"image/png\",\"contentLength\":{length}}}");
        requests.push(Request::json("offer", &format!("of {length} bytes"), "/uploads", body, too_large));
    }
    for kind in [
        "image/gif",
        "image/svg+xml",
        "IMAGE/PNG",
        "image/png; charset=utf-8",
        "image/png\r\nx-amz-acl: public-read",
        "text/html",
        "",
        MARKER,
    ] {
        let body = json!({"contentType": kind, "contentLength": 1000}).to_string();
        requests.push(Request::json("offer", &format!("of {}", kind.escape_default()), "/uploads", body, INVALID));
    }
    requests
}

//! Generated packages, for tests in which no picture is examined.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Cursor, Write as _};

use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// The columns of the details.
pub const HEADER: &str =
    "FIRST_NAME,LAST_NAME,CITY_IN_ADDRESS,ZIP_CODE_IN_ADDRESS,STATE_IN_ADDRESS,DOCUMENT_NUMBER,DATE_OF_BIRTH,ADDRESS";

/// Ada's details, with a document number of her own.
#[must_use]
pub fn details(number: &str) -> String {
    format!("{HEADER}\r\nAda,Example,Tallahassee,000032399,FL,{number},1/12/1957,8123 Main St\r\n")
}

/// A PNG's signature and header: the only part that is examined before Rekognition and Textract.
#[must_use]
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// The three members of a good package.
#[must_use]
pub fn members(id: &str, number: &str) -> Vec<(String, Vec<u8>)> {
    vec![
        (format!("{id}_details.csv"), details(number).into_bytes()),
        (format!("{id}_license.png"), png(600, 400)),
        (format!("{id}_selfie.png"), png(400, 600)),
    ]
}

/// The id of a face, of the form that Rekognition gives: one for each name.
#[must_use]
pub fn face_id(name: &str) -> String {
    let hash = |part: u8| {
        let mut hasher = DefaultHasher::new();
        (part, name).hash(&mut hasher);
        hasher.finish()
    };
    let digits = format!("{:016x}{:016x}", hash(0), hash(1));
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// The answer of `AnalyzeID` for Ada's licence with this number.
#[must_use]
pub fn document(number: &str) -> Value {
    let fields = [
        ("FIRST_NAME", "ADA"),
        ("LAST_NAME", "EXAMPLE"),
        ("DATE_OF_BIRTH", "1957-01-12"),
        ("EXPIRATION_DATE", "2099-01-12"),
        ("DOCUMENT_NUMBER", number),
        ("ADDRESS", "8123 MAIN ST"),
        ("CITY_IN_ADDRESS", "TALLAHASSEE"),
        ("STATE_IN_ADDRESS", "FL"),
        ("ZIP_CODE_IN_ADDRESS", "32399"),
        ("STATE_NAME", "FLORIDA"),
    ]
    .map(|(name, text)| {
        let mut value = json!({"Text": text, "Confidence": 99});
        if name.contains("DATE") {
            value["NormalizedValue"] = json!({"Value": format!("{text}T00:00:00"), "ValueType": "DATE"});
        }
        json!({"Type": {"Text": name}, "ValueDetection": value})
    });
    let blocks = blocks(fields.iter().filter_map(|field| field["ValueDetection"]["Text"].as_str()));
    json!({"IdentityDocuments": [{"DocumentIndex": 1, "IdentityDocumentFields": fields, "Blocks": blocks}]})
}

/// The words of a card that fills its picture, as Textract gives them.
pub fn blocks<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    let word = |word: &str| {
        let outline = json!({"Left": 0.4, "Top": 0.3, "Width": 0.2, "Height": 0.05});
        json!({"BlockType": "WORD", "Text": word, "Geometry": {"BoundingBox": outline}})
    };
    texts.into_iter().flat_map(str::split_whitespace).map(word).collect()
}

/// The portrait on such a card, as Rekognition gives it.
#[must_use]
pub fn portrait() -> Value {
    json!({"Left": 0.05, "Top": 0.3, "Width": 0.2, "Height": 0.4})
}

/// A zip file of these members.
///
/// # Panics
/// When two members have one name, which [`ZipWriter`] refuses.
#[must_use]
pub fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in members {
        writer.start_file(name.as_str(), options).expect("a unique name");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

//! The people and pictures that clients of the face API have sent: nothing of a face that was refused or erased is left from which
//! [`crate::marks`] could be read, so what was sent is noted in a table of the tests' own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bonafide_tools::Local;
use serde_json::{Value, json};

/// The table.
pub const TABLE: &str = "leaks-brought";
/// What tells a person, in a request.
const PERSON: [&str; 4] = ["firstName", "lastName", "dateOfBirth", "phoneNumber"];
/// So many characters of a picture's base64 are found nowhere by chance.
const EXCERPT: usize = 32;

/// Notes of what was sent; each text once.
#[derive(Debug)]
pub struct Brought {
    local: Local,
    noted: Mutex<BTreeSet<String>>,
}

impl Brought {
    /// Makes the table, before the tests.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub fn create(local: &Local) -> Result<()> {
        if is_there(local)? {
            return Ok(());
        }
        let table = json!({
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "text", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "text", "AttributeType": "S"}],
        });
        local.raw("dynamodb", "DynamoDB_20120810.CreateTable", &table).map(drop).context("make a table for notes")
    }

    /// `None` when nobody searches afterwards.
    ///
    /// # Errors
    /// When the local AWS does not answer.
    pub fn open(local: &Local) -> Result<Option<Self>> {
        Ok(is_there(local)?.then(|| Self { local: local.clone(), noted: Mutex::default() }))
    }

    /// Notes what a request tells about a person.
    ///
    /// # Errors
    /// When the table does not take it.
    pub fn note(&self, body: &Value) -> Result<()> {
        for text in texts(body) {
            if self.noted.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone()) {
                let put = json!({"TableName": TABLE, "Item": {"text": {"S": text}}});
                self.local.raw("dynamodb", "DynamoDB_20120810.PutItem", &put).context("note what is sent")?;
            }
        }
        Ok(())
    }
}

fn is_there(local: &Local) -> Result<bool> {
    let tables = local.raw("dynamodb", "DynamoDB_20120810.ListTables", &json!({}))?;
    Ok(tables["TableNames"].as_array().is_some_and(|names| names.contains(&json!(TABLE))))
}

/// The person's fields, and excerpts of the picture: its beginning, its middle and its end.
fn texts(body: &Value) -> Vec<String> {
    let mut texts: Vec<_> = PERSON
        .iter()
        .filter_map(|field| body[*field].as_str())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    let data = body["image"].as_str().and_then(|url| url.split_once(";base64,")).map(|(_, data)| data.as_bytes());
    if let Some(data) = data.filter(|data| data.len() >= 3 * EXCERPT) {
        for from in [0, data.len() / 2, data.len() - EXCERPT - 2] {
            texts.push(String::from_utf8_lossy(&data[from..from + EXCERPT]).into_owned());
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_noted_by_its_person_and_parts_of_its_picture() {
        let picture: String = ('a'..='z').cycle().take(200).collect();
        let body = json!({"firstName": "Ada", "lastName": "", "faceId": "7", "image": format!("data:image/png;base64,{picture}")});
        assert_eq!(
            texts(&body),
            [
                "Ada",
                "abcdefghijklmnopqrstuvwxyzabcdef",
                "wxyzabcdefghijklmnopqrstuvwxyzab",
                "klmnopqrstuvwxyzabcdefghijklmnop"
            ]
        );
        assert!(texts(&json!({"image": "data:image/png;base64,AAAA"})).is_empty() && texts(&json!([])).is_empty());
    }
}

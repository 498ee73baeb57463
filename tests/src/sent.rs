//! The people and pictures that clients of the face API have sent. A face that was refused or erased leaves nothing from which
//! [`crate::pii`] could read markers, so the tests record what they send in a table of their own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bonafide_tools::Local;
use serde_json::{Value, json};

/// The table.
pub const TABLE: &str = "leaks-sent";
/// The personal fields of a request.
const PERSON: [&str; 4] = ["firstName", "lastName", "dateOfBirth", "phoneNumber"];
/// An excerpt of a picture's base64 of so many characters is not found elsewhere by chance.
const EXCERPT: usize = 32;

/// Records each text that was sent, once.
#[derive(Debug)]
pub struct SentTexts {
    local: Local,
    recorded: Mutex<BTreeSet<String>>,
}

impl SentTexts {
    /// Creates the table, before the tests.
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
        local
            .raw("dynamodb", "DynamoDB_20120810.CreateTable", &table)
            .map(drop)
            .context("create the table of sent texts")
    }

    /// `None` when there is no table, because no search follows.
    ///
    /// # Errors
    /// When the local AWS does not answer.
    pub fn open(local: &Local) -> Result<Option<Self>> {
        Ok(is_there(local)?.then(|| Self { local: local.clone(), recorded: Mutex::default() }))
    }

    /// Records the personal data of a request.
    ///
    /// # Errors
    /// When the table refuses it.
    pub fn record(&self, body: &Value) -> Result<()> {
        for text in texts(body) {
            if self.recorded.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone()) {
                let put = json!({"TableName": TABLE, "Item": {"text": {"S": text}}});
                self.local.raw("dynamodb", "DynamoDB_20120810.PutItem", &put).context("record what is sent")?;
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
    fn a_request_is_recorded_by_its_person_and_picture_excerpts() {
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

//! The files of `policies/`, with placeholders and without.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value};

use crate::repository;

/// The folders of roles' policies.
const FOLDERS: [&str; 5] = ["gateways", "harnesses", "workers", "machines", "rules"];

/// A value for each `${Name}`.
pub(super) type Placeholders = BTreeMap<String, String>;

/// Every role's file by its path below `policies/`, without `.json`.
pub(super) fn read() -> Result<BTreeMap<String, Value>> {
    let mut files = BTreeMap::new();
    for folder in FOLDERS {
        let path = repository().join("policies").join(folder);
        for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
            let file = entry?.path();
            let Some(name) = file.file_stem().and_then(|name| name.to_str()) else { continue };
            let document = serde_json::from_slice(&fs::read(&file)?).with_context(|| file.display().to_string())?;
            files.insert(format!("{folder}/{name}"), document);
        }
    }
    Ok(files)
}

/// The document with its placeholders replaced.
pub(super) fn fill(document: &Value, values: &Placeholders) -> Result<Value> {
    Ok(match document {
        Value::String(text) => {
            let mut filled = String::new();
            for part in parts(text)? {
                filled += match part {
                    Part::Text(text) => text,
                    Part::Placeholder(name) => values.get(name).with_context(|| format!("${{{name}}} has no value"))?,
                };
            }
            Value::String(filled)
        }
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect::<Result<_>>()?,
        Value::Object(fields) => {
            let filled = fields.iter().map(|(name, value)| Ok((name.clone(), fill(value, values)?)));
            Value::Object(filled.collect::<Result<Map<_, _>>>()?)
        }
        other => other.clone(),
    })
}

/// The values of the placeholders, if the deployed document matches the file.
pub(super) fn values(file: &Value, deployed: &Value) -> Result<Placeholders> {
    let mut values = Placeholders::new();
    compare(file, deployed, "", &mut values)?;
    Ok(values)
}

fn compare(file: &Value, deployed: &Value, path: &str, values: &mut Placeholders) -> Result<()> {
    match (file, deployed) {
        (Value::String(pattern), Value::String(text)) => compare_text(pattern, text, values)
            .with_context(|| format!("{path}: the file says {pattern}, and {text} is deployed"))?,
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                compare(ours, theirs, &format!("{path}/{index}"), values)?;
            }
        }
        (Value::Object(ours), Value::Object(theirs)) if ours.keys().eq(theirs.keys()) => {
            for (name, ours) in ours {
                compare(ours, &theirs[name], &format!("{path}/{name}"), values)?;
            }
        }
        _ => ensure!(file == deployed, "{path}: the file says {file}, and {deployed} is deployed"),
    }
    Ok(())
}

/// Compares texts with at most one unknown placeholder, whose value is the rest of the text.
fn compare_text(pattern: &str, text: &str, values: &mut Placeholders) -> Result<()> {
    let (mut before, mut after, mut unknown) = (String::new(), String::new(), None);
    for part in parts(pattern)? {
        let known = match part {
            Part::Text(text) => text,
            Part::Placeholder(name) => match (values.get(name), unknown) {
                (Some(value), _) => value,
                (None, None) => {
                    unknown = Some(name);
                    continue;
                }
                (None, Some(other)) => bail!("both {other} and {name} are unknown"),
            },
        };
        if unknown.is_none() { before += known } else { after += known }
    }
    let rest = text.strip_prefix(before.as_str()).context("it begins differently")?;
    let value = rest.strip_suffix(after.as_str()).context("it ends differently")?;
    match unknown {
        Some(name) => drop(values.insert(name.to_owned(), value.to_owned())),
        None => ensure!(value.is_empty(), "it continues differently"),
    }
    Ok(())
}

enum Part<'text> {
    Text(&'text str),
    Placeholder(&'text str),
}

fn parts(text: &str) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) =
            after.split_once('}').with_context(|| format!("{text} has a placeholder without an end"))?;
        parts.extend([Part::Text(before), Part::Placeholder(name)]);
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployed_document_gives_the_placeholder_values() {
        let file = json!({"Resource": ["${BucketArn}", "${BucketArn}/*"], "Action": ["s3:GetObject"]});
        let deployed = json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "Action": ["s3:GetObject"]});
        let found = values(&file, &deployed).expect("the same document");
        assert_eq!(found, Placeholders::from([("BucketArn".to_owned(), "arn:aws:s3:::b".to_owned())]));
        assert_eq!(fill(&file, &found).expect("all are known"), deployed);
    }

    #[test]
    fn another_document_is_no_match() {
        let file = json!({"Resource": ["${BucketArn}", "${BucketArn}/*"], "Action": ["s3:GetObject"]});
        for (resources, actions) in [
            (json!(["arn:aws:s3:::b", "arn:aws:s3:::other/*"]), json!(["s3:GetObject"])),
            (json!(["arn:aws:s3:::b"]), json!(["s3:GetObject"])),
            (json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]), json!(["s3:PutObject"])),
            (json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]), json!("s3:GetObject")),
        ] {
            let deployed = json!({"Resource": resources, "Action": actions});
            values(&file, &deployed).expect_err(&deployed.to_string());
        }
        let more = json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "Action": ["s3:GetObject"], "Sid": "S"});
        values(&file, &more).expect_err("one field more");
        fill(&file, &Placeholders::new()).expect_err("a placeholder without a value");
    }

    #[test]
    fn every_role_has_a_file() {
        let files = read().expect("files");
        for name in ["workers/starter", "machines/onboarding", "rules/failed-executions", "gateways/conversations"] {
            assert!(files.contains_key(name), "{name}");
        }
    }
}

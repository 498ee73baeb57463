//! Generates a field for each entry of `statemachines/thresholds.json`, so that code which uses a missing threshold does not compile.

use std::{env, fmt::Write as _, fs, path::PathBuf};

use serde::Deserialize;

const FILE: &str = "../../statemachines/thresholds.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    name: String,
    value: f64,
    from: f64,
    to: f64,
    unit: String,
    reason: String,
    #[serde(default)]
    judges: Vec<Judges>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Judges {
    check: String,
    score: String,
    passes: String,
    otherwise: String,
}

fn main() {
    println!("cargo::rerun-if-changed={FILE}");
    let text = fs::read_to_string(FILE).expect("the file of thresholds can be read");
    let thresholds: Vec<Threshold> = serde_json::from_str(&text).expect("the thresholds are a list of entries");
    let (mut fields, mut values, mut entries) = (String::new(), String::new(), String::new());
    for Threshold { name, value, from, to, unit, reason, judges } in &thresholds {
        let field = field(name);
        writeln!(fields, "/// {reason} Unit: {unit}.\npub {field}: f64,").expect("writing to a String cannot fail");
        writeln!(values, "{field}: {value:?},").expect("writing to a String cannot fail");
        let mut judged = String::new();
        for Judges { check, score, passes, otherwise } in judges {
            let (check, passes, otherwise) = (capitalized(check), capitalized(passes), camel_case(otherwise));
            write!(
                judged,
                "Judges {{ check: Check::{check}, score: {score:?}, passes: Passes::{passes}, otherwise: ReasonCode::{otherwise} }},"
            )
            .expect("writing to a String cannot fail");
        }
        writeln!(
            entries,
            "Threshold {{ name: {name:?}, from: {from:?}, to: {to:?}, unit: {unit:?}, reason: {reason:?}, judges: &[{judged}], \
             get: |all| all.{field}, set: |all, value| all.{field} = value }},"
        )
        .expect("writing to a String cannot fail");
    }
    let code = format!(
        "/// The thresholds of one stage.\n#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]\n#[serde(try_from = \"String\")]\npub struct Thresholds {{\n{fields}}}\n\n\
         impl Thresholds {{\n/// The values of the file: those of a stage that does not set its own.\n\
         pub const STANDARD: Self = Self {{\n{values}}};\n}}\n\nconst ALL: &[Threshold] = &[\n{entries}];\n"
    );
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(folder.join("thresholds.rs"), code).expect("the thresholds can be written");
}

/// `FaceConfidence` → `face_confidence`.
fn field(name: &str) -> String {
    let mut field = String::new();
    for (index, character) in name.char_indices() {
        if index > 0 && character.is_ascii_uppercase() {
            field.push('_');
        }
        field.push(character.to_ascii_lowercase());
    }
    field
}

/// `identityCompare` → `IdentityCompare`.
fn capitalized(name: &str) -> String {
    name[..1].to_ascii_uppercase() + &name[1..]
}

/// `FACE_MISMATCH` → `FaceMismatch`.
fn camel_case(code: &str) -> String {
    code.split('_').map(|word| word[..1].to_owned() + &word[1..].to_ascii_lowercase()).collect()
}

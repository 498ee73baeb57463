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
}

fn main() {
    println!("cargo::rerun-if-changed={FILE}");
    let text = fs::read_to_string(FILE).expect("the file of thresholds can be read");
    let thresholds: Vec<Threshold> = serde_json::from_str(&text).expect("the thresholds are a list of entries");
    let (mut fields, mut values, mut entries) = (String::new(), String::new(), String::new());
    for Threshold { name, value, from, to, unit, reason } in &thresholds {
        let field = field(name);
        writeln!(fields, "/// {reason} Unit: {unit}.\npub {field}: f64,").expect("writing to a String cannot fail");
        writeln!(values, "{field}: {value:?},").expect("writing to a String cannot fail");
        writeln!(
            entries,
            "Threshold {{ name: {name:?}, from: {from:?}, to: {to:?}, unit: {unit:?}, reason: {reason:?}, \
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

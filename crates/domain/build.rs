//! Writes a constant for each entry of `statemachines/thresholds.json`, so that code which asks for a missing one does not compile.

use std::{env, fmt::Write as _, fs, path::PathBuf};

use serde::Deserialize;

const FILE: &str = "../../statemachines/thresholds.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    name: String,
    value: f64,
    unit: String,
    reason: String,
}

fn main() {
    println!("cargo::rerun-if-changed={FILE}");
    let text = fs::read_to_string(FILE).expect("the thresholds can be read");
    let thresholds: Vec<Threshold> = serde_json::from_str(&text).expect("the thresholds are a list of entries");
    let (mut constants, mut entries) = (String::new(), String::new());
    for Threshold { name, value, unit, reason } in &thresholds {
        let constant = constant(name);
        writeln!(constants, "/// {reason} Unit: {unit}.\npub const {constant}: f64 = {value:?};")
            .expect("a text grows");
        writeln!(entries, "Threshold {{ name: {name:?}, value: {constant}, unit: {unit:?}, reason: {reason:?} }},")
            .expect("a text grows");
    }
    let code = format!("{constants}\nconst ALL: &[Threshold] = &[\n{entries}];\n");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the folder"));
    fs::write(folder.join("thresholds.rs"), code).expect("the constants can be written");
}

/// `FaceConfidence` → `FACE_CONFIDENCE`.
fn constant(name: &str) -> String {
    let mut constant = String::new();
    for (index, character) in name.char_indices() {
        if index > 0 && character.is_ascii_uppercase() {
            constant.push('_');
        }
        constant.push(character.to_ascii_uppercase());
    }
    constant
}

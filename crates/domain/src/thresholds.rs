//! The thresholds of judgement: those of `statemachines/thresholds.json`, by which the state machines judge, too.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

include!(concat!(env!("OUT_DIR"), "/thresholds.rs"));

// Or a search would miss faces that are duplicates.
const _: () = assert!(SEARCH_SIMILARITY < DUPLICATE_SIMILARITY);

struct Threshold {
    name: &'static str,
    value: f64,
    unit: &'static str,
    reason: &'static str,
}

/// The first 16 hexadecimal digits of the SHA-256 of the file: by which thresholds something was decided.
#[must_use]
pub fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        let hash = Sha256::digest(include_str!("../../../statemachines/thresholds.json"));
        hash[..8].iter().fold(String::new(), |digest, byte| digest + &format!("{byte:02x}"))
    });
    &DIGEST
}

/// The page docs/THRESHOLDS.md, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Thresholds\n\n\
         Generated from `statemachines/thresholds.json`; change it there. The state machines have each threshold as the token `${name}`, \
         the workers as a constant.\n\n\
         | threshold | value | unit | reason |\n|---|---|---|---|\n",
    );
    let row =
        |Threshold { name, value, unit, reason }: &Threshold| format!("| `{name}` | {value} | {unit} | {reason} |\n");
    page.extend(ALL.iter().map(row));
    page
}

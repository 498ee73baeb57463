//! The thresholds of judgement: those of `statemachines/thresholds.json`, by which the state machines judge, too.

include!(concat!(env!("OUT_DIR"), "/thresholds.rs"));

// Or a search would miss faces that are duplicates.
const _: () = assert!(SEARCH_SIMILARITY < DUPLICATE_SIMILARITY);

struct Threshold {
    name: &'static str,
    value: f64,
    unit: &'static str,
    reason: &'static str,
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

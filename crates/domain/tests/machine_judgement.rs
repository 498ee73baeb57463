//! The cases by which the machine is tested are those of the domain.

mod judgements;

#[test]
fn the_cases_of_the_machine_are_current() {
    // As values: the order of their members follows from the features of serde_json.
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let file = include_str!("../../../tests/judgements.json");
    let is_current = parsed(&judgements::cases()) == parsed(file);
    assert!(is_current, "cargo run -p bonafide-domain --example judgements > tests/judgements.json");
}

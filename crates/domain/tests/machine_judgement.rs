//! The cases by which the machine is tested are those of the domain.

mod judgements;

#[test]
fn the_cases_of_the_machine_are_current() {
    let file = include_str!("../../../tests/judgements.json");
    assert!(judgements::cases() == file, "cargo run -p bonafide-domain --example judgements > tests/judgements.json");
}

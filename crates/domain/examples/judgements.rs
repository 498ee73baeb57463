//! Prints `tests/judgements.json`.

#[path = "../tests/judgements/mod.rs"]
mod judgements;

fn main() {
    print!("{}", judgements::cases());
}

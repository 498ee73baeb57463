//! Prints docs/THRESHOLDS.md: `cargo run --package bonafide-domain --example thresholds > docs/THRESHOLDS.md`.

fn main() {
    print!("{}", bonafide_domain::thresholds_page());
}

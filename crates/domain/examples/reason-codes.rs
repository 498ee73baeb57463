//! Prints docs/REASON-CODES.md: `cargo run --package bonafide-domain --example reason-codes > docs/REASON-CODES.md`.

fn main() {
    print!("{}", bonafide_domain::reason_codes_page());
}

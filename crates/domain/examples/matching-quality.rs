//! Prints the quality of matching details with documents on a labelled set:
//! `cargo run --package bonafide-domain --example matching-quality`.

#[path = "../tests/labelled/mod.rs"]
mod labelled;

fn main() {
    println!("{}", labelled::report().text());
}

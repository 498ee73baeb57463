//! Prints how well details and documents are matched, over a labelled set:
//! `cargo run --package bonafide-domain --example matching-quality`.

#[path = "../tests/labelled/mod.rs"]
mod labelled;

fn main() {
    println!("{}", labelled::report().text());
}

//! The worker extract-document

fn main() {}

//! Draws the sample packages

fn main() {}

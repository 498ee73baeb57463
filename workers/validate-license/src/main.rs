//! The worker validate-license

fn main() {}

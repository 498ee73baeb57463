//! The worker starter

fn main() {}

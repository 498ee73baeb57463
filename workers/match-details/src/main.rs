//! The worker match-details

fn main() {}

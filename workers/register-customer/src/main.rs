//! The worker register-customer

fn main() {}

//! Sets up and runs everything: demo, test, up, down, package

fn main() {}

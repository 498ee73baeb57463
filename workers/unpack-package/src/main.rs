//! The worker unpack-package

fn main() {}

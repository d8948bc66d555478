//! The `rekindle` binary.
fn main() {}

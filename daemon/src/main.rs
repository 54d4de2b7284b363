//! The binary `camsync`.
fn main() {}

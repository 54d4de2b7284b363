//! Builds a Rust connector into a WebAssembly component, on any machine.

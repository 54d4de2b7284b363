//! Loads connectors (WebAssembly components) and runs them inside their limits.

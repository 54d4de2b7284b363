//! What a connector in Rust is written with.

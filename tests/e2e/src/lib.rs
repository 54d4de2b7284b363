//! End-to-end tests through the camsync binary.

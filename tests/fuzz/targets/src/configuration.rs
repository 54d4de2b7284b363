//! The configuration's file.

use std::path::Path;

use camsync_config::{Config, ConfigError};

/// A file is taken whole, or refused with a place in it; its text in other words is the same configuration.
pub(crate) fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Config::parse(text, "camsync.toml", Path::new("/nowhere")) {
        Ok(loaded) => {
            let again = Config::parse(text, "camsync.toml", Path::new("/nowhere"));
            assert_eq!(again.expect("it was taken before"), loaded);
            let shown = loaded.show().to_string();
            assert!(!shown.is_empty());
            assert!(!loaded.config.sources.is_empty());
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            if let ConfigError::Invalid { problems, .. } = &error {
                let lines = text.lines().count() + 1;
                for problem in problems {
                    let line = usize::try_from(problem.line).unwrap();
                    assert!(line <= lines, "line {line} of {lines}: {problem}");
                    assert!(!problem.message.is_empty());
                }
            }
        }
    }
}

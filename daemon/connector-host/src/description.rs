//! What a connector says of itself, checked.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::{
    allowed::{AllowedHost, AllowedHostError},
    types::Capability,
};

/// A name's length in bytes.
const NAME_MAX: usize = 64;
/// A summary's length in bytes.
const SUMMARY_MAX: usize = 1024;
/// A schema's length in bytes.
const SCHEMA_MAX: usize = 256 * 1024;
/// Hosts that a connector may declare.
const HOSTS_MAX: usize = 64;

/// What a connector says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// Its name, as a source's `connector` names it.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// One sentence for an administrator.
    pub summary: String,
    /// The settings as a JSON Schema (draft 2020-12) of an object.
    pub settings_schema: Value,
    /// The hosts it talks to with default settings.
    pub hosts: Vec<AllowedHost>,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// The version of the connector interface that it was built for.
    pub wit: String,
    /// The file's SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

/// What is wrong with a connector's description: for its author to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// The name is not one.
    #[error(
        "it calls itself `{found}`; a connector's name is lower-case letters, digits and hyphens, begins with a letter, and has at most {NAME_MAX}"
    )]
    Name {
        /// The name found, cut short.
        found: String,
    },
    /// The version is not one.
    #[error("it gives its version as `{found}`, which is not a semantic version such as 1.2.0")]
    Version {
        /// The version found, cut short.
        found: String,
    },
    /// The schema is not one.
    #[error("its settings schema is not a JSON Schema of an object: {reason}")]
    Schema {
        /// What is wrong.
        reason: String,
    },
    /// A host is not one.
    #[error("it declares a host that is none: {0}")]
    Host(#[from] AllowedHostError),
    /// A text or list is too long.
    #[error("{what} is too long")]
    TooLong {
        /// Which.
        what: &'static str,
    },
}

/// A description as it comes from the connector.
pub(crate) struct RawDescription {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) settings_schema: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) capabilities: Vec<Capability>,
}

impl RawDescription {
    /// Checks every part.
    pub(crate) fn check(
        self,
        wit: String,
        sha256: String,
    ) -> Result<Description, DescriptionError> {
        if !is_name(&self.name) {
            return Err(DescriptionError::Name {
                found: short(&self.name),
            });
        }
        if semver::Version::parse(&self.version).is_err() {
            return Err(DescriptionError::Version {
                found: short(&self.version),
            });
        }
        if self.summary.len() > SUMMARY_MAX {
            return Err(DescriptionError::TooLong {
                what: "its summary",
            });
        }
        if self.hosts.len() > HOSTS_MAX {
            return Err(DescriptionError::TooLong {
                what: "its list of hosts",
            });
        }
        let hosts = self
            .hosts
            .iter()
            .map(|host| host.parse())
            .collect::<Result<_, _>>()?;
        Ok(Description {
            settings_schema: schema(&self.settings_schema)?,
            name: self.name,
            version: self.version,
            summary: self.summary,
            hosts,
            capabilities: self.capabilities.into_iter().collect(),
            wit,
            sha256,
        })
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn short(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(NAME_MAX)
        .collect()
}

fn schema(text: &str) -> Result<Value, DescriptionError> {
    let refused = |reason: String| DescriptionError::Schema { reason };
    if text.len() > SCHEMA_MAX {
        return Err(DescriptionError::TooLong {
            what: "its settings schema",
        });
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(refused("it does not say `\"type\": \"object\"`".to_owned()));
    }
    // Also refuses a `$ref` to another document: nothing is fetched for a schema.
    jsonschema::draft202012::options()
        .build(&schema)
        .map_err(|error| refused(error.to_string()))?;
    Ok(schema)
}

/// Something wrong with a source's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingProblem {
    /// Which setting, as a JSON pointer; empty for the settings as a whole.
    pub pointer: String,
    /// What is wrong. Never holds the setting's value, which may be a secret.
    pub message: String,
}

impl Description {
    /// Checks settings against the connector's own schema: everything that is wrong, nothing when they are good.
    #[must_use]
    pub fn check_settings(&self, settings: &Value) -> Vec<SettingProblem> {
        match jsonschema::draft202012::options().build(&self.settings_schema) {
            Ok(validator) => validator
                .iter_errors(settings)
                .map(|error| SettingProblem {
                    pointer: error.instance_path().to_string(),
                    message: error.masked_with("the value").to_string(),
                })
                .collect(),
            Err(error) => vec![SettingProblem {
                pointer: String::new(),
                message: error.to_string(),
            }],
        }
    }

    /// The settings that hold a secret (`"x-camsync-secret": true`), as JSON pointers.
    #[must_use]
    pub fn secret_settings(&self) -> Vec<String> {
        self.marked("x-camsync-secret")
    }

    /// The settings that hold an endpoint's URL (`"x-camsync-endpoint": true`), as JSON pointers.
    #[must_use]
    pub fn endpoint_settings(&self) -> Vec<String> {
        self.marked("x-camsync-endpoint")
    }

    fn marked(&self, mark: &str) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.settings_schema, mark, "", &mut found);
        found
    }
}

fn collect(schema: &Value, mark: &str, pointer: &str, found: &mut Vec<String>) {
    if schema.get(mark).and_then(Value::as_bool) == Some(true) {
        found.push(pointer.to_owned());
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, inner) in properties.into_iter().flatten() {
        let name = name.replace('~', "~0").replace('/', "~1");
        collect(inner, mark, &format!("{pointer}/{name}"), found);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn raw() -> RawDescription {
        RawDescription {
            name: "wecom".to_owned(),
            version: "1.2.0".to_owned(),
            summary: "WeCom".to_owned(),
            settings_schema: json!({
                "type": "object",
                "required": ["secret"],
                "additionalProperties": false,
                "properties": {
                    "secret": {"type": "string", "pattern": "^[a-z]+$", "x-camsync-secret": true},
                    "api_base": {"type": "string", "x-camsync-endpoint": true},
                    "a/b": {"type": "object", "properties": {"key": {"type": "string", "x-camsync-secret": true}}}
                }
            })
            .to_string(),
            hosts: vec!["qyapi.weixin.qq.com".to_owned()],
            capabilities: vec![Capability::SignIn, Capability::LookUp, Capability::LookUp],
        }
    }

    fn check(raw: RawDescription) -> Result<Description, DescriptionError> {
        raw.check("1.0.0".to_owned(), "00".to_owned())
    }

    #[test]
    fn a_good_description_is_taken() {
        let description = check(raw()).unwrap();
        assert_eq!(description.capabilities.len(), 2);
        assert_eq!(description.secret_settings(), ["/a~1b/key", "/secret"]);
        assert_eq!(description.endpoint_settings(), ["/api_base"]);
    }

    #[test]
    fn each_bad_part_is_refused_in_its_own_way() {
        for name in ["", "WeCom", "1x", "a b", "-a", "../x", &"x".repeat(65)] {
            let error = check(RawDescription {
                name: name.to_owned(),
                ..raw()
            })
            .unwrap_err();
            assert!(matches!(error, DescriptionError::Name { .. }), "{name}");
        }
        for version in ["", "1", "1.2", "v1.2.3"] {
            let error = check(RawDescription {
                version: version.to_owned(),
                ..raw()
            })
            .unwrap_err();
            assert!(
                matches!(error, DescriptionError::Version { .. }),
                "{version}"
            );
        }
        for schema in [
            "",
            "[]",
            "{}",
            r#"{"type":"string"}"#,
            r#"{"type":"object","properties":{"a":{"type":"strng"}}}"#,
            r#"{"type":"object","$ref":"https://evil.example/schema.json"}"#,
        ] {
            let error = check(RawDescription {
                settings_schema: schema.to_owned(),
                ..raw()
            })
            .unwrap_err();
            assert!(
                matches!(error, DescriptionError::Schema { .. }),
                "{schema}: {error}"
            );
        }
        let error = check(RawDescription {
            hosts: vec!["https://x".to_owned()],
            ..raw()
        })
        .unwrap_err();
        assert!(matches!(error, DescriptionError::Host(_)));
    }

    #[test]
    fn settings_are_checked_without_repeating_them() {
        let description = check(raw()).unwrap();
        assert_eq!(description.check_settings(&json!({"secret": "abc"})), []);
        let problems =
            description.check_settings(&json!({"secret": "S3CRET!", "api_base": 7, "other": 1}));
        let text = format!("{problems:?}");
        assert_eq!(problems.len(), 3, "{text}");
        assert!(!text.contains("S3CRET!"), "{text}");
        assert!(
            problems.iter().any(|problem| problem.pointer == "/secret"),
            "{text}"
        );
        assert!(!description.check_settings(&json!({})).is_empty());
    }
}

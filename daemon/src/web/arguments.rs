//! What can be said in a path and a query: declared, described and read in one place.

use std::time::Duration;

use camsync_core::nearest::nearest;
use camsync_core::plan::Then;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::problem::{Kind, Problem};

/// Rows of a list, unless told otherwise: as on the command line.
const ROWS: u32 = 100;
/// The longest that an answer waits for the end of what it set off.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// One thing that can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    /// A source, in the path.
    Source,
    /// A member's id or a username, in the path.
    Member,
    /// A number, in the path.
    Id,
    /// At most so many rows.
    Limit,
    /// Only of this status.
    Status,
    /// Only of this source.
    OnlySource,
    /// Only since then.
    Since,
    /// What the member is told.
    Reason,
    /// No longer.
    Off,
    /// API keys too.
    Keys,
    /// The reader's language.
    Language,
    /// What becomes of a source's sub-users.
    Then,
    /// The word for what was shown.
    Confirm,
    /// The new id.
    To,
    /// How long to wait for the end.
    Wait,
}

impl Parameter {
    fn told(self) -> (&'static str, &'static str, Value) {
        match self {
            Self::Source => ("name", "The source's name", json!({ "type": "string" })),
            Self::Member => (
                "id",
                "A member's id or a username",
                json!({ "type": "string" }),
            ),
            Self::Id => (
                "id",
                "Its id",
                json!({ "type": "integer", "format": "int64" }),
            ),
            Self::Limit => (
                "limit",
                "At most so many; 0 is all",
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX, "default": ROWS }),
            ),
            Self::Status => ("status", "Only of this status", json!({ "type": "string" })),
            Self::OnlySource => ("source", "Only of this source", json!({ "type": "string" })),
            Self::Since => (
                "since",
                "Only since then",
                json!({ "type": "string", "format": "date-time" }),
            ),
            Self::Reason => (
                "reason",
                "What the member is told",
                json!({ "type": "string" }),
            ),
            Self::Off => (
                "off",
                "End it",
                json!({ "type": "boolean", "default": false }),
            ),
            Self::Keys => (
                "keys",
                "The API keys that camsync switched off, too",
                json!({ "type": "boolean", "default": false }),
            ),
            Self::Language => (
                "language",
                "The reader's language; by default the daemon's",
                json!({ "type": "string", "enum": ["en", "zh"] }),
            ),
            Self::Then => (
                "then",
                "What becomes of its sub-users",
                json!({ "type": "string", "enum": ["keep", "suspend", "delete"] }),
            ),
            Self::Confirm => (
                "confirm",
                "`confirm` of what was shown: exactly that is done",
                json!({ "type": "string" }),
            ),
            Self::To => (
                "to",
                "The new id, or its username",
                json!({ "type": "string" }),
            ),
            Self::Wait => (
                "wait",
                "Seconds to wait for the end; when it has not come by then, the answer is 202 and the work goes on",
                json!({
                    "type": "integer", "minimum": 0, "maximum": LONGEST_WAIT.as_secs(), "default": LONGEST_WAIT.as_secs(),
                }),
            ),
        }
    }

    fn name(self) -> &'static str {
        self.told().0
    }

    fn in_path(self) -> bool {
        matches!(self, Self::Source | Self::Member | Self::Id)
    }

    fn is_required(self) -> bool {
        self.in_path() || matches!(self, Self::Then | Self::Confirm | Self::To)
    }

    /// As the OpenAPI document has it.
    pub(super) fn document(self) -> Value {
        let (name, description, schema) = self.told();
        json!({
            "name": name,
            "in": if self.in_path() { "path" } else { "query" },
            "required": self.is_required(),
            "description": description,
            "schema": schema,
        })
    }
}

/// What was said.
#[derive(Debug, Default)]
pub(super) struct Arguments(Vec<(Parameter, String)>);

impl Arguments {
    /// Takes in what the path's places hold and what the query says; refuses what is not declared.
    pub(super) fn read<'p>(
        declared: &[Parameter],
        path: impl Iterator<Item = (&'p str, &'p str)>,
        query: &str,
    ) -> Result<Self, Problem> {
        let mut said = Vec::new();
        for (name, value) in path {
            let parameter = declared.iter().find(|p| p.in_path() && p.name() == name);
            said.extend(parameter.map(|p| (*p, value.to_owned())));
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let mut known = declared.iter().filter(|p| !p.in_path());
            let Some(parameter) = known.clone().find(|p| p.name() == name) else {
                let near = nearest(&name, known.by_ref().map(|p| p.name()))
                    .map(|near| format!(", did you mean `{near}`?"))
                    .unwrap_or_default();
                return Err(invalid(format!(
                    "there is no parameter `{name}` here{near}"
                )));
            };
            if said.iter().any(|(p, _)| p == parameter) {
                return Err(invalid(format!("`{name}` is said twice; say it once")));
            }
            said.push((*parameter, value.into_owned()));
        }
        Ok(Self(said))
    }

    /// What was said, if anything was.
    pub(super) fn text(&self, parameter: Parameter) -> Option<String> {
        let found = self.0.iter().find(|(p, _)| *p == parameter);
        found.map(|(_, value)| value.clone())
    }

    /// What the path holds.
    pub(super) fn required(&self, parameter: Parameter) -> Result<String, Problem> {
        self.text(parameter)
            .ok_or_else(|| invalid(format!("`{}` is missing", parameter.name())))
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        parameter: Parameter,
        wanted: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(parameter) else {
            return Ok(None);
        };
        let wrong = || invalid(format!("`{}` is {wanted}, not {text:?}", parameter.name()));
        text.parse().map(Some).map_err(|_| wrong())
    }

    pub(super) fn id(&self) -> Result<i64, Problem> {
        let id = self.parsed(Parameter::Id, "a number")?;
        id.ok_or_else(|| invalid("`id` is missing"))
    }

    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let limit = self.parsed(Parameter::Limit, "a number, 0 for all")?;
        Ok(limit.unwrap_or(ROWS))
    }

    pub(super) fn since(&self) -> Result<Option<DateTime<Utc>>, Problem> {
        self.parsed(Parameter::Since, "a time such as 2026-11-24T08:00:00Z")
    }

    /// Whether something is so; false when it was not said.
    pub(super) fn flag(&self, parameter: Parameter) -> Result<bool, Problem> {
        let said = self.parsed(parameter, "`true` or `false`")?;
        Ok(said.unwrap_or(false))
    }

    pub(super) fn then(&self) -> Result<Then, Problem> {
        let word = self.required(Parameter::Then)?;
        let wrong = || invalid(format!("`then` is keep, suspend or delete, not {word:?}"));
        Then::parse(&word).ok_or_else(wrong)
    }

    pub(super) fn wait(&self) -> Result<Duration, Problem> {
        let wanted = format!("seconds, at most {}", LONGEST_WAIT.as_secs());
        match self
            .parsed(Parameter::Wait, &wanted)?
            .map(Duration::from_secs)
        {
            Some(wait) if wait > LONGEST_WAIT => Err(invalid(format!("`wait` is {wanted}"))),
            wait => Ok(wait.unwrap_or(LONGEST_WAIT)),
        }
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::Invalid, detail)
}

//! The parameters of an action: which there are, of what type, and which are required (`cam-api.md 3`).

use serde_json::{Map, Value};

use super::refusal::{Refusal, refuse};

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    /// 0 or 1.
    Flag,
    Numbers,
    Texts,
    /// `Info`: a list of {GroupId, Uid, Uin}.
    Pairs,
    /// A list that is not looked into.
    List,
}

/// A parameter that an action documents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

pub(crate) const fn req(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        required: true,
    }
}

pub(crate) const fn opt(name: &'static str, kind: Kind) -> Param {
    Param {
        name,
        kind,
        required: false,
    }
}

/// Parameters that passed the check.
#[derive(Clone, Debug)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Checks `given` against `documented`. Quoted integers become numbers, as at the real gateway (`cam-api.md 2`).
    pub(crate) fn check(given: Map<String, Value>, documented: &[Param]) -> Result<Self, Refusal> {
        let mut checked = Map::new();
        for (name, value) in given {
            let Some(param) = documented.iter().find(|param| param.name == name) else {
                return refuse(
                    "UnknownParameter",
                    format!("The parameter `{name}` is not recognized."),
                );
            };
            if value.is_null() {
                continue;
            }
            let value = coerce(&value, param.kind).ok_or_else(|| {
                Refusal::new(
                    "InvalidParameter",
                    format!("The value type of parameter `{name}` is not valid."),
                )
            })?;
            if param.kind == Kind::Flag && value.as_u64().is_none_or(|flag| flag > 1) {
                return refuse(
                    "InvalidParameter.ParamError",
                    format!("`{name}` must be 0 or 1."),
                );
            }
            checked.insert(name, value);
        }
        if let Some(missing) = documented
            .iter()
            .find(|param| param.required && !checked.contains_key(param.name))
        {
            return refuse(
                "MissingParameter",
                format!(
                    "The request is missing a required parameter `{}`.",
                    missing.name
                ),
            );
        }
        Ok(Self(checked))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.number(name).map(|flag| flag == 1)
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<u64> {
        self.list(name).iter().filter_map(Value::as_u64).collect()
    }

    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.0
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// `Page` and `Rp`: the pages count from 1, and hold 20 by default and at most 200.
    pub(crate) fn page(&self) -> Result<(usize, usize), Refusal> {
        let page = self.number("Page").unwrap_or(1);
        let size = self.number("Rp").unwrap_or(20);
        if page == 0 || !(1..=200).contains(&size) {
            return refuse(
                "InvalidParameter.ParamError",
                "Page starts at 1, Rp is 1 to 200.",
            );
        }
        let size = usize::try_from(size).unwrap_or(200);
        Ok((
            usize::try_from(page - 1).unwrap_or(0).saturating_mul(size),
            size,
        ))
    }
}

fn coerce(value: &Value, kind: Kind) -> Option<Value> {
    let number = |value: &Value| match value {
        Value::Number(_) => value.as_u64().map(Value::from),
        Value::String(text) => text.parse::<u64>().ok().map(Value::from),
        _ => None,
    };
    match kind {
        Kind::Text => value.is_string().then(|| value.clone()),
        Kind::Number | Kind::Flag => number(value),
        Kind::Numbers => value.as_array()?.iter().map(number).collect(),
        Kind::Texts => value
            .as_array()?
            .iter()
            .map(|item| item.is_string().then(|| item.clone()))
            .collect(),
        Kind::List => value.is_array().then(|| value.clone()),
        Kind::Pairs => value
            .as_array()?
            .iter()
            .map(|item| {
                let pair = item.as_object()?;
                let fields: Option<Map<_, _>> = pair
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| {
                        let known = ["GroupId", "Uid", "Uin"].contains(&name.as_str());
                        known
                            .then(|| number(value))
                            .flatten()
                            .map(|value| (name.clone(), value))
                    })
                    .collect();
                fields.map(Value::Object)
            })
            .collect(),
    }
}

//! The one language of rules: conditions (`when`) and templates (`{{ }}`), minijinja's.
//!
//! A misspelt name is found when the rule is parsed; what can only be found on a member is an error on that
//! member alone. Evaluation is bounded in steps and in the length of what it makes.

use std::cell::Cell;

use minijinja::{Environment, ErrorKind, Expression, Template, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use crate::facts::{Facts, MEMBER_NAMES, SOURCE_NAMES};

/// Steps one evaluation may take: far beyond any sensible rule, far below a second.
const FUEL: u64 = 20_000;
/// So many members on whom one rule may use up its steps in a pass. The others are not asked any more: nothing is
/// decided about them, and a pass over a large enterprise ends although each of them would cost all the steps.
const EXHAUSTED_MAX: u32 = 100;
/// The longest text a template may make, in bytes.
const LONGEST_TEXT: usize = 4096;

const FUNCTIONS: &[&str] = &["range", "dict", "namespace", "loop"];

/// Why a rule's text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct ParseError {
    /// Where in the text, in bytes, as far as is known.
    pub offset: Option<usize>,
    /// What is wrong, and the nearest known name where one was misspelt.
    pub message: String,
}

/// Why a rule could not be evaluated on one member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct EvalError(pub String);

/// A condition that parses and names only what exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition(String);

/// A template that parses and names only what exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text(String);

impl Condition {
    /// Checks a condition.
    ///
    /// # Errors
    /// When it does not parse, or names what no rule sees.
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        crate::extent::check(source)?;
        let language = Language::new();
        let compiled = language
            .env
            .compile_expression(source)
            .map_err(|e| parse_error(&e))?;
        check_names(compiled.undeclared_variables(true), source)?;
        check_calls(compiled.eval(Facts::blank().0).err())?;
        Ok(Self(source.to_owned()))
    }

    /// The text as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0
    }
}

impl Text {
    /// Checks a template.
    ///
    /// # Errors
    /// When it does not parse, or names what no rule sees.
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        crate::extent::check(source)?;
        let language = Language::new();
        let compiled = language
            .env
            .template_from_str(source)
            .map_err(|e| parse_error(&e))?;
        check_names(compiled.undeclared_variables(true), source)?;
        check_calls(compiled.render(Facts::blank().0).err())?;
        Ok(Self(source.to_owned()))
    }

    /// The text as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0
    }

    /// The text itself, trimmed, when nothing of a member goes into it.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        let open = ["{{", "{%", "{#"].iter().any(|mark| self.0.contains(mark));
        (!open).then(|| self.0.trim())
    }
}

/// The language's environment; rules are compiled against it once a pass.
pub struct Language {
    env: Environment<'static>,
}

impl Default for Language {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Language")
    }
}

/// A condition ready to be asked.
#[derive(Debug)]
pub struct CompiledCondition<'a> {
    expression: Expression<'a, 'a>,
    allowance: Allowance,
}

/// A template ready to be filled in.
#[derive(Debug)]
pub struct CompiledText<'a> {
    template: Template<'a, 'a>,
    allowance: Allowance,
}

/// What one rule may still cost in a pass.
#[derive(Debug, Default)]
struct Allowance {
    /// Evaluations that used up all their steps.
    exhausted: Cell<u32>,
}

impl Allowance {
    fn spend<T>(
        &self,
        evaluate: impl FnOnce() -> Result<T, minijinja::Error>,
    ) -> Result<T, EvalError> {
        let exhausted = self.exhausted.get();
        if exhausted >= EXHAUSTED_MAX {
            return Err(EvalError(format!(
                "takes more than {FUEL} steps on {EXHAUSTED_MAX} members, and so is not asked of the others"
            )));
        }
        evaluate().map_err(|error| match error.kind() {
            ErrorKind::OutOfFuel => {
                self.exhausted.set(exhausted + 1);
                EvalError(format!("takes more than {FUEL} steps"))
            }
            _ => EvalError(describe(&error)),
        })
    }
}

impl Language {
    /// The language, with strict names and bounded steps.
    #[must_use]
    pub fn new() -> Self {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(FUEL));
        // It shows all that there is without naming any of it.
        env.remove_global("debug");
        Self { env }
    }

    /// Compiles a condition.
    ///
    /// # Errors
    /// Never for a [`Condition`] that was parsed by this version.
    pub fn condition<'a>(
        &'a self,
        condition: &'a Condition,
    ) -> Result<CompiledCondition<'a>, ParseError> {
        self.env
            .compile_expression(&condition.0)
            .map(|expression| CompiledCondition {
                expression,
                allowance: Allowance::default(),
            })
            .map_err(|e| parse_error(&e))
    }

    /// Compiles a template.
    ///
    /// # Errors
    /// Never for a [`Text`] that was parsed by this version.
    pub fn text<'a>(&'a self, text: &'a Text) -> Result<CompiledText<'a>, ParseError> {
        self.env
            .template_from_str(&text.0)
            .map(|template| CompiledText {
                template,
                allowance: Allowance::default(),
            })
            .map_err(|e| parse_error(&e))
    }
}

impl CompiledCondition<'_> {
    /// Whether it holds for this member.
    ///
    /// # Errors
    /// When it cannot be evaluated on this member.
    pub fn holds(&self, facts: &Facts) -> Result<bool, EvalError> {
        self.allowance
            .spend(|| self.expression.eval(facts.0.clone()))
            .map(|v| v.is_true())
    }
}

impl CompiledText<'_> {
    /// The text for this member, trimmed.
    ///
    /// # Errors
    /// When it cannot be evaluated on this member, or grows too long.
    pub fn fill(&self, facts: &Facts) -> Result<String, EvalError> {
        let made = self
            .allowance
            .spend(|| self.template.render(facts.0.clone()))?;
        if made.len() > LONGEST_TEXT {
            return Err(EvalError(format!(
                "makes a text of {} bytes; {LONGEST_TEXT} at the most",
                made.len()
            )));
        }
        Ok(made.trim().to_owned())
    }
}

fn parse_error(error: &minijinja::Error) -> ParseError {
    ParseError {
        offset: error.range().map(|r| r.start),
        message: describe(error),
    }
}

fn describe(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Finds at the start what minijinja finds only when it runs: a filter, test or function that does not exist.
fn check_calls(error: Option<minijinja::Error>) -> Result<(), ParseError> {
    match error {
        Some(e)
            if matches!(
                e.kind(),
                ErrorKind::UnknownFilter
                    | ErrorKind::UnknownTest
                    | ErrorKind::UnknownFunction
                    | ErrorKind::UnknownMethod
            ) =>
        {
            Err(parse_error(&e))
        }
        _ => Ok(()),
    }
}

fn check_names(names: std::collections::HashSet<String>, source: &str) -> Result<(), ParseError> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    for name in names {
        let mut parts = name.splitn(3, '.');
        let (root, field) = (parts.next().unwrap_or(""), parts.next());
        let fields = match root {
            "member" => MEMBER_NAMES,
            "source" => SOURCE_NAMES,
            other if FUNCTIONS.contains(&other) => continue,
            other => {
                return Err(unknown(other, &["member", "source"], "", source));
            }
        };
        if let Some(field) = field
            && !fields.contains(&field)
        {
            return Err(unknown(field, fields, &format!("{root}."), source));
        }
    }
    Ok(())
}

fn unknown(name: &str, known: &[&str], prefix: &str, source: &str) -> ParseError {
    let full = format!("{prefix}{name}");
    let message = match crate::nearest::nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown name `{full}`, did you mean `{prefix}{near}`?"),
        None => format!("unknown name `{full}`; known are {}", known.join(", ")),
    };
    ParseError {
        offset: source.find(&full),
        message,
    }
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;

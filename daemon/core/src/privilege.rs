//! Privilege: which policies give rights that administer. Such rights are given only where the configuration names
//! the policy literally.

use serde_json::Value;

/// Preset policies that administer whatever CAM says of their level.
const ADMINISTRATORS: [&str; 2] = ["AdministratorAccess", "QcloudCamFullAccess"];
/// What actions of CAM begin with when they only read (`cam-api.md` 3, 8).
const READING: [&str; 6] = ["get", "list", "describe", "check", "query", "simulate"];

/// Whether a policy gives rights that administer: by its name, by CAM's own level (`account_wide`: Global or Finance,
/// `cam-api.md` 3.3), or because its document allows everything, or writing in CAM, from where everything can be had.
///
/// A document that cannot be read as one is taken for one that administers.
#[must_use]
pub fn administers(name: &str, account_wide: bool, document: Option<&str>) -> bool {
    ADMINISTRATORS.contains(&name) || account_wide || document.is_some_and(allows_too_much)
}

/// Whether a policy denies something: whoever gave it may have meant to take access.
///
/// A document that cannot be read as one is taken for one that does.
#[must_use]
pub fn denies(document: &str) -> bool {
    statements(document).is_none_or(|all| all.iter().any(is_denial))
}

fn allows_too_much(document: &str) -> bool {
    let Some(statements) = statements(document) else {
        return true;
    };
    statements
        .iter()
        .filter(|statement| !is_denial(statement))
        .any(|statement| {
            let actions = each(field(statement, "action", "Action"));
            // Without actions, or with exceptions from everything, what it allows is open.
            actions.is_empty()
                || actions
                    .into_iter()
                    .any(|a| a.as_str().is_none_or(reaches_cam))
        })
}

/// The statements of a document; absent when it has none, or cannot be read.
fn statements(document: &str) -> Option<Vec<Value>> {
    let document: Value = serde_json::from_str(document).ok()?;
    let statements = each(field(&document, "statement", "Statement"));
    let statements: Vec<Value> = statements.into_iter().cloned().collect();
    (!statements.is_empty()).then_some(statements)
}

fn is_denial(statement: &Value) -> bool {
    let effect = field(statement, "effect", "Effect").and_then(Value::as_str);
    effect.is_some_and(|e| e.eq_ignore_ascii_case("deny"))
}

fn field<'v>(of: &'v Value, lower: &str, upper: &str) -> Option<&'v Value> {
    of.get(lower).or_else(|| of.get(upper))
}

/// Whether an action, such as `cam:AttachUserPolicy`, `name/cam:*` or `*`, may write in CAM.
fn reaches_cam(action: &str) -> bool {
    let action = action.trim().to_lowercase();
    let action = action.strip_prefix("name/").unwrap_or(&action);
    let Some((service, verb)) = action.split_once(':') else {
        return action.contains('*');
    };
    let cam = service == "cam" || (service.contains('*') && wildcard_could_be_cam(service));
    cam && !READING.iter().any(|read| verb.starts_with(read))
}

fn wildcard_could_be_cam(service: &str) -> bool {
    let fixed: Vec<&str> = service.split('*').collect();
    let (first, last) = (fixed.first().unwrap_or(&""), fixed.last().unwrap_or(&""));
    "cam".starts_with(first) && "cam".ends_with(last)
}

fn each(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(many)) => many.iter().collect(),
        Some(one) => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(document: &str) -> bool {
        administers("ops", false, Some(document))
    }

    #[test]
    fn by_name_and_by_level() {
        assert!(administers("AdministratorAccess", false, None));
        assert!(administers("QcloudCamFullAccess", false, None));
        assert!(administers("QCloudFinanceFullAccess", true, None));
        assert!(!administers("QcloudCVMReadOnlyAccess", false, None));
    }

    #[test]
    fn a_document_that_allows_everything_or_writing_in_cam_administers() {
        for document in [
            r#"{"statement":[{"effect":"allow","action":["*"],"resource":["*"]}]}"#,
            r#"{"statement":[{"effect":"allow","action":"*:*","resource":"*"}]}"#,
            r#"{"statement":{"effect":"allow","action":["cvm:*","name/cam:AttachUserPolicy"],"resource":["*"]}}"#,
            r#"{"statement":[{"effect":"allow","action":["ca*:*"],"resource":["*"]}]}"#,
            r#"{"statement":[{"effect":"allow","action":["cam:*"],"resource":["*"]}]}"#,
            r#"{"statement":[{"effect":"allow","resource":["*"]}]}"#,
            r#"{"version":"2.0"}"#,
            "not json",
        ] {
            assert!(custom(document), "{document}");
        }
    }

    #[test]
    fn a_document_that_reads_in_cam_or_acts_elsewhere_does_not() {
        for document in [
            r#"{"statement":[{"effect":"allow","action":["cvm:*","cos:*"],"resource":["*"]}]}"#,
            r#"{"statement":[{"effect":"allow","action":["cam:ListUsers","cam:Get*"],"resource":["*"]}]}"#,
            r#"{"statement":[{"effect":"deny","action":["*"],"resource":["*"]}]}"#,
        ] {
            assert!(!custom(document), "{document}");
        }
    }

    #[test]
    fn a_document_denies_when_a_statement_does_or_when_it_cannot_be_read() {
        let allow = r#"{"effect":"allow","action":["cvm:*"],"resource":["*"]}"#;
        let deny = r#"{"Effect":"Deny","Action":["*"],"Resource":["*"]}"#;
        let document = |statements: &str| format!(r#"{{"statement":[{statements}]}}"#);
        assert!(denies(&document(&format!("{allow},{deny}"))));
        assert!(!denies(&document(allow)));
        assert!(denies("not json"));
    }

    #[test]
    fn an_action_reaches_cam_by_its_service_and_by_what_it_does() {
        for action in [
            "*",
            "cam:*",
            "CAM:AddUser",
            " name/cam:DeleteUser ",
            "*:*",
            "c*m:Add*",
            "*m:x",
        ] {
            assert!(reaches_cam(action), "{action}");
        }
        let others = [
            "cvm:*",
            "cam:GetUser",
            "cam:list*",
            "c*:Describe*",
            "cv*:*",
            "*n:*",
            "cam",
        ];
        for action in others {
            assert!(!reaches_cam(action), "{action}");
        }
    }

    #[test]
    fn one_statement_that_administers_among_others_is_enough() {
        let cvm = r#"{"effect":"allow","action":"cvm:*"}"#;
        let cam = r#"{"Effect":"Allow","Action":["cvm:*",7]}"#;
        let document = |all: &str| format!(r#"{{"Statement":[{all}]}}"#);
        assert!(custom(&document(&format!("{cvm},{cam}"))));
        assert!(!custom(&document(cvm)));
        assert!(custom(r#"{"statement":[]}"#));
        assert!(custom(r#"{"statement":null}"#));
        assert!(denies(r#"{"statement":[]}"#));
    }
}

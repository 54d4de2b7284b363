//! `check`: configuration, connectors, credentials, visible range, CAM key. All read-only.

use camsync_cam::{Class, Error as CamError};
use serde_json::{Value, json};

use crate::advice;
use crate::pipeline::reconcile::{self, ReconcileError};
use crate::say::{self, refusals};
use crate::setup;

use super::adoptions::{self, Adoptions};
use super::{Context, OpError};

/// One line of the report.
fn finding(
    about: &str,
    severity: &str,
    code: Option<&str>,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Value {
    json!({
        "about": about,
        "severity": severity,
        "code": code,
        "message": message.into(),
        "remedy": remedy.into(),
    })
}

pub(super) async fn check(context: &Context, language: Option<&str>) -> Result<Value, OpError> {
    let config = context.config();
    let language = match language {
        Some("zh") => "zh",
        Some(_) => "en",
        None => context.language(),
    };
    let mut findings = Vec::new();
    findings.push(finding(
        "configuration",
        "ok",
        None,
        context.config_file().display().to_string(),
        "",
    ));
    for warning in &config.warnings {
        findings.push(finding(
            "configuration",
            "warning",
            None,
            warning.message.clone(),
            warning.remedy.clone(),
        ));
    }
    for warning in crate::web::warnings(language, &config.config) {
        findings.push(finding(
            "configuration",
            "warning",
            None,
            warning.message,
            warning.remedy,
        ));
    }
    let host = context.connector_host(&config.config)?;
    let (sources, broken) = setup::sources(&host, &config.config, language).await;
    let mut checked = Vec::new();
    for (name, (_, failure)) in &broken {
        findings.push(finding(
            name,
            "error",
            failure.code.as_deref(),
            failure.message.clone(),
            failure.remedy.clone().unwrap_or_default(),
        ));
    }
    let rows = context.ledger().sources()?;
    for (name, source) in &sources {
        if rows.iter().any(|r| r.name == *name && r.unlinked.is_some()) {
            let said = refusals::is_unlinked(name);
            findings.push(finding(name, "warning", None, said.to(language), ""));
            continue;
        }
        let session = match source.session().await {
            Ok(session) => session,
            Err(failure) => {
                findings.push(finding(name, "error", None, failure.message, ""));
                continue;
            }
        };
        match session.check(language).await {
            Ok(report) => {
                let bound = context.ledger().source(name)?.and_then(|r| r.enterprise);
                if let Some(bound) = bound.filter(|b| *b != report.enterprise) {
                    findings.push(finding(
                        name,
                        "error",
                        None,
                        advice::another_enterprise(language, &report.enterprise, &bound),
                        advice::rebind(language),
                    ));
                }
                findings.push(finding(
                    name,
                    "ok",
                    None,
                    format!("{} · {}", report.enterprise, report.range_summary),
                    "",
                ));
                for said in report.findings {
                    findings.push(finding(
                        name,
                        &severity(&json!(said.severity)),
                        said.code.as_deref(),
                        said.message,
                        said.remedy,
                    ));
                }
                checked.push(json!({
                    "name": name,
                    "enterprise": report.enterprise,
                    "range": report.range_summary,
                }));
            }
            Err(error) => {
                let failure = source.explained(&session, error).await;
                let message = match &failure.cause {
                    Some(cause) => format!("{cause}\n{}", failure.message),
                    None => failure.message.clone(),
                };
                findings.push(finding(
                    name,
                    "error",
                    failure.code.as_deref(),
                    message,
                    failure.remedy.unwrap_or_default(),
                ));
            }
        }
    }
    if let Some(row) = context.ledger().audit_chain()?.broken_at {
        let message = advice::audit_broken(language, row);
        findings.push(finding(
            "audit",
            "error",
            None,
            message,
            advice::audit_remedy(language),
        ));
    }
    let adoptions = check_target(context, language, &mut findings).await?;
    let ok = !findings.iter().any(|f| f["severity"] == "error");
    Ok(json!({ "ok": ok, "findings": findings, "sources": checked, "adoptions": adoptions }))
}

fn severity(said: &Value) -> String {
    match said.as_str() {
        Some("warning") => "warning",
        Some("error") => "error",
        _ => "info",
    }
    .to_owned()
}

async fn check_target(
    context: &Context,
    language: &str,
    findings: &mut Vec<Value>,
) -> Result<Vec<Value>, OpError> {
    let config = context.config();
    let cam = match setup::cam(&config.config, context.metrics(), language) {
        Ok(Some(cam)) => cam,
        Ok(None) => {
            findings.push(finding(
                "target",
                "ok",
                None,
                advice::ledger_only(language),
                "",
            ));
            return Ok(Vec::new());
        }
        Err(error) => {
            findings.push(finding("target", "error", None, error.to_string(), ""));
            return Ok(Vec::new());
        }
    };
    let account = match reconcile::account(context.ledger(), &*cam).await {
        Ok(account) => account,
        Err(ReconcileError::Ledger(error)) => return Err(error.into()),
        Err(ReconcileError::Cam(error)) => {
            findings.push(cam_finding(language, &error));
            return Ok(Vec::new());
        }
        Err(ReconcileError::Blocked(why)) => {
            let said = say::blocked(language, &why);
            findings.push(finding("target", "error", None, said, ""));
            return Ok(Vec::new());
        }
    };
    findings.push(finding(
        "target",
        "ok",
        None,
        advice::account(language, account.owner_uin, account.uin),
        "",
    ));
    if account.uin == account.owner_uin {
        findings.push(finding(
            "target",
            "warning",
            None,
            advice::root_key(language),
            advice::root_key_remedy(language),
        ));
    }
    // Every read that a pass makes is made once; writes cannot be tried without writing.
    let wecom = config
        .config
        .rules
        .admit
        .iter()
        .any(|r| r.adopt == camsync_core::rules::Adopt::Wecom);
    match cam.list_sub_users(wecom).await {
        Ok(users) => findings.push(finding(
            "target",
            "ok",
            None,
            advice::users(language, users.len()),
            "",
        )),
        Err(error) => findings.push(cam_finding(language, &error)),
    }
    if let Err(error) = cam.get_user("camsync-check-nobody").await {
        findings.push(cam_finding(language, &error));
    }
    if let Err(error) = cam.sub_accounts(&[account.uin]).await {
        findings.push(cam_finding(language, &error));
    }
    let Adoptions { matches, unknown } = match adoptions::adoptions(context, &*cam).await? {
        None => return Ok(Vec::new()),
        Some(Ok(adoptions)) => adoptions,
        Some(Err(ReconcileError::Cam(error))) => {
            findings.push(cam_finding(language, &error));
            return Ok(Vec::new());
        }
        Some(Err(error)) => {
            let said = say::blocked(language, &error.blocked()?);
            findings.push(finding("target", "error", None, said, ""));
            return Ok(Vec::new());
        }
    };
    for (name, failure) in unknown {
        let (said, remedy) = say::source_failure(language, &failure);
        findings.push(finding(
            &name,
            "error",
            failure.code.as_deref(),
            said,
            remedy,
        ));
    }
    let said = advice::adoptions(language, matches.len());
    findings.push(finding("target", "info", None, said, ""));
    for one in &matches {
        let said = advice::adoption(language, one);
        let source = one["source"].as_str().unwrap_or_default();
        findings.push(finding(source, "info", None, said, ""));
    }
    Ok(matches)
}

fn cam_finding(language: &str, error: &CamError) -> Value {
    let (cause, remedy) = advice::cam(language, error);
    let severity = match error.class() {
        Class::Transient { .. } => "warning",
        _ => "error",
    };
    let mut message = format!("{}: {cause}", error.action);
    if !error.message.is_empty() {
        message.push_str(&format!(" ({})", error.message));
    }
    if let Some(id) = &error.request_id {
        message.push_str(&format!(" RequestId {id}"));
    }
    finding("target", severity, error.code.as_deref(), message, remedy)
}

//! What an administrator should know before anything is mirrored: are the settings good, whose are they, what do
//! they see.

use camsync_connector_sdk::Host;
use camsync_connector_sdk::types::{CheckReport, Failure, Finding, Language, Severity};

use crate::api::{Api, Call};
use crate::crawl::{Tree, is_barred};
use crate::explain;
use crate::fold;
use crate::lenient::Obj;
use crate::problem::Problem;
use crate::range::Range;
use crate::settings::Settings;
use crate::token::AppKind;
use crate::wire::{RawMember, TagList, UserList};

/// Checks the settings; read-only.
///
/// # Errors
/// Whatever would keep a crawl from working, as the crawl would say it. An app that is switched off or sees nobody is
/// a finding instead, for then everything else can still be told.
pub(crate) fn check(
    host: &dyn Host,
    settings: &Settings,
    language: Language,
) -> Result<CheckReport, Failure> {
    let api = Api::of_app(host, settings)?;
    let failed = |problem| api.failure(problem);
    // Reachability shows here: `gettoken` answers to untrusted addresses too (`wecom-api.md` 1.5).
    let range = Range::read(&api).map_err(failed)?;
    let mut findings = Vec::new();
    if let Err(failure) = range.refuse_unusable() {
        findings.push(of_failure(Severity::Error, &failure, language));
    } else {
        let tree = Tree::peek(&api).map_err(failed)?;
        if let Some(members) = sample(&api, &range, &tree).map_err(failed)?
            && no_names(&members)
        {
            findings.push(names_are_ids(language));
        }
        if let Err(problem) = api.get::<TagList>(Call::new("tag/list"))
            && is_barred(&problem)
        {
            findings.push(no_tags(&problem, language));
        }
    }
    findings.extend(contact_sync(host, settings, language));
    if settings.callback_pairs()?.is_empty() {
        findings.push(no_callback(language));
    }
    let (departments, members, tags) =
        (range.departments.len(), range.users.len(), range.tags.len());
    Ok(CheckReport {
        enterprise: settings.corp_id.clone(),
        range_fingerprint: range.fingerprint(),
        range_summary: language.pick(
            format!("部门 {departments}，成员 {members}，标签 {tags}"),
            format!("departments {departments}, members {members}, tags {tags}"),
        ),
        findings,
    })
}

/// A few members, to see whether members can be read at all, and how they look. Nothing when the first place that
/// one looks at holds nobody.
fn sample(api: &Api, range: &Range, tree: &Tree) -> Result<Option<Vec<RawMember>>, Problem> {
    if let Some(department) = tree.first() {
        let list: UserList = api.get(Call::with("user/list", "department_id", department))?;
        return Ok(Some(
            list.userlist
                .into_iter()
                .map(|Obj(member)| member)
                .collect(),
        ));
    }
    let Some(user) = range.users.first() else {
        return Ok(None);
    };
    match api.get::<RawMember>(Call::with("user/get", "userid", user)) {
        Ok(member) => Ok(Some(vec![member])),
        Err(problem) if problem.is_fatal() => Err(problem),
        Err(_) => Ok(None),
    }
}

/// Every name is the userid: WeCom shows names only to the enterprise's own apps (`wecom-api.md` 8.2).
fn no_names(members: &[RawMember]) -> bool {
    !members.is_empty()
        && members
            .iter()
            .all(|member| fold(&member.name) == fold(&member.userid))
}

/// The contact-sync secret, if there is one: it must be good, and another one than the app's.
fn contact_sync(host: &dyn Host, settings: &Settings, language: Language) -> Option<Finding> {
    let secret = settings.contact_sync_secret.as_ref()?;
    if *secret == settings.secret {
        return Some(same_secret(language));
    }
    let api = Api::new(host, settings, AppKind::ContactSync)?;
    let failure = api
        .authenticate()
        .map_err(|problem| api.failure(problem))
        .err()?;
    let mut finding = of_failure(Severity::Warning, &failure, language);
    finding.message = format!("contact_sync_secret: {}", finding.message);
    Some(finding)
}

fn of_failure(severity: Severity, failure: &Failure, language: Language) -> Finding {
    let code = failure.code().map(str::to_owned);
    match explain::explain(failure, language) {
        Some(words) => Finding {
            severity,
            code,
            message: words.cause,
            remedy: words.remedy,
        },
        None => Finding {
            severity,
            code,
            message: failure.message().to_owned(),
            remedy: String::new(),
        },
    }
}

fn finding(severity: Severity, language: Language, zh: (&str, &str), en: (&str, &str)) -> Finding {
    let (message, remedy) = language.pick(zh, en);
    Finding {
        severity,
        code: None,
        message: message.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn names_are_ids(language: Language) -> Finding {
    finding(
        Severity::Warning,
        language,
        (
            "成员的姓名都等于 userid：这通常意味着凭证属于第三方或代开发应用，而不是企业自建应用。",
            "请使用企业自建应用的 corp_id、agent_id 和 secret。",
        ),
        (
            "Every member's name equals the userid: the credentials seem to be those of a third-party app rather than of \
             the enterprise's own.",
            "Use corp_id, agent_id and secret of a self-built app (自建应用).",
        ),
    )
}

fn no_tags(problem: &Problem, language: Language) -> Finding {
    let zh = (
        "应用不能列出标签：规则只能看到可见范围内的标签。",
        "如规则需要标签，请把标签加入应用的可见范围。",
    );
    let en = (
        "The app may not list tags: rules see only those that are in the visible range.",
        "If a rule needs a tag, add the tag to the app's visible range.",
    );
    let mut finding = finding(Severity::Info, language, zh, en);
    if let crate::problem::Cause::Code(code) = problem.cause {
        finding.code = Some(code.to_string());
    }
    finding
}

fn same_secret(language: Language) -> Finding {
    finding(
        Severity::Warning,
        language,
        (
            "contact_sync_secret 与 secret 相同。",
            "secret 应为自建应用的 Secret；「通讯录同步」的 Secret 只用于 contact_sync_secret。",
        ),
        (
            "contact_sync_secret is the same as secret.",
            "secret must be the self-built app's; the contact-sync (通讯录同步) secret belongs in contact_sync_secret only.",
        ),
    )
}

fn no_callback(language: Language) -> Finding {
    finding(
        Severity::Info,
        language,
        (
            "未配置回调：变动要等到下一次定时拉取才会被发现。",
            "可在应用的「接收消息」中设置回调URL，并配置 callback_token 和 callback_aes_key。",
        ),
        (
            "No callback is configured: changes are noticed at the next scheduled crawl.",
            "To hear of them at once, set a callback URL in the app's 接收消息, and callback_token and callback_aes_key here.",
        ),
    )
}

//! What may cross the boundary: every id, text and list that a connector hands over is checked here, once.
//!
//! A connector that breaks a bound is at fault, and its call fails as such: nothing is cut or mended silently.

use std::collections::{BTreeMap, BTreeSet};

use camsync_core::model::{Department, Member, fold};

use crate::{
    error::Stop,
    types::{
        CallbackAnswer, CheckReport, CrawlSummary, Explanation, Hint, Names, Presence, SignedIn,
    },
};

/// An id's length in bytes.
const ID_MAX: usize = 256;
/// The length of an item of the resolved range, in bytes: an id with a word before it.
const ITEM_MAX: usize = 512;
/// Any other text's length in bytes.
const TEXT_MAX: usize = 4 * 1024;
/// A URL's length in bytes.
const URL_MAX: usize = 8 * 1024;
/// The body of an answer to a callback, in bytes.
const CALLBACK_BODY_MAX: usize = 64 * 1024;
/// Entries of a list that belongs to one member, or to one report.
const LIST_MAX: usize = 10_000;
/// Items of the resolved range.
const RANGE_MAX: usize = 1_000_000;

type Checked<T> = Result<T, Stop>;

/// Checks an id; `what` names it in the error.
pub(crate) fn id(what: &str, id: String) -> Checked<String> {
    sized(what, id, ID_MAX)
}

/// Checks a department.
pub(crate) fn department(department: Department) -> Checked<Department> {
    Ok(Department {
        id: id("a department's id", department.id)?,
        parent: department
            .parent
            .map(|parent| id("a department's parent", parent))
            .transpose()?,
        name: text("a department's name", department.name)?,
    })
}

/// Checks a member and puts it in order: the main department first, every list without repetitions, `shown_by` sorted.
pub(crate) fn member(member: Member) -> Checked<Member> {
    let main = member
        .main_department
        .map(|main| id("a member's main department", main))
        .transpose()?;
    let mut departments = ids("a member's departments", member.departments)?;
    if let Some(at) = departments
        .iter()
        .position(|department| Some(department) == main.as_ref())
    {
        departments[..=at].rotate_right(1);
    }
    if member.attributes.len() > LIST_MAX {
        return Err(too_long("a member's attributes", LIST_MAX));
    }
    let mut attributes = BTreeMap::new();
    for (name, value) in member.attributes {
        attributes.insert(
            sized("an attribute's name", name, ID_MAX)?,
            text("an attribute", value)?,
        );
    }
    Ok(Member {
        id: id("a member's id", member.id)?,
        username: text("a member's username", member.username)?,
        name: text("a member's name", member.name)?,
        alias: text("a member's alias", member.alias)?,
        email: text("a member's email", member.email)?,
        phone: text("a member's phone", member.phone)?,
        position: text("a member's position", member.position)?,
        status: member.status,
        departments,
        main_department: main,
        leader_of: ids("a member's leader-of", member.leader_of)?,
        tags: once(texts("a member's tags", member.tags, LIST_MAX)?),
        attributes,
        shown_by: items("a member's shown-by", member.shown_by, LIST_MAX)?,
    })
}

/// About how much of the host's memory these take, in bytes.
pub(crate) fn department_size(department: &Department) -> usize {
    size_of::<Department>()
        + department.id.len()
        + department.name.len()
        + department.parent.as_ref().map_or(0, String::len)
}

/// About how much of the host's memory a member takes, in bytes.
pub(crate) fn member_size(member: &Member) -> usize {
    let texts = [
        &member.id,
        &member.username,
        &member.name,
        &member.alias,
        &member.email,
        &member.phone,
        &member.position,
    ];
    let lists = [
        &member.departments,
        &member.leader_of,
        &member.tags,
        &member.shown_by,
    ];
    let entry = |text: &String| size_of::<String>() + text.len();
    size_of::<Member>()
        + texts.into_iter().map(String::len).sum::<usize>()
        + lists.into_iter().flatten().map(entry).sum::<usize>()
        + member
            .attributes
            .iter()
            .map(|(name, value)| entry(name) + entry(value))
            .sum::<usize>()
}

/// Checks a report.
pub(crate) fn check_report(report: CheckReport) -> Checked<CheckReport> {
    if report.findings.len() > LIST_MAX {
        return Err(too_long("findings", LIST_MAX));
    }
    for finding in &report.findings {
        within("a finding", &finding.message, TEXT_MAX)?;
        within("a finding's remedy", &finding.remedy, TEXT_MAX)?;
        within(
            "a finding's code",
            finding.code.as_deref().unwrap_or_default(),
            ID_MAX,
        )?;
    }
    Ok(CheckReport {
        enterprise: id("the enterprise's id", report.enterprise)?,
        range_fingerprint: text("the range's fingerprint", report.range_fingerprint)?,
        range_summary: text("the range's summary", report.range_summary)?,
        findings: report.findings,
    })
}

/// Checks the last word of a crawl: it is complete, or it says what is missing.
pub(crate) fn crawl_summary(summary: CrawlSummary) -> Checked<CrawlSummary> {
    if summary.complete != summary.missing.is_empty() {
        return Err(Stop::bug(if summary.complete {
            "its crawl calls itself complete and names missing parts"
        } else {
            "its crawl calls itself incomplete and does not say what is missing"
        }));
    }
    Ok(CrawlSummary {
        enterprise: id("the enterprise's id", summary.enterprise)?,
        complete: summary.complete,
        missing: texts("missing", summary.missing, LIST_MAX)?,
        range_fingerprint: text("the range's fingerprint", summary.range_fingerprint)?,
        range: items("the resolved range", summary.range, RANGE_MAX)?,
        names: Names {
            enterprise: name("the enterprise's name", summary.names.enterprise)?,
            application: name("the application's name", summary.names.application)?,
        },
    })
}

/// A name that there may be; an empty one is none.
fn name(what: &str, name: Option<String>) -> Checked<Option<String>> {
    let name = name.filter(|name| !name.trim().is_empty());
    name.map(|name| text(what, name)).transpose()
}

/// Checks the answers to a look-up: one for each id, in the order asked, and about that member.
pub(crate) fn presences(asked: &[String], answers: Vec<Presence>) -> Checked<Vec<Presence>> {
    if answers.len() != asked.len() {
        return Err(Stop::bug(format!(
            "it was asked for {} members and answered for {}",
            asked.len(),
            answers.len()
        )));
    }
    let checked = asked.iter().zip(answers).map(|(asked, answer)| {
        Ok(match answer {
            Presence::Present { member: found } => {
                let found = member(*found)?;
                if found.key() != fold(asked) {
                    return Err(Stop::bug(
                        "it was asked for one member and answered with another",
                    ));
                }
                Presence::Present {
                    member: Box::new(found),
                }
            }
            Presence::Gone { answer } => Presence::Gone {
                answer: text("an answer", answer)?,
            },
            Presence::OutOfSight { answer } => Presence::OutOfSight {
                answer: text("an answer", answer)?,
            },
            Presence::Unknown { answer } => Presence::Unknown {
                answer: text("an answer", answer)?,
            },
        })
    });
    checked.collect()
}

/// Checks an answer to a callback.
pub(crate) fn callback_answer(answer: CallbackAnswer) -> Checked<CallbackAnswer> {
    if !(200..=599).contains(&answer.status) {
        return Err(Stop::bug(format!(
            "it answered a callback with status {}",
            answer.status
        )));
    }
    within("an answer to a callback", &answer.body, CALLBACK_BODY_MAX)?;
    if answer.hints.len() > LIST_MAX {
        return Err(too_long("hints", LIST_MAX));
    }
    let hints = answer.hints.into_iter().map(|hint| {
        Ok(match hint {
            Hint::Member { id: member } => Hint::Member {
                id: id("a hint's member", member)?,
            },
            Hint::MemberRenamed { old, new } => Hint::MemberRenamed {
                old: id("a hint's member", old)?,
                new: id("a hint's member", new)?,
            },
            Hint::Everything => Hint::Everything,
        })
    });
    Ok(CallbackAnswer {
        status: answer.status,
        body: answer.body,
        hints: hints.collect::<Checked<_>>()?,
    })
}

/// Checks the URL that a browser will be sent to.
pub(crate) fn sign_in_url(url: String) -> Checked<String> {
    within("a sign-in URL", &url, URL_MAX)?;
    // The parser drops some of these; a browser would be sent what was not checked.
    if url.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(Stop::bug(
            "its sign-in URL holds blanks or control characters",
        ));
    }
    match url::Url::parse(&url) {
        Ok(parsed) if matches!(parsed.scheme(), "https" | "http") && parsed.host().is_some() => {
            Ok(url)
        }
        _ => Err(Stop::bug("its sign-in URL is not an http or https URL")),
    }
}

/// Checks whom a sign-in names.
pub(crate) fn signed_in(signed_in: SignedIn) -> Checked<SignedIn> {
    Ok(match signed_in {
        SignedIn::Member(member) => SignedIn::Member(id("a member's id", member)?),
        SignedIn::Stranger => SignedIn::Stranger,
    })
}

/// Checks an explanation.
pub(crate) fn explanation(explanation: Explanation) -> Checked<Explanation> {
    Ok(Explanation {
        cause: text("a cause", explanation.cause)?,
        remedy: text("a remedy", explanation.remedy)?,
    })
}

fn text(what: &str, text: String) -> Checked<String> {
    within(what, &text, TEXT_MAX)?;
    Ok(text)
}

fn within(what: &str, text: &str, bytes: usize) -> Checked<()> {
    if text.len() > bytes {
        return Err(Stop::bug(format!(
            "{what} has {} bytes; at most {bytes} are taken",
            text.len()
        )));
    }
    Ok(())
}

/// A text that identifies something: not empty, not too long, without control characters.
fn sized(what: &str, text: String, bytes: usize) -> Checked<String> {
    if text.is_empty() {
        return Err(Stop::bug(format!("{what} is empty")));
    }
    within(what, &text, bytes)?;
    if text.chars().any(char::is_control) {
        return Err(Stop::bug(format!("{what} holds a control character")));
    }
    Ok(text)
}

fn texts(what: &str, list: Vec<String>, entries: usize) -> Checked<Vec<String>> {
    if list.len() > entries {
        return Err(too_long(what, entries));
    }
    list.into_iter().map(|entry| text(what, entry)).collect()
}

fn ids(what: &str, list: Vec<String>) -> Checked<Vec<String>> {
    if list.len() > LIST_MAX {
        return Err(too_long(what, LIST_MAX));
    }
    Ok(once(
        list.into_iter()
            .map(|entry| id(what, entry))
            .collect::<Checked<_>>()?,
    ))
}

fn items(what: &str, list: Vec<String>, entries: usize) -> Checked<Vec<String>> {
    if list.len() > entries {
        return Err(too_long(what, entries));
    }
    let mut list: Vec<String> = list
        .into_iter()
        .map(|entry| sized(what, entry, ITEM_MAX))
        .collect::<Checked<_>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// Each entry once, where it first stands.
fn once(mut list: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    list.retain(|entry| seen.insert(entry.clone()));
    list
}

fn too_long(what: &str, entries: usize) -> Stop {
    Stop::bug(format!("{what}: more than {entries} entries"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use camsync_core::model::MemberStatus;

    use super::*;

    fn someone(id: &str) -> Member {
        Member {
            id: id.to_owned(),
            username: String::new(),
            name: String::new(),
            alias: String::new(),
            email: String::new(),
            phone: String::new(),
            position: String::new(),
            status: MemberStatus::Active,
            departments: Vec::new(),
            main_department: None,
            leader_of: Vec::new(),
            tags: Vec::new(),
            attributes: BTreeMap::new(),
            shown_by: Vec::new(),
        }
    }

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn a_member_is_put_in_order() {
        let checked = member(Member {
            departments: list(&["1", "2", "3", "2", "1"]),
            main_department: Some("3".to_owned()),
            tags: list(&["b", "a", "b"]),
            shown_by: list(&["tag:2", "department:1", "tag:2"]),
            ..someone("a")
        })
        .unwrap();
        assert_eq!(checked.departments, list(&["3", "1", "2"]));
        assert_eq!(checked.tags, list(&["b", "a"]));
        assert_eq!(checked.shown_by, list(&["department:1", "tag:2"]));
        let elsewhere = member(Member {
            departments: list(&["1", "2"]),
            main_department: Some("9".to_owned()),
            ..someone("a")
        })
        .unwrap();
        assert_eq!(elsewhere.departments, list(&["1", "2"]));
    }

    #[test]
    fn ids_have_bounds() {
        assert!(member(someone(&"x".repeat(256))).is_ok());
        assert!(member(someone("用户 𠮷")).is_ok());
        for (bad, reason) in [
            ("", "empty"),
            ("a\nb", "control"),
            ("\u{85}", "control"),
            (&"x".repeat(257), "257 bytes"),
        ] {
            let Stop(error) = member(someone(bad)).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(
                member(Member {
                    departments: list(&[bad]),
                    ..someone("a")
                })
                .is_err()
            );
            assert!(
                member(Member {
                    shown_by: list(&[bad]),
                    ..someone("a")
                })
                .is_err()
                    || bad.len() == 257
            );
            assert!(id("x", bad.to_owned()).is_err());
        }
        assert!(
            member(Member {
                name: "x".repeat(4097),
                ..someone("a")
            })
            .is_err()
        );
    }

    #[test]
    fn a_look_up_answers_each_question_once() {
        let present = |id: &str| Presence::Present {
            member: Box::new(someone(id)),
        };
        assert!(presences(&list(&["Zhang"]), vec![present("zhang")]).is_ok());
        assert!(presences(&list(&["zhang"]), vec![present("li")]).is_err());
        assert!(presences(&list(&["zhang"]), vec![]).is_err());
    }

    #[test]
    fn a_crawl_is_complete_or_says_what_is_missing() {
        let summary = |complete, missing: &[&str]| CrawlSummary {
            names: Names::default(),
            enterprise: "e".to_owned(),
            complete,
            missing: list(missing),
            range_fingerprint: "f".to_owned(),
            range: list(&["b", "a", "a"]),
        };
        assert_eq!(
            crawl_summary(summary(true, &[])).unwrap().range,
            list(&["a", "b"])
        );
        assert!(crawl_summary(summary(false, &["x"])).is_ok());
        assert!(crawl_summary(summary(true, &["x"])).is_err());
        assert!(crawl_summary(summary(false, &[])).is_err());
    }

    #[test]
    fn a_sign_in_url_is_one() {
        assert!(sign_in_url("https://open.example/connect?x=1".to_owned()).is_ok());
        for bad in [
            "javascript:alert(1)",
            "/relative",
            "data:text/html,x",
            "",
            "https://open.example/\u{3}",
            "https://open.example\t/",
            " https://open.example/",
        ] {
            assert!(sign_in_url(bad.to_owned()).is_err(), "{bad}");
        }
    }
}

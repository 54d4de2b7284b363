//! Rules' conditions and templates, on a member full of surprises.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use camsync_core::departments::Departments;
use camsync_core::expression::{Condition, Language, Text};
use camsync_core::facts::Facts;
use camsync_core::model::{Department, Member, MemberStatus};

/// Longer than any rule may keep a plan, on a slow machine that looks on.
const PATIENCE: Duration = Duration::from_secs(5);

static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    let department = |id: &str, parent: Option<&str>, name: &str| Department {
        id: id.into(),
        parent: parent.map(str::to_owned),
        name: name.into(),
    };
    let departments = Departments::new(vec![
        department("1", None, "公司"),
        department("2", Some("1"), "{{ 7 * 7 }}"),
        department("3", Some("4"), "环"),
        department("4", Some("3"), "环"),
    ]);
    let member = Member {
        id: "ZhangSan".into(),
        username: "zhangsan".into(),
        name: "张\u{202e}三' or 1".into(),
        alias: String::new(),
        email: "zhang@example.com".into(),
        phone: "+86 138".into(),
        position: "<b>SRE</b>".into(),
        status: MemberStatus::Active,
        departments: vec!["2".into(), "3".into(), "9".into()],
        main_department: Some("2".into()),
        leader_of: vec!["2".into()],
        tags: vec!["云管理员".into()],
        attributes: BTreeMap::from([("工号".into(), "7".into())]),
        shown_by: vec!["department:2".into()],
    };
    Facts::new(&Arc::new(member), &Arc::new(departments), "acme", "wecom")
});

/// The first byte says whether it is a condition or a template.
pub(crate) fn expression(data: &[u8]) {
    let (kind, source) = data.split_first().unwrap_or((&0, &[]));
    let Ok(source) = std::str::from_utf8(source) else {
        return;
    };
    let began = Instant::now();
    let language = Language::new();
    if kind & 1 == 0 {
        if let Ok(condition) = Condition::parse(source) {
            let compiled = language.condition(&condition).expect("it was parsed");
            let once = compiled.holds(&FACTS).ok();
            assert_eq!(compiled.holds(&FACTS).ok(), once, "{source}");
        }
    } else if let Ok(text) = Text::parse(source) {
        let compiled = language.text(&text).expect("it was parsed");
        let once = compiled.fill(&FACTS).ok();
        assert_eq!(compiled.fill(&FACTS).ok(), once, "{source}");
        if let Some(literal) = text.literal() {
            assert_eq!(once.as_deref(), Some(literal), "{source}");
        }
    }
    assert!(began.elapsed() < PATIENCE, "{source}");
}

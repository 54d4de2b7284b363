//! The crawl against a small enterprise: what is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use camsync_connector_sdk::types::{Failure, MemberStatus};
use common::{Fake, Reply, code, member};
use serde_json::{Value, json};

#[test]
fn everybody_is_found_once_with_every_department() {
    let fake = Fake::small();
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(summary.enterprise, "ww1");
    assert_eq!(
        summary.range,
        ["department:1", "department:2", "department:3"]
    );
    assert_eq!(fake.departments.borrow().len(), 3);
    assert_eq!(fake.departments.borrow()["1"].parent, None);
    assert_eq!(fake.departments.borrow()["3"].parent.as_deref(), Some("2"));
    let lisi = fake.member("lisi");
    assert_eq!(lisi.id, "LiSi", "the original spelling is kept");
    assert_eq!(lisi.departments, ["2", "3"]);
    assert_eq!(lisi.shown_by, ["department:2", "department:3"]);
    assert_eq!(lisi.main_department.as_deref(), Some("2"));
    let (done, total) = *fake.progress.borrow();
    assert_eq!(Some(done), total);
}

#[test]
fn all_that_wecom_says_of_a_member_is_kept() {
    let fake = Fake::small();
    fake.corp.borrow_mut().members = vec![json!({
        "userid": "zhangsan", "name": "张三", "department": ["3", 2], "main_department": "2", "status": "2",
        "is_leader_in_dept": [1, "0"], "direct_leader": ["lisi"], "position": null, "mobile": "138",
        "email": "", "biz_mail": "z@corp.example", "alias": "jz", "english_name": "San", "order": [4_294_967_295_u32, 0],
        "extattr": {"attrs": [{"type": 0, "name": "cost centre", "text": {"value": "A7"}},
                              {"type": 1, "name": "page", "web": {"url": "https://e.example", "title": "t"}}, 7]}})];
    assert!(fake.crawl().unwrap().complete);
    let found = fake.member("zhangsan");
    assert_eq!(found.status, MemberStatus::Disabled);
    assert_eq!(
        (
            found.name.as_str(),
            found.alias.as_str(),
            found.phone.as_str()
        ),
        ("张三", "jz", "138")
    );
    assert_eq!(
        (found.email.as_str(), found.position.as_str()),
        ("z@corp.example", "")
    );
    assert_eq!(found.leader_of, ["3"]);
    assert_eq!(found.main_department.as_deref(), Some("2"));
    let attributes: Vec<_> = found
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        attributes,
        [
            ("cost centre", "A7"),
            ("page", "https://e.example"),
            ("english_name", "San"),
            ("direct_leader", "lisi")
        ]
    );
}

#[test]
fn only_a_userid_and_a_status_are_needed() {
    let fake = Fake::small().hook(|_, ask| {
        ask.is("user/list", "2")
            .then(|| Reply::Json(json!({"userlist": [{"userid": "x", "status": 4}]})))
    });
    assert!(fake.crawl().unwrap().complete);
    let found = fake.member("x");
    assert_eq!(
        (found.status, found.departments),
        (MemberStatus::Invited, vec!["2".to_owned()])
    );
}

#[test]
fn named_members_and_tags_are_a_part_of_the_range() {
    let fake = Fake::small();
    {
        let mut corp = fake.corp.borrow_mut();
        corp.range_departments = vec![3];
        corp.range_users = vec!["ZhangSan".into(), "Lisi".into()];
        corp.range_tags = vec![7];
        corp.tags.insert(
            7,
            (
                "SRE".into(),
                vec!["wangwu".into(), "zhangsan".into()],
                vec![9],
            ),
        );
        corp.tags.insert(8, ("Core people".into(), vec![], vec![2]));
        corp.departments.insert(9, (5, "Tagged".into()));
        corp.departments.insert(10, (9, "Below".into()));
        corp.members.push(member("ten", &[10]));
    }
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(
        summary.range,
        [
            "department:10",
            "department:3",
            "department:9",
            "member:lisi",
            "member:zhangsan",
            "tag-member:wangwu",
            "tag-member:zhangsan"
        ]
    );
    assert_eq!(
        fake.member("lisi").shown_by,
        ["department:3"],
        "a department shows him, so his name does not matter"
    );
    assert_eq!(
        fake.member("zhangsan").shown_by,
        ["tag-member:zhangsan", "member:zhangsan"]
    );
    assert_eq!(fake.member("wangwu").shown_by, ["tag-member:wangwu"]);
    assert_eq!(fake.member("wangwu").tags, ["SRE"]);
    assert_eq!(
        fake.member("ten").tags,
        ["SRE"],
        "a department's tag counts for all below it"
    );
    assert_eq!(
        fake.departments.borrow()["9"].parent.as_deref(),
        Some("5"),
        "a parent outside the range is named"
    );
    assert_eq!(
        fake.count("user/get"),
        2,
        "only whom no department shows is asked for alone"
    );
}

#[test]
fn an_app_that_is_off_or_sees_nobody_is_a_failure() {
    for close in [true, false] {
        let fake = Fake::small();
        if close {
            fake.corp.borrow_mut().closed = true;
        } else {
            fake.corp.borrow_mut().range_departments.clear();
        }
        let failure = fake.crawl().unwrap_err();
        assert!(matches!(failure, Failure::NotPermitted(_)), "{failure:?}");
    }
}

#[test]
fn an_allowed_department_that_is_not_listed_is_asked_for() {
    let fake = Fake::small().hook(|corp, ask| {
        (ask.path == "department/list" && !ask.query.contains_key("id")).then(|| {
            let (parent, name) = &corp.departments[&1];
            Reply::Json(json!({"department": [{"id": 1, "parentid": parent, "name": name}]}))
        })
    });
    fake.corp.borrow_mut().range_departments = vec![1, 3];
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(summary.range, ["department:1", "department:3"]);
    let stale = Fake::small();
    stale.corp.borrow_mut().range_departments = vec![1, 99];
    let summary = stale.crawl().unwrap();
    assert_eq!(summary.missing.len(), 1);
    assert!(
        summary.missing[0].contains("department 99"),
        "{:?}",
        summary.missing
    );
}

#[test]
fn a_listed_ancestor_outside_the_range_is_not_missed() {
    let fake = Fake::small().hook(|corp, ask| match ask.path.as_str() {
        "department/list" => {
            let list: Vec<Value> = corp
                .departments
                .iter()
                .map(|(id, (parent, name))| json!({"id": id, "parentid": parent, "name": name}))
                .collect();
            Some(Reply::Json(json!({"department": list})))
        }
        "user/list" if ask.id() == "1" => Some(code(60011)),
        _ => None,
    });
    fake.corp.borrow_mut().range_departments = vec![2];
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(summary.range, ["department:2", "department:3"]);
}

#[test]
fn a_tree_that_is_none_neither_hangs_nor_crashes() {
    let fake = Fake::small();
    {
        let mut corp = fake.corp.borrow_mut();
        corp.departments.insert(5, (6, "A".into()));
        corp.departments.insert(6, (5, "B".into()));
        corp.departments.insert(7, (7, "Self".into()));
        corp.departments.insert(8, (4_000_000_000, "Orphan".into()));
        corp.range_departments = vec![1, 5, 7, 8];
        corp.members.push(member("cyc", &[6, 7, 8]));
        corp.tags.insert(1, ("t".into(), vec![], vec![5]));
    }
    let summary = fake.crawl().unwrap();
    assert!(summary.complete, "{:?}", summary.missing);
    assert_eq!(fake.member("cyc").tags, ["t"]);
}

#[test]
fn ids_that_differ_only_in_case_are_one_member() {
    let fake = Fake::small();
    fake.corp.borrow_mut().members = vec![member("Same", &[2]), member("SAME", &[3])];
    fake.corp.borrow_mut().range_users = vec!["same".into(), "SaMe".into()];
    let summary = fake.crawl().unwrap();
    assert!(summary.complete);
    assert_eq!(fake.members.borrow().len(), 1);
    assert_eq!(fake.member("same").departments, ["2", "3"]);
    assert_eq!(
        summary
            .range
            .iter()
            .filter(|item| item.starts_with("member:"))
            .count(),
        1
    );
}

#[test]
fn what_enterprise_and_app_are_called_is_told_where_wecom_shows_it() {
    let fake = Fake::small();
    let names = fake.crawl().unwrap().names;
    let root = fake.departments.borrow()["1"].name.clone();
    assert_eq!(names.enterprise, Some(root));
    assert_eq!(names.application.as_deref(), Some("通讯录同步应用"));
    // An app that does not see the root department does not learn what the enterprise calls itself.
    fake.corp.borrow_mut().range_departments = vec![2];
    assert_eq!(fake.crawl().unwrap().names.enterprise, None);
}

#[test]
fn the_fingerprint_tells_the_range_and_nothing_else() {
    let fingerprint = |change: fn(&mut common::Corp)| {
        let fake = Fake::small();
        fake.corp.borrow_mut().range_users = vec!["a".into(), "b".into()];
        fake.corp.borrow_mut().range_departments = vec![1, 2];
        change(&mut fake.corp.borrow_mut());
        fake.crawl().unwrap().range_fingerprint
    };
    let base = fingerprint(|_| {});
    assert_eq!(base.len(), 40);
    assert_eq!(
        base,
        fingerprint(|corp| corp.range_users = vec!["B".into(), "a".into()])
    );
    assert_eq!(
        base,
        fingerprint(|corp| corp.range_departments = vec![2, 1, 2])
    );
    assert_eq!(base, fingerprint(|corp| corp.members.clear()));
    assert_ne!(base, fingerprint(|corp| corp.range_departments = vec![1]));
    assert_ne!(base, fingerprint(|corp| corp.range_users.push("c".into())));
    assert_ne!(base, fingerprint(|corp| corp.range_tags.push(2)));
}

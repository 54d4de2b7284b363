//! What a connector hands over, and the file that it is.

use std::collections::BTreeMap;

use camsync_core::model::{Department, Member, MemberStatus};
use camsync_fuzz_boundary as boundary;
use camsync_fuzz_boundary::types::{CrawlSummary, Names, Presence};

use crate::bytes::Bytes;

fn department(data: &mut Bytes) -> Department {
    Department {
        id: data.text(),
        parent: data.flag().then(|| data.text()),
        name: data.text(),
    }
}

fn member(data: &mut Bytes) -> Member {
    let statuses = [
        MemberStatus::Active,
        MemberStatus::Disabled,
        MemberStatus::Invited,
        MemberStatus::Left,
    ];
    let mut attributes = BTreeMap::new();
    for _ in 0..data.byte() % 4 {
        attributes.insert(data.text(), data.text());
    }
    Member {
        id: data.text(),
        username: data.text(),
        name: data.text(),
        alias: data.text(),
        email: data.text(),
        phone: data.text(),
        position: data.text(),
        status: statuses[usize::from(data.byte()) % statuses.len()],
        departments: data.texts(),
        main_department: data.flag().then(|| data.text()),
        leader_of: data.texts(),
        tags: data.texts(),
        attributes,
        shown_by: data.texts(),
    }
}

fn presence(data: &mut Bytes) -> Presence {
    match data.byte() % 4 {
        0 => Presence::Present {
            member: Box::new(member(data)),
        },
        1 => Presence::Gone {
            answer: data.text(),
        },
        2 => Presence::OutOfSight {
            answer: data.text(),
        },
        _ => Presence::Unknown {
            answer: data.text(),
        },
    }
}

fn is_id(id: &str) {
    assert!(!id.is_empty() && id.len() <= 256, "{} bytes", id.len());
    assert!(!id.chars().any(char::is_control), "{id:?}");
}

fn is_text(text: &str) {
    assert!(text.len() <= 4096, "{} bytes", text.len());
}

fn is_member(member: &Member) {
    is_id(&member.id);
    let texts = [
        &member.username,
        &member.name,
        &member.alias,
        &member.email,
        &member.phone,
        &member.position,
    ];
    texts.into_iter().for_each(|text| is_text(text));
    for id in member.departments.iter().chain(&member.leader_of) {
        is_id(id);
    }
    let mut once = member.departments.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), member.departments.len(), "a department twice");
    assert!(boundary::member_size(member) >= member.name.len());
}

/// What passes is within its bounds, and passes again as it is.
pub(crate) fn connector_answer(data: &[u8]) {
    let mut data = Bytes::new(data);
    match data.byte() % 6 {
        0 => {
            if let Ok(passed) = boundary::department(department(&mut data)) {
                is_id(&passed.id);
                is_text(&passed.name);
                assert_eq!(boundary::department(passed.clone()).unwrap(), passed);
            }
        }
        1 => {
            if let Ok(passed) = boundary::member(member(&mut data)) {
                is_member(&passed);
                assert_eq!(boundary::member(passed.clone()).unwrap(), passed);
            }
        }
        2 => {
            let asked = data.texts();
            let answers = (0..data.byte() % 8).map(|_| presence(&mut data)).collect();
            if let Ok(passed) = boundary::presences(&asked, answers) {
                assert_eq!(passed.len(), asked.len());
                for (asked, answer) in asked.iter().zip(passed) {
                    if let Presence::Present { member } = answer {
                        is_member(&member);
                        let same = member.id.to_lowercase() == asked.to_lowercase();
                        assert!(same, "{} for {asked}", member.id);
                    }
                }
            }
        }
        3 => {
            let summary = CrawlSummary {
                enterprise: data.text(),
                complete: data.flag(),
                missing: data.texts(),
                range_fingerprint: data.text(),
                range: data.texts(),
                names: Names {
                    enterprise: data.flag().then(|| data.text()),
                    application: data.flag().then(|| data.text()),
                },
            };
            if let Ok(passed) = boundary::crawl_summary(summary) {
                is_id(&passed.enterprise);
                // Complete and missing something: the absent would be taken for gone.
                assert!(!passed.complete || passed.missing.is_empty());
            }
        }
        4 => {
            if let Ok(url) = boundary::sign_in_url(data.text()) {
                assert!(url.to_ascii_lowercase().starts_with("http"), "{url:?}");
                assert!(!url.chars().any(char::is_control), "{url:?}");
            }
        }
        _ => {
            let _ = boundary::inspect(data.rest());
        }
    }
}

//! An account in the benchmark's likeness of a large enterprise: every member has a managed sub-user that CAM shows.
#![allow(
    clippy::panic,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use camsync_core::departments::Departments;
use camsync_core::desired::{Desired, DesiredInput, desired};
use camsync_core::expression::{Condition, Text};
use camsync_core::grants::{ObservedGrants, ObservedGroup};
use camsync_core::model::{Department, Member, MemberStatus};
use camsync_core::plan::quota::Quotas;
use camsync_core::plan::{Absent, Draft, PlanInput, SourceView, plan};
use camsync_core::remark::with_mark;
use camsync_core::rules::{
    AdmitRule, Adopt, Enroll, GrantRule, Leavers, LessAccess, OnConflict, Rules,
};
use camsync_core::sub_user::{AccountKind, Observed, ObservedUser, Stage, SubUser};
use chrono::{DateTime, Utc};

/// Members in a department.
const TEAM: usize = 20;

/// All that a plan for one source is made from.
pub(super) struct Account {
    members: Vec<Arc<Member>>,
    departments: Arc<Departments>,
    rules: Rules,
    sub_users: Vec<SubUser>,
    observed: Observed,
    desired: Vec<Desired>,
    grants: ObservedGrants,
}

impl Account {
    /// So many members; of every `differs`th one (0: of none) CAM shows another remark than the rule calls for.
    #[must_use]
    pub(super) fn new(count: usize, differs: usize) -> Self {
        let members: Vec<Arc<Member>> = (0..count).map(|n| Arc::new(member(n))).collect();
        let departments = Arc::new(Departments::new(
            (0..=count / TEAM).map(department).collect(),
        ));
        let sub_users = (0..).zip(&members).map(|(id, m)| sub_user(id, m)).collect();
        let users = members.iter().enumerate().map(|(n, m)| ObservedUser {
            uin: uin(n),
            name: m.username.clone(),
            remark: Some(if differs > 0 && n % differs == 0 {
                "changed by hand".into()
            } else {
                with_mark(&m.name, &mark(n))
            }),
            console_login: Some(true),
            kind: AccountKind::SubUser,
            wecom_user_id: None,
            off_limits: false,
        });
        let observed = Observed::new(users.collect());
        let mut account = Self {
            members,
            departments,
            rules: rules(),
            sub_users,
            observed,
            desired: Vec::new(),
            grants: ObservedGrants::default(),
        };
        account.desired = account.desire();
        account.grants = observed_grants(&account.desired);
        account
    }

    /// The desired state.
    ///
    /// # Panics
    /// When a rule of the benchmark does not compile.
    #[must_use]
    pub(super) fn desire(&self) -> Vec<Desired> {
        let admitted: HashMap<String, Option<Arc<Member>>> = self
            .sub_users
            .iter()
            .map(|s| (s.key.clone(), s.admitted.clone()))
            .collect();
        desired(
            &self.rules,
            &DesiredInput {
                source: "acme",
                connector: "wecom",
                members: &self.members,
                departments: &self.departments,
                approved: &HashSet::new(),
                admitted: &admitted,
            },
        )
        .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The plan.
    #[must_use]
    pub(super) fn plan(&self) -> Draft {
        let absent: [Absent; 0] = [];
        let input = PlanInput {
            now: now(),
            sources: &[SourceView {
                name: "acme",
                desired: &self.desired,
                absent: &absent,
                fresh: true,
                unlinked: None,
            }],
            sub_users: &self.sub_users,
            observed: &self.observed,
            leavers: &Leavers::default(),
            less_access: LessAccess::Keep,
            made: &[],
            whole: true,
            quotas: &Quotas::default(),
        };
        plan(&input, &self.grants)
    }
}

/// Everybody is in the groups that the rules call them into.
fn observed_grants(desired: &[Desired]) -> ObservedGrants {
    let mut groups: BTreeMap<&str, HashSet<u64>> = BTreeMap::new();
    for (n, one) in desired.iter().enumerate() {
        for wanted in &one.entitlement.groups {
            groups.entry(&wanted.name).or_default().insert(uin(n));
        }
    }
    let group = |(id, (name, members)): (u64, (&str, HashSet<u64>))| ObservedGroup {
        id,
        name: name.to_owned(),
        members: Some(members),
        policies: Some(1),
        administers: None,
        denies: false,
    };
    let mut grants = ObservedGrants::default();
    grants.set_groups((1..).zip(groups).map(group).collect());
    grants
}

/// The moment of the plan.
#[must_use]
pub(super) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000)
}

fn uin(n: usize) -> u64 {
    100_000_000_000 + n as u64
}

fn mark(n: usize) -> String {
    format!("mark{n:012}")
}

pub(super) fn department(n: usize) -> Department {
    Department {
        id: n.to_string(),
        parent: (n > 0).then(|| (n / 8).to_string()),
        name: format!("部门{n}"),
    }
}

pub(super) fn member(n: usize) -> Member {
    let main = (n / TEAM).to_string();
    let username = format!("Zhang.San{n}");
    Member {
        id: username.clone(),
        username,
        name: format!("张三{n}"),
        alias: String::new(),
        email: String::new(),
        phone: String::new(),
        position: if n.is_multiple_of(7) {
            "SRE"
        } else {
            "工程师"
        }
        .into(),
        status: MemberStatus::Active,
        departments: vec![main.clone()],
        main_department: Some(main.clone()),
        leader_of: Vec::new(),
        tags: Vec::new(),
        attributes: BTreeMap::new(),
        shown_by: vec![format!("department:{main}")],
    }
}

fn sub_user(id: i64, member: &Arc<Member>) -> SubUser {
    let n = usize::try_from(id).unwrap_or_default();
    SubUser {
        id,
        uin: Some(uin(n)),
        stage: Stage::Managed,
        login: true,
        rule_login: true,
        admitted: Some(Arc::clone(member)),
        ..SubUser::wanted("acme", &member.id, &member.username, mark(n))
    }
}

/// Five rules: three that admit or exclude, two that grant.
pub(super) fn rules() -> Rules {
    let condition = |text: &str| Some(Condition::parse(text).unwrap_or_else(|e| panic!("{e}")));
    let text = |text: &str| Text::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let admit = |line, when: &str, enroll| AdmitRule {
        line,
        when: condition(when),
        enroll,
        username: text("{{ member.username }}"),
        remark: text("{{ member.name }}"),
        console_login: true,
        adopt: Adopt::Never,
        conflict: OnConflict::Hold,
        approve_when: None,
        invited: false,
        contact: false,
    };
    let grant = |line, when: &str, group: &str| GrantRule {
        line,
        when: condition(when),
        groups: vec![text(group)],
        policies: vec!["QcloudCVMReadOnlyAccess".into()],
        like: None,
        exclusive: false,
    };
    Rules {
        admit: vec![
            admit(1, "'外包' in member.tags", Enroll::Exclude),
            admit(2, "member.position == '实习生'", Enroll::Exclude),
            admit(3, "member.status == 'active'", Enroll::Import),
        ],
        grant: vec![
            grant(4, "member.position == 'SRE'", "sre"),
            grant(
                5,
                "'部门1' in member.department_path",
                "wecom-{{ member.main_department }}",
            ),
        ],
    }
}

//! An enterprise whose access is a thousand rules.
#![allow(
    clippy::panic,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use camsync_core::departments::Departments;
use camsync_core::desired::{Desired, DesiredInput, desired};
use camsync_core::expression::{Condition, Language, Text};
use camsync_core::facts::Facts;
use camsync_core::model::Member;
use camsync_core::rules::{GrantRule, Rules};

use super::account::{department, member, rules};

/// Members of the account with a thousand rules.
pub(super) const RULED: usize = 50_000;
const RULES: usize = 1_000;
const DEPARTMENTS: usize = 1_000;

/// An enterprise whose access is a thousand rules.
pub(super) struct ManyRules {
    members: Vec<Arc<Member>>,
    departments: Arc<Departments>,
    rules: Rules,
}

impl ManyRules {
    /// Half of the rules ask of departments, half of positions.
    #[must_use]
    pub(super) fn new() -> Self {
        let members = (0..RULED).map(|n| {
            let mut member = member(n);
            let main = (n % DEPARTMENTS).to_string();
            member.departments = vec![main.clone()];
            member.main_department = Some(main);
            member.position = format!("SRE {}", n / 7 % (RULES / 2));
            Arc::new(member)
        });
        let granting = (0..RULES).map(|n| {
            let when = if n % 2 == 0 {
                format!("'部门{}' in member.department_path", n / 2)
            } else {
                format!("member.position == 'SRE {}'", n / 2)
            };
            GrantRule {
                line: u32::try_from(n).unwrap_or_default() + 10,
                when: Some(Condition::parse(&when).unwrap_or_else(|e| panic!("{e}"))),
                groups: vec![Text::parse(&format!("group{n}")).unwrap_or_else(|e| panic!("{e}"))],
                policies: Vec::new(),
                like: None,
                exclusive: false,
            }
        });
        Self {
            members: members.collect(),
            departments: Arc::new(Departments::new((0..DEPARTMENTS).map(department).collect())),
            rules: Rules {
                grant: granting.collect(),
                ..rules()
            },
        }
    }

    /// The desired state.
    ///
    /// # Panics
    /// When a rule of the benchmark does not compile.
    #[must_use]
    pub(super) fn desire(&self) -> Vec<Desired> {
        desired(
            &self.rules,
            &DesiredInput {
                source: "acme",
                connector: "wecom",
                members: &self.members,
                departments: &self.departments,
                approved: &HashSet::new(),
                admitted: &HashMap::new(),
            },
        )
        .unwrap_or_else(|error| panic!("{error}"))
    }

    /// How many conditions hold for the first of these members, each asked of each: what would be done if nobody
    /// looked like anybody else.
    ///
    /// # Panics
    /// When a rule of the benchmark does not compile or fails.
    #[must_use]
    pub(super) fn ask_one_by_one(&self, members: usize) -> usize {
        let language = Language::new();
        let conditions: Vec<_> = self
            .rules
            .grant
            .iter()
            .filter_map(|rule| rule.when.as_ref())
            .map(|when| language.condition(when).unwrap_or_else(|e| panic!("{e}")))
            .collect();
        let mut holding = 0;
        for member in self.members.iter().take(members) {
            let facts = Facts::new(member, &self.departments, "acme", "wecom");
            for condition in &conditions {
                let holds = condition.holds(&facts).unwrap_or_else(|e| panic!("{e}"));
                holding += usize::from(holds);
            }
        }
        holding
    }
}

//! A small family of configurations, each as the file that the product reads and as what the oracle knows it to mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use camsync_core::model::MemberStatus;

use crate::company::{Company, DEPARTMENTS};
use crate::dice::Dice;

/// The preset policy that administers.
pub const ADMIN: &str = "AdministratorAccess";
/// A harmless preset policy.
pub const READ: &str = "QcloudCVMReadOnlyAccess";
/// The sub-user that a grant rule follows.
pub const TEMPLATE: &str = "template-dev";

/// What becomes of contractors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contractors {
    /// Like everybody.
    Import,
    /// Nothing.
    Exclude,
    /// They apply.
    Apply,
}

/// One configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What becomes of contractors.
    pub contractors: Contractors,
    /// Whether everybody else is admitted, or those in R&D and Ops alone.
    pub everybody: bool,
    /// Taken names get a suffix.
    pub suffix: bool,
    /// `R&D` is in the group `rd`.
    pub rd: bool,
    /// `Sales` is in the group `sales` and has [`READ`].
    pub sales: bool,
    /// Everybody is in a group named after the main department.
    pub by_department: bool,
    /// `Ops` is in the group `ops`, and in no other that somebody gave by hand.
    pub ops: bool,
    /// `Ops` has [`ADMIN`], by name.
    pub admins: bool,
    /// `R&D` follows [`TEMPLATE`].
    pub like: bool,
    /// Drift towards less access is undone.
    pub repair: bool,
    /// Leavers are denied everything first.
    pub deny_all: bool,
    /// Whoever has an account of the wanted name gets that one, once a person agrees.
    pub adopt: bool,
}

impl Rules {
    /// Draws one.
    pub fn draw(dice: &mut Dice) -> Self {
        Self {
            contractors: dice.pick(&[
                Contractors::Import,
                Contractors::Exclude,
                Contractors::Apply,
            ]),
            everybody: dice.chance(75),
            suffix: dice.chance(30),
            rd: dice.chance(70),
            sales: dice.chance(60),
            by_department: dice.chance(40),
            ops: dice.chance(40),
            admins: dice.chance(25),
            like: dice.chance(25),
            repair: dice.chance(15),
            deny_all: dice.chance(25),
            adopt: false,
        }
    }

    /// Edits one thing.
    pub fn edit(&mut self, dice: &mut Dice) {
        match dice.below(11) {
            0 => self.contractors = Self::draw(dice).contractors,
            1 => self.everybody = !self.everybody,
            2 => self.suffix = !self.suffix,
            3 => self.rd = !self.rd,
            4 => self.sales = !self.sales,
            5 => self.by_department = !self.by_department,
            6 => self.ops = !self.ops,
            7 => self.admins = !self.admins,
            8 => self.like = !self.like,
            9 => self.repair = !self.repair,
            _ => self.deny_all = !self.deny_all,
        }
    }

    /// As the file that the product reads.
    #[must_use]
    pub fn file(&self) -> String {
        let mut text = String::from(
            "[daemon]\ndata_dir = \"data\"\n[target]\nkind = \"cam\"\n[leavers]\ndelete_after = \"5d\"\n",
        );
        let denial = if self.deny_all { "always" } else { "adopted" };
        let drift = if self.repair { "repair" } else { "keep" };
        let _ = write!(
            text,
            "deny_all = \"{denial}\"\n[drift]\nless_access = \"{drift}\"\n\
             [[source]]\nname = \"acme\"\nconnector = \"wecom\"\nschedule = \"*/10 * * * *\"\ntimezone = \"UTC\"\n\
             [source.settings]\ncorp_id = \"ww1\"\nagent_id = 1\nsecret = {{ env = \"SECRET\" }}\n"
        );
        let conflict = if self.suffix { "suffix" } else { "hold" };
        let adopt = if self.adopt { "name" } else { "never" };
        let mut admit = |when: &str, enroll: &str| {
            let _ = write!(
                text,
                "[[admit]]\n{when}enroll = \"{enroll}\"\nconflict = \"{conflict}\"\nadopt = \"{adopt}\"\n"
            );
        };
        let contractors = "when = \"'Contractors' in member.department_names\"\n";
        match self.contractors {
            Contractors::Import => {}
            Contractors::Exclude => admit(contractors, "exclude"),
            Contractors::Apply => admit(contractors, "apply"),
        }
        if self.everybody {
            admit("", "import");
        } else {
            admit(
                "when = \"'R&D' in member.department_names or 'Ops' in member.department_names\"\n",
                "import",
            );
        }
        let mut grant = |department: Option<&str>, what: &str| {
            let when = department.map_or_else(String::new, |d| {
                format!("when = \"'{d}' in member.department_names\"\n")
            });
            let _ = write!(text, "[[grant]]\n{when}{what}\n");
        };
        for (on, department, what) in [
            (self.rd, Some("R&D"), "groups = [\"rd\"]".to_owned()),
            (
                self.sales,
                Some("Sales"),
                format!("groups = [\"sales\"]\npolicies = [\"{READ}\"]"),
            ),
            (
                self.by_department,
                None,
                "groups = [\"dept-{{ member.main_department_name }}\"]".to_owned(),
            ),
            (
                self.ops,
                Some("Ops"),
                "groups = [\"ops\"]\nexclusive = true".to_owned(),
            ),
            (
                self.admins,
                Some("Ops"),
                format!("policies = [\"{ADMIN}\"]"),
            ),
            (self.like, Some("R&D"), format!("like = \"{TEMPLATE}\"")),
        ] {
            if on {
                grant(department, &what);
            }
        }
        text
    }
}

/// What somebody should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entitled {
    /// A sub-user, in these groups and with these policies, by name.
    Yes {
        /// Groups.
        groups: BTreeSet<String>,
        /// Policies.
        policies: BTreeSet<&'static str>,
        /// What others gave by hand goes.
        exclusive: bool,
        /// Whatever [`TEMPLATE`] has, too.
        like: bool,
    },
    /// That depends on an application.
    Applies,
    /// None.
    No(Why),
}

/// Why somebody should have no sub-user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The provider shows no such member.
    Unseen,
    /// Switched off at the provider: never deleted.
    Disabled,
    /// The rules admit no such member.
    ByRule,
}

/// Who should have what, as things really are.
#[must_use]
pub fn entitled(company: &Company, rules: &Rules) -> BTreeMap<&'static str, Entitled> {
    let people = company.people.iter();
    people
        .map(|(id, person)| (*id, one(company, rules, id, person.status)))
        .collect()
}

fn one(company: &Company, rules: &Rules, id: &str, status: MemberStatus) -> Entitled {
    let shown = company.shown_by(id);
    let names: Vec<&str> = shown.iter().map(|d| DEPARTMENTS[*d].1).collect();
    let Some(main) = names.first() else {
        return Entitled::No(Why::Unseen);
    };
    if status == MemberStatus::Disabled {
        return Entitled::No(Why::Disabled);
    }
    let is_in = |name: &str| names.contains(&name);
    let contractor = is_in("Contractors");
    match rules.contractors {
        Contractors::Exclude if contractor => return Entitled::No(Why::ByRule),
        Contractors::Apply if contractor => return Entitled::Applies,
        _ => {}
    }
    if !(rules.everybody || is_in("R&D") || is_in("Ops")) {
        return Entitled::No(Why::ByRule);
    }
    let mut groups = BTreeSet::new();
    let mut policies = BTreeSet::new();
    if rules.rd && is_in("R&D") {
        groups.insert("rd".to_owned());
    }
    if rules.sales && is_in("Sales") {
        groups.insert("sales".to_owned());
        policies.insert(READ);
    }
    if rules.by_department {
        groups.insert(format!("dept-{main}"));
    }
    if rules.ops && is_in("Ops") {
        groups.insert("ops".to_owned());
    }
    if rules.admins && is_in("Ops") {
        policies.insert(ADMIN);
    }
    Entitled::Yes {
        groups,
        policies,
        exclusive: rules.ops && is_in("Ops"),
        like: rules.like && is_in("R&D"),
    }
}

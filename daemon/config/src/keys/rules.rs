//! `[[admit]]` and `[[grant]]`.

use std::ops::Range;

use camsync_core::rules::{AdmitRule, Adopt, Enroll, GrantRule, OnConflict};

use crate::document::Table;
use crate::kinds::{List, OneOf, Switch, Template, Text, When, Words};
use crate::reader::{Reader, section};

section! {
    /// Who gets a sub-user, and how. The rules are tried in the order of the file, and the first that matches a
    /// member wins; whom none matches gets nothing.
    for AdmitRule {
        /// Whom the rule matches.
        when = When, optional("everyone");
        /// What the rule does.
        enroll = OneOf<Enroll>, default("import");
        /// The sub-user's name, fixed at creation: CAM cannot rename.
        username = Template, default("{{ member.username }}");
        /// The sub-user's remark; camsync's own mark follows it.
        remark = Template, default("{{ member.name }}");
        /// Whether the sub-user may sign in to the console.
        console_login = Switch, default(true);
        /// Which sub-users that exist already may be taken over.
        adopt = OneOf<Adopt>, default("never");
        /// What happens when the name is taken.
        conflict = OneOf<OnConflict>, default("hold");
        /// With `enroll = "apply"`: whose application is approved without a person.
        approve_when = When, optional("a person approves each");
        /// Also admits those who were invited to the provider and never joined.
        invited = Switch, default(false);
        /// Gives phone and e-mail to CAM.
        contact = Switch, default(false);
    }
    line line;
}

impl Words for Enroll {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("import", Self::Import, "makes a sub-user"),
        (
            "apply",
            Self::Apply,
            "makes one once the member's application is approved",
        ),
        ("exclude", Self::Exclude, "makes none"),
    ];
}

impl Words for Adopt {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("never", Self::Never, "none"),
        (
            "wecom",
            Self::Wecom,
            "those imported in the cloud console, by their WeCom id",
        ),
        (
            "name",
            Self::Name,
            "those of the same name, each held for approval",
        ),
    ];
}

impl Words for OnConflict {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("hold", Self::Hold, "reported, and nobody is touched"),
        ("suffix", Self::Suffix, "the name gets -2, -3, …"),
    ];
}

section! {
    /// What a member may do. All rules that match add up. What others gave by hand is left alone, unless a rule
    /// is exclusive.
    for GrantRule {
        /// Whom the rule matches.
        when = When, optional("everyone");
        /// Groups by name; one that is missing is created and then managed. A name with `{{ }}` in it stands only
        /// for groups that camsync made itself.
        groups = List<Template>, default([]);
        /// Policies by their exact name. Rights that administer must be named literally.
        policies = List<Text>, default([]);
        /// A sub-user whose groups and own policies are given too, and followed as they change.
        like = Text, optional("nobody is followed");
        /// Takes away the groups and policies that others gave by hand.
        exclusive = Switch, default(false);
    }
    line line;
    check literal_policies;
}

fn literal_policies(rule: &GrantRule, table: &Table, span: &Range<usize>, reader: &mut Reader<'_>) {
    for policy in rule.policies.iter().filter(|policy| policy.contains("{{")) {
        reader.under("policies", |reader| {
            reader.refuse(
                &table.place("policies", span),
                format!("`grant.policies` holds the template {policy:?}"),
                "policies are given by their exact names, so that no member's data can choose one",
            );
        });
    }
}

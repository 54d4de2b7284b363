//! `[[admit]]` and `[[grant]]`.

use std::ops::Range;

use camsync_core::rules::{AdmitRule, Adopt, Enroll, GrantRule, OnConflict};

use crate::bilingual::Bilingual;
use crate::document::Table;
use crate::kinds::{List, OneOf, Switch, Template, Text, When, Words};
use crate::reader::{Reader, section};

section! {
    /// Who gets a sub-user, and how. The rules are tried in the order of the file, and the first that matches a
    /// member wins; whom none matches gets nothing.
    #[zh = "准入规则：谁会有子用户，怎样创建。按文件中的顺序逐条尝试，第一条匹配的规则生效；都不匹配的成员没有子用户。"]
    for AdmitRule {
        /// Whom the rule matches.
        #[zh = "规则匹配哪些成员。"]
        when = When, optional("everyone", "所有人");
        /// What the rule does.
        #[zh = "规则做什么。"]
        enroll = OneOf<Enroll>, default("import");
        /// The sub-user's name, fixed at creation: CAM cannot rename.
        #[zh = "子用户的用户名，创建后不变：CAM 不能改名。"]
        username = Template, default("{{ member.username }}");
        /// The sub-user's remark; camsync's own mark follows it.
        #[zh = "子用户的备注；camsync 自己的标记写在其后。"]
        remark = Template, default("{{ member.name }}");
        /// Whether the sub-user may sign in to the console.
        #[zh = "子用户能否登录控制台。"]
        console_login = Switch, default(true);
        /// Which sub-users that exist already may be taken over.
        #[zh = "哪些已有的子用户可以接管。"]
        adopt = OneOf<Adopt>, default("never");
        /// What happens when the name is taken.
        #[zh = "用户名已被占用时怎么办。"]
        conflict = OneOf<OnConflict>, default("hold");
        /// With `enroll = "apply"`: whose application is approved without a person.
        #[zh = "与 `enroll = \"apply\"` 一起使用：哪些成员的申请无需人工批准。"]
        approve_when = When, optional("a person approves each", "每份申请都由人批准");
        /// Also admits those who were invited to the provider and never joined.
        #[zh = "已邀请但从未加入（未激活）的成员也准入。"]
        invited = Switch, default(false);
        /// Gives phone and e-mail to CAM.
        #[zh = "把手机号与邮箱交给 CAM。"]
        contact = Switch, default(false);
    }
    line line;
}

impl Words for Enroll {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "import",
            Self::Import,
            Bilingual {
                en: "makes a sub-user",
                zh: "创建子用户",
            },
        ),
        (
            "apply",
            Self::Apply,
            Bilingual {
                en: "makes one once the member's application is approved",
                zh: "成员的申请获批后创建",
            },
        ),
        (
            "exclude",
            Self::Exclude,
            Bilingual {
                en: "makes none",
                zh: "不创建",
            },
        ),
    ];
}

impl Words for Adopt {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "never",
            Self::Never,
            Bilingual {
                en: "none",
                zh: "都不接管",
            },
        ),
        (
            "wecom",
            Self::Wecom,
            Bilingual {
                en: "those imported in the cloud console, by their WeCom id",
                zh: "在云控制台从企业微信导入的，按企业微信 ID 对应",
            },
        ),
        (
            "name",
            Self::Name,
            Bilingual {
                en: "those of the same name, each held for approval",
                zh: "同名的，每个都等人批准",
            },
        ),
    ];
}

impl Words for OnConflict {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "hold",
            Self::Hold,
            Bilingual {
                en: "reported, and nobody is touched",
                zh: "上报，不动任何人",
            },
        ),
        (
            "suffix",
            Self::Suffix,
            Bilingual {
                en: "the name gets -2, -3, …",
                zh: "在名称后加 -2、-3……",
            },
        ),
    ];
}

section! {
    /// What a member may do. All rules that match add up. What others gave by hand is left alone, unless a rule
    /// is exclusive.
    #[zh = "授权规则：成员能做什么。所有匹配的规则叠加。他人手动授予的权限不动，除非规则写了 `exclusive`。"]
    for GrantRule {
        /// Whom the rule matches.
        #[zh = "规则匹配哪些成员。"]
        when = When, optional("everyone", "所有人");
        /// Groups by name; one that is missing is created and then managed. A name with `{{ }}` in it stands only
        /// for groups that camsync made itself.
        #[zh = "用户组名称；不存在的会创建，并由 camsync 管理。含 `{{ }}` 的名称只能指 camsync 自己创建的用户组。"]
        groups = List<Template>, default([]);
        /// Policies by their exact name. Rights that administer must be named literally.
        #[zh = "策略的准确名称。有管理权限的策略必须逐字写明。"]
        policies = List<Text>, default([]);
        /// A sub-user whose groups and own policies are given too, and followed as they change.
        #[zh = "一个子用户，它的用户组与自有策略也一并授予，并随之变化。"]
        like = Text, optional("nobody is followed", "不跟随任何人");
        /// Takes away the groups and policies that others gave by hand.
        #[zh = "收回他人手动授予的用户组与策略。"]
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

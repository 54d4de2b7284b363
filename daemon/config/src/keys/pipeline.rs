//! `[retry]`, `[guard]`, `[leavers]`, `[drift]`, `[applications]` and `[retention]`.

use std::ops::Range;
use std::time::Duration;

use camsync_core::rules::{DenyAll, Guard, Leavers, LessAccess, Retry};

use crate::bilingual::Bilingual;
use crate::document::Table;
use crate::kinds::{OneOf, Pause, Period, PeriodOrNever, Ratio, Switch, Whole, Words};
use crate::reader::{Reader, section};

section! {
    /// How a change that did not succeed is tried again.
    #[zh = "未成功的变更如何重试。"]
    for Retry {
        /// The first pause; each further one is longer.
        #[zh = "第一次等待的时间；之后逐次加长。"]
        initial = Pause, default("1s");
        /// The longest pause.
        #[zh = "最长的等待时间。"]
        max = Pause, default("5m");
        /// Attempts before a change counts as failed, until it is retried by hand or planned anew.
        #[zh = "尝试多少次后算失败；之后等人手动重试，或由新的计划重新安排。"]
        attempts = Whole<1, 1000>, default(12);
    }
    check pauses_grow;
}

fn pauses_grow(retry: &Retry, table: &Table, span: &Range<usize>, reader: &mut Reader<'_>) {
    if retry.initial > retry.max {
        reader.under("initial", |reader| {
            reader.refuse(
                &table.place("initial", span),
                "`retry.initial` is longer than `retry.max`",
                "the first pause is the shortest",
            );
        });
    }
}

section! {
    /// When removals wait for a person to approve them. The limits hold over a rolling window, for each kind of evidence.
    #[zh = "哪些移除要等人批准。限额按滚动时间窗、每类依据分别计算。"]
    for Guard {
        /// The rolling window.
        #[zh = "滚动时间窗。"]
        window = Period, default("24h");
        /// Removals in the window.
        #[zh = "时间窗内的移除数。"]
        max_removals = Whole<0, 1_000_000>, default(20);
        /// Removals in the window as a share of the managed sub-users. The smaller of the two limits binds, but never
        /// fewer than 3.
        #[zh = "时间窗内的移除数占受管子用户的比例。两个限额取较小者，但不低于 3 个。"]
        max_removal_ratio = Ratio, default(0.05);
        /// The same share for what the provider itself says (disabled, left), which has no other limit.
        #[zh = "身份源明确告知（禁用、离开）时的比例；这一类没有其他限额。"]
        max_said_ratio = Ratio, default(0.25);
    }
}

section! {
    /// What happens to the sub-users of those who leave.
    #[zh = "如何处理离开者的子用户。"]
    for Leavers {
        /// Whose sub-user first gets one managed policy that denies everything.
        #[zh = "先给哪些子用户绑定一条拒绝一切的受管策略。"]
        deny_all = OneOf<DenyAll>, default("adopted");
        /// How long a leaver stays suspended before deletion.
        #[zh = "离开者停用多久之后删除。"]
        delete_after = PeriodOrNever, default("30d");
        /// Deletes adopted sub-users too, instead of releasing them.
        #[zh = "接管来的子用户是否也删除；否则只解除受管。"]
        delete_adopted = Switch, default(false);
    }
}

impl Words for DenyAll {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "never",
            Self::Never,
            Bilingual {
                en: "nobody's",
                zh: "都不绑定",
            },
        ),
        (
            "adopted",
            Self::Adopted,
            Bilingual {
                en: "those that were adopted",
                zh: "接管来的",
            },
        ),
        (
            "always",
            Self::Always,
            Bilingual {
                en: "everybody's",
                zh: "所有",
            },
        ),
    ];
}

section! {
    /// What is done about sub-users that somebody else altered.
    #[zh = "子用户被他人改动时怎么办。"]
    pub struct Drift {
        /// What is done about drift towards less access. Drift towards more is always repaired.
        #[zh = "权限被人收紧时怎么办。权限被人放宽时总会改回。"]
        less_access: LessAccess = OneOf<LessAccess>, default("keep");
    }
}

impl Words for LessAccess {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "keep",
            Self::Keep,
            Bilingual {
                en: "kept and shown, until `members resume`",
                zh: "保持并显示，直到 `members resume`",
            },
        ),
        (
            "repair",
            Self::Repair,
            Bilingual {
                en: "undone",
                zh: "改回",
            },
        ),
    ];
}

section! {
    /// What happens to members' own requests.
    #[zh = "如何处理成员自己提出的申请。"]
    pub struct Applications {
        /// An application that nobody has answered ends after this; the member may make another.
        #[zh = "无人处理的申请在这段时间后结束；成员可以再次申请。"]
        expire_after: Duration = Period, default("14d");
        /// Members are told through their provider what became of their applications, where the connector can do that.
        #[zh = "通过提供方把申请的结果告诉成员（若连接器支持）。"]
        messages: bool = Switch, default(true);
    }
}

section! {
    /// How long data is kept.
    #[zh = "数据保留多久。"]
    pub struct Retention {
        /// Personal data of people who are gone is purged after this; the audit keeps ids.
        #[zh = "已不在的人的个人数据超过这一时间即清除；审计只保留 ID。"]
        snapshots: Duration = Period, default("90d");
    }
}

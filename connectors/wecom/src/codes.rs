//! What WeCom's error codes mean for this connector: the table of `wecom-api.md` 7, one row a code.

use Class::{
    Busy, Crowded, DepartmentGone, MemberGone, MemberHidden, Mistake, Permission, Refused, Secret,
    Settings, SignInCode, TagDenied, TagGone, Throttled, TokenStale, TooLarge,
};

/// What a refusal calls for. The action is the one that the table names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Another try may succeed at once: at most 3, with growing pauses.
    Busy,
    /// The access token is no longer good: a new one, and one more try.
    TokenStale,
    /// From `gettoken` the secret is wrong; elsewhere treated like a stale token.
    Secret,
    /// A setting is wrong, here or in WeCom's console: a person must correct it.
    Settings,
    /// The app or this whole interface is barred: a person must grant it. Nobody may be taken for gone.
    Permission,
    /// Not now: the frequency limit (wait 60 s, then 60 min), or a ticket that is still to come.
    Throttled,
    /// Too many calls in parallel: halve them, and try again after 1 to 2 s.
    Crowded,
    /// The answer would be too large: ask for less at a time.
    TooLarge,
    /// The member does not exist, or not in this app's sight.
    MemberGone,
    /// The member, department or tag exists but lies outside the visible range.
    MemberHidden,
    /// The department does not exist (any more): read the list again.
    DepartmentGone,
    /// The tag does not exist (any more).
    TagGone,
    /// The tag may not be read by this app: go without it, and say so.
    TagDenied,
    /// The sign-in code or ticket is used up: the sign-in starts over.
    SignInCode,
    /// This connector sent a wrong request.
    Mistake,
    /// No class: the provider's word is passed on.
    Refused,
}

/// The table; codes in ascending order.
pub const TABLE: [(i64, Class); 71] = [
    (-1, Busy),
    (6000, Busy),
    (40001, Secret),
    (40003, MemberGone),
    (40013, Settings),
    (40014, TokenStale),
    (40029, SignInCode),
    (40031, Mistake),
    (40032, Mistake),
    (40035, Mistake),
    (40056, Settings),
    (40058, Mistake),
    (40066, DepartmentGone),
    (40068, TagGone),
    (40078, SignInCode),
    (40082, TokenStale),
    (40083, Settings),
    (40084, Permission),
    (40085, Throttled),
    (41001, Mistake),
    (41002, Mistake),
    (41004, Mistake),
    (41009, Mistake),
    (41011, Mistake),
    (41017, Mistake),
    (41021, Mistake),
    (41022, Mistake),
    (41023, Mistake),
    (41024, Mistake),
    (41025, Mistake),
    (42001, TokenStale),
    (42007, SignInCode),
    (42009, TokenStale),
    (42022, SignInCode),
    (43009, Permission),
    (45009, Throttled),
    (45029, TooLarge),
    (45033, Crowded),
    (46004, MemberGone),
    (48001, Permission),
    (48002, Permission),
    (48003, Settings),
    (48004, Permission),
    (48005, Refused),
    (48006, Permission),
    (48008, Settings),
    (48009, Permission),
    (50001, Settings),
    (50002, MemberHidden),
    (50003, Permission),
    (60003, DepartmentGone),
    (60004, DepartmentGone),
    (60011, MemberHidden),
    (60020, Permission),
    (60021, MemberHidden),
    (60030, MemberHidden),
    (60031, Permission),
    (60110, Refused),
    (60111, MemberGone),
    (60123, DepartmentGone),
    (60124, DepartmentGone),
    (60136, MemberGone),
    (81011, TagDenied),
    (81013, MemberHidden),
    (84014, SignInCode),
    (84015, SignInCode),
    (85005, Settings),
    (301002, Settings),
    (301005, Refused),
    (301007, Permission),
    (301021, Refused),
];

/// The class of a code; codes that the table does not have are passed on as refusals.
#[must_use]
pub fn class_of(code: i64) -> Class {
    TABLE
        .binary_search_by_key(&code, |row| row.0)
        .map_or(Refused, |row| TABLE[row].1)
}

//! Every row of `cam-api.md 9`, written down a second time in the dossier's own letters.

use std::collections::BTreeSet;

use super::*;
use Effect::{Read, Remove, Write};

/// The codes of a row, and its letter for a read, a write and a removal.
const ROWS: &[(&str, [&str; 3])] = &[
    ("RequestLimitExceeded", ["T", "T", "T"]),
    (
        "RequestLimitExceeded.UinLimitExceeded",
        ["T all", "T all", "T all"],
    ),
    (
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
        ["T all", "T all", "T all"],
    ),
    (
        "RequestLimitExceeded.IPLimitExceeded",
        ["T all", "T all", "T all"],
    ),
    ("RequestLimitExceeded.CreateUser", ["Q", "Q", "Q"]),
    (
        "InternalError InternalError.SystemError InternalError.UnknownError",
        ["U", "U", "U"],
    ),
    ("FailedOperation", ["U", "U", "U"]),
    (
        "ResourceUnavailable ResourceUnavailable.Anything",
        ["T", "T", "T"],
    ),
    ("ResourceInUse", ["T", "T", "T"]),
    ("AuthFailure.SignatureExpire", ["C", "C", "C"]),
    ("AuthFailure.SignatureFailure", ["C", "C", "C"]),
    (
        "AuthFailure.SecretIdNotFound AuthFailure.InvalidSecretId AuthFailure.InvalidAuthorization",
        ["C", "C", "C"],
    ),
    ("AuthFailure.TokenFailure", ["C", "C", "C"]),
    ("AuthFailure.MFAFailure", ["C", "C", "C"]),
    (
        "AuthFailure.UnauthorizedOperation UnauthorizedOperation",
        ["C action", "C action", "C action"],
    ),
    (
        "UnauthorizedOperation.DeleteApiKey",
        ["C action", "C action", "C action"],
    ),
    ("IpInBlacklist IpNotInWhitelist", ["C", "C", "C"]),
    (
        "InvalidAction NoSuchVersion NoSuchProduct ActionOffline UnsupportedOperation",
        ["C", "C", "C"],
    ),
    (
        "InvalidParameter InvalidParameter.ParamError InvalidParameterValue \
         InvalidParameterValue.NameError MissingParameter UnknownParameter",
        ["P", "P", "P"],
    ),
    (
        "RequestSizeLimitExceeded ResponseSizeLimitExceeded",
        ["P", "P", "P"],
    ),
    ("InvalidParameter.UserNameIllegal", ["P", "P", "P"]),
    ("InvalidParameter.SubUserNameInUse", ["P", "P", "P"]),
    ("InvalidParameter.SubUserFull", ["Q", "Q", "Q"]),
    ("InvalidParameter.PasswordViolatedRules", ["P", "P", "P"]),
    (
        "FailedOperation.ForbidAdd",
        ["C action", "C action", "C action"],
    ),
    ("FailedOperation.ExistHighRiskOperations", ["Q", "Q", "Q"]),
    ("FailedOperation.Unmodifiable", ["P", "P", "P"]),
    (
        "ResourceNotFound.UserNotExist ResourceNotFound.UserNotExists InvalidParameter.UserNotExist",
        ["P", "P", "D"],
    ),
    ("OperationDenied.HaveKeys", ["P", "P", "P"]),
    (
        "ResourceNotFound.GroupNotExist InvalidParameter.GroupNotExist",
        ["P", "P", "D"],
    ),
    ("InvalidParameter.GroupNameInUse", ["P", "D", "P"]),
    (
        "InvalidParameter.GroupFull InvalidParameter.GroupUserFull InvalidParameter.UserGroupFull",
        ["Q", "Q", "Q"],
    ),
    ("InvalidParameter.UserUinAndUinNotAllNull", ["P", "P", "P"]),
    (
        "ResourceNotFound.PolicyIdNotFound InvalidParameter.PolicyIdNotExist InvalidParameter.PolicyIdError",
        ["P", "P", "D"],
    ),
    (
        "FailedOperation.PolicyFull InvalidParameter.AttachmentFull",
        ["Q", "Q", "Q"],
    ),
    ("FailedOperation.PolicyNameInUse", ["P", "D", "P"]),
    (
        "FailedOperation.OrganizationPolicyOperateError OperationDenied.CicPolicyOperationDenied \
         FailedOperation.CICIdentityForbidden",
        ["P", "P", "P"],
    ),
    ("ResourceNotFound.SecretNotExist", ["D", "D", "D"]),
    ("OperationDenied.SubUin", ["P", "P", "P"]),
    ("OperationDenied.UinNotMatch", ["P", "P", "P"]),
    ("FailedOperation.Accesskey", ["U", "U", "U"]),
    ("InvalidParameter.PaginationTokenInvalid", ["T", "T", "T"]),
    (
        "LimitExceeded.IdentityFull LimitExceeded.Uin",
        ["Q", "Q", "Q"],
    ),
    (
        "SomethingNew SomethingNew.Sub ResourceNotFound.SomethingNew",
        ["U", "U", "U"],
    ),
];

fn letter(class: Class) -> &'static str {
    match class {
        Class::Transient {
            scope: Scope::Action,
        } => "T",
        Class::Transient {
            scope: Scope::Account,
        } => "T all",
        Class::Unknown => "U",
        Class::Permanent => "P",
        Class::Configuration => "C",
        Class::ConfigurationForAction => "C action",
        Class::Done => "D",
        Class::Quota => "Q",
    }
}

#[test]
fn every_row_of_section_9_is_classed_as_the_dossier_says() {
    for (codes, letters) in ROWS {
        for code in codes.split_whitespace() {
            let classed = [Read, Write, Remove].map(|effect| letter(Class::of(code, effect)));
            assert_eq!(&classed, letters, "{code}");
        }
    }
}

#[test]
fn every_entry_of_the_table_is_tested_and_stands_once() {
    let tested: BTreeSet<_> = ROWS
        .iter()
        .flat_map(|(codes, _)| codes.split_whitespace())
        .collect();
    let mut seen = BTreeSet::new();
    for (code, _) in TABLE {
        assert!(seen.insert(*code), "{code} stands twice");
        assert!(
            tested.contains(code) || *code == "AuthFailure",
            "{code} is not tested"
        );
    }
}

#[test]
fn an_unlisted_subcode_falls_back_to_its_family() {
    assert_eq!(Class::of("AuthFailure.New", Write), Class::Configuration);
    assert_eq!(
        Class::of("UnauthorizedOperation.New", Read),
        Class::ConfigurationForAction
    );
    assert_eq!(Class::of("InvalidParameter.New", Write), Class::Permanent);
    assert_eq!(Class::of("FailedOperation.New", Write), Class::Unknown);
    assert_eq!(Class::of("", Write), Class::Unknown);
}

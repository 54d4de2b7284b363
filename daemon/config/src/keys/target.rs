//! `[target]`.

use url::Url;

use crate::bilingual::Bilingual;
use crate::kinds::{Endpoint, One, OneOf, Secretive, Whole, Words};
use crate::reader::section;
use crate::secret::SecretRef;

section! {
    /// Where changes go: a Tencent Cloud account's CAM.
    #[zh = "变更写到哪里：一个腾讯云账号的 CAM。"]
    pub struct Target {
        /// What is done with changes.
        #[zh = "如何处理变更。"]
        kind: TargetKind = OneOf<TargetKind>, default("cam");
        /// CAM's endpoint.
        #[zh = "CAM 的接口地址。"]
        endpoint: Url = Endpoint, default("https://cam.tencentcloudapi.com");
        /// The API key's SecretId. It is read again when its file changes, as are the next two.
        #[zh = "API 密钥的 SecretId。所在文件变化后会自动重读，下面两项也一样。"]
        secret_id: SecretRef = Secretive, default({ "env": "TENCENTCLOUD_SECRET_ID" });
        /// The API key's SecretKey.
        #[zh = "API 密钥的 SecretKey。"]
        secret_key: SecretRef = Secretive, default({ "env": "TENCENTCLOUD_SECRET_KEY" });
        /// The token of a temporary key.
        #[zh = "临时密钥的 Token。"]
        token: Option<SecretRef> = Secretive, optional("the key is a lasting one", "是长期密钥");
        /// Requests a second, for each action. CAM's usual limit is 20, shared with every other tool on the
        /// account; actions that it documents as slower scale with this (attach and detach a half, access keys a
        /// quarter).
        #[zh = "每个接口每秒的请求数。CAM 的限频通常是 20 次，由账号下所有工具共用；文档中限频更低的接口按比例降低（绑定与解除策略为一半，访问密钥为四分之一）。"]
        requests_per_second: u32 = Whole<1, 1000>, default(16);
        /// How sub-users sign in to the console.
        #[zh = "子用户如何登录控制台。"]
        sign_in: SignIn = OneOf<SignIn>, default("password");
        /// Quotas of the account as far as they are known. What is known is forecast, what is not is learnt from
        /// CAM's refusals.
        #[zh = "账号的配额，知道多少写多少。写了的会提前预估，没写的从 CAM 的拒绝中得知。"]
        quotas: Quotas = One<Quotas>, default({});
    }
}

/// What is done with changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// They are applied to CAM.
    Cam,
    /// They are recorded and not applied; no key is needed.
    Ledger,
}

impl Words for TargetKind {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "cam",
            Self::Cam,
            Bilingual {
                en: "applied to Tencent Cloud CAM",
                zh: "写入腾讯云 CAM",
            },
        ),
        (
            "ledger",
            Self::Ledger,
            Bilingual {
                en: "recorded, never applied; needs no key",
                zh: "只记录，不写入；不需要密钥",
            },
        ),
    ];
}

/// How sub-users sign in to the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignIn {
    /// With a password.
    Password,
    /// Through the account's user SSO: no passwords are made.
    Sso,
}

impl Words for SignIn {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "password",
            Self::Password,
            Bilingual {
                en: "with a password of their own",
                zh: "用各自的密码",
            },
        ),
        (
            "sso",
            Self::Sso,
            Bilingual {
                en: "the account uses user SSO, so no passwords are made",
                zh: "账号使用用户 SSO，不生成密码",
            },
        ),
    ];
}

// The usual numbers are in `cam-api.md` 4.4; none is assumed, for accounts differ.
section! {
    /// What the account has room for.
    #[zh = "账号的各项上限。"]
    pub struct Quotas {
        /// Sub-users in the account.
        #[zh = "账号下的子用户数。"]
        sub_users: Option<u32> = Whole<1, 1_000_000>, optional("learnt", "从 CAM 的拒绝中得知");
        /// Groups in the account.
        #[zh = "账号下的用户组数。"]
        groups: Option<u32> = Whole<1, 1_000_000>, optional("learnt", "从 CAM 的拒绝中得知");
        /// Groups that one sub-user can be in.
        #[zh = "一个子用户可加入的用户组数。"]
        groups_per_user: Option<u32> = Whole<1, 1_000_000>, optional("learnt", "从 CAM 的拒绝中得知");
        /// Sub-users in one group.
        #[zh = "一个用户组中的子用户数。"]
        users_per_group: Option<u32> = Whole<1, 1_000_000>, optional("learnt", "从 CAM 的拒绝中得知");
        /// Policies attached to one sub-user.
        #[zh = "一个子用户可绑定的策略数。"]
        policies_per_user: Option<u32> = Whole<1, 1_000_000>, optional("learnt", "从 CAM 的拒绝中得知");
        /// Custom policies in the account.
        #[zh = "账号下的自定义策略数。"]
        policies: Option<u32> = Whole<1, 1_000_000>, optional("learnt", "从 CAM 的拒绝中得知");
    }
}

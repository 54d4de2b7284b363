//! How the simulated account behaves where the documents leave it open, and its quotas.

use std::time::Duration;

/// Settings of a simulated CAM account. The default of each open question is the answer that is harder on the caller.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API key that works from the start.
    pub secret_id: String,
    /// Its secret.
    pub secret_key: String,
    /// The root account's Uin; the first key belongs to a sub-user of it.
    pub owner_uin: u64,
    /// The root account's AppId.
    pub app_id: u64,
    /// Added to each request, half before and half after it takes effect. Default none.
    pub latency: Duration,
    /// Scales the documented rates of 20, 10 and 5 requests per second and action; `None` lifts them. Default 1.
    pub rate: Option<f64>,
    /// The quotas of `cam-api.md 4.4`.
    pub quotas: Quotas,
    /// Which names are legal; open (`cam-api.md 4.1`). Default [`NameRule::Safe`].
    pub names: NameRule,
    /// Whether names that differ only in case are the same name, for uniqueness and look-up; open. Default true.
    pub names_ignore_case: bool,
    /// Whether WeCom sub-users and collaborators take names away from sub-users; open. Default true.
    pub names_shared: bool,
    /// Longest Remark in characters; open. Default 128.
    pub remark_chars_max: usize,
    /// Whether ListUsers shows WeCom sub-users; open. Default false.
    pub list_users_holds_wecom: bool,
    /// Whether GetUser, UpdateUser and DeleteUser find a WeCom sub-user by name; open. Default true.
    pub wecom_by_name: bool,
    /// What `ConsoleLogin: 0` does to a WeCom sub-user; open (`cam-api.md 5.4`). Default [`WecomSignIn::Ignored`].
    pub wecom_sign_in: WecomSignIn,
    /// Whether `ConsoleLogin: 1` without a password resets the password of a user who may sign in already; open. Default true.
    pub sign_in_resets_password: bool,
    /// What adding what is there or removing what is not does; open. Default [`Repeat::Accepted`].
    pub repeats: Repeat,
    /// Whether a batch of memberships is all or nothing; open. Default false: it stops at the first failure.
    pub batch_atomic: bool,
    /// Whether DeleteGroup takes a group that has members; open. Default false: FailedOperation.
    pub delete_full_group: bool,
    /// Whether DeleteAccessKey takes an active key; open. Default false: FailedOperation.Accesskey.
    pub delete_active_key: bool,
    /// Whether reads mask phone and e-mail (`cam-api.md 4.2`). Default false.
    pub mask_contacts: bool,
    /// Whether reads give null for an empty Remark (`cam-api.md 2.1`). Default false.
    pub null_remark: bool,
    /// Whether reads give null for CreateTime. Default false.
    pub null_create_time: bool,
    /// Whether ListUsers and ListAccounts start with an entry of Uin 0 (`cam-api.md 3.1`). Default true.
    pub uin_zero: bool,
    /// The international site: ListAccounts, ListWeChatWorkSubAccounts answer InvalidAction (`cam-api.md 1.1`). Default false.
    pub international: bool,
    /// Largest page of ListWeChatWorkSubAccounts; open. A larger Limit is cut to it silently. Default 100.
    pub wecom_page_max: usize,
    /// The offset in hours of the zoneless times in answers; Beijing is likely (`cam-api.md 2`). Default 8.
    pub time_zone_hours: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            secret_id: "AKIDsimulated0000000000000000000000".into(),
            secret_key: "simulatedSecretKey0123456789abcd".into(),
            owner_uin: 100_000_000_001,
            app_id: 1_250_000_001,
            latency: Duration::ZERO,
            rate: Some(1.0),
            quotas: Quotas::default(),
            names: NameRule::Safe,
            names_ignore_case: true,
            names_shared: true,
            remark_chars_max: 128,
            list_users_holds_wecom: false,
            wecom_by_name: true,
            wecom_sign_in: WecomSignIn::Ignored,
            sign_in_resets_password: true,
            repeats: Repeat::Accepted,
            batch_atomic: false,
            delete_full_group: false,
            delete_active_key: false,
            mask_contacts: false,
            null_remark: false,
            null_create_time: false,
            uin_zero: true,
            international: false,
            wecom_page_max: 100,
            time_zone_hours: 8,
        }
    }
}

/// The quotas of one root account (`cam-api.md 4.4`).
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Sub-users, of types 2 and 3. Default 1000.
    pub users: usize,
    /// Groups. Default 300.
    pub groups: usize,
    /// Groups that one user can join. Default 10.
    pub groups_per_user: usize,
    /// Users in one group. Default 100.
    pub users_per_group: usize,
    /// Policies directly on one user or group. Default 200.
    pub policies_per_entity: usize,
    /// Custom policies. Default 1500.
    pub custom_policies: usize,
    /// Characters in one policy document. Default 6144.
    pub policy_chars: usize,
    /// API keys of one user. Default 2.
    pub keys_per_user: usize,
    /// Users created in 24 h, as for a root account without verified identity; `None` for no limit. Default none.
    pub created_per_day: Option<usize>,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            users: 1000,
            groups: 300,
            groups_per_user: 10,
            users_per_group: 100,
            policies_per_entity: 200,
            custom_policies: 1500,
            policy_chars: 6144,
            keys_per_user: 2,
            created_per_day: None,
        }
    }
}

/// Which sub-user names are legal. No document says; UserNameIllegal is the only oracle (`cam-api.md 4.1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// Letters, digits, `.`, `_`, `-`, `@`, starting with a letter or digit, at most 32 characters: what is surely safe.
    Safe,
    /// As `Safe` and a space, at most 64 characters: what has been seen to work.
    Seen,
    /// Anything that is not empty and has no control characters.
    Any,
}

impl NameRule {
    /// Whether `name` is legal.
    pub fn allows(self, name: &str) -> bool {
        let safe =
            |character: char| character.is_ascii_alphanumeric() || "._-@".contains(character);
        let length = name.chars().count();
        let starts = name
            .chars()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric());
        match self {
            Self::Safe => starts && length <= 32 && name.chars().all(safe),
            Self::Seen => starts && length <= 64 && name.chars().all(|c| safe(c) || c == ' '),
            Self::Any => length > 0 && !name.chars().any(char::is_control),
        }
    }
}

/// What switching sign-in off does to a WeCom sub-user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WecomSignIn {
    /// The call succeeds, and nothing changes.
    Ignored,
    /// FailedOperation.Unmodifiable.
    Unmodifiable,
    /// It works.
    Accepted,
}

/// What a repeated add or remove answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Success without effect.
    Accepted,
    /// FailedOperation.
    Refused,
}

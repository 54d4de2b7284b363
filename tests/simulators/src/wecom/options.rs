//! How the simulated WeCom behaves where the documents leave it open, and its limits.

use std::time::Duration;

/// Settings of a simulated enterprise on WeCom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The corpid.
    pub corp_id: String,
    /// The agentid of the self-built app that exists from the start.
    pub agent_id: u32,
    /// Its secret.
    pub secret: String,
    /// The contact-sync secret.
    pub contact_sync_secret: String,
    /// How long a token is valid. Default 7200 s.
    pub expires_in: Duration,
    /// Added to each request, half before and half after it takes effect. Default none.
    pub latency: Duration,
    /// Whether reads of members hold mobile, email, biz_mail, gender and avatar: false for an app made after 2022-06-20
    /// (`wecom-api.md 1.3`). Default false.
    pub contact_fields: bool,
    /// The address that errmsg says a call came from.
    pub client_ip: String,
    /// Whether that address is trusted; otherwise business calls answer 60020 (`wecom-api.md 1.5`). Default true.
    pub ip_trusted: bool,
    /// Whether that address used the contact-sync secret before 2022-08-15; otherwise it reads ids only
    /// (`wecom-api.md 1.4`). Default false.
    pub ip_grandfathered: bool,
    /// Whether agent/get gives null for containers without entries (`wecom-api.md 2.5`). Default false.
    pub null_containers: bool,
    /// Wrong secrets in an hour until gettoken answers 45009 for an hour (`wecom-api.md 1.1`). Default 2000.
    pub wrong_secrets_max: u32,
    /// Calls per minute and endpoint until 45009 for a minute (`wecom-api.md 6.1`); `None` for no limit. Default 10 000.
    pub per_minute: Option<u32>,
    /// Parallel calls of one endpoint until 45033 (`wecom-api.md 6.2`, no number published); `None` for no limit. Default none.
    pub parallel_max: Option<u32>,
    /// The code of user/get for a member outside the visible range (`wecom-api.md 2.7`). Default 60111.
    pub hidden_member_code: i64,
    /// The code of user/get for a member that does not exist; 40003 is possible for removed ids. Default 60111.
    pub unknown_member_code: i64,
    /// Whether department lists hold the departments above the visible ones, too; open (`wecom-api.md 2.2`). Default false.
    pub ancestor_stubs: bool,
    /// Whether a visible member shows every department it is in, too; open (`wecom-api.md 2.6`). Default false.
    pub member_departments_visible: bool,
    /// The host, with its port, that sign-in may come back to; `None` for any (`wecom-api.md 4.1`). Default none.
    pub trusted_domain: Option<String>,
    /// Odd types that clients have met.
    pub quirks: Quirks,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            corp_id: "ww0123456789abcdef".into(),
            agent_id: 1_000_002,
            secret: "simulated-app-secret".into(),
            contact_sync_secret: "simulated-contact-sync-secret".into(),
            expires_in: Duration::from_secs(7200),
            latency: Duration::ZERO,
            contact_fields: false,
            client_ip: "203.0.113.7".into(),
            ip_trusted: true,
            ip_grandfathered: false,
            null_containers: false,
            wrong_secrets_max: 2000,
            per_minute: Some(10_000),
            parallel_max: None,
            hidden_member_code: 60111,
            unknown_member_code: 60111,
            ancestor_stubs: false,
            member_departments_visible: false,
            trusted_domain: None,
            quirks: Quirks::default(),
        }
    }
}

/// Odd types (`wecom-api.md 0.2`). All off by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quirks {
    /// errcode is a string.
    pub errcode_text: bool,
    /// errcode and errmsg are left out on success.
    pub errcode_omitted: bool,
    /// main_department is a string.
    pub main_department_text: bool,
    /// status is a string.
    pub status_text: bool,
    /// Every empty text is null.
    pub null_texts: bool,
    /// Members hold only userid, department and status.
    pub bare_members: bool,
}

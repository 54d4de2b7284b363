//! An identity provider without a network: members `m1` to `m12`, of whom some leave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use camsync::pipeline::source::CrawlProgress;
use camsync::pipeline::{Crawled, Presence, Source, SourceFailure};
use camsync_connector_host::types::{
    CallbackAnswer, CallbackRequest, Hint, SignInRequest, SignedIn,
};
use camsync_core::model::{Department, Member, MemberStatus};

/// The last member's number.
const EVERYBODY: u32 = 12;
/// Whom a rule asks for an application.
const GUESTS: u32 = 10;

/// Those from `first` on are there; who is below has left.
#[derive(Debug)]
pub(crate) struct Staff {
    first: AtomicU32,
}

impl Staff {
    /// All are there from this one on.
    pub(crate) fn from(first: u32) -> Self {
        Self {
            first: AtomicU32::new(first),
        }
    }

    /// Whoever is below this one leaves.
    pub(crate) fn leave_below(&self, first: u32) {
        self.first.store(first, Ordering::SeqCst);
    }

    fn is_here(&self, number: u32) -> bool {
        (self.first.load(Ordering::SeqCst)..=EVERYBODY).contains(&number)
    }
}

fn department(id: &str, parent: Option<&str>, name: &str) -> Department {
    Department {
        id: id.into(),
        parent: parent.map(str::to_owned),
        name: name.into(),
    }
}

fn member(number: u32) -> Member {
    let id = format!("m{number}");
    let position = match number {
        GUESTS.. => "guest",
        _ => "engineer",
    };
    Member {
        username: id.clone(),
        name: format!("成员{number}"),
        alias: String::new(),
        email: format!("{id}@example.com"),
        phone: "+86 13800000000".into(),
        position: position.into(),
        status: MemberStatus::Active,
        departments: vec!["2".into()],
        main_department: Some("2".into()),
        leader_of: Vec::new(),
        tags: vec!["云".into()],
        attributes: BTreeMap::from([("工号".into(), number.to_string())]),
        shown_by: vec!["department:1".into()],
        id,
    }
}

#[async_trait]
impl Source for Staff {
    fn connector(&self) -> &str {
        "wecom"
    }

    fn can_look_up(&self) -> bool {
        true
    }

    async fn crawl(&self, _: CrawlProgress<'_>) -> Result<Crawled, SourceFailure> {
        let mut members: Vec<_> = (1..=EVERYBODY)
            .filter(|number| self.is_here(*number))
            .map(|number| Arc::new(member(number)))
            .collect();
        members.sort_by_cached_key(|member| member.key());
        Ok(Crawled {
            enterprise: "ww0123456789abcdef".into(),
            range_fingerprint: "f".into(),
            range: ["department:1".to_owned()].into(),
            departments: vec![
                department("1", None, "公司"),
                department("2", Some("1"), "研发"),
            ],
            members,
            ..Crawled::default()
        })
    }

    async fn look_up(&self, ids: &[String]) -> Result<Vec<Presence>, SourceFailure> {
        let presence = |id: &String| {
            let number = id.to_lowercase().strip_prefix('m')?.parse().ok()?;
            self.is_here(number)
                .then(|| Presence::Present(Box::new(member(number))))
        };
        let gone = || Presence::Gone("60111".into());
        Ok(ids
            .iter()
            .map(|id| presence(id).unwrap_or_else(gone))
            .collect())
    }

    /// Takes what begins with `event` for true.
    async fn callback(&self, request: CallbackRequest) -> Result<CallbackAnswer, SourceFailure> {
        let body = String::from_utf8_lossy(&request.body);
        let Some(id) = body.strip_prefix("event") else {
            return Err(SourceFailure::new("refused", "no callback of this one"));
        };
        let id = id.trim().to_owned();
        Ok(CallbackAnswer {
            status: 200,
            body: "success".into(),
            hints: vec![Hint::Member { id }, Hint::Everything],
        })
    }

    fn can_sign_in(&self) -> bool {
        true
    }

    async fn sign_in_url(&self, request: SignInRequest) -> Result<String, SourceFailure> {
        Ok(format!("https://sign-in.example/?state={}", request.state))
    }

    /// The code is whose it is.
    async fn who_signed_in(&self, code: &str) -> Result<SignedIn, SourceFailure> {
        match code {
            "stranger" => Ok(SignedIn::Stranger),
            "used" => Err(SourceFailure::new("refused", "used already")),
            "down" => Err(SourceFailure::new("unavailable", "no answer")),
            id => Ok(SignedIn::Member(id.to_owned())),
        }
    }
}

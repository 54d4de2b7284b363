//! What can be made to go wrong.

use std::sync::Arc;
use std::time::Duration;

use super::enterprise::Enterprise;

/// A fault.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This errcode in place of the answer.
    Errcode(i64),
    /// An HTML error page of this HTTP status.
    Http(u16),
    /// Half the JSON in a well-formed HTTP answer.
    TruncatedJson,
    /// Half the promised body, then the connection closes.
    CutBody,
    /// A JSON array in place of the object.
    JsonArray,
    /// An empty body.
    EmptyBody,
    /// A body of so many bytes.
    Flood(u64),
    /// No answer for as long as the caller waits.
    NeverAnswer,
    /// The answer comes byte by byte, one each interval.
    Drip(Duration),
    /// Waits before answering.
    Delay(Duration),
    /// The connection is reset.
    Reset,
    /// The connection closes without an answer.
    Hangup,
    /// A redirect to this URL.
    Redirect(String),
    /// Lists of members come back empty, with success.
    EmptyUserlist,
    /// Lists leave out these departments.
    MissDepartments(Vec<u32>),
    /// Lists leave out these members.
    MissMembers(Vec<String>),
    /// The token that was used expires at this moment: 42001.
    TokenExpired,
    /// The token that was used is revoked at this moment: 40014.
    TokenRevoked,
    /// Someone changes the directory at this moment, before the answer is made; see [`Fault::edit`].
    Edit(Edit),
}

impl Fault {
    /// One of each kind, for tests that go through all; lists leave out `member` and `department`, where somebody comes
    /// in while they are read.
    pub fn every(member: &str, department: u32) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(Self::Errcode(-1)), move |fault| {
            fault.next(member, department)
        })
    }

    /// The kind that follows: a new one does not compile before it has its place in the row.
    fn next(&self, member: &str, department: u32) -> Option<Self> {
        Some(match self {
            Self::Errcode(_) => Self::Http(502),
            Self::Http(_) => Self::TruncatedJson,
            Self::TruncatedJson => Self::CutBody,
            Self::CutBody => Self::JsonArray,
            Self::JsonArray => Self::EmptyBody,
            Self::EmptyBody => Self::Flood(200 * 1024 * 1024),
            Self::Flood(_) => Self::NeverAnswer,
            Self::NeverAnswer => Self::Drip(Duration::from_millis(200)),
            Self::Drip(_) => Self::Delay(Duration::from_millis(60)),
            Self::Delay(_) => Self::Reset,
            Self::Reset => Self::Hangup,
            Self::Hangup => Self::Redirect("http://192.0.2.1/elsewhere".to_owned()),
            Self::Redirect(_) => Self::EmptyUserlist,
            Self::EmptyUserlist => Self::MissDepartments(vec![department]),
            Self::MissDepartments(_) => Self::MissMembers(vec![member.to_owned()]),
            Self::MissMembers(_) => Self::TokenExpired,
            Self::TokenExpired => Self::TokenRevoked,
            Self::TokenRevoked => Self::edit(move |enterprise| {
                enterprise.add_member("newcomer", "新人", &[department]);
            }),
            Self::Edit(_) => return None,
        })
    }

    /// Changes the directory while it is being read.
    pub fn edit(change: impl Fn(&mut Enterprise) + Send + Sync + 'static) -> Self {
        Self::Edit(Edit(Arc::new(change)))
    }
}

/// A change of the directory.
#[derive(Clone)]
pub struct Edit(pub(crate) Arc<dyn Fn(&mut Enterprise) + Send + Sync>);

impl std::fmt::Debug for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Edit")
    }
}

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

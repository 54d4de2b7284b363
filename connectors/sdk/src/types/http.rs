//! Outgoing HTTP and log levels.

/// Names one submitted request until its outcome is handed back.
pub type Ticket = u32;

/// What became of a submitted request.
pub type Outcome = Result<Response, HttpFailure>;

/// A request (`http.request`).
///
/// It has no `Debug` on purpose: providers put tokens into the query and the headers.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// An absolute URL. Its host must be allowed for the source.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
    /// How long to wait for the whole answer, in milliseconds; the source's own limit caps it.
    pub timeout_ms: Option<u32>,
}

impl Request {
    /// A GET of an absolute URL, without headers and with the source's own time limit.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
        }
    }

    /// A POST of a JSON document to an absolute URL, with the source's own time limit.
    #[must_use]
    pub fn post_json(url: impl Into<String>, json: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Some(json.into()),
            ..Self::get(url)
        }
    }
}

/// An answer, whatever its status (`http.response`). It has no `Debug`: bodies hold tokens and personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer (`http.http-failure`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFailure {
    /// The host is not allowed for this source, or its address is a forbidden one.
    Denied(String),
    /// The URL, method or a header is malformed.
    Invalid(String),
    /// No connection could be made: the request was not sent.
    Connect(String),
    /// No whole answer within the time.
    Timeout,
    /// The body is larger than the source's limit, in bytes.
    TooLarge(u32),
    /// The connection broke, or what came was not HTTP.
    Protocol(String),
}

/// How much a log line matters (`log.level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever writes the connector.
    Debug,
    /// What happened.
    Info,
    /// Something an administrator should look at.
    Warn,
    /// Something is broken.
    Error,
}

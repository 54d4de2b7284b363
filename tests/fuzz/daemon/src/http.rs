//! A client that sends what it is given as it is, over one connection for as long as that is kept.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The values of a header, by its name in small letters.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers(name).next().unwrap_or_default()
    }
}

/// A connection, made when it is needed.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    /// The answer to a request. A connection that was kept may have been closed meanwhile; on a new one an answer comes.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Answer {
        if let Some(mut kept) = self.stream.take()
            && let Some(answer) = converse(&mut kept, request).await
        {
            return self.keep(kept, answer);
        }
        let stream = TcpStream::connect(self.address).await;
        let mut stream = stream.expect("it listens");
        let _ = stream.set_nodelay(true);
        let answer = converse(&mut stream, request).await;
        let answer = answer.expect("an answer, and no connection that just ends");
        self.keep(stream, answer)
    }

    /// Ends the connection.
    pub(crate) fn hang_up(&mut self) {
        self.stream = None;
    }

    fn keep(&mut self, stream: TcpStream, answer: Answer) -> Answer {
        // What is sent for as long as somebody listens is not waited for.
        let goes_on = is_stream(&answer) || answer.header("connection").contains("close");
        self.stream = (!goes_on).then_some(stream);
        answer
    }
}

fn is_stream(answer: &Answer) -> bool {
    answer.header("content-type") == "text/event-stream"
}

/// Nothing when the connection ended before an answer began.
async fn converse(stream: &mut TcpStream, request: &[u8]) -> Option<Answer> {
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let (head, begin) = loop {
        match ends(&bytes) {
            // It may say that it is ready for the body before it answers.
            Some(end) if bytes.starts_with(b"HTTP/1.1 1") => drop(bytes.drain(..end)),
            Some(end) => break (String::from_utf8_lossy(&bytes[..end]).into_owned(), end),
            None if stream.read_buf(&mut bytes).await.ok()? == 0 => return None,
            None => {}
        }
    };
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let mut answer = Answer {
        status: status.unwrap_or_else(|| panic!("no status: {head}")),
        head,
        body: bytes.split_off(begin),
    };
    let bodiless = request.starts_with(b"HEAD ") || matches!(answer.status, 204 | 304);
    if bodiless || is_stream(&answer) {
        return Some(answer);
    }
    let length: usize = answer.header("content-length").parse().expect("a length");
    while answer.body.len() < length {
        let read = stream.read_buf(&mut answer.body).await;
        assert!(
            read.is_ok_and(|n| n > 0),
            "an answer was cut off: {answer:?}"
        );
    }
    assert_eq!(answer.body.len(), length, "more than an answer came");
    Some(answer)
}

fn ends(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    at.map(|at| at + 4)
}

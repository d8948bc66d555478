//! HTTP/1.1 by hand, because a server library would not break it.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest head and body that are read.
const LONGEST: usize = 256 * 1024;

/// A request as it came.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What happens to the connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It stays open.
    KeepAlive,
    /// It is closed without a word.
    Close,
    /// It is closed in the middle of the answer.
    Cut,
}

/// One connection with what was read ahead.
pub(super) struct Connection {
    stream: TcpStream,
    ahead: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
        }
    }

    /// The head of the next request; nothing when there is none.
    pub(super) async fn head(&mut self) -> Option<Request> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut parsed = httparse::Request::new(&mut headers);
            if let httparse::Status::Complete(length) = parsed.parse(&self.ahead).ok()? {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let headers = parsed.headers.iter();
                let request = Request {
                    method: parsed.method?.to_owned(),
                    path: parsed.path?.to_owned(),
                    headers: headers
                        .map(|header| (header.name.to_owned(), text(header.value)))
                        .collect(),
                    body: Vec::new(),
                };
                self.ahead.drain(..length);
                return Some(request);
            }
            self.more().await?;
        }
    }

    /// The same request with its body.
    pub(super) async fn body(&mut self, mut request: Request) -> Option<Request> {
        let length: usize = request
            .header("content-length")
            .unwrap_or("0")
            .parse()
            .ok()?;
        if length > LONGEST {
            return None;
        }
        while self.ahead.len() < length {
            self.more().await?;
        }
        request.body = self.ahead.drain(..length).collect();
        Some(request)
    }

    async fn more(&mut self) -> Option<()> {
        let mut piece = [0; 8 * 1024];
        let length = self.stream.read(&mut piece).await.ok()?;
        self.ahead.extend_from_slice(&piece[..length]);
        (length > 0 && self.ahead.len() <= 2 * LONGEST).then_some(())
    }

    /// Writes an answer; says whether the connection lives on.
    pub(super) async fn answer(
        &mut self,
        status: u16,
        headers: &[(&str, String)],
        body: &[u8],
        then: Ending,
    ) -> bool {
        let mut bytes = format!(
            "HTTP/1.1 {status} Fake\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            let _ = write!(bytes, "{name}: {value}\r\n");
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(body);
        if then == Ending::Cut {
            bytes.truncate(bytes.len() - body.len() / 2);
        }
        let written = self.stream.write_all(&bytes).await.is_ok();
        let flushed = self.stream.flush().await.is_ok();
        if then != Ending::KeepAlive {
            let _ = self.stream.shutdown().await;
        }
        written && flushed && then == Ending::KeepAlive
    }

    /// Ends the connection with a reset.
    pub(super) fn reset(&self) {
        let _ = self.stream.set_zero_linger();
    }

    /// Says nothing until the other side gives up, at most a minute.
    pub(super) async fn stall(&mut self) {
        let silent = async { while self.more().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_mins(1), silent).await;
    }
}

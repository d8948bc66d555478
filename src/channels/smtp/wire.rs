//! The stream below lettre: time for every step, bounds for every reply, one reply for one command.
//!
//! lettre has no time limit for reading and writing, reads a line of any length, keeps what comes
//! after a reply for the next command, and takes a reply in an old encoding for a broken network.
//! So it gets its lines from here, one at a time, checked and in ASCII; and before it may write,
//! nothing may have come that was not asked for. That is also what keeps replies that somebody put
//! before the beginning of TLS out of the encrypted session.
//!
//! The session and lettre share the stream: lettre reads and writes while a session is opened and
//! closed; the session sets the times, changes to TLS, reads the reply as it came, and hands over
//! letters itself ([`Wire::say`], [`Wire::hear`]), because lettre waits for each reply before it
//! writes on, and copies a content byte by byte.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::client::TlsStream;

use super::trouble::Cause;

/// Longest line of a reply, in bytes. Source: RFC 5321 §4.5.3.1.5 asks for 512; lettre ends at 1000.
const LINE_LIMIT: usize = 990;

/// Longest reply, in bytes.
const REPLY_LIMIT: usize = 16 * 1024;

/// The stream, shared by lettre and the session.
#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<Line>>);

/// What carries the bytes.
pub(super) enum Socket {
    /// In the open.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// How long the parts of a step may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// To write everything.
    pub(super) write: Duration,
    /// For the whole reply, counted from the end of writing.
    pub(super) reply: Duration,
}

struct Line {
    /// Absent once given up, and while TLS begins.
    socket: Option<Socket>,
    /// What came and was not looked at yet.
    unread: Vec<u8>,
    /// A line for lettre.
    ready: Vec<u8>,
    /// The reply as it came.
    reply: Vec<u8>,
    whole: bool,
    writing: bool,
    times: Times,
    /// The times from the next command on.
    then: Option<Times>,
    /// How many commands may still be written.
    commands: u32,
    /// When the step under way must have ended.
    until: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    fault: Option<Cause>,
}

impl Wire {
    /// A stream on which a greeting is awaited, and then one command.
    pub(super) fn new(socket: Socket, greeting: Times, then: Times) -> Self {
        Self(Arc::new(Mutex::new(Line {
            socket: Some(socket),
            unread: Vec::new(),
            ready: Vec::new(),
            reply: Vec::new(),
            whole: false,
            writing: false,
            times: greeting,
            then: Some(then),
            commands: 1,
            until: None,
            sleep: None,
            fault: None,
        })))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allows one more command, within these times.
    pub(super) fn allow(&self, times: Times) {
        let mut line = self.line();
        line.times = times;
        line.then = None;
        line.commands = 1;
    }

    /// Says something without lettre, as the one command that is allowed: also several commands in
    /// one, or a content. Why it failed, [`Self::fault`] knows.
    pub(super) async fn say(&self, bytes: &[u8], times: Times) -> io::Result<()> {
        self.allow(times);
        let mut stream = self.clone();
        stream.write_all(bytes).await?;
        stream.flush().await
    }

    /// Hears the next reply to what was [said](Self::say), as it came; each one has its own time.
    pub(super) async fn hear(&self, times: Times) -> io::Result<Vec<u8>> {
        {
            let mut line = self.line();
            line.check()?;
            line.times = times;
            line.writing = false;
            line.until = None;
            line.whole = false;
            line.reply.clear();
        }
        self.whole_reply().await
    }

    async fn whole_reply(&self) -> io::Result<Vec<u8>> {
        std::future::poll_fn(|context| {
            let mut line = self.line();
            while !line.whole {
                ready!(line.next_line(context))?;
                // lettre is not the one who listens.
                line.ready.clear();
            }
            Poll::Ready(Ok(line.reply.clone()))
        })
        .await
    }

    /// Whether the one command that was allowed has been begun.
    pub(super) fn has_spoken(&self) -> bool {
        self.line().commands == 0
    }

    /// Why the stream can no longer be used.
    pub(super) fn fault(&self) -> Option<Cause> {
        self.line().fault.clone()
    }

    /// The last reply as it came, when all of it has come.
    pub(super) fn reply(&self) -> Option<Vec<u8>> {
        let line = self.line();
        line.whole.then(|| line.reply.clone())
    }

    /// Gives the stream up: whatever is still tried with it fails at once.
    pub(super) fn drop_socket(&self) {
        let mut line = self.line();
        line.socket = None;
        line.fault.get_or_insert(Cause::Closed);
    }

    /// Whether the other side is silent, as it should be between two letters.
    pub(super) fn is_quiet(&self) -> bool {
        let mut line = self.line();
        let mut context = Context::from_waker(Waker::noop());
        line.fault.is_none() && line.unread.is_empty() && line.fill(&mut context).is_pending()
    }

    /// What the server still says after it spoke out of turn or hung up: a definite no is worth
    /// knowing even then. The stream is given up afterwards in any case.
    pub(super) async fn last_words(&self, time: Duration) -> Option<Vec<u8>> {
        {
            let mut line = self.line();
            line.fault = None;
            line.ready.clear();
            line.reply.clear();
            line.whole = false;
            line.times.reply = time;
            line.until = None;
            line.writing = false;
        }
        self.whole_reply().await.ok()
    }

    /// Takes the socket out, to begin TLS on it; nothing may have come that was not asked for.
    pub(super) fn take_plain(&self) -> Option<TcpStream> {
        let mut line = self.line();
        if !line.unread.is_empty() || line.fault.is_some() {
            line.fault.get_or_insert(Cause::OutOfTurn);
            return None;
        }
        match line.socket.take() {
            Some(Socket::Plain(socket)) => Some(socket),
            _ => None,
        }
    }

    /// Puts the socket back.
    pub(super) fn put(&self, socket: Socket) {
        self.line().socket = Some(socket);
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Line {
    fn fail(&mut self, fault: Cause) -> io::Error {
        self.socket = self.socket.take().filter(|_| {
            // The last words of the server may still be there.
            !matches!(fault, Cause::Deadline | Cause::Garbage)
        });
        let said = fault.to_string();
        self.fault.get_or_insert(fault);
        io::Error::other(said)
    }

    fn check(&self) -> io::Result<()> {
        match &self.fault {
            Some(fault) => Err(io::Error::other(fault.to_string())),
            None => Ok(()),
        }
    }

    /// Ends the step when its time is over; to be asked only when there is nothing else to do.
    fn check_time(&mut self, context: &mut Context<'_>, time: Duration) -> io::Result<()> {
        let until = *self.until.get_or_insert_with(|| Instant::now() + time);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        if sleep.as_mut().poll(context).is_ready() {
            return Err(self.fail(Cause::Deadline));
        }
        Ok(())
    }

    /// Reads what there is; pending when there is nothing.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(socket) = &mut self.socket else {
            return Poll::Ready(Err(self.fail(Cause::Closed)));
        };
        let mut bytes = [0; 2048];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = match socket {
            Socket::Plain(socket) => Pin::new(socket).poll_read(context, &mut buffer),
            Socket::Tls(socket) => Pin::new(socket.as_mut()).poll_read(context, &mut buffer),
        };
        match ready!(read) {
            Ok(()) if buffer.filled().is_empty() => Poll::Ready(Err(self.fail(Cause::Closed))),
            Ok(()) => {
                self.unread.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(self.fail(Cause::Broken(error.to_string())))),
        }
    }

    /// Makes the next line of the reply ready.
    fn next_line(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let end = memchr::memchr(b'\n', &self.unread);
            if let Some(end) = end.filter(|end| *end < LINE_LIMIT) {
                return Poll::Ready(self.take_line(end));
            }
            if self.unread.len() >= LINE_LIMIT {
                return Poll::Ready(Err(self.fail(Cause::Garbage)));
            }
            match self.fill(context) {
                Poll::Ready(filled) => filled?,
                Poll::Pending => {
                    self.check_time(context, self.times.reply)?;
                    return Poll::Pending;
                }
            }
        }
    }

    fn take_line(&mut self, end: usize) -> io::Result<()> {
        let raw: Vec<u8> = self.unread.drain(..=end).collect();
        let Some((line, last)) = checked(&raw) else {
            return Err(self.fail(Cause::Garbage));
        };
        self.reply.extend_from_slice(&raw);
        if self.reply.len() > REPLY_LIMIT {
            return Err(self.fail(Cause::Garbage));
        }
        self.whole = last;
        self.ready = line;
        Ok(())
    }

    /// Begins a command: nothing may have come since the last reply.
    fn begin_writing(&mut self) -> io::Result<()> {
        if self.commands == 0 {
            // lettre says QUIT by itself after a refused EHLO; the refusal is what counts.
            return Err(io::Error::other("nothing may be said now"));
        }
        self.commands -= 1;
        self.times = self.then.take().unwrap_or(self.times);
        self.writing = true;
        self.until = None;
        self.whole = false;
        self.reply.clear();
        Ok(())
    }
}

/// The line for lettre, in ASCII with CR LF, and whether it is the last one of its reply; nothing
/// when it is no line of a reply.
fn checked(raw: &[u8]) -> Option<(Vec<u8>, bool)> {
    let text = raw.strip_suffix(b"\n")?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let (code, rest) = text.split_at_checked(3)?;
    let [first, second, third] = code else {
        return None;
    };
    let is_code =
        (b'2'..=b'5').contains(first) && (b'0'..=b'5').contains(second) && third.is_ascii_digit();
    let last = match rest.first() {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    if !is_code {
        return None;
    }
    let ascii = |byte: &u8| match byte {
        b' '..=b'~' => *byte,
        _ => b'?',
    };
    let mut line = code.to_vec();
    if rest.is_empty() {
        line.push(b' ');
    }
    line.extend(rest.iter().map(ascii));
    line.extend_from_slice(b"\r\n");
    Some((line, last))
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut line = self.line();
        line.check()?;
        if line.writing {
            line.writing = false;
            line.until = None;
        }
        if line.ready.is_empty() {
            ready!(line.next_line(context))?;
        }
        let length = line.ready.len().min(buffer.remaining());
        buffer.put_slice(&line.ready[..length]);
        line.ready.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut line = self.line();
        line.check()?;
        if !line.writing {
            line.begin_writing()?;
        }
        if !line.unread.is_empty() {
            return Poll::Ready(Err(line.fail(Cause::OutOfTurn)));
        }
        if let Poll::Ready(filled) = line.fill(context) {
            filled?;
            return Poll::Ready(Err(line.fail(Cause::OutOfTurn)));
        }
        let written = match &mut line.socket {
            Some(Socket::Plain(socket)) => Pin::new(socket).poll_write(context, bytes),
            Some(Socket::Tls(socket)) => Pin::new(socket.as_mut()).poll_write(context, bytes),
            None => return Poll::Ready(Err(line.fail(Cause::Closed))),
        };
        line.after_writing(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.line();
        line.check()?;
        let flushed = match &mut line.socket {
            Some(Socket::Plain(socket)) => Pin::new(socket).poll_flush(context),
            Some(Socket::Tls(socket)) => Pin::new(socket.as_mut()).poll_flush(context),
            None => return Poll::Ready(Err(line.fail(Cause::Closed))),
        };
        line.after_writing(context, flushed)
    }

    /// Says nothing: the socket is closed by being dropped.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Line {
    fn after_writing<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match done {
            Poll::Pending => {
                self.check_time(context, self.times.write)?;
                Poll::Pending
            }
            Poll::Ready(Err(error)) => {
                Poll::Ready(Err(self.fail(Cause::Broken(error.to_string()))))
            }
            done @ Poll::Ready(Ok(_)) => done,
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.line().socket {
            Some(Socket::Plain(socket)) => socket.peer_addr(),
            Some(Socket::Tls(socket)) => socket.get_ref().0.peer_addr(),
            None => Err(io::Error::other("the connection was given up")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_made_such_as_lettre_reads_them() {
        for (raw, line, last) in [
            (&b"250 ok\r\n"[..], &b"250 ok\r\n"[..], true),
            (b"250\r\n", b"250 \r\n", true),
            (b"250-a\n", b"250-a\r\n", false),
            (b"550 \xff\xfe\x00\r\n", b"550 ???\r\n", true),
        ] {
            assert_eq!(checked(raw), Some((line.to_vec(), last)));
        }
        for bad in [
            &b"25 ok\r\n"[..],
            b"\r\n",
            b"hello\r\n",
            b"150 no\r\n",
            b"2500\r\n",
            b"269 ok\r\n",
            b"250 ok",
            b"\x15\x03\x01\n",
        ] {
            assert_eq!(checked(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_danger(raw in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some((line, _)) = checked(&raw) {
                prop_assert!(line.is_ascii() && line.ends_with(b"\r\n") && line.len() > 5);
                prop_assert_eq!(memchr::memchr_iter(b'\n', &line).count(), 1);
            }
        }
    }
}

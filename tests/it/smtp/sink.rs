//! A mail server for tests: real sockets, faults by script, and a log that is on the disk before
//! anything is answered.
//!
//! It shares no code with the product, and `examples/smtp_sink.rs` runs it as a program of its own,
//! so that an independent checker can compare its log with the database after the product was
//! killed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// How far a session has come, from the side of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Greeting,
    Hello,
    StartTls,
    Login,
    Sender,
    Recipient,
    Data,
    /// In the middle of the content.
    Content,
    EndOfData,
    Reset,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Another reply, as written here; 421 closes the connection.
    Say(&'static str),
    /// Bytes that are no reply.
    Garbage,
    /// A line of 70 kB.
    LongLine,
    /// A reply whose line never ends.
    NoLineEnd,
    /// The connection is closed.
    Fin,
    /// The connection is reset.
    Rst,
    /// Everything is read and nothing is answered.
    Stall,
    /// Nothing is read and nothing is answered.
    HalfOpen,
    /// The reply comes one byte at a time, far apart.
    Dribble,
    /// A piece of TLS where SMTP was expected.
    WrongTls,
    /// The right reply, late.
    Delay(Duration),
    /// The right reply and another one that nobody asked for.
    Twice(&'static str),
}

/// A fault with its place.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) at: At,
    pub(crate) fault: Fault,
}

/// How the server behaves.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    pub(crate) scripts: Vec<Script>,
    /// After so many faults everything goes right; never when absent.
    pub(crate) most_faults: Option<usize>,
    /// What is offered after EHLO, each a line of its own.
    pub(crate) offers: Vec<&'static str>,
    pub(crate) tls: Option<TlsAcceptor>,
    /// TLS from the first byte.
    pub(crate) implicit: bool,
    /// Asks for a content even where no recipient was taken.
    pub(crate) careless: bool,
    /// After so many letters a connection is closed without a word.
    pub(crate) letters: Option<usize>,
    /// Letters to addresses that begin with this are refused after their content.
    pub(crate) refuses: Option<&'static str>,
    /// The bytes that the system takes in advance; the usual number when absent.
    pub(crate) receive_buffer: Option<usize>,
    /// Replies wait for up to this many microseconds, in a pattern that differs by address.
    pub(crate) jitter: u64,
}

/// A letter that has come to its dot.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) connection: usize,
    pub(crate) sender: String,
    pub(crate) recipient: String,
    pub(crate) key: String,
    pub(crate) data: Vec<u8>,
    pub(crate) reply: String,
}

/// A running server; stops when it is dropped.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    manners: Manners,
    log: Option<Mutex<File>>,
    received: Mutex<Vec<Received>>,
    commands: Mutex<Vec<String>>,
    connections: AtomicUsize,
    faults: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

impl Sink {
    /// Listens on a port of 127.0.0.1; 0 stands for any.
    pub(crate) async fn start(port: u16, log: Option<&Path>, manners: Manners) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let log = match log {
            Some(path) => Some(Mutex::new(
                OpenOptions::new().create(true).append(true).open(path)?,
            )),
            None => None,
        };
        let shared = Arc::new(Shared {
            manners,
            log,
            ..Shared::default()
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
                    shared.most_open.fetch_max(open, Ordering::SeqCst);
                    let _ = accept(&shared, socket, number).await;
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Every command that came, passwords included.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.shared.commands.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The most connections that were open at one time.
    pub(crate) fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Anything that carries bytes.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// One connection.
struct Talk<'s> {
    shared: &'s Shared,
    stream: BufReader<Box<dyn Stream>>,
    number: usize,
    sender: String,
    recipient: String,
    /// Whether sender and recipient were taken.
    taken: (bool, bool),
    letters: usize,
    /// Resets the connection instead of closing it, by a copy of its socket.
    socket: socket2::Socket,
}

async fn accept(shared: &Shared, socket: TcpStream, number: usize) -> io::Result<()> {
    socket.set_nodelay(true)?;
    if let Some(bytes) = shared.manners.receive_buffer {
        socket2::SockRef::from(&socket).set_recv_buffer_size(bytes)?;
    }
    let copy = socket2::SockRef::from(&socket).try_clone()?;
    let mut stream: Box<dyn Stream> = Box::new(socket);
    if let (Some(tls), true) = (&shared.manners.tls, shared.manners.implicit) {
        stream = Box::new(tls.accept(stream).await?);
    }
    let mut talk = Talk {
        shared,
        stream: BufReader::new(stream),
        number,
        sender: String::new(),
        recipient: String::new(),
        taken: (false, false),
        letters: 0,
        socket: copy,
    };
    talk.answer(At::Greeting, "220 sink.example.org ESMTP")
        .await?;
    while talk.command().await? {}
    Ok(())
}

impl Talk<'_> {
    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes).await?;
        self.stream.get_mut().flush().await
    }

    /// One command; false ends the connection.
    async fn command(&mut self) -> io::Result<bool> {
        let line = self.line().await?;
        self.shared.commands.lock().unwrap().push(line.clone());
        let upper = line.to_uppercase();
        if upper.starts_with("EHLO") {
            let mut reply = "250-sink.example.org".to_owned();
            for offer in &self.shared.manners.offers {
                reply.push_str("\r\n250-");
                reply.push_str(offer);
            }
            let reply = format!("{reply}\r\n250 8BITMIME");
            self.answer(At::Hello, &reply).await?;
        } else if upper.starts_with("STARTTLS") {
            self.answer(At::StartTls, "220 go ahead").await?;
            self.encrypt().await?;
        } else if upper.starts_with("AUTH LOGIN") {
            self.write(b"334 VXNlcm5hbWU6\r\n").await?;
            for prompt in [Some("334 UGFzc3dvcmQ6\r\n"), None] {
                let line = self.line().await?;
                self.shared.commands.lock().unwrap().push(line);
                if let Some(prompt) = prompt {
                    self.write(prompt.as_bytes()).await?;
                }
            }
            self.answer(At::Login, "235 2.7.0 welcome").await?;
        } else if upper.starts_with("AUTH") {
            self.answer(At::Login, "235 2.7.0 welcome").await?;
        } else if upper.starts_with("MAIL FROM:") {
            self.sender = between(&line);
            self.taken = (self.answer(At::Sender, "250 2.1.0 ok").await?, false);
        } else if upper.starts_with("RCPT TO:") {
            self.recipient = between(&line);
            self.jitter().await;
            let reply = format!("250 2.1.5 {} ok", self.recipient);
            self.taken.1 = self.answer(At::Recipient, &reply).await?;
        } else if upper == "DATA" && self.taken != (true, true) && !self.shared.manners.careless {
            self.write(b"554 5.5.1 no valid recipients\r\n").await?;
        } else if upper == "DATA" {
            if self.answer(At::Data, "354 go ahead").await? {
                self.content().await?;
                self.letters += 1;
                return Ok(self.shared.manners.letters != Some(self.letters));
            }
        } else if upper == "RSET" {
            self.answer(At::Reset, "250 2.0.0 forgotten").await?;
        } else if upper == "QUIT" {
            self.write(b"221 2.0.0 bye\r\n").await?;
            return Ok(false);
        } else {
            self.write(b"502 5.5.2 what?\r\n").await?;
        }
        Ok(true)
    }

    async fn encrypt(&mut self) -> io::Result<()> {
        let Some(tls) = self.shared.manners.tls.clone() else {
            return Ok(());
        };
        let empty: Box<dyn Stream> = Box::new(tokio::io::empty());
        let plain = std::mem::replace(&mut self.stream, BufReader::new(empty));
        let encrypted = tls.accept(plain.into_inner()).await?;
        self.stream = BufReader::new(Box::new(encrypted));
        Ok(())
    }

    async fn content(&mut self) -> io::Result<()> {
        let mut data = Vec::new();
        let mut begun = false;
        loop {
            let from = data.len();
            if self.stream.read_until(b'\n', &mut data).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if &data[from..] == b".\r\n" {
                data.truncate(from);
                break;
            }
            if data[from] == b'.' {
                data.remove(from);
            }
            if !begun {
                begun = true;
                // A fault here takes the place of the reply to the dot.
                if !self.answer(At::Content, "").await? {
                    return self.drain().await;
                }
            }
        }
        let text = String::from_utf8_lossy(&data).into_owned();
        let key = text
            .lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| line.strip_prefix("X-Msg-Key: "));
        let key = key.unwrap_or_default().to_owned();
        let refused = self.shared.manners.refuses;
        let refused = refused.is_some_and(|prefix| self.recipient.starts_with(prefix));
        let reply = if refused {
            format!("550 5.1.1 {} unknown", self.recipient)
        } else {
            format!("250 2.0.0 {} queued as {key}", self.recipient)
        };
        let scripted = self.shared.fault_ahead(At::EndOfData);
        let code = match &scripted {
            Some(Fault::Say(said)) => said.split(' ').next().unwrap_or_default().to_owned(),
            Some(Fault::Delay(_) | Fault::Twice(_)) | None => reply[..3].to_owned(),
            Some(_) => String::new(),
        };
        let received = Received {
            connection: self.number,
            sender: self.sender.clone(),
            recipient: self.recipient.clone(),
            key,
            data,
            reply: code,
        };
        self.shared.log(&received)?;
        self.shared.received.lock().unwrap().push(received);
        self.jitter().await;
        self.answer(At::EndOfData, &reply).await.map(drop)
    }

    /// Reads on and says nothing, until the other side closes.
    async fn drain(&mut self) -> io::Result<()> {
        loop {
            self.line().await?;
        }
    }

    /// A wait that follows from the recipient, so that every run has the same ones.
    async fn jitter(&self) {
        let most = self.shared.manners.jitter;
        if most > 0 {
            let digest = Sha256::digest(self.recipient.as_bytes());
            let wait = u64::from(u16::from_be_bytes([digest[0], digest[1]])) % most;
            sleep(Duration::from_micros(wait)).await;
        }
    }

    /// Answers, or does what the script says instead; true when the right reply was given.
    async fn answer(&mut self, at: At, reply: &str) -> io::Result<bool> {
        let right = format!("{reply}\r\n");
        let nothing = reply.is_empty();
        match self.shared.fault(at) {
            None if nothing => return Ok(true),
            None => {
                self.write(right.as_bytes()).await?;
                return Ok(true);
            }
            Some(Fault::Delay(time)) => {
                sleep(time).await;
                self.write(right.as_bytes()).await?;
                return Ok(true);
            }
            Some(Fault::Twice(other)) => {
                self.write(format!("{right}{other}\r\n").as_bytes()).await?;
                return Ok(true);
            }
            Some(Fault::Say(other)) => {
                self.write(format!("{other}\r\n").as_bytes()).await?;
                if other.starts_with("421") {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
            Some(Fault::Garbage) => self.write(b"\xffhello\x00 what\r\n").await?,
            Some(Fault::LongLine) => {
                let line = [b"250 ".as_slice(), &vec![b'x'; 70_000], b"\r\n"].concat();
                self.write(&line).await?;
            }
            Some(Fault::NoLineEnd) => {
                self.write(b"250 and then").await?;
                self.drain().await?;
            }
            Some(Fault::WrongTls) => self.write(b"\x15\x03\x01\x00\x02\x02\x46").await?,
            Some(Fault::Fin) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Rst) => {
                self.socket.set_linger(Some(Duration::ZERO))?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Some(Fault::Stall) => self.drain().await?,
            Some(Fault::HalfOpen) => std::future::pending().await,
            Some(Fault::Dribble) => {
                let line = format!("250 {}\r\n", "x".repeat(400));
                for byte in line.bytes() {
                    self.write(&[byte]).await?;
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        Ok(false)
    }
}

impl Shared {
    /// What is about to go wrong; it does not count as done.
    fn fault_ahead(&self, at: At) -> Option<Fault> {
        let most = self.manners.most_faults.unwrap_or(usize::MAX);
        let script = self.manners.scripts.iter().find(|script| script.at == at)?;
        (self.faults.load(Ordering::SeqCst) < most).then(|| script.fault.clone())
    }

    fn fault(&self, at: At) -> Option<Fault> {
        let script = self.manners.scripts.iter().find(|script| script.at == at)?;
        let most = self.manners.most_faults.unwrap_or(usize::MAX);
        let more = |faults: usize| (faults < most).then_some(faults + 1);
        let counted = self
            .faults
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        counted.ok().map(|_| script.fault.clone())
    }

    /// One line of JSON, on the disk when this returns.
    fn log(&self, letter: &Received) -> io::Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        #[expect(
            clippy::disallowed_methods,
            reason = "the log of the server is no part of the product"
        )]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let digest = Sha256::digest(&letter.data);
        let line = serde_json::json!({
            "key": letter.key,
            "connection": letter.connection,
            "rcpt": letter.recipient,
            "sha256": rekindle::model::hex(&digest),
            "reply": (!letter.reply.is_empty()).then_some(&letter.reply),
            "at_ms": now.map_or(0, |now| now.as_millis() as u64),
        });
        let mut file = log.lock().unwrap();
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }
}

/// What stands between `<` and `>`.
fn between(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(inner, _)| inner.to_owned())
}

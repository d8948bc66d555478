//! A WhatsApp Cloud API on this machine, as strict as the real one and as unreliable as asked.
//!
//! It shares no code with the product. It checks every request (path, token, fields, shapes,
//! registered templates and the number of their parameters), limits rates, answers every code and
//! breaks connections by a [`Script`], signs webhooks and delivers them twice, late, early, in any
//! order or never. What it took is in its log, on the disk before the answer leaves.

mod checks;
mod errors;
mod hooks;
mod limits;
mod log;
mod script;
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use hooks::Hooks;
use limits::Limits;
use log::Log;
pub(crate) use log::Logged;
pub(crate) use script::{
    Buttons, HeaderKind, Rule, Script, Template, TemplateState, Then, Webhooks,
};
use wire::{Connection, Ending, Request};

/// A running fake; gone when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: JoinHandle<()>,
}

struct Inner {
    script: Script,
    log: Log,
    limits: Limits,
    hooks: Hooks,
    /// How often each rule was used.
    used: Vec<AtomicU32>,
    requests: AtomicU64,
}

/// What is to be done about a request.
struct Verdict {
    said: String,
    taken: Option<Taken>,
    reply: Reply,
}

struct Taken {
    wamid: String,
    wa_id: String,
    key: Option<String>,
    /// The code with which it fails later.
    fails: Option<i64>,
}

enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
        then: Ending,
    },
    Reset,
    Stall,
}

impl Fake {
    /// Starts on a port of 127.0.0.1 (0: any) and writes its log into a file.
    pub(crate) async fn start(script: Script, port: u16, log: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.expect("a free port on the loopback");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let started = Instant::now();
        let inner = Arc::new(Inner {
            used: script.rules.iter().map(|_| AtomicU32::new(0)).collect(),
            limits: Limits::new(script.per_second, script.pair_seconds),
            hooks: Hooks::new(script.webhooks.clone(), &script, started),
            log: Log::create(log, started),
            requests: AtomicU64::new(0),
            script,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&inner)));
        Self {
            address,
            inner,
            accepting,
        }
    }

    /// The base address for the settings of the product.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order of their ends.
    pub(crate) fn requests(&self) -> Vec<Logged> {
        self.inner.log.all()
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> u64 {
        self.inner.log.connections()
    }

    /// Waits until every webhook has been delivered, or given up.
    pub(crate) async fn settle(&self) {
        self.inner.hooks.settle().await;
    }

    /// Delivers a webhook of one's own making.
    pub(crate) async fn tell(&self, field: &str, value: Value) {
        self.inner.hooks.tell(field, value).await;
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, Arc::clone(&inner)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until somebody ends it.
async fn serve(stream: TcpStream, inner: Arc<Inner>) {
    let number = inner.log.connection();
    let mut connection = Connection::new(stream);
    while let Some(head) = connection.head().await {
        if let Some(said) = checks::about_the_number(&inner.script, &head) {
            let body = said.to_string().into_bytes();
            if !connection.answer(200, &[], &body, Ending::KeepAlive).await {
                return;
            }
            continue;
        }
        let n = inner.requests.fetch_add(1, Ordering::SeqCst);
        if inner.script_for(n, None, true).is_some() {
            let logged = Logged::without_body(number, "reset before the body");
            inner.log.write(logged).await;
            connection.reset();
            return;
        }
        let Some(request) = connection.body(head).await else {
            return;
        };
        if !inner.answer(&mut connection, number, n, request).await {
            return;
        }
    }
}

impl Inner {
    /// Answers a request; says whether the connection lives on.
    async fn answer(
        &self,
        connection: &mut Connection,
        number: u64,
        n: u64,
        request: Request,
    ) -> bool {
        let verdict = self.verdict(n, &request);
        let digest = format!("{:x}", Sha256::digest(&request.body));
        let sent: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let logged = Logged {
            connection: number,
            key: text(&sent["biz_opaque_callback_data"]),
            to: text(&sent["to"]),
            template: text(&sent["template"]["name"]),
            sha256: digest,
            said: verdict.said,
            taken: verdict.taken.is_some(),
            wamid: verdict.taken.as_ref().map(|taken| taken.wamid.clone()),
        };
        self.log.write(logged).await;
        if let Some(taken) = verdict.taken {
            self.hooks.follow(n, &taken).await;
        }
        match verdict.reply {
            Reply::Reset => {
                connection.reset();
                false
            }
            Reply::Stall => {
                connection.stall().await;
                false
            }
            Reply::Answer {
                status,
                headers,
                body,
                then,
            } => connection.answer(status, &headers, &body, then).await,
        }
    }

    fn verdict(&self, n: u64, request: &Request) -> Verdict {
        let to = match checks::check(&self.script, request) {
            Ok(to) => to,
            Err(error) => return refused(error.code, &error.details),
        };
        if let Some(code) = self.limits.refuses(&to) {
            return refused(code, "too many");
        }
        let then = self.script_for(n, Some(&to), false);
        let then = then.unwrap_or(&Then::Accept);
        let key = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        let taken = Taken {
            wamid: wamid(&to, n),
            wa_id: self.script.wa_ids.get(&to).cloned().unwrap_or(to.clone()),
            key: key["biz_opaque_callback_data"].as_str().map(str::to_owned),
            fails: None,
        };
        scripted(then, taken, &to)
    }

    /// What the script wants with the n-th request: with its recipient known, or before that.
    fn script_for(&self, n: u64, to: Option<&str>, before_body: bool) -> Option<&Then> {
        for (index, rule) in self.script.rules.iter().enumerate() {
            let is_early = matches!(rule.then, Then::ResetBeforeBody);
            let fits = is_early == before_body && rule.fits(to, self.script.seed, n, index);
            let Some(used) = self.used.get(index).filter(|_| fits) else {
                continue;
            };
            let limit = rule.times.unwrap_or(u32::MAX);
            let more = |used: u32| (used < limit).then_some(used + 1);
            if used
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
                .is_ok()
            {
                return Some(&rule.then);
            }
        }
        None
    }
}

fn scripted(then: &Then, mut taken: Taken, to: &str) -> Verdict {
    let good = accepted(&taken, to, "accepted");
    let said = then.name();
    let verdict = |is_taken: bool, taken: Taken, reply: Reply| Verdict {
        said,
        taken: is_taken.then_some(taken),
        reply,
    };
    match then {
        Then::Accept => verdict(true, taken, answer(200, good)),
        Then::Refuse { code } => refused(*code, "asked for by the script"),
        Then::FailLater { code } => {
            taken.fails = Some(*code);
            verdict(true, taken, answer(200, good))
        }
        Then::Held { word } => {
            let body = accepted(&taken, to, word);
            verdict(true, taken, answer(200, body))
        }
        Then::BadJson { taken: is } => {
            verdict(*is, taken, answer(200, b"{\"messages\":[{\"id\":".to_vec()))
        }
        Then::Redirect { taken: is } => {
            let mut reply = answer(301, Vec::new());
            if let Reply::Answer { headers, .. } = &mut reply {
                headers.push(("Location", "/elsewhere/messages".to_owned()));
            }
            verdict(*is, taken, reply)
        }
        Then::TooMany { retry_after } => {
            let mut reply = answer(429, b"slow down".to_vec());
            if let Reply::Answer { headers, .. } = &mut reply {
                headers.push(("Retry-After", retry_after.to_string()));
            }
            verdict(false, taken, reply)
        }
        Then::NoJson { status, taken: is } => {
            let body = b"<html><body>Bad gateway</body></html>".to_vec();
            verdict(*is, taken, answer(*status, body))
        }
        Then::Huge { taken: is } => verdict(*is, taken, answer(200, vec![b' '; 1 << 20])),
        Then::ResetAfterBody { taken: is } => verdict(*is, taken, Reply::Reset),
        Then::Stall { taken: is } => verdict(*is, taken, Reply::Stall),
        Then::CutAnswer { taken: is } => verdict(*is, taken, ending(good, Ending::Cut)),
        Then::CloseIdle => verdict(true, taken, ending(good, Ending::Close)),
        // Done before the body was read.
        Then::ResetBeforeBody => verdict(false, taken, Reply::Reset),
    }
}

fn answer(status: u16, body: Vec<u8>) -> Reply {
    Reply::Answer {
        status,
        headers: Vec::new(),
        body,
        then: Ending::KeepAlive,
    }
}

fn ending(body: Vec<u8>, then: Ending) -> Reply {
    Reply::Answer {
        status: 200,
        headers: Vec::new(),
        body,
        then,
    }
}

fn refused(code: i64, details: &str) -> Verdict {
    Verdict {
        said: format!("code {code}"),
        taken: None,
        reply: answer(errors::status(code), errors::body(code, details)),
    }
}

fn accepted(taken: &Taken, to: &str, word: &str) -> Vec<u8> {
    let body = json!({
        "messaging_product": "whatsapp",
        "contacts": [ { "input": to, "wa_id": taken.wa_id } ],
        "messages": [ { "id": taken.wamid, "message_status": word } ],
    });
    body.to_string().into_bytes()
}

fn wamid(to: &str, n: u64) -> String {
    let digest = format!("{:X}", Sha256::digest(format!("{to}/{n}")));
    format!("wamid.HBgL{}", &digest[..32])
}

/// A number in 0..1 that depends on nothing but its arguments.
fn draw(seed: u64, n: u64, what: u64) -> f64 {
    // SplitMix64: Steele, Lea, Flood 2014.
    let mut z =
        seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ what.wrapping_mul(0xd1b5_4a32_d192_ed03);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Milliseconds as a duration.
fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

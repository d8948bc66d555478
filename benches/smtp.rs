//! How quickly letters leave: the whole way of a live mailing, with a durable record of each letter,
//! against Postfix' `smtp-source` with as many sessions to the same `smtp-sink`.
//!
//! `cargo bench --bench smtp -- [LETTERS] [FOLDER] [--sessions 1,4,16,64] [--rounds N]` (20,000
//! letters, one round unless said otherwise). Needs `smtp-sink` and `smtp-source` of Postfix; nothing
//! leaves this machine. Beside each ratio stand the bound that the durable commits of this disk set
//! (with S sessions in one commit each, S letters take at least as long as one commit), and what a
//! letter costs the processors: where other work shares them, that is the steadier figure.
//!
//! `cargo bench --bench smtp -- --memory [LETTERS] [FOLDER]` (1,000,000 letters) imports a base in one
//! process, plans and sends in another, and tells the most memory that the second one has held.

mod base;
mod mailing;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rekindle::app::App;
use rekindle::db::Store;
use rekindle::jobs::deliver::Live;
use rekindle::model::{Channel, MessageState};
use tokio_util::sync::CancellationToken;

use mailing::{Sink, import, opened, plan, tool, write_base};

const DATABASE: &str = "sqlite://rekindle.db";

/// The share of the rate of `smtp-source` at 64 sessions that is to be reached.
const REACH: f64 = 0.6;

/// What is asked for.
struct Wish {
    letters: u32,
    folder: PathBuf,
    sessions: Vec<u16>,
    rounds: u32,
    memory: bool,
    /// A part of the measurement of memory, in a process of its own, and the port of the sink.
    part: Option<(String, u16)>,
}

impl Wish {
    fn read() -> Self {
        let mut wish = Self {
            letters: 0,
            folder: std::env::temp_dir().join("rekindle-bench-smtp"),
            sessions: vec![1, 4, 16, 64],
            rounds: 1,
            memory: false,
            part: None,
        };
        let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
        while let Some(argument) = arguments.next() {
            let mut next = || arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--sessions" => {
                    wish.sessions = next().split(',').filter_map(|n| n.parse().ok()).collect();
                }
                "--rounds" => wish.rounds = next().parse().unwrap_or(1),
                "--memory" => wish.memory = true,
                "--part" => wish.part = Some((next(), next().parse().unwrap_or_default())),
                number if number.parse::<u32>().is_ok() => {
                    wish.letters = number.parse().unwrap_or_default();
                }
                folder => wish.folder = folder.into(),
            }
        }
        if wish.letters == 0 {
            wish.letters = if wish.memory { 1_000_000 } else { 20_000 };
        }
        wish
    }
}

fn main() {
    let wish = Wish::read();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Some((part, port)) = &wish.part {
        return runtime.block_on(in_memory(part, &wish, *port));
    }
    let Some(sink) = Sink::start() else {
        eprintln!("smtp-sink and smtp-source are needed: install Debian's package postfix");
        std::process::exit(1);
    };
    if wish.memory {
        return memory(&wish, &sink);
    }
    let (letters, folder) = (wish.letters, &wish.folder);
    let bytes = runtime.block_on(letter_bytes(folder));
    println!(
        "{letters} letters of {bytes} bytes; one durable commit of this disk takes {:.2} ms",
        commit(folder).as_secs_f64() * 1e3
    );
    println!(
        "                                                            processors, \u{b5}s a letter"
    );
    println!(
        "sessions  ours/s  smtp-source/s  ratio  bound of the disk/s  ours + sink  source + sink  \
         peak MB"
    );
    for sessions in wish
        .sessions
        .iter()
        .flat_map(|n| (0..wish.rounds).map(|_| *n))
    {
        let before = Spent::until_now(&sink);
        let source = source(sink.port, sessions, letters, bytes);
        let by_source = Spent::until_now(&sink).since(&before);
        let ours = runtime.block_on(mail(folder, letters, sessions, &sink));
        let bound = f64::from(sessions) / commit(folder).as_secs_f64();
        let ratio = ours.rate / source;
        let note = match sessions {
            64 if ratio < REACH => "  (0.6 is to be reached)",
            _ => "",
        };
        let each = |seconds: f64| seconds * 1e6 / f64::from(letters);
        println!(
            "{sessions:>8} {:>7.0} {source:>14.0} {ratio:>6.2} {bound:>20.0} {:>6.0} + {:<4.0} \
             {:>6.0} + {:<4.0} {:>8}{note}",
            ours.rate,
            each(ours.spent.ours),
            each(ours.spent.sink),
            each(by_source.children),
            each(by_source.sink),
            ours.peak_mb,
        );
    }
}

/// Seconds of the processors.
struct Spent {
    ours: f64,
    children: f64,
    sink: f64,
}

impl Spent {
    fn until_now(sink: &Sink) -> Self {
        let (ours, children) = seconds("self");
        let (sink, _) = seconds(&sink.child.id().to_string());
        Self {
            ours,
            children,
            sink,
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            ours: self.ours - before.ours,
            children: self.children - before.children,
            sink: self.sink - before.sink,
        }
    }
}

/// What a process and its ended children have taken of the processors.
///
/// Source: proc_pid_stat(5); a tick is a hundredth of a second on every Linux of today.
fn seconds(process: &str) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    match fields[..] {
        [user, system, of_children, of_their_system] => (
            (user + system) / 100.0,
            (of_children + of_their_system) / 100.0,
        ),
        _ => (0.0, 0.0),
    }
}

/// Imports in one process, plans and sends in another.
fn memory(wish: &Wish, sink: &Sink) {
    let program = std::env::current_exe().expect("our own file");
    for part in ["import", "send"] {
        let done = Command::new(&program)
            .arg(wish.letters.to_string())
            .arg(&wish.folder)
            .args(["--part", part, &sink.port.to_string()])
            .status()
            .expect("the part runs");
        assert!(done.success(), "{part} ended well");
    }
}

async fn in_memory(part: &str, wish: &Wish, port: u16) {
    let home = wish.folder.join("memory");
    if part == "import" {
        write_base(&home, wish.letters);
        let app = opened(&home, DATABASE, 64, port).await;
        import(&app).await;
        app.store.close().await;
        println!(
            "import of {} clients: {} MB at most (apart)",
            wish.letters,
            peak_mb()
        );
        return;
    }
    let app = opened(&home, DATABASE, 64, port).await;
    println!("at the start: {} MB", peak_mb());
    plan(&app).await;
    println!("planned: {} MB at most so far", peak_mb());
    let rate = sent(&Arc::new(app), wish.letters).await;
    println!(
        "sent {} letters over 64 sessions, {rate:.0}/s: {} MB at most",
        wish.letters,
        peak_mb()
    );
}

/// How long one small durable commit of SQLite takes: the middle one of many.
fn commit(folder: &Path) -> Duration {
    std::fs::create_dir_all(folder).expect("the folder is made");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let home = folder.join("commit");
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).expect("the folder is made");
        let store = Store::open(DATABASE, &home).await.expect("a database");
        let mut times = Vec::new();
        for n in 0..200_u8 {
            let begun = Instant::now();
            store.note_checkup(&[n; 32], 1).await.expect("a commit");
            times.push(begun.elapsed());
        }
        store.close().await;
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// A live mailing in numbers.
struct Mailing {
    rate: f64,
    spent: Spent,
    peak_mb: u64,
}

/// A live mailing: claimed, gated, rendered, sent, recorded.
async fn mail(folder: &Path, letters: u32, sessions: u16, sink: &Sink) -> Mailing {
    let home = folder.join(format!("s{sessions}"));
    write_base(&home, letters);
    let app = opened(&home, DATABASE, sessions, sink.port).await;
    import(&app).await;
    plan(&app).await;
    // Forgets how much memory was held before. Source: proc_pid_clear_refs(5).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = Spent::until_now(sink);
    let rate = sent(&Arc::new(app), letters).await;
    Mailing {
        rate,
        spent: Spent::until_now(sink).since(&before),
        peak_mb: peak_mb(),
    }
}

/// Sends everything; letters a second.
async fn sent(app: &Arc<App>, letters: u32) -> f64 {
    let live = Live::start(
        Arc::clone(app),
        "bench".to_owned(),
        CancellationToken::new(),
    );
    let live = Arc::new(live.await.expect("everything is ready"));
    let begun = Instant::now();
    live.deliver_due(Channel::Email).await.expect("a mailing");
    let time = begun.elapsed();
    let states = app.store.message_states().await.expect("the states");
    assert_eq!(
        states,
        vec![(MessageState::Accepted, u64::from(letters))],
        "every letter is accepted"
    );
    live.close().await;
    app.store.close().await;
    f64::from(letters) / time.as_secs_f64()
}

/// The most memory that this process has held, in MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kb.unwrap_or_default() / 1024
}

/// The bytes of a letter of the mailing, about, as they arrive: `smtp-source` sends as many.
async fn letter_bytes(folder: &Path) -> usize {
    let letters = folder.join("letters");
    let _ = std::fs::remove_dir_all(&letters);
    std::fs::create_dir_all(&letters).expect("the folder is made");
    // The sink gives up the rights of whoever started it.
    let everybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&letters, everybody).expect("the folder is open");
    let files = format!("{}/letter.", letters.display());
    let sink = Sink::start_with(&["-d", &files]).expect("a sink that keeps letters");
    mail(folder, 1_000, 16, &sink).await;
    let kept = std::fs::read_dir(&letters).expect("the letters were kept");
    let sizes: Vec<usize> = kept
        .map(|letter| {
            let text = std::fs::read_to_string(letter.expect("a letter").path());
            bytes_of(&text.expect("a letter is text"))
        })
        .collect();
    sizes.iter().sum::<usize>() / sizes.len().max(1)
}

/// The bytes of a letter that the sink has kept, without what it writes above it.
fn bytes_of(kept: &str) -> usize {
    let of_the_sink = [
        "X-Client-",
        "X-Helo-",
        "X-Mail-",
        "X-Rcpt-",
        "Received:",
        "\t",
    ];
    let lines = kept.lines();
    let own = lines.skip_while(|line| of_the_sink.iter().any(|head| line.starts_with(head)));
    own.map(|line| line.len() + "\r\n".len()).sum()
}

/// Letters a second of `smtp-source`, of so many bytes each.
fn source(port: u16, sessions: u16, letters: u32, bytes: usize) -> f64 {
    let begun = Instant::now();
    let done = tool("smtp-source")
        .args([
            "-d",
            "-s",
            &sessions.to_string(),
            "-m",
            &letters.to_string(),
        ])
        .args(["-l", &bytes.to_string()])
        .arg(format!("127.0.0.1:{port}"))
        .status()
        .expect("smtp-source runs");
    assert!(done.success(), "smtp-source ended well");
    f64::from(letters) / begun.elapsed().as_secs_f64()
}

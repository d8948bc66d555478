//! Kills the real program at random moments of a mailing and lets an independent checker look.
//!
//! `cargo build --release && cargo run --release --example kill_loop -- --messages 100000
//! --kills 1000`
//!
//! Every `run` of the program is a process of its own, ended by SIGKILL a random moment after the
//! server has seen something new. See `docs/RELIABILITY.md`.
//!
//! With `--database postgres://…` (an empty database, or an empty schema by
//! `?options[search_path]=NAME`) several workers share the mailing, and may be frozen for longer than
//! their leases last, and lose their server:
//!
//! `… --database postgres://rekindle@127.0.0.1/empty --workers 8 --kills 100 --freezes 20
//! --restarts 5 --restart "pg_ctl -D /var/lib/postgresql/data -m fast restart"`

#[path = "../tests/it/delivery/checker.rs"]
mod checker;
#[path = "../tests/it/delivery/crowd.rs"]
mod crowd;
#[path = "../tests/it/database/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what only the tests ask")]
mod database;
#[path = "../tests/it/draw.rs"]
mod draw;
#[path = "../tests/it/whatsapp/fake/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what only the tests ask the fake")]
mod fake;
#[path = "../tests/it/delivery/kill_loop.rs"]
mod kill_loop;
#[path = "../tests/it/delivery/mailing.rs"]
mod mailing;
#[path = "../tests/it/delivery/servers.rs"]
mod servers;
#[path = "../tests/it/smtp/sink.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "the tests use more of it; a server that panics is seen"
)]
mod sink;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use mailing::Way;

/// Kills the real program at random moments of a mailing and checks what came of it.
#[derive(Parser)]
struct Arguments {
    /// The program; that beside the folder of this example when absent.
    #[arg(long)]
    program: Option<PathBuf>,
    /// An empty folder for base, database and logs; a temporary one when absent.
    #[arg(long)]
    folder: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Channel::Email)]
    channel: Channel,
    #[arg(long, value_enum, default_value_t = Policy::AtMostOnce)]
    policy: Policy,
    #[arg(long, default_value_t = 5_000)]
    messages: u32,
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Sessions with the mail server.
    #[arg(long, default_value_t = 16)]
    connections: u16,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Pauses and resumes the mailing after every so many kills; never when 0.
    #[arg(long, default_value_t = 0)]
    pause_every: u32,
    /// The longest wait between a sign of life and the kill.
    #[arg(long, default_value_t = 300)]
    longest_ms: u64,
    #[command(flatten)]
    crowd: Several,
}

/// Several workers on PostgreSQL.
#[derive(clap::Args)]
struct Several {
    /// The address of an empty database of PostgreSQL.
    #[arg(long)]
    database: Option<String>,
    #[arg(long, default_value_t = 2, requires = "database")]
    workers: u32,
    /// Workers that are stopped for longer than their leases last, and go on.
    #[arg(long, default_value_t = 0, requires = "database")]
    freezes: u32,
    #[arg(long, default_value_t = 0, requires = "restart")]
    restarts: u32,
    /// Restarts the server.
    #[arg(long, requires = "database")]
    restart: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Channel {
    Email,
    Whatsapp,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Policy {
    AtMostOnce,
    AtLeastOnce,
}

impl Policy {
    const fn word(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at_most_once",
            Self::AtLeastOnce => "at_least_once",
        }
    }
}

/// The mailing of several workers.
async fn several(
    arguments: &Arguments,
    program: PathBuf,
    folder: PathBuf,
    database: &str,
) -> ExitCode {
    let restart = |_| {
        let command = arguments.crowd.restart.as_deref().unwrap_or_default();
        let told = std::process::Command::new("sh")
            .args(["-c", command])
            .status();
        assert!(told.is_ok_and(|status| status.success()), "{command}");
    };
    let order = crowd::Crowd {
        program,
        folder,
        database: database.to_owned(),
        policy: arguments.policy.word(),
        messages: arguments.messages,
        workers: arguments.crowd.workers,
        kills: arguments.kills,
        freezes: arguments.crowd.freezes,
        restarts: (arguments.crowd.restarts, &restart),
        connections: arguments.connections,
        seed: arguments.seed,
        longest_ms: arguments.longest_ms,
    };
    let heard = |blows: u32, open: i64| {
        if blows.is_multiple_of(10) {
            println!("{blows} blows, {open} messages to go");
        }
    };
    let survived = crowd::run(&order, &heard).await;
    println!(
        "{} messages, {} workers, {} kills, {} freezes, {} restarts, {} senders, seed {}, {:.0} s",
        order.messages,
        order.workers,
        survived.kills,
        survived.freezes,
        survived.restarts,
        survived.senders,
        order.seed,
        survived.took.as_secs_f64()
    );
    print!("{}", survived.findings);
    ExitCode::from(u8::from(!survived.findings.good()))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let beside = || {
        let own = std::env::current_exe().expect("a path of this program");
        let target = own.parent().and_then(|folder| folder.parent());
        target.expect("target/…/examples").join("rekindle")
    };
    let program = arguments.program.clone().unwrap_or_else(beside);
    let folder = arguments.folder.clone();
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    if let Some(database) = &arguments.crowd.database {
        return several(&arguments, program, folder, database).await;
    }
    let order = kill_loop::Order {
        program,
        folder,
        way: match arguments.channel {
            Channel::Email => Way::Letters,
            Channel::Whatsapp => Way::Nudges,
        },
        policy: arguments.policy.word(),
        messages: arguments.messages,
        kills: arguments.kills,
        connections: arguments.connections,
        seed: arguments.seed,
        longest_ms: arguments.longest_ms,
        pause_every: arguments.pause_every,
        check_every: 10,
    };
    let heard = |kills: u32, open: i64| {
        if kills.is_multiple_of(50) {
            println!("{kills} kills, {open} messages to go");
        }
    };
    let survived = kill_loop::run(&order, &heard).await;
    println!(
        "{} messages, {} kills, seed {}, {:.0} s; integrity_check: ok",
        order.messages,
        survived.kills,
        order.seed,
        survived.took.as_secs_f64()
    );
    print!("{}", survived.findings);
    ExitCode::from(u8::from(!survived.findings.good()))
}

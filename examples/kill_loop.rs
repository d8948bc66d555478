//! Kills the real program at random moments of a mailing and lets an independent checker look.
//!
//! `cargo build --release && cargo run --release --example kill_loop -- --messages 100000
//! --kills 1000`
//!
//! Every `run` of the program is a process of its own, ended by SIGKILL a random moment after the
//! server has seen something new. See `docs/RELIABILITY.md`.

#[path = "../tests/it/delivery/checker.rs"]
mod checker;
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

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let beside = || {
        let own = std::env::current_exe().expect("a path of this program");
        let target = own.parent().and_then(|folder| folder.parent());
        target.expect("target/…/examples").join("rekindle")
    };
    let order = kill_loop::Order {
        program: arguments.program.clone().unwrap_or_else(beside),
        folder: arguments
            .folder
            .clone()
            .unwrap_or_else(|| temporary.path().to_owned()),
        way: match arguments.channel {
            Channel::Email => Way::Letters,
            Channel::Whatsapp => Way::Nudges,
        },
        policy: match arguments.policy {
            Policy::AtMostOnce => "at_most_once",
            Policy::AtLeastOnce => "at_least_once",
        },
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

//! Compares what a server took with what the database says.
//!
//! `cargo run --example check_delivery -- --database rekindle.db --log letters.jsonl --expected 5000
//! --most-unknown 800`
//!
//! It shares no code with the product. The exit code is 0 when everything agrees, 1 otherwise.

#[path = "../tests/it/delivery/checker.rs"]
mod checker;
#[path = "../tests/it/database/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what only the tests ask")]
mod database;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Compares what a server took with what the database says.
#[derive(Parser)]
struct Arguments {
    /// The database of the product: its file, or its address on a server.
    #[arg(long)]
    database: String,
    /// The log of the sink or the fake.
    #[arg(long)]
    log: PathBuf,
    /// So many messages must be in the database; any number when absent.
    #[arg(long)]
    expected: Option<u64>,
    /// At most so many may be unknown: kills times messages under way at once.
    #[arg(long, default_value_t = 0)]
    most_unknown: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let question = checker::Question {
        database: &arguments.database,
        log: &arguments.log,
        expected: arguments.expected,
        most_unknown: arguments.most_unknown,
    };
    match checker::check(&question).await {
        Ok(found) => {
            print!("{found}");
            ExitCode::from(u8::from(!found.good()))
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

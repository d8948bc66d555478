//! A mail server that takes every letter and keeps none: it writes a line about each into a log,
//! and the line is on the disk before the letter is acknowledged.
//!
//! `cargo run --example smtp_sink -- --port 2525 --log letters.jsonl`

#[path = "../tests/it/smtp/sink.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "the tests use more of it; a server that panics is seen"
)]
mod sink;

use std::path::PathBuf;

use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// The port on 127.0.0.1; 0 stands for any free one.
    #[arg(long, default_value_t = 2525)]
    port: u16,
    /// Where the lines go; without it nothing is written.
    #[arg(long)]
    log: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let manners = sink::Manners::default();
    let sink = sink::Sink::start(arguments.port, arguments.log.as_deref(), manners).await?;
    println!("listening on {}", sink.address);
    std::future::pending().await
}

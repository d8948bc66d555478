//! A WhatsApp Cloud API on this machine, for trying and for tests that kill the product.
//!
//! `cargo run --example whatsapp_fake -- --port 8090 --log taken.jsonl --script faults.json`
//!
//! The script is JSON, its keys those of `Script` in `tests/it/whatsapp/fake/script.rs`:
//! `{"per_second": 0, "templates": [{"name": "winback_v1", "language": "ru", "body": 2}],
//! "rules": [{"share": 0.01, "then": {"do": "reset_after_body", "taken": true}}],
//! "webhooks": {"url": "http://127.0.0.1:8080/hooks/whatsapp", "double": 0.1}}`.
//! Every request is a line of the log, on the disk before it is answered.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[path = "../tests/it/whatsapp/fake/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what only the tests ask the fake")]
mod fake;

/// A WhatsApp Cloud API on this machine.
#[derive(Parser)]
struct Arguments {
    /// The port of 127.0.0.1; 0 takes any and says which.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The file that every request is added to, as one line of JSON.
    #[arg(long)]
    log: PathBuf,
    /// What the fake is told to do, as JSON.
    #[arg(long)]
    script: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let script = match script(&arguments) {
        Ok(script) => script,
        Err(error) => {
            eprintln!("error: the script cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    let fake = fake::Fake::start(script, arguments.port, &arguments.log).await;
    println!("{}", fake.base_url());
    match tokio::signal::ctrl_c().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn script(arguments: &Arguments) -> Result<fake::Script, String> {
    let Some(path) = &arguments.script else {
        return Ok(fake::Script::default());
    };
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

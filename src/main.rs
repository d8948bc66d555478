//! The `rekindle` binary: arguments in, exit code out.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use rekindle::cli::{self, Cli};
use rekindle::clock::Clock;

fn main() -> ExitCode {
    #[cfg(feature = "crash-points")]
    let _scenario = fail::FailScenario::setup();
    let cli = Cli::parse();
    let _traces = cli::logs::start(&cli);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(cli::run(cli, Clock::System));
    // Whoever still reads a file does it for nobody.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            // That nobody reads the reason does not make it another end.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

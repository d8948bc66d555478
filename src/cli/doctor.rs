//! `rekindle doctor`: whether everything is right for going live.

use std::io::Write;
use std::net::SocketAddr;

use clap::Args;

use super::plan::json;
use super::{Exit, Format};
use crate::app::App;
use crate::channels::names::Names;
use crate::jobs::doctor::{self, Health};

/// Arguments of `rekindle doctor`.
#[derive(Clone, Debug, Args)]
pub(super) struct DoctorArgs {
    /// Ask this name server instead of those of the machine
    #[arg(long, value_name = "ADDRESS:PORT")]
    name_server: Option<SocketAddr>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Looks at everything, and says for each fault how to mend it.
pub(super) async fn run(app: &App, args: &DoctorArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let names = match args.name_server {
        Some(server) => Names::at(server),
        None => Names::of_this_machine(),
    };
    let findings = doctor::examine(app, names.ok().as_ref()).await?;
    match args.format {
        Format::Json => json(out, &findings)?,
        Format::Text => {
            for finding in &findings {
                writeln!(out, "{finding}")?;
            }
        }
    }
    let worst = findings.iter().map(|finding| finding.health).max();
    if worst < Some(Health::Failure) {
        return Ok(Exit::Done);
    }
    if args.format == Format::Text {
        writeln!(out, "Do not go live before every FAIL is mended")?;
    }
    Ok(Exit::NeedsPerson)
}

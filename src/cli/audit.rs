//! `rekindle audit`: what people changed by hand.

use std::io::Write;

use clap::Args;

use super::plan::json;
use super::{Exit, Format};
use crate::app::App;

/// Arguments of `rekindle audit`.
#[derive(Clone, Debug, Args)]
pub(super) struct AuditArgs {
    /// Only what is about this hash, key or number
    #[arg(long)]
    about: Option<String>,
    /// How many of the latest
    #[arg(long, default_value_t = 50)]
    last: u32,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists the audit.
pub(super) async fn run(app: &App, args: &AuditArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let rows = app.store.audit(args.about.as_deref(), args.last).await?;
    if args.format == Format::Json {
        json(out, &rows)?;
        return Ok(Exit::Done);
    }
    for row in rows {
        let at = chrono::DateTime::from_timestamp_millis(row.at).unwrap_or_default();
        writeln!(
            out,
            "{}  {:<20} {:<22} {}  {}",
            at.with_timezone(&app.zone()).format("%Y-%m-%d %H:%M"),
            row.by,
            row.what,
            row.about,
            row.reason
        )?;
    }
    Ok(Exit::Done)
}

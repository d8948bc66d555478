//! `rekindle client`: what is known of one client, and forgetting it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::plan::json;
use super::{Exit, Format, counted, explain};
use crate::app::App;
use crate::db::Entry;
use crate::jobs::erasure;

/// Arguments of `rekindle client`.
#[derive(Clone, Debug, Args)]
pub(super) struct ClientArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show what is known of a client
    Show {
        /// The client, by the id of the source (or SOURCE/ID)
        client: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Write everything that is known of a client as JSON, for the client
    Export {
        /// The client, by the id of the source (or SOURCE/ID)
        client: String,
        /// Into this file [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Forget a client for good: the proof of what was sent and the wish to get nothing more stay
    Forget {
        /// The client, by the id of the source (or SOURCE/ID)
        client: String,
        /// Who does it: kept in the audit
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why: kept in the audit
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Shows, exports or forgets a client.
pub(super) async fn run(app: &App, args: &ClientArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let (Action::Show { client, .. }
    | Action::Export { client, .. }
    | Action::Forget { client, .. }) = &args.action;
    let Some(id) = explain::find(app, client).await? else {
        return Ok(Exit::Wrong);
    };
    match &args.action {
        Action::Show { format, .. } => {
            let all = erasure::everything(app, id).await?;
            match format {
                Format::Json => json(out, &all)?,
                Format::Text => text(out, &all)?,
            }
        }
        Action::Export { to, .. } => {
            let all = erasure::everything(app, id).await?;
            let known_by = "command line";
            let about = app.store.identity_of(id).await?.unwrap_or_default();
            let proof = erasure::proof(&app.key, &about.0, &about.1);
            let entry = Entry {
                by: known_by,
                reason: "",
                now_ms: app.now_ms(),
            };
            app.store.note_export(&proof, &entry).await?;
            match to {
                Some(file) => {
                    let text = serde_json::to_string_pretty(&all).unwrap_or_default();
                    fs::write(file, text).with_context(|| file.display().to_string())?;
                }
                None => json(out, &all)?,
            }
        }
        Action::Forget { by, reason, .. } => {
            let entry = Entry {
                by,
                reason,
                now_ms: app.now_ms(),
            };
            let forgotten = erasure::forget(app, id, &entry).await?;
            writeln!(
                out,
                "{client} is forgotten: {} suppressed, {} and the words of {} and {} removed, {} \
                 taken back",
                counted(forgotten.addresses, "address"),
                counted(forgotten.contacts, "contact"),
                counted(forgotten.messages, "message"),
                counted(forgotten.tasks, "task"),
                counted(forgotten.cancelled, "message"),
            )?;
            writeln!(
                out,
                "What the sources say of the client does not come back; remove it there as well, and \
                 mind backups and the sandbox"
            )?;
        }
    }
    Ok(Exit::Done)
}

fn text(out: &mut dyn Write, all: &serde_json::Map<String, Value>) -> anyhow::Result<()> {
    for (part, rows) in all {
        let Some(rows) = rows.as_array().filter(|rows| !rows.is_empty()) else {
            continue;
        };
        writeln!(out, "{part}: {}", counted(rows.len() as u64, "row"))?;
        for row in rows.iter().rev().take(10) {
            let fields = row.as_object().into_iter().flatten();
            let shown: Vec<String> = fields
                .filter(|(_, value)| !value.is_null() && !value.is_object())
                .map(|(name, value)| match value {
                    Value::String(text) => format!("{name} {text}"),
                    other => format!("{name} {other}"),
                })
                .collect();
            writeln!(out, "  {}", shown.join(", "))?;
        }
    }
    Ok(())
}

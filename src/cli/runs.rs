//! `rekindle runs`: the applied days, the approval of one that waits, and other templates for one
//! that was approved.

use std::io::Write;

use clap::{Args, Subcommand};

use super::plan::json;
use super::run::handed_over;
use super::{Exit, Format};
use crate::app::App;
use crate::jobs::{day, deliver, lock};
use crate::model::Day;

/// Arguments of `rekindle runs`.
#[derive(Clone, Debug, Args)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// How many of the last runs
    #[arg(long, default_value_t = 14)]
    last: u32,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Let a run go that waits for a person
    Approve {
        /// The day of the run
        date: Day,
        /// Who approves: kept with the run
        #[arg(long, value_name = "NAME")]
        by: String,
    },
    /// Make the messages of a run that were never tried of the templates as they are now
    Renew {
        /// The day of the run
        date: Day,
        /// Who decides it: kept in the audit
        #[arg(long, value_name = "NAME")]
        by: String,
    },
}

/// Hands over what an approved run was waiting with. A later day has lists of its own.
async fn let_go(app: &App, date: Day, by: &str, out: &mut dyn Write) -> anyhow::Result<Exit> {
    writeln!(
        out,
        "The run of {date} is approved by {by}: its messages may leave"
    )?;
    day::write_lists(app, date).await?;
    let delivered = deliver::deliver(app, &|_| ()).await?;
    handed_over(app, out, &delivered)?;
    Ok(if delivered.failed.is_empty() {
        Exit::Done
    } else {
        Exit::NeedsPerson
    })
}

/// Lists or approves.
pub(super) async fn run(app: &App, args: &RunsArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(Action::Approve { date, by }) = &args.action {
        let _lock = lock::wait(app.store.path()).await?;
        if day::approve(app, *date, by).await? {
            return let_go(app, *date, by, out).await;
        }
        super::tell(format_args!("no run of {date} waits for approval"));
        return Ok(Exit::Wrong);
    }
    if let Some(Action::Renew { date, by }) = &args.action {
        let renewed = deliver::renew_versions(app, *date, by).await?;
        if renewed == 0 {
            super::tell(format_args!(
                "no message of {date} waits that was never tried: nothing has changed"
            ));
            return Ok(Exit::Wrong);
        }
        writeln!(
            out,
            "{} of {date} will be made of the templates and the configuration as they are now",
            super::counted(renewed, "message")
        )?;
        return Ok(Exit::Done);
    }
    let runs = app.store.runs(args.last).await?;
    if args.format == Format::Json {
        json(out, &runs)?;
        return Ok(Exit::Done);
    }
    writeln!(
        out,
        "{:<12} {:<9} {:<18} {:>9} {:>6}",
        "Date", "Mode", "Status", "Messages", "Tasks"
    )?;
    for run in &runs {
        writeln!(
            out,
            "{:<12} {:<9} {:<18} {:>9} {:>6}  {}",
            run.date.to_string(),
            run.mode,
            run.status,
            run.messages,
            run.tasks,
            run.held_because.as_deref().unwrap_or_default()
        )?;
    }
    Ok(Exit::Done)
}

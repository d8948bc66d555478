//! `rekindle runs`: the applied days, the schedules, what a person lets go, and other templates for a
//! day that was approved.

use std::io::Write;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::plan::json;
use super::run::handed_over;
use super::{Exit, Format, counted};
use crate::app::App;
use crate::db::{Entry, Hold, Lock, MOVED, ScheduleRow};
use crate::jobs::schedule::{self, Upcoming};
use crate::jobs::{day, deliver};
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
    /// Show when the service does what, and what came of it
    Schedule,
    /// Let go what rests: `restore` after a backup was put back, `clock` after the clock made a step,
    /// `moved` to take a base back into use that was moved to PostgreSQL
    Release {
        /// What: restore, clock or moved
        name: String,
        /// Who: kept in the audit
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why: kept in the audit
        #[arg(long, value_name = "TEXT")]
        reason: String,
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

/// Everything about the schedules, for programs.
#[derive(Serialize)]
struct Schedules {
    upcoming: Vec<Upcoming>,
    occurrences: Vec<ScheduleRow>,
    holds: Vec<Hold>,
}

/// Shows what comes next, what came of the last ones, and what rests.
async fn schedule(app: &App, args: &RunsArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let all = Schedules {
        upcoming: schedule::upcoming(app),
        occurrences: app.store.schedule_rows(args.last).await?,
        holds: app.store.holds().await?,
    };
    if args.format == Format::Json {
        json(out, &all)?;
        return Ok(Exit::Done);
    }
    let local = |at: DateTime<Utc>| at.with_timezone(&app.zone()).format("%Y-%m-%d %H:%M");
    for one in &all.upcoming {
        let next = one
            .next
            .map_or("never".to_owned(), |at| local(at).to_string());
        writeln!(
            out,
            "{:<8} {:<16} next {next:<16}  after an absence: {} within {}",
            one.schedule,
            one.at,
            one.catch_up,
            counted(i64::from(one.within_days), "day"),
        )?;
    }
    writeln!(out)?;
    for one in &all.occurrences {
        let late = if one.late { ", late" } else { "" };
        let at = DateTime::from_timestamp_millis(one.planned_at).unwrap_or_default();
        writeln!(
            out,
            "{}  {:<8} {}{late}  {}",
            local(at),
            one.schedule,
            one.status,
            one.note
        )?;
    }
    resting(&all.holds, out)
}

/// Says what rests until a person releases it.
fn resting(holds: &[Hold], out: &mut dyn Write) -> anyhow::Result<Exit> {
    for hold in holds {
        writeln!(
            out,
            "{} rests: {}; `rekindle runs release {} --by NAME --reason TEXT` lets it go on",
            hold.name, hold.reason, hold.name
        )?;
    }
    Ok(if holds.is_empty() {
        Exit::Done
    } else {
        Exit::NeedsPerson
    })
}

async fn release(
    app: &App,
    name: &str,
    entry: &Entry<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if name == MOVED {
        return take_back(app, entry, out).await;
    }
    let Some(messages) = app.store.release_hold(name, entry).await? else {
        super::tell(format_args!("nothing rests under the name \"{name}\""));
        return Ok(Exit::Wrong);
    };
    writeln!(
        out,
        "{name} is released with {}",
        counted(messages, "message")
    )?;
    Ok(Exit::Done)
}

/// Takes a base that was moved back into use.
async fn take_back(app: &App, entry: &Entry<'_>, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Some(held) = app.store.take_back(entry).await? else {
        super::tell("this base was not moved");
        return Ok(Exit::Wrong);
    };
    writeln!(
        out,
        "This base is in use again; {} that had not left when it was moved are held. See that nobody \
         works with the other one, then `rekindle runs release restore --by NAME --reason TEXT`",
        counted(held, "message")
    )?;
    Ok(Exit::NeedsPerson)
}

/// Makes what was never tried of a day of the templates as they are now.
async fn renew(app: &App, date: Day, by: &str, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let renewed = deliver::renew_versions(app, date, by).await?;
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
    Ok(Exit::Done)
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
        let planning = app.store.lock(Lock::Planning).await?;
        if planning.during(day::approve(app, *date, by)).await?? {
            return let_go(app, *date, by, out).await;
        }
        super::tell(format_args!("no run of {date} waits for approval"));
        return Ok(Exit::Wrong);
    }
    match &args.action {
        Some(Action::Schedule) => return schedule(app, args, out).await,
        Some(Action::Release { name, by, reason }) => {
            let entry = Entry {
                by,
                reason,
                now_ms: app.now_ms(),
            };
            return release(app, name, &entry, out).await;
        }
        Some(Action::Renew { date, by }) => return renew(app, *date, by, out).await,
        Some(Action::Approve { .. }) | None => {}
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
    resting(&app.store.holds().await?, out).map(|_| Exit::Done)
}

//! `rekindle run --once`: a day, applied.

use std::io::Write;
use std::sync::Arc;

use clap::Args;

use super::open::Configuration;
use super::plan::json;
use super::service::DeliveredNow;
use super::{DayArgs, Exit, Format, counted};
use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::db::Lock;
use crate::jobs::base_weeks;
use crate::jobs::day::{self, RunOutcome, RunSummary};
use crate::jobs::deliver::{self, Delivered};

/// Arguments of `rekindle run`.
#[derive(Clone, Debug, Args)]
pub(super) struct RunArgs {
    /// Run one day and stop
    #[arg(long)]
    pub(super) once: bool,
    /// Without --once: only this part of the service
    #[arg(long, value_enum, value_name = "PART", conflicts_with = "once")]
    only: Option<super::service::Part>,
    #[command(flatten)]
    day: DayArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a run did, for programs.
#[derive(serde::Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    outcome: &'a RunOutcome,
    delivered: &'a Delivered,
}

/// Runs the day, delivers what is due, and brings the managers their lists.
pub(super) async fn run(
    app: &Arc<App>,
    args: &RunArgs,
    config: &Configuration,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if !args.once {
        return super::service::run(Arc::clone(app), config, args.only).await;
    }
    let options = args.day.options(app, None);
    let live = app.settings.delivery.mode == DeliveryMode::Live;
    if live && options.as_of && options.day != app.today() {
        anyhow::bail!(
            "{} is not today: a past or future day cannot be run in live mode; \
             set delivery.mode = \"sandbox\" to replay it",
            options.day
        );
    }
    let planning = app.store.lock(Lock::Planning).await?;
    let bar = super::progress::clients();
    let left = |left: usize| bar.set_message(format!("{left} left"));
    let outcome = planning
        .during(Box::pin(day::run(app, options, &left)))
        .await??;
    bar.finish_and_clear();
    planning
        .during(day::write_lists(app, options.day))
        .await??;
    drop(planning);
    let delivered = deliver::deliver(app, &|_| ()).await?;
    let sent = if live {
        Some(super::service::deliver_now(Arc::clone(app)).await?)
    } else {
        None
    };
    base_weeks::keep(app, options).await?;
    match args.format {
        Format::Json => json(
            out,
            &Report {
                outcome: &outcome,
                delivered: &delivered,
            },
        )?,
        Format::Text => {
            text(app, out, &outcome, &delivered)?;
            if let Some(sent) = sent {
                on_their_way(app, out, sent).await?;
            }
        }
    }
    if sent == Some(DeliveredNow::NotLive) {
        return Ok(Exit::NeedsPerson);
    }
    Ok(exit(&outcome, &delivered))
}

/// Says what became of the messages of live runs so far.
async fn on_their_way(app: &App, out: &mut dyn Write, sent: DeliveredNow) -> anyhow::Result<()> {
    match sent {
        DeliveredNow::Claimed(claimed) => writeln!(out, "Taken in hand: {claimed} messages")?,
        DeliveredNow::Elsewhere => {
            writeln!(out, "Another process is delivering; it takes them over")?;
        }
        DeliveredNow::NotLive => writeln!(out, "Nothing leaves: the doctor found failures")?,
    }
    let states = app.store.message_states().await?;
    let states: Vec<String> = states
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    writeln!(out, "All messages of live runs: {}", states.join(", "))?;
    Ok(())
}

fn exit(outcome: &RunOutcome, delivered: &Delivered) -> Exit {
    match outcome {
        RunOutcome::AwaitingApproval(_)
        | RunOutcome::Before {
            awaiting_approval: true,
            ..
        } => Exit::NeedsPerson,
        _ if !delivered.failed.is_empty() => Exit::NeedsPerson,
        _ => Exit::Done,
    }
}

fn text(
    app: &App,
    out: &mut dyn Write,
    outcome: &RunOutcome,
    delivered: &Delivered,
) -> anyhow::Result<()> {
    match outcome {
        RunOutcome::Before { date, .. } => {
            writeln!(out, "{date} has been run before: nothing was added")?;
        }
        RunOutcome::Done(summary) => {
            writeln!(out, "{} is run", summary.date)?;
            campaigns(out, summary)?;
        }
        RunOutcome::AwaitingApproval(summary) => {
            let why = summary.held_because.as_deref().unwrap_or_default();
            writeln!(out, "{} is planned and waits for you: {why}", summary.date)?;
            campaigns(out, summary)?;
            writeln!(
                out,
                "`rekindle plan` shows it, `rekindle runs approve {} --by NAME` lets it go",
                summary.date
            )?;
        }
    }
    handed_over(app, out, delivered)
}

/// Says what left, where it lies, and what could not be made.
pub(super) fn handed_over(
    app: &App,
    out: &mut dyn Write,
    delivered: &Delivered,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "Handed over: {}, {}, {}",
        counted(delivered.letters, "letter"),
        counted(delivered.whatsapp, "WhatsApp request"),
        counted(delivered.lists, "list")
    )?;
    if app.settings.delivery.mode == DeliveryMode::Sandbox {
        let folder = app.path(&app.settings.paths.sandbox);
        writeln!(
            out,
            "Nobody was written to: they lie in {}",
            folder.display()
        )?;
    }
    for failure in &delivered.failed {
        writeln!(out, "  not made: {failure}")?;
    }
    Ok(())
}

fn campaigns(out: &mut dyn Write, summary: &RunSummary) -> anyhow::Result<()> {
    for one in &summary.campaigns {
        writeln!(
            out,
            "  {:<24} {:>5} entered {:>5} messages {:>4} tasks {:>4} held out {:>4} left",
            one.id, one.entered, one.messages, one.tasks, one.holdout, one.left
        )?;
    }
    Ok(())
}

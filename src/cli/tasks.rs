//! `rekindle tasks`: the managers' lists, and what came of a task.

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::plan::json;
use super::{Exit, Format};
use crate::app::App;
use crate::db::{TaskFilter, TaskRow};
use crate::jobs::explain::why_closed;
use crate::jobs::inputs::Frozen;
use crate::jobs::outcome::{Recorded, record};
use crate::model::{Day, Outcome, OutcomeKind};
use crate::rules::plan::{grouped, in_units, who};
use crate::rules::wording;

/// For so many days the lists say how many tasks expired.
const TELL_OF_EXPIRED_DAYS: i32 = 7;

/// Arguments of `rekindle tasks`.
#[derive(Clone, Debug, Args)]
pub(super) struct TasksArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only the tasks of this manager
    #[arg(long, value_name = "ID")]
    manager: Option<String>,
    /// Only what stands on the list of this day; without it everything that waits
    #[arg(long, value_name = "DATE")]
    on: Option<Day>,
    /// Instead of what waits, what left the lists on this day or later, and why
    #[arg(long, value_name = "DATE", conflicts_with = "on")]
    closed_since: Option<Day>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Record what came of a task
    Outcome(OutcomeArgs),
}

/// Arguments of `rekindle tasks outcome`.
#[derive(Clone, Debug, Args)]
struct OutcomeArgs {
    /// The number of the task
    task: i64,
    /// What came of it
    #[arg(value_parser = parse_outcome)]
    outcome: OutcomeKind,
    /// For `come_back`: the day on which the client wants to be called
    #[arg(long, value_name = "DATE")]
    until: Option<Day>,
    /// What the client said
    #[arg(long)]
    note: Option<String>,
    /// The day of the call [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<Day>,
    /// Who records it
    #[arg(long, default_value = "command line")]
    by: String,
}

fn parse_outcome(text: &str) -> Result<OutcomeKind, String> {
    text.parse()
        .map_err(|error: crate::model::WordError| error.to_string())
}

/// One task, for programs.
#[derive(Serialize)]
struct TaskJson {
    id: i64,
    manager: String,
    client: String,
    name: String,
    phone: Option<String>,
    campaign: String,
    kind: crate::model::TaskKind,
    state: String,
    rank: Option<i64>,
    value_at_risk: f64,
    why: String,
    usual_items: Vec<String>,
    average_receipt: Option<crate::model::Money>,
    script: String,
    since: Day,
    not_before: Day,
    outcome: Option<String>,
    closed_on: Option<Day>,
    closed_by: Option<String>,
}

/// Lists tasks or records an outcome.
pub(super) async fn run(app: &App, args: &TasksArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(Action::Outcome(outcome)) = &args.action {
        return record_outcome(app, outcome, out).await;
    }
    let filter = TaskFilter {
        manager: args.manager.as_deref(),
        listed_on: args.on,
        closed_since: args.closed_since,
    };
    let tasks = app.store.tasks(&filter).await?;
    let tasks: Vec<TaskJson> = tasks.into_iter().map(|task| described(app, task)).collect();
    match args.format {
        Format::Json => json(out, &tasks)?,
        Format::Text if args.closed_since.is_some() => closed_text(&tasks, out)?,
        Format::Text => {
            text(app, &tasks, out)?;
            tell_of_expired(app, args, out).await?;
        }
    }
    Ok(Exit::Done)
}

fn described(app: &App, task: TaskRow) -> TaskJson {
    let frozen: Option<Frozen> = serde_json::from_str(&task.inputs).ok();
    let rhythm = frozen.as_ref().and_then(|frozen| frozen.rhythm.clone());
    TaskJson {
        id: task.id,
        manager: task.manager,
        name: frozen
            .as_ref()
            .map_or_else(|| task.client.clone(), |one| one.label.clone()),
        phone: frozen.as_ref().and_then(|one| one.client.phone.clone()),
        why: frozen.map(|one| one.why).unwrap_or_default(),
        client: task.client,
        campaign: task.campaign,
        kind: task.kind,
        state: task.state,
        rank: task.rank,
        value_at_risk: in_units(task.value, app.currency()),
        usual_items: rhythm
            .as_ref()
            .map(|one| one.usual_items.clone())
            .unwrap_or_default(),
        average_receipt: rhythm.and_then(|one| one.average_receipt),
        script: task.script,
        since: task.planned_on,
        not_before: task.not_before,
        outcome: task.outcome,
        closed_on: task.closed_on,
        closed_by: task.closed_by,
    }
}

fn text(app: &App, tasks: &[TaskJson], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut manager = None;
    for task in tasks {
        if manager != Some(&task.manager) {
            manager = Some(&task.manager);
            let name = if task.manager.is_empty() {
                "nobody's"
            } else {
                &task.manager
            };
            writeln!(out, "\n{name}")?;
        }
        let place = task
            .rank
            .map_or_else(|| " - ".to_owned(), |rank| format!("{rank:>2}."));
        let phone = task.phone.as_deref().map(wording::phone);
        writeln!(
            out,
            "{place} #{} {} {} {}  {} {} at stake",
            task.id,
            task.kind,
            who(&task.name, &task.client),
            phone.as_deref().unwrap_or("no phone"),
            grouped(task.value_at_risk),
            app.currency()
        )?;
        writeln!(out, "      {}", task.why)?;
        if !task.usual_items.is_empty() {
            writeln!(out, "      usually buys: {}", task.usual_items.join(", "))?;
        }
    }
    if tasks.is_empty() {
        writeln!(out, "No task waits")?;
    } else {
        writeln!(
            out,
            "\n`rekindle tasks outcome NUMBER OUTCOME` records what came of one"
        )?;
    }
    Ok(())
}

/// What left the lists, and why.
fn closed_text(tasks: &[TaskJson], out: &mut dyn Write) -> anyhow::Result<()> {
    for task in tasks {
        let on = task.closed_on.map(|day| day.to_string());
        let why = why_closed(task.closed_by.as_deref(), task.outcome.as_deref());
        writeln!(
            out,
            "{}  #{} {} {} of {}: {why}",
            on.unwrap_or_default(),
            task.id,
            task.campaign,
            who(&task.name, &task.client),
            whose(&task.manager),
        )?;
    }
    if tasks.is_empty() {
        writeln!(out, "No task left the lists")?;
    }
    Ok(())
}

/// Says how many tasks expired lately: calls that nobody made.
async fn tell_of_expired(app: &App, args: &TasksArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let since = app.today().plus(-TELL_OF_EXPIRED_DAYS);
    let filter = TaskFilter {
        manager: args.manager.as_deref(),
        closed_since: Some(since),
        listed_on: None,
    };
    let closed = app.store.tasks(&filter).await?;
    let expired = closed
        .iter()
        .filter(|task| task.closed_by.as_deref() == Some("expired"));
    match expired.count() {
        0 => Ok(()),
        n => Ok(writeln!(
            out,
            "{n} expired since {since}: nobody recorded an outcome for {}; \
             `rekindle tasks --closed-since {since}` names them",
            app.settings.tasks.expires
        )?),
    }
}

fn whose(manager: &str) -> &str {
    if manager.is_empty() {
        "nobody"
    } else {
        manager
    }
}

async fn record_outcome(
    app: &App,
    args: &OutcomeArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if args.outcome == OutcomeKind::ComeBack && args.until.is_none() {
        super::tell(format_args!("come_back needs the day: --until 2026-12-01"));
        return Ok(Exit::Wrong);
    }
    let day = args.on.unwrap_or_else(|| app.today());
    let outcome = Outcome {
        kind: args.outcome,
        day,
        until: args.until,
    };
    match record(app, args.task, &outcome, args.note.as_deref(), &args.by).await? {
        Recorded::Done => writeln!(out, "Task {} is done: {}", args.task, args.outcome)?,
        Recorded::Again(day) => {
            writeln!(
                out,
                "Task {} comes back on {day}: {}",
                args.task, args.outcome
            )?;
        }
        Recorded::NoSuchTask => {
            super::tell(format_args!("there is no open task {}", args.task));
            return Ok(Exit::Wrong);
        }
    }
    Ok(Exit::Done)
}

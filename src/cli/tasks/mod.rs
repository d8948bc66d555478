//! `rekindle tasks`: the managers' lists, and what came of a task.

mod changes;
mod import;

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Exit;
use super::plan::json;
use super::report::ReportFormat as TableFormat;
use crate::app::App;
use crate::db::{TaskFilter, TaskRow};
use crate::jobs::explain::why_closed;
use crate::jobs::inputs::Frozen;
use crate::model::Day;
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
    /// Only what the head was told about because it waits too long
    #[arg(long)]
    overdue: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Record what came of a task
    Outcome(Box<changes::OutcomeArgs>),
    /// Give tasks to another manager
    Reassign(changes::ReassignArgs),
    /// Put more tasks onto a manager's list of today
    More(changes::MoreArgs),
    /// Record the outcomes of a CSV file, each once
    Import(import::ImportArgs),
}

/// One task, for programs.
#[derive(Serialize)]
struct TaskJson {
    id: i64,
    manager: String,
    acting: String,
    client: String,
    name: String,
    company: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    crm_url: Option<String>,
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
    urgent: bool,
    listed_since: Option<Day>,
    escalated_on: Option<Day>,
    outcome: Option<String>,
    closed_on: Option<Day>,
    closed_by: Option<String>,
}

/// Lists tasks or records an outcome.
pub(super) async fn run(app: &App, args: &TasksArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    match &args.action {
        Some(Action::Outcome(outcome)) => return changes::record_outcome(app, outcome, out).await,
        Some(Action::Reassign(given)) => return changes::reassign(app, given, out).await,
        Some(Action::More(wanted)) => return changes::more(app, wanted, out).await,
        Some(Action::Import(file)) => return import::run(app, file, out).await,
        None => {}
    }
    let filter = TaskFilter {
        manager: args.manager.as_deref(),
        listed_on: args.on,
        closed_since: args.closed_since,
        overdue: args.overdue,
    };
    let tasks = app.store.tasks(&filter).await?;
    let tasks: Vec<TaskJson> = tasks.into_iter().map(|task| described(app, task)).collect();
    match args.format {
        TableFormat::Json => json(out, &tasks)?,
        TableFormat::Csv => table(&tasks, out)?,
        TableFormat::Text if args.closed_since.is_some() => closed_text(&tasks, out)?,
        TableFormat::Text => {
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
        crm_url: app.settings.tasks.crm_link(&task.client),
        company: frozen.as_ref().and_then(|one| one.client.company.clone()),
        email: frozen.as_ref().and_then(|one| one.client.email.clone()),
        acting: task.acting,
        urgent: task.urgent,
        listed_since: task.first_listed_on,
        escalated_on: task.escalated_on,
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
        if manager != Some(&task.acting) {
            manager = Some(&task.acting);
            let name = if task.acting.is_empty() {
                "nobody's"
            } else {
                &task.acting
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
        if task.acting != task.manager {
            writeln!(out, "      for {}", whose(&task.manager))?;
        }
        if let Some(since) = task.listed_since.filter(|_| task.escalated_on.is_some()) {
            writeln!(out, "      overdue: on the list since {since}")?;
        }
        if let Some(link) = &task.crm_url {
            writeln!(out, "      {link}")?;
        }
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
        ..TaskFilter::default()
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

/// The tasks as a table, one row each.
fn table(tasks: &[TaskJson], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record([
        "id",
        "manager",
        "acting",
        "client",
        "name",
        "company",
        "phone",
        "email",
        "crm_url",
        "campaign",
        "kind",
        "state",
        "rank",
        "value_at_risk",
        "why",
        "usual_items",
        "script",
        "since",
        "not_before",
        "urgent",
        "outcome",
        "closed_on",
        "closed_by",
    ])?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    for task in tasks {
        table.write_record([
            task.id.to_string(),
            task.manager.clone(),
            task.acting.clone(),
            task.client.clone(),
            task.name.clone(),
            text(&task.company),
            text(&task.phone),
            text(&task.email),
            text(&task.crm_url),
            task.campaign.clone(),
            task.kind.to_string(),
            task.state.clone(),
            task.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            task.value_at_risk.to_string(),
            task.why.clone(),
            task.usual_items.join("; "),
            task.script.clone(),
            task.since.to_string(),
            task.not_before.to_string(),
            if task.urgent { "yes" } else { "no" }.to_owned(),
            text(&task.outcome),
            task.closed_on
                .map(|day| day.to_string())
                .unwrap_or_default(),
            text(&task.closed_by),
        ])?;
    }
    table.flush()?;
    Ok(())
}

//! `rekindle tasks`: the managers' lists, and what came of a task.

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Exit;
use super::plan::json;
use super::report::ReportFormat as TableFormat;
use crate::app::App;
use crate::db::{Friend, Reassignment, TaskFilter, TaskRow};
use crate::jobs::day;
use crate::jobs::explain::why_closed;
use crate::jobs::inputs::Frozen;
use crate::jobs::managers::Managers;
use crate::jobs::outcome::{Recorded, Told, record};
use crate::model::{Channel, Day, Outcome, OutcomeKind, Readiness};
use crate::rules::plan::{grouped, in_units, who};
use crate::rules::wording;
use crate::sources::typed_address;

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
    Outcome(Box<OutcomeArgs>),
    /// Give tasks to another manager
    Reassign(ReassignArgs),
    /// Put more tasks onto a manager's list of today
    More(MoreArgs),
}

/// Arguments of `rekindle tasks reassign`.
#[derive(Clone, Debug, Args)]
struct ReassignArgs {
    /// The numbers of the tasks
    #[arg(required_unless_present = "of")]
    tasks: Vec<i64>,
    /// Every open task of this manager
    #[arg(long, value_name = "ID", conflicts_with = "tasks")]
    of: Option<String>,
    /// Who gets them
    #[arg(long, value_name = "ID")]
    to: String,
    /// The clients change hands as well, for good
    #[arg(long)]
    client_too: bool,
    /// Why
    #[arg(long, default_value = "decided by the head")]
    reason: String,
    /// Who decides it
    #[arg(long, default_value = "command line")]
    by: String,
}

/// Arguments of `rekindle tasks more`.
#[derive(Clone, Debug, Args)]
struct MoreArgs {
    /// The manager
    manager: String,
    /// How many [default: tasks.more]
    number: Option<u16>,
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
    /// For `rejection`: why, in your words or by the id of the dictionary
    #[arg(long)]
    reason: Option<String>,
    /// Whether the client needs it: yes or no
    #[arg(long, value_parser = parse_answer, action = clap::ArgAction::Set)]
    need: Option<bool>,
    /// Whether the client has the money: yes or no
    #[arg(long, value_parser = parse_answer, action = clap::ArgAction::Set)]
    money: Option<bool>,
    /// Whether the client is in a hurry: yes or no
    #[arg(long, value_parser = parse_answer, action = clap::ArgAction::Set)]
    urgency: Option<bool>,
    /// For `friend_named`: his name
    #[arg(long, value_name = "NAME")]
    friend: Option<String>,
    /// For `friend_named`: his phone
    #[arg(long, value_name = "PHONE")]
    friend_phone: Option<String>,
    /// For `friend_named`: his e-mail address
    #[arg(long, value_name = "ADDRESS")]
    friend_email: Option<String>,
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

fn parse_answer(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
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
        Some(Action::Outcome(outcome)) => return record_outcome(app, outcome, out).await,
        Some(Action::Reassign(given)) => return reassign(app, given, out).await,
        Some(Action::More(wanted)) => return more(app, wanted, out).await,
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

async fn record_outcome(
    app: &App,
    args: &OutcomeArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let day = args.on.unwrap_or_else(|| app.today());
    let outcome = Outcome {
        until: args.until,
        reason: args.reason.clone(),
        readiness: Readiness {
            need: args.need,
            money: args.money,
            urgency: args.urgency,
        },
        ..Outcome::new(args.outcome, day)
    };
    let friend = match friend(app, args) {
        Ok(friend) => friend,
        Err(problem) => {
            super::tell(format_args!("{problem}"));
            return Ok(Exit::Wrong);
        }
    };
    let told = Told {
        note: args.note.as_deref(),
        friend: Some(friend).filter(Friend::is_known),
        ..Told::new(outcome, &args.by)
    };
    let (task, kind) = (args.task, args.outcome);
    let effects = match record(app, task, &told).await? {
        Recorded::Done(effects) => {
            writeln!(out, "Task {task} is done: {kind}")?;
            effects
        }
        Recorded::Again(day, effects) => {
            writeln!(out, "Task {task} comes back on {day}: {kind}")?;
            effects
        }
        Recorded::Before => return Ok(Exit::Done),
        Recorded::MakesNoSense(why) => {
            super::tell(format_args!("{why}: --until 2026-12-01"));
            return Ok(Exit::Wrong);
        }
        Recorded::NoSuchTask => {
            super::tell(format_args!("there is no open task {task}"));
            return Ok(Exit::Wrong);
        }
    };
    if let Some(passed_on) = effects.passed_on
        && let Some(row) = app.store.task(passed_on).await?
    {
        writeln!(
            out,
            "Task {passed_on} is on the list of {} today",
            row.acting
        )?;
    }
    if effects.friend.is_some() {
        writeln!(
            out,
            "The friend is a client now; nothing allows writing to him yet"
        )?;
    }
    Ok(Exit::Done)
}

/// Whom the client named, with his addresses checked.
fn friend(app: &App, args: &OutcomeArgs) -> Result<Friend, String> {
    let home = &app.settings.company.country;
    let typed = |channel, raw: &Option<String>| {
        let raw = raw.as_deref();
        raw.map(|raw| typed_address(channel, raw, home)).transpose()
    };
    Ok(Friend {
        name: args.friend.clone(),
        phone: typed(Channel::Whatsapp, &args.friend_phone)?,
        email: typed(Channel::Email, &args.friend_email)?,
    })
}

async fn reassign(app: &App, args: &ReassignArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let managers = Managers::read(app).await?;
    if managers.get(&args.to).is_none() {
        super::tell(format_args!("no manager has the id \"{}\"", args.to));
        return Ok(Exit::Wrong);
    }
    let tasks = match &args.of {
        Some(manager) => app.store.open_tasks_of(manager).await?,
        None => args.tasks.clone(),
    };
    let day = app.today();
    let given = app
        .store
        .reassign(&Reassignment {
            tasks: &tasks,
            to: &args.to,
            acting: managers.staff().acting(&args.to, day),
            client_too: args.client_too,
            day,
            by: &args.by,
            reason: &args.reason,
            now_ms: app.now_ms(),
        })
        .await?;
    let clients = if args.client_too {
        " with their clients"
    } else {
        ""
    };
    writeln!(
        out,
        "{} given to {}{clients}",
        super::counted(given.len(), "task"),
        args.to
    )?;
    let missing: Vec<String> = tasks
        .iter()
        .filter(|task| !given.contains(task))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() {
        return Ok(Exit::Done);
    }
    super::tell(format_args!("not open: {}", missing.join(", ")));
    Ok(Exit::Wrong)
}

async fn more(app: &App, args: &MoreArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let managers = Managers::read(app).await?;
    if managers.get(&args.manager).is_none() {
        super::tell(format_args!("no manager has the id \"{}\"", args.manager));
        return Ok(Exit::Wrong);
    }
    let wanted = args.number.unwrap_or(app.settings.tasks.more);
    // The list of the last day that was run is the list that is worked on.
    let day = app
        .store
        .last_run_day()
        .await?
        .unwrap_or_else(|| app.today());
    let listed = day::more(app, &args.manager, wanted, day).await?;
    if listed.is_empty() {
        writeln!(out, "Nothing more waits for {}", args.manager)?;
        return Ok(Exit::Done);
    }
    let filter = TaskFilter {
        manager: Some(&args.manager),
        listed_on: Some(day),
        ..TaskFilter::default()
    };
    let mut tasks = app.store.tasks(&filter).await?;
    tasks.retain(|task| listed.contains(&task.id));
    let tasks: Vec<TaskJson> = tasks.into_iter().map(|task| described(app, task)).collect();
    text(app, &tasks, out)?;
    Ok(Exit::Done)
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

//! `rekindle tasks outcome`, `reassign`, `more`: what changes about tasks.

use std::io::Write;

use clap::Args;

use super::{described, text};
use crate::app::App;
use crate::cli::{Exit, counted, tell};
use crate::db::{Friend, Reassignment, TaskFilter};
use crate::jobs::day;
use crate::jobs::managers::Managers;
use crate::jobs::outcome::{Recorded, Told, record};
use crate::model::{Channel, Day, Outcome, OutcomeKind, Readiness};
use crate::sources::typed_address;

/// Arguments of `rekindle tasks reassign`.
#[derive(Clone, Debug, Args)]
pub(super) struct ReassignArgs {
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
pub(super) struct MoreArgs {
    /// The manager
    manager: String,
    /// How many [default: tasks.more]
    number: Option<u16>,
}

/// Arguments of `rekindle tasks outcome`.
#[derive(Clone, Debug, Args)]
pub(super) struct OutcomeArgs {
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

pub(super) async fn record_outcome(
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
            tell(format_args!("{problem}"));
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
            tell(format_args!("{why}: --until 2026-12-01"));
            return Ok(Exit::Wrong);
        }
        Recorded::NoSuchTask => {
            tell(format_args!("there is no open task {task}"));
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
    if let Some(code) = &effects.certificate {
        let page = crate::certificates::picture::page_of(app, code);
        writeln!(out, "Certificate {code} for the friend: {page}")?;
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

pub(super) async fn reassign(
    app: &App,
    args: &ReassignArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let managers = Managers::read(app).await?;
    if managers.get(&args.to).is_none() {
        tell(format_args!("no manager has the id \"{}\"", args.to));
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
        counted(given.len(), "task"),
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
    tell(format_args!("not open: {}", missing.join(", ")));
    Ok(Exit::Wrong)
}

pub(super) async fn more(app: &App, args: &MoreArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let managers = Managers::read(app).await?;
    if managers.get(&args.manager).is_none() {
        tell(format_args!("no manager has the id \"{}\"", args.manager));
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
    let tasks: Vec<_> = tasks.into_iter().map(|task| described(app, task)).collect();
    text(app, &tasks, out)?;
    Ok(Exit::Done)
}

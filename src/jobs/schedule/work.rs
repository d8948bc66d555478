//! What each schedule does. Everything here can be done by hand as well, beside the service.

use tracing::info;

use super::Name;
use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::db::{Lock, StoreError};
use crate::jobs::backup::{self, BackupError};
use crate::jobs::day::{self, DayOptions, RunOutcome};
use crate::jobs::deliver;
use crate::jobs::import::import_everything;
use crate::jobs::{base_weeks, tidy};
use crate::model::Day;
use crate::rules::schedule::{SourceAge, stale};

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Worked {
    /// It is done.
    Done(String),
    /// It is done as far as it can be without a person.
    Held(String),
    /// A condition does not hold yet.
    NotYet(String),
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("the lock of the database: {0}")]
    Lock(#[from] std::io::Error),
    #[error("{0}")]
    Sources(String),
    #[error("{} messages could not be made: {}", .0.len(), .0[0])]
    Sandbox(Vec<String>),
}

/// Does what a schedule is for.
pub(super) async fn perform(app: &App, name: Name, date: Day) -> Result<Worked, WorkError> {
    match name {
        Name::Import => import(app).await,
        Name::Daily => Box::pin(daily(app, date)).await,
        Name::Digests => digests(app, date).await,
        Name::Tidy => {
            let tidied = tidy::tidy(app).await?;
            let note = format!(
                "{} messages, {} tasks and {} notes emptied",
                tidied.messages, tidied.tasks, tidied.outcomes
            );
            Ok(Worked::Done(note))
        }
        Name::Backup => back_up(app).await,
    }
}

async fn import(app: &App) -> Result<Worked, WorkError> {
    let planning = app.store.lock(Lock::Planning).await?;
    let reading = planning.during(import_everything(app)).await??;
    if !reading.problems.is_empty() {
        return Err(WorkError::Sources(reading.problems.join("; ")));
    }
    Ok(Worked::Done(format!(
        "{} sources brought something new, {} did not; {} rows rejected",
        reading.changed, reading.unchanged, reading.rejected
    )))
}

/// Plans the day on fresh facts, and hands over what the sandbox takes.
async fn daily(app: &App, date: Day) -> Result<Worked, WorkError> {
    let planning = app.store.lock(Lock::Planning).await?;
    let reading = planning.during(import_everything(app)).await??;
    if !reading.problems.is_empty() {
        return Ok(Worked::NotYet(format!(
            "nothing is planned on stale facts: {}",
            reading.problems.join("; ")
        )));
    }
    if let Some(why) = stale(&ages(app).await?, date) {
        return Ok(Worked::NotYet(format!(
            "nothing is planned on stale facts: {why}"
        )));
    }
    let options = DayOptions {
        day: date,
        as_of: false,
        also: None,
    };
    let outcome = planning
        .during(Box::pin(day::run(app, options, &|_| ())))
        .await??;
    drop(planning);
    let worked = match outcome {
        RunOutcome::Done(summary) => {
            let messages: u64 = summary.campaigns.iter().map(|one| one.messages).sum();
            let tasks: u64 = summary.campaigns.iter().map(|one| one.tasks).sum();
            Worked::Done(format!("{messages} messages, {tasks} tasks"))
        }
        RunOutcome::AwaitingApproval(summary) => Worked::Held(format!(
            "{}; `rekindle runs approve {date} --by NAME` lets it go",
            summary.held_because.unwrap_or_default()
        )),
        RunOutcome::Before {
            awaiting_approval: true,
            ..
        } => Worked::Held("it was run before and waits for approval".to_owned()),
        RunOutcome::Before { .. } => Worked::Done("it was run before".to_owned()),
    };
    into_sandbox(app).await?;
    base_weeks::keep(app, options).await?;
    Ok(worked)
}

/// How old each source is.
async fn ages(app: &App) -> Result<Vec<SourceAge>, StoreError> {
    let changed = app.store.sources_changed_at().await?;
    let day_of = |at: i64| {
        let at = chrono::DateTime::from_timestamp_millis(at)?;
        Some(Day::from_date(at.with_timezone(&app.zone()).date_naive()))
    };
    let ages = app.settings.sources.iter().map(|source| {
        let known = changed.iter().find(|(name, _)| *name == source.name);
        SourceAge {
            name: source.name.clone(),
            changed_on: known.and_then(|(_, at)| day_of(*at)),
            stale_after: source.stale_after.map(crate::config::values::Days::count),
        }
    });
    Ok(ages.collect())
}

/// Brings the managers the lists of a day that is sealed.
async fn digests(app: &App, date: Day) -> Result<Worked, WorkError> {
    match app.store.run_status(date).await?.as_deref() {
        Some("sealed") => {
            let lists = day::write_lists(app, date).await?;
            into_sandbox(app).await?;
            Ok(Worked::Done(format!("{lists} lists")))
        }
        Some(_) => Ok(Worked::NotYet(format!(
            "the run of {date} waits for approval"
        ))),
        None => Ok(Worked::NotYet(format!("{date} has not been run"))),
    }
}

/// In the sandbox everything leaves at once; live messages are the workers' business.
async fn into_sandbox(app: &App) -> Result<(), WorkError> {
    if app.settings.delivery.mode == DeliveryMode::Live {
        return Ok(());
    }
    let delivered = deliver::deliver(app, &|_| ()).await?;
    if !delivered.failed.is_empty() {
        return Err(WorkError::Sandbox(delivered.failed));
    }
    let (letters, lists) = (delivered.letters, delivered.lists);
    info!(
        letters,
        whatsapp = delivered.whatsapp,
        lists,
        "into the sandbox"
    );
    Ok(())
}

async fn back_up(app: &App) -> Result<Worked, WorkError> {
    let planning = app.store.lock(Lock::Planning).await?;
    let folder = app.path(&app.settings.backup.folder);
    let made = planning.during(backup::make(app, &folder)).await??;
    let gone = backup::thin_out(&folder, app.settings.backup.keep.into())?;
    Ok(Worked::Done(format!(
        "{} ({} MB), {gone} old ones removed",
        made.folder.display(),
        made.bytes >> 20
    )))
}

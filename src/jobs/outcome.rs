//! Recording what came of a task: the story that letters and calls share.

use crate::app::App;
use crate::db::StoreError;
use crate::model::{Day, Outcome, OutcomeKind};
use crate::rules::plan::{AfterOutcome, after_outcome};

/// What became of the wish to record an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Recorded; the task is done.
    Done,
    /// Recorded; the task comes back on this day.
    Again(Day),
    /// There is no such task, or it is closed.
    NoSuchTask,
}

/// Records an outcome; steering the letters follows from it in the next plan.
pub async fn record(
    app: &App,
    task: i64,
    outcome: &Outcome,
    note: Option<&str>,
    by: &str,
) -> Result<Recorded, StoreError> {
    let Some(row) = app.store.task(task).await? else {
        return Ok(Recorded::NoSuchTask);
    };
    let after = after_outcome(outcome, row.attempts + 1, &app.settings.tasks);
    let again = match after {
        AfterOutcome::Done => None,
        AfterOutcome::Again(day) => Some(day),
    };
    let recorded = app
        .store
        .record_outcome(task, outcome, again, note, by, app.now_ms())
        .await?;
    if !recorded {
        return Ok(Recorded::NoSuchTask);
    }
    if outcome.kind == OutcomeKind::DoNotContact {
        app.store
            .suppress_client_of_task(task, outcome.day, by, &app.key)
            .await?;
    }
    Ok(again.map_or(Recorded::Done, Recorded::Again))
}

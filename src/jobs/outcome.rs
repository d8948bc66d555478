//! Recording what came of a task: the story that letters and calls share.

use crate::app::App;
use crate::db::{Effects, Friend, Noted, Recording, StoreError, Wanted};
use crate::model::{Day, ManagerRole, Outcome};
use crate::rules::follow_up::{Asked, follow_up};
use crate::rules::plan::AfterOutcome;

use super::managers::Managers;

/// What a manager, or a program in his place, tells about a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<'a> {
    /// What came of it.
    pub outcome: Outcome,
    /// What the client said.
    pub note: Option<&'a str>,
    /// Whom the client named.
    pub friend: Option<Friend>,
    /// The same for the same outcome, however often it is told; nothing for what is told once.
    pub key: Option<&'a str>,
    /// Who says it.
    pub by: &'a str,
}

impl<'a> Told<'a> {
    /// An outcome with nothing beside it.
    pub const fn new(outcome: Outcome, by: &'a str) -> Self {
        Self {
            outcome,
            note: None,
            friend: None,
            key: None,
            by,
        }
    }
}

/// What became of the wish to record an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Recorded; the task is done.
    Done(Effects),
    /// Recorded; the task comes back on this day.
    Again(Day, Effects),
    /// It was told before, and has had its effect.
    Before,
    /// There is no such task, or it is closed.
    NoSuchTask,
    /// It says nothing for this task, for this reason.
    MakesNoSense(&'static str),
}

/// Records an outcome with what follows from it; steering the letters follows in the next plan.
pub async fn record(app: &App, task: i64, told: &Told<'_>) -> Result<Recorded, StoreError> {
    let Some(row) = app.store.task(task).await? else {
        return Ok(Recorded::NoSuchTask);
    };
    if let Some(why) = makes_no_sense(&told.outcome, row.taker.as_deref()) {
        return Ok(Recorded::MakesNoSense(why));
    }
    let day = told.outcome.day;
    let wanted = Wanted::default();
    let facts = app
        .store
        .facts(&[row.client_id], day, wanted, &app.key)
        .await?;
    let client = facts.into_iter().next().map(|facts| facts.client);
    let client = client.unwrap_or_default();
    let managers = Managers::read(app).await?;
    let staff = managers.staff();
    let asked = Asked {
        manager: &row.acting,
        taker: row.taker.as_deref(),
        attempts: row.attempts + 1,
    };
    let follow_up = follow_up(
        &told.outcome,
        told.note,
        &asked,
        &client,
        staff,
        &app.settings,
    );
    let scout = staff.with_role(ManagerRole::Scout, &client.ext_id, day);
    let acting = follow_up.pass_to.as_deref().map(|id| staff.acting(id, day));
    let recording = Recording {
        task,
        outcome: &told.outcome,
        follow_up: &follow_up,
        note: told.note,
        friend: told.friend.as_ref(),
        friends_manager: scout.or(client.manager.as_deref()),
        acting: acting.unwrap_or_default(),
        key: told.key,
        by: told.by,
        now_ms: app.now_ms(),
    };
    Ok(
        match app.store.record_outcome(&recording, &app.key).await? {
            Noted::NoSuchTask => Recorded::NoSuchTask,
            Noted::Before => Recorded::Before,
            Noted::New(effects) => match follow_up.task {
                AfterOutcome::Done => Recorded::Done(effects),
                AfterOutcome::Again(day) => Recorded::Again(day, effects),
            },
        },
    )
}

fn makes_no_sense(outcome: &Outcome, taker: Option<&str>) -> Option<&'static str> {
    use crate::model::OutcomeKind::{Accepted, ComeBack};
    match outcome.kind {
        ComeBack if outcome.until.is_none() => Some("come_back needs the day"),
        ComeBack if outcome.until <= Some(outcome.day) => {
            Some("come_back needs a day after that of the call")
        }
        Accepted if taker.is_none() => Some("nobody is handed over by this task"),
        _ => None,
    }
}

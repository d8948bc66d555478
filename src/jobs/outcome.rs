//! Recording what came of a task: the story that letters and calls share.

use crate::app::App;
use crate::certificates;
use crate::db::{
    Effects, Friend, IssuedFor, NewCertificate, Noted, Recording, StoreError, TaskRow, Wanted,
};
use crate::model::{Client, Day, Locale, ManagerRole, Outcome};
use crate::rules::follow_up::{Asked, FollowUp, follow_up};
use crate::rules::plan::AfterOutcome;
use crate::rules::wording;

use super::inputs;
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
    let certificate = certificate(app, &row, &client, &follow_up).await?;
    let passed_with = passed_with(told, managers.locale(acting.unwrap_or_default()));
    let recording = Recording {
        task,
        outcome: &told.outcome,
        follow_up: &follow_up,
        note: told.note,
        friend: told.friend.as_ref(),
        friends_manager: scout.or(client.manager.as_deref()),
        acting: acting.unwrap_or_default(),
        passed_with: &passed_with,
        key: told.key,
        certificate: certificate.as_ref().map(|one| (one, app.today())),
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

/// How many codes a certificate may choose from; by chance somebody has one already once in a million
/// millions.
const CODE_TRIES: usize = 4;

/// The certificate that an outcome gives; its code is the same however often the outcome is told.
async fn certificate(
    app: &App,
    task: &TaskRow,
    client: &Client,
    follow_up: &FollowUp,
) -> Result<Option<NewCertificate>, StoreError> {
    let Some(offer) = &follow_up.certificate else {
        return Ok(None);
    };
    let given = given_by(task);
    let key = inputs::key_of_step(&given.campaign, &given.episode, &given.step, client);
    let codes: Vec<String> = (0..CODE_TRIES)
        .map(|n| inputs::code_of_key(app, offer, &given.campaign, &key, n))
        .collect();
    let asked: Vec<&str> = codes.iter().map(String::as_str).collect();
    let taken = app.store.taken_codes(&asked).await?;
    let is_free = |code: &&String| taken.iter().all(|(other, _)| other != *code);
    let code = codes.iter().find(is_free).unwrap_or(&codes[0]).clone();
    let locale = client.locale.unwrap_or(app.locale());
    let valid_until = app.today().plus(offer.valid.count());
    let issued = certificates::issued(offer, code, given, locale, valid_until);
    Ok(Some(issued))
}

/// The occasion of the certificate that what came of a task gives: one for each task.
pub fn given_by(task: &TaskRow) -> IssuedFor {
    IssuedFor {
        campaign: task.campaign.clone(),
        client: task.client_id,
        episode: task.episode.clone(),
        step: format!("{}-friend", task.step),
    }
}

/// What the manager who gets the client today reads below the reason of his task.
fn passed_with(told: &Told<'_>, locale: Locale) -> String {
    let kind = || wording::outcome(locale, told.outcome.kind).to_lowercase();
    let said = told.note.map_or_else(kind, str::to_owned);
    format!("{}: {said}", told.by)
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

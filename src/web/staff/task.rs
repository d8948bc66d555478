//! One task: who, why now, what to say, and what came of it.
//!
//! What came of it is recorded once, however often the button is tapped: every form names the try
//! that it belongs to.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use tracing::info;

use super::desk::{Answer, Desk, Failure, Reader};
use super::door::{Posted, Signed, to};
use super::gift::{self, GiftPart};
use super::parts::{OutcomePart, TaskPart, said, sees_tasks_of, task_part};
use super::script::{Line, script};
use crate::app::App;
use crate::db::{Friend, Reassignment, TaskRow};
use crate::jobs::managers::Managers;
use crate::jobs::outcome::{Recorded, Told, record as record_outcome};
use crate::jobs::staff::Person;
use crate::model::{Channel, Day, Locale, Outcome, OutcomeKind, Readiness};
use crate::sources::typed_address;

/// The page of a task.
#[derive(Serialize)]
struct TaskPage {
    task: TaskPart,
    script: Option<Line>,
    outcomes: Vec<OutcomePart>,
    crm: Option<String>,
    contacts: Vec<ContactPart>,
    /// What the client passes on to the friend whom he has named.
    gift: Option<GiftPart>,
    /// What can be recorded, in the order of the buttons.
    kinds: Vec<KindPart>,
    /// The three questions behind the readiness of a client.
    questions: [&'static str; 3],
    reasons: Vec<ReasonPart>,
    /// Whether an outcome can be recorded now.
    recordable: bool,
    /// Whose list it is on, where that is not the reader's own.
    foreign: Option<String>,
    /// What is wrong with the form that was sent: a key of the words.
    wrong: Option<&'static str>,
    tomorrow: Day,
    in_a_week: Day,
    in_a_month: Day,
    /// The task to do after this one.
    next: Option<Next>,
    /// To whom somebody who leads may give it.
    others: Vec<Other>,
}

/// Another manager.
#[derive(Serialize)]
struct Other {
    id: String,
    name: String,
}

/// An outcome and the form that it needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct KindPart {
    pub(super) kind: OutcomeKind,
    pub(super) title: String,
    /// `tap`, `sure`, `interest`, `until`, `reason` or `friend`.
    pub(super) form: &'static str,
}

/// A reason for which clients say no.
#[derive(Serialize)]
struct ReasonPart {
    id: String,
    title: String,
}

#[derive(Serialize)]
struct Next {
    id: i64,
    label: String,
}

/// A person behind the client.
#[derive(Serialize)]
pub(super) struct ContactPart {
    pub(super) name: Option<String>,
    pub(super) role: Option<String>,
    pub(super) ways: super::parts::Ways,
}

/// `GET /tasks/ID`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Answer {
    let Some(task) = own_task(&desk, &signed, &id).await? else {
        return Ok(desk.nothing(&signed));
    };
    let page = page(&desk, &signed, &task, None).await?;
    let title = page.task.label.clone();
    Ok(desk.good("task", &title, &signed, &page))
}

/// `POST /tasks/ID`: what came of it.
pub(super) async fn record(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let (app, signed) = (desk.app(), &posted.signed);
    let Some(task) = own_task(&desk, signed, &id).await? else {
        return Ok(desk.nothing(signed));
    };
    let id = task.id;
    let back = format!("/tasks/{id}");
    let tried = posted.field("attempt").and_then(|n| n.parse::<u16>().ok());
    if tried != Some(task.attempts) {
        // Tapped twice, or recorded by somebody else meanwhile: the page says what is known.
        return Ok(to(&back));
    }
    let (outcome, friend) = match told_by(&desk, &posted) {
        Ok(told) => told,
        Err(wrong) => return sent_back(&desk, signed, &task, wrong).await,
    };
    // The same try is told once: two taps are one outcome.
    let key = format!("page-{id}-{}", task.attempts);
    let told = Told {
        outcome,
        note: posted.field("note"),
        friend,
        key: Some(&key),
        by: &signed.person.email,
    };
    match record_outcome(app, id, &told).await? {
        Recorded::Done(_) | Recorded::Again(..) => {
            let kind = told.outcome.kind.word();
            info!(task = id, outcome = kind, "an outcome was recorded");
            let (what, about) = ("outcome recorded", format!("task {id}"));
            app.store
                .note_by_hand(told.by, what, &about, kind, app.now_ms())
                .await?;
        }
        Recorded::Before | Recorded::NoSuchTask => {}
        Recorded::MakesNoSense(_) => {
            return sent_back(&desk, signed, &task, "task.wrong.kind").await;
        }
    }
    Ok(to(&back))
}

/// The page again, with what is wrong with the form.
async fn sent_back(desk: &Desk, signed: &Signed, task: &TaskRow, wrong: &'static str) -> Answer {
    let page = page(desk, signed, task, Some(wrong)).await?;
    let (status, reader) = (StatusCode::UNPROCESSABLE_ENTITY, Reader::Known(signed));
    let title = page.task.label.clone();
    Ok(desk.page(status, "task", &title, reader, &page))
}

/// `POST /tasks/ID/give`: another manager gets the task.
pub(super) async fn give(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let (app, signed) = (desk.app(), &posted.signed);
    let task = own_task(&desk, signed, &id).await?;
    let managers = Managers::read(app).await?;
    let taker = posted.field("manager").and_then(|id| managers.get(id));
    let (Some(task), Some(taker), true) = (task, taker, signed.person.leads()) else {
        return Ok(desk.nothing(signed));
    };
    let day = app.today();
    let given = Reassignment {
        tasks: &[task.id],
        to: &taker.id,
        acting: managers.staff().acting(&taker.id, day),
        client_too: posted.field("client_too").is_some(),
        day,
        by: &signed.person.email,
        reason: posted.field("note").unwrap_or("given on the page"),
        now_ms: app.now_ms(),
    };
    app.store.reassign(&given).await?;
    Ok(to(&format!("/tasks/{}", task.id)))
}

/// A task that the reader may see.
pub(super) async fn own_task(
    desk: &Desk,
    signed: &Signed,
    id: &str,
) -> Result<Option<TaskRow>, Failure> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let task = desk.app().store.task(id).await?;
    Ok(task.filter(|task| {
        [&task.manager, &task.acting]
            .into_iter()
            .any(|id| sees_tasks_of(&signed.person, id))
    }))
}

/// What a form says; otherwise what is wrong with it.
fn told_by(desk: &Desk, posted: &Posted) -> Result<(Outcome, Option<Friend>), &'static str> {
    let today = desk.app().today();
    let kind = posted
        .field("kind")
        .and_then(|word| word.parse::<OutcomeKind>().ok());
    let kind = kind.ok_or("task.wrong.kind")?;
    let until = posted
        .field("until")
        .and_then(|day| day.parse::<Day>().ok());
    if kind == OutcomeKind::ComeBack && until.is_none_or(|day| day <= today) {
        return Err("task.wrong.until");
    }
    let friend = match kind {
        OutcomeKind::FriendNamed => Some(friend(desk, posted).ok_or("task.wrong.friend")?),
        _ => None,
    };
    let answer = |name| match posted.field(name) {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        _ => None,
    };
    let outcome = Outcome {
        until: until.filter(|_| kind == OutcomeKind::ComeBack),
        reason: posted.field("reason").map(str::to_owned),
        readiness: Readiness {
            need: answer("need"),
            money: answer("money"),
            urgency: answer("urgency"),
        },
        ..Outcome::new(kind, today)
    };
    Ok((outcome, friend))
}

/// Whom the client named: a name, and a way to reach him; nothing when it is neither.
fn friend(desk: &Desk, posted: &Posted) -> Option<Friend> {
    let country = &desk.app().settings.company.country;
    let typed = |channel, name| {
        let written = posted.field(name)?;
        Some(typed_address(channel, written, country).ok())
    };
    let (phone, email) = (
        typed(Channel::Whatsapp, "friend_phone"),
        typed(Channel::Email, "friend_email"),
    );
    let name = posted.field("friend_name")?.to_owned();
    // What was written and is no address is not thrown away: the form comes back.
    if phone == Some(None) || email == Some(None) {
        return None;
    }
    Some(Friend {
        name: Some(name),
        phone: phone.flatten(),
        email: email.flatten(),
    })
}

async fn page(
    desk: &Desk,
    signed: &Signed,
    task: &TaskRow,
    wrong: Option<&'static str>,
) -> Result<TaskPage, Failure> {
    let app = desk.app();
    let background = app
        .store
        .backgrounds(&[task.client_id])
        .await?
        .remove(&task.client_id);
    let outcomes = app.store.outcomes_about(task.client_id).await?;
    let open = app.store.list_of(&task.acting).await?;
    let next = open
        .iter()
        .find(|one| one.id != task.id && one.rank > task.rank);
    let next = next.or_else(|| open.iter().find(|one| one.id != task.id));
    let contacts = app.store.contacts_of(task.client_id).await?;
    let today = app.today();
    let person = &signed.person;
    let task_part_of = |task, background| task_part(app, person.locale, task, background);
    let part = task_part_of(task, background);
    Ok(TaskPage {
        gift: gift::of_task(desk, task, &part.ways).await?,
        kinds: kinds(desk, signed, task),
        questions: ["need", "money", "urgency"],
        reasons: reasons(app, person.locale),
        others: others(app, person, task).await?,
        recordable: can_be_recorded(task, today),
        foreign: Some(task.acting.clone()).filter(|id| person.manager.as_ref() != Some(id)),
        script: script(desk, signed, task),
        task: part,
        outcomes: outcomes
            .into_iter()
            .map(|past| OutcomePart::of(app, person.locale, past))
            .collect(),
        crm: app.settings.tasks.crm_link(&task.client),
        contacts: contacts.into_iter().map(contact_part).collect(),
        wrong,
        tomorrow: today.plus(1),
        in_a_week: today.plus(7),
        in_a_month: today.plus(30),
        next: next.map(|one| Next {
            id: one.id,
            label: task_part_of(one, None).label,
        }),
    })
}

/// What can be recorded: what the company offers, and for a hand-over that the client is taken.
fn kinds(desk: &Desk, signed: &Signed, task: &TaskRow) -> Vec<KindPart> {
    let offered = desk.app().settings.outcomes.offered();
    let fitting = offered.filter(|kind| *kind != OutcomeKind::Accepted || task.taker.is_some());
    fitting.map(|kind| kind_part(desk, signed, kind)).collect()
}

pub(super) fn kind_part(desk: &Desk, signed: &Signed, kind: OutcomeKind) -> KindPart {
    let form = match kind {
        OutcomeKind::Interested => "interest",
        OutcomeKind::ComeBack => "until",
        OutcomeKind::Rejection => "reason",
        OutcomeKind::FriendNamed => "friend",
        OutcomeKind::DoNotContact => "sure",
        OutcomeKind::NoAnswer
        | OutcomeKind::WrongNumber
        | OutcomeKind::Bought
        | OutcomeKind::CardSent
        | OutcomeKind::Accepted => "tap",
    };
    let own = desk.app().settings.outcomes.of(kind).title.clone();
    KindPart {
        kind,
        title: own.unwrap_or_else(|| said(desk, &signed.person, &format!("outcome.{kind}"))),
        form,
    }
}

fn reasons(app: &App, locale: Locale) -> Vec<ReasonPart> {
    let all = app.settings.reasons.all().iter().map(|reason| ReasonPart {
        id: reason.id.clone(),
        title: reason.title(locale).to_owned(),
    });
    all.collect()
}

/// To whom a task may be given, when the reader leads.
async fn others(app: &App, person: &Person, task: &TaskRow) -> Result<Vec<Other>, Failure> {
    if !person.leads() {
        return Ok(Vec::new());
    }
    let managers = Managers::read(app).await?;
    let others = managers
        .staff()
        .all()
        .filter(|manager| manager.id != task.manager);
    Ok(others
        .map(|manager| Other {
            id: manager.id.clone(),
            name: manager.name.clone(),
        })
        .collect())
}

/// Whether a task is on a list, or waits for its turn: not while it rests until another day.
fn can_be_recorded(task: &TaskRow, today: Day) -> bool {
    task.state == "open" || (task.state == "waiting" && task.not_before <= today)
}

pub(super) fn contact_part(contact: crate::model::Contact) -> ContactPart {
    ContactPart {
        ways: super::parts::Ways::of(contact.phone.as_deref(), contact.email.as_deref()),
        name: contact.name,
        role: contact.role,
    }
}

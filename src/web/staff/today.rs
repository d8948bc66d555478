//! Today: the list of a manager, and for those who lead the lists of all.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Serialize;

use super::desk::{Answer, Desk};
use super::door::{Posted, Signed, to};
use super::parts::{TaskPart, sees_tasks_of, task_part};
use crate::app::App;
use crate::db::TaskRow;
use crate::jobs::day;
use crate::jobs::managers::Managers;
use crate::model::{ClientId, Day, Locale, Money};

/// The page of a day.
#[derive(Serialize)]
struct Today {
    /// Whose list it is; absent when somebody who leads looks at nobody's yet.
    manager: Option<String>,
    /// The day of the list, where it is not the present one.
    list_of: Option<Day>,
    tasks: Vec<TaskPart>,
    at_risk: Option<Money>,
    done: Vec<TaskPart>,
    waiting: u32,
    /// How many tasks the reader may ask for, where it is his own list and more wait.
    more: Option<u16>,
    /// Every manager, for those who lead.
    team: Vec<Member>,
}

#[derive(Serialize)]
struct Member {
    id: String,
    name: String,
    open: u32,
    waiting: u32,
    here: bool,
}

/// `GET /`: the first page that the reader may see.
pub(super) async fn home(signed: Signed) -> Response {
    let person = &signed.person;
    to(if person.manager.is_some() || person.leads() {
        "/today"
    } else {
        "/campaigns"
    })
}

/// `POST /today/more`: who has time gets the next tasks.
pub(super) async fn more(State(desk): State<Arc<Desk>>, posted: Posted) -> Answer {
    let (app, signed) = (desk.app(), &posted.signed);
    let Some(manager) = &signed.person.manager else {
        return Ok(desk.nothing(signed));
    };
    // A second tap finds the list full again and gets nothing.
    let listed = app.store.list_of(manager).await?.len();
    if posted.field("listed").and_then(|n| n.parse().ok()) == Some(listed) {
        day::more(app, manager, app.settings.tasks.more, app.today()).await?;
    }
    Ok(to("/today"))
}

/// `GET /today?manager=ID`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Answer {
    let (app, person) = (desk.app(), &signed.person);
    let own = person.manager.clone();
    let manager = asked.get("manager").cloned().or(own);
    let sees = manager
        .as_deref()
        .map_or(person.leads(), |id| sees_tasks_of(person, id));
    if !sees {
        return Ok(desk.nothing(&signed));
    }
    let managers = Managers::read(app).await?;
    let waiting = match &manager {
        Some(id) => app.store.waiting_of(id, app.today()).await?,
        None => 0,
    };
    let name_of = |id: &str| {
        let name = managers.get(id).map(|manager| manager.name.clone());
        name.unwrap_or_else(|| id.to_owned())
    };
    let team = if person.leads() {
        let loads = app.store.loads(app.today()).await?;
        loads
            .into_iter()
            .map(|load| Member {
                name: name_of(&load.manager),
                here: Some(&load.manager) == manager.as_ref(),
                id: load.manager,
                open: load.open,
                waiting: load.waiting,
            })
            .collect()
    } else {
        Vec::new()
    };
    let (open, done) = match &manager {
        Some(id) => (
            app.store.list_of(id).await?,
            app.store.recorded_on(id, app.today()).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let list_of = open.iter().filter_map(|task| task.listed_on).max();
    let total: i64 = open.iter().map(|task| task.value).sum();
    let body = Today {
        manager: manager.as_deref().map(name_of),
        list_of: list_of.filter(|day| *day != app.today()),
        at_risk: (total > 0).then(|| Money::new(total, app.currency())),
        tasks: with_backgrounds(&desk, person.locale, &open).await?,
        done: done
            .iter()
            .map(|task| task_part(app, person.locale, task, None))
            .collect(),
        waiting,
        more: more_of(app, waiting).filter(|_| manager == person.manager),
        team,
    };
    Ok(desk.good("today", "today.title", &signed, &body))
}

fn more_of(app: &App, waiting: u32) -> Option<u16> {
    (waiting > 0).then_some(app.settings.tasks.more)
}

async fn with_backgrounds(
    desk: &Desk,
    locale: Locale,
    tasks: &[TaskRow],
) -> Result<Vec<TaskPart>, super::desk::Failure> {
    let clients: Vec<ClientId> = tasks.iter().map(|task| task.client_id).collect();
    let known = desk.app().store.backgrounds(&clients).await?;
    let parts = tasks.iter().map(|task| {
        let background = known.get(&task.client_id).cloned();
        task_part(desk.app(), locale, task, background)
    });
    Ok(parts.collect())
}

//! Looking for a client: a manager among his own, those who see everybody among all. A page of them
//! at most, and no file: nobody carries the base away through it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Serialize;

use super::desk::{Answer, Desk};
use super::door::Signed;
use super::parts::Ways;
use crate::db::{FoundClient, Sought};
use crate::jobs::managers::Managers;

/// How many are shown; whoever looks for one of more writes more of the name.
const SHOWN: u32 = 30;

/// The longest text that is looked for.
const LONGEST: usize = 100;

#[derive(Serialize)]
struct Search {
    /// What was typed.
    typed: String,
    /// Whether that was enough to look.
    looked: bool,
    found: Vec<Found>,
    /// How many are shown, where there are more.
    first: Option<u32>,
}

#[derive(Serialize)]
struct Found {
    id: i64,
    ext_id: String,
    /// The company, or the name.
    label: String,
    /// The person, where the label is the company.
    person: Option<String>,
    ways: Ways,
    /// Whose he is, where that is not the reader.
    manager: Option<String>,
}

/// `GET /clients?q=TEXT`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Answer {
    let (app, person) = (desk.app(), &signed.person);
    let typed = asked.get("q").map(String::as_str).unwrap_or_default();
    let typed: String = typed.chars().take(LONGEST).collect();
    let sought = Sought::typed(&typed);
    let only = match &person.manager {
        _ if person.sees_all_clients() => None,
        Some(manager) => Some(manager.as_str()),
        None => return Ok(desk.nothing(&signed)),
    };
    let mut found = match &sought {
        Some(sought) => app.store.find_clients(sought, only, SHOWN + 1).await?,
        None => Vec::new(),
    };
    let more = found.len() > SHOWN as usize;
    found.truncate(SHOWN as usize);
    let managers = Managers::read(app).await?;
    let name_of = |id: String| {
        let name = managers.get(&id).map(|manager| manager.name.clone());
        name.unwrap_or(id)
    };
    let body = Search {
        typed,
        looked: sought.is_some(),
        first: more.then_some(SHOWN),
        found: found
            .into_iter()
            .map(|mut one| {
                let other = one.manager.take();
                let other = other.filter(|id| person.manager.as_ref() != Some(id));
                of_client(one, other.map(name_of))
            })
            .collect(),
    };
    Ok(desk.good("clients", "clients.title", &signed, &body))
}

fn of_client(client: FoundClient, manager: Option<String>) -> Found {
    let label = client.company.as_ref().or(client.name.as_ref());
    let label = label.unwrap_or(&client.ext_id).clone();
    Found {
        id: client.id.0,
        ways: Ways::of(client.phone.as_deref(), client.email.as_deref()),
        person: client.name.filter(|name| *name != label),
        ext_id: client.ext_id,
        label,
        manager,
    }
}

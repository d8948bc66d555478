//! The company's own people on the pages: who they are, what they may see, and the letter with the
//! link by which they sign in.
//!
//! A person is an e-mail address. Whoever is a manager by it sees the own tasks and clients; an
//! entry `[[staff]]` adds a role. Both are asked at every request, so that whoever leaves the
//! configuration or the source is out at once.

use crate::app::App;
use crate::db::{NewSignIn, StoreError};
use crate::model::{Channel, Locale, StaffRole};
use crate::render::{ManagerPart, TaskListContext};
use crate::rules::certificate::message_key;
use crate::rules::delivery::token::{self, Purpose};

use super::deliver::FrozenList;
use super::inputs;
use super::managers::Managers;

/// How long a link to sign in is good for, in milliseconds.
pub const LINK_LASTS_MS: i64 = 15 * MINUTE_MS;

/// How many links a person may ask for within the time that one lasts.
const MOST_LINKS: i64 = 5;

const MINUTE_MS: i64 = 60 * 1_000;

/// Somebody of the company, as far as the pages know him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The e-mail address, lower case.
    pub email: String,
    /// The name.
    pub name: String,
    /// The id under which clients and tasks are his, when he is a manager.
    pub manager: Option<String>,
    /// What else he sees.
    pub role: Option<StaffRole>,
    /// The language of his pages.
    pub locale: Locale,
}

impl Person {
    /// Whether he sees the lists and the clients of everybody, and steers them.
    pub fn leads(&self) -> bool {
        matches!(self.role, Some(StaffRole::Head | StaffRole::Owner))
    }

    /// Whether he sees every client's card.
    pub const fn sees_all_clients(&self) -> bool {
        self.role.is_some()
    }

    /// Whether he sees campaigns, plans, letters and the sandbox.
    pub fn sees_campaigns(&self) -> bool {
        matches!(self.role, Some(StaffRole::Marketing | StaffRole::Owner))
    }

    /// Whether he sees the figures of the company.
    pub fn sees_figures(&self) -> bool {
        self.leads()
    }
}

/// The person with an e-mail address; nobody when the company does not know it.
pub async fn person(app: &App, email: &str) -> Result<Option<Person>, StoreError> {
    let email = email.trim().to_lowercase();
    let is_his = |other: &str| other.trim().to_lowercase() == email;
    let entry = app.settings.staff.iter().find(|one| is_his(&one.email));
    let managers = Managers::read(app).await?;
    let mut all = managers.staff().all();
    let manager = all.find(|manager| manager.email.as_deref().is_some_and(is_his));
    if entry.is_none() && manager.is_none() {
        return Ok(None);
    }
    // Whom the settings call the head of sales needs no entry of his own.
    let leads = manager.is_some_and(|manager| managers.staff().head() == Some(manager.id.as_str()));
    let name = entry.map(|entry| entry.name.clone());
    let locale = entry.and_then(|entry| entry.locale);
    Ok(Some(Person {
        name: name
            .or_else(|| manager.map(|manager| manager.name.clone()))
            .unwrap_or_default(),
        manager: manager.map(|manager| manager.id.clone()),
        role: entry
            .map(|entry| entry.role)
            .or(leads.then_some(StaffRole::Head)),
        locale: locale
            .or_else(|| manager.and_then(|manager| manager.locale))
            .unwrap_or(app.locale()),
        email,
    }))
}

/// Where the pages of the company's own people begin, without a slash at the end.
pub fn pages(app: &App) -> String {
    let web = &app.settings.web;
    let configured = web
        .staff_url
        .as_deref()
        .map(|url| url.trim_end_matches('/'));
    configured.map_or_else(|| format!("http://{}", web.staff), str::to_owned)
}

/// A page as a link in a letter to a manager; nothing where the settings do not say how the pages are
/// reached from elsewhere.
pub fn link_to(app: &App, path: &str) -> Option<String> {
    app.settings.web.staff_url.as_ref()?;
    Some(format!("{}{path}", pages(app)))
}

/// The link by which a letter signs its reader in.
pub fn sign_in_link(app: &App, message_key: &str) -> String {
    let token = token::make(&app.key, Purpose::SignIn, message_key);
    format!("{}/sign-in/{token}", pages(app))
}

/// Sends a person a link to sign in, by the ordinary way of letters; with it he lands on a page.
/// `draw` must be new each time. Says no when he has asked too often.
pub async fn send_link(
    app: &App,
    person: &Person,
    draw: u64,
    lands_on: Option<&str>,
) -> Result<bool, StoreError> {
    let (day, now_ms) = (app.today(), app.now_ms());
    let key = message_key(
        "sign-in",
        &now_ms.to_string(),
        &person.email,
        &draw.to_string(),
    );
    let context = TaskListContext {
        company: inputs::company_part(app),
        manager: ManagerPart {
            name: person.name.clone(),
            ..ManagerPart::default()
        },
        today: day,
        tasks: Vec::new(),
        in_all: 0,
        more: 0,
        waiting: 0,
        total_at_risk: None,
        overdue: Vec::new(),
        overdue_more: 0,
        page: None,
    };
    let frozen = FrozenList {
        manager: "sign-in".to_owned(),
        address: person.email.clone(),
        locale: person.locale,
        context,
    };
    let link = NewSignIn {
        key: &key,
        person: &person.email,
        day,
        mode: app.settings.delivery.mode,
        address_hash: app.key.hash(Channel::Email, &person.email),
        inputs: &serde_json::to_string(&frozen).unwrap_or_default(),
        lands_on,
        now_ms,
        expires_at: now_ms + LINK_LASTS_MS,
    };
    let since = now_ms - LINK_LASTS_MS;
    app.store.add_sign_in(&link, MOST_LINKS, since).await
}

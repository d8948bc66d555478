//! Telling tasks to the program behind `tasks.hook`.
//!
//! What is to be told is written down with what happened (`task_events`); here it is told, in its
//! order, and told again when it was not taken. Nothing leaves while delivery is the sandbox.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::app::App;
use crate::channels::task_hook::{HookError, Listener};
use crate::config::secrets::SecretError;
use crate::config::settings::DeliveryMode;
use crate::db::{StoreError, TaskEvent, TaskRow};
use crate::model::{Day, Money, TaskKind};

use super::inputs::Frozen;

/// How many events are read at one time.
const PAGE: u32 = 100;

/// So long an event is told again before it is given up.
const TOLD_FOR: TimeDelta = TimeDelta::days(3);

/// How often the table is looked into.
const EVERY: Duration = Duration::from_secs(5);

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The address or this machine.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The secret.
    #[error("tasks.hook: {0}")]
    Secret(#[from] SecretError),
    /// There is none.
    #[error("tasks.hook has a url and no secret: add secret_env or secret_file")]
    NoSecret,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the other program reads.
#[derive(Serialize)]
struct Body<'a> {
    /// The same however often it is told.
    id: String,
    /// `task.listed` or `task.closed`.
    event: String,
    /// Unix milliseconds.
    at: i64,
    /// The day of it.
    day: Day,
    task: Task<'a>,
}

#[derive(Serialize)]
struct Task<'a> {
    id: i64,
    manager: &'a str,
    acting: &'a str,
    client: &'a str,
    name: Option<&'a str>,
    company: Option<&'a str>,
    phone: Option<&'a str>,
    email: Option<&'a str>,
    crm_url: Option<String>,
    campaign: &'a str,
    kind: TaskKind,
    script: &'a str,
    urgent: bool,
    why: Option<&'a str>,
    value_at_risk: Money,
    state: &'a str,
    outcome: Option<&'a str>,
}

/// The program that is told, if there is one and something may leave.
pub fn listener(app: &App) -> Result<Option<Listener>, TellError> {
    let hook = &app.settings.tasks.hook;
    let live = app.settings.delivery.mode == DeliveryMode::Live;
    let Some(url) = hook.url.as_deref().filter(|_| live) else {
        return Ok(None);
    };
    let secret = hook.secret(&app.home).ok_or(TellError::NoSecret)??;
    Ok(Some(Listener::new(url, secret, hook.timeout.duration())?))
}

/// Tells what is due, until something is not taken: the other side hears things in their order.
/// Returns how many were taken.
pub async fn tell_due(app: &App, listener: &Listener) -> Result<u64, StoreError> {
    let mut taken = 0;
    loop {
        let events = app.store.task_events_due(PAGE, app.now_ms()).await?;
        if events.is_empty() {
            return Ok(taken);
        }
        for event in events {
            let body = match app.store.task(event.task).await? {
                Some(task) => body(app, &event, &task),
                None => Vec::new(),
            };
            let said = if body.is_empty() {
                Ok(())
            } else {
                listener.tell(body).await
            };
            let now_ms = app.now_ms();
            let again_at = match &said {
                Ok(()) => None,
                Err(_) => again(&event, now_ms),
            };
            let words = said.as_ref().copied().map_err(String::as_str);
            app.store
                .settle_task_event(event.id, words, again_at, now_ms)
                .await?;
            match said {
                Ok(()) => taken += 1,
                Err(why) => {
                    warn!(event = event.id, why, "a task could not be told");
                    return Ok(taken);
                }
            }
        }
    }
}

fn body(app: &App, event: &TaskEvent, task: &TaskRow) -> Vec<u8> {
    let frozen: Option<Frozen> = serde_json::from_str(&task.inputs).ok();
    let client = frozen.as_ref().map(|frozen| &frozen.client);
    let body = Body {
        id: format!("task-event-{}", event.id),
        event: format!("task.{}", event.kind),
        at: event.at,
        day: event.day,
        task: Task {
            id: task.id,
            manager: &task.manager,
            acting: &task.acting,
            client: &task.client,
            name: client.map(|client| client.name.as_str()),
            company: client.and_then(|client| client.company.as_deref()),
            phone: client.and_then(|client| client.phone.as_deref()),
            email: client.and_then(|client| client.email.as_deref()),
            crm_url: app.settings.tasks.crm_link(&task.client),
            campaign: &task.campaign,
            kind: task.kind,
            script: &task.script,
            urgent: task.urgent,
            why: frozen.as_ref().map(|frozen| frozen.why.as_str()),
            value_at_risk: Money::new(task.value, app.currency()),
            state: &task.state,
            outcome: task.outcome.as_deref(),
        },
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// When an event is told again that was not taken; nothing when it is given up.
fn again(event: &TaskEvent, now_ms: i64) -> Option<i64> {
    let pause = TimeDelta::seconds(15 << event.tries.min(8)).num_milliseconds();
    (now_ms - event.at < TOLD_FOR.num_milliseconds()).then_some(now_ms + pause)
}

/// Tells what happens until it is told to stop.
pub async fn watch(app: Arc<App>, stop: CancellationToken) {
    let listener = match listener(&app) {
        Ok(Some(listener)) => listener,
        Ok(None) => return,
        Err(why) => {
            error!(%why, "tasks are told to nobody");
            return;
        }
    };
    while !stop.is_cancelled() {
        if let Err(error) = tell_due(&app, &listener).await {
            error!(%error, "tasks could not be told");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

//! What machines of the company ask: is it alive, is it ready, how is it doing.
//!
//! Everything is read from the tables, so any process with pages can answer for all of them. No
//! address, no name and no text is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::sync::Mutex;
use tracing::error;

use super::exposition::{self, Exposition};
use crate::app::App;
use crate::db::{CONFIGURATION, StoreError};
use crate::rules::delivery::failure_kind;
use crate::rules::heartbeat::{Heartbeat, missed};

/// The totals read every message: not more often than this.
const TOTALS_LAST: Duration = Duration::from_mins(1);

/// What the answers rest on.
#[derive(Debug)]
struct Desk {
    app: Arc<App>,
    totals: Mutex<Option<(Instant, Totals)>>,
}

/// What is counted over all messages.
#[derive(Clone, Debug, Default)]
struct Totals {
    messages: Vec<(String, String, i64)>,
    failures: BTreeMap<String, i64>,
}

/// The answer of `/readyz`.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    problems: Vec<String>,
}

/// The paths for machines of the company.
pub(super) fn router(app: Arc<App>) -> Router {
    let desk = Arc::new(Desk {
        app,
        totals: Mutex::default(),
    });
    Router::new()
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(desk)
}

async fn ready(State(desk): State<Arc<Desk>>) -> Response {
    let problems = match problems(&desk.app).await {
        Ok(problems) => problems,
        Err(error) => vec![error.to_string()],
    };
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        ready: problems.is_empty(),
        problems,
    };
    let text = serde_json::to_string(&readiness).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

/// What keeps the service from doing its work.
async fn problems(app: &App) -> Result<Vec<String>, StoreError> {
    let now_ms = app.now_ms();
    let beats = processes(app).await?;
    let missed = missed(&beats, now_ms).into_iter().map(|beat| {
        let seconds = (now_ms - beat.at) / 1_000;
        let Heartbeat { part, owner, .. } = beat;
        format!("{part} has not told for {seconds} s that it is alive ({owner})")
    });
    Ok(missed.collect())
}

/// The processes of the service that have told that they are alive.
async fn processes(app: &App) -> Result<Vec<Heartbeat>, StoreError> {
    let mut beats = app.store.heartbeats().await?;
    beats.retain(|beat| beat.part != CONFIGURATION);
    Ok(beats)
}

async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    match told(&desk).await {
        Ok(text) => ([(CONTENT_TYPE, exposition::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            error!(%error, "the figures could not be read");
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
        }
    }
}

async fn told(desk: &Desk) -> Result<String, StoreError> {
    let mut text = Exposition::default();
    let app = &desk.app;
    channels(app, &mut text).await?;
    let totals = totals(desk).await?;
    text.metric(
        "rekindle_messages",
        "gauge",
        "Messages to clients by channel and state.",
    );
    for (channel, state, count) in &totals.messages {
        let labels = [("channel", channel.as_str()), ("state", state.as_str())];
        text.value("rekindle_messages", &labels, *count as f64);
    }
    text.metric(
        "rekindle_failed",
        "gauge",
        "Failed messages by the code of the failure.",
    );
    for (kind, count) in &totals.failures {
        text.value("rekindle_failed", &[("reason", kind)], *count as f64);
    }
    schedules(app, &mut text).await?;
    parts(app, &mut text).await?;
    Ok(text.into_text())
}

async fn totals(desk: &Desk) -> Result<Totals, StoreError> {
    let mut kept = desk.totals.lock().await;
    if let Some((_, totals)) = kept.as_ref().filter(|(at, _)| at.elapsed() < TOTALS_LAST) {
        return Ok(totals.clone());
    }
    let store = &desk.app.store;
    let mut totals = Totals {
        messages: store.message_totals().await?,
        failures: BTreeMap::new(),
    };
    for (reason, count) in store.failure_reasons().await? {
        *totals
            .failures
            .entry(failure_kind::kind(&reason))
            .or_default() += count;
    }
    *kept = Some((Instant::now(), totals.clone()));
    Ok(totals)
}

async fn channels(app: &App, text: &mut Exposition) -> Result<(), StoreError> {
    let now_ms = app.now_ms();
    let mode = app.settings.delivery.mode.word();
    let figures = app.store.channel_figures(mode, now_ms).await?;
    text.metric("rekindle_due", "gauge", "Messages that may leave now.");
    for one in &figures {
        text.value("rekindle_due", &[("channel", &one.channel)], one.due as f64);
    }
    text.metric(
        "rekindle_queue_depth",
        "gauge",
        "Messages that have not left, due or later.",
    );
    for one in &figures {
        let depth = (one.due + one.waiting) as f64;
        text.value("rekindle_queue_depth", &[("channel", &one.channel)], depth);
    }
    text.metric(
        "rekindle_lag_seconds",
        "gauge",
        "How long the oldest due message has waited.",
    );
    for one in &figures {
        let lag = one.due_since.map_or(0, |since| (now_ms - since).max(0));
        text.value(
            "rekindle_lag_seconds",
            &[("channel", &one.channel)],
            seconds(lag),
        );
    }
    text.metric(
        "rekindle_open_messages",
        "gauge",
        "Messages in hand, unknown or held.",
    );
    let open: BTreeMap<String, i64> = app.store.open_states().await?.into_iter().collect();
    for state in ["claimed", "sending", "unknown", "held"] {
        let count = open.get(state).copied().unwrap_or_default();
        text.value("rekindle_open_messages", &[("state", state)], count as f64);
    }
    Ok(())
}

async fn schedules(app: &App, text: &mut Exposition) -> Result<(), StoreError> {
    let now_ms = app.now_ms();
    let figures = app.store.schedule_figures().await?;
    let mut gauge =
        |name: &str, help: &str, value: &dyn Fn(&crate::db::ScheduleFigures) -> Option<f64>| {
            text.metric(name, "gauge", help);
            for one in &figures {
                if let Some(value) = value(one) {
                    text.value(name, &[("schedule", &one.schedule)], value);
                }
            }
        };
    gauge(
        "rekindle_schedule_open",
        "Occurrences that are not over.",
        &|one| Some(one.open as f64),
    );
    gauge(
        "rekindle_schedule_lag_seconds",
        "How long the oldest open occurrence has been due.",
        &|one| {
            Some(
                one.open_since
                    .map_or(0.0, |since| seconds((now_ms - since).max(0))),
            )
        },
    );
    gauge(
        "rekindle_schedule_last_done_seconds",
        "When the last one was done, as unix time.",
        &|one| one.done_at.map(seconds),
    );
    gauge(
        "rekindle_schedule_duration_seconds",
        "How long the last one took.",
        &|one| one.took.map(seconds),
    );
    gauge(
        "rekindle_schedule_failed",
        "Occurrences that were given up.",
        &|one| Some(one.failed as f64),
    );
    gauge(
        "rekindle_schedule_missed",
        "Occurrences that were not done.",
        &|one| Some(one.missed as f64),
    );
    Ok(())
}

async fn parts(app: &App, text: &mut Exposition) -> Result<(), StoreError> {
    let now_ms = app.now_ms();
    let beats = app.store.heartbeats().await?;
    let (configuration, processes): (Vec<_>, Vec<_>) = beats
        .into_iter()
        .partition(|beat| beat.part == CONFIGURATION);
    alive(&processes, now_ms, text);
    let valid = configuration.iter().all(|beat| beat.note.is_empty());
    text.metric(
        "rekindle_configuration_valid",
        "gauge",
        "Whether the files on disk are in force.",
    );
    text.value(
        "rekindle_configuration_valid",
        &[],
        if valid { 1.0 } else { 0.0 },
    );
    text.metric(
        "rekindle_rests",
        "gauge",
        "What rests until a person releases it.",
    );
    for hold in app.store.holds().await? {
        text.value("rekindle_rests", &[("name", &hold.name)], 1.0);
    }
    text.metric(
        "rekindle_source_age_seconds",
        "gauge",
        "How long ago a source brought something new.",
    );
    for (source, at) in app.store.sources_changed_at().await? {
        let age = seconds((now_ms - at).max(0));
        text.value("rekindle_source_age_seconds", &[("source", &source)], age);
    }
    text.metric("rekindle_info", "gauge", "The version that answers.");
    text.value(
        "rekindle_info",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1.0,
    );
    Ok(())
}

fn alive(processes: &[Heartbeat], now_ms: i64, text: &mut Exposition) {
    let mut ages = BTreeMap::new();
    for beat in processes {
        let age = (now_ms - beat.at).max(0);
        let least: &mut i64 = ages.entry(beat.part.as_str()).or_insert(age);
        *least = age.min(*least);
    }
    text.metric(
        "rekindle_alive_seconds_ago",
        "gauge",
        "When a part of the service was last alive, in any process.",
    );
    for (part, age) in &ages {
        text.value(
            "rekindle_alive_seconds_ago",
            &[("part", part)],
            seconds(*age),
        );
    }
    text.metric(
        "rekindle_processes",
        "gauge",
        "Processes that are alive, and that fell silent and were not replaced.",
    );
    let missed = missed(processes, now_ms);
    for part in ages.keys() {
        let alive = processes
            .iter()
            .filter(|beat| beat.part == *part && beat.is_alive(now_ms));
        let missed = missed.iter().filter(|beat| beat.part == *part);
        for (state, count) in [("alive", alive.count()), ("missed", missed.count())] {
            let labels = [("part", *part), ("state", state)];
            text.value("rekindle_processes", &labels, count as f64);
        }
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1_000.0
}

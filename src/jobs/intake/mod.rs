//! Looking at what came back: webhooks of WhatsApp, mail.
//!
//! Everything was stored before ([`crate::db::Store::keep_inbound`]); here it has its effect, once,
//! in whatever order it came. What cannot be told yet, because the answer to our own request is not
//! written down, is looked at again later.

mod mail;
pub mod outcomes;
mod whatsapp;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;
use crate::channels::inbound::maildir::{Content, Maildir};
use crate::config::settings::DeliveryMode;
use crate::db::{InboundEvent, InboundKind, KnownMessage, NewAnswer, StoreError, Taken, Taking};
use crate::jobs::measures::Concerned;
use crate::model::Channel;
use crate::rules::delivery::answer::{self, Answer};
use crate::rules::delivery::feedback::Report;
use crate::rules::delivery::stop_words::Wish;

/// How many events are read at one time.
const PAGE: u32 = 100;

/// So long an event may wait for the message that it is about.
const WAITS: TimeDelta = TimeDelta::days(3);

/// The longest pause between two looks when nothing is told: another process may have stored
/// something.
const PAUSE: Duration = Duration::from_secs(1);

/// What a pass has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processed {
    /// Events that have had their effect.
    pub counted: u64,
    /// Events that had it before, or have none.
    pub idle: u64,
    /// Events that wait for the message that they are about.
    pub waiting: u64,
    /// Events that could not be taken in and are looked at again: the log says why.
    pub failed: u64,
    /// Unknown messages of which there is proof now.
    pub settled: u64,
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It has had its effect.
    Counted,
    /// It had it before.
    Before,
    /// It has none, for this reason.
    Nothing(&'static str),
    /// Its message is not known yet.
    TooEarly,
}

impl From<Taken> for Effect {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Counted => Self::Counted,
            Taken::Before => Self::Before,
        }
    }
}

/// Looks at everything that is due.
pub async fn process(app: &App) -> Result<Processed, StoreError> {
    let mut done = Processed::default();
    let mut after = 0;
    loop {
        let events = app.store.inbound_due(after, PAGE, app.now_ms()).await?;
        let Some(last) = events.last() else { break };
        after = last.id;
        for event in &events {
            look_at(app, event, &mut done).await?;
        }
    }
    done.settled = app.store.settle_proven(app.now_ms()).await?;
    Ok(done)
}

/// Looks at one event. One that cannot be taken in stands in nobody's way.
async fn look_at(app: &App, event: &InboundEvent, done: &mut Processed) -> Result<(), StoreError> {
    let effects = match event.kind {
        InboundKind::Whatsapp => whatsapp::take_in(app, event).await,
        InboundKind::Mail => mail::take_in(app, event).await,
        InboundKind::Outcomes => outcomes::take_in(app, event).await,
    };
    let now_ms = app.now_ms();
    let pause = TimeDelta::minutes(1 << event.tries.min(8)).num_milliseconds();
    let effects = match effects {
        Ok(effects) => effects,
        Err(error) => {
            error!(%error, event = event.id, "what came in could not be taken in");
            done.failed += 1;
            let words = error.to_string();
            return app
                .store
                .close_inbound(event.id, &words, Some(now_ms + pause), now_ms)
                .await;
        }
    };
    let mut outcome = Vec::new();
    for effect in &effects {
        outcome.push(match effect {
            Effect::Counted => "counted",
            Effect::Before => "known before",
            Effect::Nothing(why) => why,
            Effect::TooEarly => "its message is not known",
        });
    }
    let early = effects.contains(&Effect::TooEarly);
    let young = now_ms - event.received_at < WAITS.num_milliseconds();
    let again = (early && young).then_some(now_ms + pause);
    done.counted += effects.iter().filter(|e| **e == Effect::Counted).count() as u64;
    done.waiting += u64::from(again.is_some());
    done.idle += u64::from(!effects.contains(&Effect::Counted) && again.is_none());
    outcome.dedup();
    let outcome = outcome.join(", ");
    app.store
        .close_inbound(event.id, &outcome, again, now_ms)
        .await
}

/// Stores what lies in the configured maildir. Returns how many mails were taken.
///
/// Each is moved only after it is stored: what a kill leaves in `new` is read once more, and
/// recognised.
pub async fn fetch(app: &App) -> Result<u64, FetchError> {
    let Some(folder) = &app.settings.inbound.maildir else {
        return Ok(0);
    };
    let maildir = Maildir::new(&app.path(folder));
    let listing = maildir.clone();
    let mails = blocking(move || listing.list()).await?;
    let largest = app.settings.inbound.largest();
    let mut taken = 0;
    for mail in mails {
        let (reading, of) = (maildir.clone(), mail.clone());
        match blocking(move || reading.read(&of, largest)).await? {
            Content::Whole(raw) => {
                let now_ms = app.now_ms();
                app.store
                    .keep_inbound(InboundKind::Mail, &raw, now_ms)
                    .await?;
                taken += 1;
            }
            Content::TooLarge => warn!(?mail, "a mail is larger than inbound.largest_mb: left out"),
            Content::Gone => continue,
        }
        let moving = maildir.clone();
        blocking(move || moving.done(&mail)).await?;
    }
    Ok(taken)
}

/// Why mail could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The maildir.
    #[error("inbound.maildir: {0}")]
    Maildir(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// Who acts, where something that came back brings it about.
const BACK: &str = "what came back";

/// The message that something which came back is about.
fn concerned<'m>(message: &'m KnownMessage, phone: Option<&'m str>) -> Concerned<'m> {
    Concerned {
        message: message.id,
        channel: message.channel,
        hash: &message.hash,
        phone,
        campaign: &message.campaign,
        step: &message.step,
        source: BACK,
        by: BACK,
    }
}

/// Looks at what comes in until it is told to stop. Mail is fetched by whoever sends mail: in the
/// sandbox nothing has left that could come back.
pub async fn watch(app: Arc<App>, stop: CancellationToken) {
    let every = app.settings.inbound.every.duration();
    let fetches = app.settings.delivery.mode == DeliveryMode::Live;
    let mut fetched: Option<tokio::time::Instant> = None;
    let mut tidied: Option<i64> = None;
    while !stop.is_cancelled() {
        if fetches && fetched.is_none_or(|at| at.elapsed() >= every) {
            fetched = Some(tokio::time::Instant::now());
            if let Err(error) = fetch(&app).await {
                error!(%error, "mail could not be fetched");
            }
        }
        match process(&app).await {
            Ok(done) if done.counted + done.settled > 0 => {
                info!(
                    counted = done.counted,
                    settled = done.settled,
                    "something came back"
                );
            }
            Ok(_) => {}
            Err(error) => error!(%error, "what came in could not be looked at"),
        }
        let now_ms = app.now_ms();
        if tidied.is_none_or(|at| now_ms - at > TimeDelta::hours(1).num_milliseconds()) {
            tidied = Some(now_ms);
            let kept = TimeDelta::days(app.settings.retention.inbound.count().into());
            let old = app.store.forget_inbound(now_ms - kept.num_milliseconds());
            if let Err(error) = old.await {
                error!(%error, "old events could not be emptied");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.store.arrival() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// A client's answer to one of our messages: the episode ends, his manager gets a task.
struct Reply<'a> {
    fingerprint: &'a str,
    message: &'a KnownMessage,
    channel: Channel,
    answer: &'a Answer,
    by: &'a str,
}

async fn answered(app: &App, reply: &Reply<'_>) -> Result<Effect, StoreError> {
    let why = answer::why(app.locale(), reply.channel, reply.answer);
    let inputs = story(app, &reply.message.inputs, &why);
    let manager = app.settings.tasks.default_manager.as_deref();
    let taking = Taking {
        fingerprint: Some(reply.fingerprint),
        message: Some(reply.message.id),
        report: Some(Report::Replied),
        answer: Some(NewAnswer {
            inputs: &inputs,
            why: &why,
            default_manager: manager.unwrap_or_default(),
        }),
        hold: reply.answer.wish == Wish::Unclear,
        ..taking(app, reply.by)
    };
    Ok(app.store.take_in(&taking).await?.into())
}

/// What the manager reads: what the message was rendered from, with the answer as the reason. An
/// answer is never lost, whatever an older version has frozen.
fn story(app: &App, inputs: &str, why: &str) -> String {
    let known = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(inputs);
    let mut story = known.unwrap_or_default();
    for of_the_message in ["certificate", "evidence"] {
        story.remove(of_the_message);
    }
    story.insert("why".to_owned(), why.into());
    story.insert("today".to_owned(), app.today().to_string().into());
    serde_json::Value::Object(story).to_string()
}

/// An event without effects.
fn taking<'a>(app: &App, by: &'a str) -> Taking<'a> {
    Taking {
        today: app.today(),
        now_ms: app.now_ms(),
        by,
        ..Taking::default()
    }
}

//! What Meta tells: what became of a message, what a client wrote, which template rests.

use tracing::{info, warn};

use super::{BACK, Effect, Reply, answered, concerned, taking};
use crate::app::App;
use crate::channels::whatsapp::webhook::{
    self, Event, Inbound, Preference, Status, TemplateStatus,
};
use crate::db::{InboundEvent, KnownMessage, NewSuppression, StoreError, Taking, Trace};
use crate::jobs::measures;
use crate::model::{Channel, StopOf, SuppressionReason, SuppressionScope};
use crate::rules::delivery::answer::{self, Answer};
use crate::rules::delivery::feedback::Report;
use crate::rules::delivery::stop_words::Wish;

/// Who says it.
const BY: &str = "WhatsApp";

/// The word behind our own stop button.
const STOP_BUTTON: &str = "stop";

/// Does what a webhook says, event by event.
pub(super) async fn take_in(app: &App, raw: &InboundEvent) -> Result<Vec<Effect>, StoreError> {
    let events = match webhook::parse(&raw.body) {
        Ok(events) => events,
        Err(error) => {
            warn!(%error, event = raw.id, "a webhook cannot be read");
            return Ok(vec![Effect::Nothing("cannot be read")]);
        }
    };
    let mut effects = Vec::with_capacity(events.len());
    for event in &events {
        let fingerprint = event.fingerprint();
        effects.push(match event {
            Event::Status(told) => status(app, told, &fingerprint).await?,
            Event::Inbound(told) => inbound(app, told, &fingerprint).await?,
            Event::Preference(told) => preference(app, told, &fingerprint).await?,
            Event::TemplateStatus(told) => template(app, told).await?,
            Event::Quality(told) => {
                info!(about = %told.about, event = %told.event, "WhatsApp judges our messages");
                Effect::Nothing("quality")
            }
            Event::Unknown { field, .. } => {
                info!(field, "WhatsApp tells something that is not known here");
                Effect::Nothing("not known here")
            }
        });
    }
    Ok(effects)
}

async fn status(app: &App, told: &Status, fingerprint: &str) -> Result<Effect, StoreError> {
    let mut message = None;
    if let Some(key) = &told.key {
        message = app.store.traced(&Trace::Key(key)).await?;
    }
    if message.is_none() {
        message = app.store.traced(&Trace::Provider(&told.wamid)).await?;
    }
    let Some(message) = message.filter(|one| one.channel == Channel::Whatsapp) else {
        return Ok(Effect::TooEarly);
    };
    let mut words = format!("WhatsApp tells: {:?}", told.word).to_lowercase();
    if let Some((code, reaction)) = told.reaction() {
        let said = told.failures.first().map(|failure| failure.words.as_str());
        let code = code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
        words = format!(
            "WhatsApp tells: failed, {code}: {}",
            said.unwrap_or_default()
        );
        let phone = told.phone.as_deref();
        measures::take(app, &concerned(&message, phone), reaction.measure, &words).await?;
    }
    let taking = Taking {
        fingerprint: Some(fingerprint),
        message: Some(message.id),
        report: Some(told.report()),
        provider_id: Some(&told.wamid),
        told: &words,
        ..taking(app, BY)
    };
    Ok(app.store.take_in(&taking).await?.into())
}

async fn inbound(app: &App, told: &Inbound, fingerprint: &str) -> Result<Effect, StoreError> {
    // A heart under a message is no answer that anybody has to answer.
    if told.kind == "reaction" {
        return Ok(Effect::Nothing("a reaction"));
    }
    let phone = told.from.as_deref();
    let hash = phone.map(|phone| app.key.hash(Channel::Whatsapp, phone));
    let message = message_of(app, told, hash).await?;
    let answer = answer_of(told);
    if answer.wish == Wish::Stop {
        return stop(app, fingerprint, message.as_ref(), hash).await;
    }
    let Some(message) = message else {
        return Ok(Effect::Nothing("nobody whom we have written to"));
    };
    let reply = Reply {
        fingerprint,
        message: &message,
        channel: Channel::Whatsapp,
        answer: &answer,
        by: BY,
    };
    answered(app, &reply).await
}

/// The message that a client answers: by our button, by what he quotes, else the last one to him.
async fn message_of(
    app: &App,
    told: &Inbound,
    hash: Option<[u8; 32]>,
) -> Result<Option<KnownMessage>, StoreError> {
    if let Some((_, key)) = told.button()
        && let Some(message) = app.store.traced(&Trace::Key(key)).await?
    {
        return Ok(Some(message));
    }
    if let Some(context) = &told.context
        && let Some(message) = app.store.traced(&Trace::Provider(context)).await?
    {
        return Ok(Some(message));
    }
    match hash {
        Some(hash) => {
            let trace = Trace::LastTo(Channel::Whatsapp, hash);
            app.store.traced(&trace).await
        }
        None => Ok(None),
    }
}

fn answer_of(told: &Inbound) -> Answer {
    let text = told.text.clone().unwrap_or_default();
    let mut answer = answer::read(&text);
    if told.button().is_some_and(|(word, _)| word == STOP_BUTTON) {
        answer.wish = Wish::Stop;
    }
    if answer.text.is_empty() {
        // A picture or a voice message: the manager sees at least that there is one.
        answer.text = format!("[{}]", told.kind.chars().take(32).collect::<String>());
    }
    answer
}

/// No more advertising on WhatsApp, for the phone that says it or that the message went to.
async fn stop(
    app: &App,
    fingerprint: &str,
    message: Option<&KnownMessage>,
    hash: Option<[u8; 32]>,
) -> Result<Effect, StoreError> {
    let of_message = message.filter(|one| one.channel == Channel::Whatsapp);
    let Some(hash) = hash.or(of_message.map(|one| one.hash)) else {
        return Ok(Effect::TooEarly);
    };
    let taking = Taking {
        fingerprint: Some(fingerprint),
        message: message.map(|one| one.id),
        report: Some(Report::OptedOut),
        suppressions: vec![no_advertising(hash)],
        ..taking(app, BY)
    };
    Ok(app.store.take_in(&taking).await?.into())
}

const fn no_advertising(hash: [u8; 32]) -> NewSuppression {
    NewSuppression {
        hash,
        channel: Channel::Whatsapp,
        scope: SuppressionScope::Advertising,
        reason: SuppressionReason::Stop,
    }
}

async fn preference(app: &App, told: &Preference, fingerprint: &str) -> Result<Effect, StoreError> {
    if !told.stop {
        return Ok(Effect::Nothing(
            "Meta may deliver again: no consent given to us",
        ));
    }
    let Some(phone) = &told.phone else {
        return Ok(Effect::Nothing("nobody whom we have written to"));
    };
    let hash = app.key.hash(Channel::Whatsapp, phone);
    stop(app, fingerprint, None, Some(hash)).await
}

/// A template that rests stops the steps that use it.
async fn template(app: &App, told: &TemplateStatus) -> Result<Effect, StoreError> {
    if told.is_usable() != Some(false) {
        return Ok(Effect::Nothing("a template that can be used"));
    }
    let ours = app.templates.whatsapp_called(&told.name);
    let reason = told.reason.as_deref().unwrap_or_default();
    let what = format!("the template {} is {}: {reason}", told.name, told.event);
    for campaign in &app.campaigns {
        for step in &campaign.steps {
            let template = step.template.as_deref().unwrap_or_default();
            if step.channel == Some(Channel::Whatsapp) && ours.contains(&template) {
                let name = format!("{}/{}", campaign.id, step.id);
                measures::stop(app, BACK, StopOf::Step, &name, &what).await?;
            }
        }
    }
    Ok(Effect::Counted)
}

//! Delivery into the sandbox: a folder, and nobody is reached.
//!
//! A message that was written and not yet recorded when the process died is written again with the
//! same name and the same bytes: nobody can see a difference. The gates of the moment of sending
//! are not asked: nothing is sent, and a replay of past days must not look at the present.

use serde::Serialize;

use super::prepare::{Content, FrozenList, prepare};
use super::{MANAGERS, Prepared, Version};
use crate::app::App;
use crate::channels::sandbox::{Form, Place, Sandbox};
use crate::config::settings::DeliveryMode;
use crate::db::{DueMessage, Handed, StoreError};
use crate::model::Channel;

/// How many messages are recorded in one transaction.
const BATCH: u32 = 500;

/// What was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Letters to clients.
    pub letters: u64,
    /// WhatsApp requests.
    pub whatsapp: u64,
    /// Lists to managers.
    pub lists: u64,
    /// Messages that could not be made, each with its reason.
    pub failed: Vec<String>,
}

/// Hands over everything that is due and was planned in the sandbox; `progress` hears the number.
///
/// Messages of live runs are left alone: they wait for a channel that may reach people.
pub async fn deliver(app: &App, progress: &(dyn Fn(u64) + Sync)) -> Result<Delivered, StoreError> {
    let mut delivered = Delivered::default();
    if app.settings.delivery.mode == DeliveryMode::Live {
        return Ok(delivered);
    }
    let sandbox = Sandbox::new(app.path(&app.settings.paths.sandbox)).relaxed();
    for channel in Channel::ALL {
        loop {
            let due = app.store.due_messages(*channel, BATCH, "sandbox").await?;
            if due.is_empty() {
                break;
            }
            let handed: Vec<Handed> = due
                .iter()
                .map(|message| hand_over(app, &sandbox, message))
                .collect();
            app.store.record_handed(&handed, app.now_ms()).await?;
            for (message, handed) in due.iter().zip(handed) {
                count(&mut delivered, message, handed);
            }
            progress(delivered.letters + delivered.whatsapp);
        }
    }
    Ok(delivered)
}

fn count(delivered: &mut Delivered, message: &DueMessage, handed: Handed) {
    match (handed.failure, message.channel) {
        (Some(failure), _) => delivered.failed.push(failure),
        (None, _) if message.campaign == MANAGERS => delivered.lists += 1,
        (None, Channel::Email) => delivered.letters += 1,
        (None, Channel::Whatsapp) => delivered.whatsapp += 1,
    }
}

fn hand_over(app: &App, sandbox: &Sandbox, message: &DueMessage) -> Handed {
    let version = Version::now(app, &message.campaign);
    let written = prepare(app, &version, message)
        .and_then(|prepared| write(app, sandbox, message, &prepared));
    let failed = |failure| {
        format!(
            "{} {}/{}: {failure}",
            message.client, message.campaign, message.step
        )
    };
    match written {
        Ok(receipt) => Handed {
            id: message.id,
            receipt: Some(receipt),
            failure: None,
        },
        Err(failure) => Handed {
            id: message.id,
            receipt: None,
            failure: Some(failed(failure)),
        },
    }
}

/// Writes a file of the sandbox; what comes back is its path from the home folder.
fn write(
    app: &App,
    sandbox: &Sandbox,
    message: &DueMessage,
    prepared: &Prepared,
) -> Result<String, String> {
    let form = match prepared.content {
        Content::Letter(_) => Form::Eml,
        Content::WhatsApp(_) => Form::Json,
    };
    let place = Place {
        day: message.day,
        campaign: &message.campaign,
        label: &label(message),
        key: &prepared.key,
    };
    let path = sandbox
        .write(&place, form, prepared.content.bytes())
        .map_err(|error| error.to_string())?;
    // The picture beside the letter, for those who have no mail program at hand.
    if let Some(png) = &prepared.picture {
        let written = sandbox.write(&place, Form::Png, png);
        written.map_err(|error| error.to_string())?;
    }
    let shown = path.strip_prefix(&app.home).unwrap_or(&path);
    Ok(shown.display().to_string())
}

/// Who and what, for the eyes.
fn label(message: &DueMessage) -> String {
    if message.campaign != MANAGERS {
        return format!("{} {}", message.client, message.step);
    }
    let list = serde_json::from_str::<FrozenList>(&message.inputs);
    let manager = list.map(|list| list.manager).unwrap_or_default();
    if manager.is_empty() {
        "nobody".to_owned()
    } else {
        manager
    }
}

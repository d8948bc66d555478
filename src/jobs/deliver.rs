//! Handing messages to their channels. In the sandbox that is a folder, and nobody is reached.
//!
//! A message that was written and not yet recorded when the process died is written again with the
//! same name and the same bytes: nobody can see a difference.

use chrono::{DateTime, FixedOffset, NaiveTime, TimeZone};
use serde::Serialize;

use crate::app::App;
use crate::channels::email::{EmailMessage, MailingList, Party};
use crate::channels::sandbox::{Form, Place, Sandbox};
use crate::channels::whatsapp::{Button, WhatsAppRequest};
use crate::config::Campaign;
use crate::config::campaign::Sender;
use crate::config::settings::DeliveryMode;
use crate::db::{DueMessage, Handed, StoreError};
use crate::model::{Channel, Day, Locale};
use crate::render::{ButtonKind, Letter, LetterContext};
use crate::rules::certificate::message_key;

use super::day::{ManagerList, manager_lists};
use super::inputs::{self, Frozen};

/// How many messages are recorded in one transaction.
const BATCH: u32 = 500;

/// The template of the managers' lists.
const LIST_TEMPLATE: &str = "task-list";

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
    let mut after = 0;
    loop {
        let due = app.store.due_messages(after, BATCH, "sandbox").await?;
        let Some(last) = due.last() else { break };
        after = last.id;
        let handed: Vec<Handed> = due
            .iter()
            .map(|message| hand_over(app, &sandbox, message))
            .collect();
        app.store.record_handed(&handed, app.now_ms()).await?;
        for (message, handed) in due.iter().zip(handed) {
            match (handed.failure, message.channel) {
                (Some(failure), _) => delivered.failed.push(failure),
                (None, Channel::Email) => delivered.letters += 1,
                (None, Channel::Whatsapp) => delivered.whatsapp += 1,
            }
        }
        progress(delivered.letters + delivered.whatsapp);
    }
    Ok(delivered)
}

/// Which lists to hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// Those of a day that has just been run.
    All,
    /// Those that a process which died, or a run that waited for approval, did not hand over. What
    /// a manager has got stays as it was, whatever outcomes came since.
    Missing,
}

/// Hands the managers their lists of a day.
pub async fn deliver_lists(app: &App, day: Day, which: Lists) -> Result<Delivered, StoreError> {
    let mut delivered = Delivered::default();
    if app.settings.delivery.mode == DeliveryMode::Live {
        return Ok(delivered);
    }
    let sandbox = Sandbox::new(app.path(&app.settings.paths.sandbox)).relaxed();
    for list in manager_lists(app, day).await? {
        match write_list(app, &sandbox, &list, day, which) {
            Ok(written) => delivered.lists += u64::from(written),
            Err(failure) => delivered.failed.push(failure),
        }
    }
    Ok(delivered)
}

fn hand_over(app: &App, sandbox: &Sandbox, message: &DueMessage) -> Handed {
    let written = match message.channel {
        Channel::Email => write_letter(app, sandbox, message),
        Channel::Whatsapp => write_whatsapp(app, sandbox, message),
    };
    match written {
        Ok(receipt) => Handed {
            id: message.id,
            receipt: Some(receipt),
            failure: None,
        },
        Err(failure) => {
            let failure = format!(
                "{} {}/{}: {failure}",
                message.client, message.campaign, message.step
            );
            Handed {
                id: message.id,
                receipt: None,
                failure: Some(failure),
            }
        }
    }
}

/// What a message is rendered from, and the language of its reader.
fn opened(app: &App, message: &DueMessage, key: &str) -> Result<(LetterContext, Locale), String> {
    let frozen: Frozen = serde_json::from_str(&message.inputs).map_err(|e| e.to_string())?;
    let locale = frozen.locale;
    Ok((
        inputs::context(app, campaign(app, &message.campaign), frozen, key),
        locale,
    ))
}

fn campaign<'a>(app: &'a App, id: &str) -> Option<&'a Campaign> {
    app.campaigns.iter().find(|campaign| campaign.id == id)
}

fn key_of(message: &DueMessage) -> String {
    message_key(
        &message.campaign,
        &message.episode,
        &message.client,
        &message.step,
    )
}

fn write_letter(app: &App, sandbox: &Sandbox, message: &DueMessage) -> Result<String, String> {
    let key = key_of(message);
    let (context, locale) = opened(app, message, &key)?;
    let letter = rendered(app, message, locale, &context)?;
    let domain = domain(app);
    let title = campaign(app, &message.campaign).map(|campaign| campaign.title.clone());
    let email = EmailMessage {
        message_id_domain: domain.clone(),
        date: date(app, message.day),
        from: from(app, campaign(app, &message.campaign), &context),
        to: Party {
            name: Some(context.client.name.clone()),
            address: context.client.email.clone().unwrap_or_default(),
        },
        reply_to: reply_to(campaign(app, &message.campaign), &context),
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        list: Some(MailingList {
            id: format!("{}.{domain}", message.campaign),
            title,
            unsubscribe_url: context.links.unsubscribe.clone(),
            unsubscribe_mailto: Some(format!("unsubscribe+{key}@{domain}")),
        }),
        feedback_id: Some(format!(
            "{}:{}:{}:rekindle",
            message.step, message.campaign, message.class
        )),
        key,
    };
    let built = email.build().map_err(|error| error.to_string())?;
    write_file(app, sandbox, message, &email.key, Form::Eml, &built.bytes)
}

fn rendered(
    app: &App,
    message: &DueMessage,
    locale: Locale,
    context: &LetterContext,
) -> Result<Letter, String> {
    let letter = app
        .templates
        .render_letter(&message.template, locale, context);
    letter.map_err(|error| error.to_string())
}

/// A letter as it is, or was, handed over: to be looked at.
pub fn letter(app: &App, message: &DueMessage) -> Result<Letter, String> {
    let (context, locale) = opened(app, message, &key_of(message))?;
    rendered(app, message, locale, &context)
}

/// A manager's list as a letter.
pub fn list_letter(app: &App, list: &ManagerList) -> Result<Letter, String> {
    let of_manager = list.manager.as_ref().and_then(|manager| manager.locale);
    let locale = of_manager.unwrap_or(app.locale());
    let letter = app
        .templates
        .render_task_list(LIST_TEMPLATE, locale, &list.context);
    letter.map_err(|error| error.to_string())
}

fn write_whatsapp(app: &App, sandbox: &Sandbox, message: &DueMessage) -> Result<String, String> {
    let key = key_of(message);
    let (context, locale) = opened(app, message, &key)?;
    let nudge = app
        .templates
        .render_whatsapp(&message.template, locale, &context)
        .map_err(|error| error.to_string())?;
    let buttons = nudge.buttons.into_iter().map(|button| match button.kind {
        ButtonKind::Url => Button::Url(button.parameter),
        ButtonKind::QuickReply => Button::QuickReply(button.parameter),
    });
    let request = WhatsAppRequest {
        key,
        to: context.client.phone.clone().unwrap_or_default(),
        template: nudge.template_name,
        language: nudge.language,
        header: None,
        parameters: nudge.parameters,
        buttons: buttons.collect(),
    };
    let body = request.body().map_err(|error| error.to_string())?;
    write_file(app, sandbox, message, &request.key, Form::Json, &body)
}

/// Writes the letter with a list; says whether it was to be written.
fn write_list(
    app: &App,
    sandbox: &Sandbox,
    list: &ManagerList,
    day: Day,
    which: Lists,
) -> Result<bool, String> {
    let key = message_key("task-list", &day.to_string(), &list.manager_id, "list");
    let whose = if list.manager_id.is_empty() {
        "nobody"
    } else {
        &list.manager_id
    };
    let place = Place {
        day,
        campaign: "managers",
        label: whose,
        key: &key,
    };
    if which == Lists::Missing && sandbox.path(&place, Form::Eml).exists() {
        return Ok(false);
    }
    let letter = list_letter(app, list)?;
    // A list without a manager goes to the company itself: nothing is forgotten.
    let of_manager = list
        .manager
        .as_ref()
        .and_then(|manager| manager.email.clone());
    let address = of_manager.or_else(|| app.settings.company.email.clone());
    let email = EmailMessage {
        key: key.clone(),
        message_id_domain: domain(app),
        date: date(app, day),
        from: company_party(app),
        to: Party {
            name: Some(list.context.manager.name.clone()).filter(|name| !name.is_empty()),
            address: address.unwrap_or_else(|| app.settings.delivery.from_email.clone()),
        },
        reply_to: None,
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        list: None,
        feedback_id: None,
    };
    let built = email.build().map_err(|error| error.to_string())?;
    sandbox
        .write(&place, Form::Eml, &built.bytes)
        .map_err(|error| error.to_string())?;
    Ok(true)
}

/// Writes a file of the sandbox; what comes back is its path from the home folder.
fn write_file(
    app: &App,
    sandbox: &Sandbox,
    message: &DueMessage,
    key: &str,
    form: Form,
    bytes: &[u8],
) -> Result<String, String> {
    let label = format!("{} {}", message.client, message.step);
    let place = Place {
        day: message.day,
        campaign: &message.campaign,
        label: &label,
        key,
    };
    let path = sandbox
        .write(&place, form, bytes)
        .map_err(|error| error.to_string())?;
    let shown = path.strip_prefix(&app.home).unwrap_or(&path);
    Ok(shown.display().to_string())
}

/// When a letter of a day was written: the same at every attempt.
fn date(app: &App, day: Day) -> DateTime<FixedOffset> {
    let local = day
        .date()
        .and_time(NaiveTime::from_hms_opt(10, 0, 0).unwrap_or_default());
    let zoned = app.zone().from_local_datetime(&local).earliest();
    zoned.map_or_else(
        || local.and_utc().fixed_offset(),
        |zoned| zoned.fixed_offset(),
    )
}

fn domain(app: &App) -> String {
    let address = &app.settings.delivery.from_email;
    address
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain)
        .to_owned()
}

fn company_party(app: &App) -> Party {
    let delivery = &app.settings.delivery;
    let name = delivery
        .from_name
        .clone()
        .unwrap_or_else(|| app.settings.company.name.clone());
    Party {
        name: Some(name),
        address: delivery.from_email.clone(),
    }
}

/// The manager signs with his name; the address stays the company's, so that it can be proven.
fn from(app: &App, campaign: Option<&Campaign>, context: &LetterContext) -> Party {
    let company = company_party(app);
    match (&context.manager, campaign.map(|campaign| campaign.from)) {
        (Some(manager), Some(Sender::Manager)) => {
            let of = company.name.unwrap_or_default();
            Party {
                name: Some(format!("{}, {of}", manager.name)),
                ..company
            }
        }
        _ => company,
    }
}

fn reply_to(campaign: Option<&Campaign>, context: &LetterContext) -> Option<Party> {
    let manager = context.manager.as_ref()?;
    let by_manager = campaign.is_some_and(|campaign| campaign.from == Sender::Manager);
    let address = manager.email.clone().filter(|_| by_manager)?;
    Some(Party {
        name: Some(manager.name.clone()),
        address,
    })
}

//! Making the bytes of a message from what was frozen: the same at every attempt.

use chrono::{DateTime, FixedOffset, NaiveTime, TimeZone};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::MANAGERS;
use crate::app::App;
use crate::certificates::picture;
use crate::channels::email::{BuiltEmail, EmailMessage, Enclosure, Enclosures, MailingList, Party};
use crate::channels::whatsapp::{Button, Header, Media, WhatsAppRequest};
use crate::config::Campaign;
use crate::config::campaign::Sender;
use crate::config::settings::DeliveryMode;
use crate::db::DueMessage;
use crate::jobs::day::ManagerList;
use crate::jobs::inputs::{self, Frozen};
use crate::model::{Channel, Locale};
use crate::render::{
    ButtonKind, HeaderKind, Letter, LetterContext, TaskListContext, WhatsAppHeader,
};
use crate::rules::delivery::token;

/// The template of the managers' lists.
const LIST_TEMPLATE: &str = "task-list";

/// A message that is ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The key that travels with it, by which answers are recognised.
    pub key: String,
    /// The address that it goes to.
    pub address: String,
    /// What is sent.
    pub content: Content,
    /// The certificate that it shows, as a picture.
    pub picture: Option<Vec<u8>>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A letter.
    Letter(BuiltEmail),
    /// The body of a WhatsApp request.
    WhatsApp(Vec<u8>),
}

impl Content {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Letter(letter) => &letter.bytes,
            Self::WhatsApp(body) => body,
        }
    }
}

impl AsRef<[u8]> for Prepared {
    fn as_ref(&self) -> &[u8] {
        self.content.bytes()
    }
}

/// A manager's list as it is kept with its message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrozenList {
    /// The manager, by the id that clients refer to; empty when nobody is named.
    pub manager: String,
    /// Where it goes.
    pub address: String,
    /// The language of its reader.
    pub locale: Locale,
    /// What it says.
    pub context: TaskListContext,
}

/// Makes the bytes of a message; what comes back otherwise says why it can never be made.
pub fn prepare(app: &App, message: &DueMessage) -> Result<Prepared, String> {
    match message.channel {
        _ if message.campaign == MANAGERS => list(app, message),
        Channel::Email => letter_to_client(app, message),
        Channel::Whatsapp => whatsapp(app, message),
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

fn letter_to_client(app: &App, message: &DueMessage) -> Result<Prepared, String> {
    let key = message.key.clone();
    let (mut context, locale) = opened(app, message, &key)?;
    let picture = enclosed(app, &mut context, locale);
    let letter = rendered(app, message, locale, &context)?;
    let domain = sender_domain(app);
    let campaign = campaign(app, &message.campaign);
    let address = context.client.email.clone().unwrap_or_default();
    let email = EmailMessage {
        message_id_domain: domain.clone(),
        date: date(app, message),
        from: from(app, campaign, &context),
        to: Party {
            name: Some(context.client.name.clone()),
            address: address.clone(),
        },
        reply_to: reply_to(campaign, &context),
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        list: Some(MailingList {
            id: format!("{}.{domain}", message.campaign),
            title: campaign.map(|campaign| campaign.title.clone()),
            unsubscribe_url: context.links.unsubscribe.clone(),
            unsubscribe_mailto: Some(token::mailbox(&app.key, &key, &domain)),
        }),
        feedback_id: Some(format!(
            "{}:{}:{}:rekindle",
            message.step, message.campaign, message.class
        )),
        key: key.clone(),
    };
    let pictures = picture.iter().map(|png| Enclosure {
        name: picture::ENCLOSED.to_owned(),
        media_type: "image/png".to_owned(),
        bytes: png.clone(),
    });
    let enclosures = Enclosures {
        pictures: pictures.collect(),
        files: Vec::new(),
    };
    let built = email.build_with(&enclosures);
    Ok(Prepared {
        key,
        address,
        content: Content::Letter(built.map_err(|error| error.to_string())?),
        picture,
    })
}

/// The picture of the certificate that a letter carries. A letter whose picture cannot be drawn
/// goes without: the code and the link stand in it as text.
fn enclosed(app: &App, context: &mut LetterContext, locale: Locale) -> Option<Vec<u8>> {
    let part = context.certificate.as_mut()?;
    match picture::png(app, part, locale) {
        Ok(png) => {
            part.picture = Some(format!("cid:{}", picture::ENCLOSED));
            Some(png)
        }
        Err(error) => {
            warn!(%error, template = part.template, "the picture of a certificate cannot be drawn");
            None
        }
    }
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
    let (mut context, locale) = opened(app, message, &message.key)?;
    if let Some(part) = &mut context.certificate {
        part.picture = Some(part.picture_url.clone());
    }
    rendered(app, message, locale, &context)
}

fn whatsapp(app: &App, message: &DueMessage) -> Result<Prepared, String> {
    let key = message.key.clone();
    let (context, locale) = opened(app, message, &key)?;
    let nudge = app
        .templates
        .render_whatsapp(&message.template, locale, &context)
        .map_err(|error| error.to_string())?;
    let buttons = nudge.buttons.into_iter().map(|button| match button.kind {
        ButtonKind::Url => Button::Url(button.parameter),
        ButtonKind::QuickReply => Button::QuickReply(button.parameter),
    });
    let address = context.client.phone.clone().unwrap_or_default();
    let request = WhatsAppRequest {
        key: key.clone(),
        to: address.clone(),
        template: nudge.template_name,
        language: nudge.language,
        header: nudge.header.map(header),
        parameters: nudge.parameters,
        buttons: buttons.collect(),
    };
    let body = request.body().map_err(|error| error.to_string())?;
    Ok(Prepared {
        key,
        address,
        content: Content::WhatsApp(body),
        picture: None,
    })
}

fn header(header: WhatsAppHeader) -> Header {
    let media = Media::Link(header.link);
    match header.kind {
        HeaderKind::Image => Header::Image(media),
        HeaderKind::Document => Header::Document {
            media,
            filename: None,
        },
    }
}

/// A manager's list as a letter.
pub fn list_letter(app: &App, list: &ManagerList) -> Result<Letter, String> {
    let of_manager = list.manager.as_ref().and_then(|manager| manager.locale);
    rendered_list(app, of_manager.unwrap_or(app.locale()), &list.context)
}

fn rendered_list(app: &App, locale: Locale, context: &TaskListContext) -> Result<Letter, String> {
    let letter = app
        .templates
        .render_task_list(LIST_TEMPLATE, locale, context);
    letter.map_err(|error| error.to_string())
}

fn list(app: &App, message: &DueMessage) -> Result<Prepared, String> {
    let frozen: FrozenList = serde_json::from_str(&message.inputs).map_err(|e| e.to_string())?;
    let key = message.key.clone();
    let letter = rendered_list(app, frozen.locale, &frozen.context)?;
    let name = Some(frozen.context.manager.name.clone());
    let email = EmailMessage {
        key: key.clone(),
        message_id_domain: sender_domain(app),
        date: date(app, message),
        from: company_party(app),
        to: Party {
            name: name.filter(|name| !name.is_empty()),
            address: frozen.address.clone(),
        },
        reply_to: None,
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        list: None,
        feedback_id: None,
    };
    let built = email.build().map_err(|error| error.to_string())?;
    Ok(Prepared {
        key,
        address: frozen.address,
        content: Content::Letter(built),
        picture: None,
    })
}

/// When a letter was written: the same at every attempt, and never ahead of its sending. In the
/// sandbox, where past days are replayed, it is ten in the morning of the day.
fn date(app: &App, message: &DueMessage) -> DateTime<FixedOffset> {
    let sealed = DateTime::from_timestamp_millis(message.sealed_at);
    if let (DeliveryMode::Live, Some(sealed)) = (app.settings.delivery.mode, sealed) {
        return sealed.with_timezone(&app.zone()).fixed_offset();
    }
    let morning = NaiveTime::from_hms_opt(10, 0, 0).unwrap_or_default();
    let local = message.day.date().and_time(morning);
    let zoned = app.zone().from_local_datetime(&local).earliest();
    zoned.map_or_else(
        || local.and_utc().fixed_offset(),
        |zoned| zoned.fixed_offset(),
    )
}

/// The domain that letters are sent from.
pub fn sender_domain(app: &App) -> String {
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

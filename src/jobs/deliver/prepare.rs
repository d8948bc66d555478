//! Making the bytes of a message from what was frozen: the same at every attempt.

use chrono::{DateTime, FixedOffset, NaiveTime, TimeZone};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::versions::Version;
use super::{MANAGERS, OPERATOR, notice};
use crate::app::App;
use crate::certificates::picture::{self, Easel, Form};
use crate::channels::calendar::{CalendarEvent, MEDIA_TYPE};
use crate::channels::email::{BuiltEmail, EmailMessage, Enclosure, Enclosures, MailingList, Party};
use crate::channels::whatsapp::{Button, Header, Media, WhatsAppRequest};
use crate::config::campaign::Sender;
use crate::config::settings::DeliveryMode;
use crate::db::DueMessage;
use crate::jobs::day::ManagerList;
use crate::jobs::inputs::{self, Frozen};
use crate::jobs::staff;
use crate::model::{Channel, Locale};
use crate::render::{
    ButtonKind, HeaderKind, Letter, LetterContext, TaskListContext, Templates, WhatsAppHeader,
};
use crate::rules::delivery::hours::instant;
use crate::rules::delivery::token;

/// The template of the managers' lists.
pub(super) const LIST_TEMPLATE: &str = "task-list";

/// The template of the letter with a link to sign in.
const SIGN_IN_TEMPLATE: &str = "sign-in";

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
pub fn prepare(app: &App, version: &Version, message: &DueMessage) -> Result<Prepared, String> {
    match message.channel {
        _ if message.campaign == MANAGERS => list(app, version, message),
        _ if message.campaign == OPERATOR => notice::prepare(app, version, message),
        Channel::Email => letter_to_client(app, version, message),
        Channel::Whatsapp => whatsapp(app, version, message),
    }
}

/// What a message is rendered from.
struct Opened {
    context: LetterContext,
    /// The language of its reader.
    locale: Locale,
    /// Another subject than that of the template.
    subject: Option<String>,
}

fn opened(app: &App, version: &Version, message: &DueMessage) -> Result<Opened, String> {
    let frozen: Frozen = serde_json::from_str(&message.inputs).map_err(|e| e.to_string())?;
    let variant = version.imprint.variant_of(&frozen);
    Ok(Opened {
        locale: frozen.locale,
        subject: variant.and_then(|variant| variant.subject.clone()),
        context: inputs::context_of(app, &version.imprint, frozen, &message.key),
    })
}

fn letter_to_client(
    app: &App,
    version: &Version,
    message: &DueMessage,
) -> Result<Prepared, String> {
    let key = message.key.clone();
    let mut opened = opened(app, version, message)?;
    let picture = enclosed(version.easel(app), &mut opened.context, opened.locale);
    let letter = rendered(version.templates(app), &message.template, &opened)?;
    let context = opened.context;
    // A letter that tells the code in words alone carries no picture.
    let shown = enclosed_picture();
    let picture = picture.filter(|_| letter.html.contains(&shown));
    let domain = sender_domain(app);
    let address = context.client.email.clone().unwrap_or_default();
    let email = EmailMessage {
        message_id_domain: domain.clone(),
        date: date(app, message),
        from: from(app, version, &context),
        to: Party {
            name: Some(context.client.name.clone()),
            address: address.clone(),
        },
        reply_to: reply_to(version.imprint.from, &context),
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        list: Some(MailingList {
            id: format!("{}.{domain}", message.campaign),
            title: version.imprint.title.clone(),
            unsubscribe_url: context.links.unsubscribe.clone(),
            unsubscribe_mailto: Some(token::mailbox(&app.key, &key, &domain)),
        }),
        feedback_id: Some(format!(
            "{}:{}:{}:rekindle",
            message.step, message.campaign, message.class
        )),
        key: key.clone(),
    };
    let built = email
        .build_with(&enclosures(
            app,
            version,
            message,
            &context,
            picture.as_deref(),
        ))
        .map_err(|error| error.to_string())?;
    Ok(Prepared {
        key,
        address,
        content: Content::Letter(built),
        picture,
    })
}

/// The picture of the certificate that a letter carries. A letter whose picture cannot be drawn
/// goes without: the code and the link stand in it as text.
fn enclosed(easel: Easel<'_>, context: &mut LetterContext, locale: Locale) -> Option<Vec<u8>> {
    let part = context.certificate.as_mut()?;
    match easel.draw(&context.company, part, locale, Form::Png) {
        Ok(png) => {
            part.picture = Some(enclosed_picture());
            Some(png)
        }
        Err(error) => {
            warn!(%error, template = part.template, "the picture of a certificate cannot be drawn");
            None
        }
    }
}

fn rendered(templates: &Templates, template: &str, opened: &Opened) -> Result<Letter, String> {
    let subject = opened.subject.as_deref();
    let letter = templates.render_letter_about(template, opened.locale, &opened.context, subject);
    letter.map_err(|error| error.to_string())
}

/// What goes along with a letter: the picture of a certificate, the event that it invites to.
fn enclosures(
    app: &App,
    version: &Version,
    message: &DueMessage,
    context: &LetterContext,
    picture: Option<&[u8]>,
) -> Enclosures {
    let pictures = picture.map(|png| Enclosure {
        name: picture::ENCLOSED.to_owned(),
        media_type: "image/png".to_owned(),
        bytes: png.to_vec(),
    });
    let pictures = pictures.into_iter().collect();
    let Some(event) = &version.imprint.event else {
        let files = Vec::new();
        return Enclosures { pictures, files };
    };
    let at = |time: NaiveTime| instant(event.day.date().and_time(time), app.zone());
    let (starts, ends) = (at(event.time.0), event.ends.map(|ends| at(ends.0)));
    let an_hour_later = starts + chrono::TimeDelta::hours(1);
    let register = context.event.as_ref().map(|event| event.register.clone());
    let file = CalendarEvent {
        uid: format!("{}@{}", message.campaign, sender_domain(app)),
        written_at: date(app, message).to_utc(),
        starts,
        ends: ends.filter(|ends| *ends > starts).unwrap_or(an_hour_later),
        title: event.title.clone(),
        place: event.place.clone(),
        about: event.about.clone(),
        link: event.link.clone().or(register),
    };
    Enclosures {
        pictures,
        files: vec![Enclosure {
            name: "event.ics".to_owned(),
            media_type: MEDIA_TYPE.to_owned(),
            bytes: file.file(),
        }],
    }
}

/// How a letter shows the picture that goes along with it.
fn enclosed_picture() -> String {
    format!("cid:{}", picture::ENCLOSED)
}

/// A letter of the sandbox as it was handed over: to be looked at. The picture of a certificate is
/// named by [`picture::ENCLOSED`], as in the letter that it goes along with.
pub fn letter(app: &App, message: &DueMessage) -> Result<Letter, String> {
    let version = Version::now(app, &message.campaign);
    let mut opened = opened(app, &version, message)?;
    if let Some(part) = &mut opened.context.certificate {
        part.picture = Some(enclosed_picture());
    }
    rendered(version.templates(app), &message.template, &opened)
}

fn whatsapp(app: &App, version: &Version, message: &DueMessage) -> Result<Prepared, String> {
    let key = message.key.clone();
    let Opened {
        context, locale, ..
    } = opened(app, version, message)?;
    let nudge = version
        .templates(app)
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
    let locale = of_manager.unwrap_or(app.locale());
    rendered_list(&app.templates, LIST_TEMPLATE, locale, &list.context)
}

fn rendered_list(
    templates: &Templates,
    template: &str,
    locale: Locale,
    context: &TaskListContext,
) -> Result<Letter, String> {
    let letter = templates.render_task_list(template, locale, context);
    letter.map_err(|error| error.to_string())
}

fn list(app: &App, version: &Version, message: &DueMessage) -> Result<Prepared, String> {
    let mut frozen: FrozenList =
        serde_json::from_str(&message.inputs).map_err(|e| e.to_string())?;
    let key = message.key.clone();
    if message.template == SIGN_IN_TEMPLATE {
        frozen.context.page = Some(staff::sign_in_link(app, &key));
    }
    let templates = version.templates(app);
    let letter = rendered_list(templates, &message.template, frozen.locale, &frozen.context)?;
    let name = Some(frozen.context.manager.name.clone());
    let email = EmailMessage {
        key: key.clone(),
        message_id_domain: sender_domain(app),
        date: date(app, message),
        from: company_party(app, version),
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
pub(super) fn date(app: &App, message: &DueMessage) -> DateTime<FixedOffset> {
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

/// The company as the sender of a letter.
pub(super) fn company_party(app: &App, version: &Version) -> Party {
    let delivery = &app.settings.delivery;
    let name = delivery
        .from_name
        .clone()
        .unwrap_or_else(|| version.imprint.company.name.clone());
    Party {
        name: Some(name),
        address: delivery.from_email.clone(),
    }
}

/// The manager signs with his name; the address stays the company's, so that it can be proven.
fn from(app: &App, version: &Version, context: &LetterContext) -> Party {
    let company = company_party(app, version);
    match (&context.manager, version.imprint.from) {
        (Some(manager), Sender::Manager) => {
            let of = company.name.unwrap_or_default();
            Party {
                name: Some(format!("{}, {of}", manager.name)),
                ..company
            }
        }
        _ => company,
    }
}

fn reply_to(signed_by: Sender, context: &LetterContext) -> Option<Party> {
    let manager = context.manager.as_ref()?;
    let address = manager.email.clone();
    let address = address.filter(|_| signed_by == Sender::Manager)?;
    Some(Party {
        name: Some(manager.name.clone()),
        address,
    })
}

//! What lies in the sandbox: letters and WhatsApp requests that reached nobody.
//!
//! Letters with links to sign in are not shown: a link belongs to its reader.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use mail_parser::{MessageParser, MimeHeaders};
use serde::Serialize;

use super::desk::{Answer, Desk};
use super::door::Signed;
use super::letters::in_a_frame;
use super::parts::campaign_title;
use crate::db::SandboxRow;
use crate::jobs::deliver::MANAGERS;
use crate::model::{Channel, Day};

/// How many messages are shown.
const SHOWN: u32 = 200;

/// The largest file that is shown, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

#[derive(Serialize)]
struct Outbox {
    campaign: Option<String>,
    campaigns: Vec<Choice>,
    messages: Vec<Line>,
    is_full: bool,
}

#[derive(Serialize)]
struct Choice {
    id: String,
    title: String,
    here: bool,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    day: Day,
    campaign: String,
    step: String,
    channel: Channel,
    template: String,
    client: Option<String>,
}

/// A message of the sandbox, opened.
#[derive(Serialize)]
struct Sent {
    line: Line,
    file: String,
    subject: Option<String>,
    from: Option<String>,
    to: Option<String>,
    text: Option<String>,
    has_html: bool,
    /// A WhatsApp request as it would have been sent.
    request: Option<String>,
    /// The file is gone, or cannot be read.
    gone: bool,
}

/// `GET /outbox?campaign=ID`.
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Answer {
    if !signed.person.sees_campaigns() {
        return Ok(desk.nothing(&signed));
    }
    let app = desk.app();
    let campaign = asked.get("campaign").filter(|id| !id.is_empty()).cloned();
    let messages = app
        .store
        .sandbox_messages(campaign.as_deref(), SHOWN)
        .await?;
    let mut campaigns: Vec<Choice> = app
        .campaigns
        .iter()
        .map(|one| Choice {
            here: campaign.as_ref() == Some(&one.id),
            id: one.id.clone(),
            title: one.title.clone(),
        })
        .collect();
    campaigns.push(Choice {
        id: MANAGERS.to_owned(),
        title: super::parts::said(&desk, &signed.person, "outbox.lists"),
        here: campaign.as_deref() == Some(MANAGERS),
    });
    let body = Outbox {
        is_full: messages.len() == SHOWN as usize,
        messages: messages
            .into_iter()
            .map(|row| line(&desk, &signed, row))
            .collect(),
        campaign,
        campaigns,
    };
    Ok(desk.good("outbox", "outbox.title", &signed, &body))
}

fn line(desk: &Desk, signed: &Signed, row: SandboxRow) -> Line {
    let campaign = if row.campaign == MANAGERS {
        super::parts::said(desk, &signed.person, "outbox.lists")
    } else {
        campaign_title(desk.app(), &row.campaign)
    };
    Line {
        id: row.id,
        day: row.day,
        campaign,
        step: row.step,
        channel: row.channel,
        template: row.template,
        client: row.client,
    }
}

/// `GET /outbox/ID`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Answer {
    let Some(row) = seen(&desk, &signed, id).await? else {
        return Ok(desk.nothing(&signed));
    };
    let bytes = read(&desk, &row);
    let letter = bytes.as_deref().filter(|_| row.channel == Channel::Email);
    let opened = letter.and_then(|bytes| MessageParser::default().parse(bytes));
    let address = |address: Option<&mail_parser::Address<'_>>| {
        let first = address.and_then(|all| all.first())?;
        let to = first.address().unwrap_or_default();
        Some(
            first
                .name()
                .map_or_else(|| to.to_owned(), |name| format!("{name} <{to}>")),
        )
    };
    let request = bytes
        .as_deref()
        .filter(|_| row.channel == Channel::Whatsapp)
        .map(pretty);
    let sent = Sent {
        file: row.file.clone(),
        subject: opened
            .as_ref()
            .and_then(|mail| mail.subject())
            .map(str::to_owned),
        from: address(opened.as_ref().and_then(|mail| mail.from())),
        to: address(opened.as_ref().and_then(|mail| mail.to())),
        text: opened
            .as_ref()
            .and_then(|mail| mail.body_text(0))
            .map(std::borrow::Cow::into_owned),
        has_html: opened
            .as_ref()
            .is_some_and(|mail| mail.html_body_count() > 0),
        request,
        gone: bytes.is_none(),
        line: line(&desk, &signed, row),
    };
    Ok(desk.good("sent", "outbox.title", &signed, &sent))
}

/// `GET /outbox/ID/body`: the letter itself, for its frame.
pub(super) async fn body(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Answer {
    let row = seen(&desk, &signed, id).await?;
    let bytes = row.as_ref().and_then(|row| read(&desk, row));
    let html = bytes.as_deref().and_then(html_of);
    Ok(html.map_or_else(|| desk.nothing(&signed), in_a_frame))
}

async fn seen(
    desk: &Desk,
    signed: &Signed,
    id: i64,
) -> Result<Option<SandboxRow>, super::desk::Failure> {
    if !signed.person.sees_campaigns() {
        return Ok(None);
    }
    Ok(desk.app().store.sandbox_message(id).await?)
}

/// The file of a message: nothing when it is gone, too large, or not below the folder.
fn read(desk: &Desk, row: &SandboxRow) -> Option<Vec<u8>> {
    let app = desk.app();
    let folder = app.path(&app.settings.paths.sandbox).canonicalize().ok()?;
    let file = app.home.join(&row.file).canonicalize().ok()?;
    let size = file.metadata().ok()?.len();
    if !file.starts_with(folder) || size > LARGEST {
        return None;
    }
    std::fs::read(file).ok()
}

fn pretty(bytes: &[u8]) -> String {
    let value = serde_json::from_slice::<serde_json::Value>(bytes);
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}

/// The HTML of a letter, with the pictures that came with it put into their places.
fn html_of(bytes: &[u8]) -> Option<String> {
    use base64::Engine;

    let mail = MessageParser::default().parse(bytes)?;
    if mail.html_body_count() == 0 {
        return None;
    }
    let mut html = mail.body_html(0)?.into_owned();
    for part in &mail.parts {
        let (Some(id), Some(kind)) = (part.content_id(), part.content_type()) else {
            continue;
        };
        let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
        let content = base64::engine::general_purpose::STANDARD.encode(part.contents());
        html = html.replace(
            &format!("cid:{id}"),
            &format!("data:{kind};base64,{content}"),
        );
    }
    Some(html)
}

//! Letters, nudges and scripts as they will look: with the sample client, or with a real one.
//!
//! A letter stands in a frame of its own in which nothing runs and no form works: it is shown as mail
//! programs show it, and cannot touch the page around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, X_FRAME_OPTIONS};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::desk::{Answer, Desk, Failure};
use super::door::Signed;
use super::parts::{encoded, said};
use crate::jobs::day::DayOptions;
use crate::jobs::preview::{Rendered, preview};
use crate::jobs::staff::Person;
use crate::model::Locale;
use crate::render::Kind;

/// What a letter in its frame may do: be looked at.
const LETTER_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; \
                             img-src https: data:; frame-ancestors 'self'";

const KINDS: [Kind; 4] = [Kind::Letter, Kind::WhatsApp, Kind::Script, Kind::Manager];

#[derive(Serialize)]
struct Letters {
    kinds: Vec<KindPart>,
}

#[derive(Serialize)]
struct KindPart {
    kind: &'static str,
    templates: Vec<TemplatePart>,
}

#[derive(Serialize)]
struct TemplatePart {
    name: String,
    locales: Vec<&'static str>,
    /// Whether the company has written it over.
    own: bool,
    /// The campaigns that use it.
    campaigns: Vec<String>,
}

#[derive(Serialize)]
struct LetterPage {
    kind: &'static str,
    name: String,
    language: &'static str,
    languages: Vec<Choice>,
    /// The client whose facts it shows, by the id of the source.
    client: Option<String>,
    subject: Option<String>,
    preheader: Option<String>,
    text: Option<String>,
    /// The address of the frame with the letter as HTML.
    frame: Option<String>,
    /// Why it cannot be shown.
    problem: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    code: &'static str,
    to: String,
    here: bool,
}

/// `GET /letters`.
pub(super) async fn list(State(desk): State<Arc<Desk>>, signed: Signed) -> Answer {
    if !signed.person.sees_campaigns() {
        return Ok(desk.nothing(&signed));
    }
    let infos = desk.app().templates.templates();
    let kinds = KINDS.map(|kind| {
        let of_kind = infos.iter().filter(|info| info.kind == kind);
        let templates = of_kind.map(|info| TemplatePart {
            name: info.name.clone(),
            locales: info.locales.iter().map(|locale| locale.code()).collect(),
            own: !info.ready,
            campaigns: used_by(&desk, kind, &info.name),
        });
        KindPart {
            kind: kind.folder(),
            templates: templates.collect(),
        }
    });
    let body = Letters {
        kinds: kinds.into(),
    };
    Ok(desk.good("letters", "letters.title", &signed, &body))
}

fn used_by(desk: &Desk, kind: Kind, name: &str) -> Vec<String> {
    let campaigns = desk.app().campaigns.iter().filter(|campaign| {
        campaign.steps.iter().any(|step| {
            let named = if kind == Kind::Script {
                &step.script
            } else {
                &step.template
            };
            named.as_deref() == Some(name)
        })
    });
    campaigns.map(|campaign| campaign.title.clone()).collect()
}

/// What is asked for beside the name: `?locale=ru&client=42`.
type Asked = BTreeMap<String, String>;

/// `GET /letters/KIND/NAME`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path((kind, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let Some(kind) = known(&desk, &signed, &kind, &name) else {
        return Ok(desk.nothing(&signed));
    };
    let locale = locale_of(&desk, &asked);
    let client = asked.get("client").filter(|id| !id.is_empty()).cloned();
    let path = |locale: Locale, end: &str| {
        let client = client
            .as_deref()
            .map(|id| format!("&client={}", encoded(id)));
        let client = client.unwrap_or_default();
        format!(
            "/letters/{}/{name}{end}?locale={}{client}",
            kind.folder(),
            locale.code()
        )
    };
    let mut page = LetterPage {
        kind: kind.folder(),
        language: locale.code(),
        languages: Locale::ALL
            .into_iter()
            .map(|one| Choice {
                code: one.code(),
                to: path(one, ""),
                here: one == locale,
            })
            .collect(),
        subject: None,
        preheader: None,
        text: None,
        frame: None,
        problem: None,
        client: client.clone(),
        name: name.clone(),
    };
    let reader = &signed.person;
    match rendered(&desk, reader, kind, &name, locale, client.as_deref()).await? {
        Ok(Rendered::Letter(letter, _)) => {
            page.subject = Some(letter.subject);
            page.preheader = Some(letter.preheader);
            page.text = Some(letter.text);
            page.frame = Some(path(locale, "/body"));
        }
        Ok(Rendered::Text(text)) => page.text = Some(text),
        // A picture is no letter; `rekindle preview` writes it into a file.
        Ok(Rendered::Certificate(..)) => {}
        Err(problem) => page.problem = Some(problem),
    }
    Ok(desk.good("letter", &name, &signed, &page))
}

/// `GET /letters/KIND/NAME/body`: the letter itself, for its frame.
pub(super) async fn body(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path((kind, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let Some(kind) = known(&desk, &signed, &kind, &name) else {
        return Ok(desk.nothing(&signed));
    };
    let client = asked.get("client").map(String::as_str);
    let (reader, locale) = (&signed.person, locale_of(&desk, &asked));
    let made = rendered(&desk, reader, kind, &name, locale, client).await?;
    match made {
        Ok(Rendered::Letter(letter, picture)) => Ok(in_a_frame(shown(letter.html, picture))),
        _ => Ok(desk.nothing(&signed)),
    }
}

/// A letter with the picture in it that would go along with it.
fn shown(html: String, picture: Option<Vec<u8>>) -> String {
    let Some(png) = picture else { return html };
    let data = BASE64_STANDARD.encode(png);
    html.replace("cid:certificate", &format!("data:image/png;base64,{data}"))
}

/// A letter as the content of a frame of ours.
pub(super) fn in_a_frame(html: String) -> Response {
    let heads: [(HeaderName, &str); 2] = [
        (CONTENT_SECURITY_POLICY, LETTER_POLICY),
        (X_FRAME_OPTIONS, "SAMEORIGIN"),
    ];
    (heads, Html(html)).into_response()
}

/// The kind of a template that there is and that the reader may see.
fn known(desk: &Desk, signed: &Signed, kind: &str, name: &str) -> Option<Kind> {
    let kind = KINDS.into_iter().find(|one| one.folder() == kind)?;
    let infos = desk.app().templates.templates();
    let there = infos
        .iter()
        .any(|info| info.kind == kind && info.name == name);
    (signed.person.sees_campaigns() && there).then_some(kind)
}

fn locale_of(desk: &Desk, asked: &Asked) -> Locale {
    let code = asked.get("locale").map(String::as_str);
    let locale = Locale::ALL
        .into_iter()
        .find(|locale| Some(locale.code()) == code);
    locale.unwrap_or(desk.app().locale())
}

async fn rendered(
    desk: &Desk,
    reader: &Person,
    kind: Kind,
    name: &str,
    locale: Locale,
    client: Option<&str>,
) -> Result<Result<Rendered, String>, Failure> {
    let app = desk.app();
    let client = match client.filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => match app.store.clients_called(id).await?.as_slice() {
            [client] => Some(*client),
            _ => return Ok(Err(said(desk, reader, "letter.nobody"))),
        },
    };
    let options = DayOptions {
        day: app.today(),
        as_of: false,
        also: None,
    };
    Ok(preview(app, Some(kind), name, client, Some(locale), options).await?)
}

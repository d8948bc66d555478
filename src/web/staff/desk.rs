//! What every page of the staff shares: the frame around it, its heads, its style, its failures.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use tracing::error;

use super::door::Signed;
use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::db::StoreError;
use crate::jobs::staff::Person;
use crate::model::{Day, Locale, hex};
use crate::render::{Colour, STAFF_STYLE, StaffPages};
use crate::web::WebError;
use crate::web::guard::BadLinks;
use crate::web::site::Site;

/// Our own style and pictures, forms to ourselves, our own letters in frames; nothing that runs.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
                              frame-src 'self'; form-action 'self'; base-uri 'none'; \
                              frame-ancestors 'none'";

/// How often somebody may ask for a link, or try one, in a minute.
const TRIES: u16 = 20;

const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><path \
                    fill=\"#0b6e69\" d=\"M16 3c3 5 9 7 9 14a9 9 0 0 1-18 0c0-4 2-6 4-8 0 3 1 4 2 5 \
                    1-4 0-7 3-11z\"/></svg>";

/// What every page of the staff shares.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) site: Arc<Site>,
    pub(super) pages: StaffPages,
    /// Asking for links and trying them, by visitor.
    pub(super) tries: BadLinks,
    /// The plan of the day, made once a minute at most.
    pub(super) plans: super::campaigns::Plans,
    style: String,
    style_path: String,
}

impl Desk {
    pub(super) fn new(site: Arc<Site>) -> Result<Self, WebError> {
        let pages = StaffPages::load().map_err(|error| WebError::Pages(error.to_string()))?;
        let accent: Colour = site.app.settings.company.accent.parse().unwrap_or_default();
        let style = format!(
            ":root{{--accent:{accent};--on-accent:{}}}\n{STAFF_STYLE}",
            accent.readable_on()
        );
        // Another style has another name, so that browsers may keep it for ever.
        let name = hex(&site.app.key.mac("style", &style)[..6]);
        Ok(Self {
            pages,
            tries: BadLinks::new(TRIES),
            plans: super::campaigns::Plans::default(),
            style,
            style_path: format!("/assets/{name}.css"),
            site,
        })
    }

    pub(super) fn app(&self) -> &App {
        &self.site.app
    }

    /// A page in its frame; `title` is a key of the words, or a text of its own.
    pub(super) fn page(
        &self,
        status: StatusCode,
        name: &str,
        title: &str,
        reader: Reader<'_>,
        body: &impl Serialize,
    ) -> Response {
        let locale = reader.locale(self);
        let company = &self.app().settings.company;
        let csrf = reader.signed().map(|signed| signed.csrf.as_str());
        let page = Page {
            around: Frame {
                locale: locale.code(),
                company: &company.name,
                style: &self.style_path,
                title: self.pages.word(locale, title),
                sandbox: self.app().settings.delivery.mode == DeliveryMode::Sandbox,
                reader: reader.signed().map(|signed| signed.person.name.as_str()),
                csrf,
                nav: reader
                    .signed()
                    .map(|signed| nav(&signed.person, name))
                    .unwrap_or_default(),
            },
            today: self.app().today(),
            csrf,
            body,
        };
        match self.pages.page(name, locale, &page) {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                error!(%error, page = name, "a page could not be rendered");
                crate::web::site::broken()
            }
        }
    }

    /// A page for somebody who is signed in.
    pub(super) fn good(
        &self,
        name: &str,
        title: &str,
        signed: &Signed,
        body: &impl Serialize,
    ) -> Response {
        self.page(StatusCode::OK, name, title, Reader::Known(signed), body)
    }

    /// What does not exist, or is not the reader's to see.
    pub(super) fn nothing(&self, signed: &Signed) -> Response {
        let (reader, nothing) = (Reader::Known(signed), Nothing {});
        self.page(
            StatusCode::NOT_FOUND,
            "nothing",
            "nothing.title",
            reader,
            &nothing,
        )
    }
}

/// A body that says nothing of its own.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// Who reads a page.
#[derive(Clone, Copy)]
pub(super) enum Reader<'r> {
    /// Somebody who is signed in.
    Known(&'r Signed),
    /// Anybody, in the language that his browser asks for.
    Stranger(Locale),
}

impl<'r> Reader<'r> {
    const fn signed(self) -> Option<&'r Signed> {
        match self {
            Self::Known(signed) => Some(signed),
            Self::Stranger(_) => None,
        }
    }

    const fn locale(self, _: &Desk) -> Locale {
        match self {
            Self::Known(signed) => signed.person.locale,
            Self::Stranger(locale) => locale,
        }
    }
}

/// What a page is made from.
#[derive(Serialize)]
struct Page<'p, B> {
    /// Apart, because a part of a page that is laid around it is given a copy of what it looks at.
    around: Frame<'p>,
    today: Day,
    csrf: Option<&'p str>,
    #[serde(flatten)]
    body: &'p B,
}

/// What stands around every page.
#[derive(Serialize)]
struct Frame<'p> {
    locale: &'static str,
    company: &'p str,
    style: &'p str,
    title: String,
    sandbox: bool,
    /// The name of whoever is signed in.
    reader: Option<&'p str>,
    csrf: Option<&'p str>,
    nav: Vec<Nav>,
}

/// A way to another page.
#[derive(Serialize)]
struct Nav {
    to: &'static str,
    said: &'static str,
    here: bool,
}

fn nav(person: &Person, page: &str) -> Vec<Nav> {
    let ways = [
        (
            "/today",
            "today",
            &["today", "task"][..],
            person.manager.is_some() || person.leads(),
        ),
        ("/clients", "clients", &["clients", "card"], true),
        (
            "/campaigns",
            "campaigns",
            &["campaigns"],
            person.sees_campaigns(),
        ),
        ("/plan", "plan", &["plan"], person.sees_campaigns()),
        (
            "/letters",
            "letters",
            &["letters", "letter"],
            person.sees_campaigns(),
        ),
        (
            "/outbox",
            "outbox",
            &["outbox", "sent"],
            person.sees_campaigns(),
        ),
        ("/figures", "figures", &["figures"], person.sees_figures()),
    ];
    let seen = ways.into_iter().filter(|(.., sees)| *sees);
    let nav = seen.map(|(to, said, pages, _)| Nav {
        to,
        said,
        here: pages.contains(&page),
    });
    nav.collect()
}

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A picture or something else of our own making.
    #[error("{0}")]
    Made(String),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        error!(error = %self, "a page of the staff could not be made");
        crate::web::site::broken()
    }
}

/// What a handler answers.
pub(super) type Answer = Result<Response, Failure>;

/// The style and the icon: nothing of anybody, kept by browsers for ever.
pub(super) async fn asset(State(desk): State<Arc<Desk>>, Path(file): Path<String>) -> Response {
    let forever = (CACHE_CONTROL, "public, max-age=31536000, immutable");
    if desk.style_path.ends_with(&format!("/{file}")) {
        let kind = (CONTENT_TYPE, "text/css; charset=utf-8");
        return ([kind, forever], desk.style.clone()).into_response();
    }
    if file == "icon.svg" {
        return ([(CONTENT_TYPE, "image/svg+xml"), forever], ICON).into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}

/// What a page says about itself that cannot be made: the keys of its title and of the way out.
#[derive(Serialize)]
struct Odd {
    said: &'static str,
    how: &'static str,
}

/// A request that no handler could read, or that found us busy, is answered as a page in the language
/// of its reader; what went wrong in detail is for the log.
pub(super) async fn in_words(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    let reader = Reader::Stranger(super::door::wanted(desk.app(), request.headers()));
    let response = next.run(request).await;
    let status = response.status();
    let odd = if status.is_server_error() {
        Odd {
            said: "broken.title",
            how: "broken.how",
        }
    } else {
        Odd {
            said: "odd.title",
            how: "odd.how",
        }
    };
    let failed = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(CONTENT_TYPE);
    if !failed || kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain")) {
        return response;
    }
    let mut page = desk.page(status, "odd", odd.said, reader, &odd);
    if let Some(later) = response.headers().get(RETRY_AFTER) {
        page.headers_mut().insert(RETRY_AFTER, later.clone());
    }
    page
}

/// The heads of every answer; a handler that has said otherwise keeps its word.
pub(super) async fn heads(mut response: Response) -> Response {
    let heads: [(HeaderName, &str); 5] = [
        (CACHE_CONTROL, "no-store"),
        // To ourselves the address is told: forms are checked by it.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    ];
    for (name, value) in heads {
        let there = response.headers_mut().entry(name);
        there.or_insert(HeaderValue::from_static(value));
    }
    response
}

//! What every request shares: the application, the secrets of the hooks, bounds and heads, and the
//! answers that any page may have to give.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tokio::sync::Semaphore;
use tracing::{error, warn};

use super::WebError;
use super::certificate::Gallery;
use super::guard::BadLinks;
use crate::app::App;
use crate::config::secrets::SecretString;
use crate::model::Locale;
use crate::render::{CompanyPart, PageContext};

/// Nothing but our own form, style and the company's logo; nothing that runs.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src https:; \
                              form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every request shares.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) app: Arc<App>,
    pub(super) secrets: Secrets,
    pub(super) bad_links: BadLinks,
    /// Codes of certificates that nobody has.
    pub(super) bad_codes: BadLinks,
    /// Wrong PINs of the till.
    pub(super) bad_pins: BadLinks,
    /// Certificates that were drawn for the world.
    pub(super) gallery: Gallery,
    at_once: Semaphore,
}

/// The secrets of the hooks; a hook without its secret is closed.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) app_secret: Option<SecretString>,
    pub(super) verify_token: Option<SecretString>,
    pub(super) mail: Option<SecretString>,
    /// The PIN of the till.
    pub(super) till_pin: Option<SecretString>,
    pub(super) tasks: Option<SecretString>,
}

impl Site {
    pub(super) fn new(app: Arc<App>) -> Result<Self, WebError> {
        let web = &app.settings.web;
        let secrets = Secrets::read(&app)?;
        let codes = app.settings.certificates.bad_codes_per_minute;
        Ok(Self {
            bad_links: BadLinks::new(web.bad_links_per_minute),
            bad_codes: BadLinks::new(codes),
            bad_pins: BadLinks::new(codes),
            gallery: Gallery::default(),
            at_once: Semaphore::new(web.at_once.into()),
            secrets,
            app,
        })
    }

    /// Whom a request comes from.
    pub(super) fn visitor(&self, socket: SocketAddr, heads: &HeaderMap) -> IpAddr {
        let forwarded = || {
            let last = heads.get_all("x-forwarded-for").iter().next_back()?;
            let last = last.to_str().ok()?.rsplit(',').next()?;
            last.trim().parse().ok()
        };
        let behind = self.app.settings.web.behind_proxy;
        let address = behind.then(forwarded).flatten();
        address.unwrap_or(socket.ip())
    }

    /// The company, as its pages name it.
    pub(super) fn company(&self) -> CompanyPart {
        CompanyPart::of(&self.app.settings.company)
    }

    /// The page that says that there is none.
    pub(super) fn nowhere(&self, heads: &HeaderMap) -> Response {
        let context = PageContext::of(self.company());
        let locale = spoken(heads).unwrap_or(self.app.locale());
        self.page(StatusCode::NOT_FOUND, "not-found", locale, &context)
    }

    /// A page in the language of its reader.
    pub(super) fn page(
        &self,
        status: StatusCode,
        name: &str,
        locale: Locale,
        context: &PageContext,
    ) -> Response {
        match self.app.templates.render_page(name, locale, context) {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                error!(%error, page = name, "a page could not be rendered");
                broken()
            }
        }
    }
}

impl Secrets {
    fn read(app: &App) -> Result<Self, WebError> {
        let (whatsapp, home) = (&app.settings.whatsapp, &app.home);
        let mail = app.settings.inbound.token(home).transpose();
        let till_pin = app.settings.certificates.till_pin(home).transpose();
        let tasks = app.settings.tasks.hook.secret(home).transpose();
        let mut secrets = Self {
            till_pin: till_pin.map_err(WebError::TillPin)?,
            app_secret: None,
            verify_token: None,
            mail: mail.map_err(WebError::MailToken)?,
            tasks: tasks.map_err(WebError::TasksSecret)?,
        };
        if whatsapp.phone_number_id.is_some() {
            match (whatsapp.app_secret(home), whatsapp.verify_token(home)) {
                (Ok(app_secret), Ok(verify_token)) => {
                    secrets.app_secret = Some(app_secret);
                    secrets.verify_token = Some(verify_token);
                }
                (Err(error), _) | (_, Err(error)) => {
                    warn!(%error, "the hook of WhatsApp is closed: nothing comes back from there");
                }
            }
        }
        Ok(secrets)
    }
}

/// The first of our languages that a visitor speaks.
pub(super) fn spoken(heads: &HeaderMap) -> Option<Locale> {
    let languages = heads.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut languages = languages.split(',').map(|one| {
        let tag = one.split(';').next().unwrap_or_default().trim();
        tag.split('-').next().unwrap_or_default().to_lowercase()
    });
    languages.find_map(|tag| Locale::ALL.into_iter().find(|locale| locale.code() == tag))
}

/// Everything that nobody else answers.
pub(super) async fn not_found(State(site): State<Arc<Site>>, heads: HeaderMap) -> Response {
    site.nowhere(&heads)
}

/// Why a request could not be answered: always our own fault, and logged when it is answered.
#[derive(Debug)]
pub(super) struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        error!(error = format!("{:#}", self.0), "a page failed");
        broken()
    }
}

/// The answer to whoever guesses: later.
pub(super) fn too_many() -> Response {
    let later = [(RETRY_AFTER, "60")];
    (StatusCode::TOO_MANY_REQUESTS, later, "Too many.\n").into_response()
}

/// Our own fault: the visitor may come again.
pub(super) fn broken() -> Response {
    let later = [(RETRY_AFTER, "30")];
    let words = "Something is broken on our side. Please try again in a minute.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, later, words).into_response()
}

/// Keeps the number of requests and the time of each within bounds.
pub(super) async fn bounds(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Response {
    let busy = |words: &'static str| {
        let later = [(RETRY_AFTER, "5")];
        (StatusCode::SERVICE_UNAVAILABLE, later, words).into_response()
    };
    let Ok(_permit) = site.at_once.try_acquire() else {
        return busy("Too much at once. Please try again in a moment.\n");
    };
    let timeout = site.app.settings.web.timeout.duration();
    let answered = tokio::time::timeout(timeout, next.run(request)).await;
    answered.unwrap_or_else(|_| busy("That took too long. Please try again in a moment.\n"))
}

/// The heads of every answer: kept nowhere, framed nowhere, telling no other site about the link.
pub(super) async fn heads(mut response: Response) -> Response {
    let heads = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    ] {
        heads.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The socket that a request came through.
pub(super) type Socket = ConnectInfo<SocketAddr>;

//! The door: a link by e-mail, a button, a session, and a token in every form.
//!
//! A link is good once and for a quarter of an hour, and only its button uses it up: scanners of mail
//! open every link. The cookie is a random number that the database knows as a keyed hash only; the
//! token of forms is made from it, so that no other site can send one. Asking for a link says the same
//! to those whom the company knows and to those whom it does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use tracing::{info, warn};

use super::desk::{Answer, Desk, Failure, Nothing, Reader};
use super::landing;
use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::jobs::deliver;
use crate::jobs::staff::{self, Person};
use crate::model::{Locale, hex};
use crate::rules::delivery::token::{self, Purpose};
use crate::web::site::Socket;

/// A session that nobody used for so long is over, in milliseconds.
const IDLE_MS: i64 = 12 * HOUR_MS;

/// A session is over after so long in any case, in milliseconds.
const LONGEST_MS: i64 = 14 * 24 * HOUR_MS;

const HOUR_MS: i64 = 3_600 * 1_000;

/// The fields of a form.
pub(super) type Fields = BTreeMap<String, String>;

/// Somebody who is signed in. Whoever is not is sent to the page on which he can ask for a link.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) person: Person,
    /// What every form has to bring back.
    pub(super) csrf: String,
    session: [u8; 32],
}

impl FromRequestParts<Arc<Desk>> for Signed {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        desk: &Arc<Desk>,
    ) -> Result<Self, Self::Rejection> {
        match signed(desk, &parts.headers).await {
            Ok(Some(signed)) => Ok(signed),
            Ok(None) => Err(to(&landing::door_for(parts))),
            Err(failure) => Err(failure.into_response()),
        }
    }
}

/// A form that somebody who is signed in has sent from one of our own pages.
pub(super) struct Posted {
    pub(super) signed: Signed,
    pub(super) fields: Fields,
}

impl Posted {
    /// A field without the spaces around it; nothing when it is empty.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let value = self.fields.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    }
}

impl FromRequest<Arc<Desk>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let signed = Signed::from_request_parts(&mut parts, desk).await?;
        let ours = is_from_our_own_page(&parts.headers);
        let request = Request::from_parts(parts, body);
        let form = Form::<Fields>::from_request(request, &()).await;
        let Form(fields) = form.map_err(IntoResponse::into_response)?;
        // Both are sums under a key that nobody knows: how they differ tells nothing.
        let token = fields
            .get("csrf")
            .is_some_and(|given| *given == signed.csrf);
        if !ours || !token {
            warn!("a form that did not come from our own page was turned away");
            let nothing = Nothing {};
            let reader = Reader::Known(&signed);
            return Err(desk.page(
                StatusCode::FORBIDDEN,
                "stale",
                "stale.title",
                reader,
                &nothing,
            ));
        }
        Ok(Self { signed, fields })
    }
}

/// `GET /sign-in?to=PAGE`: a form for the address.
pub(super) async fn ask(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Fields>,
    heads: HeaderMap,
) -> Answer {
    let page = lands_on(&asked);
    if signed(&desk, &heads).await?.is_some() {
        return Ok(to(page.unwrap_or("/")));
    }
    let reader = Reader::Stranger(wanted(desk.app(), &heads));
    let body = AtTheDoor { step: "ask", page };
    Ok(desk.page(StatusCode::OK, "sign-in", "sign-in.title", reader, &body))
}

/// The page that somebody wanted before he had to sign in.
fn lands_on(fields: &Fields) -> Option<&str> {
    fields.get("to").and_then(|page| landing::safe(page))
}

/// `POST /sign-in`: a link goes to the address, if it is one of ours.
pub(super) async fn send(
    State(desk): State<Arc<Desk>>,
    socket: Socket,
    heads: HeaderMap,
    Form(fields): Form<Fields>,
) -> Answer {
    if !is_from_our_own_page(&heads) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let (app, visitor) = (desk.app(), desk.site.visitor(socket.0, &heads));
    if desk.tries.too_many(visitor, app.now_ms()) {
        return Ok(sign_in_page(
            &desk,
            &heads,
            StatusCode::TOO_MANY_REQUESTS,
            "slow",
        ));
    }
    let email = fields.get("email").map(String::as_str).unwrap_or_default();
    if let Some(person) = staff::person(app, email).await? {
        let draw = getrandom::u64().map_err(|error| Failure::Made(error.to_string()))?;
        let sent = staff::send_link(app, &person, draw, lands_on(&fields)).await?;
        info!(sent, "a link to sign in was asked for");
        if app.settings.delivery.mode == DeliveryMode::Sandbox {
            deliver::deliver(app, &|_| ()).await?;
        }
    }
    Ok(sign_in_page(&desk, &heads, StatusCode::OK, "sent"))
}

/// `GET /sign-in/TOKEN`: a page with a button; nothing is used up.
pub(super) async fn offer(
    State(desk): State<Arc<Desk>>,
    socket: Socket,
    Path(token): Path<String>,
    heads: HeaderMap,
) -> Answer {
    let app = desk.app();
    let key = token::verify(&app.key, Purpose::SignIn, &token);
    let good = match &key {
        Some(key) => app.store.sign_in_of(key, app.now_ms()).await?.is_some(),
        None => false,
    };
    if !good {
        return Ok(bad_link(&desk, socket, &heads));
    }
    Ok(sign_in_page(&desk, &heads, StatusCode::OK, "offer"))
}

/// `POST /sign-in/TOKEN`: the link is used up, and its owner is in.
pub(super) async fn enter(
    State(desk): State<Arc<Desk>>,
    socket: Socket,
    Path(token): Path<String>,
    heads: HeaderMap,
) -> Answer {
    if !is_from_our_own_page(&heads) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let (app, now_ms) = (desk.app(), desk.app().now_ms());
    let Some(key) = token::verify(&app.key, Purpose::SignIn, &token) else {
        return Ok(bad_link(&desk, socket, &heads));
    };
    let mut draw = [0_u8; 32];
    getrandom::fill(&mut draw).map_err(|error| Failure::Made(error.to_string()))?;
    let cookie = URL_SAFE_NO_PAD.encode(draw);
    let session = app.key.mac("session", &cookie);
    let Some(entered) = app.store.sign_in(&key, &session, now_ms).await? else {
        return Ok(bad_link(&desk, socket, &heads));
    };
    let store = &app.store;
    store
        .tidy_sessions(now_ms - LONGEST_MS, now_ms - IDLE_MS)
        .await?;
    let cookie = cookie_head(app, &cookie, LONGEST_MS / 1_000);
    let page = entered.lands_on.as_deref().and_then(landing::safe);
    Ok(([(SET_COOKIE, cookie)], to(page.unwrap_or("/"))).into_response())
}

/// `POST /sign-out`.
pub(super) async fn leave(State(desk): State<Arc<Desk>>, posted: Posted) -> Answer {
    desk.app().store.sign_out(&posted.signed.session).await?;
    let gone = cookie_head(desk.app(), "", 0);
    Ok(([(SET_COOKIE, gone)], to("/sign-in")).into_response())
}

/// Every other path: to those who are signed in it does not exist, to the others nothing does.
pub(super) async fn nothing_here(State(desk): State<Arc<Desk>>, signed: Signed) -> Response {
    desk.nothing(&signed)
}

/// Sends the reader on to another page.
pub(super) fn to(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path.to_owned())]).into_response()
}

async fn signed(desk: &Desk, heads: &HeaderMap) -> Result<Option<Signed>, Failure> {
    let (app, now_ms) = (desk.app(), desk.app().now_ms());
    let Some(cookie) = cookie_of(heads, cookie_name(app)) else {
        return Ok(None);
    };
    let session = app.key.mac("session", cookie);
    let (oldest, idle) = (now_ms - LONGEST_MS, now_ms - IDLE_MS);
    let Some(email) = app.store.session(&session, oldest, idle, now_ms).await? else {
        return Ok(None);
    };
    let person = staff::person(app, &email).await?;
    Ok(person.map(|person| Signed {
        person,
        csrf: hex(&app.key.mac("form", cookie)),
        session,
    }))
}

/// What the pages before the door say.
#[derive(Serialize)]
struct AtTheDoor<'p> {
    /// `ask`, `sent`, `offer`, `bad` or `slow`.
    step: &'p str,
    /// The page that was asked for.
    page: Option<&'p str>,
}

fn sign_in_page(desk: &Desk, heads: &HeaderMap, status: StatusCode, step: &str) -> Response {
    let reader = Reader::Stranger(wanted(desk.app(), heads));
    let body = AtTheDoor { step, page: None };
    desk.page(status, "sign-in", "sign-in.title", reader, &body)
}

fn bad_link(desk: &Desk, socket: Socket, heads: &HeaderMap) -> Response {
    let visitor = desk.site.visitor(socket.0, heads);
    if desk.tries.too_many(visitor, desk.app().now_ms()) {
        return sign_in_page(desk, heads, StatusCode::TOO_MANY_REQUESTS, "slow");
    }
    sign_in_page(desk, heads, StatusCode::NOT_FOUND, "bad")
}

/// The language that a browser asks for first, or the company's.
pub(super) fn wanted(app: &App, heads: &HeaderMap) -> Locale {
    let first = heads
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let code = first.and_then(|text| text.split([',', ';', '-']).next());
    let locale = Locale::ALL
        .into_iter()
        .find(|locale| Some(locale.code()) == code);
    locale.unwrap_or(app.locale())
}

/// Whether a form was sent from one of our own pages, as far as the browser tells: what it says of
/// the sender, or the address of the page.
///
/// Source: W3C Fetch Metadata; OWASP, Cross-Site Request Forgery Prevention.
fn is_from_our_own_page(heads: &HeaderMap) -> bool {
    let text = |name: &str| heads.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text(ORIGIN.as_str()), text(HOST.as_str())) {
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
        // Neither is told by programs that are no browsers: they have the cookie from us as well.
        (None, _) => true,
    }
}

fn is_https(app: &App) -> bool {
    staff::pages(app).starts_with("https://")
}

/// With https the name itself tells browsers to take it from nobody else.
fn cookie_name(app: &App) -> &'static str {
    if is_https(app) {
        "__Host-rekindle"
    } else {
        "rekindle"
    }
}

fn cookie_head(app: &App, value: &str, seconds: i64) -> String {
    let secure = if is_https(app) { "; Secure" } else { "" };
    let name = cookie_name(app);
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

fn cookie_of<'h>(heads: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = heads.get_all(COOKIE).iter();
    let mut pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(of, _)| *of == name)?;
    // Our own are 43 characters; what is longer is none.
    (!value.is_empty() && value.len() <= 64).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = axum::http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn a_form_of_another_site_is_told_from_our_own() {
        for (ours, pairs) in [
            (true, &[("sec-fetch-site", "same-origin")][..]),
            (true, &[("sec-fetch-site", "none")]),
            (false, &[("sec-fetch-site", "cross-site")]),
            (false, &[("sec-fetch-site", "same-site")]),
            (
                true,
                &[
                    ("origin", "https://a.example.org"),
                    ("host", "a.example.org"),
                ],
            ),
            (
                false,
                &[
                    ("origin", "https://b.example.org"),
                    ("host", "a.example.org"),
                ],
            ),
            (false, &[("origin", "null"), ("host", "a.example.org")]),
            (true, &[("host", "a.example.org")]),
        ] {
            assert_eq!(is_from_our_own_page(&heads(pairs)), ours, "{pairs:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let heads = heads(&[("cookie", "a=b; rekindle=x-_1; rekindle2=c")]);
        assert_eq!(cookie_of(&heads, "rekindle"), Some("x-_1"));
        assert_eq!(cookie_of(&heads, "__Host-rekindle"), None);
    }
}

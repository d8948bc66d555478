//! The page for the till: look at a certificate, redeem it.
//!
//! It stands on the company's own address and opens with a PIN of its own. Who has given the PIN is
//! known by a cookie that is good until the end of the next day and dies with the PIN. What may be
//! redeemed is decided in the one transaction of `db`, however many tills there are.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header::{COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tracing::{error, info};

use super::certificate::empty;
use super::site::{Site, Socket, broken, spoken};
use crate::app::App;
use crate::certificates::picture;
use crate::certificates::till::{Wish, WishError, redeem};
use crate::config::secrets::ExposeSecret;
use crate::db::{CertificateRow, Redeemed, RedemptionRow, Via};
use crate::model::{Day, Locale, hex};
use crate::render::{CertificatePage, PageContext};
use crate::rules::certificate::{read, standing};
use crate::rules::wording;

/// The longest body of a form, in bytes.
const FORM: usize = 16 * 1024;

/// The name of the cookie.
const TILL: &str = "till";

/// How long a browser keeps the cookie, in seconds; it is checked here as well.
const KEPT_SECONDS: u32 = 24 * 60 * 60;

/// What a form of the page says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    pin: String,
    code: String,
    receipt: String,
    amount: String,
    contact: String,
    name: String,
    cashier: String,
    /// `look` or `redeem`.
    r#do: String,
}

/// The routes of the till.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/till", get(open).post(take))
        .route("/till/enter", post(enter))
        .layer(DefaultBodyLimit::max(FORM))
}

/// `GET /till`: the form, or the question for the PIN.
async fn open(State(site): State<Arc<Site>>, heads: HeaderMap) -> Response {
    match door(&site, &heads) {
        Door::Closed => (
            StatusCode::NOT_FOUND,
            "The till is not set up: certificates.till_pin_file.\n",
        )
            .into_response(),
        Door::Locked => shown(&site, &heads, StatusCode::OK, state("ask"), None),
        Door::Open => shown(
            &site,
            &heads,
            StatusCode::OK,
            CertificatePage::default(),
            None,
        ),
    }
}

/// `POST /till/enter`: the PIN.
async fn enter(
    State(site): State<Arc<Site>>,
    socket: Socket,
    heads: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(pin) = &site.secrets.till_pin else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let visitor = site.visitor(socket.0, &heads);
    let now_ms = site.app.now_ms();
    if site.bad_pins.is_over(visitor, now_ms) {
        let later = [(RETRY_AFTER, "60")];
        return (
            StatusCode::TOO_MANY_REQUESTS,
            later,
            "Too many. Wait a minute.\n",
        )
            .into_response();
    }
    let typed = typed(&body);
    // Two sums under a key that nobody knows: how they differ tells nothing about the PIN.
    let sum = |text: &str| site.app.key.mac("till pin", text);
    if sum(typed.pin.trim()) != sum(pin.expose_secret()) {
        site.bad_pins.too_many(visitor, now_ms);
        return shown(
            &site,
            &heads,
            StatusCode::FORBIDDEN,
            state("wrong_pin"),
            None,
        );
    }
    let word = pass(&site.app, pin.expose_secret(), site.app.today());
    let cookie =
        format!("{TILL}={word}; Path=/till; Max-Age={KEPT_SECONDS}; HttpOnly; SameSite=Strict");
    let heads = [(SET_COOKIE, cookie), (LOCATION, "/till".to_owned())];
    (StatusCode::SEE_OTHER, heads).into_response()
}

/// `POST /till`: looks at a certificate, or redeems it.
async fn take(State(site): State<Arc<Site>>, heads: HeaderMap, body: Bytes) -> Response {
    match door(&site, &heads) {
        Door::Closed => return StatusCode::NOT_FOUND.into_response(),
        Door::Locked => return shown(&site, &heads, StatusCode::FORBIDDEN, state("ask"), None),
        Door::Open => {}
    }
    let typed = typed(&body);
    let locale = language(&site, &heads);
    if typed.r#do == "redeem" {
        return redeemed(&site, &heads, &typed).await;
    }
    let page = |word: &str| CertificatePage {
        typed: Some(typed.code.clone()),
        ..state(word)
    };
    let code = match read(&typed.code) {
        Ok(code) => code,
        Err(error) => {
            let page = CertificatePage {
                because: vec![wording::no_code(locale, error)],
                ..page("mistyped")
            };
            return shown(&site, &heads, StatusCode::OK, page, None);
        }
    };
    match site.app.store.certificate(&code).await {
        Ok(Some(row)) => {
            let word = standing(&row.facts(), site.app.today()).word();
            shown(&site, &heads, StatusCode::OK, page(word), Some(&row))
        }
        Ok(None) => shown(&site, &heads, StatusCode::OK, page("unknown"), None),
        Err(error) => failed(&error),
    }
}

async fn redeemed(site: &Site, heads: &HeaderMap, typed: &Typed) -> Response {
    let locale = language(site, heads);
    let said = |text: &'_ str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let (amount, contact, name) = (said(&typed.amount), said(&typed.contact), said(&typed.name));
    let wish = Wish {
        code: &typed.code,
        receipt: &typed.receipt,
        amount: amount.as_deref(),
        contact: contact.as_deref(),
        name: name.as_deref(),
        ..Wish::default()
    };
    let by = match said(&typed.cashier) {
        Some(cashier) => format!("till: {}", cashier.chars().take(40).collect::<String>()),
        None => "till".to_owned(),
    };
    let page = |word: &str| CertificatePage {
        typed: Some(typed.code.clone()),
        receipt: Some(typed.receipt.clone()),
        ..state(word)
    };
    let (page, row) = match redeem(&site.app, &wish, &by, Via::Till).await {
        Ok(Redeemed::Now { certificate, .. }) => {
            info!(
                receipt = wish.receipt,
                by, "a certificate was redeemed at a till"
            );
            (page("redeemed"), Some(certificate))
        }
        Ok(Redeemed::Before {
            certificate,
            redemption,
        }) => {
            let last = Some(told(&site.app, &redemption));
            let page = CertificatePage {
                last,
                ..page("before")
            };
            (page, Some(certificate))
        }
        Ok(Redeemed::Denied {
            certificate,
            because,
            last,
        }) => {
            let because = because
                .iter()
                .map(|one| wording::objection(locale, *one).to_owned());
            let page = CertificatePage {
                because: because.collect(),
                last: last.map(|last| told(&site.app, &last)),
                ..page("denied")
            };
            (page, Some(certificate))
        }
        Ok(Redeemed::Unknown) => (page("unknown"), None),
        Err(WishError::Store(error)) => return failed(&error),
        Err(error) => {
            let page = CertificatePage {
                because: vec![error.said(locale)],
                ..page("mistyped")
            };
            (page, None)
        }
    };
    shown(site, heads, StatusCode::OK, page, row.as_deref())
}

/// When, by whom and on which receipt.
fn told(app: &App, redemption: &RedemptionRow) -> String {
    let day = wording::date(app.locale(), redemption.day, wording::DateStyle::Short);
    format!("{day}, {}, {}", redemption.receipt, redemption.by)
}

fn failed(error: &crate::db::StoreError) -> Response {
    error!(%error, "the till failed");
    broken()
}

fn state(word: &str) -> CertificatePage {
    CertificatePage {
        state: word.to_owned(),
        ..CertificatePage::default()
    }
}

fn shown(
    site: &Site,
    heads: &HeaderMap,
    status: StatusCode,
    page: CertificatePage,
    row: Option<&CertificateRow>,
) -> Response {
    let locale = language(site, heads);
    let left = row.map_or(0, |row| row.uses.saturating_sub(row.used));
    let context = PageContext {
        certificate: row.map(|row| picture::of_row(&site.app, row)),
        page: Some(CertificatePage { left, ..page }),
        ..empty(site)
    };
    site.page(status, "till", locale, &context)
}

/// The language of whoever stands at the till.
fn language(site: &Site, heads: &HeaderMap) -> Locale {
    spoken(heads).unwrap_or(site.app.locale())
}

/// Whether the page may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// There is no PIN.
    Closed,
    /// The PIN was not given.
    Locked,
    /// The PIN was given today or yesterday.
    Open,
}

fn door(site: &Site, heads: &HeaderMap) -> Door {
    let Some(pin) = &site.secrets.till_pin else {
        return Door::Closed;
    };
    let cookies = heads
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|line| line.split(';')).map(str::trim);
    let given = cookies.find_map(|cookie| cookie.strip_prefix(TILL)?.strip_prefix('='));
    let today = site.app.today();
    let good = |day: Day| given == Some(pass(&site.app, pin.expose_secret(), day).as_str());
    if good(today) || good(today.plus(-1)) {
        Door::Open
    } else {
        Door::Locked
    }
}

/// The word in the cookie: nobody can make one without our key.
fn pass(app: &App, pin: &str, day: Day) -> String {
    hex(&app.key.mac("till pass", &format!("{day} {pin}")))
}

/// The fields of a form; what cannot be read is empty.
fn typed(body: &[u8]) -> Typed {
    let body = String::from_utf8_lossy(body);
    let address = format!("/?{body}").parse();
    let read = address.ok().and_then(|uri| Query::try_from_uri(&uri).ok());
    read.map(|Query(typed)| typed).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_in_any_alphabet_and_rubbish_is_nothing() {
        let form = typed("code=MC+7k4m&name=%D0%90%D0%BD%D0%BD%D0%B0&do=redeem".as_bytes());
        assert_eq!(
            (&*form.code, &*form.name, &*form.r#do),
            ("MC 7k4m", "Анна", "redeem")
        );
        assert_eq!(typed(b"\xff\xfe not a form").code, "");
        assert_eq!(typed(b"").pin, "");
    }
}

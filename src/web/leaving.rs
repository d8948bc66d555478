//! Leaving: one click, and the page on which a client chooses what to receive.
//!
//! Looking never changes anything: scanners of mail open every link. A POST acts, at once and as
//! often as it comes, with no cookie, no login and no redirect.
//!
//! Source: RFC 8058 (one click), RFC 2369.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tracing::info;

use super::link::{Link, choice, unknown_choice};
use super::site::{Failed, Site};
use crate::db::{Entry, KnownMessage, NewSuppression, StoreError, Taking};
use crate::jobs::inputs;
use crate::model::{Channel, Locale, SuppressionReason, SuppressionScope, hex};
use crate::render::{ChannelPart, PageContext};
use crate::rules::delivery::feedback::Report;
use crate::rules::delivery::token::Purpose;

/// A client at one of the pages: the message that brought him here, and his addresses.
struct Visit {
    message: KnownMessage,
    locale: Locale,
    email: Option<Place>,
    phone: Option<Place>,
}

/// An address of the client, as far as a page may know it.
#[derive(Clone)]
struct Place {
    hash: [u8; 32],
    masked: Option<String>,
}

/// A client who followed the link of one click.
pub(super) struct Unsubscribing(Visit);

/// A client who followed the link to his preferences.
pub(super) struct Choosing(Visit);

impl FromRequestParts<Arc<Site>> for Unsubscribing {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        let link = Link::follow(parts, site, Purpose::Unsubscribe).await?;
        Ok(Self(Visit::of(site, link)))
    }
}

impl FromRequestParts<Arc<Site>> for Choosing {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        let link = Link::follow(parts, site, Purpose::Preferences).await?;
        Ok(Self(Visit::of(site, link)))
    }
}

/// `GET /u/TOKEN`: a page with a button.
pub(super) async fn ask(
    State(site): State<Arc<Site>>,
    Unsubscribing(visit): Unsubscribing,
) -> Result<Response, Failed> {
    let context = context(&site, &visit, false).await?;
    let part = match visit.message.channel {
        Channel::Email => context.letters,
        Channel::Whatsapp => context.whatsapp,
    };
    let context = PageContext {
        changed: part.is_some_and(|part| part.stopped),
        ..context
    };
    Ok(site.page(StatusCode::OK, "unsubscribe", visit.locale, &context))
}

/// `POST /u/TOKEN`: no more advertising on the channel of the message.
pub(super) async fn unsubscribe(
    State(site): State<Arc<Site>>,
    Unsubscribing(visit): Unsubscribing,
    body: Bytes,
) -> Result<Response, Failed> {
    if !is_one_click(&body) {
        let words = "List-Unsubscribe=One-Click is missing.\n";
        return Ok((StatusCode::BAD_REQUEST, words).into_response());
    }
    let (hash, channel) = (visit.message.hash, visit.message.channel);
    let scope = SuppressionScope::Advertising;
    stop(&site, &visit, &[(hash, channel)], scope, "one click").await?;
    let context = context(&site, &visit, true).await?;
    Ok(site.page(StatusCode::OK, "unsubscribe", visit.locale, &context))
}

/// `GET /p/TOKEN`: what the client receives.
pub(super) async fn preferences(
    State(site): State<Arc<Site>>,
    Choosing(visit): Choosing,
) -> Result<Response, Failed> {
    let context = context(&site, &visit, false).await?;
    Ok(site.page(StatusCode::OK, "preferences", visit.locale, &context))
}

/// `POST /p/TOKEN`: the client's choice.
pub(super) async fn choose(
    State(site): State<Arc<Site>>,
    Choosing(visit): Choosing,
    body: Bytes,
) -> Result<Response, Failed> {
    if !change(&site, &visit, choice(&body)).await? {
        return Ok(unknown_choice());
    }
    let context = context(&site, &visit, true).await?;
    Ok(site.page(StatusCode::OK, "preferences", visit.locale, &context))
}

impl Visit {
    fn of(site: &Site, link: Link) -> Self {
        let Link {
            message,
            inputs,
            locale,
        } = link;
        let place = |channel: Channel, path: &str| {
            let address = inputs.pointer(path).and_then(serde_json::Value::as_str);
            let address = address.filter(|address| !address.is_empty());
            let own = message.channel == channel;
            let hash = address.map(|address| site.app.key.hash(channel, address));
            Some(Place {
                // The message went to this one, whatever is known of it by now.
                hash: if own { message.hash } else { hash? },
                masked: address.map(|address| masked(channel, address)),
            })
        };
        Self {
            email: place(Channel::Email, "/client/email"),
            phone: place(Channel::Whatsapp, "/client/phone"),
            locale,
            message,
        }
    }
}

/// What a page shows of an address: enough to know one's own, no more.
fn masked(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Email => {
            let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
            let first: String = local.chars().take(1).collect();
            format!("{first}…@{domain}")
        }
        Channel::Whatsapp => {
            let digits: Vec<char> = address.chars().filter(char::is_ascii_digit).collect();
            let last: String = digits.iter().skip(digits.len().saturating_sub(2)).collect();
            format!("+… {last}")
        }
    }
}

/// What a page shows: how things stand now.
async fn context(site: &Site, visit: &Visit, changed: bool) -> Result<PageContext, StoreError> {
    let app = &site.app;
    let places = [&visit.email, &visit.phone];
    let hashes: Vec<[u8; 32]> = places.into_iter().flatten().map(|one| one.hash).collect();
    let rows = app.store.suppressions_of(&hashes).await?;
    let part = |place: &Option<Place>, channel: Channel| {
        let hash = hex(&place.as_ref()?.hash);
        let of_place = rows
            .iter()
            .filter(|row| row.channel == channel && row.hash == hash);
        let mut part = ChannelPart::default();
        for row in of_place {
            part.stopped = true;
            part.fixed |= row.reason != SuppressionReason::Unsubscribe;
        }
        Some(part)
    };
    let own = match visit.message.channel {
        Channel::Email => &visit.email,
        Channel::Whatsapp => &visit.phone,
    };
    Ok(PageContext {
        address: own.as_ref().and_then(|place| place.masked.clone()),
        letters: part(&visit.email, Channel::Email),
        whatsapp: part(&visit.phone, Channel::Whatsapp),
        preferences: Some(inputs::preferences_page(app, &visit.message.key)),
        changed,
        ..PageContext::of(site.company())
    })
}

/// Does what a client chose; `false` when it is nothing that can be chosen.
async fn change(site: &Site, visit: &Visit, choice: &str) -> Result<bool, StoreError> {
    let email = visit.email.as_ref().map(|one| (one.hash, Channel::Email));
    let phone = visit
        .phone
        .as_ref()
        .map(|one| (one.hash, Channel::Whatsapp));
    let (places, stops): (Vec<_>, _) = match choice {
        "stop-letters" => (email.into_iter().collect(), true),
        "stop-whatsapp" => (phone.into_iter().collect(), true),
        "stop-all" => (email.into_iter().chain(phone).collect(), true),
        "allow-letters" => (email.into_iter().collect(), false),
        "allow-whatsapp" => (phone.into_iter().collect(), false),
        _ => return Ok(false),
    };
    if stops {
        let scope = match choice {
            "stop-all" => SuppressionScope::All,
            _ => SuppressionScope::Advertising,
        };
        stop(site, visit, &places, scope, "preference page").await?;
    } else {
        allow(site, &places).await?;
    }
    Ok(true)
}

/// Stops messages, in one transaction; committed when this returns.
async fn stop(
    site: &Site,
    visit: &Visit,
    places: &[([u8; 32], Channel)],
    scope: SuppressionScope,
    by: &str,
) -> Result<(), StoreError> {
    let suppressions = places.iter().map(|(hash, channel)| NewSuppression {
        hash: *hash,
        channel: *channel,
        scope,
        reason: SuppressionReason::Unsubscribe,
    });
    let taking = Taking {
        message: Some(visit.message.id),
        report: Some(Report::OptedOut),
        suppressions: suppressions.collect(),
        today: site.app.today(),
        now_ms: site.app.now_ms(),
        by,
        ..Taking::default()
    };
    site.app.store.take_in(&taking).await?;
    info!(message = visit.message.id, by, "a client wants no more");
    Ok(())
}

/// Takes back what was stopped on a page; nothing else can be taken back there.
async fn allow(site: &Site, places: &[([u8; 32], Channel)]) -> Result<(), StoreError> {
    let entry = Entry {
        by: "preference page",
        reason: "the client wants messages again",
        now_ms: site.app.now_ms(),
    };
    for (hash, channel) in places {
        let only = Some(SuppressionReason::Unsubscribe);
        site.app
            .store
            .remove_suppressions(hash, *channel, only, &entry)
            .await?;
    }
    Ok(())
}

/// Whether a body says `List-Unsubscribe=One-Click`, as a form or as multipart (RFC 8058 §3.2).
fn is_one_click(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    body.contains("list-unsubscribe") && body.contains("one-click")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_no_more_of_an_address_than_its_owner_needs() {
        assert_eq!(
            masked(Channel::Email, "anna.k@example.org"),
            "a…@example.org"
        );
        assert_eq!(masked(Channel::Whatsapp, "+77011234567"), "+… 67");
        assert_eq!(masked(Channel::Email, ""), "…@");
    }

    #[test]
    fn one_click_is_read_in_both_forms() {
        assert!(is_one_click(b"List-Unsubscribe=One-Click"));
        assert!(is_one_click(
            b"--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--"
        ));
        assert!(!is_one_click(b"") && !is_one_click(b"do=stop-all"));
    }
}

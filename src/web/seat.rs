//! A seat at an event: the page that the link of an invitation leads to.
//!
//! As on the pages for leaving, looking changes nothing and a POST acts at once, as often as it comes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::info;

use super::leaving::{answered, company, field, not_ours};
use super::site::{Site, Socket};
use crate::config::campaign::Event;
use crate::db::{KnownMessage, Seated, StoreError, Trace};
use crate::model::{ClientId, Locale};
use crate::render::{EventPart, PageContext};
use crate::rules::delivery::token::{self, Purpose};

/// A client at the page of an event.
struct Guest<'s> {
    message: KnownMessage,
    event: &'s Event,
    locale: Locale,
}

/// `GET /e/TOKEN`: the event, and whether the client has a seat.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    socket: Socket,
    Path(token): Path<String>,
    heads: HeaderMap,
) -> Response {
    let shown = async {
        let Some(guest) = guest(&site, &token).await? else {
            return Ok(not_ours(&site, socket, &heads));
        };
        page(&site, &guest, false).await
    };
    answered(shown.await)
}

/// `POST /e/TOKEN`: takes a seat, or gives it back.
pub(super) async fn choose(
    State(site): State<Arc<Site>>,
    socket: Socket,
    Path(token): Path<String>,
    heads: HeaderMap,
    body: Bytes,
) -> Response {
    let chosen = async {
        let Some(guest) = guest(&site, &token).await? else {
            return Ok(not_ours(&site, socket, &heads));
        };
        let (app, campaign) = (&site.app, guest.message.campaign.as_str());
        let (client, now) = (guest.message.client, app.now_ms());
        if app.today() > guest.event.day {
            return page(&site, &guest, false).await;
        }
        match field(&body, "do") {
            "register" => {
                let seats = guest.event.seats;
                let seated = app.store.take_seat(campaign, client, seats, now).await?;
                info!(
                    campaign,
                    taken = seated == Seated::Taken,
                    "a seat was asked for"
                );
            }
            "cancel" => {
                app.store.give_seat_back(campaign, client, now).await?;
                info!(campaign, "a seat was given back");
            }
            _ => {
                let words = "This choice is not known.\n";
                return Ok((StatusCode::BAD_REQUEST, words).into_response());
            }
        }
        page(&site, &guest, true).await
    };
    answered(chosen.await)
}

/// Who comes with a token, and to which event; nothing when we did not make it, or the event is gone.
async fn guest<'s>(site: &'s Site, token: &str) -> Result<Option<Guest<'s>>, StoreError> {
    let app = &site.app;
    let Some(key) = token::verify(&app.key, Purpose::Event, token) else {
        return Ok(None);
    };
    let Some(message) = app.store.traced(&Trace::Key(&key)).await? else {
        return Ok(None);
    };
    let campaign = app.campaigns.iter().find(|one| one.id == message.campaign);
    let event = campaign.and_then(|campaign| campaign.event.as_ref());
    let Some(event) = event.filter(|_| message.client != ClientId(0)) else {
        return Ok(None);
    };
    let inputs: serde_json::Value = serde_json::from_str(&message.inputs).unwrap_or_default();
    let locale = inputs.get("locale").and_then(serde_json::Value::as_str);
    let locale = locale.and_then(|code| code.parse().ok());
    Ok(Some(Guest {
        event,
        locale: locale.unwrap_or(app.locale()),
        message,
    }))
}

async fn page(site: &Site, guest: &Guest<'_>, changed: bool) -> Result<Response, StoreError> {
    let app = &site.app;
    let (campaign, client) = (&guest.message.campaign, guest.message.client);
    let seat = app.store.seat(campaign, client).await?;
    let taken = app.store.seats_taken(campaign).await?;
    let public = app.settings.delivery.public_url.trim_end_matches('/');
    let here = token::make(&app.key, Purpose::Event, &guest.message.key);
    let context = PageContext {
        event: Some(EventPart::of(guest.event, format!("{public}/e/{here}"))),
        registered: seat.is_some_and(|seat| seat.taken),
        full: guest.event.seats.is_some_and(|seats| taken >= seats),
        over: app.today() > guest.event.day,
        changed,
        ..PageContext::of(company(site))
    };
    Ok(site.page(StatusCode::OK, "seminar", guest.locale, &context))
}

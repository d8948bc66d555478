//! A seat at an event: the page that the link of an invitation leads to.
//!
//! As on the pages for leaving, looking changes nothing and a POST acts at once, as often as it comes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use tracing::info;

use super::link::{Link, choice, not_ours, unknown_choice};
use super::site::{Failed, Site};
use crate::config::campaign::Event;
use crate::db::Seated;
use crate::jobs::inputs;
use crate::render::{EventPart, PageContext};
use crate::rules::delivery::token::Purpose;

/// A client at the page of an event.
pub(super) struct Guest {
    link: Link,
    event: Event,
}

impl FromRequestParts<Arc<Site>> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        let link = Link::follow(parts, site, Purpose::Event).await?;
        let campaign = site.app.campaign(&link.message.campaign);
        match campaign.and_then(|campaign| campaign.event.clone()) {
            Some(event) => Ok(Self { link, event }),
            // The event is gone, and with it the page that the link led to.
            None => Err(not_ours(parts, site).await),
        }
    }
}

/// `GET /e/TOKEN`: the event, and whether the client has a seat.
pub(super) async fn show(State(site): State<Arc<Site>>, guest: Guest) -> Result<Response, Failed> {
    page(&site, &guest, false).await
}

/// `POST /e/TOKEN`: takes a seat, or gives it back.
pub(super) async fn choose(
    State(site): State<Arc<Site>>,
    guest: Guest,
    body: Bytes,
) -> Result<Response, Failed> {
    let (app, campaign) = (&site.app, guest.link.message.campaign.as_str());
    let (client, now) = (guest.link.message.client, app.now_ms());
    if app.today() > guest.event.day {
        return page(&site, &guest, false).await;
    }
    match choice(&body) {
        "register" => {
            let seats = guest.event.seats;
            let seated = app.store.take_seat(campaign, client, seats, now).await?;
            let taken = seated == Seated::Taken;
            info!(campaign, taken, "a seat was asked for");
        }
        "cancel" => {
            app.store.give_seat_back(campaign, client, now).await?;
            info!(campaign, "a seat was given back");
        }
        _ => return Ok(unknown_choice()),
    }
    page(&site, &guest, true).await
}

async fn page(site: &Site, guest: &Guest, changed: bool) -> Result<Response, Failed> {
    let app = &site.app;
    let message = &guest.link.message;
    let (campaign, client) = (&message.campaign, message.client);
    let seat = app.store.seat(campaign, client).await?;
    let taken = app.store.seats_taken(campaign).await?;
    let here = inputs::seat_page(app, &message.key);
    let context = PageContext {
        event: Some(EventPart::of(&guest.event, here)),
        registered: seat.is_some_and(|seat| seat.taken),
        full: guest.event.seats.is_some_and(|seats| taken >= seats),
        over: app.today() > guest.event.day,
        changed,
        ..PageContext::of(site.company())
    };
    Ok(site.page(StatusCode::OK, "seminar", guest.link.locale, &context))
}

//! Following a signed link of a letter to the message that carried it.
//!
//! A page that is opened by such a link takes an extractor made with [`Link::follow`], so a handler is
//! reached by good links only. What a link is good for is decided by its purpose; a token of another
//! purpose is a link that we did not make. Those are counted by visitor here.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::site::{Failed, Site, Socket, too_many};
use crate::db::{KnownMessage, StoreError, Trace};
use crate::model::{ClientId, Locale};
use crate::rules::delivery::token::{self, Purpose};

/// A link that we made, followed.
pub(super) struct Link {
    /// The message that carried it.
    pub(super) message: KnownMessage,
    /// What the message was rendered from, frozen when it was planned.
    pub(super) inputs: Value,
    /// The language of the message.
    pub(super) locale: Locale,
}

impl Link {
    /// Follows the link of a request, good for one purpose.
    ///
    /// # Errors
    ///
    /// The answer to a link that we did not make, or whose message or client is gone; or our own fault.
    pub(super) async fn follow(
        parts: &mut Parts,
        site: &Arc<Site>,
        purpose: Purpose,
    ) -> Result<Self, Response> {
        let token = Path::<String>::from_request_parts(parts, site).await;
        let Path(token) = token.map_err(IntoResponse::into_response)?;
        match find(site, purpose, &token).await {
            Ok(Some(link)) => Ok(link),
            Ok(None) => Err(not_ours(parts, site).await),
            Err(error) => Err(Failed::from(error).into_response()),
        }
    }
}

/// What stands behind a token; only a good one reaches the database.
async fn find(site: &Site, purpose: Purpose, token: &str) -> Result<Option<Link>, StoreError> {
    let app = &site.app;
    let Some(key) = token::verify(&app.key, purpose, token) else {
        return Ok(None);
    };
    let message = app.store.traced(&Trace::Key(&key)).await?;
    let of_client = message.filter(|message| message.client != ClientId(0));
    Ok(of_client.map(|message| {
        let inputs: Value = serde_json::from_str(&message.inputs).unwrap_or_default();
        let locale = inputs.get("locale").and_then(Value::as_str);
        let locale = locale.and_then(|code| code.parse().ok());
        Link {
            locale: locale.unwrap_or(app.locale()),
            inputs,
            message,
        }
    }))
}

/// The answer to a link that we did not make; whoever tries many is not answered any more for a while.
pub(super) async fn not_ours(parts: &mut Parts, site: &Arc<Site>) -> Response {
    let socket = match Socket::from_request_parts(parts, site).await {
        Ok(socket) => socket,
        Err(rejected) => return rejected.into_response(),
    };
    let visitor = site.visitor(socket.0, &parts.headers);
    if site.bad_links.too_many(visitor, site.app.now_ms()) {
        return too_many();
    }
    site.nowhere(&parts.headers)
}

/// What a visitor chose: the field `do` of a form. Our own values need no decoding.
pub(super) fn choice(body: &[u8]) -> &str {
    let body = std::str::from_utf8(body).unwrap_or_default();
    let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(name, _)| *name == "do")
        .map_or("", |(_, value)| value)
}

/// The answer to a form that chose what no page of ours offers.
pub(super) fn unknown_choice() -> Response {
    let words = "This choice is not known.\n";
    (StatusCode::BAD_REQUEST, words).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_found_among_other_fields_and_rubbish_chooses_nothing() {
        assert_eq!(choice(b"a=b&do=stop-all"), "stop-all");
        assert_eq!(choice(b"\xff"), "");
    }
}

//! What providers tell: believed only with their signature or the word, stored before it is
//! answered, looked at by `jobs::intake`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::{error, warn};

use super::site::Site;
use crate::channels::task_hook;
use crate::channels::whatsapp::webhook::{SIGNATURE_HEADER, Verification, is_signed, parse};
use crate::config::secrets::ExposeSecret;
use crate::db::InboundKind;
use crate::jobs::intake;

/// Answers Meta's question whether the address is ours.
pub(super) async fn verify_whatsapp(
    State(site): State<Arc<Site>>,
    question: Result<Query<Verification>, QueryRejection>,
) -> Response {
    let Some(token) = &site.secrets.verify_token else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let answer = question
        .ok()
        .and_then(|Query(question)| question.answer(token).map(str::to_owned));
    match answer {
        Some(challenge) => {
            let plain = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::OK, plain, challenge).into_response()
        }
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

/// Takes a webhook of WhatsApp.
pub(super) async fn whatsapp(
    State(site): State<Arc<Site>>,
    heads: HeaderMap,
    raw: Bytes,
) -> StatusCode {
    let Some(secret) = &site.secrets.app_secret else {
        return StatusCode::NOT_FOUND;
    };
    let signature = heads.get(SIGNATURE_HEADER);
    let signature = signature.and_then(|value| value.to_str().ok());
    if !is_signed(&raw, signature, secret) {
        warn!("a webhook without a good signature was refused");
        return StatusCode::FORBIDDEN;
    }
    if parse(&raw).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    kept(&site, InboundKind::Whatsapp, &raw).await
}

/// Takes a mail as it came: a bounce, a complaint, an answer.
pub(super) async fn mail(
    State(site): State<Arc<Site>>,
    heads: HeaderMap,
    raw: Bytes,
) -> StatusCode {
    let Some(word) = &site.secrets.mail else {
        return StatusCode::NOT_FOUND;
    };
    let given = heads.get(AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    // Two sums under a key that nobody knows: how they differ tells nothing about the word.
    let sum = |text: &str| site.app.key.mac("bearer", text);
    if given.is_none_or(|given| sum(given.trim()) != sum(word.expose_secret())) {
        warn!("a mail without the right word was refused");
        return StatusCode::UNAUTHORIZED;
    }
    if raw.is_empty() {
        return StatusCode::BAD_REQUEST;
    }
    kept(&site, InboundKind::Mail, &raw).await
}

/// Takes outcomes of tasks that another program tells.
pub(super) async fn outcomes(
    State(site): State<Arc<Site>>,
    heads: HeaderMap,
    raw: Bytes,
) -> Response {
    let Some(secret) = &site.secrets.tasks else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let signature = heads.get(task_hook::SIGNATURE_HEADER);
    let signature = signature.and_then(|value| value.to_str().ok());
    if !is_signed(&raw, signature, secret) {
        warn!("outcomes without a good signature were refused");
        return StatusCode::FORBIDDEN.into_response();
    }
    if let Err(why) = intake::outcomes::check(&raw) {
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    kept(&site, InboundKind::Outcomes, &raw)
        .await
        .into_response()
}

async fn kept(site: &Site, kind: InboundKind, raw: &[u8]) -> StatusCode {
    match site
        .app
        .store
        .keep_inbound(kind, raw, site.app.now_ms())
        .await
    {
        Ok(_) => StatusCode::OK,
        Err(error) => {
            // Not answered with 200: it is told again.
            error!(%error, "what came in could not be stored");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

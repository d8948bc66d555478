//! The pages of the company's own people: server-rendered, without a script.
//!
//! [`door`] lets in: a link by e-mail, a session, and a token in every form. Behind it [`today`],
//! [`task`] with its [`gift`], [`search`] and [`card`] are a manager's day; [`campaigns`], [`letters`] and [`outbox`] belong to
//! marketing; [`figures`] to the owner. A stranger gets the same answer everywhere: the page on which
//! he can ask for a link. What somebody may not see does not exist for him.

mod campaigns;
mod card;
mod desk;
mod door;
mod figure_files;
mod figures;
mod gift;
mod landing;
mod letters;
mod outbox;
mod parts;
mod script;
mod search;
mod task;
mod today;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

use super::site::{self, Site};
use super::{FORM, WebError};
pub(super) use desk::Desk;

/// What the company's own people may ask for.
pub(super) fn routes(desk: Arc<Desk>) -> Router {
    let site: Arc<Site> = desk.site.clone();
    Router::new()
        .route("/sign-in", get(door::ask).post(door::send))
        .route("/sign-in/{token}", get(door::offer).post(door::enter))
        .route("/sign-out", post(door::leave))
        .route("/", get(today::home))
        .route("/today", get(today::list))
        .route("/today/more", post(today::more))
        .route("/tasks/{id}", get(task::show).post(task::record))
        .route("/tasks/{id}/give", post(task::give))
        .route("/tasks/{id}/{file}", get(gift::show))
        .route("/clients", get(search::show))
        .route("/clients/{id}", get(card::show))
        .route("/clients/{id}/rhythm.svg", get(card::rhythm))
        .route("/campaigns", get(campaigns::list))
        .route("/plan", get(campaigns::plan))
        .route("/letters", get(letters::list))
        .route("/letters/{kind}/{name}", get(letters::show))
        .route("/letters/{kind}/{name}/body", get(letters::body))
        .route("/outbox", get(outbox::list))
        .route("/outbox/{id}", get(outbox::show))
        .route("/outbox/{id}/body", get(outbox::body))
        .route("/figures", get(figures::show))
        .route("/figures/{picture}", get(figure_files::file))
        .route("/assets/{file}", get(desk::asset))
        .route("/healthz", get(super::healthy))
        .merge(super::till::routes().with_state(site.clone()))
        .fallback(door::nothing_here)
        .layer(DefaultBodyLimit::max(FORM))
        .layer(middleware::from_fn_with_state(site, site::bounds))
        .layer(middleware::from_fn_with_state(desk.clone(), desk::in_words))
        .layer(middleware::map_response(desk::heads))
        .with_state(desk)
}

/// What the pages share, made once.
pub(super) fn desk(site: Arc<Site>) -> Result<Arc<Desk>, WebError> {
    Desk::new(site).map(Arc::new)
}

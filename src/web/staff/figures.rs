//! The figures of the owner.

use std::sync::Arc;

use axum::extract::{Path, State};

use super::desk::{Answer, Desk, Nothing};
use super::door::Signed;

/// `GET /figures`.
pub(super) async fn show(State(desk): State<Arc<Desk>>, signed: Signed) -> Answer {
    if !signed.person.sees_figures() {
        return Ok(desk.nothing(&signed));
    }
    Ok(desk.good("figures", "figures.title", &signed, &Nothing {}))
}

/// `GET /figures/FILE`.
pub(super) async fn file(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path(_file): Path<String>,
) -> Answer {
    Ok(desk.nothing(&signed))
}

//! The certificate that came of a task: what the manager passes on, and its picture.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Serialize;

use super::desk::{Answer, Desk, Failure};
use super::door::Signed;
use super::parts::Ways;
use super::task::own_task;
use crate::certificates::picture::{self, Form};
use crate::db::{CertificateRow, TaskRow};
use crate::jobs::outcome::given_by;
use crate::model::Day;
use crate::web::certificate::drawn;

/// A certificate as the page of its task shows it.
#[derive(Serialize)]
pub(super) struct GiftPart {
    code: String,
    valid_until: Day,
    /// The public page of the certificate.
    page: String,
    /// How often it was used.
    used: u32,
    /// A message in WhatsApp with the link.
    whatsapp: String,
    /// A letter with the link.
    mailto: Option<String>,
}

/// The certificate of a task, ready to be sent to the client of these ways.
pub(super) async fn of_task(
    desk: &Desk,
    task: &TaskRow,
    ways: &Ways,
) -> Result<Option<GiftPart>, Failure> {
    let Some(row) = row(desk, task).await? else {
        return Ok(None);
    };
    let page = picture::page_of(desk.app(), &row.code);
    // What the client reads is in his own language, whoever sends it.
    let words = |key| desk.pages.word(row.locale, key);
    let text = words("gift.text").replace("{link}", &page);
    Ok(Some(GiftPart {
        whatsapp: ways.whatsapp_with(&text),
        mailto: ways.mail_with(&words("gift.subject"), &text),
        valid_until: row.valid_until,
        used: row.used,
        code: row.code,
        page,
    }))
}

async fn row(desk: &Desk, task: &TaskRow) -> Result<Option<CertificateRow>, Failure> {
    Ok(desk.app().store.certificate_for(&given_by(task)).await?)
}

/// `GET /tasks/ID/certificate.png` and `.pdf`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path((id, file)): Path<(String, String)>,
) -> Answer {
    let form = match file.as_str() {
        "certificate.png" => Form::Png,
        "certificate.pdf" => Form::Pdf,
        _ => return Ok(desk.nothing(&signed)),
    };
    let task = own_task(&desk, &signed, &id).await?;
    let certificate = match &task {
        Some(task) => row(&desk, task).await?,
        None => None,
    };
    match certificate {
        Some(row) => Ok(drawn(&desk.site, row, form).await),
        None => Ok(desk.nothing(&signed)),
    }
}

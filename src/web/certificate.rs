//! The page of a certificate: what it gives, whether it is good, its picture, a sheet to print.
//!
//! Whoever has the code sees what stands on the certificate and nothing else: not whose it is, not
//! who used it. Codes that nobody has are counted by visitor; who guesses on is answered nothing at
//! all for a while, good codes included: otherwise guessing would go on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tracing::error;

use super::site::{Site, Socket, broken, spoken, too_many};
use crate::certificates::picture::{self, Easel, Form};
use crate::db::CertificateRow;
use crate::render::{CertificatePage, CompanyPart, PageContext};
use crate::rules::certificate::{Standing, read, standing};

/// How many drawn certificates are kept: a letter is opened by many at the same time.
const KEPT: usize = 64;

/// How many are drawn at one time.
const AT_ONCE: usize = 2;

/// Drawing for the world: a few at a time, the latest kept.
#[derive(Debug)]
pub(super) struct Gallery {
    kept: Mutex<VecDeque<(String, Arc<Vec<u8>>)>>,
    drawing: Semaphore,
}

impl Default for Gallery {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            drawing: Semaphore::new(AT_ONCE),
        }
    }
}

impl Gallery {
    fn find(&self, name: &str) -> Option<Arc<Vec<u8>>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(of, _)| of == name);
        found.map(|(_, bytes)| Arc::clone(bytes))
    }

    fn keep(&self, name: &str, bytes: &Arc<Vec<u8>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((name.to_owned(), Arc::clone(bytes)));
    }
}

/// `GET /c/CODE`, `/c/CODE.png`, `/c/CODE.pdf`.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    socket: Socket,
    Path(file): Path<String>,
    heads: HeaderMap,
) -> Response {
    let visitor = site.visitor(socket.0, &heads);
    let now_ms = site.app.now_ms();
    if site.bad_codes.is_over(visitor, now_ms) {
        return too_many();
    }
    let (typed, form) = match file.rsplit_once('.') {
        Some((code, "png")) => (code, Some(Form::Png)),
        Some((code, "pdf")) => (code, Some(Form::Pdf)),
        _ => (file.as_str(), None),
    };
    let found = match read(typed) {
        Ok(code) => site.app.store.certificate(&code).await,
        Err(_) => Ok(None),
    };
    match found {
        Ok(Some(row)) => match form {
            Some(form) => drawn(&site, row, form).await,
            None => page(&site, &heads, &row),
        },
        Ok(None) => {
            if site.bad_codes.too_many(visitor, now_ms) {
                return too_many();
            }
            let locale = spoken(&heads).unwrap_or(site.app.locale());
            let context = empty(&site);
            site.page(StatusCode::NOT_FOUND, "certificate-page", locale, &context)
        }
        Err(error) => {
            error!(%error, "a certificate could not be looked up");
            broken()
        }
    }
}

/// A page that shows no certificate.
pub(super) fn empty(site: &Site) -> PageContext {
    PageContext {
        page: Some(CertificatePage::default()),
        ..PageContext::of(CompanyPart::of(&site.app.settings.company))
    }
}

fn page(site: &Site, heads: &HeaderMap, row: &CertificateRow) -> Response {
    let app = &site.app;
    let part = picture::of_row(app, row);
    let standing = standing(&row.facts(), app.today());
    let print = part.url.as_ref().map(|page| format!("{page}.pdf"));
    let context = PageContext {
        page: Some(CertificatePage {
            state: standing.word().to_owned(),
            left: row.uses.saturating_sub(row.used),
            print: print.filter(|_| standing == Standing::Valid),
            ..CertificatePage::default()
        }),
        certificate: Some(part),
        ..empty(site)
    };
    let locale = spoken(heads).unwrap_or(row.locale);
    site.page(StatusCode::OK, "certificate-page", locale, &context)
}

/// The picture, or the sheet; drawn aside, so that nobody else waits.
pub(super) async fn drawn(site: &Arc<Site>, row: CertificateRow, form: Form) -> Response {
    let (end, media) = match form {
        Form::Pdf => ("pdf", "application/pdf"),
        Form::Png => ("png", "image/png"),
    };
    let name = format!("{}.{end}", row.code);
    let bytes = match site.gallery.find(&name) {
        Some(bytes) => bytes,
        None => match draw(site, row, form).await {
            Some(bytes) => {
                let bytes = Arc::new(bytes);
                site.gallery.keep(&name, &bytes);
                bytes
            }
            None => return broken(),
        },
    };
    let disposition = format!("inline; filename=\"{name}\"");
    let heads = [
        (CONTENT_TYPE, media.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    (heads, bytes.as_ref().clone()).into_response()
}

async fn draw(site: &Arc<Site>, row: CertificateRow, form: Form) -> Option<Vec<u8>> {
    let _permit = site.gallery.drawing.acquire().await.ok()?;
    let app = Arc::clone(&site.app);
    let drawn = tokio::task::spawn_blocking(move || {
        let part = picture::of_row(&app, &row);
        let company = CompanyPart::of(&app.settings.company);
        Easel::of(&app).draw(&company, &part, row.locale, form)
    });
    match drawn.await {
        Ok(Ok(bytes)) => Some(bytes),
        Ok(Err(error)) => {
            error!(%error, "a certificate could not be drawn");
            None
        }
        Err(error) => {
            error!(%error, "a certificate could not be drawn");
            None
        }
    }
}

//! The servers: pages for clients and hooks for providers on one address, the company's own people
//! ([`staff`]) on another.
//!
//! The public one knows four things: leaving ([`leaving`]), seats at events ([`seat`]), certificates
//! ([`certificate`]), and what providers tell ([`hooks`]). The other one has the page for the till
//! ([`till`]) and what an operator's tools ask for ([`operating`]). What comes in is stored and answered;
//! what it means is found out by `jobs::intake`. HTTPS belongs to the web server in front. No request
//! is logged with its path: a token is a key.

mod certificate;
mod exposition;
mod guard;
mod hooks;
mod leaving;
mod link;
mod operating;
mod seat;
mod site;
mod staff;
mod till;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::app::App;
use crate::channels::task_hook;
use crate::channels::whatsapp::webhook;
use crate::config::secrets::SecretError;
use site::Site;

/// How much longer than one request may take the last ones are waited for when the end was asked
/// for.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The longest body of a form, in bytes.
const FORM: usize = 16 * 1024;

/// Why nobody can be listened to.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address is none.
    #[error("web.{key} = \"{written}\" is no address with a port")]
    Address {
        /// The key of the configuration.
        key: &'static str,
        /// What it says.
        written: String,
    },
    /// The address cannot be listened on.
    #[error("nobody can listen on {address}: {error}; is another rekindle running there?")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The word for the hook of mail.
    #[error("inbound: {0}")]
    MailToken(SecretError),
    /// The PIN of the till.
    #[error("certificates: {0}")]
    TillPin(SecretError),
    /// The secret of tasks and outcomes.
    #[error("tasks.hook: {0}")]
    TasksSecret(SecretError),
    /// The pages of the staff.
    #[error("the pages of the staff are broken: {0}")]
    Pages(String),
    /// A server ended by itself.
    #[error("a server ended: {0}")]
    Ended(std::io::Error),
}

/// The servers, bound and not yet serving.
#[derive(Debug)]
pub struct Web {
    site: Arc<Site>,
    desk: Arc<staff::Desk>,
    public: TcpListener,
    staff: TcpListener,
}

impl Web {
    /// Binds both addresses and reads the secrets of the hooks.
    ///
    /// # Errors
    ///
    /// An address is none or is taken, or the word for the hook of mail cannot be read.
    pub async fn bind(app: Arc<App>) -> Result<Self, WebError> {
        let web = &app.settings.web;
        let site = Arc::new(Site::new(app.clone())?);
        let public = listener("public", &web.public, web.public_address()).await?;
        let staff = listener("staff", &web.staff, web.staff_address()).await?;
        Ok(Self {
            desk: staff::desk(site.clone())?,
            site,
            public,
            staff,
        })
    }

    /// Where the world is listened to.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn public_address(&self) -> std::io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where the company's own people are listened to.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn staff_address(&self) -> std::io::Result<SocketAddr> {
        self.staff.local_addr()
    }

    /// Serves until it is told to stop; requests that are being answered are finished.
    ///
    /// # Errors
    ///
    /// A server ended by itself.
    pub async fn run(self, stop: CancellationToken) -> Result<(), WebError> {
        let last = self.site.app.settings.web.timeout.duration() + LAST_ANSWERS;
        let public = public(self.site.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let public =
            axum::serve(self.public, public).with_graceful_shutdown(stop.clone().cancelled_owned());
        let staff = staff::routes(self.desk)
            .merge(operating::router(Arc::clone(&self.site.app)))
            .into_make_service_with_connect_info::<SocketAddr>();
        let staff =
            axum::serve(self.staff, staff).with_graceful_shutdown(stop.clone().cancelled_owned());
        let both = async { tokio::try_join!(public.into_future(), staff.into_future()) };
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(last).await;
        };
        tokio::select! {
            ended = both => ended.map(drop).map_err(WebError::Ended),
            // Whoever does not finish his request keeps nobody from stopping.
            () = late => Ok(()),
        }
    }
}

/// Listens on both addresses and serves until it is told to stop.
///
/// # Errors
///
/// As for [`Web::bind`] and [`Web::run`].
pub async fn serve(app: Arc<App>, stop: CancellationToken) -> Result<(), WebError> {
    let web = Web::bind(app).await?;
    if let (Ok(public), Ok(staff)) = (web.public_address(), web.staff_address()) {
        info!(%public, %staff, "listening");
    }
    web.run(stop).await
}

async fn listener(
    key: &'static str,
    written: &str,
    address: Option<SocketAddr>,
) -> Result<TcpListener, WebError> {
    let address = address.ok_or_else(|| WebError::Address {
        key,
        written: written.to_owned(),
    })?;
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| WebError::Bind { address, error })
}

/// What the world may ask for.
fn public(site: Arc<Site>) -> Router {
    let form = DefaultBodyLimit::max(FORM);
    let mail = DefaultBodyLimit::max(site.app.settings.inbound.largest());
    let whatsapp = get(hooks::verify_whatsapp)
        .post(hooks::whatsapp)
        .layer(DefaultBodyLimit::max(webhook::LONGEST));
    let outcomes = post(hooks::outcomes).layer(DefaultBodyLimit::max(task_hook::LONGEST));
    Router::new()
        .route(
            "/u/{token}",
            get(leaving::ask).post(leaving::unsubscribe).layer(form),
        )
        .route(
            "/p/{token}",
            get(leaving::preferences).post(leaving::choose).layer(form),
        )
        .route("/c/{file}", get(certificate::show))
        .route("/e/{token}", get(seat::show).post(seat::choose).layer(form))
        .route("/hooks/whatsapp", whatsapp)
        .route("/hooks/mail", post(hooks::mail).layer(mail))
        .route("/hooks/outcomes", outcomes)
        .route("/healthz", get(healthy))
        .fallback(site::not_found)
        .layer(middleware::from_fn_with_state(site.clone(), site::bounds))
        .layer(middleware::map_response(site::heads))
        .with_state(site)
}

/// That the process answers; how it is doing is told elsewhere.
async fn healthy() -> (StatusCode, &'static str) {
    (StatusCode::OK, "ok\n")
}

//! The mail server as a session needs it: where, how encrypted, with which login.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::config::secrets::{self, ExposeSecret, SecretError, SecretString};
use crate::config::smtp::{Deadlines, Smtp, SmtpTls};

/// A mail server that letters are handed to. Holds the password; its `Debug` does not show it.
#[derive(Clone)]
pub struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: SmtpTls,
    pub(super) connector: TlsConnector,
    pub(super) name: ServerName<'static>,
    pub(super) login: Option<Login>,
    pub(super) hello: ClientId,
    pub(super) deadlines: Deadlines,
}

/// A name with its password.
#[derive(Clone)]
pub(super) struct Login {
    user: String,
    password: SecretString,
}

impl Login {
    /// What lettre logs in with; made for one login and dropped after it.
    pub(super) fn credentials(&self) -> Credentials {
        let password = self.password.expose_secret().to_owned();
        Credentials::new(self.user.clone(), password)
    }
}

/// Why there is no way to the mail server, whatever it says.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// None is configured.
    #[error("no mail server is configured: write host in [smtp]")]
    NoHost,
    /// The name cannot be one.
    #[error("\"{0}\" cannot be the name of a mail server")]
    Host(String),
    /// Passwords and letters would travel in the open.
    #[error("tls = \"none\" is for a mail server on this machine; {0} is another one")]
    InTheOpen(String),
    /// The password cannot be read.
    #[error("the password of [smtp]: {0}")]
    Password(#[from] SecretError),
    /// There is a user and no password.
    #[error("the user of [smtp] has no password: write password_env or password_file")]
    NoPassword,
    /// The certificate authorities cannot be read.
    #[error("{}: {error}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: String,
    },
    /// TLS cannot be set up at all.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Server {
    /// The server of `[smtp]`. Relative files start at `home`; `sender_domain` is greeted with when
    /// the settings name nothing else. Reads the password and the certificate authorities now.
    pub fn new(settings: &Smtp, home: &Path, sender_domain: &str) -> Result<Self, ServerError> {
        let host = settings.host.clone().ok_or(ServerError::NoHost)?;
        let ascii = match host.parse::<IpAddr>() {
            Ok(_) => host.clone(),
            Err(_) => idna::domain_to_ascii(&host).map_err(|_| ServerError::Host(host.clone()))?,
        };
        let name = ServerName::try_from(ascii.clone()).map_err(|_| ServerError::Host(host))?;
        if settings.tls == SmtpTls::None && !is_this_machine(&ascii) {
            return Err(ServerError::InTheOpen(ascii));
        }
        let hello = settings.hello.as_deref().unwrap_or(sender_domain);
        let hello = idna::domain_to_ascii(hello).unwrap_or_else(|_| "localhost".to_owned());
        Ok(Self {
            host: ascii,
            port: settings.port(),
            tls: settings.tls,
            connector: TlsConnector::from(Arc::new(tls(settings, home)?)),
            name,
            login: login(settings, home)?,
            hello: client_id(hello),
            deadlines: settings.deadlines,
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}:{})", self.host, self.port)
    }
}

/// An address in brackets where the name is one. Source: RFC 5321 §4.1.3.
fn client_id(hello: String) -> ClientId {
    match hello.parse() {
        Ok(IpAddr::V4(ip)) => ClientId::Ipv4(ip),
        Ok(IpAddr::V6(ip)) => ClientId::Ipv6(ip),
        Err(_) => ClientId::Domain(hello),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn login(settings: &Smtp, home: &Path) -> Result<Option<Login>, ServerError> {
    let Some(user) = settings.user.clone() else {
        return Ok(None);
    };
    let password = match (&settings.password_file, &settings.password_env) {
        (Some(file), _) => secrets::from_file(&home.join(file))?,
        (None, Some(name)) => secrets::from_env(name)?,
        (None, None) => return Err(ServerError::NoPassword),
    };
    Ok(Some(Login { user, password }))
}

/// The authorities of the web and those of the company; ring computes.
fn tls(settings: &Smtp, home: &Path) -> Result<ClientConfig, ServerError> {
    let web = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    let mut roots: RootCertStore = web.collect();
    if let Some(file) = &settings.ca_file {
        let path = home.join(file);
        let wrong = |error: String| ServerError::Authorities {
            path: path.clone(),
            error,
        };
        let found = CertificateDer::pem_file_iter(&path).map_err(|e| wrong(e.to_string()))?;
        let mut added = 0;
        for certificate in found {
            let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
            roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
            added += 1;
        }
        if added == 0 {
            return Err(wrong("there is no certificate in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ServerError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

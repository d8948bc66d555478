//! Encryption and login: nothing is said to a server that cannot prove who it is.

use crate::cleared::cleared;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekindle::channels::smtp::{Cause, Server, ServerError, Session};
use rekindle::config::smtp::{Smtp, SmtpTls};
use rekindle::rules::delivery::reaction::{Fate, Measure, Reaction};
use rekindle::rules::delivery::smtp_replies::Stage;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::sink::{At, Fault, Manners, Script, Sink};
use super::{envelope, letter, server, settings, sink};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/smtp/tls")
        .join(name)
}

fn acceptor(name: &str) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(fixture(&format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture(&format!("{name}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn manners(name: &str, tls: SmtpTls) -> Manners {
    Manners {
        tls: Some(acceptor(name)),
        implicit: tls == SmtpTls::Implicit,
        offers: vec!["STARTTLS", "AUTH PLAIN LOGIN"],
        ..Manners::default()
    }
}

fn encrypted(sink: &Sink, tls: SmtpTls) -> Smtp {
    Smtp {
        tls,
        ca_file: Some(fixture("ca.pem")),
        ..settings(sink)
    }
}

#[tokio::test]
async fn letters_go_encrypted_both_ways_of_beginning_it() {
    for tls in [SmtpTls::Implicit, SmtpTls::Starttls] {
        let sink = sink(manners("localhost", tls)).await;
        let mut session = Session::open(&server(&encrypted(&sink, tls)))
            .await
            .unwrap();
        for key in ["k1", "k2"] {
            session.offer(&envelope("anna@example.com")).await.unwrap();
            session.transmit(&cleared(&letter(key))).await.unwrap();
        }
        assert_eq!(sink.received()[1].data, letter("k2"));
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_hears_nothing() {
    for tls in [SmtpTls::Implicit, SmtpTls::Starttls] {
        for (name, known) in [("elsewhere", true), ("localhost", false)] {
            let sink = sink(manners(name, tls)).await;
            let mut smtp = encrypted(&sink, tls);
            if !known {
                smtp.ca_file = None;
            }
            let trouble = Session::open(&server(&smtp)).await.unwrap_err();
            assert!(matches!(trouble.cause, Cause::Tls(_)), "{trouble}");
            let expected = Reaction::with(Fate::GiveBack, Measure::CountAgainstChannel);
            assert_eq!(trouble.reaction, expected);
            let said = sink.commands();
            assert!(
                said.iter()
                    .all(|line| line.starts_with("EHLO") || line == "STARTTLS")
            );
        }
    }
}

#[tokio::test]
async fn a_server_without_starttls_is_not_spoken_to_in_the_open() {
    let sink = sink(Manners {
        offers: vec!["AUTH PLAIN"],
        ..Manners::default()
    })
    .await;
    let trouble = Session::open(&server(&encrypted(&sink, SmtpTls::Starttls)))
        .await
        .unwrap_err();
    assert_eq!(trouble.stage, Stage::Encryption);
    assert_eq!(
        trouble.reaction,
        Reaction::with(Fate::GiveBack, Measure::StopChannel)
    );
    assert_eq!(sink.commands().len(), 1, "{:?}", sink.commands());
}

#[tokio::test]
async fn a_reply_slipped_in_before_the_encryption_ends_the_session() {
    let mut manners = manners("localhost", SmtpTls::Starttls);
    manners.scripts.push(Script {
        at: At::StartTls,
        fault: Fault::Twice("250-AUTH PLAIN\r\n250 ok"),
    });
    let sink = sink(manners).await;
    let trouble = Session::open(&server(&encrypted(&sink, SmtpTls::Starttls)))
        .await
        .unwrap_err();
    assert!(
        matches!(trouble.cause, Cause::OutOfTurn | Cause::Tls(_)),
        "{trouble}"
    );
    assert_eq!(sink.received().len(), 0);
}

#[tokio::test]
async fn a_server_in_the_open_where_tls_was_expected_keeps_the_deadline() {
    let sink = sink(Manners::default()).await;
    let trouble = Session::open(&server(&encrypted(&sink, SmtpTls::Implicit)))
        .await
        .unwrap_err();
    assert_eq!(trouble.stage, Stage::Connect);
    assert_eq!(trouble.reaction.fate, Fate::GiveBack);
}

#[cfg(unix)]
#[tokio::test]
async fn the_login_comes_from_a_file_and_is_printed_nowhere() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "s3cret\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    for (offer, expected) in [
        // Base 64 of NUL anna NUL s3cret, and of both words alone.
        ("AUTH PLAIN LOGIN", vec!["AUTH PLAIN AGFubmEAczNjcmV0"]),
        ("AUTH=LOGIN", vec!["AUTH LOGIN", "YW5uYQ==", "czNjcmV0"]),
    ] {
        let sink = sink(Manners {
            offers: vec![offer],
            ..Manners::default()
        })
        .await;
        let smtp = Smtp {
            user: Some("anna".to_owned()),
            password_file: Some(file.clone()),
            ..settings(&sink)
        };
        let server = server(&smtp);
        let session = Session::open(&server).await.unwrap();
        assert_eq!(sink.commands()[1..], expected);
        let shown = format!("{server:?} {session:?} {smtp:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn another_machine_in_the_open_is_refused_before_anything_is_said() {
    let smtp = Smtp {
        host: Some("mail.example.org".to_owned()),
        tls: SmtpTls::None,
        ..Smtp::default()
    };
    let wrong = Server::new(&smtp, Path::new("/"), "example.org").unwrap_err();
    assert!(matches!(wrong, ServerError::InTheOpen(_)), "{wrong}");
    let nobody = Server::new(&Smtp::default(), Path::new("/"), "example.org");
    assert!(matches!(nobody, Err(ServerError::NoHost)));
}

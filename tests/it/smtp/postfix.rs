//! Letters through a real mail server; `tests/postfix.sh` starts it and runs these tests.

use crate::cleared::cleared;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mail_parser::{MessageParser, MimeHeaders};
use rekindle::channels::email::Enclosures;
use rekindle::channels::smtp::{Envelope, Pool, Server};
use rekindle::config::smtp::{DkimAlgorithm, Smtp, SmtpTls};
use rekindle::model::AddressKey;
use rekindle::rules::delivery::reaction::Fate;
use rekindle::rules::delivery::return_path;

use crate::letters::signed::{RSA, enclosure, letter, public, signer, verified};

/// How many letters go through.
const LETTERS: i64 = 20;

const KEY: AddressKey = AddressKey::new([9; 32]);

/// The server of the script: its port, and the folder of its one mailbox.
fn postfix() -> (u16, String) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the script says where the server is"
    )]
    let set = std::env::var("REKINDLE_POSTFIX").expect("run tests/postfix.sh, it sets this");
    let (port, mailbox) = set.split_once(':').unwrap();
    (port.parse().unwrap(), mailbox.to_owned())
}

fn settings(port: u16) -> Smtp {
    Smtp {
        host: Some("localhost".to_owned()),
        port: Some(port),
        tls: SmtpTls::Starttls,
        ca_file: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/smtp/tls/ca.pem")),
        connections: 4,
        ..Smtp::default()
    }
}

/// The letters in a mailbox, once there are as many as wanted.
fn arrived(mailbox: &str, wanted: usize) -> Vec<Vec<u8>> {
    let begun = Instant::now();
    loop {
        let files: Vec<_> = fs::read_dir(format!("{mailbox}/new"))
            .map(|files| files.map(|file| file.unwrap().path()).collect())
            .unwrap_or_default();
        if files.len() >= wanted {
            return files.iter().map(|file| fs::read(file).unwrap()).collect();
        }
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "{} arrived",
            files.len()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test]
#[ignore = "needs a Postfix: run tests/postfix.sh"]
async fn signed_letters_pass_through_postfix_whole() {
    let (port, mailbox) = postfix();
    let smtp = settings(port);
    let pool = Pool::new(
        Server::new(&smtp, Path::new("/"), "news.example.org").unwrap(),
        &smtp,
    );
    let signer = signer(DkimAlgorithm::Rsa, RSA.0).unwrap();
    let picture: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let enclosures = Enclosures {
        pictures: vec![enclosure("card", "image/png", &picture)],
        files: vec![enclosure("Сертификат.pdf", "application/pdf", b"%PDF\0")],
    };
    for n in 0..LETTERS {
        let mut email = letter();
        email.key = format!("key{n}");
        let built = email.build_with(&enclosures).unwrap();
        let bytes = signer.sign(&built.bytes).unwrap();
        let path = return_path::make(&KEY, return_path::id_of(n), "example.org");
        let mut envelope = Envelope::new(&path, &built.to).unwrap();
        envelope.id = Some(email.key.clone());
        envelope.size = Some(bytes.len());
        let mut session = pool.take(pool.room().await.unwrap()).await.unwrap();
        session.offer(&envelope).await.unwrap();
        let accepted = session.transmit(&cleared(&bytes)).await.unwrap();
        assert!(
            accepted.reply.text.contains("queued as"),
            "{}",
            accepted.reply
        );
        session.park().await;
    }
    pool.close().await;
    let mut numbers = Vec::new();
    for bytes in arrived(&mailbox, LETTERS as usize) {
        // A maildir keeps lines as this system writes them.
        let text = String::from_utf8(bytes.clone())
            .unwrap()
            .replace('\n', "\r\n");
        assert_eq!(verified(&text, &public(RSA.1)), Ok(()));
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.subject(), Some(letter().subject.as_str()));
        let to = parsed.to().unwrap().first().unwrap();
        assert_eq!(
            (to.name(), to.address()),
            (Some("Анна Петрова"), Some("anna@example.com"))
        );
        assert!(parsed.body_text(0).unwrap().contains(".точка в начале"));
        let mut files = parsed.attachments();
        assert_eq!(files.next().unwrap().contents(), picture);
        assert_eq!(
            files.next().unwrap().attachment_name(),
            Some("Сертификат.pdf")
        );
        let returns = parsed.header_raw("Return-Path").unwrap().trim();
        let returns = returns.trim_matches(['<', '>']);
        let id = return_path::verify(&KEY, returns).unwrap();
        let number = return_path::number_of(id).unwrap();
        assert_eq!(
            parsed.header_raw("X-Msg-Key").unwrap().trim(),
            format!("key{number}")
        );
        numbers.push(number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..LETTERS).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
#[ignore = "needs a Postfix: run tests/postfix.sh"]
async fn postfix_refuses_strangers_and_the_session_goes_on() {
    let (port, _) = postfix();
    let smtp = settings(port);
    let pool = Pool::new(
        Server::new(&smtp, Path::new("/"), "news.example.org").unwrap(),
        &smtp,
    );
    let mut session = pool.take(pool.room().await.unwrap()).await.unwrap();
    for _ in 0..2 {
        let stranger = Envelope::new("b@example.org", "anna@example.net").unwrap();
        let trouble = session.offer(&stranger).await.unwrap_err();
        assert_eq!(
            trouble.reply().map(|reply| reply.code),
            Some(554),
            "{trouble}"
        );
        assert_eq!(trouble.reaction.fate, Fate::Failed);
        session.reset().await.unwrap();
    }
    pool.close().await;
}

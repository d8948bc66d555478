//! Signatures of letters, verified by a reader that shares nothing with the signer but ring; and
//! what goes along with a letter, read back by an independent parser.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;
use rekindle::channels::dkim::{DkimError, Signer};
use rekindle::channels::email::{
    ENCLOSURES_LIMIT, EmailError, EmailMessage, Enclosure, Enclosures, MailingList, Party,
};
use rekindle::config::smtp::{Dkim, DkimAlgorithm};
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use sha2::{Digest, Sha256};

pub(crate) const RSA: (&str, &str) = (
    include_str!("../smtp/tls/dkim-rsa.key"),
    include_str!("../smtp/tls/dkim-rsa.pub"),
);
const ED: (&str, &str) = (
    include_str!("../smtp/tls/dkim-ed25519.key"),
    include_str!("../smtp/tls/dkim-ed25519.pub"),
);

/// The date of every letter here, in seconds since 1970.
const WRITTEN: i64 = 1_795_600_803;

/// A signer, with its key in a file that only we can read.
pub(crate) fn signer(algorithm: DkimAlgorithm, key: &str) -> Result<Signer, DkimError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    std::fs::write(&path, key).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let settings = Dkim {
        selector: "rk1".to_owned(),
        domain: None,
        key_file: path,
        algorithm,
    };
    Signer::new(&settings, Path::new("/"), "пример.рф")
}

/// The key of a `PUBLIC KEY` block, without the frame that says of which kind it is.
pub(crate) fn public(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("--"));
    let der = STANDARD.decode(lines.collect::<String>()).unwrap();
    // Source: RFC 8410 §4 (12 bytes before the key); RFC 3279 §2.3.1 (24 for 2048 bits).
    let frame = if der.len() == 44 { 12 } else { 24 };
    der[frame..].to_vec()
}

/// The tags of a signature.
fn tags(value: &str) -> Vec<(String, String)> {
    let pairs = value.split(';').filter_map(|tag| tag.split_once('='));
    let tight = |text: &str| text.split_ascii_whitespace().collect::<String>();
    pairs
        .map(|(name, value)| (tight(name), tight(value)))
        .collect()
}

/// Every run of white space as one space.
fn spaced(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// A body as RFC 6376 §3.4.4 says.
fn canonical(body: &str) -> String {
    let line = |text: &str| {
        let indented = text.starts_with([' ', '\t']) && !text.trim().is_empty();
        format!("{}{}", if indented { " " } else { "" }, spaced(text))
    };
    let mut lines: Vec<String> = body.split("\r\n").map(line).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.push(String::new());
    if lines.len() == 1 {
        return String::new();
    }
    lines.join("\r\n")
}

/// Verifies the first signature of a letter, the way RFC 6376 §6.1.3 says.
pub(crate) fn verified(letter: &str, key: &[u8]) -> Result<(), String> {
    let (head, body) = letter.split_once("\r\n\r\n").ok_or("no body")?;
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields: Vec<(&str, &str)> = unfolded.lines().filter_map(|l| l.split_once(':')).collect();
    let line = |(name, value): (&str, &str)| {
        format!("{}:{}", name.trim_end().to_lowercase(), spaced(value))
    };
    let own = fields
        .iter()
        .position(|(name, _)| *name == "DKIM-Signature")
        .ok_or("none")?;
    let tags = tags(fields[own].1);
    let tag = |name: &str| {
        tags.iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    };

    if tag("bh") != Some(STANDARD.encode(Sha256::digest(canonical(body))).as_str()) {
        return Err("the body was changed".to_owned());
    }

    let mut rest: Vec<(&str, &str)> = fields.clone();
    let mut hashed = String::new();
    for name in tag("h").ok_or("no h")?.split(':') {
        if let Some(at) = rest
            .iter()
            .rposition(|(other, _)| other.trim().eq_ignore_ascii_case(name))
        {
            hashed.push_str(&line(rest.remove(at)));
            hashed.push_str("\r\n");
        }
    }
    let without: Vec<String> = fields[own]
        .1
        .split(';')
        .map(|tag| match tag.split_once('=') {
            Some((name, _)) if name.trim() == "b" => format!("{name}="),
            _ => tag.to_owned(),
        })
        .collect();
    hashed.push_str(&line(("dkim-signature", &without.join(";"))));
    let signature = STANDARD
        .decode(tag("b").ok_or("no b")?)
        .map_err(|e| e.to_string())?;
    let done = match tag("a") {
        Some("rsa-sha256") => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(hashed.as_bytes(), &signature),
        Some("ed25519-sha256") => {
            UnparsedPublicKey::new(&ED25519, key).verify(&Sha256::digest(hashed), &signature)
        }
        other => return Err(format!("{other:?}")),
    };
    done.map_err(|_| "the headers were changed".to_owned())
}

pub(crate) fn letter() -> EmailMessage {
    let party = |name: &str, address: &str| Party {
        name: Some(name.to_owned()),
        address: address.to_owned(),
    };
    EmailMessage {
        key: "01JDQ7Z9K3".to_owned(),
        message_id_domain: "news.example.org".to_owned(),
        date: chrono::DateTime::from_timestamp(WRITTEN, 0)
            .unwrap()
            .fixed_offset(),
        from: party("Магазин", "hello@news.example.org"),
        to: party("Анна Петрова", "anna@example.com"),
        reply_to: Some(party("Мария", "maria@example.org")),
        subject: "Анна, мы соскучились: очень длинная тема, которая не помещается в строку"
            .to_owned(),
        text: "Здравствуйте!\n\n.точка в начале\n\n\n".to_owned(),
        html: "<p>Здравствуйте! <img src=\"cid:card\"></p>".to_owned(),
        list: Some(MailingList {
            id: "winback.news.example.org".to_owned(),
            title: Some("Напоминания".to_owned()),
            unsubscribe_url: "https://example.org/u/1".to_owned(),
            unsubscribe_mailto: Some("stop@example.org".to_owned()),
        }),
        feedback_id: Some("a:b:c:example".to_owned()),
    }
}

#[test]
fn the_reader_of_signatures_reads_the_example_of_the_standard() {
    // Source: RFC 8463, appendix A: the message and its first signature.
    let letter = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
        b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n \
        Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n\
        From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n\
        Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    let key = STANDARD
        .decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        .unwrap();
    assert_eq!(verified(letter, &key), Ok(()));
    assert!(verified(&letter.replace("lost", "won"), &key).is_err());
    assert!(verified(&letter.replace("dinner", "lunch"), &key).is_err());
}

#[test]
fn a_signed_letter_is_verified_and_no_header_can_be_added() {
    for (algorithm, (private, pem)) in [(DkimAlgorithm::Rsa, RSA), (DkimAlgorithm::Ed25519, ED)] {
        let signer = signer(algorithm, private).unwrap();
        let built = letter().build().unwrap().bytes;
        let signed = signer.sign(&built).unwrap();
        assert_eq!(
            signed,
            signer.sign(&built).unwrap(),
            "the same bytes each time"
        );
        assert!(signed.ends_with(&built));
        let text = String::from_utf8(signed).unwrap();
        assert!(
            text.split("\r\n")
                .all(|line| line.len() <= 78 || !text.starts_with(line))
        );
        let key = public(pem);
        assert_eq!(verified(&text, &key), Ok(()));
        assert!(text.contains("d=xn--e1afmkfd.xn--p1ai;"));
        let head = text.split("\r\nFrom:").next().unwrap().to_lowercase();
        assert!(head.split("\r\n").all(|line| line.len() <= 78), "{head}");
        for header in [
            "list-unsubscribe",
            "list-unsubscribe-post",
            "message-id",
            "mime-version",
        ] {
            assert!(head.contains(&format!("{header}:")), "{header} is signed");
        }
        for changed in [
            text.replace("example.org/u/1", "example.org/u/2"),
            text.replacen("\r\nFrom:", "\r\nFrom: <x@example.com>\r\nFrom:", 1),
            text.replacen("\r\nSubject:", "\r\nSubject: x\r\nSubject:", 1),
            text.replace("List-Unsubscribe=One-Click", "x"),
            text.replacen("To: ", "To: x", 1),
        ] {
            assert_ne!(changed, text);
            assert!(verified(&changed, &key).is_err());
        }
    }
}

#[test]
fn a_key_of_another_kind_or_no_key_is_named() {
    for (algorithm, key) in [
        (DkimAlgorithm::Ed25519, RSA.0),
        (DkimAlgorithm::Rsa, ED.0),
        (DkimAlgorithm::Rsa, RSA.1),
        (DkimAlgorithm::Rsa, "no key at all"),
    ] {
        let wrong = signer(algorithm, key).unwrap_err();
        assert!(matches!(wrong, DkimError::Key { .. }), "{wrong}");
        assert!(!wrong.to_string().contains("PRIVATE KEY-----"), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_letter_is_verified(subject in "\\PC{1,120}", text in "([ \t.]|\\PC|\n){1,200}") {
        let mut letter = letter();
        letter.subject = subject;
        letter.text = text;
        if let Ok(built) = letter.build() {
            let signer = signer(DkimAlgorithm::Ed25519, ED.0).unwrap();
            let signed = signer.sign(&built.bytes).unwrap();
            let signed = String::from_utf8(signed).unwrap();
            prop_assert_eq!(verified(&signed, &public(ED.1)), Ok(()));
        }
    }
}

pub(crate) fn enclosure(name: &str, media_type: &str, bytes: &[u8]) -> Enclosure {
    Enclosure {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        bytes: bytes.to_vec(),
    }
}

#[test]
fn pictures_and_files_arrive_whole_with_their_names() {
    let picture: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let enclosures = Enclosures {
        pictures: vec![enclosure("card", "image/png", &picture)],
        files: vec![enclosure(
            "Сертификат «Зима» / 2026.pdf",
            "application/pdf",
            b"%PDF\n\r\0",
        )],
    };
    let built = letter().build_with(&enclosures).unwrap();
    assert_eq!(
        built,
        letter().build_with(&enclosures).unwrap(),
        "the same bytes each time"
    );
    let text = String::from_utf8(built.bytes.clone()).unwrap();
    assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n']));
    let parsed = MessageParser::default().parse(&built.bytes).unwrap();
    let kinds: Vec<String> = parsed
        .parts
        .iter()
        .map(|part| {
            let kind = part.content_type().unwrap();
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap())
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "application/pdf",
        ]
    );
    assert_eq!(parsed.parts[5].contents(), picture);
    assert_eq!(parsed.parts[5].content_id(), Some("card"));
    assert_eq!(parsed.parts[6].contents(), b"%PDF\n\r\0");
    assert_eq!(
        parsed.parts[6].attachment_name(),
        Some("Сертификат «Зима» - 2026.pdf")
    );
    assert!(text.contains("filename*"), "RFC 2231");
}

#[test]
fn what_cannot_go_along_is_named() {
    let with = |picture: Enclosure| {
        let enclosures = Enclosures {
            pictures: vec![picture],
            files: Vec::new(),
        };
        letter().build_with(&enclosures).unwrap_err()
    };
    let large = with(enclosure("a", "image/png", &vec![0; ENCLOSURES_LIMIT + 1]));
    assert_eq!(large, EmailError::TooLarge(ENCLOSURES_LIMIT + 1));
    assert!(matches!(
        with(enclosure("a b", "image/png", b"x")),
        EmailError::Token { .. }
    ));
    for bad in ["png", "image/png\r\nBcc: x", ""] {
        let wrong = with(enclosure("a", bad, b"x"));
        assert!(matches!(wrong, EmailError::MediaType(_)), "{bad:?}");
    }
}

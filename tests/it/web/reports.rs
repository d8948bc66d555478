//! Reports in the shapes that servers write them, and mails that only look like reports.

use std::fmt::Write;

use rekindle::channels::inbound::{self, MailKind};
use rekindle::db::InboundKind;
use rekindle::model::Channel;
use rekindle::rules::delivery::return_path;

use super::{Company, email, key};

/// A report about the message of a client that came to `to`.
pub(super) fn filled(report: &str, to: &str, n: i64) -> String {
    report
        .replace("@TO@", to)
        .replace("@KEY@", &key(n))
        .replace("@RECIPIENT@", &email(n))
        .replace('\n', "\r\n")
}

macro_rules! report {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../data/reports/", $name, ".eml")),
        )
    };
}

/// A report with its name; what is suppressed, what is known of the message, its state.
type Expected = (
    (&'static str, &'static str),
    &'static [&'static str],
    &'static str,
    &'static str,
);

/// Each report with what follows from it: what is suppressed, what is known of the message, and
/// the state of a message of which nobody knew.
fn reports() -> Vec<Expected> {
    let nobody: &[&str] = &["email all hard_bounce"];
    let complained: &[&str] = &["email advertising complaint"];
    vec![
        (report!("postfix"), nobody, "bounced", "accepted"),
        (report!("gmail"), nobody, "bounced", "accepted"),
        (report!("exim"), nobody, "bounced", "accepted"),
        (report!("exchange"), nobody, "bounced", "accepted"),
        (report!("mailru"), nobody, "bounced", "accepted"),
        (report!("utf8"), nobody, "bounced", "accepted"),
        (report!("two-recipients"), nobody, "bounced", "accepted"),
        // A full mailbox and a rule against us are no dead address.
        (report!("sendmail"), &[], "bounced", "accepted"),
        (report!("policy"), &[], "bounced", "accepted"),
        (report!("postfix-delayed"), &[], "none", "unknown"),
        (report!("delivered"), &[], "delivered", "accepted"),
        // A complaint may be about anything: it does not settle what nobody knows.
        (report!("arf-abuse"), complained, "complained", "unknown"),
        (report!("arf-headers"), complained, "complained", "unknown"),
        (report!("arf-not-spam"), &[], "none", "unknown"),
    ]
}

/// The one word for what is known of a message.
fn known(evidence: &str) -> &'static str {
    ["bounced", "complained", "failed"]
        .into_iter()
        .find(|flag| evidence.contains(&format!("\"{flag}\":true")))
        .unwrap_or(if evidence.contains("delivered") {
            "delivered"
        } else {
            "none"
        })
}

impl Company {
    async fn state_and_evidence(&self, n: i64) -> (String, String) {
        let of_him = format!(
            "SELECT state, evidence FROM messages WHERE key = '{}'",
            key(n)
        );
        let row = self.database.rows(&of_him).await.remove(0);
        (row.get(0), row.get(1))
    }
}

#[tokio::test]
async fn every_shape_of_a_report_says_what_it_says_at_the_return_path_and_at_any_other_mailbox() {
    let company = Company::open().await;
    let mut n = 0;
    for ((name, report), suppressed, evidence, state) in reports() {
        for to_us in [true, false] {
            n += 1;
            let id = company.message(n, Channel::Email, "unknown").await;
            let own = return_path::make(&company.app.key, return_path::id_of(id), "b.example.org");
            let to = if to_us {
                own.as_str()
            } else {
                "hello@example.org"
            };
            let raw = filled(report, to, n);
            // Twice in other bytes, as two mailboxes of ours would get it.
            for again in ["", "X-Again: yes\r\n"] {
                let raw = format!("{again}{raw}");
                let store = &company.app.store;
                let now_ms = company.app.now_ms();
                let kept = store.keep_inbound(InboundKind::Mail, raw.as_bytes(), now_ms);
                assert!(kept.await.unwrap());
                company.look().await;
            }
            let place = format!("{name}, at our return path: {to_us}");
            assert_eq!(company.suppressed(n).await, suppressed, "{place}");
            let (seen_state, seen) = company.state_and_evidence(n).await;
            assert_eq!(known(&seen), evidence, "{place}: {seen}");
            assert_eq!(seen_state, state, "{place}");
        }
    }
    let full = "SELECT count(*) FROM address_faults WHERE kind = 'soft_bounce'";
    assert_eq!(
        company.number(full).await,
        2,
        "the full mailboxes are counted"
    );
    assert_eq!(company.number("SELECT count(*) FROM tasks").await, 0);
}

/// A report cut off at every place, and again with its end.
fn half_reports() -> Vec<Vec<u8>> {
    let mut halves = Vec::new();
    for ((_, report), ..) in reports() {
        let whole = filled(report, "hello@example.org", 1).into_bytes();
        for length in (0..whole.len()).step_by(97) {
            halves.push(whole[..length].to_vec());
        }
    }
    halves
}

const REPORT: &str = "From: MAILER-DAEMON@x.example\r\nMIME-Version: 1.0\r\n\
                      Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n";

/// Mails that are made to hurt whoever reads them.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let status = "--b\r\nContent-Type: message/delivery-status\r\n\r\n";
    let group = "Final-Recipient: rfc822; a@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n";
    let mut nested = REPORT.to_owned();
    for depth in 0..5_000 {
        let outer = if depth == 0 {
            String::new()
        } else {
            (depth - 1).to_string()
        };
        let _ = write!(
            nested,
            "--b{outer}\r\nContent-Type: multipart/mixed; boundary=b{depth}\r\n\r\n"
        );
    }
    let mut letters = REPORT.to_owned();
    for _ in 0..2_000 {
        letters.push_str("--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n");
        letters.push_str("Content-Type: multipart/report; boundary=b\r\n\r\n");
    }
    let long = "x".repeat(3_000_000);
    vec![
        ("five thousand multiparts in each other", nested.into_bytes()),
        ("two thousand letters in each other", letters.into_bytes()),
        (
            "a hundred thousand recipients",
            format!("{REPORT}{status}{}--b--\r\n", group.repeat(100_000)).into_bytes(),
        ),
        (
            "a field of three megabytes",
            format!("{REPORT}{status}Final-Recipient: rfc822; {long}\r\nAction: failed\r\n--b--")
                .into_bytes(),
        ),
        (
            "a folded field without an end",
            format!("{REPORT}{status}Diagnostic-Code: smtp;{}", "\r\n x".repeat(300_000)).into_bytes(),
        ),
        (
            "a hundred thousand heads",
            format!("{}\r\n\r\nstop", "To: a@example.org\r\n".repeat(100_000)).into_bytes(),
        ),
        ("ten megabytes of nothing", vec![0; 10_000_000]),
        ("ten megabytes of one line", vec![b'a'; 10_000_000]),
        (
            "ten thousand parts",
            format!("{REPORT}{}--b--", "--b\r\n\r\nx\r\n".repeat(10_000)).into_bytes(),
        ),
        (
            "a boundary of one megabyte",
            REPORT.replace("boundary=b", &format!("boundary={}", "b".repeat(1_000_000))).into_bytes(),
        ),
        (
            "base 64 that is none",
            format!("{REPORT}--b\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--", "=@=".repeat(100_000)).into_bytes(),
        ),
    ]
}

#[test]
fn half_a_report_is_read_as_far_as_it_goes() {
    let halves = half_reports();
    assert!(halves.len() > 200);
    let mut fates = 0;
    for half in &halves {
        if let MailKind::Bounce { fates: some, .. } = inbound::read(half).kind {
            fates += some.len();
            let whole =
                |fate: &inbound::Fate| fate.addresses.iter().all(|address| address.len() < 64);
            assert!(some.iter().all(whole));
        }
    }
    assert!(fates > 0);
}

#[tokio::test]
async fn a_hostile_mail_hurts_nobody_and_is_looked_at_once() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let before = company.picture().await;
    for (what, raw) in hostile() {
        let mail = inbound::read(&raw);
        if let MailKind::Bounce { fates, about } = &mail.kind {
            assert!(fates.len() <= 64 && about.message_ids.len() <= 64, "{what}");
            assert!(
                fates.iter().all(|fate| fate.said.len() <= 4 * 512),
                "{what}"
            );
        }
        assert!(mail.to.len() <= 64, "{what}");
        let now_ms = company.app.now_ms();
        let kept = company
            .app
            .store
            .keep_inbound(InboundKind::Mail, &raw, now_ms);
        kept.await.unwrap();
        company.look().await;
        let waiting = company.app.store.inbound_waiting().await.unwrap();
        assert_eq!(waiting, 0, "{what}");
    }
    assert_eq!(company.picture().await, before);
}

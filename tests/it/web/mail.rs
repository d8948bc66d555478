//! Mail that comes back: bounces, complaints and answers of several kinds of servers.

use rekindle::db::{InboundKind, TaskFilter};
use rekindle::jobs::intake;
use rekindle::model::Channel;
use rekindle::rules::delivery::{return_path, token};
use reqwest::StatusCode;

use super::{Company, MAIL_WORD, key};

/// A report as Postfix writes it: fields, and the head of the letter.
fn postfix(to: &str, action: &str, status: &str, said: &str, recipient: &str, n: i64) -> String {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org (Mail Delivery System)\r\n\
         To: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n\
         Message-ID: <{n}.{action}.{status}@mx.example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"B/mx\"\r\n\r\n\
         --B/mx\r\nContent-Description: Notification\r\nContent-Type: text/plain\r\n\r\n\
         I'm sorry to have to inform you that your message could not be delivered.\r\n\
         --B/mx\r\nContent-Description: Delivery report\r\n\
         Content-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example.org\r\nX-Postfix-Queue-ID: 4F1\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nOriginal-Recipient: rfc822;{recipient}\r\n\
         Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {said}\r\n\r\n\
         --B/mx\r\nContent-Description: Undelivered Message Headers\r\n\
         Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\nX-Msg-Key: {key}\r\n\
         Message-ID: <{key}@example.org>\r\n\r\n--B/mx--\r\n",
        key = key(n)
    )
}

/// A report as Exchange writes it: the whole letter comes back, and a word in the envelope id.
fn exchange(to: &str, recipient: &str, n: i64) -> String {
    format!(
        "From: postmaster@example.org\r\nTo: {to}\r\nSubject: Undeliverable: x\r\n\
         MIME-Version: 1.0\r\nMessage-ID: <exchange{n}@example.org>\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b1\r\n\r\n\
         --b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n\
         --b2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYour message wasn't delivered.\r\n\
         --b2\r\nContent-Type: text/html\r\n\r\n<p>Your message wasn't delivered.</p>\r\n--b2--\r\n\
         --b1\r\nContent-Type: message/delivery-status\r\n\r\n\
         Original-Envelope-Id: {key}\r\nReporting-MTA: dns;EX01.example.org\r\n\r\n\
         Final-recipient: RFC822; {recipient}\r\nAction: failed\r\nStatus: 5.1.10\r\n\
         Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found\r\n\r\n\
         --b1\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody\r\n--b1--\r\n",
        key = key(n)
    )
}

/// A complaint with a redacted recipient.
fn complaint(n: i64, feedback: &str) -> String {
    format!(
        "From: fbl@provider.example\r\nTo: fbl@example.org\r\nMessage-ID: <arf{n}@provider.example>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report\r\n\
         --b\r\nContent-Type: message/feedback-report\r\n\r\n\
         Feedback-Type: {feedback}\r\nUser-Agent: X/1\r\nVersion: 1\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: hello@example.org\r\n\
         X-Msg-Key: {}\r\nSubject: x\r\n\r\nx\r\n--b--\r\n",
        key(n)
    )
}

fn letter(from: &str, head: &str, text: &str) -> String {
    format!(
        "From: Anna <{from}>\r\nTo: hello@example.org\r\nSubject: Re: x\r\n{head}\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
}

impl Company {
    async fn came(&self, mail: &str) {
        let store = &self.app.store;
        let kept = store.keep_inbound(InboundKind::Mail, mail.as_bytes(), self.app.now_ms());
        kept.await.unwrap();
        self.look().await;
    }

    fn return_path(&self, id: i64) -> String {
        return_path::make(&self.app.key, return_path::id_of(id), "b.example.org")
    }

    async fn evidence_of(&self, id: i64) -> String {
        let query = format!("SELECT state || evidence FROM messages WHERE id = {id}");
        self.database.one(&query).await
    }
}

#[tokio::test]
async fn only_a_failure_for_good_of_the_address_suppresses_it() {
    let company = Company::open().await;
    for (n, action, status, said, suppressed, bounced) in [
        (1, "failed", "5.1.1", "550 5.1.1 User unknown", true, true),
        (2, "failed", "5.2.2", "552 5.2.2 Mailbox full", false, true),
        (
            3,
            "failed",
            "5.7.1",
            "550 5.7.1 Blocked by policy",
            false,
            true,
        ),
        (4, "failed", "4.4.7", "451 4.4.7 Expired", false, true),
        (5, "delayed", "4.1.1", "450 4.1.1 Try later", false, false),
        (
            6,
            "delayed",
            "5.1.1",
            "550 5.1.1 User unknown",
            false,
            false,
        ),
    ] {
        let id = company.message(n, Channel::Email, "unknown").await;
        let to = company.return_path(id).to_uppercase();
        let recipient = super::email(n);
        for _ in 0..2 {
            company
                .came(&postfix(&to, action, status, said, &recipient, n))
                .await;
        }
        let all = company.suppressed(n).await;
        let expected: &[&str] = if suppressed {
            &["email all hard_bounce"]
        } else {
            &[]
        };
        assert_eq!(all, expected, "{action} {status}");
        let known = company.evidence_of(id).await;
        assert_eq!(known.contains("\"bounced\":true"), bounced, "{known}");
        assert_eq!(known.starts_with("accepted"), bounced, "{known}");
    }
    let faults = company.number("SELECT count(*) FROM address_faults").await;
    assert_eq!(faults, 1);
}

#[tokio::test]
async fn without_our_return_path_a_bounce_must_name_letter_and_address() {
    let company = Company::open().await;
    for n in 1..=4 {
        company.message(n, Channel::Email, "accepted").await;
    }
    company
        .came(&exchange("hello@example.org", &super::email(1), 1))
        .await;
    assert_eq!(company.suppressed(1).await, ["email all hard_bounce"]);
    // Somebody names a letter and another address, or an address alone, or a forged return path.
    let said = "550 5.1.1 User unknown";
    let other = postfix(
        "hello@example.org",
        "failed",
        "5.1.1",
        said,
        "x@example.org",
        2,
    );
    company.came(&other).await;
    let alone = postfix(
        "hello@example.org",
        "failed",
        "5.1.1",
        said,
        &super::email(3),
        99,
    );
    company.came(&alone).await;
    let mut forged = company.return_path(4).into_bytes();
    forged[20] = if forged[20] == b'a' { b'b' } else { b'a' };
    let forged = String::from_utf8(forged).unwrap();
    company
        .came(&postfix(
            &forged,
            "failed",
            "5.1.1",
            said,
            "y@example.org",
            98,
        ))
        .await;
    for n in 2..=4 {
        assert!(company.suppressed(n).await.is_empty(), "{n}");
    }
}

#[tokio::test]
async fn a_complaint_ends_advertising_though_its_recipient_is_hidden() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    company.message(2, Channel::Email, "accepted").await;
    company.came(&complaint(1, "abuse")).await;
    company.came(&complaint(2, "not-spam")).await;
    assert_eq!(company.suppressed(1).await, ["email advertising complaint"]);
    assert!(company.suppressed(2).await.is_empty());
}

#[tokio::test]
async fn an_answer_becomes_a_task_a_machine_is_ignored_and_stop_is_obeyed() {
    let company = Company::open().await;
    let ids = [1, 2, 3, 4].map(|n| (n, super::email(n)));
    for (n, _) in &ids {
        company.message(*n, Channel::Email, "accepted").await;
    }
    let answers = format!(
        "Message-ID: <a1@x>\r\nIn-Reply-To: <{}@example.org>\r\n",
        key(1)
    );
    // A colleague answers from another address.
    company
        .came(&letter(
            "colleague@example.com",
            &answers,
            "Позвоните\r\n> старое",
        ))
        .await;
    let away = "Message-ID: <a2@x>\r\nAuto-Submitted: auto-replied\r\n";
    company.came(&letter(&ids[1].1, away, "stop")).await;
    company
        .came(&letter(
            &ids[2].1,
            "Message-ID: <a3@x>\r\n",
            "Отпишите меня",
        ))
        .await;
    company
        .came(&letter(
            "nobody@example.com",
            "Message-ID: <a4@x>\r\n",
            "Hello",
        ))
        .await;
    let tasks = company
        .app
        .store
        .tasks(&TaskFilter::default())
        .await
        .unwrap();
    assert_eq!(tasks.len(), 1);
    assert!(tasks[0].inputs.contains("Позвоните") && !tasks[0].inputs.contains("старое"));
    assert!(company.suppressed(1).await.is_empty() && company.suppressed(2).await.is_empty());
    assert_eq!(company.suppressed(3).await, ["email advertising stop"]);
    // What mail programs write when their user presses "unsubscribe".
    let mailbox = token::mailbox(&company.app.key, &key(4), "example.org");
    company
        .came(&format!(
            "From: x@example.com\r\nTo: {mailbox}\r\nSubject: unsubscribe\r\n\r\n"
        ))
        .await;
    assert_eq!(
        company.suppressed(4).await,
        ["email advertising unsubscribe"]
    );
    let forged = format!("unsubscribe+{}.00000000000000000000@example.org", key(1));
    company
        .came(&format!(
            "From: x@example.com\r\nTo: {forged}\r\nSubject: x\r\n\r\n"
        ))
        .await;
    assert!(company.suppressed(1).await.is_empty());
}

#[tokio::test]
async fn the_hook_of_mail_wants_the_word() {
    let company = Company::open().await;
    let id = company.message(1, Channel::Email, "accepted").await;
    let said = "550 5.1.1 User unknown";
    let to = company.return_path(id);
    let mail = postfix(&to, "failed", "5.1.1", said, &super::email(1), 1);
    let post = async |word: Option<&str>, body: String| {
        let mut request = company.http.post(format!("{}/hooks/mail", company.public));
        if let Some(word) = word {
            request = request.header("Authorization", word);
        }
        request.body(body).send().await.unwrap().status()
    };
    for word in [None, Some("Bearer wrong"), Some(MAIL_WORD), Some("Bearer ")] {
        assert_eq!(post(word, mail.clone()).await, StatusCode::UNAUTHORIZED);
    }
    let word = format!("Bearer {MAIL_WORD}");
    assert_eq!(
        post(Some(&word), String::new()).await,
        StatusCode::BAD_REQUEST
    );
    for _ in 0..2 {
        assert_eq!(post(Some(&word), mail.clone()).await, StatusCode::OK);
    }
    assert_eq!(
        company.number("SELECT count(*) FROM inbound_events").await,
        1
    );
    company.look().await;
    assert_eq!(company.suppressed(1).await, ["email all hard_bounce"]);
    let large = "x".repeat(11 * 1024 * 1024);
    assert_eq!(
        post(Some(&word), large).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn a_maildir_that_was_left_half_way_is_read_once() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let mail = letter(&super::email(1), "Message-ID: <m@x>\r\n", "Yes, call me");
    let new = company.folder.path().join("mail/new");
    std::fs::write(new.join("1.host"), &mail).unwrap();
    // Killed after it was stored and before it was moved: it lies in new as before.
    let store = &company.app.store;
    store
        .keep_inbound(InboundKind::Mail, mail.as_bytes(), company.app.now_ms())
        .await
        .unwrap();
    for _ in 0..3 {
        intake::fetch(&company.app).await.unwrap();
        company.look().await;
    }
    assert_eq!(
        company.number("SELECT count(*) FROM inbound_events").await,
        1
    );
    assert_eq!(company.number("SELECT count(*) FROM tasks").await, 1);
    assert!(!new.join("1.host").exists());
    assert!(company.folder.path().join("mail/cur/1.host:2,S").exists());
    let kept = "SELECT length(body) FROM inbound_events";
    assert!(company.number(kept).await > 0);
    let much_later = company.app.now_ms() + 1;
    store.forget_inbound(much_later).await.unwrap();
    assert_eq!(company.number(kept).await, 0);
}

//! The loop that looks for what comes back, as the service runs it.

use std::time::Duration;

use rekindle::db::{InboundKind, Store};
use rekindle::jobs::intake;
use rekindle::model::Channel;
use rekindle::rules::delivery::return_path;

use super::{Company, email, key};

/// An answer to the message of a client.
fn answer(n: i64, words: &str) -> String {
    format!(
        "From: Anna <{}>\r\nTo: hello@example.org\r\nSubject: Re: x\r\nMessage-ID: <w{n}@x>\r\n\
         In-Reply-To: <{}@example.org>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n",
        email(n),
        key(n)
    )
}

impl Company {
    /// Waits until a statement counts as much as is wanted.
    async fn comes_to(&self, query: &str, wanted: i64) {
        let waiting = async {
            while self.number(query).await != wanted {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        assert!(in_time.is_ok(), "{query} never came to {wanted}");
    }
}

#[tokio::test]
async fn mail_that_lands_in_the_maildir_is_found_while_the_service_runs_and_it_stops_when_told() {
    let company = Company::open_inbound("", "every = \"20ms\"").await;
    for n in 1..=4 {
        company.message(n, Channel::Email, "accepted").await;
    }
    let new = company.folder.path().join("mail/new");
    // One lies there from before, the others come one by one; half-written ones lie in tmp.
    std::fs::write(new.join("1.a"), answer(1, "Call me")).unwrap();
    let watching = tokio::spawn(intake::watch(company.app.clone(), company.stop.clone()));
    let tasks = "SELECT count(*) FROM tasks";
    company.comes_to(tasks, 1).await;
    std::fs::write(new.join("2.a"), answer(2, "And me")).unwrap();
    company.comes_to(tasks, 2).await;
    std::fs::write(new.join("3.a"), answer(3, "stop")).unwrap();
    company
        .comes_to("SELECT count(*) FROM suppressions", 1)
        .await;
    assert_eq!(company.suppressed(3).await, ["email advertising stop"]);
    // The folder is gone for a while: what comes by the hook is looked at all the same.
    let mail = company.folder.path().join("mail");
    let aside = company.folder.path().join("aside");
    std::fs::rename(&mail, &aside).unwrap();
    let store = &company.app.store;
    let raw = answer(4, "Me too");
    let now_ms = company.app.now_ms();
    store
        .keep_inbound(InboundKind::Mail, raw.as_bytes(), now_ms)
        .await
        .unwrap();
    company.comes_to(tasks, 3).await;
    std::fs::rename(&aside, &mail).unwrap();
    let id = company.message(5, Channel::Email, "unknown").await;
    let back = return_path::make(&company.app.key, return_path::id_of(id), "b.example.org");
    let report = include_str!("../../data/reports/postfix.eml");
    std::fs::write(
        new.join("5.a"),
        super::reports::filled(report, &back, 5).as_bytes(),
    )
    .unwrap();
    company
        .comes_to(
            "SELECT count(*) FROM messages WHERE evidence LIKE '%\"bounced\":true%'",
            1,
        )
        .await;
    assert_eq!(std::fs::read_dir(&new).unwrap().count(), 0);
    company.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), watching);
    ended.await.expect("it stops when told").unwrap();
}

#[tokio::test]
async fn what_another_process_has_stored_is_found_without_being_told() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let watching = tokio::spawn(intake::watch(company.app.clone(), company.stop.clone()));
    // A web process of its own, with a connection of its own.
    let address = &company.app.settings.database.url;
    let other = Store::open(address, company.folder.path()).await.unwrap();
    let raw = answer(1, "Call me");
    other
        .keep_inbound(InboundKind::Mail, raw.as_bytes(), company.app.now_ms())
        .await
        .unwrap();
    company.comes_to("SELECT count(*) FROM tasks", 1).await;
    company.stop.cancel();
    watching.await.unwrap();
}

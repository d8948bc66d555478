//! What a mail server answers, and what becomes of a letter.

use std::collections::HashSet;

use chrono::TimeDelta;
use rekindle::db::{ClaimOrder, DueMessage, Ending, Outlook};
use rekindle::model::Channel;
use rekindle::rules::delivery::clearance::Door;

use super::sink::{At, Fault, Manners, Script};
use super::{LETTER, Post, QUICK, news};
use crate::database;

/// A server that makes this mistake so often.
fn server(at: At, fault: Fault, times: usize) -> Manners {
    Manners {
        scripts: vec![Script { at, fault }],
        most_faults: Some(times),
        ..Manners::default()
    }
}

/// One client with news at nine in the morning, when the hours open.
fn one_letter(manners: Manners, step: &str) -> Post {
    let mut post = Post::letters(manners);
    post.clients(&["anna"]);
    post.world.campaign(&news("news", "2026-03-05", step));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post
}

#[test]
fn a_letter_is_planned_approved_sent_and_taken_with_a_receipt() {
    let mut post = one_letter(Manners::default(), LETTER);
    assert_eq!(post.state("anna"), ("planned".into(), String::new()));
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    let receipt = post.world.texts("SELECT receipt FROM messages")[0].clone();
    assert!(receipt.contains("queued as"), "{receipt}");
    let received = post.sink().received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].recipient, "anna@example.org");
    assert_eq!(post.deliver(), 0, "nothing is left to do");
    post.finish();
}

#[test]
fn a_mailbox_that_is_busy_gets_the_same_bytes_later() {
    let busy = server(At::EndOfData, Fault::Say("450 4.2.1 busy"), 1);
    let mut post = one_letter(busy, LETTER);
    post.deliver();
    let (state, reason) = post.state("anna");
    assert_eq!(state, "retry");
    assert!(reason.contains("450"), "{reason}");
    let wait = post.due("anna") - post.now();
    assert!(
        wait > TimeDelta::minutes(3) && wait < TimeDelta::minutes(7),
        "{wait}"
    );
    post.later(TimeDelta::minutes(2));
    assert_eq!(post.deliver(), 0, "too early");
    post.later(TimeDelta::minutes(5));
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    let received = post.sink().received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].data, received[1].data);
    let text = String::from_utf8_lossy(&received[0].data).into_owned();
    assert_eq!(text.matches("Message-ID:").count(), 1);
    post.finish();
}

#[test]
fn a_refused_recipient_is_tried_again_and_no_point_of_no_return_was_passed() {
    let busy = server(At::Recipient, Fault::Say("450 4.2.1 greylisted"), 1);
    let mut post = one_letter(busy, LETTER);
    post.deliver();
    assert_eq!(post.state("anna").0, "retry");
    assert_eq!(post.world.count("SELECT count(*) FROM attempts"), 0);
    post.later(TimeDelta::minutes(10));
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    assert_eq!(post.world.count("SELECT count(*) FROM attempts"), 1);
    post.finish();
}

#[test]
fn an_address_that_does_not_exist_is_never_written_to_again() {
    let unknown = server(At::Recipient, Fault::Say("550 5.1.1 no such user"), 1);
    let mut post = one_letter(unknown, LETTER);
    post.deliver();
    assert_eq!(post.state("anna").0, "failed");
    let suppressed = post
        .world
        .texts("SELECT scope || ' ' || reason FROM suppressions");
    assert_eq!(suppressed, ["all hard_bounce"]);
    post.world.campaign(&news("more", "2026-03-20", LETTER));
    post.run("2026-03-20");
    let messages = post
        .world
        .count("SELECT count(*) FROM messages WHERE campaign = 'more'");
    assert_eq!(messages, 0);
    post.finish();
}

#[test]
fn silence_after_the_content_is_unknown_and_marketing_is_never_sent_again() {
    let mut post = one_letter(server(At::EndOfData, Fault::Stall, 1), LETTER);
    post.deliver();
    assert_eq!(post.state("anna").0, "unknown");
    for _ in 0..4 {
        post.later(TimeDelta::hours(5));
        post.deliver();
    }
    assert_eq!(post.state("anna").0, "unknown");
    assert_eq!(post.sink().received().len(), 1);
    post.finish();
}

#[test]
fn silence_after_the_content_is_answered_once_more_where_better_two_than_none() {
    let step = format!("{LETTER}, on_unknown = \"at_least_once\"");
    let mut post = one_letter(server(At::EndOfData, Fault::Stall, 2), &step);
    post.deliver();
    assert_eq!(post.state("anna").0, "unknown");
    post.later(TimeDelta::minutes(10));
    post.deliver();
    assert_eq!(post.state("anna").0, "unknown", "time for proof to come in");
    post.later(TimeDelta::minutes(6));
    post.deliver();
    let received = post.sink().received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].data, received[1].data);
    post.later(TimeDelta::hours(2));
    post.deliver();
    assert_eq!(post.state("anna").0, "unknown", "once more, not for ever");
    assert_eq!(post.sink().received().len(), 2);
    post.finish();
}

#[test]
fn a_server_that_dies_before_the_content_leaves_nothing_unknown() {
    for at in [At::Greeting, At::Hello, At::Sender, At::Recipient, At::Data] {
        let mut post = one_letter(server(at, Fault::Rst, 1), LETTER);
        post.deliver();
        let (state, reason) = post.state("anna");
        assert!(
            ["queued", "retry"].contains(&state.as_str()),
            "{at:?}: {state} {reason}"
        );
        assert_eq!(
            post.world.count("SELECT count(*) FROM attempts"),
            0,
            "{at:?}"
        );
        post.later(TimeDelta::minutes(10));
        post.deliver();
        assert_eq!(post.state("anna").0, "accepted", "{at:?}");
        post.finish();
    }
}

#[test]
fn a_dead_server_costs_a_few_attempts_and_not_the_campaign() {
    let dead = server(At::Greeting, Fault::Fin, usize::MAX);
    let mut post = Post::with(dead, QUICK, "connections = 1\n");
    let ids: Vec<String> = (0..60).map(|n| format!("c{n}")).collect();
    post.clients(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post.deliver();
    let connections = post.sink().connections();
    assert!((5..=10).contains(&connections), "{connections}");
    assert_eq!(post.world.count("SELECT count(*) FROM attempts"), 0);
    assert_eq!(post.world.count("SELECT sum(refusals) FROM messages"), 0);
    assert_eq!(post.deliver(), 0, "the channel rests");
    post.later(TimeDelta::seconds(31));
    post.deliver();
    assert!(post.sink().connections() <= connections + 4);
    // What waits is due already; the oracle must not call that stuck.
    post.later(TimeDelta::days(5));
    post.deliver();
    assert_eq!(post.states(), [("expired".to_owned(), 60)]);
    post.finish();
}

#[test]
fn a_wrong_password_stops_the_channel_until_a_person_lifts_it() {
    let wrong = Manners {
        scripts: vec![Script {
            at: At::Login,
            fault: Fault::Say("535 5.7.8 wrong password"),
        }],
        offers: vec!["AUTH PLAIN LOGIN"],
        most_faults: Some(1),
        ..Manners::default()
    };
    let smtp = "connections = 1\nuser = \"bakery\"\npassword_file = \"password\"\n";
    let mut post = Post::with(wrong, QUICK, smtp);
    let file = post.world.home().join("password");
    std::fs::write(&file, "secret").unwrap();
    super::restrict(&file);
    post.clients(&["anna", "boris", "clara"]);
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.stops(), ["channel email"]);
    assert_eq!(post.sink().connections(), 1, "one wrong password is enough");
    post.later(TimeDelta::hours(2));
    post.deliver();
    assert_eq!(post.sink().received().len(), 0);
    assert!(post.state("boris").1.contains("channel email is stopped"));
    let mut lift = std::process::Command::new(env!("CARGO_BIN_EXE_rekindle"));
    lift.arg("--config").arg(post.world.config_file());
    lift.args(["messages", "stops", "--lift", "channel", "email"]);
    assert!(lift.output().unwrap().status.success());
    assert_eq!(post.stops(), Vec::<String>::new());
    // At once, by the process that has met the wrong password: nobody restarts it, no hour passes.
    post.deliver();
    assert_eq!(post.states(), [("accepted".to_owned(), 3)]);
    post.finish();
}

#[test]
fn a_stop_of_a_step_leaves_its_fallback_alone() {
    let step = r#"channel = "whatsapp", template = "thank-you-short",
        fallback = { channel = "email", template = "news" }"#;
    let mut post = one_letter(Manners::default(), step);
    let planned = post.world.texts("SELECT step FROM messages");
    assert_eq!(planned, ["message-fallback"], "no country is on the list");
    let app = post.app();
    let stop = |name: &str| rekindle::db::Stop {
        kind: rekindle::model::StopOf::Step,
        name: name.to_owned(),
        since: 0,
        by: "test".to_owned(),
        reason: "the template rests".to_owned(),
    };
    post.world
        .wait(app.store.stop(&stop("news/message")))
        .unwrap();
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    post.finish();
}

#[test]
fn mailboxes_of_one_domain_are_written_to_at_its_pace() {
    let mut post = Post::with(Manners::default(), "letters_per_domain = 2\n", "");
    post.clients(&["anna", "boris", "clara"]);
    post.world
        .client("dora")
        .email("dora@example.com")
        .bought(&["2026-01-05"]);
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post.deliver();
    let to = |post: &Post, domain: &str| {
        let received = post.sink().received();
        received
            .iter()
            .filter(|one| one.recipient.ends_with(domain))
            .count()
    };
    assert_eq!((to(&post, "example.org"), to(&post, "example.com")), (1, 1));
    post.later(TimeDelta::milliseconds(30_001));
    post.deliver();
    assert_eq!(to(&post, "example.org"), 2);
    post.later(TimeDelta::milliseconds(30_001));
    post.deliver();
    assert_eq!(to(&post, "example.org"), 3);
    // Being paced is no event of a message's story.
    let events = post
        .world
        .texts("SELECT DISTINCT state FROM message_events");
    assert_eq!(events, ["accepted"]);
    post.finish();
}

#[test]
fn a_stale_claim_changes_nothing() {
    let mut post = one_letter(Manners::default(), LETTER);
    let app = post.app();
    let order = ClaimOrder {
        channel: Channel::Email,
        limit: 10,
        owner: "asleep",
        now_ms: app.now_ms(),
        lease_ms: 60_000,
        gates: true,
    };
    let door = Door {
        settings: &app.settings,
        campaigns: &app.campaigns,
        now: app.clock.now(),
    };
    let address = |_: &DueMessage| "anna@example.org".to_owned();
    let claimed = app.store.claim(&order, &door, address);
    let claimed = post.world.wait(claimed).unwrap().through;
    assert_eq!(claimed.len(), 1);
    // On a server nobody knows whether he is gone, so his lease has to end first.
    let early = app.store.take_over("other", app.now_ms());
    let early = post.world.wait(early).unwrap();
    let from_a_file = u64::from(!crate::database::on_a_server());
    assert_eq!(early.given_back, from_a_file);
    post.later(TimeDelta::minutes(2));
    let over = app.store.take_over("other", app.now_ms());
    let over = post.world.wait(over).unwrap();
    assert_eq!(early.given_back + over.given_back, 1);
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    let reason = "too late".to_owned();
    let endings = [
        Outlook::Failed {
            reason: reason.clone(),
        },
        Outlook::Unknown {
            reason: reason.clone(),
        },
        Outlook::Retry {
            due_at: 0,
            reason: reason.clone(),
        },
        Outlook::GiveBack { due_at: 0, reason },
    ];
    for outlook in endings {
        let claim = claimed[0].0.claim;
        let ending = [Ending { claim, outlook }];
        let stale = app.store.record_endings(&ending, "asleep", app.now_ms());
        assert_eq!(post.world.wait(stale).unwrap(), 1);
    }
    let claims = [claimed[0].0.claim];
    let given = app.store.give_back(&claims, "asleep", app.now_ms());
    assert_eq!(post.world.wait(given).unwrap(), 0);
    assert_eq!(post.state("anna").0, "accepted");
    post.finish();
}

#[test]
fn the_database_itself_refuses_what_no_message_may_be() {
    let mut post = one_letter(Manners::default(), LETTER);
    for change in [
        "state = 'nonsense'",
        "on_unknown = 'never'",
        "state = 'claimed'",
        "owner = 'somebody'",
        "lease_until = 5",
        "state = 'accepted'",
        "state = 'unknown'",
        "attempts = 2",
    ] {
        let said = post.world.refused(&format!("UPDATE messages SET {change}"));
        assert!(
            said.to_lowercase().contains("constraint"),
            "{change}: {said}"
        );
    }
    post.deliver();
    for state in ["planned", "queued", "failed", "unknown"] {
        let change = format!("UPDATE messages SET state = '{state}', due_at = 5");
        let said = post.world.refused(&change);
        assert!(
            said.contains("a message that is over stays as it is"),
            "{said}"
        );
    }
    let left = post.world.texts("SELECT state || due_at FROM messages");
    assert_eq!(left, ["accepted0"]);
    post.finish();
}

#[test]
fn what_becomes_of_messages_is_written_by_their_numbers() {
    if database::only_sqlite("plans of queries are told in words of SQLite") {
        return;
    }
    let mut post = one_letter(Manners::default(), LETTER);
    let settle =
        "EXPLAIN QUERY PLAN UPDATE messages SET state = 'queued' FROM json_each('[]') AS row
         WHERE messages.id = row.value ->> 'id' AND claim = row.value ->> 'claim'";
    let rows = post.world.rows(settle);
    let lines: Vec<String> = rows.iter().map(|row| row.get(3)).collect();
    let by_number = "SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)";
    assert!(lines.iter().any(|line| line == by_number), "{lines:?}");
    post.deliver();
    post.finish();
}

#[test]
fn a_list_of_a_manager_is_sent_once_more_when_nobody_knows_whether_it_arrived() {
    let mut post = Post::letters(server(At::EndOfData, Fault::Stall, 1));
    post.world.client("anna").bought_every(10, 6, "2026-01-20");
    post.world.campaign(
        r#"id = "call"
title = "C"
status = "live"
starts = 2026-01-01
backlog_per_day = 9
trigger = { on = "missed_cycle" }
limits = { holdout = "0%" }
step = [{ id = "call", task = "call", script = "sleeping-client" }]
"#,
    );
    post.planned("2026-03-05");
    let app = post.app();
    let lists = rekindle::jobs::day::write_lists(&app, super::date("2026-03-05"));
    assert_eq!(post.world.wait(lists).unwrap(), 1);
    // The company's own people are written to at any hour.
    post.deliver();
    assert_eq!(post.states(), [("unknown".to_owned(), 1)]);
    post.later(TimeDelta::minutes(16));
    post.deliver();
    assert_eq!(post.states(), [("accepted".to_owned(), 1)]);
    let received = post.sink().received();
    let different: HashSet<&Vec<u8>> = received.iter().map(|one| &one.data).collect();
    assert_eq!((received.len(), different.len()), (2, 1));
    post.finish();
}

//! What has changed between the plan and the sending.

use chrono::TimeDelta;
use rekindle::db::Decision;
use rekindle::jobs::day::RunOutcome;

use super::sink::Manners;
use super::{LETTER, Post, news};

fn planned(ids: &[&str]) -> Post {
    let mut post = Post::letters(Manners::default());
    post.clients(ids);
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    post
}

#[test]
fn a_letter_waits_for_the_morning_in_its_readers_own_zone() {
    let mut post = Post::letters(Manners::default());
    post.clients(&["moscow"]);
    // Ten in the morning already.
    post.world
        .client("almaty")
        .phone("+77011234567")
        .bought(&["2026-01-05"]);
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    post.deliver();
    assert_eq!(post.state("almaty").0, "accepted");
    assert_eq!(
        post.state("moscow"),
        ("queued".into(), "closed_hours".into())
    );
    assert_eq!(post.due("moscow").to_rfc3339(), "2026-03-05T06:00:00+00:00");
    post.later(TimeDelta::minutes(59));
    assert_eq!(post.deliver(), 0);
    post.later(TimeDelta::minutes(1));
    post.deliver();
    assert_eq!(post.state("moscow").0, "accepted");
    post.finish();
}

#[test]
fn a_paused_campaign_holds_its_letters_until_it_goes_on() {
    let mut post = planned(&["anna"]);
    let paused = news("news", "2026-03-05", LETTER).replace("\"live\"", "\"paused\"");
    post.later(TimeDelta::hours(1));
    post.world.campaign(&paused);
    post.live = None;
    post.deliver();
    assert_eq!(
        post.state("anna"),
        ("queued".into(), "the campaign is paused".into())
    );
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.live = None;
    post.later(TimeDelta::minutes(16));
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    post.finish();
}

#[test]
fn who_buys_between_the_plan_and_the_sending_gets_nothing() {
    let mut post = planned(&["anna", "boris"]);
    post.world.client("anna").bought(&["2026-03-05"]);
    post.world.import();
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.state("anna"), ("cancelled".into(), "goal".into()));
    assert_eq!(post.state("boris").0, "accepted");
    post.finish();
}

#[test]
fn who_says_stop_between_the_plan_and_the_sending_gets_nothing() {
    let mut post = planned(&["anna", "boris"]);
    post.world.suppressed("anna@example.org", "2026-03-05");
    post.world.import();
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.state("anna").0, "suppressed");
    assert_eq!(post.state("boris").0, "accepted");
    post.finish();
}

#[test]
fn a_letter_that_could_not_leave_in_time_expires() {
    let mut post = planned(&["anna"]);
    post.later(TimeDelta::days(5));
    post.deliver();
    assert_eq!(post.state("anna").0, "expired");
    assert_eq!(post.sink().received().len(), 0);
    post.finish();
}

#[test]
fn two_letters_to_one_person_at_the_door_together_count_for_each_other() {
    let mut post = Post::letters(Manners::default());
    post.world.also("\n");
    post.clients(&["anna"]);
    post.world.campaign(&news("one", "2026-03-04", LETTER));
    post.world.campaign(&news("two", "2026-03-05", LETTER));
    post.world.campaign(&news("three", "2026-03-06", LETTER));
    for on in ["2026-03-04", "2026-03-05", "2026-03-06"] {
        let waits = post.run(on);
        assert!(
            matches!(waits, RunOutcome::AwaitingApproval(_)),
            "{waits:?}"
        );
    }
    for on in ["2026-03-04", "2026-03-05", "2026-03-06"] {
        post.approve(on);
    }
    post.later(TimeDelta::hours(1));
    let planned = post
        .world
        .count("SELECT count(*) FROM messages WHERE state = 'planned'");
    post.deliver();
    // Two a week are allowed, however many were planned while nothing could leave.
    let left = post.sink().received().len();
    assert_eq!(left, 2, "of {planned} planned");
    post.finish();
}

#[test]
fn what_a_person_holds_waits_until_a_person_releases_it() {
    let mut post = planned(&["anna", "boris"]);
    let config = post.world.config_file();
    let rekindle = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rekindle"));
        let output = command
            .arg("--config")
            .arg(&config)
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    rekindle(&[
        "messages",
        "hold",
        "--reason",
        "after a restore",
        "--by",
        "operator",
    ]);
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.states(), [("held".to_owned(), 2)]);
    let id = post.world.count(
        "SELECT m.id FROM messages m JOIN clients c ON c.id = m.client_id WHERE ext_id = 'anna'",
    );
    let app = post.app();
    let (release, now_ms) = (Decision::Release, app.now_ms());
    let released = app
        .store
        .decide_message(id, release, "looked at", "operator", now_ms);
    assert!(post.world.wait(released).unwrap());
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    assert_eq!(post.state("boris").0, "held");
    post.finish();
}

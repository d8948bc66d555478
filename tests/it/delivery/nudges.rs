//! What the Cloud API answers, and what becomes of a nudge.

use chrono::TimeDelta;
use rekindle::jobs::day::RunOutcome;

use super::fake::{Rule, Then};
use super::servers::script;
use super::{NUDGE, Post, news};

/// Two clients with a phone in Kazakhstan, where it is eleven in the morning when this returns.
fn planned(rules: Vec<Rule>, whatsapp: &str) -> Post {
    let script = super::fake::Script { rules, ..script() };
    let mut post = Post::nudges(script, whatsapp);
    for (id, phone) in [("anna", "+77011234567"), ("boris", "+77011234568")] {
        post.world.client(id).phone(phone).bought(&["2026-01-05"]);
    }
    post.world.campaign(&news("news", "2026-03-05", NUDGE));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post
}

fn once(then: Then) -> Vec<Rule> {
    vec![Rule {
        times: Some(1),
        to: Some("77011234567".to_owned()),
        ..Rule::always(then)
    }]
}

#[test]
fn a_nudge_is_taken_and_its_id_kept() {
    let mut post = planned(Vec::new(), "");
    post.deliver();
    assert_eq!(post.states(), [("accepted".to_owned(), 2)]);
    let ids = post.world.texts("SELECT provider_id FROM messages");
    assert!(ids.iter().all(|id| id.starts_with("wamid.")), "{ids:?}");
    post.finish();
}

#[test]
fn a_run_with_nudges_waits_for_a_person_each_time_and_says_why() {
    let mut post = planned(Vec::new(), "");
    post.deliver();
    let second = news("more", "2026-03-20", NUDGE);
    post.world.campaign(&second);
    let RunOutcome::AwaitingApproval(summary) = post.run("2026-03-20") else {
        panic!("it has to wait");
    };
    let why = summary.held_because.unwrap();
    assert!(why.contains("whatsapp: 2 messages"), "{why}");
    post.deliver();
    assert_eq!(post.fake().requests().len(), 2, "nothing leaves before");
    post.approve("2026-03-20");
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.states(), [("accepted".to_owned(), 4)]);
    post.finish();
}

#[test]
fn a_run_with_nudges_does_not_wait_where_nobody_wants_to_look() {
    let mut post = planned(Vec::new(), "approval = false\n");
    post.deliver();
    // The first run of a campaign waits in any case; the second day of this one does not.
    let outcome = post.run("2026-03-06");
    assert!(matches!(outcome, RunOutcome::Done(_)), "{outcome:?}");
    post.finish();
}

#[test]
fn a_refused_nudge_is_tried_again_and_a_lost_answer_is_not() {
    for (then, state, measure) in [
        (Then::Refuse { code: 131_000 }, "retry", ""),
        (Then::Refuse { code: 130_429 }, "retry", ""),
        (Then::Refuse { code: 131_026 }, "failed", ""),
        (Then::Refuse { code: 131_050 }, "failed", ""),
        (Then::TooMany { retry_after: 7 }, "retry", ""),
        (Then::ResetAfterBody { taken: true }, "unknown", ""),
        (Then::ResetAfterBody { taken: false }, "unknown", ""),
        (Then::Stall { taken: true }, "unknown", ""),
        (Then::CutAnswer { taken: true }, "unknown", ""),
        (
            Then::NoJson {
                status: 503,
                taken: false,
            },
            "unknown",
            "",
        ),
        (Then::Refuse { code: 190 }, "retry", "channel whatsapp"),
        (
            Then::Refuse { code: 132_001 },
            "failed",
            "step news/message",
        ),
        (Then::Refuse { code: 130_497 }, "failed", "country KZ"),
    ] {
        let name = then.name();
        let mut post = planned(once(then), "timeout = \"500ms\"\n");
        post.deliver();
        let (seen, reason) = post.state("anna");
        assert_eq!(seen, state, "{name}: {reason}");
        let expected: Vec<&str> = Some(measure)
            .filter(|stop| !stop.is_empty())
            .into_iter()
            .collect();
        assert_eq!(post.stops(), expected, "{name}");
        post.later(TimeDelta::hours(1));
        post.deliver();
        let again = match (state, measure) {
            ("retry", "") => "accepted",
            ("retry", _) => "queued",
            (other, _) => other,
        };
        assert_eq!(post.state("anna").0, again, "{name}");
        post.finish();
    }
}

#[test]
fn a_connection_that_was_refused_after_the_point_of_no_return_is_tried_again() {
    let mut post = planned(Vec::new(), "");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = nobody.local_addr().unwrap();
    drop(nobody);
    let good = post.fake().base_url();
    let file = post.world.config_file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&good, &format!("http://{free}"))).unwrap();
    post.restart_as_written();
    post.deliver();
    assert_eq!(post.states(), [("retry".to_owned(), 2)]);
    assert_eq!(post.world.count("SELECT count(*) FROM attempts"), 2);
    std::fs::write(&file, text).unwrap();
    post.restart_as_written();
    post.later(TimeDelta::minutes(2));
    post.deliver();
    assert_eq!(post.states(), [("accepted".to_owned(), 2)]);
    post.finish();
}

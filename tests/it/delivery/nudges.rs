//! What the Cloud API answers, and what becomes of a nudge.

use chrono::TimeDelta;
use rekindle::jobs::day::RunOutcome;

use super::fake::{HeaderKind, Rule, Template, Then};
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
fn a_nudge_with_the_picture_of_a_certificate_is_taken() {
    let mut script = script();
    let template = Template {
        name: "friend_certificate_short".to_owned(),
        header: Some(HeaderKind::Image),
        body: 4,
        ..script.templates[0].clone()
    };
    script.templates.push(template);
    let mut post = Post::nudges(script, "");
    let client = post.world.client("anna");
    client.phone("+77011234567").bought(&["2026-01-05"]);
    let step = r#"channel = "whatsapp", template = "friend-certificate-short", certificate = { kind = "friend", discount = "10%", valid = "60d" }"#;
    post.world.campaign(&news("news", "2026-03-05", step));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    assert_eq!(post.world.count("SELECT count(*) FROM certificates"), 1);
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
    let cases = [
        (Then::Refuse { code: 131_000 }, "retry"),
        (Then::Refuse { code: 130_429 }, "retry"),
        (Then::Refuse { code: 131_056 }, "retry"),
        (Then::Refuse { code: 131_026 }, "failed"),
        (Then::Refuse { code: 131_050 }, "failed"),
        (Then::TooMany { retry_after: 7 }, "retry"),
        (Then::ResetAfterBody { taken: true }, "unknown"),
        (Then::ResetAfterBody { taken: false }, "unknown"),
        (Then::Stall { taken: true }, "unknown"),
        (Then::CutAnswer { taken: true }, "unknown"),
        (Then::BadJson { taken: true }, "unknown"),
        (
            Then::NoJson {
                status: 503,
                taken: false,
            },
            "unknown",
        ),
    ];
    // Five faults in a row let the channel rest: not so many in one world.
    for cases in cases.chunks(4) {
        each_ends_as_it_should(cases);
    }
}

fn each_ends_as_it_should(cases: &[(Then, &str)]) {
    let phone = |n: usize| format!("77011234{n:03}");
    let rules = cases.iter().enumerate().map(|(n, (then, _))| Rule {
        times: Some(1),
        to: Some(phone(n)),
        ..Rule::always(then.clone())
    });
    let script = super::fake::Script {
        rules: rules.collect(),
        ..script()
    };
    let mut post = Post::nudges(script, "timeout = \"500ms\"\n");
    for n in 0..cases.len() {
        let client = post.world.client(&format!("c{n}"));
        client
            .phone(&format!("+{}", phone(n)))
            .bought(&["2026-01-05"]);
    }
    post.world.campaign(&news("news", "2026-03-05", NUDGE));
    post.planned("2026-03-05");
    post.deliver();
    for (n, (then, state)) in cases.iter().enumerate() {
        let (seen, reason) = post.state(&format!("c{n}"));
        assert_eq!(&seen, state, "{}: {reason}", then.name());
    }
    assert_eq!(post.stops(), Vec::<String>::new());
    post.later(TimeDelta::hours(1));
    post.deliver();
    for (n, (then, state)) in cases.iter().enumerate() {
        let (seen, reason) = post.state(&format!("c{n}"));
        let again = if *state == "retry" { "accepted" } else { state };
        assert_eq!(seen, again, "{}: {reason}", then.name());
    }
    post.finish();
}

#[test]
fn what_every_nudge_would_meet_stops_more_than_one() {
    for (code, state, stop) in [
        (190, "queued", "channel whatsapp"),
        (368, "queued", "channel whatsapp"),
        (132_001, "failed", "step news/message"),
        (132_016, "retry", "step news/message"),
        (130_497, "failed", "country KZ"),
        (131_048, "retry", "campaign news"),
    ] {
        let mut post = planned(once(Then::Refuse { code }), "");
        post.deliver();
        assert_eq!(post.stops(), [stop]);
        post.later(TimeDelta::hours(1));
        let requests = post.fake().requests().len();
        post.deliver();
        assert_eq!(post.fake().requests().len(), requests, "{code}: it rests");
        let (seen, reason) = post.state("anna");
        let seen = if seen == "queued" && state == "retry" {
            state.to_owned()
        } else {
            seen
        };
        assert_eq!(seen, state, "{code}: {reason}");
        post.finish();
    }
}

/// A nudge with a letter for those whom it does not reach.
const NUDGE_OR_LETTER: &str = r#"channel = "whatsapp", template = "thank-you-short",
    fallback = { channel = "email", template = "news" }"#;

fn planned_with_fallback(rules: Vec<Rule>) -> Post {
    let script = super::fake::Script { rules, ..script() };
    let mut post = Post::nudges(script, "");
    for (id, phone) in [("anna", "+77011234567"), ("boris", "+77011234568")] {
        post.world.client(id).phone(phone).bought(&["2026-01-05"]);
    }
    post.world
        .campaign(&news("news", "2026-03-05", NUDGE_OR_LETTER));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post
}

/// Every message as client, step and state.
fn steps(post: &mut Post) -> Vec<String> {
    post.world.texts(
        "SELECT c.ext_id || ' ' || m.step || ' ' || m.state FROM messages m
         JOIN clients c ON c.id = m.client_id ORDER BY m.id",
    )
}

#[test]
fn who_turns_out_to_have_no_whatsapp_gets_the_letter_with_the_next_run() {
    let mut post = planned_with_fallback(once(Then::Refuse { code: 131_026 }));
    post.deliver();
    assert_eq!(
        steps(&mut post),
        ["anna message failed", "boris message accepted"]
    );
    // The day after, by the index of who is to be looked at; each day after that nothing more.
    for on in ["2026-03-06", "2026-03-07", "2026-03-10"] {
        let _ = post.run(on);
        assert_eq!(
            steps(&mut post),
            [
                "anna message failed",
                "boris message accepted",
                "anna message-fallback planned"
            ],
            "{on}"
        );
    }
    // No mail server in this world: the letter expires.
    post.later(TimeDelta::days(6));
    post.deliver();
    post.finish();
}

#[test]
fn a_template_that_meta_has_paused_holds_the_nudges_of_its_step_until_a_person_lifts_it() {
    let rests = Rule {
        to: None,
        ..once(Then::Refuse { code: 132_015 }).remove(0)
    };
    let mut post = planned_with_fallback(vec![rests]);
    post.deliver();
    assert_eq!(post.stops(), ["step news/message"]);
    let asked = post.fake().requests().len();
    post.later(TimeDelta::hours(3));
    post.deliver();
    assert_eq!(post.fake().requests().len(), asked, "nobody asks again");
    for client in ["anna", "boris"] {
        let (state, reason) = post.state(client);
        assert!(
            state == "accepted" || reason.contains("step news/message is stopped"),
            "{client}: {state} {reason}"
        );
    }
    let app = post.app();
    let lifted = app
        .store
        .lift_stop(rekindle::model::StopOf::Step, "news/message");
    assert!(post.world.wait(lifted).unwrap());
    post.deliver();
    assert_eq!(post.states(), [("accepted".to_owned(), 2)]);
    post.finish();
}

#[test]
fn a_country_that_is_taken_off_the_list_after_the_plan_gets_nothing() {
    let mut post = planned(Vec::new(), "");
    let file = post.world.config_file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[\"KZ\"]", "[\"AM\"]")).unwrap();
    post.restart_as_written();
    post.deliver();
    assert_eq!(post.fake().requests().len(), 0);
    let reason = ("skipped".to_owned(), "country_not_allowed".to_owned());
    assert_eq!(post.state("anna"), reason);
    post.finish();
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

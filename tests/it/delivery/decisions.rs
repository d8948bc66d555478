//! What a person decides with `rekindle messages`.

use std::process::{Command, Output};

use chrono::TimeDelta;
use rekindle::db::Decision;
use serde_json::Value;

use super::sink::{At, Fault, Manners, Script};
use super::{LETTER, Post, news};

impl Post {
    fn command(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
        command.arg("--config").arg(self.world.config_file());
        command.arg("messages").args(args).output().unwrap()
    }

    fn said(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = self.command(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn id(&mut self, client: &str) -> String {
        let number = self.world.count(&format!(
            "SELECT m.id FROM messages m JOIN clients c ON c.id = m.client_id
             WHERE c.ext_id = '{client}'"
        ));
        number.to_string()
    }
}

/// Letters to a server that fell silent after the first ones.
fn silent(ids: &[&str]) -> Post {
    let manners = Manners {
        scripts: vec![Script {
            at: At::EndOfData,
            fault: Fault::Stall,
        }],
        most_faults: Some(ids.len()),
        ..Manners::default()
    };
    let mut post = Post::letters(manners);
    post.clients(ids);
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.states(), [("unknown".to_owned(), ids.len() as i64)]);
    post
}

#[test]
fn unknown_messages_are_listed_and_each_is_decided_by_a_person_with_a_reason() {
    let mut post = silent(&["anna", "boris", "clara"]);
    let (_, out, _) = post.said(&["--state", "unknown"]);
    assert_eq!(out.matches(" unknown ").count(), 3, "{out}");
    let (anna, boris, clara) = (post.id("anna"), post.id("boris"), post.id("clara"));
    for (id, decision) in [(&anna, "arrived"), (&boris, "give-up")] {
        let decide = |reason: &str| {
            post.said(&["resolve", id, decision, "--reason", reason, "--by", "olga"])
        };
        let (code, _, err) = decide("  ");
        assert!(
            code == Some(2) && err.contains("--reason must say why"),
            "{err}"
        );
        assert_eq!(decide("asked the client").0, Some(0), "{decision}");
        let (code, _, err) = decide("asked the client");
        assert_eq!(code, Some(2), "{decision} again");
        assert!(err.contains("are for unknown messages"), "{err}");
    }
    assert_eq!(post.state("anna").0, "accepted");
    assert_eq!(post.state("boris").0, "failed");
    // Not by the program, whose clock is that of the machine: this one is to leave in the test's day.
    post.later(TimeDelta::minutes(1));
    let app = post.app();
    let number = clara.parse().unwrap();
    let resend = Decision::Resend;
    let decided =
        app.store
            .decide_message(number, resend, "asked the client", "olga", app.now_ms());
    assert!(post.world.wait(decided).unwrap());
    post.later(TimeDelta::minutes(1));
    post.deliver();
    assert_eq!(post.state("clara").0, "accepted");
    let to_clara = post.sink().received();
    let to_clara: Vec<_> = to_clara
        .iter()
        .filter(|one| one.recipient.starts_with("clara"))
        .collect();
    assert_eq!(to_clara.len(), 2);
    assert_eq!(to_clara[0].data, to_clara[1].data, "the same letter");
    let (code, out, _) = post.said(&["show", &clara, "--format", "json"]);
    assert_eq!(code, Some(0));
    let story: Value = serde_json::from_str(&out).unwrap();
    let states: Vec<&str> = story["journal"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["state"].as_str().unwrap())
        .collect();
    assert_eq!(
        states,
        ["sending", "unknown", "queued", "sending", "accepted"],
        "{story}"
    );
    let decided = &story["journal"][2];
    assert_eq!(
        (&decided["by"], &decided["reason"]),
        (&"olga".into(), &"asked the client".into())
    );
    let (_, out, _) = post.said(&["show", &anna]);
    assert!(
        out.contains("accepted   by olga: asked the client"),
        "{out}"
    );
    assert_eq!(post.said(&["show", "999999"]).0, Some(2));
    // Both were told by a person: there is no receipt of a server for them.
    let _ = post.world.failures();
    post.finish();
}

//! Who does what: whose task it is, who stands in, what follows from an outcome.

use std::io::{Read, Write};
use std::time::Duration;

use rekindle::channels::task_hook::{Listener, sign};
use rekindle::config::secrets::SecretString;
use rekindle::db::{Friend, InboundKind};
use rekindle::jobs::day as days;
use rekindle::jobs::outcome::{Recorded, Told, record};
use rekindle::jobs::{intake, task_hook};
use rekindle::model::{Day, Outcome, OutcomeKind, Readiness};

use super::{COMPANY, World, day};

const PEOPLE: &str = r#"
[tasks]
head = "head"
trainee_after = "365d"
escalate_after = "2d"
[[manager]]
id = "olga"
name = "Olga"
email = "olga@example.org"
role = "farmer"
[[manager]]
id = "boris"
name = "Boris"
email = "boris@example.org"
role = "hunter"
[[manager]]
id = "vera"
name = "Vera"
email = "vera@example.org"
role = "trainee"
[[manager]]
id = "head"
name = "Head"
email = "head@example.org"
role = "key"
"#;

const REJECTED: &str = r#"id = "rejected"
title = "R"
status = "live"
starts = 2026-01-01
trigger = { on = "rejection", after = "1d" }
goal = { event = "none" }
limits = { holdout = "0%", reentry = "0d" }
step = [{ id = "call", task = "call", script = "rejection" }]
"#;

fn world() -> World {
    let mut world = World::with(&format!("{COMPANY}{PEOPLE}"));
    world.campaign(REJECTED);
    world
}

fn tell(world: &mut World, task: i64, told: &Told<'_>) -> Recorded {
    world.at(told.outcome.day);
    world.app();
    let app = world.app.as_ref().expect("opened");
    world.wait(record(app, task, told)).expect("an outcome")
}

/// Whose list each task stands on: `anna olga 1`.
fn lists(world: &mut World) -> Vec<String> {
    let tasks = world.tasks().into_iter();
    tasks
        .map(|task| {
            let rank = task
                .rank
                .map_or_else(|| "-".to_owned(), |rank| rank.to_string());
            format!("{} {} {rank}", task.client, task.acting)
        })
        .collect()
}

#[test]
fn the_unready_go_to_a_trainee_and_come_back_to_a_seller_when_he_finds_interest() {
    let mut world = world();
    world.client("anna").manager("boris");
    world.client("bella").manager("boris");
    world.deal(
        "d1",
        "anna",
        "lost,2026-02-01,2026-02-20,price,500,Bread,,no,no,yes",
    );
    world.deal(
        "d2",
        "bella",
        "lost,2026-02-01,2026-02-20,price,500,Bread,,yes,yes,yes",
    );
    world.run("2026-03-02");
    assert_eq!(lists(&mut world), ["bella boris 1", "anna vera 1"]);
    let task = world.tasks().pop().expect("a task").id;
    let interested = Outcome::new(OutcomeKind::Interested, day("2026-03-02"));
    let recorded = tell(&mut world, task, &Told::new(interested, "vera"));
    let Recorded::Done(effects) = recorded else {
        panic!("{recorded:?}");
    };
    assert!(effects.passed_on.is_some() && effects.deal.is_some());
    assert_eq!(lists(&mut world), ["bella boris 1", "anna boris 2"]);
    let opened = world.texts("SELECT manager || ' ' || status FROM deals WHERE ext_id LIKE 'R-%'");
    assert_eq!(opened, ["boris open"]);
    // The episode is over, the task that was passed on is not; and it stands first.
    world.run("2026-03-03");
    let still = lists(&mut world);
    assert_eq!(still, ["bella boris 1", "anna boris 2"]);
    world.finish();
}

#[test]
fn a_no_on_the_phone_is_a_rejection_that_comes_back_by_its_reason() {
    let mut world = world();
    world.campaign(&REJECTED.replace(", after = \"1d\"", ""));
    world.client("anna").manager("boris");
    world.deal(
        "d1",
        "anna",
        "lost,2026-01-10,2026-01-20,out of stock,500,Bread",
    );
    world.run("2026-02-19");
    let task = world.tasks()[0].id;
    let no = Outcome::new(OutcomeKind::Rejection, day("2026-02-19"));
    let told = Told {
        note: Some("слишком дорого"),
        ..Told::new(no, "boris")
    };
    tell(&mut world, task, &told);
    let written = world
        .texts("SELECT status || ' ' || reason || ' ' || title FROM deals WHERE ext_id LIKE 'R-%'");
    assert_eq!(written, ["lost слишком дорого Bread"]);
    // A price is worth another word after sixty days, not before.
    world.run_days("2026-04-18", "2026-04-19");
    assert_eq!(world.tasks(), []);
    world.run("2026-04-20");
    assert_eq!(world.tasks().len(), 1);
    world.finish();
}

#[test]
fn a_friend_becomes_a_client_whom_nothing_allows_to_write_to() {
    let mut world = world();
    let news = r#"id = "n"
title = "N"
status = "live"
trigger = { on = "news", day = 2026-03-03 }
goal = { event = "none" }
limits = { holdout = "0%" }
news = { title = "New ovens", item = [{ title = "Bread", text = "Fresh." }] }
step = [{ id = "letter", channel = "email", template = "news" }]
"#;
    world.campaign(news);
    world.client("anna").manager("boris");
    world.client("known").phone("+79160000001");
    world.deal("d1", "anna", "lost,2026-02-01,2026-02-20,price,500");
    world.deal("d2", "known", "lost,2026-02-01,2026-02-20,price,500");
    world.run("2026-03-02");
    let (friend, again) = (
        Friend {
            name: Some("Clara".to_owned()),
            email: Some("clara@example.org".to_owned()),
            phone: None,
        },
        Friend {
            phone: Some("+79160000001".to_owned()),
            ..Friend::default()
        },
    );
    for (client, friend) in [("anna", friend), ("known", again)] {
        let mut tasks = world.tasks().into_iter();
        let task = tasks.rfind(|task| task.client == client);
        let outcome = Outcome::new(OutcomeKind::FriendNamed, day("2026-03-02"));
        let told = Told {
            friend: Some(friend),
            ..Told::new(outcome, "boris")
        };
        tell(&mut world, task.expect("a task").id, &told);
    }
    let friends = world.texts(
        "SELECT f.ext_id || ' of ' || r.ext_id || ' known ' || n.was_known FROM friends n
         JOIN clients f ON f.id = n.client_id JOIN clients r ON r.id = n.referrer_id ORDER BY 1",
    );
    // He who gives his own number has named nobody whom we do not know.
    assert_eq!(friends, ["F-1 of anna known 0", "F-2 of known known 0"]);
    world.run("2026-03-03");
    assert_eq!(world.got("F-1"), [""; 0]);
    assert_eq!(world.got("anna"), ["2026-03-03 n/letter"]);
    world.finish();
}

#[test]
fn a_client_who_has_grown_changes_hands_when_he_is_taken() {
    let mut world = world();
    world.crowd();
    world.campaign(
        r#"id = "handover"
title = "H"
status = "live"
starts = 2026-01-01
trigger = { on = "handover", from = "hunter", to = "farmer", purchases = 3 }
goal = { event = "none" }
limits = { holdout = "0%" }
step = [{ id = "handover", task = "handover", script = "handover" }]
"#,
    );
    world
        .client("anna")
        .manager("boris")
        .bought_every(7, 3, "2026-03-01");
    world
        .client("bella")
        .manager("boris")
        .bought_every(7, 2, "2026-03-01");
    let plan = world.plan("2026-03-02");
    assert_eq!(plan.tasks.len(), 2, "one for each of the two");
    world.run("2026-03-02");
    assert_eq!(lists(&mut world), ["anna boris 1", "anna olga 1"]);
    let tasks = world.tasks();
    let wrong = world.record(
        tasks[0].id,
        &Outcome::new(OutcomeKind::ComeBack, day("2026-03-02")),
    );
    assert!(matches!(wrong, Recorded::MakesNoSense(_)));
    world.record(
        tasks[1].id,
        &Outcome::new(OutcomeKind::Accepted, day("2026-03-02")),
    );
    assert_eq!(world.tasks(), [], "done for both");
    let owner = "SELECT c.ext_id || ' ' || m.manager FROM client_managers m
                 JOIN clients c ON c.id = m.client_id WHERE c.ext_id IN ('anna', 'bella') ORDER BY 1";
    assert_eq!(world.texts(owner), ["anna olga", "bella boris"]);
    // The source repeats what it knew: nothing changes. It says something new: that is right.
    world.client("anna").phone("+79161234567");
    world.run("2026-03-03");
    assert_eq!(world.texts(owner)[0], "anna olga");
    world.client("anna").manager("vera");
    world.run("2026-03-04");
    assert_eq!(world.texts(owner)[0], "anna vera");
    world.finish();
}

#[test]
fn whoever_is_away_is_stood_in_for_and_nothing_is_forgotten() {
    let mut world = world();
    world.also(
        "[[manager]]\nid = \"dina\"\nname = \"Dina\"\nemail = \"dina@example.org\"\n\
         absent = [{ from = 2026-03-02, to = 2026-03-03 }]\nsubstitute = \"boris\"\n\
         [[manager]]\nid = \"egor\"\nname = \"Egor\"\nemail = \"egor@example.org\"\n\
         absent = [{ from = 2026-03-02, to = 2026-03-02 }]\n",
    );
    for (client, manager) in [("anna", "dina"), ("bella", "egor")] {
        world.client(client).manager(manager);
        world.deal(client, client, "lost,2026-02-01,2026-02-20,price,500");
    }
    world.run("2026-03-02");
    assert_eq!(lists(&mut world), ["anna boris 1", "bella head 1"]);
    world.run("2026-03-04");
    assert_eq!(lists(&mut world), ["anna dina 1", "bella egor 1"]);
    world.finish();
}

#[test]
fn what_waits_too_long_goes_to_the_head_who_gives_it_to_somebody_else() {
    let mut world = world();
    for client in ["anna", "bella"] {
        world.client(client).manager("boris");
        world.deal(client, client, "lost,2026-02-01,2026-02-20,price,500");
    }
    world.run("2026-03-02");
    let bella = world
        .tasks()
        .into_iter()
        .find(|task| task.client == "bella");
    let none = Outcome::new(OutcomeKind::NoAnswer, day("2026-03-03"));
    world.record(bella.expect("a task").id, &none);
    world.run_days("2026-03-03", "2026-03-04");
    let overdue = |world: &mut World| {
        let tasks = world.tasks().into_iter();
        let late = tasks.filter(|task| task.escalated_on.is_some());
        late.map(|task| task.client).collect::<Vec<_>>()
    };
    // A call that nobody answered was made: its time begins anew.
    assert_eq!(overdue(&mut world), ["anna"]);
    let ids: Vec<i64> = world.tasks().iter().map(|task| task.id).collect();
    let given = rekindle::db::Reassignment {
        tasks: &ids,
        to: "olga",
        acting: "olga",
        client_too: false,
        day: day("2026-03-04"),
        by: "head",
        reason: "boris is ill",
        now_ms: 0,
    };
    let store = world.app().store.clone();
    let done = world.wait(store.reassign(&given)).expect("given");
    assert_eq!(done.len(), 2);
    world.run("2026-03-05");
    assert_eq!(lists(&mut world), ["anna olga 1", "bella olga 2"]);
    assert_eq!(overdue(&mut world), [""; 0]);
    let said = world.texts("SELECT by || ': ' || reason FROM audit");
    assert_eq!(said, ["head: boris is ill", "head: boris is ill"]);
    world.finish();
}

#[test]
fn whoever_has_time_gets_the_next_ones_and_the_ready_stand_above_the_capacity() {
    let mut world = World::with(&format!("{COMPANY}[tasks]\ncapacity = 1\n"));
    world.campaign(REJECTED);
    for (n, client) in ["anna", "bella", "clara", "dora"].into_iter().enumerate() {
        world.client(client);
        let ready = if client == "dora" { ",yes,yes,yes" } else { "" };
        let row = format!("lost,2026-02-01,2026-02-20,price,{},Bread,{ready}", 900 - n);
        world.deal(client, client, &row);
    }
    world.run("2026-03-02");
    let first = ["dora olga 1", "anna olga -", "bella olga -", "clara olga -"];
    assert_eq!(lists(&mut world), first);
    let more = |world: &mut World, n| {
        world.app();
        let app = world.app.as_ref().expect("opened");
        let more = days::more(app, "olga", n, day("2026-03-02"));
        world.wait(more).expect("more").len()
    };
    assert_eq!(more(&mut world, 2), 2);
    let then = ["dora olga 1", "anna olga 2", "bella olga 3", "clara olga -"];
    assert_eq!(lists(&mut world), then);
    assert_eq!((more(&mut world, 5), more(&mut world, 5)), (1, 0));
    world.finish();
}

#[test]
fn the_three_taps_make_the_class_that_an_audience_asks_for() {
    let mut world = world();
    world.campaign(
        r#"id = "deadline"
title = "B"
status = "live"
starts = 2026-01-01
priority = 1
trigger = { on = "rejection", after = "3d" }
audience = { abc = ["B"] }
goal = { event = "none" }
limits = { holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "rejection" }]
"#,
    );
    world.client("anna").manager("boris");
    world.deal("d1", "anna", "lost,2026-02-01,2026-02-20,price,500");
    world.run("2026-03-02");
    assert_eq!(world.got("anna"), [""; 0]);
    let later = Outcome {
        readiness: Readiness {
            need: Some(true),
            money: Some(true),
            urgency: Some(false),
        },
        ..Outcome::new(OutcomeKind::Rejection, day("2026-03-02"))
    };
    let task = world.tasks()[0].id;
    world.record(task, &later);
    world.run_days("2026-03-03", "2026-03-05");
    assert_eq!(world.got("anna"), ["2026-03-03 deadline/letter"]);
    world.finish();
}

#[test]
fn an_outcome_from_outside_counts_once() {
    let mut world = world();
    world.client("anna").manager("boris");
    world.deal("d1", "anna", "lost,2026-02-01,2026-02-20,price,500");
    world.run("2026-03-02");
    let task = world.tasks()[0].id;
    let on: Day = day("2026-03-02");
    let told = Told {
        key: Some("crm-17"),
        ..Told::new(Outcome::new(OutcomeKind::NoAnswer, on), "crm")
    };
    assert!(matches!(tell(&mut world, task, &told), Recorded::Again(..)));
    assert_eq!(tell(&mut world, task, &told), Recorded::Before);
    assert_eq!(world.count("SELECT count(*) FROM outcomes"), 1);
    world.finish();
}

#[test]
fn a_deal_that_moves_again_and_a_visitor_who_comes_back_leave_by_themselves() {
    let mut world = world();
    world.campaign(
        r#"id = "stalled"
title = "S"
status = "live"
starts = 2026-01-01
trigger = { on = "stalled_deal", after = "5d" }
goal = { event = "deal_won", within = "60d" }
limits = { holdout = "0%" }
step = [
  { id = "letter", channel = "email", template = "rejection" },
  { id = "call", after = "3d", task = "call", script = "rejection" },
]
"#,
    );
    world.campaign(
        r#"id = "visitors"
title = "V"
status = "live"
starts = 2026-01-01
trigger = { on = "visit_lapsed", visits = 2, after = "7d" }
goal = { event = "purchase", within = "60d" }
limits = { holdout = "0%" }
step = [
  { id = "letter", channel = "email", template = "visit-lapsed" },
  { id = "call", after = "3d", task = "call", script = "visit-lapsed" },
]
"#,
    );
    world.client("anna");
    world.client("bella");
    world.deal("d1", "anna", "open,2026-02-20,,,500,Bread,Quote sent");
    world.visited("bella", &["2026-02-10", "2026-02-20"]);
    world.run("2026-02-25");
    world.run("2026-02-27");
    assert_eq!(world.got("anna"), ["2026-02-25 stalled/letter"]);
    assert_eq!(world.messages().len(), 2, "{:?}", world.messages());
    world.deal("d1", "anna", "open,2026-02-20,,,500,Bread,Invoice sent");
    world.visited("bella", &["2026-02-28"]);
    world.run_days("2026-02-28", "2026-03-03");
    assert_eq!(world.tasks(), []);
    let closed = world.texts("SELECT campaign || ' ' || closed_by FROM enrollments ORDER BY 1");
    assert_eq!(closed, ["stalled over", "visitors over"]);
    world.finish();
}

#[test]
fn outcomes_of_another_program_are_stored_then_counted_once() {
    let mut world = world();
    world.client("anna").manager("boris");
    world.deal("d1", "anna", "lost,2026-02-01,2026-02-20,price,500");
    world.run("2026-03-02");
    let task = world.tasks()[0].id;
    let row = format!(
        "{{\"id\": \"e1\", \"task\": {task}, \"outcome\": \"rejection\", \"reason\": \"terms\",
           \"need\": \"yes\", \"money\": false}}"
    );
    let both = format!(
        "{{\"outcomes\": [{row}, {{\"id\": \"e2\", \"task\": 99, \"outcome\": \"bought\"}}]}}"
    );
    assert_eq!(intake::outcomes::check(both.as_bytes()), Ok(2));
    assert!(intake::outcomes::check(b"{\"outcomes\": [{\"task\": 1}]}").is_err());
    world.app();
    let app = world.app.as_ref().expect("opened");
    for body in [both, format!("{{\"outcomes\": [{row}]}}")] {
        let kept = app
            .store
            .keep_inbound(InboundKind::Outcomes, body.as_bytes(), app.now_ms());
        assert!(world.wait(kept).expect("kept"));
        world.wait(intake::process(app)).expect("looked at");
    }
    let written = world.texts("SELECT kind || ' ' || reason || ' ' || need || money FROM outcomes");
    assert_eq!(written, ["rejection terms 10"]);
    world.finish();
}

#[test]
fn another_program_is_told_of_each_task_with_a_signature_until_it_has_taken_it() {
    let mut world = world();
    world.client("anna").manager("boris");
    world.deal("d1", "anna", "lost,2026-02-01,2026-02-20,price,500");
    world.run("2026-03-02");
    let secret = SecretString::from("s3cret");
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/tasks", server.local_addr().expect("an address"));
    let heard = std::thread::spawn(move || {
        let answers = ["503 Busy", "200 OK", "200 OK"];
        answers.map(|answer| {
            let (mut socket, _) = server.accept().expect("a request");
            let mut request = Vec::new();
            let mut part = [0; 4096];
            loop {
                let n = socket.read(&mut part).expect("bytes");
                request.extend_from_slice(&part[..n]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
                let lower = head.to_lowercase();
                let length = lower.split("content-length: ").nth(1);
                let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                if length == Some(body.len()) {
                    let answer = format!(
                        "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    socket.write_all(answer.as_bytes()).expect("answered");
                    return (head.to_owned(), body.to_owned());
                }
            }
        })
    });
    let listener = Listener::new(&address, secret.clone(), Duration::from_secs(10));
    let listener = listener.expect("a listener");
    let tell = |world: &mut World| {
        world.app();
        let app = world.app.as_ref().expect("opened");
        world
            .wait(task_hook::tell_due(app, &listener))
            .expect("told")
    };
    assert_eq!(tell(&mut world), 0, "it was busy");
    world.at(day("2026-03-03"));
    assert_eq!(tell(&mut world), 1);
    let task = world.tasks()[0].id;
    world.record(
        task,
        &Outcome::new(OutcomeKind::Interested, day("2026-03-03")),
    );
    assert_eq!((tell(&mut world), tell(&mut world)), (1, 0));
    let heard = heard.join().expect("three requests");
    for (head, body) in &heard {
        let signed = sign(body.as_bytes(), &secret);
        assert!(head.to_lowercase().contains(&signed), "{head}");
    }
    assert_eq!(heard[0].1, heard[1].1, "the same until it is taken");
    let told: Vec<serde_json::Value> = heard
        .iter()
        .map(|(_, body)| serde_json::from_str(body).expect("JSON"))
        .collect();
    assert_eq!(told[1]["event"], "task.listed");
    assert_eq!(told[1]["task"]["client"], "anna");
    assert_eq!(told[2]["event"], "task.closed");
    assert_eq!(told[2]["task"]["outcome"], "interested");
    world.finish();
}

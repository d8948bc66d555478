//! The schedules with a clock that is moved by hand: each occurrence once, whatever happens.

use std::sync::Arc;

use chrono::TimeDelta;
use rekindle::app::App;
use rekindle::db::{Finished, Lock};
use rekindle::jobs::notices;
use rekindle::jobs::schedule::{Ended, Name, Scheduler};
use tokio_util::sync::CancellationToken;

use super::run_day;
use crate::world::{World, day};

pub(super) const THANKS: &str = r#"id = "thanks"
title = "T"
status = "live"
starts = 2026-01-01
trigger = { on = "purchase" }
limits = { holdout = "0%" }
goal = { event = "none" }
step = [{ id = "letter", channel = "email", template = "thank-you" },
        { id = "call", after = "1d", task = "call", script = "sleeping-client" }]
"#;

/// A shop in which somebody buys every day. Its clock stands at eight in the morning in Moscow.
pub(super) fn shop(settings: &str) -> World {
    let mut world = World::new();
    world.also(settings);
    world.campaign(THANKS);
    for n in 0..40 {
        let last = day("2026-02-20").plus(n).to_string();
        world
            .client(&format!("c{n:02}"))
            .manager("anna")
            .bought_every(9, 4, &last);
    }
    world
}

/// Ticks once, as whoever leads.
fn tick(world: &World, app: &Arc<App>) -> Vec<Ended> {
    world.wait(async {
        let lock = app.store.lock(Lock::Schedules).await.expect("the lock");
        let stop = CancellationToken::new();
        let scheduler = Scheduler::start(Arc::clone(app), Arc::new(lock), stop).await;
        let mut scheduler = scheduler.expect("a scheduler");
        scheduler.tick().await.expect("a tick")
    })
}

fn told(ended: &[Ended]) -> Vec<String> {
    ended
        .iter()
        .map(|one| {
            let how = match one.finished {
                Finished::Done => "done",
                Finished::Held => "held",
                Finished::Again(_) => "again",
                Finished::Failed => "failed",
                Finished::Missed => "missed",
            };
            format!("{} {} {how}", one.name.word(), one.date)
        })
        .collect()
}

fn opened(world: &mut World) -> Arc<App> {
    world.app();
    Arc::new(world.open())
}

#[test]
fn a_month_of_ticks_does_everything_once_a_day() {
    let mut world = shop("");
    let app = opened(&mut world);
    assert_eq!(
        told(&tick(&world, &app)),
        Vec::<String>::new(),
        "nothing is due before the start"
    );
    let mut done = Vec::new();
    // Ticks at odd hours, each of another leader, the clock set back a little every time.
    for step in 0..130 {
        app.clock.advance(TimeDelta::minutes(317 + step % 7 * 11));
        done.extend(told(&tick(&world, &app)));
        app.clock.advance(TimeDelta::seconds(-90));
        done.extend(told(&tick(&world, &app)));
    }
    let days = (app.today() - day("2026-03-01")) as usize;
    assert!(days > 28, "{days}");
    for name in Name::ALL {
        let of: Vec<&String> = done
            .iter()
            .filter(|text| text.starts_with(name.word()))
            .collect();
        let distinct: std::collections::BTreeSet<&&String> = of.iter().collect();
        assert_eq!(of.len(), distinct.len(), "{of:?}");
        assert!(of.len() >= days - 1, "{name:?} {} of {days}", of.len());
        assert!(of.iter().all(|text| text.ends_with(" done")), "{of:?}");
    }
    let letters = "SELECT count(*) FROM messages WHERE campaign = 'thanks' AND state = 'accepted'";
    assert!(world.count(letters) > 20);
    let lists = "SELECT count(*) FROM messages WHERE campaign = 'managers' AND state = 'accepted'";
    assert!(world.count(lists) > 20);
    world.finish();
}

#[test]
fn after_an_absence_the_policy_decides_and_a_past_day_is_not_run() {
    let mut world = shop(
        "[schedule]\nimport = { at = \"0 5 * * *\", catch_up = \"all\", within = \"3d\" }\n\
         backup = { at = \"30 3 * * *\", catch_up = \"skip\" }\n\
         tidy = { at = \"never\" }\n",
    );
    let app = opened(&mut world);
    tick(&world, &app);
    // From eight on the 1st until one in the night of the 6th.
    app.clock.advance(TimeDelta::hours(4 * 24 + 17));
    assert_eq!(
        told(&tick(&world, &app)),
        [
            "import 2026-03-03 done",
            "import 2026-03-04 done",
            "import 2026-03-05 done"
        ]
    );
    app.clock.advance(TimeDelta::hours(8));
    assert_eq!(
        told(&tick(&world, &app)),
        [
            "import 2026-03-06 done",
            "daily 2026-03-06 done",
            "digests 2026-03-06 done"
        ]
    );
    let rows = "SELECT schedule || ' ' || date(logical_date * 86400, 'unixepoch') || ' ' || note
                FROM schedule_runs WHERE status = 'missed' ORDER BY planned_at, schedule";
    let missed = world.texts(rows);
    assert!(
        missed.contains(&"daily 2026-03-05 its day is over".to_owned()),
        "{missed:?}"
    );
    assert!(
        missed.contains(&"backup 2026-03-06 catch_up is \"skip\"".to_owned()),
        "{missed:?}"
    );
    assert!(
        missed.contains(&"import 2026-03-02 later than `within` allows".to_owned()),
        "{missed:?}"
    );
    world.finish();
}

#[test]
fn what_a_dead_process_had_begun_is_done_and_two_leaders_do_it_once() {
    let mut world = shop("");
    let app = opened(&mut world);
    tick(&world, &app);
    app.clock.advance(TimeDelta::hours(23));
    world.wait(async {
        let lock = app.store.lock(Lock::Schedules).await.expect("the lock");
        // Both believe that it is theirs.
        let lock = Arc::new(lock);
        let start = || {
            let stop = CancellationToken::new();
            Scheduler::start(Arc::clone(&app), Arc::clone(&lock), stop)
        };
        let (one, other) = (start().await, start().await);
        let (mut one, mut other) = (one.expect("one"), other.expect("another"));
        let (one, other) = tokio::join!(one.tick(), other.tick());
        let both = [one.expect("a tick"), other.expect("a tick")].concat();
        let mut both = told(&both);
        both.sort();
        assert_eq!(
            both,
            [
                "backup 2026-03-02 done",
                "daily 2026-03-02 done",
                "import 2026-03-02 done",
                "tidy 2026-03-02 done"
            ]
        );
    });
    app.clock.advance(TimeDelta::hours(24));
    world.wait(async {
        // As a process leaves it that is killed in the middle.
        let _ = app.store.open_occurrences().await;
    });
    let half = tick(&world, &app);
    assert!(
        told(&half).contains(&"daily 2026-03-03 done".to_owned()),
        "{half:?}"
    );
    world.rows(
        "UPDATE schedule_runs SET status = 'running', next_try = NULL, finished_at = NULL
         WHERE schedule = 'import' AND logical_date = (SELECT max(logical_date) FROM schedule_runs)
         RETURNING id",
    );
    assert_eq!(told(&tick(&world, &app)), ["import 2026-03-03 done"]);
    world.finish();
}

#[test]
fn a_failed_import_leads_to_no_plan_before_it_is_mended() {
    let mut world = shop("[operator]\nemail = \"ops@example.org\"\n");
    let app = opened(&mut world);
    tick(&world, &app);
    let clients = world.home().join("data/clients.csv");
    let good = std::fs::read(&clients).expect("a file");
    std::fs::write(&clients, "\u{0}\u{0}no table").expect("a file");
    app.clock.advance(TimeDelta::hours(23));
    let ended = tick(&world, &app);
    let daily = ended
        .iter()
        .find(|one| one.name == Name::Daily)
        .expect("it was due");
    assert!(matches!(daily.finished, Finished::Again(_)), "{daily:?}");
    assert!(
        daily
            .note
            .contains("nothing is planned on stale facts: source \"shop\""),
        "{daily:?}"
    );
    assert_eq!(world.count("SELECT count(*) FROM runs"), 0);
    // An hour later it is late: one letter, however often somebody looks.
    app.clock.advance(TimeDelta::hours(1));
    let letters: Vec<u64> = (0..3)
        .map(|_| world.wait(notices::look(&app)).expect("a look"))
        .collect();
    assert_eq!(letters[1..], [0, 0]);
    let told_to_operator = world.texts("SELECT inputs FROM messages WHERE campaign = 'operator'");
    assert!(
        told_to_operator
            .iter()
            .any(|text| text.contains("daily of 2026-03-02 is late")),
        "{told_to_operator:?}"
    );
    std::fs::write(&clients, good).expect("a file");
    app.clock.advance(TimeDelta::minutes(15));
    let mended = told(&tick(&world, &app));
    assert!(
        mended.contains(&"daily 2026-03-02 done".to_owned()),
        "{mended:?}"
    );
    assert!(
        mended.contains(&"digests 2026-03-02 done".to_owned()),
        "{mended:?}"
    );
    assert_eq!(
        world.count("SELECT count(*) FROM runs WHERE schedule = 'daily'"),
        1
    );
    world.finish();
}

#[test]
fn a_source_whose_export_has_stopped_is_stale_and_the_day_is_given_up_at_its_end() {
    let mut world = shop("");
    world.also("");
    let settings =
        crate::world::COMPANY.replace("path = \"data\"", "path = \"data\"\nstale_after = \"2d\"");
    let mut stale = World::with(&settings);
    stale.campaign(THANKS);
    stale.client("anna").bought_every(9, 4, "2026-02-20");
    stale.import();
    let app = opened(&mut stale);
    tick(&stale, &app);
    app.clock.advance(TimeDelta::hours(3 * 24 + 1));
    let ended = tick(&stale, &app);
    let daily = ended
        .iter()
        .find(|one| one.name == Name::Daily)
        .expect("it was due");
    assert!(
        daily.note.contains("have not changed for 3 days"),
        "{daily:?}"
    );
    app.clock.advance(TimeDelta::hours(24));
    let next = told(&tick(&stale, &app));
    assert!(
        next.contains(&"daily 2026-03-04 missed".to_owned()),
        "{next:?}"
    );
    stale.finish();
    world.app();
    world.finish();
}

#[test]
fn a_live_run_that_would_send_far_more_than_usual_waits() {
    let mut world = World::new();
    world.also(
        "[limits]\nsurge_least = 10\n[delivery]\nmode = \"live\"\n\
         from_email = \"hello@bakery.test\"\npublic_url = \"https://bakery.test/r\"\n\
         [operator]\nemail = \"ops@bakery.test\"\n",
    );
    world.campaign(&THANKS.replace("starts = 2026-01-01", "starts = 2026-02-01"));
    let mut on = day("2026-03-01");
    for n in 0..60 {
        let when = if n < 20 {
            on.plus(n / 4).to_string()
        } else {
            "2026-03-06".to_owned()
        };
        world.client(&format!("c{n:02}")).bought_every(9, 1, &when);
    }
    // A few a day, then forty at once.
    for _ in 0..5 {
        run_day(&mut world, &on.to_string());
        world.approve(&on.to_string());
        on = on.plus(1);
    }
    world.at(day("2026-03-05"));
    let app = opened(&mut world);
    tick(&world, &app);
    app.clock.advance(TimeDelta::hours(24));
    let ended = tick(&world, &app);
    let daily = ended
        .iter()
        .find(|one| one.name == Name::Daily)
        .expect("it was due");
    assert_eq!(daily.finished, Finished::Held, "{daily:?}");
    assert!(daily.note.contains("40 messages, usually 4"), "{daily:?}");
    assert!(
        daily.note.contains("rekindle runs approve 2026-03-06"),
        "{daily:?}"
    );
    assert!(world.wait(notices::look(&app)).expect("a look") >= 1);
    let letter = world.texts("SELECT episode FROM messages WHERE campaign = 'operator'");
    assert!(
        letter
            .iter()
            .any(|text| text.starts_with("held:daily:2026-03-06")),
        "{letter:?}"
    );
    assert!(world.approve("2026-03-06"));
    world.finish();
}

#[test]
fn a_clock_that_is_set_back_behind_what_happened_begins_nothing() {
    let mut world = shop("");
    let app = opened(&mut world);
    tick(&world, &app);
    app.clock.advance(TimeDelta::hours(23));
    assert!(!tick(&world, &app).is_empty());
    app.clock.advance(TimeDelta::hours(-30));
    assert_eq!(tick(&world, &app), []);
    app.clock.advance(TimeDelta::hours(31));
    assert_eq!(told(&tick(&world, &app)), ["digests 2026-03-02 done"]);
    world.finish();
}

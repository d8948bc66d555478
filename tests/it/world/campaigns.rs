//! Campaigns as a whole: days of the calendar, variants, events, partners, and what people do to them.
#![expect(
    clippy::unwrap_used,
    reason = "a company that cannot be set up or read fails the test as it should"
)]

use std::collections::BTreeSet;
use std::fs;

use rekindle::db::Seated;
use rekindle::jobs::campaigns::{self, Acting, CampaignState, Order};
use rekindle::jobs::explain::explain;
use rekindle::model::Locale;

use super::{COMPANY, World, day};

/// A campaign that writes one letter.
fn letter(id: &str, trigger: &str, template: &str, more: &str) -> String {
    format!(
        r#"id = "{id}"
title = "T"
status = "live"
starts = 2026-01-01
backlog_per_day = 0
trigger = {{ {trigger} }}
goal = {{ event = "none" }}
{more}
[limits]
reentry = "0d"
holdout = "0%"
[[step]]
id = "letter"
channel = "email"
class = "service"
template = "{template}"
"#
    )
}

fn state(world: &mut World, id: &str) -> CampaignState {
    world.app();
    let app = world.open();
    let states = world.wait(campaigns::states(&app, Some(id))).unwrap();
    world.wait(app.store.close());
    states.into_iter().next().unwrap()
}

/// Everything that the sandbox has got.
fn letters(world: &World) -> Vec<String> {
    fn files(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|end| end == "eml") {
                found.push(fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = Vec::new();
    files(&world.home().join("sandbox"), &mut found);
    found.sort();
    found
}

#[test]
fn a_birthday_on_a_weekend_is_wished_on_the_friday_before_it_once_a_year() {
    let mut world = World::new();
    world.campaign(&letter(
        "birthday",
        "on = \"birthday\", on_day_off = \"before\"",
        "birthday",
        "",
    ));
    // 7 March 2026 is a Saturday, 9 March a Monday.
    world.client("anna").born("1990-03-07");
    world.client("boris").born("2001-03-09");
    world.client("nobody");
    world.run_days("2026-03-01", "2026-03-16");
    assert_eq!(world.got("anna"), ["2026-03-06 birthday/letter"]);
    assert_eq!(world.got("boris"), ["2026-03-09 birthday/letter"]);
    assert_eq!(world.got("nobody"), Vec::<String>::new());
    world.finish();
}

#[test]
fn the_day_of_the_first_purchase_comes_back_every_year() {
    let mut world = World::new();
    world.campaign(&letter("years", "on = \"anniversary\"", "anniversary", ""));
    world.client("anna").bought(&["2024-03-10", "2026-02-20"]);
    // His first purchase is too young to have a day that comes back.
    world.client("boris").bought(&["2026-03-09"]);
    world.run_days("2026-03-08", "2026-03-15");
    assert_eq!(world.got("anna"), ["2026-03-10 years/letter"]);
    assert_eq!(world.got("boris"), Vec::<String>::new());
    assert!(letters(&world)[0].contains("2 years together"));
    world.finish();
}

#[test]
fn a_date_begins_so_many_days_before_it() {
    let mut world = World::new();
    let trigger = "on = \"date\", day = \"2026-03-20\", lead = \"10d\"";
    world.campaign(&letter("gift", trigger, "new-year", ""));
    world.client("anna");
    world.run_days("2026-03-08", "2026-03-12");
    assert_eq!(world.got("anna"), ["2026-03-10 gift/letter"]);
    world.finish();
}

#[test]
fn news_reach_everybody_in_the_morning_of_their_own_date_however_far_to_the_east() {
    let mut world = World::with(&COMPANY.replace("Europe/Moscow", "America/New_York"));
    let news =
        "news = { title = \"New ovens\", item = [{ title = \"Bread\", text = \"Fresh.\" }] }";
    world.campaign(&letter(
        "n",
        "on = \"news\", day = 2026-03-05",
        "news",
        news,
    ));
    // When the day is run, at six in New York, it is four in the afternoon in Almaty.
    world.client("aliya").phone("+77011234567");
    world.client("bob");
    world.run_days("2026-03-03", "2026-03-07");
    assert_eq!(world.got("aliya"), ["2026-03-04 n/letter"]);
    assert_eq!(world.got("bob"), ["2026-03-05 n/letter"]);
    let mut due = |client: &str| {
        let ms = world.count(&format!(
            "SELECT due_at FROM messages m JOIN clients c ON c.id = m.client_id
             WHERE c.ext_id = '{client}'"
        ));
        chrono::DateTime::from_timestamp_millis(ms)
            .unwrap()
            .to_string()
    };
    assert_eq!(due("aliya"), "2026-03-05 04:00:00 UTC", "nine in Almaty");
    assert_eq!(due("bob"), "2026-03-05 14:00:00 UTC", "nine in New York");
    world.finish();
}

#[test]
fn both_variants_go_out_and_everybody_has_his_own() {
    let mut world = World::new();
    let news =
        "news = { title = \"New ovens\", item = [{ title = \"Bread\", text = \"**Fresh**.\" }] }";
    let mut text = letter("n", "on = \"news\", day = 2026-03-02", "news", news);
    text.push_str(
        "[[step.variant]]\nid = \"a\"\n[[step.variant]]\nid = \"b\"\nsubject = \"Quite another one\"\n",
    );
    world.campaign(&text);
    for n in 0..40 {
        world.client(&format!("c{n}"));
    }
    let plan = world.plan("2026-03-02");
    let planned: BTreeSet<(String, String)> = plan
        .messages
        .into_iter()
        .map(|line| (line.client, line.variant.unwrap()))
        .collect();
    world.run("2026-03-02");
    let kept = world.texts(
        "SELECT c.ext_id || ' ' || m.variant FROM messages m JOIN clients c ON c.id = m.client_id",
    );
    let kept: BTreeSet<(String, String)> = kept
        .iter()
        .map(|row| row.split_once(' ').unwrap())
        .map(|(client, variant)| (client.to_owned(), variant.to_owned()))
        .collect();
    assert_eq!(kept, planned, "what the plan shows is what is sent");
    let app = world.open();
    for (client, variant) in &kept {
        let id = world.wait(app.store.clients_called(client)).unwrap()[0];
        let options = World::today(day("2026-03-03"));
        let explained = world
            .wait(explain(&app, id, options, Locale::En))
            .unwrap()
            .unwrap();
        let named = &explained.campaigns[0].variants;
        assert_eq!((&*named[0].step, &named[0].variant), ("letter", variant));
        assert!(
            explained
                .to_string()
                .contains(&format!("variant of letter: {variant}"))
        );
    }
    let state = state(&mut world, "n");
    let sent: Vec<u64> = state.parts.iter().map(|part| part.progress.sent).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent.iter().sum::<u64>(), 40);
    let other = letters(&world)
        .iter()
        .filter(|one| one.contains("Quite another one"))
        .count();
    assert_eq!(other as u64, state.parts[1].progress.sent);
    assert!((8..=32).contains(&other), "{other}");
    world.finish();
}

#[test]
fn a_paused_campaign_takes_nobody_in_and_goes_on_where_it_stopped() {
    let mut world = World::new();
    let news =
        "news = { title = \"New ovens\", item = [{ title = \"Bread\", text = \"Fresh.\" }] }";
    world.campaign(&letter(
        "n",
        "on = \"news\", day = 2026-03-02",
        "news",
        news,
    ));
    world.client("anna");
    world.run("2026-03-01");
    let app = world.open();
    let order = Order {
        campaign: &app.campaigns[0],
        by: "marketing",
        reason: "a wrong price",
    };
    world.wait(campaigns::pause(&app, order)).unwrap().unwrap();
    assert!(world.wait(campaigns::pause(&app, order)).unwrap().is_err());
    assert_eq!(resting(&mut world, "2026-03-02"), ["n paused"]);
    assert_eq!(verdict(&mut world, "anna").0, "paused");
    assert!(verdict(&mut world, "anna").1.contains("a wrong price"));
    world.run_days("2026-03-02", "2026-03-04");
    assert_eq!(world.got("anna"), Vec::<String>::new());
    let paused = state(&mut world, "n");
    assert_eq!(paused.acting, Acting::Paused);
    assert!(paused.because.unwrap().contains("a wrong price"));
    world
        .wait(campaigns::resume(&app, &app.campaigns[0]))
        .unwrap()
        .unwrap();
    assert!(
        world
            .wait(campaigns::resume(&app, &app.campaigns[0]))
            .unwrap()
            .is_err()
    );
    assert!(resting(&mut world, "2026-03-05").is_empty());
    world.run_days("2026-03-05", "2026-03-07");
    assert_eq!(world.got("anna"), ["2026-03-05 n/letter"]);
    world.finish();
}

/// The campaigns that a plan shows as paused or ended, and that it shows nothing else of them.
fn resting(world: &mut World, on: &str) -> Vec<String> {
    let plan = world.plan(on);
    let text = plan.to_string();
    for one in &plan.resting {
        assert!(
            text.contains(&format!("{}: {}", one.state, one.because)),
            "{text}"
        );
        assert!(plan.campaigns.iter().all(|counts| counts.id != one.id));
    }
    let resting = plan.resting.iter();
    resting
        .map(|one| format!("{} {}", one.id, one.state))
        .collect()
}

/// What the one campaign says of a client today: the word, and why.
fn verdict(world: &mut World, client: &str) -> (&'static str, String) {
    let app = world.open();
    let id = world.wait(app.store.clients_called(client)).unwrap()[0];
    let options = World::today(app.today());
    let explained = world
        .wait(explain(&app, id, options, Locale::En))
        .unwrap()
        .unwrap();
    let text = explained.to_string();
    let one = explained.campaigns.into_iter().next().unwrap();
    world.wait(app.store.close());
    assert!(
        text.contains(&format!("{}: {}", one.verdict, one.because)),
        "{text}"
    );
    (one.verdict, one.because)
}

#[test]
fn a_cancelled_campaign_never_acts_again() {
    let mut world = World::new();
    let mut text = letter("d", "on = \"date\", day = \"2026-03-02\"", "new-year", "");
    text.push_str(
        "[[step]]\nid = \"call\"\nafter = \"2d\"\ntask = \"call\"\nscript = \"new-year-gift\"\n\
         [[step]]\nid = \"second\"\nafter = \"20d\"\nchannel = \"email\"\nclass = \"service\"\n\
         template = \"thank-you\"\n",
    );
    world.campaign(&text);
    world.client("anna").bought(&["2026-01-10"]);
    world.run_days("2026-03-02", "2026-03-04");
    assert_eq!(world.tasks().len(), 1);
    let app = world.open();
    let order = Order {
        campaign: &app.campaigns[0],
        by: "marketing",
        reason: "enough",
    };
    let ended = world.wait(campaigns::cancel(&app, order)).unwrap();
    assert_eq!((ended.messages, ended.tasks, ended.clients), (0, 1, 1));
    assert!(world.wait(campaigns::pause(&app, order)).unwrap().is_err());
    assert!(
        world
            .wait(campaigns::resume(&app, &app.campaigns[0]))
            .unwrap()
            .is_err()
    );
    world.client("late");
    world.run_days("2026-03-05", "2026-03-24");
    assert_eq!(world.got("anna"), ["2026-03-02 d/letter"]);
    assert_eq!(world.got("late"), Vec::<String>::new());
    assert_eq!(state(&mut world, "d").acting, Acting::Cancelled);
    assert_eq!(resting(&mut world, "2026-03-24"), ["d cancelled"]);
    assert_eq!(verdict(&mut world, "late").0, "cancelled");
    assert!(verdict(&mut world, "late").1.contains("enough (marketing)"));
    world.finish();
}

#[test]
fn every_code_of_a_partner_is_given_once_and_without_one_nothing_is_sent() {
    let mut world = World::new();
    let partner = "partner = { name = \"Mill\", offer = \"a free roll\", codes = \"mill.txt\" }";
    let trigger = "on = \"date\", day = \"2026-03-02\"";
    world.campaign(&letter("p", trigger, "partner-offer", partner));
    for n in 0..5 {
        world.client(&format!("c{n}"));
    }
    fs::write(
        world.home().join("mill.txt"),
        "\u{feff}ONE-1\nTWO-2\n\n# no code\nSIX-6\n",
    )
    .unwrap();
    world.run("2026-03-02");
    let sent = letters(&world);
    assert_eq!(sent.len(), 3);
    for code in ["ONE-1", "TWO-2", "SIX-6"] {
        let with = sent.iter().filter(|letter| letter.contains(code)).count();
        assert_eq!(with, 1, "{code}");
    }
    let skipped = "SELECT count(*) FROM messages WHERE state = 'skipped'";
    assert_eq!(world.count(skipped), 2);
    let given = "SELECT count(DISTINCT given_to) FROM partner_codes WHERE given_to IS NOT NULL";
    assert_eq!(world.count(given), 3);
    world.finish();
}

#[test]
fn a_reminder_is_for_those_with_a_seat_and_a_call_for_those_who_came() {
    let mut world = World::new();
    let event =
        "event = { title = \"Bread, and why\", day = 2026-03-20, time = \"18:30\", seats = 1 }";
    let trigger = "on = \"date\", day = \"2026-03-20\", lead = \"10d\"";
    let mut text = letter("bread", trigger, "seminar", event);
    text.push_str(
        "[[step]]\nid = \"reminder\"\nafter = \"9d\"\nonly = \"registered\"\nchannel = \"email\"\n\
         class = \"service\"\ntemplate = \"seminar-reminder\"\n\
         [[step]]\nid = \"after\"\nafter = \"11d\"\nonly = \"attended\"\ntask = \"call\"\n\
         script = \"answered\"\n",
    );
    world.campaign(&text);
    for client in ["anna", "boris"] {
        world.client(client);
    }
    world.run("2026-03-10");
    let invited = letters(&world);
    assert_eq!(invited.len(), 2);
    assert!(
        invited[0].contains("text/calendar"),
        "the calendar file goes along"
    );
    let app = world.open();
    let ids: Vec<_> = ["anna", "boris"]
        .map(|id| world.wait(app.store.clients_called(id)).unwrap()[0])
        .into();
    let take = |world: &World, client| {
        world
            .wait(app.store.take_seat("bread", client, Some(1), 1))
            .unwrap()
    };
    assert_eq!(take(&world, ids[0]), Seated::Taken);
    assert_eq!(
        take(&world, ids[0]),
        Seated::Taken,
        "whoever has one keeps it"
    );
    assert_eq!(take(&world, ids[1]), Seated::Full);
    world.run_days("2026-03-11", "2026-03-20");
    assert_eq!(
        world.got("anna"),
        ["2026-03-10 bread/letter", "2026-03-19 bread/reminder"]
    );
    assert_eq!(world.got("boris"), ["2026-03-10 bread/letter"]);
    world
        .wait(app.store.attended("bread", ids[1], day("2026-03-20"), 2))
        .unwrap();
    world.run_days("2026-03-21", "2026-03-24");
    let tasks = world.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].client, "boris");
    world.finish();
}

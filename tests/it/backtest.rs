//! A backtest beside the daily runs that it replays, through the real database.

use std::collections::BTreeMap;

use rekindle::jobs::backtest::{Replayed, backtest};
use rekindle::model::Day;
use rekindle::rules::backtest::BacktestReport;

use super::world::{COMPANY, World, day};

const CAMPAIGN: &str = "id = \"wake\"\ntitle = \"Wake\"\nstatus = \"live\"\n\
    backlog_per_day = 1\n[trigger]\non = \"missed_cycle\"\n[limits]\nholdout = \"0%\"\n\
    [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"missed-cycle\"\n\
    [[step]]\nid = \"second\"\nafter = \"4d\"\nchannel = \"email\"\ntemplate = \"missed-cycle-second\"\n";

/// In a base of eight everybody would be a key account, and those get no letters.
const RHYTHM: &str = "\n[rhythm]\nsmallest_lost = \"60d\"\nkey_account_share = \"90%\"\n";

/// Replays April of a world.
fn april(world: &mut World) -> BacktestReport {
    world.at(day("2026-07-01"));
    world.import();
    let replayed = world.wait_with(async |app| {
        let campaign = app.campaigns[0].clone();
        let (from, to) = (day("2026-04-01"), day("2026-04-30"));
        backtest(app, &campaign, from, to, &|_| ()).await
    });
    match replayed.expect("a replay") {
        Replayed::Done(report, _) => *report,
        other => panic!("{other:?}"),
    }
}

/// Clients who buy every ten days, and fall silent one after the other in March.
fn silent_one_after_the_other(world: &mut World) {
    for (n, last) in [
        "2026-02-10",
        "2026-02-20",
        "2026-03-08",
        "2026-03-14",
        "2026-03-21",
        "2026-03-25",
        "2026-03-30",
    ]
    .into_iter()
    .enumerate()
    {
        world.client(&format!("c{n}")).bought_every(10, 5, last);
    }
    world.client("steady").bought_every(10, 5, "2026-03-22");
}

#[test]
fn a_backtest_finds_what_the_daily_runs_then_did() {
    let mut world = World::with(COMPANY);
    world.also(RHYTHM);
    world.campaign(CAMPAIGN);
    silent_one_after_the_other(&mut world);
    // Known to the company, but not to the runs before the import of the 20th.
    world.at(day("2026-03-31"));
    world.import();
    world.run_days("2026-04-01", "2026-04-19");
    world.client("c6").bought(&["2026-04-09", "2026-04-19"]);
    world.run_days("2026-04-20", "2026-04-30");
    let sent = world.messages();
    // A client who goes on, so that the data reaches far enough to see what came of the others.
    world.client("steady").bought_every(10, 10, "2026-06-30");
    let report = april(&mut world);

    let mut lived: BTreeMap<Day, i64> = BTreeMap::new();
    for one in &sent {
        *lived.entry(one.planned_on).or_default() += 1;
    }
    let replayed: BTreeMap<Day, i64> = report.alarms[0]
        .days
        .iter()
        .filter(|day| day.messages > 0)
        .map(|day| (day.date, day.messages))
        .collect();
    assert_eq!(replayed, lived, "{report}");
    assert!(lived.values().sum::<i64>() > 8, "{lived:?}");
    let chosen = &report.alarms[0].chosen;
    assert!(
        chosen.had_bought > 0,
        "c6 had bought before he was written to: {chosen:?}"
    );
    assert!(
        chosen.really_touched > 0,
        "they were written to at that time: {chosen:?}"
    );
    assert!(report.recorded.late > 0, "{:?}", report.recorded);
    let lawful: i64 = report.alarms[0]
        .channels
        .iter()
        .map(|one| one.lawful_today)
        .sum();
    assert_eq!(
        lawful, report.alarms[0].messages.total,
        "all of them agreed"
    );
    world.finish();
}

#[test]
fn the_same_replay_twice_gives_the_same_bytes() {
    let mut world = World::with(COMPANY);
    world.also(RHYTHM);
    world.campaign(CAMPAIGN);
    silent_one_after_the_other(&mut world);
    world.client("steady").bought_every(10, 10, "2026-06-30");
    let first = april(&mut world);
    let second = april(&mut world);
    assert_eq!(first.to_string(), second.to_string());
    let json = |report: &BacktestReport| serde_json::to_string(report).expect("JSON");
    assert_eq!(json(&first), json(&second));
    world.finish();
}

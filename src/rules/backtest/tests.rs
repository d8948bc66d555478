//! The backtest against a plain daily replay, against itself with another future, and by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::config::values::Share;
use crate::config::{Campaign, Settings};
use crate::model::{Client, ClientFacts, ClientId, Day, Enrollment, Touch, TouchKind};
use crate::rules::plan::{Action, DayPlanner, Decided, Frame, Running, decide};
use crate::rules::staff::Staff;

/// Campaigns that differ in everything that a replay has to mind.
const CAMPAIGNS: [&str; 6] = [
    "id = \"missed\"\ntitle = \"M\"\nbacklog_per_day = 1\n\
     [trigger]\non = \"missed_cycle\"\n[audience]\npurchases = { at_least = 2 }\n\
     [limits]\nreentry = \"30d\"\nholdout = \"20%\"\n[goal]\nwithin = \"25d\"\n\
     [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"a\"\n\
     [[step]]\nid = \"nudge\"\nafter = \"3d\"\nchannel = \"whatsapp\"\ntemplate = \"b\"\n\
     [[step]]\nid = \"call\"\nafter = \"0.5 cycles\"\ntask = \"call\"\nscript = \"s\"\n",
    "id = \"due\"\ntitle = \"D\"\n[trigger]\non = \"missed_cycle\"\nlevel = \"due\"\nlead = \"2d\"\n\
     [limits]\nreentry = \"5d\"\nholdout = \"0%\"\n[goal]\nwithin = \"10d\"\n\
     [[step]]\nid = \"call\"\ntask = \"call\"\nscript = \"s\"\n",
    "id = \"asleep\"\ntitle = \"A\"\nbacklog_per_day = 2\n\
     [trigger]\non = \"missed_cycle\"\nlevel = \"asleep\"\n\
     [audience]\nturnover = { at_least = \"150 RUB\" }\nnot = { state = [\"lost\"] }\n\
     silent_days = { at_most = 80 }\n\
     [limits]\nreentry = \"60d\"\n[goal]\nevent = \"none\"\nwithin = \"20d\"\n\
     [[step]]\nid = \"later\"\nafter = \"2d\"\nchannel = \"email\"\ntemplate = \"a\"\n",
    "id = \"lost\"\ntitle = \"L\"\nbacklog_per_day = 0\n\
     [trigger]\non = \"missed_cycle\"\nlevel = \"lost\"\n[audience]\nkey_account = false\n\
     [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"a\"\n\
     [[step]]\nid = \"more\"\nafter = \"1d\"\nchannel = \"email\"\ntemplate = \"b\"\n",
    "id = \"ripening\"\ntitle = \"R\"\nbacklog_per_day = 1\n[trigger]\non = \"missed_cycle\"\n\
     [audience]\nany = [{ silent_days = { at_least = 55 } }, { turnover = { at_most = \"9 RUB\" } }]\n\
     [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"a\"\n",
    "id = \"second\"\ntitle = \"S\"\nbacklog_per_day = 1\n[trigger]\non = \"second_purchase\"\n\
     [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"a\"\n",
];

fn settings() -> Settings {
    toml::from_str("[company]\nname = \"T\"\n[limits]\nper_client = 1\n").unwrap()
}

fn campaign(text: &str) -> Campaign {
    toml::from_str(text).unwrap()
}

fn past(client: i64, days: Vec<PastDay>) -> Past {
    let client = Client {
        id: ClientId(client),
        ext_id: format!("c{client}"),
        ..Client::default()
    };
    Past {
        facts: ClientFacts {
            client,
            ..ClientFacts::default()
        },
        days,
    }
}

fn bought(day: i32, amount: i64) -> PastDay {
    PastDay {
        day: Day::from_epoch(day),
        net: amount,
        paid: amount,
        recorded_on: None,
        undone_on: None,
    }
}

fn client_who_bought(client: i64, days: &[i32]) -> Past {
    let days = days.iter().map(|day| bought(*day, 10_000));
    past(client, days.collect())
}

fn period(from: i32, to: i32, data_until: i32) -> Period {
    Period {
        from: Day::from_epoch(from),
        to: Day::from_epoch(to),
        data_until: Day::from_epoch(data_until),
    }
}

fn scene<'a>(text: &str, settings: &'a Settings, period: Period, pasts: &[Past]) -> Scene<'a> {
    let mut eras = ErasBuilder::new(period.from, period.to, &settings.rhythm);
    for past in pasts {
        eras.add(past);
    }
    let eras = eras.finish(&settings.rhythm);
    Scene::new(&campaign(text), settings, period, eras).unwrap()
}

fn replayed(scene: &Scene<'_>, alarms: &[Alarm], pasts: &[Past]) -> BacktestReport {
    let mut backtest = Backtest::new(scene, alarms);
    for past in pasts {
        backtest.add(past);
    }
    for alarm in 0..backtest.n_alarms() {
        let ids = backtest.in_backlog(alarm);
        let of_backlog: Vec<Past> = pasts
            .iter()
            .filter(|past| ids.contains(&past.client()))
            .cloned()
            .collect();
        backtest.settle(alarm, &of_backlog);
    }
    backtest.report(Vec::new())
}

/// What a day brought: chosen, messages, tasks, held out.
type DayNumbers = (i64, i64, i64, i64);

/// The period as a daily worker would live it: every client is looked at on every day.
fn lived_day_by_day(scene: &Scene<'_>, alarm: Alarm, pasts: &[Past]) -> Vec<DayNumbers> {
    let mut stories: BTreeMap<ClientId, ClientFacts> = pasts
        .iter()
        .map(|past| (past.client(), scene::pretended(&past.facts)))
        .collect();
    let mut numbers = Vec::new();
    for day in scene.period.days() {
        let base = scene.eras.on(day);
        let campaigns = [Running {
            campaign: &scene.campaign,
            starts: scene.period.from,
        }];
        let frame = Frame {
            day,
            campaigns: &campaigns,
            base,
            settings: &scene.settings,
            staff: Staff::nobody(),
        };
        let mut planner = DayPlanner::new(frame);
        let mut decided = Vec::new();
        for past in pasts {
            let facts = stories.get_mut(&past.client()).unwrap();
            facts.rhythm = past.rhythm_on(day).map(|rhythm| {
                let dates = alarm.dates(past.kind(base), &rhythm, base, &scene.occasion);
                (rhythm, dates)
            });
            facts.totals = past.totals_on(day);
            decided.push(planner.take(decide(&frame, facts)));
        }
        let (of_backlog, counts) = planner.finish();
        decided.extend(of_backlog);
        for one in &decided {
            write(scene, stories.get_mut(&one.client).unwrap(), one, day);
        }
        let counts = &counts[0];
        let as_number = |count: u64| count.cast_signed();
        numbers.push((
            as_number(counts.entered),
            as_number(counts.messages),
            as_number(counts.tasks),
            as_number(counts.holdout),
        ));
    }
    numbers
}

fn write(scene: &Scene<'_>, facts: &mut ClientFacts, decided: &Decided, day: Day) {
    for closing in &decided.closings {
        let open = facts
            .enrollments
            .iter_mut()
            .find(|known| known.id == closing.enrollment);
        open.unwrap().closed_on = Some(day);
    }
    for (_, entry, _) in &decided.entries {
        facts.enrollments.push(Enrollment {
            id: 1000 + facts.enrollments.len() as i64,
            campaign: scene.campaign.id.clone(),
            episode: entry.episode.key.clone(),
            began_on: entry.episode.began_on,
            entered_on: day,
            arm: entry.arm,
            closed_on: None,
            touches: Vec::new(),
        });
    }
    if let Some(touch) = &decided.touch {
        let what = match &touch.action {
            Action::Message(message) => {
                facts.advertising_days.push(day);
                TouchKind::Message {
                    channel: message.channel,
                    class: message.class,
                    in_vain: false,
                }
            }
            Action::Task(_) => TouchKind::Task {
                outcome: None,
                waits_since: None,
            },
        };
        let enrollments = facts.enrollments.iter_mut();
        let mut of_episode = enrollments.filter(|known| known.episode == touch.episode);
        of_episode.next().unwrap().touches.push(Touch {
            step: touch.step.clone(),
            day,
            what,
        });
    }
}

fn by_day(report: &BacktestReport) -> Vec<Vec<DayNumbers>> {
    let of = |alarm: &AlarmReport| {
        let days = alarm.days.iter();
        days.map(|day| (day.chosen, day.messages, day.tasks, day.held_out))
            .collect()
    };
    report.alarms.iter().map(of).collect()
}

const ALARMS: [Alarm; 3] = [
    Alarm::OwnRhythm,
    Alarm::FixedDays { days: 25 },
    Alarm::OwnMean { times: 1.8 },
];

/// A purchase day with gaps of 2 to 60 days before it, perhaps recorded late or taken back.
fn any_day() -> impl Strategy<Value = (i32, i64, Option<i32>, Option<i32>)> {
    (
        2..60_i32,
        1_i64..900,
        prop::option::weighted(0.2, 0..20_i32),
        prop::option::weighted(0.1, 1..30_i32),
    )
}

fn any_past() -> impl Strategy<Value = Vec<PastDay>> {
    prop::collection::vec(any_day(), 1..7).prop_map(|steps| {
        let mut on = 0;
        steps
            .into_iter()
            .map(|(gap, amount, late, undone)| {
                on += gap;
                PastDay {
                    recorded_on: late.map(|days| Day::from_epoch(on + days)),
                    undone_on: undone.map(|days| Day::from_epoch(on + days)),
                    ..bought(on, amount * 100)
                }
            })
            .collect()
    })
}

fn any_base() -> impl Strategy<Value = Vec<Past>> {
    prop::collection::vec(any_past(), 1..9).prop_map(|histories| {
        let numbered = histories.into_iter().enumerate();
        numbered.map(|(n, days)| past(n as i64 + 1, days)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_backtest_does_what_daily_runs_would_have_done(
        pasts in any_base(),
        which in 0..CAMPAIGNS.len(),
        from in 20..150_i32,
    ) {
        let settings = settings();
        let scene = scene(CAMPAIGNS[which], &settings, period(from, from + 100, 400), &pasts);
        let ours = by_day(&replayed(&scene, &ALARMS, &pasts));
        for (alarm, ours) in ALARMS.iter().zip(&ours) {
            let lived = lived_day_by_day(&scene, *alarm, &pasts);
            for (place, (ours, lived)) in ours.iter().zip(&lived).enumerate() {
                prop_assert_eq!(ours, lived, "day {} of {:?}", place, alarm);
            }
        }
    }

    #[test]
    fn what_comes_after_a_day_changes_nothing_up_to_it(
        pasts in any_base(),
        which in 0..CAMPAIGNS.len(),
        from in 20..150_i32,
        until in 0..100_i32,
    ) {
        let settings = settings();
        let last_known = Day::from_epoch(from + until);
        let as_known_then: Vec<Past> = pasts
            .iter()
            .map(|past| Past {
                facts: past.facts.clone(),
                days: past
                    .days
                    .iter()
                    .filter(|day| day.known_on() <= last_known)
                    .map(|day| PastDay {
                        undone_on: day.undone_on.filter(|on| *on <= last_known),
                        ..*day
                    })
                    .collect(),
            })
            .collect();
        let days = |pasts: &[Past]| {
            let scene = scene(CAMPAIGNS[which], &settings, period(from, from + 100, 400), pasts);
            let days = by_day(&replayed(&scene, &ALARMS, pasts));
            days.into_iter()
                .map(|days| days[..=until as usize].to_vec())
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(days(&pasts), days(&as_known_then));
    }

    #[test]
    fn the_yardsticks_know_nothing_of_the_period(pasts in any_base(), from in 60..200_i32) {
        let settings = settings();
        let known = |pasts: &[Past]| {
            let scene = scene(CAMPAIGNS[0], &settings, period(from, from + 50, 400), pasts);
            let mut tuner = Tuner::default();
            for _ in 0..40 {
                // The same clients again and again: enough pauses to tune at all.
                for past in pasts {
                    tuner.add(&scene, past);
                }
            }
            tuner.alarms(&scene.occasion)
        };
        let as_known_then: Vec<Past> = pasts
            .iter()
            .map(|one| {
                let until = Day::from_epoch(from);
                let days = one.days.iter().filter(|day| day.known_on() <= until);
                let undone = |day: &PastDay| day.undone_on.filter(|on| *on <= until);
                let days = days.map(|day| PastDay { undone_on: undone(day), ..*day });
                past(one.client().0, days.collect())
            })
            .collect();
        prop_assert_eq!(known(&pasts), known(&as_known_then));
    }
}

#[test]
fn what_came_of_those_who_were_chosen_is_counted_by_hand() {
    let mut settings = settings();
    // The only client has all the turnover, and key accounts get no letters.
    settings.rhythm.key_account_share = Share::percent(100.0);
    let pasts = [client_who_bought(1, &[0, 10, 20, 30, 70])];
    let text = CAMPAIGNS[0].replace("holdout = \"20%\"", "holdout = \"0%\"");
    let scene = scene(&text, &settings, period(40, 150, 400), &pasts);
    let report = replayed(&scene, &[Alarm::FixedDays { days: 25 }], &pasts);
    let fixed = &report.alarms[0];
    // Silent since day 30: chosen on day 55, back on day 70. Silent since day 70: chosen on day
    // 95, never back, lost on day 160 at the earliest.
    let on: Vec<i32> = fixed
        .days
        .iter()
        .filter(|day| day.chosen > 0)
        .map(|day| day.date.epoch_days())
        .collect();
    assert_eq!(on, [55, 95]);
    let chosen = &fixed.chosen;
    assert_eq!((chosen.episodes, chosen.clients, chosen.known), (2, 1, 2));
    assert_eq!((chosen.came_back, chosen.share_came_back), (1, Some(0.5)));
    assert_eq!((chosen.ended, chosen.lapsed, chosen.open), (1, 1, 0));
    assert_eq!(chosen.days_before, Some(25.0));
    // The letter and the nudge of both, the call after half a cycle of each.
    assert_eq!(fixed.messages.total, 4);
    assert_eq!(fixed.tasks.total, 2);
    // Of the pauses only that of day 70 began in the period.
    let pauses = &fixed.pauses;
    assert_eq!((pauses.ended, pauses.lapsed, pauses.noticed), (0, 1, 1));
    assert_eq!(pauses.days_before, Some(25.0));
    assert_eq!(report.clients, 1);
}

#[test]
fn a_window_that_the_data_does_not_cover_says_nothing_about_returns() {
    let settings = settings();
    let pasts = [client_who_bought(1, &[0, 10, 20, 30, 70])];
    let scene = scene(CAMPAIGNS[0], &settings, period(40, 75, 75), &pasts);
    let report = replayed(&scene, &[Alarm::FixedDays { days: 25 }], &pasts);
    let chosen = &report.alarms[0].chosen;
    assert_eq!((chosen.episodes, chosen.known), (1, 0));
    assert_eq!(
        chosen.share_came_back, None,
        "the 25 days were over on day 80 only"
    );
    assert!(
        report
            .conclusions
            .iter()
            .any(|one| one.contains("is not known"))
    );
}

#[test]
fn the_yardsticks_raise_as_many_alarms_on_the_time_before_as_the_rhythm() {
    let settings = settings();
    let pasts: Vec<Past> = (0..60)
        .map(|n| {
            let step = 4 + (n * 7 % 23) as i32;
            let days: Vec<i32> = (0..8)
                .map(|k| k * step + (k * k * 3) % (n as i32 + 2))
                .collect();
            client_who_bought(n + 1, &days)
        })
        .collect();
    let scene = scene(CAMPAIGNS[0], &settings, period(200, 230, 400), &pasts);
    let mut tuner = Tuner::default();
    for past in &pasts {
        tuner.add(&scene, past);
    }
    let alarms = tuner.alarms(&scene.occasion);
    let [
        Alarm::OwnRhythm,
        Alarm::FixedDays { days },
        Alarm::OwnMean { times },
    ] = alarms[..]
    else {
        panic!("{alarms:?}");
    };
    let raised = |alarm: Alarm| alarms_before(&scene, &pasts, alarm);
    let own = raised(Alarm::OwnRhythm);
    assert!(own > 20, "{own}");
    let off = |days: u32| raised(Alarm::FixedDays { days }).abs_diff(own);
    assert!(
        off(days) <= off(days - 1) && off(days) <= off(days + 1),
        "{days} days"
    );
    let mean = raised(Alarm::OwnMean { times });
    assert!(
        mean.abs_diff(own) * 20 <= own,
        "{times} means: {mean}, not {own}"
    );
}

/// Pauses that began before the period and in which an alarm spoke before it.
fn alarms_before(scene: &Scene<'_>, pasts: &[Past], alarm: Alarm) -> u64 {
    let from = scene.period.from;
    let mut raised = 0;
    for past in pasts {
        let days = past.purchase_days_on(from);
        for pause in pauses::pauses_begun(scene, past, days, Day::from_epoch(0)..=from.plus(-1)) {
            let silent_until = match pause.next {
                Some(next) if next <= from => next.plus(-1),
                _ => from,
            };
            let on = pause.alarm_on(alarm, scene, past);
            raised += u64::from(on.is_some_and(|on| on <= silent_until));
        }
    }
    raised
}

#[test]
fn a_report_reads_like_this() {
    let settings = settings();
    let mut pasts: Vec<Past> = (0..40)
        .map(|n| {
            let gap = 9 + (n % 7) as i32;
            let bought: Vec<i32> = (0..14 + n as i32 % 9)
                .map(|k| 15_000 + k * gap + (k * (n as i32 + 3)) % 5)
                .collect();
            client_who_bought(n + 1, &bought)
        })
        .collect();
    pasts[3].days[12].recorded_on = Some(pasts[3].days[12].day.plus(6));
    pasts[4].days[12].recorded_on = Some(pasts[4].days[12].day);
    let scene = scene(
        CAMPAIGNS[0],
        &settings,
        period(15_130, 15_180, 15_330),
        &pasts,
    );
    let mut tuner = Tuner::default();
    for past in &pasts {
        tuner.add(&scene, past);
    }
    let alarms = tuner.alarms(&scene.occasion);
    let mut report = replayed(&scene, &alarms, &pasts);
    report.recorded.first_imports.push(FirstImport {
        source: "shop".to_owned(),
        on: Day::from_epoch(15_400),
    });
    insta::assert_snapshot!(report);
}

//! The backtest against a plain daily replay, against itself with another future, and by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::config::{Campaign, Settings};
use crate::model::{Client, ClientFacts, ClientId, Day, Enrollment, Touch, TouchKind};
use crate::rules::plan::{Action, DayPlanner, Decided, Frame, Running, decide};

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
                }
            }
            Action::Task(_) => TouchKind::Task {
                outcome: None,
                open: true,
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

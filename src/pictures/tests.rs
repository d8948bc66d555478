//! Pictures keep within their card, say what they are given, and are the same every time.

use proptest::prelude::*;

use super::style::width_of;
use super::*;
use crate::model::{ClientId, Currency, Day, Locale, RhythmDates};
use crate::rules::backtest::{
    Alarm, AlarmQuality, AlarmReport, BacktestReport, ChosenReport, DayCount, NotReplayed, PerDay,
    RecordedReport,
};
use crate::rules::base_facts::BaseFactsBuilder;
use crate::rules::frequency_report::ReportBuilder;
use crate::rules::plan::BaseLine;
use crate::rules::rhythm::{CalibrationBin, FitMethod, GapDays};

/// The value of an attribute of a tag.
fn number(tag: &str, attribute: &str) -> f64 {
    let start = tag.find(&format!(" {attribute}=\"")).unwrap() + attribute.len() + 3;
    let rest = &tag[start..];
    rest[..rest.find('"').unwrap()].parse().unwrap()
}

/// Every text with the pixels that it takes from left to right, and its height.
fn texts(svg: &str) -> Vec<(String, f64, f64, f64)> {
    let mut found = Vec::new();
    for part in svg.split("<text ").skip(1) {
        let (tag, rest) = part.split_once(">\n").unwrap();
        let text = rest.split_once("\n</text>").unwrap().0;
        let tag = format!(" {tag}");
        let width = f64::from(width_of(text, number(&tag, "font-size")));
        let x = number(&tag, "x");
        let left = if tag.contains("text-anchor=\"end\"") {
            x - width
        } else if tag.contains("text-anchor=\"middle\"") {
            x - width / 2.0
        } else {
            x
        };
        found.push((text.to_owned(), left, left + width, number(&tag, "y")));
    }
    found
}

fn assert_inside(svg: &str) {
    let head = svg.lines().next().unwrap();
    let (width, height) = (number(head, "width"), number(head, "height"));
    for (text, left, right, y) in texts(svg) {
        assert!(left >= 0.0 && right <= width, "{text}: {left}..{right}");
        assert!(y > 6.0 && y < height - 6.0, "{text}: {y}");
    }
}

fn gaps(days: &[u32]) -> GapDays {
    let mut gaps = GapDays::default();
    for one in days {
        gaps.add(*one);
    }
    gaps
}

fn timeline_of(name: &str, purchases: &[Day], after: [i32; 4], silent: i32) -> String {
    let last = *purchases.last().unwrap();
    let [due, missed, asleep, lost] = after.map(|days| last.plus(days));
    let picture = Timeline {
        name,
        purchases,
        dates: RhythmDates {
            due,
            missed,
            asleep,
            lost,
        },
        usual_gap_days: f64::from(after[0]),
        today: last.plus(silent),
        sentence: "Обычно каждые 60 дней, молчит 44; из завершившихся пауз таких клиентов 67 % \
                   были длиннее; вероятность, что вернётся без напоминания за 30 дней, — 43 %.",
        locale: Locale::Ru,
    };
    timeline(&picture).unwrap()
}

#[test]
fn a_timeline_names_the_client_and_the_four_dates() {
    let purchases = [0, 20, 55].map(Day::from_epoch);
    let svg = timeline_of("ООО «Ромашка» <& Co>", &purchases, [20, 60, 50, 90], 44);
    let words: Vec<String> = texts(&svg).into_iter().map(|text| text.0).collect();
    for wanted in [
        "ООО «Ромашка» &lt;&amp; Co&gt;",
        "пора: 17\u{a0}марта",
        "спит: 16\u{a0}апреля",
        "пропустил: 26\u{a0}апреля",
        "потерян: 26\u{a0}мая",
        "дней с покупками: 3",
    ] {
        assert!(
            words.iter().any(|text| text == wanted),
            "{wanted} in {words:?}"
        );
    }
    let rows: Vec<f64> = texts(&svg)
        .into_iter()
        .filter(|text| text.0.contains(": ") && text.3 < 180.0)
        .map(|text| text.3)
        .collect();
    let mut once = rows.clone();
    once.dedup();
    assert_eq!(rows, once, "each date has a row of its own");
}

#[test]
fn a_client_who_never_bought_has_no_timeline() {
    let dates = RhythmDates {
        due: Day::from_epoch(1),
        missed: Day::from_epoch(2),
        asleep: Day::from_epoch(3),
        lost: Day::from_epoch(4),
    };
    let picture = Timeline {
        name: "A",
        purchases: &[],
        dates,
        usual_gap_days: 3.0,
        today: Day::from_epoch(9),
        sentence: "",
        locale: Locale::En,
    };
    assert!(timeline(&picture).is_err());
}

proptest! {
    #[test]
    fn a_timeline_keeps_within_its_card(
        steps in prop::collection::vec(1..200_i32, 1..40),
        mut after in prop::array::uniform4(1..900_i32),
        silent in 0..3000_i32,
    ) {
        let mut on = 0;
        let purchases: Vec<Day> = steps
            .iter()
            .map(|step| {
                on += step;
                Day::from_epoch(on)
            })
            .collect();
        after.sort_unstable();
        let name = "Общество с ограниченной ответственностью ".repeat(5);
        let svg = timeline_of(&name, &purchases, after, silent);
        assert_inside(&svg);
        prop_assert_eq!(&svg, &timeline_of(&name, &purchases, after, silent));
    }

    #[test]
    fn the_board_of_a_backtest_keeps_within_its_card(
        days in prop::collection::vec((0..5000_i64, 0..300_i64), 1..200),
        lengths in prop::collection::vec(1..900_u32, 0..60),
        shares in prop::collection::vec(0.0..1.0_f64, 0..10),
        alarm_share in 0.0..1.0_f64,
    ) {
        let report = report(&days, &shares, alarm_share);
        for locale in Locale::ALL {
            let svg = backtest_board(&report, &gaps(&lengths), locale).unwrap();
            assert_inside(&svg);
        }
    }
}

#[test]
fn the_board_of_a_base_keeps_within_its_card() {
    let settings = crate::config::settings::RhythmSettings::default();
    let today = Day::from_epoch(15_000);
    let base = BaseFactsBuilder::new(today, &settings).finish(&settings);
    let mut builder = ReportBuilder::new(today, &base);
    for n in 0..200 {
        let days: Vec<Day> = (0..n % 4).rev().map(|k| today.plus(-30 * k - n)).collect();
        let manager = format!("Manager of a very long name indeed, number {}", n % 12);
        let client = base.kind(ClientId(i64::from(n)), &[]);
        builder.add(client, &manager, &days, &base);
    }
    let line = BaseLine {
        fitted_on: today,
        method: FitMethod::Default,
        gaps: 0,
        version: None,
    };
    let mut report = builder.finish(line, |_| None);
    for with_foresight in [false, true] {
        if with_foresight {
            report.calibration.push(CalibrationBin {
                count: 1_000_000,
                mean_foreseen: 0.0,
                share_happened: 1.0,
            });
        }
        for locale in Locale::ALL {
            let svg = report_board(&report, &gaps(&[1, 400]), locale).unwrap();
            assert_inside(&svg);
            assert_eq!(svg.contains("1000000"), with_foresight);
        }
    }
}

fn report(days: &[(i64, i64)], shares: &[f64], alarm_share: f64) -> BacktestReport {
    let alarms = [
        Alarm::OwnRhythm,
        Alarm::FixedDays { days: 151 },
        Alarm::OwnMean { times: 12.34 },
    ];
    let bins = shares.iter().map(|share| CalibrationBin {
        count: 123_456,
        mean_foreseen: *share,
        share_happened: 1.0 - share,
    });
    let from = Day::from_epoch(15_000);
    BacktestReport {
        campaign: "c".to_owned(),
        title: "C".to_owned(),
        trigger: "missed_cycle",
        level: None,
        from,
        to: from.plus(days.len() as i32 - 1),
        data_until: from.plus(1000),
        goal_within_days: 30,
        currency: Currency::RUB,
        clients: 1,
        base: Vec::new(),
        recorded: RecordedReport {
            unknown: 0,
            in_time: 0,
            late: 0,
            first_imports: Vec::new(),
        },
        audience: NotReplayed::default(),
        classes_of_today: Vec::new(),
        alarms: alarms
            .iter()
            .map(|alarm| alarm_report(*alarm, from, days, alarm_share))
            .collect(),
        calibration: bins.collect(),
        conclusions: Vec::new(),
    }
}

fn alarm_report(alarm: Alarm, from: Day, days: &[(i64, i64)], share: f64) -> AlarmReport {
    let number = PerDay {
        median: 1000,
        most: 5000,
        total: 99_999,
    };
    let nobody = ChosenReport {
        episodes: 0,
        clients: 0,
        known: 0,
        came_back: 0,
        share_came_back: None,
        share_foreseen: None,
        ended: 0,
        lapsed: 0,
        open: 0,
        had_bought: 0,
        really_touched: 0,
        value_at_risk: 0.0,
        value_at_risk_lapsed: 0.0,
        days_before: None,
        cycles_before: None,
    };
    let days = days
        .iter()
        .enumerate()
        .map(|(n, (messages, tasks))| DayCount {
            date: from.plus(n as i32),
            chosen: *messages,
            messages: *messages,
            tasks: *tasks,
            held_out: 0,
        });
    AlarmReport {
        alarm,
        name: "12.34 own mean gaps".to_owned(),
        messages: number,
        tasks: number,
        held_out: 0,
        channels: Vec::new(),
        weeks: Vec::new(),
        days: days.collect(),
        chosen: nobody,
        fresh: nobody,
        backlog: nobody,
        backlog_left: 0,
        pauses: AlarmQuality {
            ended: 1,
            false_alarms: 1,
            share_false: Some(share),
            share_false_by_class: vec![
                ("once", Some(share)),
                ("X", Some(1.0)),
                ("Y", None),
                ("Z", Some(0.0)),
            ],
            lapsed: 0,
            noticed: 0,
            missed: 0,
            days_before: None,
            cycles_before: None,
            yearly_spend_lapsed: 0.0,
            yearly_spend_noticed: 0.0,
            still_open: 0,
        },
    }
}

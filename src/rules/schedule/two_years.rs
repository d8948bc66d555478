//! A service over two years in every zone that turns its clocks, its ticks at odd times, its clock
//! set back and forward, its process restarted: each logical date once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use super::{Fate, fates, occurrences};
use crate::config::schedule::{CatchUp, Timetable};
use crate::config::values::Days;
use crate::model::Day;

/// The years in which the most zones turned their clocks, and recent ones.
const STARTS: [&str; 2] = ["2010-01-01T00:00:00Z", "2025-01-01T00:00:00Z"];

/// What the table `schedule_runs` is to the service: an occurrence is entered once.
#[derive(Default)]
struct Entered {
    keys: BTreeSet<(Day, u16)>,
    done: Vec<(Day, DateTime<Utc>)>,
    last: Option<DateTime<Utc>>,
}

impl Entered {
    fn tick(&mut self, table: &Timetable, zone: Tz, since: DateTime<Utc>, now: DateTime<Utc>) {
        let after = self.last.filter(|last| *last <= now).unwrap_or(since);
        let due = occurrences(&table.at, zone, after, now, 1_000);
        for (one, fate) in fates(&due, table, None, now) {
            if self.keys.insert((one.date, one.slot)) {
                if matches!(fate, Fate::Due | Fate::Late) {
                    self.done.push((one.date, now));
                }
                self.last = self.last.max(Some(one.at));
            }
        }
    }
}

/// One zone for each way of turning clocks in two years.
fn zones(start: DateTime<Utc>) -> Vec<Tz> {
    let mut ways = BTreeMap::new();
    for zone in chrono_tz::TZ_VARIANTS {
        let offsets = (0..148).map(|n| {
            let at = start + Duration::days(n * 5);
            zone.offset_from_utc_datetime(&at.naive_utc())
                .fix()
                .local_minus_utc()
        });
        let offsets: Vec<i32> = offsets.collect();
        if offsets.iter().any(|offset| *offset != offsets[0]) {
            ways.entry(offsets).or_insert(zone);
        }
    }
    ways.into_values().collect()
}

fn in_every_zone(at: &str, catch_up: CatchUp, start: &str) {
    let table = Timetable {
        at: at.parse().unwrap(),
        catch_up,
        within: Days(3),
    };
    let start: DateTime<Utc> = start.parse().unwrap();
    let zones = zones(start);
    assert!(zones.len() > 20, "{}", zones.len());
    for zone in zones {
        two_years(&table, zone, start);
    }
}

// One test each, so that they share the processors.
#[test]
fn each_night_is_done_once_in_two_years_of_every_zone() {
    in_every_zone("30 2 * * *", CatchUp::All, STARTS[0]);
}

#[test]
fn each_night_is_done_once_in_two_late_years_of_every_zone() {
    in_every_zone("30 2 * * *", CatchUp::All, STARTS[1]);
}

#[test]
fn each_midnight_is_done_once_in_two_years_of_every_zone() {
    in_every_zone("0 0 * * *", CatchUp::Latest, STARTS[0]);
}

#[test]
fn each_midnight_is_done_once_in_two_late_years_of_every_zone() {
    in_every_zone("0 0 * * *", CatchUp::Latest, STARTS[1]);
}

fn two_years(table: &Timetable, zone: Tz, start: DateTime<Utc>) {
    let mut entered = Entered::default();
    let mut now = start;
    let end = start + Duration::days(730);
    let mut step = 0_i64;
    while now < end {
        entered.tick(table, zone, start, now);
        // Another process, or this one after its clock was set back, sees the same.
        entered.tick(table, zone, start, now - Duration::hours(step % 5));
        step += 1;
        now += Duration::minutes(301 + step * 37 % 240);
    }
    let dates: Vec<Day> = entered.done.iter().map(|(date, _)| *date).collect();
    let distinct: BTreeSet<Day> = dates.iter().copied().collect();
    assert_eq!(dates.len(), distinct.len(), "{zone} {}", table.at);
    let (first, last) = (dates[0], dates[dates.len() - 1]);
    for days in 0..=(last - first) {
        let date = first.plus(days);
        let exists = (0..24).any(|hour| {
            let wall = date.date().and_hms_opt(hour, 30, 0).unwrap();
            zone.from_local_datetime(&wall) != chrono::MappedLocalTime::None
        });
        assert_eq!(
            distinct.contains(&date),
            exists,
            "{zone} {} {date}",
            table.at
        );
    }
    assert!(last - first >= 727, "{zone} {}", table.at);
}

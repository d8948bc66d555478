//! The occurrences of a schedule: which local times are due between two instants.
//!
//! Expressions are matched against the clock on the wall, as if no zone existed; what the zone does
//! to the time that was found is decided here: a time that the clocks leave out is due when they go
//! on, one that comes twice is due at the first, and a date that a zone has left out altogether is
//! never due. Source: <https://man7.org/linux/man-pages/man8/cron.8.html> for the usual reading.

use chrono::{DateTime, Duration, MappedLocalTime, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::config::schedule::When;
use crate::model::Day;

/// One time at which a schedule is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The local date that names it: at most once for each.
    pub date: Day,
    /// The minute of that day, for a schedule that is due more than once a day; otherwise 0.
    pub slot: u16,
}

/// The longest that a zone has ever turned its clocks back or forward: a whole day, and a bit.
const LONGEST_SHIFT: Duration = Duration::hours(26);

/// The occurrences after `after` up to `until`, in their order; of more than `most` the last ones.
pub fn occurrences(
    when: &When,
    zone: Tz,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    most: usize,
) -> Vec<Occurrence> {
    let mut found: Vec<Occurrence> = Vec::new();
    for occurrence in from(when, zone, after).take_while(|one| one.at <= until) {
        // Several times that the clocks left out are due at one instant: once.
        if found.last().is_some_and(|last| last.at == occurrence.at) {
            found.pop();
        }
        found.push(occurrence);
        if found.len() >= most.max(1) * 2 {
            found.drain(..found.len() - most.max(1));
        }
    }
    let surplus = found.len().saturating_sub(most);
    found.drain(..surplus);
    found
}

/// The first occurrence after an instant.
pub fn next(when: &When, zone: Tz, after: DateTime<Utc>) -> Option<Occurrence> {
    from(when, zone, after).next()
}

fn from(when: &When, zone: Tz, after: DateTime<Utc>) -> impl Iterator<Item = Occurrence> {
    let once_a_day = when.is_once_a_day();
    let wall = (after - LONGEST_SHIFT).with_timezone(&zone).naive_local();
    let walls = match when {
        When::Never => None,
        When::At(cron) => Some(cron.iter_after(wall.and_utc())),
    };
    walls
        .into_iter()
        .flatten()
        .filter_map(move |wall| {
            let wall = wall.naive_utc();
            let minute = wall.hour() * 60 + wall.minute();
            Some(Occurrence {
                at: instant(zone, wall)?,
                date: Day::from_date(wall.date()),
                slot: if once_a_day { 0 } else { minute as u16 },
            })
        })
        .filter(move |one| one.at > after)
}

/// The instant at which the clocks of a zone first show a time or, where they leave it out, go on;
/// nothing where they leave out the whole date.
fn instant(zone: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
    let mut shown = wall;
    // No zone leaves out more than a day.
    for _ in 0..=LONGEST_SHIFT.num_minutes() {
        match zone.from_local_datetime(&shown) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
                let left_out = shown.date() > wall.date() && !exists(zone, wall);
                return (!left_out).then(|| at.with_timezone(&Utc));
            }
            MappedLocalTime::None => shown += Duration::minutes(1),
        }
    }
    None
}

/// Whether the clocks of a zone show any hour of a date.
fn exists(zone: Tz, wall: NaiveDateTime) -> bool {
    let hours = (0..24).filter_map(|hour| wall.date().and_hms_opt(hour, 0, 0));
    let mut shown = hours.map(|hour| zone.from_local_datetime(&hour));
    shown.any(|local| local != MappedLocalTime::None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{NaiveDate, NaiveTime, Offset};

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn due(when: &str, zone: Tz, after: &str, until: &str) -> Vec<String> {
        let (after, until) = (utc(after), utc(until));
        occurrences(&when.parse().unwrap(), zone, after, until, 1_000)
            .into_iter()
            .map(|one| format!("{} {} at {}", one.date, one.slot, one.at.format("%dT%H:%M")))
            .collect()
    }

    #[test]
    fn a_time_in_the_gap_is_due_once_after_it_and_a_doubled_one_once() {
        let berlin = chrono_tz::Europe::Berlin;
        // 29 March 2026: 02:00 becomes 03:00. 25 October: 03:00 becomes 02:00.
        assert_eq!(
            due(
                "30 2 * * *",
                berlin,
                "2026-03-27T12:00:00Z",
                "2026-03-30T12:00:00Z"
            ),
            [
                "2026-03-28 0 at 28T01:30",
                "2026-03-29 0 at 29T01:00",
                "2026-03-30 0 at 30T00:30"
            ]
        );
        assert_eq!(
            due(
                "30 2 * * *",
                berlin,
                "2026-10-24T12:00:00Z",
                "2026-10-26T12:00:00Z"
            ),
            ["2026-10-25 0 at 25T00:30", "2026-10-26 0 at 26T01:30"]
        );
        // Four times in the gap and the one at its end are due at one instant.
        assert_eq!(
            due(
                "*/15 2,3 * * *",
                berlin,
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:20:00Z"
            ),
            ["2026-03-29 180 at 29T01:00", "2026-03-29 195 at 29T01:15"]
        );
    }

    #[test]
    fn a_date_that_a_zone_left_out_is_never_due() {
        // Samoa went from 29 December 2011 to 31 December.
        assert_eq!(
            due(
                "0 6 * * *",
                chrono_tz::Pacific::Apia,
                "2011-12-28T00:00:00Z",
                "2011-12-31T00:00:00Z"
            ),
            [
                "2011-12-28 0 at 28T16:00",
                "2011-12-29 0 at 29T16:00",
                "2011-12-31 0 at 30T16:00"
            ]
        );
    }

    #[test]
    fn either_of_the_two_kinds_of_days_is_enough_and_sunday_has_two_numbers() {
        let utc = chrono_tz::UTC;
        let (after, until) = ("2026-11-01T12:00:00Z", "2026-11-10T12:00:00Z");
        assert_eq!(
            due("0 6 5 * 1", utc, after, until),
            [
                "2026-11-02 0 at 02T06:00",
                "2026-11-05 0 at 05T06:00",
                "2026-11-09 0 at 09T06:00"
            ]
        );
        for sunday in ["0 6 * * 0", "0 6 * * 7", "0 6 * * SUN"] {
            assert_eq!(due(sunday, utc, after, until), ["2026-11-08 0 at 08T06:00"]);
        }
    }

    #[test]
    fn of_too_many_the_last_ones_are_told() {
        let when = "* * * * *".parse().unwrap();
        let (after, until) = (utc("2020-01-01T00:00:00Z"), utc("2020-03-01T00:00:00Z"));
        let found = occurrences(&when, chrono_tz::UTC, after, until, 100);
        assert_eq!(found.len(), 100);
        assert_eq!(found.last().unwrap().at, until);
        assert_eq!(
            occurrences(&When::Never, chrono_tz::UTC, after, until, 100),
            []
        );
    }

    /// The days around which a zone turns its clocks between two years.
    fn turns(zone: Tz, from: i32, to: i32) -> Vec<NaiveDate> {
        let offset = |date: NaiveDate| {
            let noon = date.and_time(NaiveTime::default());
            zone.offset_from_utc_datetime(&noon).fix()
        };
        let mut found = Vec::new();
        let mut date = NaiveDate::from_ymd_opt(from, 1, 1).unwrap();
        let end = NaiveDate::from_ymd_opt(to, 12, 31).unwrap();
        while date < end {
            let later = date + Duration::days(9);
            if offset(date) != offset(later) {
                let mut days = date.iter_days().take(10);
                found.extend(days.find(|day| offset(*day) != offset(*day + Duration::days(1))));
            }
            date = later;
        }
        found
    }

    #[test]
    fn every_turn_of_every_zone_has_each_local_date_once() {
        let mut looked_at = 0;
        // Many names stand for one history: one of them is enough.
        let mut histories = BTreeMap::new();
        for zone in chrono_tz::TZ_VARIANTS {
            let turns = turns(zone, 2000, 2032);
            if !turns.is_empty() {
                histories.entry(turns).or_insert(zone);
            }
        }
        for (turns, zone) in histories {
            for turn in turns {
                // Every half hour of the night, in which clocks turn; noon for the rest.
                for minute in (0..210).step_by(30).chain([720, 1_425]) {
                    let when: When = format!("{} {} * * *", minute % 60, minute / 60)
                        .parse()
                        .unwrap();
                    once_a_date(&when, zone, turn);
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at > 10_000, "{looked_at}");
    }

    fn once_a_date(when: &When, zone: Tz, turn: NaiveDate) {
        let start = (turn - Duration::days(1)).and_time(NaiveTime::default());
        let (after, until) = (start.and_utc(), start.and_utc() + Duration::days(4));
        let found = occurrences(when, zone, after, until, 100);
        for pair in found.windows(2) {
            assert!(pair[0].at < pair[1].at, "{zone} {when} {pair:?}");
            let skipped = pair[1].date - pair[0].date;
            let between = pair[0].date.plus(1).date().and_time(NaiveTime::default());
            assert!(
                skipped == 1 || (skipped == 2 && !exists(zone, between)),
                "{zone} {when} {pair:?}"
            );
        }
        for one in &found {
            let wall = one.at.with_timezone(&zone).naive_local();
            assert!(
                wall.date() >= one.date.date(),
                "{zone} {when} {one:?} {wall}"
            );
        }
        assert!(found.len() >= 3, "{zone} {when} {found:?}");
    }
}

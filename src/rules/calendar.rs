//! Days of the calendar: yearly and single ones, what lies before them, and working days.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::config::campaign::{DateRule, DayOff};
use crate::config::values::Days;
use crate::model::Day;

/// How long after its day a letter still makes sense.
pub const DATE_DAYS: i32 = 3;

/// The most days by which a holiday moves a day; beyond that it stays.
const MOST_DAYS_OFF: i32 = 14;

/// How a day of the calendar is acted on.
#[derive(Clone, Copy, Debug)]
pub struct Dating<'a> {
    /// So many days before it.
    pub lead: Days,
    /// What happens when that is no working day.
    pub on_day_off: DayOff,
    /// Days that count as weekends.
    pub holidays: &'a [Day],
}

/// A day of the calendar, and the day on which it begins to be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The day itself.
    pub day: Day,
    /// The first day on which something is done about it.
    pub from: Day,
    /// The last one.
    pub to: Day,
}

impl Dating<'_> {
    /// The day of the calendar that is to be acted on today; otherwise the day on which the next one
    /// begins.
    pub fn today(&self, days: impl Iterator<Item = Day>, today: Day) -> Result<Dated, Option<Day>> {
        let mut next: Option<Day> = None;
        for day in days {
            let dated = self.dated(day);
            if (dated.from..=dated.to).contains(&today) {
                return Ok(dated);
            }
            if dated.from > today {
                next = Some(next.map_or(dated.from, |known| known.min(dated.from)));
            }
        }
        Err(next)
    }

    fn dated(&self, day: Day) -> Dated {
        let from = self.moved(day.plus(-self.lead.count()));
        let late = from.plus(DATE_DAYS);
        // With a lead it makes sense up to the day itself, however long the worker was down.
        let to = if self.lead > Days(0) {
            late.max(day)
        } else {
            late
        };
        Dated { day, from, to }
    }

    /// The day, or the working day beside it.
    fn moved(&self, day: Day) -> Day {
        let step = match self.on_day_off {
            DayOff::Same => return day,
            DayOff::Before => -1,
            DayOff::After => 1,
        };
        let days = (0..=MOST_DAYS_OFF).map(|n| day.plus(n * step));
        let mut working = days.filter(|day| self.is_working(*day));
        working.next().unwrap_or(day)
    }

    fn is_working(&self, day: Day) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.holidays.contains(&day)
    }

    /// How far from today the days lie that may be acted on today.
    pub fn reach(&self) -> (i32, i32) {
        let behind = DATE_DAYS + MOST_DAYS_OFF;
        (-behind, self.lead.count() + MOST_DAYS_OFF)
    }
}

/// The days of a rule around a day: of the year before, this and the next one.
pub fn days_of(rule: DateRule, around: Day) -> Vec<Day> {
    match rule {
        DateRule::Once(day) => vec![day],
        DateRule::Yearly { month, day } => {
            let year = around.date().year();
            let years = [year - 1, year, year + 1].into_iter();
            years.map(|year| yearly(year, month, day)).collect()
        }
    }
}

/// The days around `around` on which a day of the past comes back, and after how many years: never in
/// its own year.
pub fn returns_of(past: Day, around: Day) -> Vec<Day> {
    let (month, day) = (past.date().month(), past.date().day());
    let rule = DateRule::Yearly { month, day };
    let mut days = days_of(rule, around);
    days.retain(|day| day.date().year() > past.date().year());
    days
}

/// How many years lie between a day and one on which it comes back.
pub fn years_between(past: Day, day: Day) -> Option<u32> {
    u32::try_from(day.date().year() - past.date().year()).ok()
}

/// The days of the past, so many years back, that come back on a day within a reach of `today`.
pub fn origins(today: Day, (from, to): (i32, i32), years: i32) -> Vec<Day> {
    let mut origins = Vec::new();
    for returns in (from..=to).map(|n| today.plus(n).date()) {
        for back in 1..=years {
            let year = returns.year() - back;
            let same = NaiveDate::from_ymd_opt(year, returns.month(), returns.day());
            origins.extend(same.map(Day::from_date));
            // 29 February comes back on the 28th where there is none.
            let is_28 = (returns.month(), returns.day()) == (2, 28);
            if is_28 && !returns.leap_year() {
                origins.extend(NaiveDate::from_ymd_opt(year, 2, 29).map(Day::from_date));
            }
        }
    }
    origins
}

/// The day of a yearly rule in one year; 29 February falls on 28 February in common years.
fn yearly(year: i32, month: u32, of_month: u32) -> Day {
    let exact = NaiveDate::from_ymd_opt(year, month, of_month);
    let date = exact.or_else(|| NaiveDate::from_ymd_opt(year, month, 28));
    date.map(Day::from_date).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn dating(lead: u16, on_day_off: DayOff) -> Dating<'static> {
        Dating {
            lead: Days(lead),
            on_day_off,
            holidays: &[],
        }
    }

    #[test]
    fn a_yearly_date_is_found_across_the_turn_of_the_year() {
        let rule = DateRule::Yearly { month: 12, day: 31 };
        let at = |today: &str| {
            let today = day(today);
            dating(0, DayOff::Same).today(days_of(rule, today).into_iter(), today)
        };
        assert_eq!(at("2027-01-02").unwrap().day, day("2026-12-31"));
        assert_eq!(at("2027-01-04"), Err(Some(day("2027-12-31"))));
        let leap = DateRule::Yearly { month: 2, day: 29 };
        assert!(days_of(leap, day("2027-03-01")).contains(&day("2027-02-28")));
        assert!(days_of(leap, day("2028-03-01")).contains(&day("2028-02-29")));
    }

    #[test]
    fn a_date_missed_by_some_days_of_downtime_is_still_acted_on() {
        let once = || std::iter::once(day("2026-12-20"));
        let plain = dating(0, DayOff::Same);
        assert_eq!(
            plain.today(once(), day("2026-12-19")),
            Err(Some(day("2026-12-20")))
        );
        for today in ["2026-12-20", "2026-12-23"] {
            assert!(plain.today(once(), day(today)).is_ok(), "{today}");
        }
        assert_eq!(plain.today(once(), day("2026-12-24")), Err(None));
        // Two weeks before, and then up to the day itself.
        let early = dating(14, DayOff::Same);
        assert!(early.today(once(), day("2026-12-05")).is_err());
        for today in ["2026-12-06", "2026-12-12", "2026-12-20"] {
            assert!(early.today(once(), day(today)).is_ok(), "{today}");
        }
        assert!(early.today(once(), day("2026-12-21")).is_err());
    }

    #[test]
    fn a_day_off_moves_to_the_working_day_that_is_asked_for() {
        // 20 December 2026 is a Sunday.
        let holidays = [day("2026-12-21"), day("2026-12-18")];
        let moved = |on_day_off| {
            let dating = Dating {
                lead: Days(0),
                on_day_off,
                holidays: &holidays,
            };
            dating.dated(day("2026-12-20")).from
        };
        assert_eq!(moved(DayOff::Same), day("2026-12-20"));
        assert_eq!(moved(DayOff::Before), day("2026-12-17"));
        assert_eq!(moved(DayOff::After), day("2026-12-22"));
    }

    #[test]
    fn the_day_of_a_first_purchase_comes_back_a_year_later_at_the_earliest() {
        let first = day("2024-02-29");
        assert!(
            returns_of(first, day("2024-06-01"))
                .iter()
                .all(|day| day.date().year() == 2025)
        );
        assert!(returns_of(first, day("2027-02-28")).contains(&day("2027-02-28")));
        assert_eq!(years_between(first, day("2027-02-28")), Some(3));
    }

    proptest! {
        #[test]
        fn whoever_is_acted_on_today_is_found_by_his_day(past in -20_000_i32..19_000, ahead in 1_i32..9_000, lead in 0_u16..40, off in 0_usize..3) {
            let (past, today) = (Day::from_epoch(past), Day::from_epoch(19_000 + ahead));
            let off = [DayOff::Same, DayOff::Before, DayOff::After][off];
            let dating = dating(lead, off);
            let acted_on = dating.today(returns_of(past, today).into_iter(), today).is_ok();
            let found = origins(today, dating.reach(), 130).contains(&past);
            prop_assert!(found || !acted_on);
        }
    }
}

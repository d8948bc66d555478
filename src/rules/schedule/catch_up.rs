//! What becomes of occurrences that nobody attended to in their time.

use chrono::{DateTime, Duration, Utc};

use super::Occurrence;
use crate::config::schedule::{CatchUp, Timetable};

/// Up to this age an occurrence is on time, whatever the policy says: nobody was away.
const ON_TIME: Duration = Duration::minutes(10);

/// Why an occurrence is left out whose schedule says so.
const SKIPPED: &str = "catch_up is \"skip\"";

/// Why an occurrence is left out of several that nobody attended to.
const REPLACED: &str = "a later one takes its place";

/// What becomes of one occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Due,
    /// It is done although its time has passed.
    Late,
    /// It is not done: why, in words.
    Missed(&'static str),
}

/// What becomes of each of the occurrences that are due at `now`, which come in their order.
///
/// `one_day` is the schedule of things that are of use on their own day only.
pub fn fates(
    due: &[Occurrence],
    timetable: &Timetable,
    one_day: Option<crate::model::Day>,
    now: DateTime<Utc>,
) -> Vec<(Occurrence, Fate)> {
    let within = Duration::days(i64::from(timetable.within.count()));
    let possible = |one: &Occurrence| {
        one_day.is_none_or(|today| today == one.date) && now - one.at <= within.max(ON_TIME)
    };
    let last = due.iter().rev().find(|one| possible(one)).copied();
    let fate = |one: &Occurrence| {
        let on_time = now - one.at <= ON_TIME;
        if one_day.is_some_and(|today| today != one.date) {
            return Fate::Missed("its day is over");
        }
        if !possible(one) {
            return Fate::Missed("later than `within` allows");
        }
        match timetable.catch_up {
            CatchUp::Skip if !on_time => Fate::Missed(SKIPPED),
            CatchUp::Latest if last != Some(*one) => Fate::Missed(REPLACED),
            _ if on_time => Fate::Due,
            _ => Fate::Late,
        }
    };
    due.iter().map(|one| (*one, fate(one))).collect()
}

/// Whether an occurrence was missed as it should be: whoever wrote "skip", or comes back after an
/// absence, knows what he has left out.
pub fn is_left_out_on_purpose(why: &str) -> bool {
    [SKIPPED, REPLACED].contains(&why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::values::Days;
    use crate::model::Day;

    fn at(day: i32, hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(day.into()) + Duration::hours(hour)
    }

    fn told(
        catch_up: CatchUp,
        within: u16,
        days: &[i32],
        now: DateTime<Utc>,
        today: bool,
    ) -> String {
        let timetable = Timetable {
            at: "0 6 * * *".parse().unwrap(),
            catch_up,
            within: Days(within),
        };
        let due: Vec<Occurrence> = days
            .iter()
            .map(|day| Occurrence {
                at: at(*day, 6),
                date: Day::from_epoch(*day),
                slot: 0,
            })
            .collect();
        let one_day = today.then(|| Day::from_epoch((now.timestamp() / 86_400) as i32));
        let letter = |fate: Fate| match fate {
            Fate::Due => 'D',
            Fate::Late => 'L',
            Fate::Missed(_) => '-',
        };
        fates(&due, &timetable, one_day, now)
            .into_iter()
            .map(|(_, fate)| letter(fate))
            .collect()
    }

    #[test]
    fn the_policy_says_what_is_done_after_an_absence() {
        use CatchUp::{All, Latest, Skip};
        let days = [1, 2, 3];
        for (policy, within, now, today, expected) in [
            (Latest, 1, at(3, 6), false, "--D"),
            (Latest, 1, at(3, 9), false, "--L"),
            (Latest, 1, at(4, 7), false, "---"),
            (Latest, 40, at(4, 7), false, "--L"),
            (All, 2, at(3, 9), false, "-LL"),
            (All, 40, at(3, 6), false, "LLD"),
            (Skip, 40, at(3, 6), false, "--D"),
            (Skip, 40, at(3, 7), false, "---"),
            // What is of use on its day only.
            (Latest, 40, at(3, 23), true, "--L"),
            (Latest, 40, at(4, 1), true, "---"),
            // A limit of nothing still does what is on time.
            (Latest, 0, at(3, 6), false, "--D"),
            (Latest, 0, at(3, 7), false, "---"),
        ] {
            assert_eq!(
                told(policy, within, &days, now, today),
                expected,
                "{policy:?} {within} {now}"
            );
        }
    }
}

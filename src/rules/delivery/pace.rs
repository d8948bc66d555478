//! How quickly messages may follow each other: on a channel, and to the mailboxes of one domain.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// How far ahead turns are given out; whoever comes later asks again then.
const HORIZON: TimeDelta = TimeDelta::minutes(10);

/// How long a key is slowed down after it asked for it, and how much.
const SLOW_FOR: TimeDelta = TimeDelta::minutes(10);
const SLOW_BY: i32 = 4;

/// Evenly spaced turns, one row of them for each key.
///
/// A message that has to wait keeps the turn that it was given: nobody overtakes it, and it is put
/// back once. Memory is bounded by the turns of ten minutes.
#[derive(Clone, Debug)]
pub struct Pace {
    interval: TimeDelta,
    rows: HashMap<String, Row>,
    given: HashMap<i64, DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    next: DateTime<Utc>,
    slow_until: Option<DateTime<Utc>>,
}

/// When it is a message's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At once.
    Now,
    /// Not before this instant.
    At(DateTime<Utc>),
}

impl Pace {
    /// At most `count` in each stretch of `within`, evenly spaced.
    pub fn new(count: u32, within: TimeDelta) -> Self {
        let micros = within.num_microseconds().unwrap_or(i64::MAX) / i64::from(count.max(1));
        Self {
            interval: TimeDelta::microseconds(micros),
            rows: HashMap::new(),
            given: HashMap::new(),
        }
    }

    /// The turn of a message in the row of `key`.
    pub fn turn(&mut self, message: i64, key: &str, now: DateTime<Utc>) -> Turn {
        if let Some(at) = self.given.get(&message).copied() {
            if at > now {
                return Turn::At(at);
            }
            self.given.remove(&message);
            return Turn::Now;
        }
        let (at, further) = self.free(key, now);
        if at <= now {
            self.take(key, further);
            return Turn::Now;
        }
        if at - now > HORIZON {
            return Turn::At(now + HORIZON);
        }
        self.take(key, further);
        self.given.insert(message, at);
        Turn::At(at)
    }

    /// The next turn in the row of `key`, for whoever waits for it and then goes: nobody keeps it.
    pub fn next(&mut self, key: &str, now: DateTime<Utc>) -> Turn {
        let (at, further) = self.free(key, now);
        self.take(key, further);
        if at <= now { Turn::Now } else { Turn::At(at) }
    }

    /// The first free turn of a row, and the one behind it.
    fn free(&mut self, key: &str, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        if self.rows.len() > 10_000 {
            self.rows.retain(|_, row| row.next > now);
        }
        let row = self.rows.entry(key.to_owned()).or_insert(Row {
            next: now,
            slow_until: None,
        });
        let slow = row.slow_until.is_some_and(|until| until > now);
        let interval = if slow {
            self.interval * SLOW_BY
        } else {
            self.interval
        };
        let at = row.next.max(now);
        (at, at + interval)
    }

    fn take(&mut self, key: &str, further: DateTime<Utc>) {
        if let Some(row) = self.rows.get_mut(key) {
            row.next = further;
        }
    }

    /// Slows a row down for a while: the other side asked for it.
    pub fn slow(&mut self, key: &str, now: DateTime<Utc>) {
        let row = self.rows.entry(key.to_owned()).or_insert(Row {
            next: now,
            slow_until: None,
        });
        row.slow_until = Some(now + SLOW_FOR);
        row.next = row.next.max(now + self.interval * SLOW_BY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn messages_to_one_domain_follow_each_other_and_those_to_others_do_not_wait() {
        let mut pace = Pace::new(60, TimeDelta::minutes(1));
        assert_eq!(pace.turn(1, "a.org", at(0)), Turn::Now);
        assert_eq!(pace.turn(2, "a.org", at(0)), Turn::At(at(1)));
        assert_eq!(pace.turn(3, "a.org", at(0)), Turn::At(at(2)));
        assert_eq!(pace.turn(4, "b.org", at(0)), Turn::Now);
        // The turn is kept, also when somebody new comes in between.
        assert_eq!(pace.turn(2, "a.org", at(0)), Turn::At(at(1)));
        assert_eq!(pace.turn(2, "a.org", at(1)), Turn::Now);
        assert_eq!(pace.turn(5, "a.org", at(1)), Turn::At(at(3)));
        assert_eq!(pace.turn(3, "a.org", at(2)), Turn::Now);
    }

    #[test]
    fn in_no_window_leave_more_than_the_pace_allows() {
        let mut pace = Pace::new(30, TimeDelta::minutes(1));
        let mut left: Vec<i64> = Vec::new();
        let mut waiting: Vec<i64> = (0..200).collect();
        for second in 0..600 {
            waiting.retain(|id| match pace.turn(*id, "a.org", at(second)) {
                Turn::Now => {
                    left.push(second);
                    false
                }
                Turn::At(_) => true,
            });
        }
        assert_eq!(left.len(), 200, "everybody leaves");
        for start in 0..540 {
            let inside = left.iter().filter(|at| (start..start + 60).contains(*at));
            // One more fits where the window begins with one.
            assert!(inside.count() <= 31);
        }
    }

    #[test]
    fn whoever_waits_for_a_channel_takes_his_turn_and_leaves_none_behind() {
        let mut pace = Pace::new(10, TimeDelta::seconds(1));
        let start = at(0);
        let (mut now, mut left) = (start, 0);
        while now < start + TimeDelta::seconds(3) {
            if let Turn::At(turn) = pace.next("", now) {
                now = turn;
            }
            left += 1;
        }
        assert!((30..=31).contains(&left), "{left} in three seconds");
    }

    #[test]
    fn turns_are_given_out_for_ten_minutes_only_and_a_domain_can_be_slowed() {
        let mut pace = Pace::new(1, TimeDelta::minutes(1));
        let turns: Vec<Turn> = (0..30).map(|id| pace.turn(id, "a.org", at(0))).collect();
        assert_eq!(turns[29], Turn::At(at(600)));
        assert!(pace.given.len() <= 10);
        let mut pace = Pace::new(60, TimeDelta::minutes(1));
        pace.slow("a.org", at(0));
        assert_eq!(pace.turn(1, "a.org", at(0)), Turn::At(at(4)));
        assert_eq!(pace.turn(2, "a.org", at(0)), Turn::At(at(8)));
        assert_eq!(pace.turn(3, "b.org", at(0)), Turn::Now);
    }
}

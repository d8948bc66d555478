//! When a message that was refused is tried again.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::reaction::Timetable;
use crate::rules::draw::fraction;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// The pauses of a timetable in seconds, before the first, second, third ... further attempt.
///
/// Sources: RFC 5321 §4.5.4.1 asks for patience with servers, greylisting (RFC 6647) for a first
/// pause of minutes; Meta's error reference for the pair limit and the throughput.
const fn pauses(timetable: Timetable) -> &'static [i64] {
    match timetable {
        Timetable::Mail => &[
            5 * MINUTE,
            15 * MINUTE,
            45 * MINUTE,
            2 * HOUR,
            6 * HOUR,
            12 * HOUR,
            24 * HOUR,
        ],
        Timetable::Throughput => &[2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600],
        Timetable::Pair => &[6, 24, 96, 384, 1_536],
        Timetable::Outage => &[MINUTE, 5 * MINUTE, 30 * MINUTE],
        Timetable::NextDay => &[24 * HOUR],
        Timetable::Once => &[10 * MINUTE],
        Timetable::Twice => &[MINUTE, MINUTE],
    }
}

/// How long to wait after the `refusals`-th refusal (from 1); nothing when it was the last one.
///
/// The pause is moved by up to a fifth either way, so that a thousand messages that were refused
/// together do not come back together. `key` and the number of the refusal draw it: the same
/// message waits the same, however often it is asked.
pub fn pause(timetable: Timetable, refusals: u32, key: &str) -> Option<TimeDelta> {
    let place = usize::try_from(refusals.checked_sub(1)?).ok()?;
    let seconds = *pauses(timetable).get(place)?;
    let jitter = (draw(key, refusals) * 2.0 - 1.0) * 0.2;
    let least = if matches!(timetable, Timetable::NextDay | Timetable::Pair) {
        // Meta names these as the shortest pauses that it accepts.
        jitter.abs()
    } else {
        jitter
    };
    let milliseconds = (seconds as f64 * 1_000.0 * (1.0 + least)) as i64;
    Some(TimeDelta::milliseconds(milliseconds))
}

/// A number in 0..1, the same for the same message and refusal.
fn draw(key: &str, refusals: u32) -> f64 {
    let mut hash = Sha256::new();
    hash.update(b"retry\0");
    hash.update(key.as_bytes());
    hash.update(refusals.to_be_bytes());
    fraction(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_the_timetable_and_come_to_an_end() {
        let waits: Vec<i64> = (1..=8)
            .map_while(|n| pause(Timetable::Mail, n, "k"))
            .map(|wait| wait.num_seconds())
            .collect();
        assert_eq!(waits.len(), 7);
        for (wait, nominal) in waits.iter().zip(pauses(Timetable::Mail)) {
            let share = *wait as f64 / *nominal as f64;
            assert!((0.79..=1.21).contains(&share), "{wait} of {nominal}");
        }
        assert_eq!(pause(Timetable::Once, 2, "k"), None);
        assert_eq!(pause(Timetable::Mail, 0, "k"), None);
    }

    #[test]
    fn messages_that_were_refused_together_come_back_apart_and_always_alike() {
        let wait = |key: &str| pause(Timetable::Mail, 1, key).unwrap();
        assert_eq!(wait("a"), wait("a"));
        let mut waits: Vec<_> = (0..100).map(|n| wait(&format!("m{n}"))).collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 95, "{}", waits.len());
    }

    #[test]
    fn the_shortest_pauses_that_meta_accepts_are_never_cut() {
        for n in 0..100 {
            let key = format!("m{n}");
            assert!(pause(Timetable::Pair, 1, &key).unwrap() >= TimeDelta::seconds(6));
            assert!(pause(Timetable::NextDay, 1, &key).unwrap() >= TimeDelta::hours(24));
        }
    }
}

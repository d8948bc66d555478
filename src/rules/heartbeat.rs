//! Which processes of the service have fallen silent without a word.
//!
//! Any number of processes may be one part of the service. A process that ends as it should says so,
//! and is forgotten. One that fell silent is missed until another has begun in its place: whoever
//! begins replaces one that was silent by then.

use serde::Serialize;

/// A process that falls silent for so many milliseconds is taken for dead.
pub const SILENT_MS: i64 = 30_000;

/// For so many milliseconds a process is missed while others of its part are alive: a part may have
/// been made smaller on purpose, by means that let nobody say goodbye.
const MISSED_MS: i64 = 24 * 60 * 60 * 1_000;

/// A process that has told that it is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// What part of the service it is: `schedule`, `worker` or `web`.
    pub part: String,
    /// Its name, another one at every start.
    pub owner: String,
    /// When it told so first, in unix milliseconds.
    pub since: i64,
    /// When it told so last, in unix milliseconds.
    pub at: i64,
    /// What is wrong with it; empty when nothing is.
    pub note: String,
}

impl Heartbeat {
    /// Whether it has told so lately. `now_ms` is in unix milliseconds.
    pub fn is_alive(&self, now_ms: i64) -> bool {
        now_ms - self.at <= SILENT_MS
    }

    fn may_replace(&self, silent: &Self) -> bool {
        self.part == silent.part && self.owner != silent.owner && self.since >= silent.at
    }
}

/// The processes that are missed at `now_ms`, in unix milliseconds: silent, and not replaced.
pub fn missed(beats: &[Heartbeat], now_ms: i64) -> Vec<&Heartbeat> {
    let mut silent: Vec<&Heartbeat> = beats.iter().filter(|one| !one.is_alive(now_ms)).collect();
    silent.sort_by_key(|one| one.at);
    let mut successors: Vec<&Heartbeat> = beats.iter().collect();
    successors.sort_by_key(|one| one.since);
    silent.retain(|silent| {
        let successor = successors.iter().position(|one| one.may_replace(silent));
        if let Some(place) = successor {
            successors.remove(place);
            return false;
        }
        let others = || {
            beats
                .iter()
                .any(|one| one.part == silent.part && one.is_alive(now_ms))
        };
        now_ms - silent.at <= MISSED_MS || !others()
    });
    silent
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 2_000_000_000_000;

    /// A worker that was alive from and until so many seconds ago.
    fn worker(owner: &str, since: i64, at: i64) -> Heartbeat {
        Heartbeat {
            part: "worker".to_owned(),
            owner: owner.to_owned(),
            since: NOW - since * 1_000,
            at: NOW - at * 1_000,
            note: String::new(),
        }
    }

    fn missed_of(beats: &[Heartbeat]) -> Vec<&str> {
        let missed = missed(beats, NOW);
        missed.into_iter().map(|one| one.owner.as_str()).collect()
    }

    #[test]
    fn one_dead_worker_of_several_is_missed() {
        let beats = [
            worker("a", 900, 1),
            worker("b", 900, 31),
            worker("c", 900, 30),
        ];
        assert_eq!(missed_of(&beats), ["b"]);
    }

    #[test]
    fn who_begins_replaces_one_that_was_silent_by_then() {
        let dead = [worker("a", 900, 500), worker("b", 900, 500)];
        let one = [dead.clone().to_vec(), vec![worker("c", 499, 1)]].concat();
        assert_eq!(missed_of(&one).len(), 1);
        let two = [one, vec![worker("d", 300, 1)]].concat();
        assert_eq!(missed_of(&two), [""; 0]);
        // One that was there all the time replaces nobody.
        let other = [dead.to_vec(), vec![worker("e", 901, 1)]].concat();
        assert_eq!(missed_of(&other), ["a", "b"]);
    }

    #[test]
    fn a_replacement_that_dies_too_is_missed_in_turn() {
        let beats = [worker("a", 900, 500), worker("b", 499, 100)];
        assert_eq!(missed_of(&beats), ["b"]);
        let beats = [&beats[..], &[worker("c", 99, 0)]].concat();
        assert_eq!(missed_of(&beats), [""; 0]);
    }

    #[test]
    fn another_part_replaces_nobody() {
        let pages = Heartbeat {
            part: "web".to_owned(),
            ..worker("b", 10, 1)
        };
        assert_eq!(missed_of(&[worker("a", 900, 500), pages]), ["a"]);
    }

    #[test]
    fn after_a_day_only_a_part_that_has_nobody_is_missed() {
        let day = 24 * 60 * 60;
        let long = worker("a", 9 * day, day + 1);
        assert_eq!(missed_of(&[long.clone(), worker("b", 9 * day, 1)]), [""; 0]);
        assert_eq!(missed_of(&[long]), ["a"]);
    }
}

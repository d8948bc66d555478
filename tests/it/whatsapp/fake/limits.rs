//! How fast an account may be: messages a second, and messages to one phone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Limits {
    per_second: usize,
    pair: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_second: VecDeque<Instant>,
    pairs: HashMap<String, Instant>,
}

impl Limits {
    pub(super) fn new(per_second: usize, pair_seconds: u64) -> Self {
        Self {
            per_second,
            pair: Duration::from_secs(pair_seconds),
            state: Mutex::default(),
        }
    }

    /// The code with which a message to a phone is turned away now, if it is.
    pub(super) fn refuses(&self, to: &str) -> Option<i64> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let old = |at: &Instant| now.duration_since(*at) >= Duration::from_secs(1);
        while state.last_second.front().is_some_and(old) {
            state.last_second.pop_front();
        }
        if self.per_second > 0 && state.last_second.len() >= self.per_second {
            return Some(130_429);
        }
        let pair = self.pair;
        let recent = |at: &Instant| now.duration_since(*at) < pair;
        if state.pairs.get(to).is_some_and(recent) {
            return Some(131_056);
        }
        state.last_second.push_back(now);
        if !pair.is_zero() {
            state.pairs.insert(to.to_owned(), now);
        }
        None
    }
}

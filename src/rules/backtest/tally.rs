//! Counting what the replay did: by day, and over the whole period.

use std::collections::BTreeMap;

use crate::model::Channel;

use super::happened::{Chosen, Fate, Happened};
use super::scene::Period;

/// What one alarm made the campaign do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    /// Each day of the period.
    pub(super) days: Vec<DayTally>,
    /// Clients whose silence began to count within the period.
    pub(super) fresh: ChosenTally,
    /// Clients whose silence was older.
    pub(super) backlog: ChosenTally,
    /// Messages by channel, and those of them that could lawfully be sent today.
    pub(super) channels: BTreeMap<Channel, (i64, i64)>,
    /// Clients of the backlog who still wait on the last day.
    pub(super) still_waiting: i64,
}

/// What one day brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DayTally {
    pub(super) chosen: i64,
    pub(super) messages: i64,
    pub(super) tasks: i64,
    /// Messages and tasks of clients who would have been held out: on paper only.
    pub(super) held_out: i64,
}

/// Sums over clients who were chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ChosenTally {
    pub(super) episodes: i64,
    pub(super) again: i64,
    pub(super) known: i64,
    pub(super) came_back: i64,
    pub(super) foreseen_parts: i64,
    pub(super) ended: i64,
    pub(super) lapsed: i64,
    pub(super) open: i64,
    pub(super) had_bought: i64,
    pub(super) really_touched: i64,
    pub(super) value: i64,
    pub(super) value_lapsed: i64,
    pub(super) silent_days_lapsed: i64,
    pub(super) cycles_parts_lapsed: i64,
}

impl Tally {
    pub(super) fn new(period: &Period) -> Self {
        Self {
            days: vec![DayTally::default(); period.n_days()],
            fresh: ChosenTally::default(),
            backlog: ChosenTally::default(),
            channels: BTreeMap::new(),
            still_waiting: 0,
        }
    }

    /// Counts what happened `times` times; -1 takes it off again.
    pub(super) fn count(&mut self, happened: &Happened, period: &Period, times: i64) {
        let day = &mut self.days[period.place(happened.day)];
        if let Some(chosen) = &happened.chosen {
            day.chosen += times;
            let tally = if chosen.backlog {
                &mut self.backlog
            } else {
                &mut self.fresh
            };
            tally.count(chosen, times);
        }
        match happened.step {
            None => {}
            Some(step) if step.held_out => day.held_out += times,
            Some(step) => match step.message {
                None => day.tasks += times,
                Some((channel, today)) => {
                    day.messages += times;
                    let (all, lawful) = self.channels.entry(channel).or_default();
                    *all += times;
                    *lawful += times * i64::from(today);
                }
            },
        }
    }
}

impl ChosenTally {
    fn count(&mut self, chosen: &Chosen, times: i64) {
        let when = |is: bool| if is { times } else { 0 };
        let lapsed = when(chosen.fate == Fate::Lapsed);
        let known = when(chosen.came_back.is_some());
        self.episodes += times;
        self.again += when(chosen.again);
        self.known += known;
        self.came_back += when(chosen.came_back == Some(true));
        self.foreseen_parts += known * chosen.foreseen_parts;
        self.ended += when(chosen.fate == Fate::Ended);
        self.lapsed += lapsed;
        self.open += when(chosen.fate == Fate::Open);
        self.had_bought += when(chosen.had_bought);
        self.really_touched += when(chosen.really_touched);
        self.value += times * chosen.value;
        self.value_lapsed += lapsed * chosen.value;
        self.silent_days_lapsed += lapsed * chosen.silent_days;
        self.cycles_parts_lapsed += lapsed * chosen.cycles_parts;
    }

    /// The sums of both.
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            episodes: self.episodes + other.episodes,
            again: self.again + other.again,
            known: self.known + other.known,
            came_back: self.came_back + other.came_back,
            foreseen_parts: self.foreseen_parts + other.foreseen_parts,
            ended: self.ended + other.ended,
            lapsed: self.lapsed + other.lapsed,
            open: self.open + other.open,
            had_bought: self.had_bought + other.had_bought,
            really_touched: self.really_touched + other.really_touched,
            value: self.value + other.value,
            value_lapsed: self.value_lapsed + other.value_lapsed,
            silent_days_lapsed: self.silent_days_lapsed + other.silent_days_lapsed,
            cycles_parts_lapsed: self.cycles_parts_lapsed + other.cycles_parts_lapsed,
        }
    }
}

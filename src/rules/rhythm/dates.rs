//! The four dates of a silence, and the state on a given day.
//!
//! Only whole local days: a date is the last purchase day plus the silence, rounded up. Closed
//! days and the choice of a state's campaign belong elsewhere.

use crate::model::{Day, RhythmDates, RhythmState};

use super::Law;

/// How certain one wants to be before a state is declared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// A cycle counts as missed when at most this share of the pauses that ended were longer.
    pub missed_p: f64,
    /// A client counts as asleep when he will stay away with at least this chance.
    pub wake_away: f64,
}

impl Thresholds {
    /// For key accounts: rather call once too often.
    pub const KEY_ACCOUNTS: Self = Self {
        missed_p: 0.20,
        wake_away: 0.5,
    };

    /// For those whom one does not want to disturb.
    pub const GENTLE: Self = Self {
        missed_p: 0.05,
        wake_away: 0.5,
    };
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            missed_p: 0.10,
            wake_away: 0.5,
        }
    }
}

/// The silences, in days, after which a client passes from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silences {
    /// The usual gap.
    pub due_days: f64,
    /// See [`Thresholds::missed_p`]; at most `lost_days`.
    pub missed_days: f64,
    /// See [`Thresholds::wake_away`]; at least `due_days`, at most `lost_days`.
    pub asleep_days: f64,
    /// See [`Law::lost_after_days`].
    pub lost_days: f64,
}

/// The silences at which a client with this law changes state, in closed form.
pub fn silences(law: &Law, thresholds: &Thresholds) -> Silences {
    let lost_days = law.lost_after_days();
    let due_days = law.usual_gap_days().min(lost_days);
    let missed = law.silence_with_survival(law.survival_at_overdue(thresholds.missed_p));
    let wake_survival = law.survival_at_away(thresholds.wake_away);
    // Nobody sleeps before the usual gap is over, so the half that is due needs no quantile.
    let asleep = if wake_survival < 0.5 {
        law.silence_with_survival(wake_survival)
    } else {
        due_days
    };
    let within = |silent_days: f64| silent_days.max(due_days).min(lost_days);
    Silences {
        due_days,
        missed_days: within(missed),
        asleep_days: within(asleep),
        lost_days,
    }
}

/// The dates of a client with this law who bought last on the day `last`.
pub fn dates(law: &Law, last: Day, thresholds: &Thresholds) -> RhythmDates {
    let silences = silences(law, thresholds);
    let after = |silent_days: f64| last.plus(whole_days(silent_days));
    RhythmDates {
        due: after(silences.due_days),
        missed: after(silences.missed_days),
        asleep: after(silences.asleep_days),
        lost: after(silences.lost_days),
    }
}

/// A silence rounded up to whole days, but for the noise of the last digits: e^(ln 30) is 30 days.
pub(super) fn whole_days(silent_days: f64) -> i32 {
    (silent_days - 1e-9).ceil() as i32
}

impl RhythmDates {
    /// The state on a day: the furthest one whose date has come.
    pub fn state_on(&self, day: Day) -> RhythmState {
        if day >= self.lost {
            RhythmState::Lost
        } else if day >= self.asleep {
            RhythmState::Asleep
        } else if day >= self.missed {
            RhythmState::Missed
        } else if day >= self.due {
            RhythmState::Due
        } else {
            RhythmState::Active
        }
    }

    /// The next day after `day` on which the state changes, if nothing is bought until then.
    pub fn next_change_after(&self, day: Day) -> Option<Day> {
        let now = self.state_on(day);
        [self.due, self.missed, self.asleep, self.lost]
            .into_iter()
            .filter(|&date| date > day && self.state_on(date) != now)
            .min()
    }

    /// The first day on which the state is `state` or further; `None` for active.
    ///
    /// A client who falls asleep before he counts as missed has, on that day, reached both.
    pub fn reached_on(&self, state: RhythmState) -> Option<Day> {
        match state {
            RhythmState::Active => None,
            RhythmState::Due => Some(self.due),
            RhythmState::Missed => Some(self.missed.min(self.asleep)),
            RhythmState::Asleep => Some(self.asleep),
            RhythmState::Lost => Some(self.lost),
        }
    }
}

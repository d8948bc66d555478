//! The yardsticks, tuned on what was before the period.
//!
//! Both are given as many alarms as the client's own rhythm would have raised on the same pauses
//! before the first day of the period. They are tuned to the best of what a careful person could
//! have known then.

use crate::model::Day;
use crate::rules::rhythm::{GapDays, GapHistogram, mean_gap_days};

use super::alarm::{Alarm, Occasion};
use super::past::Past;
use super::pauses::{Pause, pauses_begun};
use super::scene::Scene;

/// Before the first purchase of any base.
const BEGINNING: Day = Day::from_epoch(i32::MIN / 2);

/// Below so many pauses a yardstick would be noise.
const ENOUGH_PAUSES: u64 = 30;

/// Gathers the pauses before the period.
#[derive(Clone, Debug, Default)]
pub struct Tuner {
    /// How long each pause was silent before it ended or the period began.
    silences: GapDays,
    alarms: u64,
    /// The same in own mean gaps, of those who have one.
    mean_gaps: GapHistogram,
    alarms_with_mean: u64,
}

impl Tuner {
    /// Adds the pauses of one client.
    pub fn add(&mut self, scene: &Scene<'_>, past: &Past) {
        let until = scene.period.from;
        let known = past.purchase_days_on(until);
        for pause in pauses_begun(scene, past, known, BEGINNING..=until.plus(-1)) {
            self.add_pause(scene, past, &pause, until);
        }
    }

    fn add_pause(&mut self, scene: &Scene<'_>, past: &Past, pause: &Pause, until: Day) {
        let last = pause.opened.last;
        // The last day on which the client was silent: an alarm on the day of the next purchase
        // comes too late to be one.
        let silent_until = match pause.next {
            Some(next) if next <= until => next.plus(-1),
            _ => until,
        };
        let silent_days = scene.eras.on(until).closed.silent_days(last, silent_until);
        let spoke = pause
            .alarm_on(Alarm::OwnRhythm, scene, past)
            .is_some_and(|on| on <= silent_until);
        self.silences.add(silent_days.unsigned_abs());
        self.alarms += u64::from(spoke);
        if let Some(mean) = mean_gap_days(&pause.opened) {
            self.mean_gaps.add(f64::from(silent_days) / mean);
            self.alarms_with_mean += u64::from(spoke);
        }
    }

    /// The alarms to compare: the own rhythm first, then the yardsticks that could be tuned.
    ///
    /// A second purchase has none: its window is one number of days for all already.
    pub fn alarms(&self, occasion: &Occasion) -> Vec<Alarm> {
        let mut alarms = vec![Alarm::OwnRhythm];
        if *occasion == Occasion::SecondPurchase {
            return alarms;
        }
        if self.alarms > 0 && self.silences.count() >= ENOUGH_PAUSES {
            let days = self.silences.reached_by(self.alarms);
            alarms.extend(days.map(|days| Alarm::FixedDays { days: days.max(1) }));
        }
        let with_mean = self.mean_gaps.count();
        if self.alarms_with_mean > 0 && with_mean >= ENOUGH_PAUSES {
            let share = 1.0 - self.alarms_with_mean as f64 / with_mean as f64;
            let times = self.mean_gaps.quantile_days(share);
            alarms.extend(times.map(|times| Alarm::OwnMean {
                times: (times * 100.0).round() / 100.0,
            }));
        }
        alarms
    }
}

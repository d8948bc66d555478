//! Which silence counts as an alarm: the client's own rhythm, or one of the two yardsticks that
//! everybody knows.
//!
//! A yardstick takes the place of the rhythm in the dates that a campaign waits for; everything
//! else about the campaign stays as it is.

use serde::Serialize;

use crate::config::campaign::{MissedLevel, Trigger};
use crate::config::values::Days;
use crate::model::{Day, Rhythm, RhythmDates};
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;
use crate::rules::rhythm::mean_gap_days;
use crate::rules::trigger::silence_begins_on;

/// A day that never comes.
const NEVER: Day = Day::from_epoch(i32::MAX);

/// A rule for when a silence is long enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "alarm", rename_all = "snake_case")]
pub enum Alarm {
    /// The client's own rhythm: what the campaign does.
    OwnRhythm,
    /// The same silence for all.
    FixedDays {
        /// Whole days.
        days: u32,
    },
    /// A multiple of the client's own mean gap; silent about those who bought once.
    OwnMean {
        /// How many mean gaps.
        times: f64,
    },
}

/// What a silence has to reach, as the trigger of the campaign says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Occasion {
    /// A level of the missed cycle, perhaps some days before it.
    Silence {
        /// The level.
        level: MissedLevel,
        /// Days before it.
        lead: Option<Days>,
    },
    /// The usual time to the second purchase has passed.
    SecondPurchase,
}

impl Occasion {
    /// The occasion of a trigger; `None` for those that purchases say nothing about.
    pub fn of(trigger: &Trigger) -> Option<Self> {
        match trigger {
            Trigger::MissedCycle { level, lead } => Some(Self::Silence {
                level: *level,
                lead: *lead,
            }),
            Trigger::SecondPurchase {} => Some(Self::SecondPurchase),
            _ => None,
        }
    }

    /// The day on which a silence with these dates becomes the occasion; `None` when it never does.
    pub fn begins_on(&self, rhythm: &Rhythm, dates: &RhythmDates, base: &BaseFacts) -> Option<Day> {
        let on = match self {
            Self::Silence { level, lead } => silence_begins_on(*level, *lead, dates),
            Self::SecondPurchase if rhythm.purchase_days == 1 => {
                base.second_purchase.dates(rhythm.first).0
            }
            Self::SecondPurchase => NEVER,
        };
        (on < NEVER.plus(-100_000)).then_some(on)
    }
}

impl Alarm {
    /// The dates of a client as this rule would have them.
    pub fn dates(
        &self,
        kind: ClientKind,
        rhythm: &Rhythm,
        base: &BaseFacts,
        occasion: &Occasion,
    ) -> RhythmDates {
        let own = base.dates(kind, rhythm);
        let Occasion::Silence { level, lead } = occasion else {
            return own;
        };
        let after = |silent_days| base.closed.day_after(rhythm.last, silent_days);
        let alarm_on = match self {
            Self::OwnRhythm => return own,
            Self::FixedDays { days } => after(days.cast_signed()),
            Self::OwnMean { times } => match mean_gap_days(rhythm) {
                Some(mean) => after((times * mean).ceil() as i32),
                None => NEVER,
            },
        };
        moved(&own, *level, lead.map_or(0, Days::count), alarm_on)
    }
}

/// The dates with that of `level` moved, so that the occasion begins on `alarm_on`; the others stay
/// where they are as far as their order allows.
fn moved(own: &RhythmDates, level: MissedLevel, lead_days: i32, alarm_on: Day) -> RhythmDates {
    let before = |date: Day| date.min(alarm_on);
    let after = |date: Day| date.max(alarm_on);
    match level {
        MissedLevel::Due => {
            let due = alarm_on.plus(lead_days);
            let keep_distance = |date: Day| date.max(due.plus(date - own.due));
            RhythmDates {
                due,
                missed: keep_distance(own.missed),
                asleep: keep_distance(own.asleep),
                lost: keep_distance(own.lost),
            }
        }
        MissedLevel::Missed => RhythmDates {
            due: before(own.due),
            missed: alarm_on,
            asleep: alarm_on,
            lost: after(own.lost),
        },
        MissedLevel::Asleep => RhythmDates {
            due: before(own.due),
            missed: before(own.missed),
            asleep: alarm_on,
            lost: after(own.lost),
        },
        MissedLevel::Lost => RhythmDates {
            due: before(own.due),
            missed: before(own.missed),
            asleep: before(own.asleep),
            lost: alarm_on,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClientId;
    use crate::rules::backtest::eras::ErasBuilder;
    use crate::rules::rhythm::of_sorted_days;

    fn begins(alarm: Alarm, level: MissedLevel, lead: Option<Days>, days: &[i32]) -> Option<i32> {
        let day = Day::from_epoch(days[days.len() - 1]);
        let settings = crate::config::settings::RhythmSettings::default();
        let eras = ErasBuilder::new(day, day, &settings).finish(&settings);
        let base = eras.on(day);
        let rhythm = of_sorted_days(days.iter().copied().map(Day::from_epoch)).unwrap();
        let occasion = Occasion::Silence { level, lead };
        let dates = alarm.dates(base.kind(ClientId(1), &[]), &rhythm, base, &occasion);
        assert!(
            dates.due <= dates.missed && dates.missed <= dates.lost,
            "{dates:?}"
        );
        assert!(
            dates.due <= dates.asleep && dates.asleep <= dates.lost,
            "{dates:?}"
        );
        let on = occasion.begins_on(&rhythm, &dates, base);
        on.map(Day::epoch_days)
    }

    #[test]
    fn a_yardstick_moves_the_level_that_the_campaign_waits_for() {
        let days = [0, 10, 30];
        for level in [
            MissedLevel::Due,
            MissedLevel::Missed,
            MissedLevel::Asleep,
            MissedLevel::Lost,
        ] {
            let fixed = Alarm::FixedDays { days: 50 };
            assert_eq!(begins(fixed, level, None, &days), Some(80), "{level:?}");
            let mean = Alarm::OwnMean { times: 2.5 };
            assert_eq!(begins(mean, level, None, &days), Some(68), "{level:?}");
        }
        let early = Alarm::FixedDays { days: 12 };
        assert_eq!(
            begins(early, MissedLevel::Due, Some(Days(2)), &days),
            Some(42)
        );
        assert_eq!(begins(early, MissedLevel::Lost, None, &days), Some(42));
    }

    #[test]
    fn a_multiple_of_the_own_mean_is_silent_about_those_who_bought_once() {
        let mean = Alarm::OwnMean { times: 2.5 };
        assert_eq!(begins(mean, MissedLevel::Missed, None, &[5]), None);
        assert_eq!(begins(mean, MissedLevel::Due, None, &[5]), None);
        assert!(begins(Alarm::OwnRhythm, MissedLevel::Missed, None, &[5]).is_some());
    }
}

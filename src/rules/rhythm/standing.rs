//! Where a client stands on a day: every number about his rhythm that a page, a file or a letter
//! shows, computed in one place.

use serde::{Deserialize, Serialize};

use crate::model::{BaseParameters, Day, Rhythm, RhythmDates, RhythmState};

use super::closures::ClosedDays;
use super::dates::{Thresholds, dates};
use super::law::Law;

/// A client's rhythm as it stands on a day. Chances are 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Days of silence, closed days taken off.
    pub silent_days: u32,
    /// The gap that half of his gaps exceed.
    pub usual_gap_days: f64,
    /// Of the pauses of such clients that ended, the share that was longer.
    pub overdue: f64,
    /// The chance that he stays away until he counts as lost.
    pub away: f64,
    /// The chance that he buys by himself within the horizon.
    pub returns: f64,
    /// The days on which his state changes, if he buys nothing.
    pub dates: RhythmDates,
    /// His state on the day.
    pub state: RhythmState,
}

/// What stays the same for all clients whose standing is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    /// The parameters of the base.
    pub base: &'a BaseParameters,
    /// How certain one wants to be.
    pub thresholds: &'a Thresholds,
    /// The closed days of the company.
    pub closed: &'a ClosedDays,
    /// The last day for which the data is complete: the "today" of the rhythm.
    pub day: Day,
    /// How far ahead a return is looked for, in days.
    pub horizon_days: u32,
}

impl Standing {
    /// The standing of a client. A last purchase after the day counts as one on the day.
    pub fn of(rhythm: &Rhythm, outlook: &Outlook) -> Self {
        let law = Law::of(rhythm, outlook.base);
        let planned = dates(&law, rhythm.last, outlook.thresholds);
        let dates = outlook.closed.move_dates(rhythm.last, &planned);
        let silent_days = outlook.closed.silent_days(rhythm.last, outlook.day);
        let silent = f64::from(silent_days);
        Self {
            silent_days: silent_days.unsigned_abs(),
            usual_gap_days: law.usual_gap_days(),
            overdue: law.overdue(silent),
            away: law.away(silent),
            returns: law.returns_within(silent, f64::from(outlook.horizon_days)),
            dates,
            state: dates.state_on(outlook.day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::rhythm::of_sorted_days;

    /// The base of an online grocery, as measured.
    const GROCERY: BaseParameters = BaseParameters {
        m0: 3.3,
        k0: 0.205,
        a0: 0.55,
        b0: 0.15,
        a: 0.46,
        b: 1.8,
        mu1: 3.31,
        s1: 1.13,
        nu1: 9.0,
        pi1: 0.36,
        smallest_lost_days: 90.0,
        lost_factor: 4.0,
    };

    fn weekly_after(silent_days: i32, closed: &ClosedDays) -> Standing {
        let days = (0..7).map(|week| Day::from_epoch(7 * week));
        let rhythm = of_sorted_days(days).unwrap();
        let outlook = Outlook {
            base: &GROCERY,
            thresholds: &Thresholds::default(),
            closed,
            day: rhythm.last.plus(silent_days),
            horizon_days: 30,
        };
        Standing::of(&rhythm, &outlook)
    }

    #[test]
    fn a_weekly_buyer_after_sixteen_days_stands_as_measured() {
        let standing = weekly_after(16, &ClosedDays::default());
        assert_eq!(standing.state, RhythmState::Asleep);
        for (ours, measured) in [
            (standing.usual_gap_days, 7.4),
            (standing.overdue, 0.046),
            (standing.away, 0.56),
            (standing.returns, 0.43),
        ] {
            assert!(
                (ours / measured - 1.0).abs() < 0.02,
                "{ours}, not {measured}"
            );
        }
        let last = Day::from_epoch(42);
        assert_eq!(standing.dates.missed, last + 13);
        assert_eq!(standing.dates.asleep, last + 15);
        assert_eq!(standing.dates.lost, last + 90);
    }

    #[test]
    fn closed_days_are_no_silence() {
        let closed = ClosedDays::new((45..55).map(Day::from_epoch));
        let standing = weekly_after(16, &closed);
        assert_eq!(standing.silent_days, 6);
        assert_eq!(standing.state, RhythmState::Active);
        let open = weekly_after(6, &ClosedDays::default());
        assert!((standing.overdue - open.overdue).abs() < 1e-12);
        assert_eq!(standing.dates.missed, open.dates.missed + 10);
    }

    #[test]
    fn a_purchase_after_the_day_is_no_silence_either() {
        let standing = weekly_after(-3, &ClosedDays::default());
        assert_eq!(
            (standing.silent_days, standing.state),
            (0, RhythmState::Active)
        );
        assert!(standing.overdue >= 1.0);
    }
}

//! What the base itself proposes for the keys that a person may set: the smallest "lost" age and
//! the grid of its dates.

use chrono::Datelike;

use super::pauses::{PauseEnd, PauseSample};
use crate::model::Day;

/// The round numbers of days that are proposed.
const LOST_LADDER_DAYS: [f64; 5] = [30.0, 60.0, 90.0, 180.0, 365.0];

/// How many times the gap that nine of ten do not exceed.
const LONG_GAPS: f64 = 3.0;

/// Proposed while there are too few gaps to tell.
const LOST_DEFAULT_DAYS: f64 = 90.0;

/// Below so many closed gaps nothing is proposed from them.
const ENOUGH_GAPS: usize = 50;

/// The share of gaps that have to fit a coarse grid before it is proposed.
const GRID_SHARE: f64 = 0.97;

/// A smallest "lost" age for this base, in days: 30, 60, 90, 180 or 365.
///
/// Three times as long as nine of ten gaps, but at most a sixth of the time that the data spans
/// (longer silences have hardly been seen to end, so they cannot be judged), as the nearest round
/// number by ratio. On real logs this gives what was chosen for them by hand: 60 for a year of a
/// gift wholesaler and for weekly trade where nine of ten gaps are up to three weeks, 90 for two
/// years of an online grocery and for eighteen months of CD sales. Where everybody buys every week
/// without fail, 30 days are four cycles already.
pub fn proposed_smallest_lost_days(sample: &PauseSample) -> f64 {
    let Some(long_gap) = gap_quantile(sample, 0.9) else {
        return LOST_DEFAULT_DAYS;
    };
    let wanted = (LONG_GAPS * long_gap).min(f64::from(sample.span_days()) / 6.0);
    let distance = |days: f64| (days / wanted.max(1.0)).ln().abs();
    LOST_LADDER_DAYS
        .into_iter()
        .min_by(|&left, &right| distance(left).total_cmp(&distance(right)))
        .unwrap_or(LOST_DEFAULT_DAYS)
}

/// The gap in days that a share of all closed gaps of the base do not exceed; `None` for few gaps.
fn gap_quantile(sample: &PauseSample, share: f64) -> Option<f64> {
    let (first_weight, later_weight) = sample.weights();
    let first = closed(sample.first_pauses()).map(|(gap, _)| (gap, first_weight));
    let later = closed(sample.later_pauses()).map(|(gap, _)| (gap, later_weight));
    let mut gaps: Vec<(u32, f64)> = first.chain(later).collect();
    if gaps.len() < ENOUGH_GAPS {
        return None;
    }
    gaps.sort_unstable_by_key(|gap| gap.0);
    let mut above = share * gaps.iter().map(|gap| gap.1).sum::<f64>();
    for (gap, weight) in gaps {
        above -= weight;
        if above <= 0.0 {
            return Some(f64::from(gap));
        }
    }
    None
}

fn closed(pauses: Vec<super::Pause>) -> impl Iterator<Item = (u32, Day)> {
    pauses.into_iter().filter_map(|pause| match pause.end {
        PauseEnd::Closed { gap_days } => Some((gap_days, pause.opened.last)),
        PauseEnd::Open { .. } => None,
    })
}

/// How finely purchases are dated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// Each purchase has its own day.
    Days,
    /// All purchases of a week carry the same day.
    Weeks,
    /// All purchases of a month carry the same day.
    Months,
}

impl Grid {
    /// Half of the grid, in days: how far a gap may be from what was recorded.
    pub const fn half_days(self) -> f64 {
        match self {
            Self::Days => 0.5,
            Self::Weeks => 3.5,
            Self::Months => 15.0,
        }
    }
}

/// The grid on which this base seems to be recorded; days while there are few gaps.
///
/// Weeks when nearly all gaps are whole weeks, months when nearly all lead from a day of the month
/// to the same one (or from a month's end to another's).
pub fn proposed_grid(sample: &PauseSample) -> Grid {
    let gaps: Vec<(u32, Day)> = closed(sample.first_pauses())
        .chain(closed(sample.later_pauses()))
        .collect();
    if gaps.len() < ENOUGH_GAPS {
        return Grid::Days;
    }
    let share = |fits: &dyn Fn(u32, Day) -> bool| {
        gaps.iter().filter(|(gap, day)| fits(*gap, *day)).count() as f64 / gaps.len() as f64
    };
    if share(&|gap, _| gap % 7 == 0) >= GRID_SHARE {
        Grid::Weeks
    } else if share(&|gap, day| is_month_step(day, day.plus(gap.cast_signed()))) >= GRID_SHARE {
        Grid::Months
    } else {
        Grid::Days
    }
}

fn is_month_step(from: Day, to: Day) -> bool {
    let ends_month = |day: Day| day.plus(1).date().day() == 1;
    from.date().day() == to.date().day() || (ends_month(from) && ends_month(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample of 100 clients with ten purchases each, on days given by client and number.
    fn sample_of(day: impl Fn(u64, i32) -> i32) -> PauseSample {
        let mut sample = PauseSample::default();
        for client in 0..100 {
            let days = (0..10).map(|number| Day::from_epoch(day(client, number)));
            sample.add_history(client, days, Day::from_epoch(3000));
        }
        sample
    }

    #[test]
    fn the_smallest_lost_age_follows_the_trade() {
        for (gap, proposed) in [
            (3, 30.0),
            (7, 30.0),
            (14, 30.0),
            (28, 90.0),
            (60, 180.0),
            (300, 365.0),
        ] {
            let sample = sample_of(|client, number| number * gap + (client % 2) as i32);
            assert!(
                (proposed_smallest_lost_days(&sample) - proposed).abs() < 1e-9,
                "{gap} days between purchases: {}",
                proposed_smallest_lost_days(&sample)
            );
        }
    }

    #[test]
    fn weekly_trade_that_skips_weeks_is_lost_after_sixty_days() {
        // One gap of three is two weeks, one of six three.
        let mut sample = PauseSample::default();
        for client in 0..100_u64 {
            let mut day = 0;
            let days = (0..60).map(|number| {
                day += match (number + client as i32) % 6 {
                    0 => 21,
                    2 | 4 => 14,
                    _ => 7,
                };
                Day::from_epoch(day)
            });
            sample.add_history(client, days.collect::<Vec<_>>(), Day::from_epoch(800));
        }
        assert!((proposed_smallest_lost_days(&sample) - 60.0).abs() < 1e-9);
    }

    #[test]
    fn short_data_cannot_propose_a_long_silence() {
        let mut sample = PauseSample::default();
        for client in 0..100 {
            let days = (0..3).map(|number| Day::from_epoch(number * 80));
            sample.add_history(client, days, Day::from_epoch(180));
        }
        assert!((proposed_smallest_lost_days(&sample) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn a_base_without_enough_gaps_gets_the_defaults() {
        let mut sample = PauseSample::default();
        sample.add_history(1, [0, 7, 14].map(Day::from_epoch), Day::from_epoch(20));
        assert!((proposed_smallest_lost_days(&sample) - 90.0).abs() < 1e-9);
        assert_eq!(proposed_grid(&sample), Grid::Days);
    }

    #[test]
    fn the_grid_is_seen_in_the_gaps() {
        let weekly = sample_of(|client, number| (client as i32 % 5 + 1) * 7 * number);
        assert_eq!(proposed_grid(&weekly), Grid::Weeks);
        let daily = sample_of(|client, number| number * (10 + client as i32 % 9));
        assert_eq!(proposed_grid(&daily), Grid::Days);
        let month_ends = [
            "2011-01-31",
            "2011-02-28",
            "2011-03-31",
            "2011-04-30",
            "2011-06-30",
        ];
        let monthly = {
            let mut sample = PauseSample::default();
            for client in 0..20 {
                let days = month_ends.iter().map(|day| day.parse().unwrap());
                sample.add_history(client, days, "2011-12-31".parse().unwrap());
            }
            sample
        };
        assert_eq!(proposed_grid(&monthly), Grid::Months);
    }
}

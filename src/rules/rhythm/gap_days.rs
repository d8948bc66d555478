//! Lengths in whole days, counted exactly: what short histories look like is lost in bins.

/// Longer ones than a century are counted as a century, so that memory is bounded.
const LONGEST_DAYS: u32 = 36_525;

/// How often each length in whole days was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapDays {
    counts: Vec<u64>,
    count: u64,
}

impl GapDays {
    /// Counts one length.
    pub fn add(&mut self, days: u32) {
        let place = days.min(LONGEST_DAYS) as usize;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
        self.count += 1;
    }

    /// How many lengths there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How many of them are from `from` to `to` days, both included.
    pub fn between(&self, from: u32, to: u32) -> u64 {
        let end = (to as usize).saturating_add(1).min(self.counts.len());
        let begin = (from as usize).min(end);
        self.counts[begin..end].iter().sum()
    }

    /// The longest length; `None` without any.
    pub fn longest(&self) -> Option<u32> {
        (self.counts.len() as u32).checked_sub(1)
    }

    /// The length that a share of all do not exceed; `None` without any.
    pub fn quantile(&self, share: f64) -> Option<u32> {
        let wanted = share.clamp(0.0, 1.0) * self.count as f64;
        let mut up_to = 0;
        let reached = self.counts.iter().position(|count| {
            up_to += count;
            *count > 0 && up_to as f64 >= wanted
        });
        reached.map(|days| days as u32)
    }

    /// The length that about `n` of all reach: of two neighbours the one that comes nearer.
    pub fn reached_by(&self, n: u64) -> Option<u32> {
        let longest = self.longest()?;
        let mut reaching = 0;
        for days in (0..=longest).rev() {
            let with_this = reaching + self.counts[days as usize];
            if with_this >= n {
                let is_nearer = with_this - n <= n - reaching;
                return Some(if is_nearer { days } else { days + 1 });
            }
            reaching = with_this;
        }
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: &[u32]) -> GapDays {
        let mut gaps = GapDays::default();
        for one in days {
            gaps.add(*one);
        }
        gaps
    }

    #[test]
    fn lengths_are_counted_exactly() {
        let gaps = of(&[1, 7, 7, 30, u32::MAX]);
        assert_eq!((gaps.count(), gaps.longest()), (5, Some(LONGEST_DAYS)));
        assert_eq!((gaps.between(7, 7), gaps.between(2, 29)), (2, 2));
        assert_eq!(gaps.between(30, u32::MAX), 2);
        assert_eq!(
            (gaps.quantile(0.5), gaps.quantile(0.61)),
            (Some(7), Some(30))
        );
        assert_eq!(of(&[]).quantile(0.5), None);
        assert_eq!(of(&[]).longest(), None);
    }

    #[test]
    fn the_length_that_so_many_reach_is_the_nearest_one() {
        let gaps = of(&[5, 5, 5, 8, 9, 10]);
        assert_eq!(gaps.reached_by(1), Some(10));
        assert_eq!(gaps.reached_by(3), Some(8));
        assert_eq!(
            gaps.reached_by(4),
            Some(6),
            "three reach 6 days, six reach 5"
        );
        assert_eq!(gaps.reached_by(6), Some(5));
        assert_eq!(gaps.reached_by(9), Some(0));
        assert_eq!(of(&[]).reached_by(1), None);
    }
}

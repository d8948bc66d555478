//! Numbers of a whole base counted in bins of equal width: quantiles in one pass and constant
//! memory.

/// Counts of numbers between two bounds; what lies outside goes into the outermost bins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram {
    low: f64,
    width: f64,
    counts: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// An empty histogram of `n_bins` bins (at least one) from `low`, each `width` wide.
    pub(super) fn new(low: f64, width: f64, n_bins: usize) -> Self {
        Self {
            low,
            width,
            counts: vec![0; n_bins.max(1)],
            count: 0,
        }
    }

    /// Counts one number; not a number counts as the lowest.
    pub(super) fn add(&mut self, value: f64) {
        let at = ((value - self.low) / self.width) as usize;
        let last = self.counts.len() - 1;
        self.counts[at.min(last)] += 1;
        self.count += 1;
    }

    /// Adds all numbers of another histogram with the same bins.
    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
    }

    /// How many numbers there are.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The number that a share (0..1) of all do not exceed, to within a bin; `None` without any.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = share.clamp(0.0, 1.0) * self.count as f64;
        let mut below = 0.0;
        for (bin, &count) in self.counts.iter().enumerate() {
            let up_to = below + count as f64;
            if count > 0 && up_to >= wanted {
                let within = (wanted - below) / count as f64;
                return Some(self.low + (bin as f64 + within) * self.width);
            }
            below = up_to;
        }
        None
    }

    /// The bins that hold numbers, as (lower edge, upper edge, count).
    pub(super) fn bins(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        let edge = |bin: usize| self.low + bin as f64 * self.width;
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(move |(bin, &count)| (edge(bin), edge(bin + 1), count))
    }
}

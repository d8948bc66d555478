//! Foreseen chances against what happened, counted client by client: memory does not grow with
//! the base, and the order of the clients does not matter.

use super::foresight::CalibrationBin;

/// How many bins of equal width.
const N_BINS: usize = 10;

/// A millionth: sums of whole numbers do not depend on their order.
const PARTS: f64 = 1e6;

/// Chances in ten bins, each with what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalibrationCounts {
    bins: [Bin; N_BINS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin {
    count: usize,
    foreseen_parts: u64,
    happened: usize,
}

impl CalibrationCounts {
    /// Counts one foreseen chance (0..1).
    pub fn add(&mut self, foreseen: f64, happened: bool) {
        let place = (foreseen * N_BINS as f64) as usize;
        let bin = &mut self.bins[place.min(N_BINS - 1)];
        bin.count += 1;
        bin.foreseen_parts += (foreseen * PARTS).round() as u64;
        bin.happened += usize::from(happened);
    }

    /// The bins that hold chances.
    pub fn bins(&self) -> Vec<CalibrationBin> {
        let filled = self.bins.iter().filter(|bin| bin.count > 0);
        filled
            .map(|bin| CalibrationBin {
                count: bin.count,
                mean_foreseen: bin.foreseen_parts as f64 / PARTS / bin.count as f64,
                share_happened: bin.happened as f64 / bin.count as f64,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::rhythm::calibration;

    #[test]
    fn counting_one_by_one_gives_what_counting_all_at_once_gives() {
        let pairs: Vec<(f64, bool)> = (0..500)
            .map(|n| (f64::from(n) / 499.0, n % 3 == 0))
            .collect();
        let mut counts = CalibrationCounts::default();
        for (foreseen, happened) in pairs.iter().rev() {
            counts.add(*foreseen, *happened);
        }
        let at_once = calibration(&pairs, 10);
        for (one, other) in counts.bins().iter().zip(&at_once) {
            assert_eq!(one.count, other.count);
            assert!((one.mean_foreseen - other.mean_foreseen).abs() < 1e-6);
            assert!((one.share_happened - other.share_happened).abs() < 1e-12);
        }
        assert_eq!(counts.bins().len(), at_once.len());
    }
}

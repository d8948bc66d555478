//! Number, mean and variance of numbers that come one by one.

/// Number, mean and squares of some numbers, added one by one.
///
/// Source: B. P. Welford, Technometrics 4 (1962) 419.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// Adds one number.
    pub(super) fn add(&mut self, value: f64) {
        let off = value - self.mean;
        self.count += 1.0;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    /// Adds all numbers of another spread.
    pub(super) fn merge(&mut self, other: Self) {
        let count = self.count + other.count;
        if count > 0.0 {
            let off = other.mean - self.mean;
            self.squares += other.squares + off * off * self.count * other.count / count;
            self.mean += off * other.count / count;
            self.count = count;
        }
    }

    /// How many numbers there are.
    pub(super) const fn count(&self) -> f64 {
        self.count
    }

    /// The sum of their squared distances from the mean.
    pub(super) const fn squares(&self) -> f64 {
        self.squares
    }

    /// Their mean; `None` without any.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.mean)
    }

    /// Their variance (of the sample); 0 for fewer than two.
    pub(super) fn variance(&self) -> f64 {
        if self.count > 1.0 {
            self.squares / (self.count - 1.0)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_parts_have_the_spread_of_the_whole() {
        let numbers = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let spread_of = |numbers: &[f64]| {
            let mut spread = Spread::default();
            for &number in numbers {
                spread.add(number);
            }
            spread
        };
        let whole = spread_of(&numbers);
        let mut merged = Spread::default();
        for part in numbers.chunks(3) {
            merged.merge(spread_of(part));
        }
        assert!((merged.mean - 3.875).abs() < 1e-12);
        assert!((whole.variance() - 7.553_571_428_571_429).abs() < 1e-12);
        assert!((merged.variance() - whole.variance()).abs() < 1e-12);
    }
}

//! Chance that can be told again: numbers that follow from a seed.

/// Numbers that follow from a seed. Source: SplitMix64, Steele, Lea, Flood 2014.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

//! Pauses: what the base is learned from, and a sample of them in bounded memory.
//!
//! Every purchase day opens a pause, which the next purchase day closes; the last one is open
//! until the data ends. The sample is the same whatever the order in which clients come, because
//! a hash of client and pause decides and no draw.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::model::{Day, Rhythm};

use super::gap_moments::{BaseMoments, ClientGaps};
use super::state::{Observed, observe};

/// As many pauses as a fit needs: beyond them the parameters hardly move. First pauses have a fit
/// of their own.
const SAMPLE_PAUSES: usize = 20_000;

/// One pause of a client, with what was known of him when it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pause {
    /// The rhythm after the purchase that opened the pause.
    pub opened: Rhythm,
    /// How the pause ended, or how long it lasts.
    pub end: PauseEnd,
}

/// The end of a pause, in days after the purchase that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseEnd {
    /// The client bought again after so many days.
    Closed {
        /// The gap, at least one day.
        gap_days: u32,
    },
    /// The client was still silent when the data ended.
    Open {
        /// The silence so far; 0 when the last day of the data is a purchase day.
        silent_days: u32,
    },
}

/// A sample of the pauses of a base, with what is counted over all of them.
#[derive(Clone, Debug)]
pub struct PauseSample {
    first: SmallestHashes,
    later: SmallestHashes,
    moments: BaseMoments,
    first_day: Option<Day>,
    data_until: Option<Day>,
}

impl Default for PauseSample {
    fn default() -> Self {
        Self::with_capacity(SAMPLE_PAUSES)
    }
}

impl PauseSample {
    /// A sample of at most `capacity` first pauses and as many later ones.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            first: SmallestHashes::with_capacity(capacity),
            later: SmallestHashes::with_capacity(capacity),
            moments: BaseMoments::default(),
            first_day: None,
            data_until: None,
        }
    }

    /// Adds all pauses of one client, as known on the day `data_until`.
    ///
    /// `client` is any number that stays the client's own, such as a row id. `days` are his
    /// purchase days in rising order; equal ones count once, those after `data_until` not at all.
    pub fn add_history(
        &mut self,
        client: u64,
        days: impl IntoIterator<Item = Day>,
        data_until: Day,
    ) {
        let mut days = days.into_iter().take_while(|&day| day <= data_until);
        let Some(first) = days.next() else {
            return;
        };
        let mut rhythm = Rhythm::first_purchase(first);
        let mut own_gaps = ClientGaps::default();
        for day in days {
            let opened = rhythm;
            if observe(&mut rhythm, day) == Observed::Advanced {
                let gap_days = (day - opened.last).unsigned_abs();
                own_gaps.add(gap_days);
                self.keep(client, opened, PauseEnd::Closed { gap_days });
            }
        }
        let silent_days = (data_until - rhythm.last).unsigned_abs();
        self.keep(client, rhythm, PauseEnd::Open { silent_days });
        self.moments.add(&own_gaps);
        self.first_day = Some(self.first_day.map_or(first, |day| day.min(first)));
        self.data_until = self.data_until.max(Some(data_until));
    }

    /// The sampled pauses after one purchase day, in an order that does not depend on the clients'.
    pub fn first_pauses(&self) -> Vec<Pause> {
        self.first.sorted()
    }

    /// The sampled pauses after two purchase days or more, ordered likewise.
    pub fn later_pauses(&self) -> Vec<Pause> {
        self.later.sorted()
    }

    /// How many pauses of the whole base ended by a purchase.
    pub const fn closed_gaps(&self) -> u64 {
        self.moments.n_gaps()
    }

    /// How many pauses the base has, kept or not.
    pub const fn n_pauses(&self) -> u64 {
        self.first.n_seen + self.later.n_seen
    }

    /// The last day of the data; `None` before the first client.
    pub const fn data_until(&self) -> Option<Day> {
        self.data_until
    }

    /// Days from the first purchase of the base to the end of the data.
    pub fn span_days(&self) -> i32 {
        match (self.first_day, self.data_until) {
            (Some(first), Some(until)) => until - first,
            _ => 0,
        }
    }

    /// How many pauses of the base each sampled first pause stands for, and each later one.
    pub(super) fn weights(&self) -> (f64, f64) {
        (self.first.weight(), self.later.weight())
    }

    /// The sums over all gaps of the base.
    pub(super) const fn moments(&self) -> &BaseMoments {
        &self.moments
    }

    fn keep(&mut self, client: u64, opened: Rhythm, end: PauseEnd) {
        let hash = mix(mix(client) ^ u64::from(opened.purchase_days));
        let pause = Pause { opened, end };
        if opened.purchase_days < 2 {
            self.first.keep(Kept { hash, pause });
        } else {
            self.later.keep(Kept { hash, pause });
        }
    }
}

/// The pauses with the smallest hashes; the greatest of them on top, ready to be replaced.
#[derive(Clone, Debug)]
struct SmallestHashes {
    capacity: usize,
    n_seen: u64,
    kept: BinaryHeap<Kept>,
}

impl SmallestHashes {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            n_seen: 0,
            kept: BinaryHeap::new(),
        }
    }

    fn keep(&mut self, new: Kept) {
        self.n_seen += 1;
        if self.kept.len() < self.capacity {
            self.kept.push(new);
        } else if let Some(mut greatest) = self.kept.peek_mut()
            && new < *greatest
        {
            *greatest = new;
        }
    }

    fn weight(&self) -> f64 {
        self.n_seen as f64 / self.kept.len().max(1) as f64
    }

    fn sorted(&self) -> Vec<Pause> {
        let mut kept: Vec<&Kept> = self.kept.iter().collect();
        kept.sort_unstable();
        kept.into_iter().map(|kept| kept.pause).collect()
    }
}

/// A pause in the sample, ordered by its hash alone.
#[derive(Clone, Copy, Debug)]
struct Kept {
    hash: u64,
    pause: Pause,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash)
    }
}

/// A hash whose bits all depend on all bits of `number`.
///
/// Source: the finaliser of `SplitMix64`, Steele, Lea and Flood, OOPSLA 2014.
const fn mix(number: u64) -> u64 {
    let a = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    c ^ (c >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn days(days: &[i32]) -> Vec<Day> {
        days.iter().copied().map(Day::from_epoch).collect()
    }

    #[test]
    fn every_purchase_day_opens_a_pause_and_the_last_one_stays_open() {
        let mut sample = PauseSample::default();
        sample.add_history(7, days(&[10, 10, 40, 60, 99]), Day::from_epoch(70));
        let mut ends: Vec<_> = [sample.first_pauses(), sample.later_pauses()]
            .concat()
            .iter()
            .map(|pause| (pause.opened.purchase_days, pause.end))
            .collect();
        ends.sort_unstable_by_key(|end| end.0);
        assert_eq!(
            ends,
            [
                (1, PauseEnd::Closed { gap_days: 30 }),
                (2, PauseEnd::Closed { gap_days: 20 }),
                (3, PauseEnd::Open { silent_days: 10 }),
            ]
        );
    }

    #[test]
    fn a_client_who_bought_only_after_the_data_ends_is_not_there_yet() {
        let mut sample = PauseSample::default();
        sample.add_history(7, days(&[80]), Day::from_epoch(70));
        assert_eq!((sample.n_pauses(), sample.data_until()), (0, None));
    }

    #[test]
    fn the_sample_is_bounded_and_does_not_depend_on_the_order_of_clients() {
        let until = Day::from_epoch(2000);
        let sample_of = |clients: &mut dyn Iterator<Item = u64>| {
            let mut sample = PauseSample::with_capacity(50);
            for client in clients {
                let step = 5 + (client % 40) as i32;
                let history = (0..10).map(|n| Day::from_epoch(n * step));
                sample.add_history(client, history, until);
            }
            sample
        };
        let forth = sample_of(&mut (0..300));
        let back = sample_of(&mut (0..300).rev());
        assert_eq!(forth.n_pauses(), 3000);
        assert_eq!(forth.first_pauses().len(), 50);
        assert_eq!(forth.first_pauses(), back.first_pauses());
        let later = forth.later_pauses();
        assert_eq!(later.len(), 50);
        assert_eq!(later, back.later_pauses());
        let steps: BTreeSet<i32> = later
            .iter()
            .map(|pause| pause.opened.last - pause.opened.first)
            .collect();
        assert!(steps.len() > 20, "the sample is spread over the base");
    }
}

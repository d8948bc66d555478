//! What clients went over to: hints for a larger receipt from what such clients bought *next*.
//!
//! Two kinds of steps are counted. Some clients who bought an item regularly took to a dearer one and
//! left the first; some who took so many of an item took more of it the next time. A step
//! that as many clients make backwards is no step. Memory follows the number of items looked at, not
//! that of clients.
//!
//! What goes with what is in `affinity`. Stocks are not known here; whoever shows a hint drops what
//! cannot be sold.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use crate::model::{Day, OwnedItem};

/// Purchase days of an item from which leaving it, or having taken to it, says something.
const REGULAR_FROM: usize = 2;

/// Below so many clients a step is chance.
const ENOUGH_CLIENTS: u32 = 5;

/// A dearer item costs so many times as much: far above is another kind of thing, and no sibling.
const PRICE_RATIOS: std::ops::RangeInclusive<f64> = 1.15..=4.0;

/// At least this part of the regular buyers has gone over.
const LEAST_SHARE_GONE_OVER: f64 = 0.05;

/// At least this part of those who took so many took more the next time.
const LEAST_SHARE_TAKING_MORE: f64 = 0.2;

/// A step is made so many times more often than the way back.
const LEAST_FORWARD: u32 = 2;

/// What is kept for one item: a card shows less.
const STEPS_OF_ONE: usize = 8;

/// Quantities of one item that are told apart while counting.
const QUANTITIES_OF_ONE: usize = 64;

/// What a client bought of an item on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Bought<I> {
    /// The item.
    pub item: I,
    /// The day.
    pub day: Day,
    /// How many of it on that day.
    pub quantity: f64,
    /// What they cost, in minor units, where receipts say so.
    pub amount: Option<i64>,
}

/// A step that such clients made, and that this one has not made yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StepUp<I> {
    /// They went over to a dearer item and left the one that he buys.
    Dearer {
        /// The item to offer.
        item: I,
        /// The item of his that they left for it.
        instead_of: I,
        /// How many times as much it costs.
        price_ratio: f64,
        /// Clients who have gone over.
        moved: u32,
        /// Clients who bought his item regularly.
        of: u32,
        /// The one over the other, 0..1.
        share: f64,
    },
    /// They took more of an item than he does now.
    Larger {
        /// The item to offer more of.
        item: I,
        /// How many he took the last time.
        from: f64,
        /// How many they took the next time: half of those who took more took so many or more.
        to: f64,
        /// Clients who took more the next time.
        moved: u32,
        /// Clients who took as many as he and came back for it.
        of: u32,
        /// The one over the other, 0..1.
        share: f64,
    },
}

impl<I> StepUp<I> {
    /// The item to offer.
    pub const fn item(&self) -> &I {
        match self {
            Self::Dearer { item, .. } | Self::Larger { item, .. } => item,
        }
    }

    /// How many clients of a hundred made the step, as a share 0..1.
    pub const fn share(&self) -> f64 {
        match self {
            Self::Dearer { share, .. } | Self::Larger { share, .. } => *share,
        }
    }
}

/// What became of those who took one quantity of an item.
#[derive(Clone, Debug, Default)]
struct NextQuantities {
    /// Clients who bought it again.
    came_back: u32,
    /// Those who then took more, by how many.
    larger: BTreeMap<i64, u32>,
    /// Those who then took less.
    smaller: u32,
}

/// Counts the steps of clients, one by one.
#[derive(Clone, Debug)]
pub struct StepCounts<I> {
    items: Vec<I>,
    places: HashMap<I, usize>,
    /// Clients who bought the item regularly.
    regulars: Vec<u32>,
    /// Square: clients who left the first item for the second.
    went_over: Vec<u32>,
    /// Minor units and pieces, where receipts tell both.
    prices: Vec<(f64, f64)>,
    next: Vec<BTreeMap<i64, NextQuantities>>,
}

impl<I: Ord + Hash + Clone> StepCounts<I> {
    /// Begins to count the steps between these items.
    pub fn of_items(items: impl IntoIterator<Item = I>) -> Self {
        let mut items: Vec<I> = items.into_iter().collect();
        items.sort_unstable();
        items.dedup();
        let places = items.iter().cloned().zip(0..).collect();
        let n_items = items.len();
        Self {
            places,
            regulars: vec![0; n_items],
            went_over: vec![0; n_items * n_items],
            prices: vec![(0.0, 0.0); n_items],
            next: vec![BTreeMap::new(); n_items],
            items,
        }
    }

    /// Adds everything that one client has bought, in the order of days; of one item there is one
    /// entry a day.
    pub fn add(&mut self, bought: &[Bought<I>]) {
        let mut series: BTreeMap<usize, Vec<(Day, i64)>> = BTreeMap::new();
        for one in bought.iter().filter(|one| one.quantity > 0.0) {
            let Some(&place) = self.places.get(&one.item) else {
                continue;
            };
            if let Some(amount) = one.amount.filter(|amount| *amount > 0) {
                let (paid, pieces) = &mut self.prices[place];
                *paid += amount as f64;
                *pieces += one.quantity;
            }
            let days = series.entry(place).or_default();
            days.push((one.day, thousandths(one.quantity)));
        }
        for (&place, days) in &series {
            self.count_quantities(place, days);
            if days.len() < REGULAR_FROM {
                continue;
            }
            self.regulars[place] += 1;
            let last = days[days.len() - 1].0;
            for (&other, others) in &series {
                let has_left = others.len() >= REGULAR_FROM && others[0].0 > last;
                self.went_over[place * self.items.len() + other] += u32::from(has_left);
            }
        }
    }

    /// Of each quantity the first time that the client took it counts, and what he took next.
    fn count_quantities(&mut self, place: usize, days: &[(Day, i64)]) {
        let mut seen: Vec<i64> = Vec::new();
        for pair in days.windows(2) {
            let (took, then) = (pair[0].1, pair[1].1);
            if seen.contains(&took) {
                continue;
            }
            seen.push(took);
            let next = &mut self.next[place];
            if next.len() >= QUANTITIES_OF_ONE && !next.contains_key(&took) {
                continue;
            }
            let next = next.entry(took).or_default();
            next.came_back += 1;
            match then.cmp(&took) {
                std::cmp::Ordering::Greater => *next.larger.entry(then).or_default() += 1,
                std::cmp::Ordering::Less => next.smaller += 1,
                std::cmp::Ordering::Equal => {}
            }
        }
    }

    /// What is worth keeping of the counts.
    pub fn finish(self) -> StepsUp<I> {
        let places = 0..self.items.len();
        StepsUp {
            dearer: places.clone().map(|place| self.dearer(place)).collect(),
            larger: places.map(|place| self.larger(place)).collect(),
            items: self.items,
        }
    }

    fn dearer(&self, place: usize) -> Vec<Dearer> {
        let price = |place: usize| {
            let (paid, pieces) = self.prices[place];
            (pieces > 0.0).then(|| paid / pieces)
        };
        let went = |from: usize, to: usize| self.went_over[from * self.items.len() + to];
        let of = self.regulars[place];
        let mut found: Vec<Dearer> = (0..self.items.len())
            .filter_map(|other| {
                let price_ratio = price(other)? / price(place)?;
                let (moved, back) = (went(place, other), went(other, place));
                let holds = PRICE_RATIOS.contains(&price_ratio)
                    && moved >= ENOUGH_CLIENTS.max(LEAST_FORWARD * back)
                    && share(moved, of) >= LEAST_SHARE_GONE_OVER;
                holds.then_some(Dearer {
                    place: other as u16,
                    price_ratio,
                    moved,
                    of,
                })
            })
            .collect();
        found.sort_by_key(|dearer| std::cmp::Reverse(dearer.moved));
        found.truncate(STEPS_OF_ONE);
        found
    }

    fn larger(&self, place: usize) -> Vec<Larger> {
        let mut found: Vec<Larger> = self.next[place]
            .iter()
            .filter_map(|(&from, next)| {
                let moved: u32 = next.larger.values().sum();
                let holds = moved >= ENOUGH_CLIENTS.max(LEAST_FORWARD * next.smaller)
                    && share(moved, next.came_back) >= LEAST_SHARE_TAKING_MORE;
                holds.then(|| Larger {
                    from,
                    to: median(&next.larger, moved),
                    moved,
                    of: next.came_back,
                })
            })
            .collect();
        found.sort_by_key(|larger| std::cmp::Reverse(larger.of));
        found.truncate(STEPS_OF_ONE);
        found
    }
}

/// The quantity that half of the clients reach or exceed.
fn median(quantities: &BTreeMap<i64, u32>, all: u32) -> i64 {
    let mut left = all.div_ceil(2);
    for (&quantity, &clients) in quantities.iter().rev() {
        if clients >= left {
            return quantity;
        }
        left -= clients;
    }
    0
}

fn share(part: u32, of: u32) -> f64 {
    f64::from(part) / f64::from(of.max(1))
}

/// Quantities are compared to the thousandth: grams of a kilogram.
fn thousandths(quantity: f64) -> i64 {
    (quantity * 1000.0).round() as i64
}

fn pieces(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}

/// The steps that clients make: the outcome of the counting, in a size that can be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepsUp<I> {
    /// Rising.
    items: Vec<I>,
    /// For each item what its buyers left it for, the most frequent first.
    dearer: Vec<Vec<Dearer>>,
    /// For each item the quantities from which its buyers go up, the most frequent first.
    larger: Vec<Vec<Larger>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Dearer {
    /// Its place among the items.
    place: u16,
    price_ratio: f64,
    moved: u32,
    of: u32,
}

/// Quantities are in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Larger {
    from: i64,
    to: i64,
    moved: u32,
    of: u32,
}

impl<I: Ord + Clone> StepsUp<I> {
    /// At most `limit` steps for a client who has bought these items, the likeliest first; nothing
    /// that he has already is offered as dearer, and each item is named once.
    pub fn hints<'a>(
        &self,
        owned: impl IntoIterator<Item = &'a OwnedItem<I>>,
        limit: usize,
    ) -> Vec<StepUp<I>>
    where
        I: 'a,
    {
        let owned: BTreeMap<usize, f64> = owned
            .into_iter()
            .filter_map(|own| Some((self.items.binary_search(&own.item).ok()?, own.quantity)))
            .collect();
        let mut steps: Vec<StepUp<I>> = Vec::new();
        for (&place, &quantity) in &owned {
            let dearer = self.dearer.get(place).into_iter().flatten();
            let new = dearer.filter(|one| !owned.contains_key(&usize::from(one.place)));
            steps.extend(new.filter_map(|one| self.dearer_step(place, one)));
            let larger = self.larger.get(place).into_iter().flatten();
            let same = larger.filter(|one| one.from == thousandths(quantity));
            steps.extend(same.filter_map(|one| self.larger_step(place, one)));
        }
        steps.sort_by(|left, right| {
            let by_share = right.share().total_cmp(&left.share());
            by_share.then_with(|| left.item().cmp(right.item()))
        });
        let mut named: Vec<StepUp<I>> = Vec::new();
        for step in steps {
            if named.len() < limit && named.iter().all(|known| known.item() != step.item()) {
                named.push(step);
            }
        }
        named
    }

    fn dearer_step(&self, place: usize, one: &Dearer) -> Option<StepUp<I>> {
        Some(StepUp::Dearer {
            item: self.items.get(usize::from(one.place))?.clone(),
            instead_of: self.items.get(place)?.clone(),
            price_ratio: one.price_ratio,
            moved: one.moved,
            of: one.of,
            share: share(one.moved, one.of),
        })
    }

    fn larger_step(&self, place: usize, one: &Larger) -> Option<StepUp<I>> {
        Some(StepUp::Larger {
            item: self.items.get(place)?.clone(),
            from: pieces(one.from),
            to: pieces(one.to),
            moved: one.moved,
            of: one.of,
            share: share(one.moved, one.of),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Clients = Vec<Vec<Bought<&'static str>>>;

    fn bought(item: &'static str, day: i32, quantity: f64) -> Bought<&'static str> {
        let price = match item {
            "espresso" => 900.0,
            "gold" => 1500.0,
            "saver" => 500.0,
            _ => 100.0,
        };
        Bought {
            item,
            day: Day::from_epoch(day),
            quantity,
            amount: Some((price * quantity) as i64),
        }
    }

    fn steps_of(clients: &Clients) -> StepsUp<&'static str> {
        let items = clients.iter().flatten().map(|one| one.item);
        let mut counts = StepCounts::of_items(items);
        for client in clients {
            counts.add(client);
        }
        counts.finish()
    }

    fn owned(item: &'static str, quantity: f64) -> OwnedItem<&'static str> {
        OwnedItem { item, quantity }
    }

    /// Of 20 regular buyers of espresso 8 have gone over to gold and 3 to the saver; of 20 who took
    /// two bags 10 took five the next time.
    fn roastery() -> Clients {
        let mut clients = Clients::new();
        for n in 0..20 {
            let mut client = vec![bought("espresso", 1, 1.0), bought("espresso", 20, 1.0)];
            let then = match n {
                0..8 => "gold",
                8..11 => "saver",
                _ => "espresso",
            };
            client.extend([bought(then, 40, 1.0), bought(then, 45, 1.0)]);
            client.push(bought("bag", 50, 2.0));
            client.push(bought("bag", 60, if n % 2 == 0 { 5.0 } else { 2.0 }));
            clients.push(client);
        }
        clients
    }

    #[test]
    fn buyers_are_offered_the_dearer_item_that_others_went_over_to() {
        let steps = steps_of(&roastery());
        let found = steps.hints(&[owned("espresso", 1.0)], 3);
        let expected = StepUp::Dearer {
            item: "gold",
            instead_of: "espresso",
            price_ratio: 1500.0 / 900.0,
            moved: 8,
            of: 20,
            share: 0.4,
        };
        assert_eq!(found, [expected]);
        assert_eq!(
            steps.hints(&[owned("espresso", 1.0), owned("gold", 1.0)], 3),
            [],
            "he has it already"
        );
    }

    #[test]
    fn who_takes_two_hears_that_others_then_took_five() {
        let found = steps_of(&roastery()).hints(&[owned("bag", 2.0)], 3);
        let expected = StepUp::Larger {
            item: "bag",
            from: 2.0,
            to: 5.0,
            moved: 10,
            of: 20,
            share: 0.5,
        };
        assert_eq!(found, [expected]);
        assert_eq!(steps_of(&roastery()).hints(&[owned("bag", 5.0)], 3), []);
    }

    #[test]
    fn a_step_that_is_made_backwards_as_often_is_none() {
        let mut clients = roastery();
        for _ in 0..6 {
            clients.push(vec![
                bought("gold", 1, 1.0),
                bought("gold", 9, 1.0),
                bought("espresso", 30, 1.0),
                bought("espresso", 35, 1.0),
            ]);
            clients.push(vec![bought("bag", 1, 2.0), bought("bag", 9, 1.0)]);
        }
        let steps = steps_of(&clients);
        assert_eq!(steps.hints(&[owned("espresso", 1.0)], 3), []);
        assert_eq!(steps.hints(&[owned("bag", 2.0)], 3), []);
    }

    #[test]
    fn an_addition_to_what_is_still_bought_is_no_step_up() {
        let clients: Clients = (0..20)
            .map(|_| {
                vec![
                    bought("espresso", 1, 1.0),
                    bought("espresso", 20, 1.0),
                    bought("gold", 30, 1.0),
                    bought("espresso", 40, 1.0),
                ]
            })
            .collect();
        assert_eq!(steps_of(&clients).hints(&[owned("espresso", 1.0)], 3), []);
    }

    #[test]
    fn another_kind_of_thing_is_no_dearer_sibling() {
        let mut clients = roastery();
        for one in clients
            .iter_mut()
            .flatten()
            .filter(|one| one.item == "gold")
        {
            one.amount = Some(90_000);
        }
        assert_eq!(steps_of(&clients).hints(&[owned("espresso", 1.0)], 3), []);
    }

    #[test]
    fn without_prices_nothing_is_dearer() {
        let mut clients = roastery();
        for one in clients.iter_mut().flatten() {
            one.amount = None;
        }
        assert_eq!(steps_of(&clients).hints(&[owned("espresso", 1.0)], 3), []);
    }

    #[test]
    fn what_is_kept_survives_being_kept() {
        let steps = steps_of(&roastery());
        let kept = serde_json::to_string(&steps).unwrap();
        assert_eq!(serde_json::from_str::<StepsUp<&str>>(&kept).unwrap(), steps);
    }

    proptest! {
        #[test]
        fn steps_go_up_and_rest_on_enough_clients(
            clients in prop::collection::vec(
                prop::collection::vec((0_u8..5, 0_i32..40, 1_u8..5), 0..12), 1..80),
            has in prop::collection::vec((0_u8..6, 1_u8..5), 0..6),
        ) {
            let mut counts = StepCounts::of_items(0_u8..5);
            for client in &clients {
                let mut days: BTreeMap<(i32, u8), f64> = BTreeMap::new();
                for (item, day, quantity) in client {
                    *days.entry((*day, *item)).or_default() += f64::from(*quantity);
                }
                let lines: Vec<Bought<u8>> = days
                    .into_iter()
                    .map(|((day, item), quantity)| Bought {
                        item,
                        day: Day::from_epoch(day),
                        quantity,
                        amount: Some(i64::from(item + 1) * (quantity as i64)),
                    })
                    .collect();
                counts.add(&lines);
            }
            let owned: Vec<OwnedItem<u8>> = has
                .iter()
                .map(|(item, quantity)| OwnedItem { item: *item, quantity: f64::from(*quantity) })
                .collect();
            for step in counts.finish().hints(&owned, 9) {
                prop_assert!((0.05..=1.0).contains(&step.share()), "{step:?}");
                match step {
                    StepUp::Dearer { item, instead_of, price_ratio, moved, .. } => {
                        prop_assert!(item > instead_of && price_ratio > 1.0 && moved >= 5);
                        prop_assert!(owned.iter().all(|own| own.item != item));
                    }
                    StepUp::Larger { from, to, moved, of, .. } => {
                        prop_assert!(to > from && moved >= 5 && moved <= of);
                    }
                }
            }
        }
    }
}

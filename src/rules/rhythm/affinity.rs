//! What clients with similar baskets buy: hints for a larger receipt.
//!
//! Two passes over (client, items): the first finds the items with the most buyers, the second
//! counts how often two of them have the same buyer. Memory follows the number of items looked
//! at, not that of clients. Prices and stocks are not known here; whoever shows a hint drops what
//! cannot be sold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// Items looked at, unless said otherwise: a quarter of a million pairs.
const TOP_ITEMS: usize = 500;

/// Below so many common buyers a pair is chance.
const ENOUGH_COMMON_BUYERS: u32 = 5;

/// Common buyers by chance alone that are added to both sides of a lift: rare pairs have to
/// prove more.
const CAUTION: f64 = 5.0;

/// A hint has to be bought so many times more often than by everybody.
const LEAST_LIFT: f64 = 1.2;

/// What is kept for one item: more than a card ever shows, because a client has some of it already.
const COMPANIONS_OF_ONE: usize = 8;

/// The first pass: how many buyers each item has.
#[derive(Clone, Debug)]
pub struct ItemBuyers<I> {
    buyers: HashMap<I, u32>,
}

impl<I> Default for ItemBuyers<I> {
    fn default() -> Self {
        Self {
            buyers: HashMap::new(),
        }
    }
}

impl<I: Ord + Hash + Clone> ItemBuyers<I> {
    /// Adds the items that one client has ever bought; each counts once.
    pub fn add(&mut self, items: impl IntoIterator<Item = I>) {
        for item in items.into_iter().collect::<BTreeSet<I>>() {
            *self.buyers.entry(item).or_default() += 1;
        }
    }

    /// The second pass, over the items with the most buyers.
    pub fn into_pairs(self) -> Affinity<I> {
        self.into_pairs_of_top(TOP_ITEMS)
    }

    fn into_pairs_of_top(self, top: usize) -> Affinity<I> {
        let mut items: Vec<(I, u32)> = self.buyers.into_iter().collect();
        items.sort_unstable_by(|left, right| (right.1, &left.0).cmp(&(left.1, &right.0)));
        items.truncate(top);
        let places = items
            .iter()
            .enumerate()
            .map(|(place, (item, _))| (item.clone(), place))
            .collect();
        let n_items = items.len();
        Affinity {
            items: items.into_iter().map(|(item, _)| item).collect(),
            places,
            common_buyers: vec![0; n_items * n_items],
            n_clients: 0,
        }
    }
}

/// The second pass: how many buyers two items have in common.
#[derive(Clone, Debug)]
pub struct Affinity<I> {
    /// By number of buyers, the most first.
    items: Vec<I>,
    places: HashMap<I, usize>,
    /// Square; an item with itself has its own buyers.
    common_buyers: Vec<u32>,
    n_clients: u32,
}

/// What goes with what: the outcome of both passes, in a size that can be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Companions<I> {
    /// Rising.
    items: Vec<I>,
    /// For each item its companions, the likeliest first.
    of: Vec<Vec<Companion>>,
}

/// One item seen from another one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Companion {
    /// Its place among the items.
    place: u16,
    lift: f64,
    share: f64,
}

impl<I: Ord + Clone> Companions<I> {
    /// At most `limit` hints for a client who has bought these items, the likeliest first.
    ///
    /// Nothing that he has, each item once, with the reason that speaks most for it.
    pub fn hints<'a>(&self, items: impl IntoIterator<Item = &'a I>, limit: usize) -> Vec<Hint<I>>
    where
        I: 'a,
    {
        let owned: BTreeSet<usize> = items
            .into_iter()
            .filter_map(|item| self.items.binary_search(item).ok())
            .collect();
        let mut best: BTreeMap<usize, (usize, Companion)> = BTreeMap::new();
        for &has in &owned {
            for companion in self.of.get(has).into_iter().flatten() {
                let offered = usize::from(companion.place);
                let known = best.get(&offered);
                let better = known.is_none_or(|(_, known)| companion.share > known.share);
                if better && !owned.contains(&offered) {
                    best.insert(offered, (has, *companion));
                }
            }
        }
        let named = best.into_iter().filter_map(|(offered, (has, companion))| {
            Some(Hint {
                item: self.items.get(offered)?.clone(),
                because_of: self.items.get(has)?.clone(),
                lift: companion.lift,
                share: companion.share,
            })
        });
        let mut hints: Vec<Hint<I>> = named.collect();
        hints.sort_by(|left, right| right.share.total_cmp(&left.share));
        hints.truncate(limit);
        hints
    }
}

/// An item that buyers of what the client has bought buy more often than others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hint<I> {
    /// The item to offer.
    pub item: I,
    /// The item of the client's that speaks for it.
    pub because_of: I,
    /// How many times more often its buyers buy the other, with caution for rare pairs.
    pub lift: f64,
    /// The share of its buyers who have bought the other too, 0..1.
    pub share: f64,
}

impl<I: Ord + Hash + Clone> Affinity<I> {
    /// The items that are looked at.
    pub fn items(&self) -> &[I] {
        &self.items
    }

    /// Adds the items that one client has ever bought; each counts once.
    pub fn add(&mut self, items: impl IntoIterator<Item = I>) {
        self.n_clients += 1;
        let places: BTreeSet<usize> = items
            .into_iter()
            .filter_map(|item| self.places.get(&item).copied())
            .collect();
        for &left in &places {
            for &right in &places {
                self.common_buyers[left * self.items.len() + right] += 1;
            }
        }
    }

    /// What is worth keeping of the counts: the likeliest companions of each item.
    pub fn finish(self) -> Companions<I> {
        let mut by_name: Vec<usize> = (0..self.items.len()).collect();
        by_name.sort_unstable_by(|&left, &right| self.items[left].cmp(&self.items[right]));
        let mut kept = Companions {
            items: by_name.iter().map(|&at| self.items[at].clone()).collect(),
            of: Vec::with_capacity(by_name.len()),
        };
        for &has in &by_name {
            let others = by_name.iter().enumerate();
            let mut companions: Vec<Companion> = others
                .filter(|&(_, &offered)| offered != has)
                .filter_map(|(place, &offered)| self.companion(has, offered, place as u16))
                .collect();
            // Stable: equals stay in the order of their names.
            companions.sort_by(|left, right| right.share.total_cmp(&left.share));
            companions.truncate(COMPANIONS_OF_ONE);
            kept.of.push(companions);
        }
        kept
    }

    fn companion(&self, has: usize, offered: usize, place: u16) -> Option<Companion> {
        let common = self.common(has, offered);
        if common < ENOUGH_COMMON_BUYERS {
            return None;
        }
        let of_has = f64::from(self.common(has, has));
        let of_offered = f64::from(self.common(offered, offered));
        let by_chance = of_has * of_offered / f64::from(self.n_clients.max(1));
        let lift = (f64::from(common) + CAUTION) / (by_chance + CAUTION);
        (lift >= LEAST_LIFT).then(|| Companion {
            place,
            lift,
            share: f64::from(common) / of_has,
        })
    }

    fn common(&self, left: usize, right: usize) -> u32 {
        self.common_buyers[left * self.items.len() + right]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn companions_of(clients: &[Vec<&'static str>], top: usize) -> Companions<&'static str> {
        let mut buyers = ItemBuyers::default();
        for items in clients {
            buyers.add(items.iter().copied());
        }
        let mut affinity = buyers.into_pairs_of_top(top);
        for items in clients {
            affinity.add(items.iter().copied());
        }
        affinity.finish()
    }

    /// Printers go with paper, lamps with bulbs, and everybody buys bags.
    fn office() -> Vec<Vec<&'static str>> {
        let mut clients = Vec::new();
        for client in 0..200 {
            clients.push(match client % 4 {
                0 => vec!["printer", "paper", "bag", "bag"],
                1 => vec!["lamp", "bulb", "bag"],
                2 => vec!["printer", "bag"],
                _ => vec!["bag"],
            });
        }
        clients
    }

    #[test]
    fn buyers_of_one_are_offered_what_goes_with_it() {
        let companions = companions_of(&office(), 500);
        let hints = companions.hints(&["printer", "bag"], 3);
        assert_eq!(hints.len(), 1, "{hints:?}");
        let hint = &hints[0];
        assert_eq!((hint.item, hint.because_of), ("paper", "printer"));
        assert!((hint.share - 0.5).abs() < 1e-12, "{hint:?}");
        assert!((1.7..2.0).contains(&hint.lift), "{hint:?}");
    }

    #[test]
    fn what_everybody_buys_anyway_is_no_hint() {
        let companions = companions_of(&office(), 500);
        assert_eq!(companions.hints(&["lamp", "bulb"], 5), []);
        assert_eq!(companions.hints(&["unknown"], 5), []);
    }

    #[test]
    fn a_pair_seen_a_few_times_is_chance() {
        let mut clients = office();
        clients.extend(vec![vec!["stapler", "printer"]; 4]);
        assert_eq!(companions_of(&clients, 500).hints(&["stapler"], 5), []);
    }

    #[test]
    fn only_the_items_with_the_most_buyers_are_looked_at() {
        let companions = companions_of(&office(), 2);
        assert_eq!(companions.items, ["bag", "printer"]);
        assert_eq!(companions.hints(&["printer"], 5), []);
    }

    #[test]
    fn what_is_kept_is_bounded_and_survives_being_kept() {
        let mut clients = Vec::new();
        for item in (0..40).map(|n| format!("item {n}")) {
            clients.extend(vec![vec!["bag".to_owned(), item.clone()]; 6]);
            clients.extend(vec![vec![item, "lamp".to_owned()]; 6]);
        }
        let mut buyers = ItemBuyers::default();
        for items in &clients {
            buyers.add(items.iter().cloned());
        }
        let mut affinity = buyers.into_pairs();
        for items in &clients {
            affinity.add(items.iter().cloned());
        }
        let companions = affinity.finish();
        assert!(companions.of.iter().all(|of| of.len() <= COMPANIONS_OF_ONE));
        let kept = serde_json::to_string(&companions).unwrap();
        assert_eq!(
            serde_json::from_str::<Companions<String>>(&kept).unwrap(),
            companions
        );
    }

    proptest! {
        #[test]
        fn hints_never_name_what_the_client_has(
            clients in prop::collection::vec(prop::collection::btree_set(0_u8..12, 0..6), 1..80),
            has in prop::collection::btree_set(0_u8..14, 0..6),
        ) {
            let mut buyers = ItemBuyers::default();
            for items in &clients {
                buyers.add(items.iter().copied());
            }
            let mut affinity = buyers.into_pairs();
            for items in &clients {
                affinity.add(items.iter().copied());
            }
            let hints = affinity.finish().hints(&has, 20);
            for hint in &hints {
                prop_assert!(!has.contains(&hint.item) && has.contains(&hint.because_of));
                prop_assert!(hint.share > 0.0 && hint.share <= 1.0);
            }
            prop_assert!(hints.windows(2).all(|pair| pair[0].share >= pair[1].share));
        }
    }
}

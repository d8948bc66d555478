//! The addresses that get something on a day.

/// Hashes of addresses, each once.
///
/// They lie in sorted drawers by their first bits. A hash table doubles all at once, and with a
/// letter to a million clients that moment would be the one at which most memory is held.
#[derive(Debug)]
pub(super) struct Addressed(Vec<Vec<u64>>);

/// So many of the first bits say in which drawer a hash lies.
const DRAWER_BITS: u32 = 10;

impl Addressed {
    pub(super) fn nobody() -> Self {
        Self(vec![Vec::new(); 1 << DRAWER_BITS])
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        self.0[drawer(hash)].binary_search(&hash).is_ok()
    }

    pub(super) fn insert(&mut self, hash: u64) {
        let drawer = &mut self.0[drawer(hash)];
        if let Err(place) = drawer.binary_search(&hash) {
            drawer.insert(place, hash);
        }
    }
}

fn drawer(hash: u64) -> usize {
    (hash >> (u64::BITS - DRAWER_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_set_holds(
            hashes in prop::collection::vec(prop_oneof![any::<u64>(), 0..8_u64, (u64::MAX - 8)..=u64::MAX], 0..200)
        ) {
            let (mut ours, mut set) = (Addressed::nobody(), HashSet::new());
            for hash in hashes {
                prop_assert_eq!(ours.contains(hash), set.contains(&hash));
                ours.insert(hash);
                set.insert(hash);
            }
            prop_assert!(set.iter().all(|hash| ours.contains(*hash)));
            prop_assert_eq!(ours.0.iter().map(Vec::len).sum::<usize>(), set.len());
        }
    }
}

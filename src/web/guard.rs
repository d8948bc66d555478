//! Counting links that we did not make, by visitor, in bounded memory.
//!
//! For signed links it only spares us the work of answering: a good link always works, whoever shares
//! the address of a guesser, and no guess can succeed in any case. For codes of certificates and the
//! PIN of the till [`BadLinks::is_over`] is asked first, and then nothing is answered.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// The most visitors that are counted at one time.
const MOST_VISITORS: usize = 10_000;

/// The length of a window in milliseconds.
const WINDOW_MS: i64 = 60_000;

/// Bad links of the present minute, by visitor.
#[derive(Debug)]
pub(super) struct BadLinks {
    limit: u16,
    seen: Mutex<HashMap<IpAddr, (i64, u16)>>,
}

impl BadLinks {
    pub(super) fn new(limit: u16) -> Self {
        Self {
            limit,
            seen: Mutex::default(),
        }
    }

    /// Whether the visitor has had enough of them in the present minute.
    pub(super) fn is_over(&self, visitor: IpAddr, now_ms: i64) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of_visitor = seen.get(&network(visitor));
        of_visitor.is_some_and(|(of, count)| *of == now_ms / WINDOW_MS && *count >= self.limit)
    }

    /// Counts a bad link; says whether the visitor has had enough of them.
    pub(super) fn too_many(&self, visitor: IpAddr, now_ms: i64) -> bool {
        let window = now_ms / WINDOW_MS;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let visitor = network(visitor);
        if seen.len() >= MOST_VISITORS && !seen.contains_key(&visitor) {
            seen.retain(|_, (of, _)| *of == window);
            if seen.len() >= MOST_VISITORS {
                seen.clear();
            }
        }
        let (of, count) = seen.entry(visitor).or_insert((window, 0));
        if *of != window {
            (*of, *count) = (window, 0);
        }
        *count = count.saturating_add(1);
        *count > self.limit
    }
}

/// One visitor has many addresses in the newer network: the first half is his.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_has_so_many_tries_a_minute() {
        let links = BadLinks::new(2);
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert!(!links.too_many(one, 0) && !links.too_many(one, 1));
        assert!(links.too_many(one, 2));
        assert!(!links.too_many(other, 3));
        assert!(!links.too_many(one, WINDOW_MS));
        let near: [IpAddr; 3] =
            ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|text| text.parse().unwrap());
        assert!(!links.too_many(near[0], 0) && !links.too_many(near[1], 0));
        assert!(links.too_many(near[2], 0));
    }

    #[test]
    fn memory_stays_bounded() {
        let links = BadLinks::new(2);
        for n in 0..25_000_u32 {
            links.too_many(IpAddr::V4(n.into()), 0);
        }
        assert!(links.seen.lock().unwrap().len() <= MOST_VISITORS);
    }
}

//! The flood guard: when far more clients than usual miss their cycle on one day, something has
//! happened to the base (a closure, a broken import, a price list) and not to each of them.

/// Days that say what is usual.
pub const USUAL_OVER_DAYS: usize = 28;

/// Never a flood up to so many: small bases have days with none and days with ten.
const NEVER_UP_TO: u32 = 20;

/// A day on which far more clients than usual missed their cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flood {
    /// Clients who missed their cycle on the day.
    pub today: u32,
    /// The median of the days before.
    pub usual: u32,
}

/// Whether the number of new missed cycles of a day is a flood, to be held for a person.
///
/// `before` are the numbers of the days before, in any order; [`USUAL_OVER_DAYS`] are the usual
/// ones; more than `times` their median is a flood. With fewer than a week of them nothing is usual yet, and nothing is held.
pub fn flood(today: u32, before: &[u32], times: u32) -> Option<Flood> {
    let mut sorted = before.to_vec();
    sorted.sort_unstable();
    if sorted.len() < 7 {
        return None;
    }
    let usual = sorted[sorted.len() / 2];
    let most = usual.saturating_mul(times).max(NEVER_UP_TO);
    (today > most).then_some(Flood { today, usual })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_times_the_usual_number_is_held() {
        let before = [40, 35, 60, 40, 0, 0, 45, 300];
        assert_eq!(flood(120, &before, 3), None);
        assert_eq!(
            flood(121, &before, 3),
            Some(Flood {
                today: 121,
                usual: 40
            })
        );
    }

    #[test]
    fn a_small_base_or_a_young_one_is_never_held() {
        assert_eq!(flood(20, &[0; 28], 3), None);
        assert!(flood(21, &[0; 28], 3).is_some());
        assert_eq!(flood(5000, &[1; 6], 3), None);
        assert_eq!(flood(5000, &[], 3), None);
    }
}

//! The guard against a run that would send far more than usual: a broken file or a careless
//! campaign, not a busy day.

/// With fewer runs than this nothing is usual yet.
const LEAST_RUNS: usize = 3;

/// Far more messages than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surge {
    /// Messages of this run.
    pub messages: u64,
    /// The median of the runs before.
    pub usual: u64,
}

/// Whether a run with so many messages has to wait for a person: more than `times` the median of the
/// runs before, and more than `least`.
pub fn surge(messages: u64, before: &[u64], times: u16, least: u32) -> Option<Surge> {
    if before.len() < LEAST_RUNS || messages <= u64::from(least) {
        return None;
    }
    let mut sorted = before.to_vec();
    sorted.sort_unstable();
    let usual = sorted[sorted.len() / 2];
    (messages > usual.saturating_mul(times.into())).then_some(Surge { messages, usual })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_far_more_than_usual_is_held() {
        let usual = Some(Surge {
            messages: 301,
            usual: 100,
        });
        for (messages, before, expected) in [
            (300, &[100, 90, 110][..], None),
            (301, &[100, 90, 110], usual),
            // Of one busy day nothing is learned.
            (301, &[5_000, 100, 90, 110, 100], usual),
            (10_000, &[100, 100], None),
            (50, &[0, 0, 0, 0], None),
            (
                51,
                &[0, 0, 0, 0],
                Some(Surge {
                    messages: 51,
                    usual: 0,
                }),
            ),
        ] {
            assert_eq!(surge(messages, before, 3, 50), expected, "{messages}");
        }
    }
}

//! When something that failed is tried again.

use chrono::Duration;

/// Pauses after the first, the second … failure, in minutes. A file that is being written and a
/// database that is busy are over soon; what lasts for hours needs a person.
const PAUSES: &[i64] = &[1, 5, 15, 30, 60, 120];

/// How long to wait after so many failed attempts; nothing when it is given up.
pub fn retry_after(attempts: u32) -> Option<Duration> {
    let index = attempts.checked_sub(1)? as usize;
    PAUSES.get(index).copied().map(Duration::minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(retry_after(1), Some(Duration::minutes(1)));
        assert_eq!(retry_after(6), Some(Duration::minutes(120)));
        assert_eq!(retry_after(7), None);
        assert_eq!(retry_after(0), None);
    }
}

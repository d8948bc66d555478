//! The rest that a channel takes when it is out of order: so that a wrong password or a dead server
//! costs a few attempts, not a campaign.

use chrono::{DateTime, TimeDelta, Utc};

/// So many faults in a row open the breaker.
const FAULTS: u32 = 5;

/// The first and the longest rest.
const FIRST_REST: TimeDelta = TimeDelta::seconds(30);
const LONGEST_REST: TimeDelta = TimeDelta::minutes(10);

/// Counts the faults of a channel that are not the fault of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    faults: u32,
    rests: u32,
    open_until: Option<DateTime<Utc>>,
}

impl Breaker {
    /// A fault that the next message would meet as well.
    pub fn fault(&mut self, now: DateTime<Utc>) {
        self.faults += 1;
        // After a rest one fault is enough: nothing has got better.
        if self.faults >= FAULTS || self.rests > 0 {
            self.open(now);
        }
    }

    /// Nothing can leave at all, a wrong password for one: the rest begins at once.
    pub fn open(&mut self, now: DateTime<Utc>) {
        if self.open_until.is_none_or(|until| until <= now) {
            let rest = FIRST_REST * 2_i32.pow(self.rests.min(8));
            self.open_until = Some(now + rest.min(LONGEST_REST));
            self.rests += 1;
            self.faults = 0;
        }
    }

    /// The channel has done its work.
    pub fn success(&mut self) {
        *self = Self::default();
    }

    /// Until when the channel rests, if it does.
    pub fn rests_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.open_until.filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_channel_rests_after_five_faults_and_longer_each_time() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.fault(at(0));
            assert_eq!(breaker.rests_until(at(0)), None);
        }
        breaker.fault(at(0));
        assert_eq!(breaker.rests_until(at(0)), Some(at(30)));
        // What was on its way while the breaker opened does not lengthen the rest.
        breaker.fault(at(1));
        assert_eq!(breaker.rests_until(at(1)), Some(at(30)));
        assert_eq!(breaker.rests_until(at(30)), None);
        breaker.fault(at(30));
        assert_eq!(breaker.rests_until(at(30)), Some(at(90)));
        breaker.success();
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn no_rest_is_longer_than_ten_minutes() {
        let mut breaker = Breaker::default();
        let mut now = at(0);
        for _ in 0..50 {
            while breaker.rests_until(now).is_none() {
                breaker.fault(now);
            }
            let until = breaker.rests_until(now).unwrap();
            assert!(until - now <= LONGEST_REST);
            now = until;
        }
    }
}

//! Whether the clock of the machine can be believed.

use chrono::{DateTime, Duration, Utc};

/// A clock that was set by more than this under our eyes, forward, is not believed.
const FORWARD: Duration = Duration::hours(36);

/// A clock that stands by more than this before what has happened already is not believed.
const BACK: Duration = Duration::minutes(2);

/// A step of the clock that a person has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockStep {
    /// It went forward by so much more than the time that passed.
    Forward(Duration),
    /// It stands so long before what the database remembers.
    Back(Duration),
}

impl std::fmt::Display for ClockStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forward(by) => write!(f, "the clock went forward by {} hours", by.num_hours()),
            Self::Back(by) => write!(
                f,
                "the clock stands {} minutes before what has happened already",
                by.num_minutes()
            ),
        }
    }
}

/// Whether the clock made a step that it should not have made: from `before` to `now` while
/// `passed` went by, or to before `latest`, the latest instant that is remembered.
///
/// Small steps are harmless: each occurrence is entered once, whatever the clock does.
pub fn clock_step(
    before: Option<DateTime<Utc>>,
    passed: Duration,
    now: DateTime<Utc>,
    latest: Option<DateTime<Utc>>,
) -> Option<ClockStep> {
    let forward = before.map(|before| now - before - passed);
    if let Some(by) = forward.filter(|by| *by > FORWARD) {
        return Some(ClockStep::Forward(by));
    }
    let back = latest.map(|latest| latest - now).filter(|by| *by > BACK);
    back.map(ClockStep::Back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_step_that_time_does_not_explain_is_told() {
        let now = DateTime::UNIX_EPOCH + Duration::days(100);
        let ago = |by: Duration| Some(now - by);
        let second = Duration::seconds(1);
        for (before, passed, latest, expected) in [
            (None, second, None, None),
            (ago(second), second, ago(second), None),
            (ago(Duration::hours(2)), second, None, None),
            (ago(Duration::days(40)), Duration::days(40), None, None),
            (
                ago(Duration::days(2)),
                Duration::zero(),
                None,
                Some(ClockStep::Forward(Duration::days(2))),
            ),
            (None, second, Some(now + Duration::minutes(1)), None),
            (
                None,
                second,
                Some(now + Duration::days(1)),
                Some(ClockStep::Back(Duration::days(1))),
            ),
        ] {
            assert_eq!(clock_step(before, passed, now, latest), expected);
        }
    }
}

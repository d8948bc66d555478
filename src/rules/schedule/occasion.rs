//! What the operator is written about: one letter for each occasion, whatever happens in between.

use chrono::{DateTime, Duration, Utc};

use crate::model::Day;

/// An occurrence of a schedule as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The schedule.
    pub schedule: String,
    /// The date that names the occurrence.
    pub date: Day,
    /// When it was due.
    pub at: DateTime<Utc>,
    /// Where it stands.
    pub state: State,
    /// What came of it so far.
    pub note: String,
}

/// Where an occurrence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not over yet.
    Open,
    /// It is over and was begun long after its time.
    DoneLate,
    /// It is over as it should be.
    Done,
    /// It waits for a person.
    Held,
    /// It was given up.
    Failed,
    /// It was not done and will not be.
    Missed,
}

/// An occasion to write to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The name of the occasion: one letter for each.
    pub key: String,
    /// The subject.
    pub subject: String,
    /// What happened, and what can be done.
    pub text: String,
}

/// What the operator is written about an occurrence, if anything.
pub fn of_schedule(one: &Standing, late_after: Duration, now: DateTime<Utc>) -> Option<Occasion> {
    let (name, date) = (&one.schedule, one.date);
    let (word, what) = match one.state {
        State::Open if now - one.at > late_after => ("late", "has not been done yet"),
        State::DoneLate => ("late", "was done after its time"),
        State::Held => ("held", "waits for you"),
        State::Failed => ("failed", "failed and is not tried again"),
        State::Missed => ("missed", "was not done and will not be"),
        State::Open | State::Done => return None,
    };
    let note = if one.note.is_empty() {
        String::new()
    } else {
        format!("\n\n{}", one.note)
    };
    Some(Occasion {
        key: format!("{word}:{name}:{date}:{}", one.at.timestamp()),
        subject: format!("rekindle: {name} of {date} is {word}"),
        text: format!(
            "\"{name}\" of {date}, due at {} UTC, {what}.{note}\n\n`rekindle runs schedule` shows all \
             schedules, `rekindle runs` the days.",
            one.at.format("%Y-%m-%d %H:%M")
        ),
    })
}

/// What the operator is written about messages of a day of which nobody knows whether they arrived.
pub fn of_unknown(day: Day, messages: u64) -> Occasion {
    Occasion {
        key: format!("unknown:{day}"),
        subject: format!("rekindle: {messages} messages of {day} are unknown"),
        text: format!(
            "Of {messages} messages planned for {day} nobody knows whether they arrived. They are \
             not sent again by themselves.\n\n`rekindle messages --state unknown` lists them, \
             `rekindle messages resolve ID ...` decides."
        ),
    }
}

/// What the operator is written about something that rests until it is released.
pub fn of_hold(name: &str, since_ms: i64, reason: &str) -> Occasion {
    Occasion {
        key: format!("hold:{name}:{since_ms}"),
        subject: format!("rekindle: held ({name})"),
        text: format!(
            "{reason}\n\n`rekindle runs release {name} --by NAME --reason TEXT` lets it go on."
        ),
    }
}

/// What the operator is written about a configuration that cannot be taken up.
pub fn of_configuration(digest: &str, problem: &str) -> Occasion {
    Occasion {
        key: format!("configuration:{digest}"),
        subject: "rekindle: the changed configuration is not taken up".to_owned(),
        text: format!(
            "The campaigns and templates were changed, and something is wrong with them: the ones \
             before stay in force.\n\n{problem}\n\n`rekindle check` shows everything that is wrong."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_hears_of_what_needs_him_and_of_nothing_else() {
        let at = DateTime::UNIX_EPOCH + Duration::days(100);
        let told = |state, after: i64| {
            let one = Standing {
                schedule: "import".to_owned(),
                date: Day::from_epoch(100),
                at,
                state,
                note: "no file".to_owned(),
            };
            let occasion = of_schedule(&one, Duration::minutes(30), at + Duration::minutes(after));
            occasion.map(|one| one.key.split(':').next().unwrap().to_owned())
        };
        for (state, after, expected) in [
            (State::Open, 30, None),
            (State::Open, 31, Some("late")),
            (State::DoneLate, 1, Some("late")),
            (State::Done, 500, None),
            (State::Held, 0, Some("held")),
            (State::Failed, 0, Some("failed")),
            (State::Missed, 0, Some("missed")),
        ] {
            assert_eq!(told(state, after).as_deref(), expected, "{state:?} {after}");
        }
    }
}

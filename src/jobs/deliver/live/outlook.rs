//! From what an answer means to what becomes of the message, and to what else has to be done.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::error;

use super::{Live, Parcel};
use crate::db::{Claimed, Ending, Outlook};
use crate::jobs::measures::{self, Concerned};
use crate::model::Channel;
use crate::rules::delivery::reaction::{Fate, Measure, Reaction, Timetable};
use crate::rules::delivery::retry::pause;

/// When a message that was given back through no fault of its own is taken up again.
const SOON: TimeDelta = TimeDelta::seconds(15);

/// An attempt that did not end in acceptance.
#[derive(Debug)]
pub(super) struct Setback {
    /// What it means.
    pub(super) reaction: Reaction,
    /// Whether the point of no return was passed before.
    pub(super) passed: bool,
    /// What was said, for people.
    pub(super) what: String,
    /// How long the other side asked to wait.
    pub(super) wait: Option<Duration>,
}

/// A process that stood still past the point of no return, longer than its lease lasts: others have
/// spoken about the message since, so it sends nothing any more.
pub(super) fn stood_still() -> Setback {
    Setback {
        reaction: Reaction::only(Fate::GiveBack),
        passed: true,
        what: "not sent: the process stood still for longer than its lease".to_owned(),
        wait: None,
    }
}

/// What becomes of a message after a setback.
pub(super) fn outlook(setback: &Setback, refusals: u32, key: &str, now: DateTime<Utc>) -> Outlook {
    let reason = setback.what.clone();
    let asked = setback.wait.and_then(|wait| TimeDelta::from_std(wait).ok());
    let at = |pause: TimeDelta| (now + pause.max(asked.unwrap_or_default())).timestamp_millis();
    let retry = |timetable| match pause(timetable, refusals + 1, key) {
        Some(pause) => Outlook::Retry {
            due_at: at(pause),
            reason: reason.clone(),
        },
        None => Outlook::Failed {
            reason: format!("given up after {} refusals: {reason}", refusals + 1),
        },
    };
    match setback.reaction.fate {
        Fate::Retry(timetable) => retry(timetable),
        Fate::Failed => Outlook::Failed { reason },
        Fate::GiveBack if setback.passed => retry(Timetable::Outage),
        Fate::GiveBack => Outlook::GiveBack {
            due_at: at(SOON),
            reason,
        },
        // Before the point of no return nothing can have left, whatever the channel thinks.
        Fate::Unknown | Fate::Accepted if !setback.passed => retry(Timetable::Mail),
        Fate::Unknown | Fate::Accepted => Outlook::Unknown { reason },
    }
}

impl Live {
    /// Records a setback of a message that was made.
    pub(super) async fn put_aside(&self, parcel: &Parcel, setback: Setback) {
        let prepared = &parcel.prepared;
        self.set_back(&parcel.claimed, &prepared.key, &prepared.address, setback)
            .await;
    }

    /// When something that could not be done now is tried again, in unix milliseconds.
    pub(super) fn soon_ms(&self) -> i64 {
        (self.app.clock.now() + SOON).timestamp_millis()
    }

    /// Records a setback and does what it asks for.
    pub(super) async fn set_back(
        &self,
        claimed: &Claimed,
        key: &str,
        address: &str,
        setback: Setback,
    ) {
        let now = self.app.clock.now();
        let outlook = outlook(&setback, claimed.refusals, key, now);
        let claim = claimed.claim;
        self.ledger.end(Ending { claim, outlook }).await;
        let channel = claimed.due.channel;
        let measure = setback.reaction.measure;
        let domain = super::domain_of(address);
        self.conditions.heed(channel, &domain, measure, now);
        let concerned = Concerned {
            message: claim.message,
            channel,
            hash: &self.app.key.hash(channel, address),
            phone: (channel == Channel::Whatsapp).then_some(address),
            campaign: &claimed.due.campaign,
            step: &claimed.due.step,
            source: "delivery",
            by: &self.owner,
        };
        match measures::take(&self.app, &concerned, measure, &setback.what).await {
            Ok(()) if measure == Measure::StopChannel => self.conditions.stop_is_written(channel),
            Ok(()) => {}
            Err(error) => {
                error!(%error, message = claim.message, "a measure could not be written");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fate: Fate, passed: bool, refusals: u32) -> Outlook {
        let setback = Setback {
            reaction: Reaction::only(fate),
            passed,
            what: "450 busy".to_owned(),
            wait: None,
        };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        outlook(&setback, refusals, "key", now)
    }

    #[test]
    fn a_refusal_is_tried_again_until_the_timetable_ends() {
        let mail = Fate::Retry(Timetable::Mail);
        assert!(matches!(of(mail, false, 0), Outlook::Retry { .. }));
        assert!(matches!(of(mail, true, 6), Outlook::Retry { .. }));
        let given_up = of(mail, false, 7);
        let Outlook::Failed { reason } = given_up else {
            panic!("{given_up:?}");
        };
        assert_eq!(reason, "given up after 8 refusals: 450 busy");
    }

    #[test]
    fn only_what_may_have_left_is_unknown() {
        assert!(matches!(
            of(Fate::Unknown, true, 0),
            Outlook::Unknown { .. }
        ));
        assert!(matches!(of(Fate::Unknown, false, 0), Outlook::Retry { .. }));
        assert!(matches!(
            of(Fate::GiveBack, false, 0),
            Outlook::GiveBack { .. }
        ));
        // Past the point of no return an attempt has been made: it counts.
        assert!(matches!(of(Fate::GiveBack, true, 0), Outlook::Retry { .. }));
    }

    #[test]
    fn the_other_side_may_ask_for_more_time() {
        let setback = Setback {
            reaction: Reaction::only(Fate::Retry(Timetable::Throughput)),
            passed: true,
            what: "429".to_owned(),
            wait: Some(Duration::from_hours(1)),
        };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let Outlook::Retry { due_at, .. } = outlook(&setback, 0, "key", now) else {
            panic!("not a retry");
        };
        assert!(due_at >= now.timestamp_millis() + 3_600_000);
    }
}

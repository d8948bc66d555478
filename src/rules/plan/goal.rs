//! Whether a client has done what a campaign is for.

use crate::config::campaign::{Campaign, GoalEvent, Trigger};
use crate::model::{ClientFacts, Day, DealStatus, Enrollment};

/// Whether the client has done what the campaign is for.
///
/// A silence ends with any purchase after it began, also with one that is heard of late. Other
/// occasions leave room for purchases before the client was taken in: somebody who once said no may
/// have bought other things all along.
pub fn goal_reached(campaign: &Campaign, enrollment: &Enrollment, facts: &ClientFacts) -> bool {
    let since = |day: Day| match campaign.trigger {
        Trigger::MissedCycle { .. } | Trigger::SecondPurchase {} => day >= enrollment.began_on,
        // The purchase that a thank-you answers is not the purchase that it hopes for.
        Trigger::Purchase {} | Trigger::DealWon {} | Trigger::FriendBought {} => {
            day > enrollment.began_on
        }
        _ => day >= enrollment.entered_on,
    };
    match campaign.goal.event {
        GoalEvent::Purchase => facts.last_purchase().is_some_and(since),
        GoalEvent::DealWon => facts
            .deals
            .iter()
            .any(|deal| deal.status == DealStatus::Won && deal.closed_on.is_some_and(since)),
        GoalEvent::None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Arm, Rhythm, RhythmDates};

    fn campaign(trigger: &str) -> Campaign {
        let text = format!(
            "id = \"c\"\ntitle = \"C\"\n[trigger]\non = \"{trigger}\"\n\
             [goal]\nevent = \"purchase\"\n\
             [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"a\"\n"
        );
        toml::from_str(&text).unwrap()
    }

    /// Began on day 100, entered on day 130; the last purchase as given.
    fn reached(trigger: &str, last_purchase: i32) -> bool {
        let day = Day::from_epoch;
        let enrollment = Enrollment {
            id: 1,
            campaign: "c".to_owned(),
            episode: "e".to_owned(),
            began_on: day(100),
            entered_on: day(130),
            arm: Arm::Treated,
            closed_on: None,
            touches: Vec::new(),
        };
        let rhythm = Rhythm {
            purchase_days: 4,
            first: day(1),
            last: day(last_purchase),
            weight: 1.0,
            sum_log: 1.0,
            sum_sq: 1.0,
        };
        let dates = RhythmDates {
            due: day(200),
            missed: day(210),
            asleep: day(220),
            lost: day(300),
        };
        let facts = ClientFacts {
            rhythm: Some((rhythm, dates)),
            ..ClientFacts::default()
        };
        goal_reached(&campaign(trigger), &enrollment, &facts)
    }

    #[test]
    fn what_counts_as_the_goal_depends_on_the_occasion() {
        for (trigger, last_purchase, expected) in [
            // He bought other things before he was asked again.
            ("rejection", 99, false),
            ("rejection", 115, false),
            ("rejection", 130, true),
            // A purchase that is heard of late ends a silence all the same.
            ("missed_cycle", 99, false),
            ("missed_cycle", 115, true),
            ("second_purchase", 115, true),
            // The purchase that is thanked for is not the goal.
            ("purchase", 100, false),
            ("purchase", 131, true),
        ] {
            let was = reached(trigger, last_purchase);
            assert_eq!(was, expected, "{trigger}, bought on day {last_purchase}");
        }
    }
}

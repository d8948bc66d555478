//! How ready a client is to buy: the latest word on need, money and urgency.

use crate::model::{Abc, ClientFacts, Day, Readiness, TouchKind};

/// What was heard last, from a deal or from a manager's outcome; of one day the manager counts.
pub fn latest(facts: &ClientFacts) -> Readiness {
    let of_deals = facts.deals.iter().map(|deal| {
        let day = deal.closed_on.or(deal.stage_since).or(deal.opened_on);
        (day.unwrap_or_default(), deal.readiness)
    });
    let touches = facts.enrollments.iter().flat_map(|one| &one.touches);
    let of_outcomes = touches.filter_map(|touch| match &touch.what {
        TouchKind::Task { outcome, .. } => outcome.as_ref(),
        TouchKind::Message { .. } => None,
    });
    let of_outcomes = of_outcomes.map(|outcome| (outcome.day, outcome.readiness));
    let known = of_deals.chain(of_outcomes);
    let known = known.filter(|(_, readiness)| readiness.class().is_some());
    // Of several with the same day the last one counts.
    let latest = known.max_by_key(|(day, _): &(Day, Readiness)| *day);
    latest.map(|(_, readiness)| readiness).unwrap_or_default()
}

/// The class of a client; nothing where nobody has asked.
pub fn class(facts: &ClientFacts) -> Option<Abc> {
    latest(facts).class()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Arm, Deal, DealStatus, Enrollment, Outcome, OutcomeKind, Touch};

    fn said(need: bool, money: bool, urgency: bool) -> Readiness {
        Readiness {
            need: Some(need),
            money: Some(money),
            urgency: Some(urgency),
        }
    }

    fn deal(closed: i32, readiness: Readiness) -> Deal {
        Deal {
            ext_id: "D".to_owned(),
            title: None,
            status: DealStatus::Lost,
            stage: None,
            stage_since: None,
            amount: None,
            opened_on: None,
            closed_on: Some(Day::from_epoch(closed)),
            reason: None,
            readiness,
            manager: None,
        }
    }

    fn told(day: i32, readiness: Readiness) -> Enrollment {
        let day = Day::from_epoch(day);
        let outcome = Outcome {
            readiness,
            ..Outcome::new(OutcomeKind::NoAnswer, day)
        };
        Enrollment {
            id: 1,
            campaign: "c".to_owned(),
            episode: "e".to_owned(),
            began_on: day,
            entered_on: day,
            arm: Arm::Treated,
            closed_on: None,
            touches: vec![Touch {
                step: "call".to_owned(),
                day,
                what: TouchKind::Task {
                    outcome: Some(outcome),
                    waits_since: None,
                },
            }],
        }
    }

    #[test]
    fn the_latest_word_counts_and_silence_is_none() {
        let mut facts = ClientFacts::default();
        assert_eq!(class(&facts), None);
        facts.deals = vec![
            deal(20, said(true, false, false)),
            deal(10, said(true, true, true)),
            deal(30, Readiness::default()),
        ];
        assert_eq!(class(&facts), Some(Abc::C));
        facts.enrollments = vec![told(20, said(true, true, false))];
        assert_eq!(class(&facts), Some(Abc::B));
    }
}

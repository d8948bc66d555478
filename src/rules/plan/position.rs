//! Where a client is in a campaign: derived from what was done, never kept in a cursor.

use crate::config::campaign::{Campaign, Step};
use crate::config::outcomes::{Letters, Outcomes};
use crate::config::settings::TaskSettings;
use crate::config::values::Span;
use crate::model::{Day, Outcome, OutcomeKind, Touch, TouchKind};

/// The name of the step that replaces `step` where its channel cannot reach the client.
pub(super) fn fallback_id(step: &Step) -> String {
    format!("{}-fallback", step.id)
}

/// Whether a touch was a message to an address at which nobody is.
pub(super) const fn is_in_vain(touch: &Touch) -> bool {
    matches!(touch.what, TouchKind::Message { in_vain: true, .. })
}

/// A step that is still to be taken, with the day from which it may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead<'a> {
    pub(super) step: &'a Step,
    pub(super) due: Day,
}

/// The steps after the last one that was taken, each with its day. A message that was in vain has
/// not been its step where a fallback can be: the step stays to be taken, by the fallback.
///
/// Distances count from the day of entry; a step that came late pushes the following ones, so that
/// the distance between two touches is never shorter than marketing wrote.
pub(super) fn ahead<'a>(
    campaign: &'a Campaign,
    entered_on: Day,
    touches: &[Touch],
    usual_gap_days: f64,
) -> Vec<Ahead<'a>> {
    let taken = |step: &Step| {
        let fallback = fallback_id(step);
        let counts = |touch: &&Touch| {
            touch.step == fallback
                || touch.step == step.id && !(step.fallback.is_some() && is_in_vain(touch))
        };
        touches.iter().rfind(counts)
    };
    let last = campaign
        .steps
        .iter()
        .rposition(|step| taken(step).is_some());
    let floor = last.and_then(|index| {
        let step = &campaign.steps[index];
        taken(step).map(|touch| touch.day.plus(-distance(step, usual_gap_days)))
    });
    let from = last.map_or(0, |index| index + 1);
    campaign.steps[from..]
        .iter()
        .map(|step| {
            let distance = distance(step, usual_gap_days);
            let due = entered_on.plus(distance);
            Ahead {
                step,
                due: floor.map_or(due, |floor| due.max(floor.plus(distance))),
            }
        })
        .collect()
}

/// The distance of a step from the day of entry, in days.
fn distance(step: &Step, usual_gap_days: f64) -> i32 {
    match step.after {
        None => 0,
        Some(Span::Days(days)) => days.count(),
        Some(Span::Cycles(cycles)) => (cycles * usual_gap_days).ceil() as i32,
    }
}

/// How a manager's outcome steers the rest of the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steering {
    /// The letters go on.
    GoOn,
    /// Nothing before this day.
    WaitUntil(Day),
    /// The campaign is over for the client.
    Stop,
}

/// Reads the steering from the latest outcome among the touches.
pub(super) fn steering(touches: &[Touch], rules: &Outcomes) -> Steering {
    let latest = touches
        .iter()
        .filter_map(outcome)
        .max_by_key(|outcome| outcome.day);
    let Some(outcome) = latest else {
        return Steering::GoOn;
    };
    match rules.letters(outcome.kind) {
        Letters::GoOn => Steering::GoOn,
        Letters::Stop => Steering::Stop,
        Letters::Wait => {
            let wait = rules.of(outcome.kind).wait;
            let until = outcome
                .until
                .or(wait.map(|wait| outcome.day.plus(wait.count())));
            until.map_or(Steering::GoOn, Steering::WaitUntil)
        }
    }
}

fn outcome(touch: &Touch) -> Option<&Outcome> {
    match &touch.what {
        TouchKind::Task { outcome, .. } => outcome.as_ref(),
        TouchKind::Message { .. } => None,
    }
}

/// What becomes of a task after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterOutcome {
    /// It is done.
    Done,
    /// It comes back on this day.
    Again(Day),
}

/// Decides what becomes of a task: "call me in March" and "nobody answered" bring it back.
pub fn after_outcome(outcome: &Outcome, attempts: u16, settings: &TaskSettings) -> AfterOutcome {
    match (outcome.kind, outcome.until) {
        (OutcomeKind::ComeBack, Some(until)) => AfterOutcome::Again(until),
        (OutcomeKind::NoAnswer, _) if attempts < settings.no_answer_retries => {
            AfterOutcome::Again(outcome.day.plus(settings.no_answer_pause.count()))
        }
        _ => AfterOutcome::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, Class};

    fn campaign() -> Campaign {
        toml::from_str(
            "id = \"c\"\ntitle = \"C\"\n[trigger]\non = \"missed_cycle\"\n\
             [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"a\"\n\
             [[step]]\nid = \"nudge\"\nafter = \"4d\"\nchannel = \"whatsapp\"\ntemplate = \"b\"\n\
             fallback = { channel = \"email\", template = \"c\" }\n\
             [[step]]\nid = \"call\"\nafter = \"1 cycle\"\ntask = \"call\"\nscript = \"s\"\n",
        )
        .unwrap()
    }

    fn sent(step: &str, day: i32) -> Touch {
        let what = TouchKind::Message {
            channel: Channel::Email,
            class: Class::Advertising,
            in_vain: false,
        };
        Touch {
            step: step.to_owned(),
            day: Day::from_epoch(day),
            what,
        }
    }

    fn due(touches: &[Touch]) -> Vec<(String, i32)> {
        let campaign = campaign();
        let ahead = ahead(&campaign, Day::from_epoch(100), touches, 9.5);
        ahead
            .iter()
            .map(|a| (a.step.id.clone(), a.due.epoch_days()))
            .collect()
    }

    fn days(expected: &[(&str, i32)]) -> Vec<(String, i32)> {
        expected
            .iter()
            .map(|(step, day)| ((*step).to_owned(), *day))
            .collect()
    }

    #[test]
    fn distances_count_from_the_day_of_entry() {
        assert_eq!(
            due(&[]),
            days(&[("letter", 100), ("nudge", 104), ("call", 110)])
        );
        assert_eq!(
            due(&[sent("letter", 100)]),
            days(&[("nudge", 104), ("call", 110)])
        );
    }

    #[test]
    fn a_late_step_pushes_the_following_ones() {
        assert_eq!(
            due(&[sent("letter", 103)]),
            days(&[("nudge", 107), ("call", 113)])
        );
    }

    #[test]
    fn a_fallback_counts_as_its_step() {
        assert_eq!(
            due(&[sent("letter", 100), sent("nudge-fallback", 104)]),
            days(&[("call", 110)])
        );
    }

    #[test]
    fn a_message_that_was_in_vain_leaves_its_step_to_the_fallback_and_no_other_to_itself() {
        let in_vain = |step: &str, day| {
            let mut touch = sent(step, day);
            touch.what = TouchKind::Message {
                channel: Channel::Whatsapp,
                class: Class::Advertising,
                in_vain: true,
            };
            touch
        };
        assert_eq!(
            due(&[sent("letter", 100), in_vain("nudge", 104)]),
            days(&[("nudge", 104), ("call", 110)])
        );
        let replaced = [
            sent("letter", 100),
            in_vain("nudge", 104),
            sent("nudge-fallback", 105),
        ];
        assert_eq!(due(&replaced), days(&[("call", 111)]));
        // Without a fallback there is nothing to be done about it, and nobody goes back.
        assert_eq!(
            due(&[in_vain("letter", 100)]),
            days(&[("nudge", 104), ("call", 110)])
        );
        assert_eq!(due(&[in_vain("nudge", 104), sent("call", 110)]), days(&[]));
    }

    #[test]
    fn outcomes_steer_the_letters() {
        steers("", |called| {
            let march = Day::from_epoch(200);
            let waits = Steering::WaitUntil(march);
            assert_eq!(called(OutcomeKind::ComeBack, Some(march)), waits);
            for kind in OutcomeKind::ALL.iter().copied() {
                let expected = match kind {
                    OutcomeKind::NoAnswer | OutcomeKind::WrongNumber | OutcomeKind::ComeBack => {
                        Steering::GoOn
                    }
                    _ => Steering::Stop,
                };
                assert_eq!(called(kind, None), expected, "{kind}");
            }
        });
    }

    #[test]
    fn the_company_decides_what_an_outcome_does_but_for_one() {
        let written = "rejection = { letters = \"wait\", wait = \"14d\" }\n\
                       wrong_number = { letters = \"stop\" }\n\
                       interested = { letters = \"go_on\" }\n\
                       do_not_contact = { letters = \"go_on\" }\n";
        steers(written, |called| {
            let in_two_weeks = Steering::WaitUntil(Day::from_epoch(119));
            assert_eq!(called(OutcomeKind::Rejection, None), in_two_weeks);
            assert_eq!(called(OutcomeKind::WrongNumber, None), Steering::Stop);
            assert_eq!(called(OutcomeKind::Interested, None), Steering::GoOn);
            assert_eq!(called(OutcomeKind::DoNotContact, None), Steering::Stop);
        });
    }

    /// What an outcome of day 105 does with these rules.
    fn steers(rules: &str, look: impl Fn(&dyn Fn(OutcomeKind, Option<Day>) -> Steering)) {
        let rules: Outcomes = toml::from_str(rules).unwrap();
        assert_eq!(steering(&[], &rules), Steering::GoOn);
        look(&|kind, until| {
            let day = Day::from_epoch(105);
            let outcome = Some(Outcome {
                until,
                ..Outcome::new(kind, day)
            });
            let what = TouchKind::Task {
                outcome,
                waits_since: None,
            };
            let touch = Touch {
                step: "call".to_owned(),
                day,
                what,
            };
            steering(&[touch], &rules)
        });
    }

    #[test]
    fn nobody_is_called_for_ever() {
        let settings = TaskSettings::default();
        let day = Day::from_epoch(10);
        let outcome = Outcome::new(OutcomeKind::NoAnswer, day);
        assert_eq!(
            after_outcome(&outcome, 1, &settings),
            AfterOutcome::Again(day.plus(1))
        );
        assert_eq!(after_outcome(&outcome, 3, &settings), AfterOutcome::Done);
    }
}

//! The script of a task on its page: every answer unfolds what to say then, or the outcome it leads to.

use serde::Serialize;

use super::desk::Desk;
use super::door::Signed;
use super::parts::frozen;
use super::task::{KindPart, kind_part};
use crate::db::TaskRow;
use crate::jobs::inputs;
use crate::model::OutcomeKind;
use crate::render::{Leads, ScriptLine};

/// A line of the script with its answers, and in each what comes then.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Line {
    /// What to say, in paragraphs.
    say: Vec<String>,
    answers: Vec<Answered>,
}

/// An answer: it leads to another line, back to one that stands above, or to an outcome.
#[derive(Debug, PartialEq, Serialize)]
struct Answered {
    words: String,
    line: Option<Line>,
    back: bool,
    outcome: Option<KindPart>,
}

/// The script of a task, unfolded from its first line.
pub(super) fn script(desk: &Desk, signed: &Signed, task: &TaskRow) -> Option<Line> {
    let app = desk.app();
    let locale = signed.person.locale;
    let frozen = frozen(app, locale, task)?;
    let mut campaigns = app.campaigns.iter();
    let campaign = campaigns.find(|campaign| campaign.id == task.campaign);
    let context = inputs::context(app, campaign, frozen, "");
    // A broken script is a problem that `check` reports; the call is made without it.
    let script = app
        .templates
        .render_script(&task.script, locale, &context)
        .ok()?;
    let first = script.lines.first()?;
    let form = |kind| kind_part(desk, signed, kind);
    Some(unfolded(first, &script.lines, &mut Vec::new(), &form))
}

/// A line with everything that its answers lead to; an answer that leads back to a line above is left
/// to the eye.
fn unfolded<'s>(
    line: &'s ScriptLine,
    lines: &'s [ScriptLine],
    above: &mut Vec<&'s str>,
    form: &impl Fn(OutcomeKind) -> KindPart,
) -> Line {
    above.push(&line.id);
    let answers = line.answers.iter().map(|answer| {
        let mut answered = Answered {
            words: answer.words.clone(),
            line: None,
            back: false,
            outcome: None,
        };
        match &answer.leads {
            Leads::Outcome(kind) => {
                let part = form(*kind);
                answered.outcome = Some(KindPart {
                    title: answer.words.clone(),
                    ..part
                });
            }
            Leads::Line(id) if above.contains(&id.as_str()) => answered.back = true,
            Leads::Line(id) => {
                let next = lines.iter().find(|line| line.id == *id);
                answered.line = next.map(|next| unfolded(next, lines, above, form));
            }
        }
        answered
    });
    let answers = answers.collect();
    above.pop();
    let paragraphs = line.say.split("\n\n").map(|one| one.trim().to_owned());
    Line {
        say: paragraphs.filter(|one| !one.is_empty()).collect(),
        answers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, say: &str, answers: &[(&str, Leads)]) -> ScriptLine {
        let answers = answers
            .iter()
            .map(|(words, leads)| crate::render::ScriptAnswer {
                words: (*words).to_owned(),
                leads: leads.clone(),
            });
        ScriptLine {
            id: id.to_owned(),
            say: say.to_owned(),
            answers: answers.collect(),
        }
    }

    #[test]
    fn a_script_unfolds_to_its_outcomes_and_does_not_turn_in_circles() {
        let to = |id: &str| Leads::Line(id.to_owned());
        let lines = [
            line(
                "start",
                "Hello.\n\nStill needed?",
                &[("yes", to("terms")), ("no", to("friend"))],
            ),
            line(
                "terms",
                "Terms?",
                &[("ready", Leads::Outcome(OutcomeKind::Interested))],
            ),
            line(
                "friend",
                "A friend?",
                &[("perhaps yes", to("terms")), ("again?", to("start"))],
            ),
        ];
        let form = |kind| KindPart {
            kind,
            title: String::new(),
            form: "tap",
        };
        let first = unfolded(&lines[0], &lines, &mut Vec::new(), &form);
        assert_eq!(first.say, ["Hello.", "Still needed?"]);
        let terms = first.answers[0].line.as_ref().unwrap();
        assert_eq!(terms.answers[0].outcome.as_ref().unwrap().title, "ready");
        let friend = first.answers[1].line.as_ref().unwrap();
        assert!(
            friend.answers[0].line.is_some(),
            "a line may be reached twice"
        );
        assert!(friend.answers[1].back && friend.answers[1].line.is_none());
    }
}

//! Scripts as managers walk them: lines to say, and for every answer the line or the outcome that
//! it leads to.
//!
//! A script is a template in plain text, and its structure is read after it was rendered, so that a
//! branch may depend on the client. What stands before the first `== name` is where it begins:
//!
//! ```text
//! Good morning! Is it still of interest?
//!
//! > Yes, it is -> terms
//! > Call me later => come_back
//!
//! == terms
//! What has changed since?
//!
//! > Ready to go on => interested
//! ```

use std::collections::BTreeSet;

use serde::Serialize;

use super::engine::Run;
use super::entry::{Body, Entry};
use super::problem::{RenderError, TemplateProblem};
use super::tidy::unwrapped;
use crate::model::{Locale, OutcomeKind};
use crate::rules::wording;

/// The name of the line with which every script begins.
pub const START: &str = "start";

/// One line of a script: what to say, and what may be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptLine {
    /// Names the line; the first one is `start`.
    pub id: String,
    /// What to say, in paragraphs.
    pub say: String,
    /// What the client may answer; empty where the line leads nowhere by itself.
    pub answers: Vec<ScriptAnswer>,
}

/// What a client may answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptAnswer {
    /// The answer.
    pub words: String,
    /// What comes then.
    pub leads: Leads,
}

/// Where an answer leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leads {
    /// To another line, by name.
    Line(String),
    /// To the end, with this outcome.
    Outcome(OutcomeKind),
}

/// What is wrong with the structure of a script, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) what: String,
    pub(super) hint: String,
}

/// Text that came from outside, as it may stand in a script: it makes no answer and no line.
pub(super) fn harmless(text: &str) -> String {
    let lines = text.lines().map(|line| match line.as_bytes().first() {
        Some(b'>' | b'=') => format!("| {line}"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The structure of a script as it came out for one client.
pub(super) fn lines_of(run: &Run<'_>, entry: &Entry) -> Result<Vec<ScriptLine>, RenderError> {
    let Body::Script { text } = &entry.body else {
        return Err(run.empty("the text"));
    };
    let text = run.not_empty(unwrapped(&run.text(text)?), "the text")?;
    read(&text).map_err(|broken| {
        let problem = TemplateProblem::of_file(&entry.file, broken.what).mend(broken.hint);
        RenderError::Failed(Box::new(problem))
    })
}

/// Reads the structure of a rendered script.
pub(super) fn read(text: &str) -> Result<Vec<ScriptLine>, Broken> {
    let mut lines = vec![empty_line(START)];
    for raw in text.lines() {
        if let Some(id) = raw.strip_prefix("== ") {
            let id = id.trim();
            if lines.iter().any(|line| line.id == id) {
                return Err(Broken {
                    what: format!("two lines of the script are called \"{id}\""),
                    hint: "give each == line a name of its own".to_owned(),
                });
            }
            lines.push(empty_line(id));
            continue;
        }
        let Some(line) = lines.last_mut() else {
            continue;
        };
        if let Some(answer) = raw.strip_prefix("> ") {
            line.answers.push(read_answer(answer)?);
        } else {
            line.say.push_str(raw);
            line.say.push('\n');
        }
    }
    for line in &mut lines {
        line.say = line.say.trim().to_owned();
    }
    leads_somewhere(&lines)?;
    Ok(lines)
}

fn empty_line(id: &str) -> ScriptLine {
    ScriptLine {
        id: id.to_owned(),
        say: String::new(),
        answers: Vec::new(),
    }
}

fn read_answer(raw: &str) -> Result<ScriptAnswer, Broken> {
    let hint = "write > answer -> line, or > answer => outcome".to_owned();
    let (words, leads) = if let Some((words, word)) = raw.rsplit_once("=>") {
        let kind: OutcomeKind = word.trim().parse().map_err(|error| Broken {
            what: format!("{error}"),
            hint: hint.clone(),
        })?;
        (words, Leads::Outcome(kind))
    } else if let Some((words, line)) = raw.rsplit_once("->") {
        (words, Leads::Line(line.trim().to_owned()))
    } else {
        return Err(Broken {
            what: format!("the answer \"{}\" leads nowhere", raw.trim()),
            hint,
        });
    };
    Ok(ScriptAnswer {
        words: words.trim().to_owned(),
        leads,
    })
}

/// Every answer leads to a line that exists, and every line is led to.
fn leads_somewhere(lines: &[ScriptLine]) -> Result<(), Broken> {
    let mut reached = BTreeSet::from([START]);
    for answer in lines.iter().flat_map(|line| &line.answers) {
        let Leads::Line(to) = &answer.leads else {
            continue;
        };
        if !lines.iter().any(|line| line.id == *to) {
            return Err(Broken {
                what: format!("\"{}\" leads to \"{to}\", which is no line", answer.words),
                hint: format!("add == {to}, or lead somewhere else"),
            });
        }
        reached.insert(to);
    }
    let lost = lines
        .iter()
        .find(|line| !reached.contains(line.id.as_str()));
    lost.map_or(Ok(()), |line| {
        Err(Broken {
            what: format!("nothing leads to the line \"{}\"", line.id),
            hint: format!("add > answer -> {}", line.id),
        })
    })
}

/// The script as one text, for letters: lines are numbered, and answers name the number.
pub(super) fn as_text(lines: &[ScriptLine], locale: Locale) -> String {
    let number = |id: &str| {
        lines
            .iter()
            .position(|line| line.id == id)
            .unwrap_or_default()
            + 1
    };
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            text.push_str(&format_head(n + 1));
        }
        text.push_str(&line.say);
        text.push('\n');
        if !line.answers.is_empty() {
            text.push('\n');
        }
        for answer in &line.answers {
            let then = match &answer.leads {
                Leads::Line(id) => number(id).to_string(),
                Leads::Outcome(kind) => wording::outcome(locale, *kind).to_lowercase(),
            };
            text.push_str("- ");
            text.push_str(&answer.words);
            text.push_str(" → ");
            text.push_str(&then);
            text.push('\n');
        }
    }
    text
}

fn format_head(n: usize) -> String {
    format!("\n{n}. ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "Good morning!\nStill of interest?\n\n> Yes -> terms\n> Later => come_back\n\
                          == terms\nWhat has changed?\n> Ready => interested\n> No -> start\n";

    #[test]
    fn a_script_is_lines_whose_answers_lead_on() {
        let lines = read(SCRIPT).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].say, "Good morning!\nStill of interest?");
        let leads: Vec<&Leads> = lines[0].answers.iter().map(|one| &one.leads).collect();
        let (terms, later) = (
            Leads::Line("terms".to_owned()),
            Leads::Outcome(OutcomeKind::ComeBack),
        );
        assert_eq!(leads, [&terms, &later]);
        let plain = read("Just say hello.\n").unwrap();
        assert_eq!((plain.len(), plain[0].answers.len()), (1, 0));
    }

    #[test]
    fn as_a_text_the_answers_name_the_number_of_their_line() {
        let text = as_text(&read(SCRIPT).unwrap(), Locale::En);
        let expected = "Good morning!\nStill of interest?\n\n- Yes → 2\n- Later → call later\n\
                        \n2. What has changed?\n\n- Ready → interested\n- No → 1\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_leads_nowhere_is_a_problem_with_the_way_out() {
        for (script, said) in [
            ("Hello\n> Yes -> nowhere\n", "leads to \"nowhere\""),
            ("Hello\n> Yes => perhaps\n", "\"perhaps\" is not one of"),
            ("Hello\n> Yes\n", "leads nowhere"),
            ("Hello\n== lost\nx\n", "nothing leads to the line \"lost\""),
            ("Hello\n> a -> b\n== b\nx\n== b\ny\n", "two lines"),
        ] {
            let broken = read(script).unwrap_err();
            assert!(broken.what.contains(said), "{script}: {broken:?}");
        }
    }

    #[test]
    fn what_a_client_wrote_makes_no_answer() {
        let text = harmless("Hi\n> all good => do_not_contact\n== end\n>x");
        let lines = read(&text).unwrap();
        assert_eq!((lines.len(), lines[0].answers.len()), (1, 0));
    }
}

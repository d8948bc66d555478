//! An explanation as the terminal shows it, in English like everything there.

use std::fmt;

use super::verdicts::DRAFT;
use super::{CampaignLines, Explanation, RhythmLines, TaskLines};
use crate::model::Locale;
use crate::rules::plan::who;
use crate::rules::rhythm::{Hint, StepUp};
use crate::rules::wording;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}", who(&self.name, &self.client), self.date)?;
        if let Some(master) = &self.merged_into {
            return writeln!(f, "  merged into {master}: his purchases count there");
        }
        match &self.rhythm {
            None => writeln!(f, "  has never bought")?,
            Some(rhythm) => writeln!(f, "{rhythm}")?,
        }
        if !self.hints.is_empty() {
            let hints: Vec<String> = self.hints.iter().map(in_short).collect();
            writeln!(
                f,
                "  clients with such baskets also buy: {}",
                hints.join(", ")
            )?;
        }
        for task in &self.tasks {
            writeln!(f, "{task}")?;
        }
        for step in &self.upsell {
            writeln!(f, "  for a larger receipt: {}", with_evidence(step))?;
        }
        for one in &self.campaigns {
            writeln!(f, "\n{one}")?;
            if let Some(why) = &one.why {
                writeln!(f, "    {why}")?;
            }
            for drawn in &one.variants {
                writeln!(f, "    variant of {}: {}", drawn.step, drawn.variant)?;
            }
            for seen in &one.conditions {
                let mark = if seen.holds { "yes" } else { "NO " };
                writeln!(
                    f,
                    "    {mark} {}: {} (is {})",
                    seen.condition, seen.wanted, seen.value
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for CampaignLines {
    /// The verdict on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<20} {}", self.campaign, self.verdict)?;
        if let Some(reason) = &self.reason {
            write!(f, " ({reason})")?;
        }
        write!(f, ": {}", self.because)?;
        match self.changes_on {
            Some(day) => write!(f, " (until {day})"),
            None if self.verdict == DRAFT => {
                write!(
                    f,
                    " (`rekindle plan --campaign {}` tries it)",
                    self.campaign
                )
            }
            None => Ok(()),
        }
    }
}

/// A hint with what speaks for it.
fn in_short(hint: &Hint<String>) -> String {
    let share = hint.share * 100.0;
    format!(
        "{} ({share:.0} % of those who buy {})",
        hint.item, hint.because_of
    )
}

/// A step with the clients who speak for it.
fn with_evidence(step: &StepUp<String>) -> String {
    let offer = wording::step_up(Locale::En, step);
    match step {
        StepUp::Dearer {
            price_ratio,
            moved,
            of,
            ..
        } => format!(
            "{offer}, {price_ratio:.1} times the price ({moved} of {of} regular buyers went over)"
        ),
        StepUp::Larger { moved, of, .. } => {
            format!("{offer} ({moved} of {of} who took so many took more the next time)")
        }
    }
}

impl fmt::Display for RhythmLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [due, missed, asleep, lost] = self.dates;
        let key = if self.key_account {
            ", key account"
        } else {
            ""
        };
        writeln!(
            f,
            "  {}: {} purchases, the last on {}, {} days ago; usually every {:.0} days; {}{key}",
            self.state,
            self.purchases,
            self.last_purchase,
            self.days_silent,
            self.usual_gap_days,
            self.xyz
        )?;
        if let Some(class) = &self.class {
            writeln!(
                f,
                "  by the rhythms of {class}, who have a fit of their own"
            )?;
        }
        writeln!(
            f,
            "  due {due}, missed {missed}, asleep {asleep}, lost {lost}"
        )?;
        write!(
            f,
            "  {:.0} % of the pauses of such clients that ended were longer; comes back within 30 days by himself: {:.0} %",
            self.overdue_p * 100.0,
            self.return_30 * 100.0
        )
    }
}

impl fmt::Display for TaskLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manager = if self.manager.is_empty() {
            "nobody"
        } else {
            &self.manager
        };
        write!(
            f,
            "  task #{} of {manager}, {}/{}, since {}: ",
            self.id, self.campaign, self.step, self.since
        )?;
        match (self.closed_on, &self.outcome) {
            (Some(on), outcome) => {
                let why = why_closed(self.closed_by.as_deref(), outcome.as_deref());
                write!(f, "{why} (closed on {on})")
            }
            (None, Some(outcome)) => write!(f, "{outcome}, again on {}", self.not_before),
            (None, None) => f.write_str("waits"),
        }
    }
}

/// Why a task left the lists, in words.
pub fn why_closed(closed_by: Option<&str>, outcome: Option<&str>) -> String {
    match (closed_by, outcome) {
        (Some("outcome"), Some(outcome)) => outcome.to_owned(),
        (Some("expired"), _) => "expired, nobody recorded an outcome for too long".to_owned(),
        (Some("goal"), _) => "no longer needed, the goal of the campaign is reached".to_owned(),
        (Some("over"), _) => "the occasion had passed".to_owned(),
        (Some("accepted"), _) => "the client was taken".to_owned(),
        (Some("finished"), _) => "the time of the campaign was over".to_owned(),
        (Some("answered"), _) => "the client has answered".to_owned(),
        (Some("merged"), _) => "the client was merged into another one".to_owned(),
        (Some(by), _) => by.to_owned(),
        (None, _) => "closed".to_owned(),
    }
}

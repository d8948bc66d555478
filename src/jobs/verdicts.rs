//! What the campaigns decide about one client, in words.

use std::fmt;

use serde::Serialize;

use crate::app::App;
use crate::config::Campaign;
use crate::config::campaign::CampaignStatus;
use crate::model::{ClientFacts, Day};
use crate::rules::plan::{Block, ClientPlan, Decision, Resting, Verdict, decide};
use crate::rules::variant;

use super::day::Ground;

/// What one campaign decides.
#[derive(Clone, Debug, Serialize)]
pub struct CampaignLines {
    /// The campaign.
    pub campaign: String,
    /// One word: `enters`, `skipped`, `no_occasion` ...
    pub verdict: &'static str,
    /// The verdict in a sentence.
    pub because: String,
    /// The day on which the verdict would change by itself, where that is known.
    pub changes_on: Option<Day>,
    /// What started it, in a sentence.
    pub why: Option<String>,
    /// The conditions of the audience.
    pub conditions: Vec<crate::rules::audience::Seen>,
    /// Which form of each step that has several the draw gives to the client.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<StepVariant>,
}

/// The form of a step that a client gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepVariant {
    /// The step.
    pub step: String,
    /// The form.
    pub variant: String,
}

/// Every campaign about one client: those that take part, then those that rest.
pub(super) fn lines(app: &App, ground: &Ground<'_>, facts: &ClientFacts) -> Vec<CampaignLines> {
    let plan = decide(&ground.frame(), facts);
    let verdicts = plan.verdicts.iter();
    let mut lines: Vec<CampaignLines> = verdicts
        .map(|verdict| of_verdict(app, ground, &plan, verdict))
        .collect();
    let others = app.campaigns.iter().filter(|campaign| {
        let mut verdicts = plan.verdicts.iter();
        !verdicts.any(|verdict| verdict.campaign == campaign.id)
    });
    lines.extend(others.map(|campaign| at_rest(campaign, ground.resting())));
    for one in &mut lines {
        one.variants = variants(app, &one.campaign, &facts.client.ext_id);
    }
    lines
}

fn of_verdict(
    app: &App,
    ground: &Ground<'_>,
    plan: &ClientPlan,
    verdict: &Verdict,
) -> CampaignLines {
    let (word, because, changes_on) = in_words(&verdict.decision);
    let mut because = because;
    // Of several campaigns that want the client, one gets him.
    if let Some(winner) = winner(ground, plan)
        && winner != verdict.campaign
        && wants_a_touch(ground, plan, &verdict.campaign)
    {
        because = format!("{because}, but \"{winner}\" has a higher priority today");
    }
    CampaignLines {
        campaign: verdict.campaign.clone(),
        verdict: word,
        because,
        changes_on,
        why: verdict
            .evidence
            .as_ref()
            .map(|evidence| evidence.sentence(app.locale(), app.currency())),
        conditions: verdict.conditions.clone(),
        variants: Vec::new(),
    }
}

/// A campaign that takes no part: paused or ended by a person, or a draft.
fn at_rest(campaign: &Campaign, resting: &[Resting]) -> CampaignLines {
    let rest = resting.iter().find(|one| one.id == campaign.id);
    let (verdict, because) = match rest {
        Some(rest) => (rest.state, rest.because.clone()),
        None => (
            "draft",
            format!("`rekindle plan --campaign {}` tries it", campaign.id),
        ),
    };
    CampaignLines {
        campaign: campaign.id.clone(),
        verdict,
        because,
        changes_on: None,
        why: None,
        conditions: Vec::new(),
        variants: Vec::new(),
    }
}

/// The forms of the steps of a campaign that a client gets.
fn variants(app: &App, campaign: &str, client: &str) -> Vec<StepVariant> {
    let steps = app.campaign(campaign).into_iter();
    let steps = steps.flat_map(|one| &one.steps);
    let drawn = steps.filter_map(|step| {
        let variant = variant::of_client(campaign, &step.id, client, &step.variants)?;
        Some(StepVariant {
            step: step.id.clone(),
            variant: variant.id.clone(),
        })
    });
    drawn.collect()
}

fn wants_a_touch(ground: &Ground<'_>, plan: &ClientPlan, campaign: &str) -> bool {
    plan.candidates.iter().any(|candidate| {
        candidate.touch.is_some()
            && ground.frame().campaigns[candidate.campaign].campaign.id == campaign
    })
}

/// The campaign that gets the client today.
fn winner(ground: &Ground<'_>, plan: &ClientPlan) -> Option<String> {
    let frame = ground.frame();
    let with_touch = plan
        .candidates
        .iter()
        .filter(|candidate| candidate.touch.is_some());
    let best = with_touch.min_by_key(|candidate| {
        let campaign = frame.campaigns[candidate.campaign].campaign;
        (
            candidate.is_backlog(),
            std::cmp::Reverse(campaign.priority),
            candidate.campaign,
        )
    });
    best.map(|candidate| frame.campaigns[candidate.campaign].campaign.id.clone())
}

/// The word, the sentence and the day of change of a decision.
fn in_words(decision: &Decision) -> (&'static str, String, Option<Day>) {
    match decision {
        Decision::NotRunning(CampaignStatus::Paused) => {
            ("paused", "its file says so".to_owned(), None)
        }
        Decision::NotRunning(_) => ("not_running", "the campaign does not run".to_owned(), None),
        Decision::OutOfSeason => (
            "out_of_season",
            "the campaign takes nobody in on this day".to_owned(),
            None,
        ),
        Decision::NoOccasion { because, on } => ("no_occasion", because.clone(), *on),
        Decision::Done { episode } => ("done", format!("{episode} has been dealt with"), None),
        Decision::Skipped(Block { reason, until }) => ("skipped", reason.to_string(), *until),
        Decision::InBacklog => (
            "backlog",
            "the occasion is older than the campaign".to_owned(),
            None,
        ),
        Decision::Enters { step: Some(step) } => {
            ("enters", format!("enters with step {step}"), None)
        }
        Decision::Enters { step: None } => (
            "enters",
            "enters; the first step comes later".to_owned(),
            None,
        ),
        Decision::Continues {
            step: Some(step), ..
        } => ("continues", format!("step {step} is taken"), None),
        Decision::Continues { step: None, next } => {
            ("continues", "no step is due".to_owned(), *next)
        }
        Decision::Leaves(by) => ("leaves", format!("leaves: {}", by.word()), None),
    }
}

impl fmt::Display for CampaignLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n{:<20} {}: {}",
            self.campaign, self.verdict, self.because
        )?;
        match self.changes_on {
            Some(day) => writeln!(f, " (until {day})")?,
            None => writeln!(f)?,
        }
        if let Some(why) = &self.why {
            writeln!(f, "    {why}")?;
        }
        for drawn in &self.variants {
            writeln!(f, "    variant of {}: {}", drawn.step, drawn.variant)?;
        }
        for seen in &self.conditions {
            let mark = if seen.holds { "yes" } else { "NO " };
            writeln!(
                f,
                "    {mark} {}: {} (is {})",
                seen.condition, seen.wanted, seen.value
            )?;
        }
        Ok(())
    }
}

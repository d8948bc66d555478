//! What the campaigns decide about one client.

use serde::Serialize;

use crate::app::App;
use crate::config::Campaign;
use crate::model::{ClientFacts, Day, Locale};
use crate::rules::audience::Seen;
use crate::rules::plan::{Candidate, ClientPlan, Decision, Resting, Verdict, decide};
use crate::rules::variant;
use crate::rules::wording;

use super::super::day::Ground;

/// The verdict about a campaign that marketing is still writing.
pub(super) const DRAFT: &str = "draft";

/// What one campaign decides.
#[derive(Clone, Debug, Serialize)]
pub struct CampaignLines {
    /// The campaign.
    pub campaign: String,
    /// One word: `enters`, `skipped`, `no_occasion` ...
    pub verdict: &'static str,
    /// The verdict in a phrase.
    pub because: String,
    /// Why a client who was wanted is skipped: the stable word of the plan's counts.
    pub reason: Option<String>,
    /// The day on which the verdict would change by itself, where that is known.
    pub changes_on: Option<Day>,
    /// What started it, in a sentence.
    pub why: Option<String>,
    /// The conditions of the audience.
    pub conditions: Vec<ConditionLines>,
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

/// What was seen of one condition of an audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConditionLines {
    /// The key of the condition: `purchases`, `tags`.
    pub condition: String,
    /// What people call it.
    pub title: String,
    /// What is asked for: `at least 3`.
    pub wanted: String,
    /// What the client has: `2`.
    pub value: String,
    /// Whether the condition holds.
    pub holds: bool,
}

impl ConditionLines {
    fn of(seen: &Seen, locale: Locale) -> Self {
        Self {
            condition: seen.condition.clone(),
            title: wording::condition(locale, &seen.condition),
            wanted: seen.wanted(locale),
            value: seen.value(locale),
            holds: seen.holds,
        }
    }
}

/// Every campaign about one client: those that take part, then those that rest.
pub(super) fn lines(
    ground: &Ground<'_>,
    facts: &ClientFacts,
    locale: Locale,
) -> Vec<CampaignLines> {
    let app = ground.app();
    let plan = decide(&ground.frame(), facts);
    let verdicts = plan.verdicts.iter();
    let mut lines: Vec<CampaignLines> = verdicts
        .map(|verdict| of_verdict(ground, &plan, verdict, locale))
        .collect();
    let others = app.campaigns.iter().filter(|campaign| {
        let mut verdicts = plan.verdicts.iter();
        !verdicts.any(|verdict| verdict.campaign == campaign.id)
    });
    lines.extend(others.map(|campaign| at_rest(campaign, ground.resting(), locale)));
    for one in &mut lines {
        one.variants = variants(app, &one.campaign, &facts.client.ext_id);
    }
    lines
}

/// A campaign that takes no part: paused or ended by a person, or a draft.
fn at_rest(campaign: &Campaign, resting: &[Resting], locale: Locale) -> CampaignLines {
    let rest = resting.iter().find(|one| one.id == campaign.id);
    let (verdict, because) = match (rest, locale) {
        (Some(rest), _) => (rest.state, rest.because.clone()),
        (None, Locale::Ru) => (DRAFT, "черновик: никого не берёт".to_owned()),
        (None, Locale::En) => (DRAFT, "a draft takes nobody in".to_owned()),
    };
    CampaignLines {
        campaign: campaign.id.clone(),
        verdict,
        because,
        reason: None,
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

fn of_verdict(
    ground: &Ground<'_>,
    plan: &ClientPlan,
    verdict: &Verdict,
    locale: Locale,
) -> CampaignLines {
    let (app, decision) = (ground.app(), &verdict.decision);
    let mut because = decision.phrase(locale);
    // Of several campaigns that want the client, one gets him.
    if let Some(winner) = winner(ground, plan)
        && winner.id != verdict.campaign
        && wants_a_touch(ground, plan, &verdict.campaign)
    {
        because = match locale {
            Locale::Ru => format!("{because}, но сегодня важнее «{}»", winner.title),
            Locale::En => {
                format!(
                    "{because}, but \"{}\" has a higher priority today",
                    winner.title
                )
            }
        };
    }
    let (reason, changes_on) = match decision {
        Decision::Skipped(block) => (Some(block.reason.to_string()), block.until),
        Decision::NoOccasion { on, .. } => (None, *on),
        Decision::Continues { step: None, next } => (None, *next),
        _ => (None, None),
    };
    let evidence = verdict.evidence.as_ref();
    let conditions = verdict.conditions.iter();
    CampaignLines {
        campaign: verdict.campaign.clone(),
        verdict: decision.word(),
        because,
        reason,
        changes_on,
        why: evidence.map(|evidence| evidence.sentence(locale, app.currency())),
        conditions: conditions
            .map(|seen| ConditionLines::of(seen, locale))
            .collect(),
        variants: Vec::new(),
    }
}

fn wants_a_touch(ground: &Ground<'_>, plan: &ClientPlan, campaign: &str) -> bool {
    plan.candidates.iter().any(|candidate| {
        candidate.touch.is_some()
            && ground.frame().campaigns[candidate.campaign].campaign.id == campaign
    })
}

/// The campaign that gets the client today.
fn winner<'g>(ground: &'g Ground<'_>, plan: &ClientPlan) -> Option<&'g Campaign> {
    let frame = ground.frame();
    let campaign_of = |candidate: &Candidate| frame.campaigns[candidate.campaign].campaign;
    let with_touch = plan
        .candidates
        .iter()
        .filter(|candidate| candidate.touch.is_some());
    let best = with_touch.min_by_key(|candidate| {
        (
            candidate.is_backlog(),
            std::cmp::Reverse(campaign_of(candidate).priority),
            candidate.campaign,
        )
    });
    best.map(campaign_of)
}

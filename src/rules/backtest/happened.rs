//! What the replay did with a client on a day, and what came of it.
//!
//! Nobody got anything in the past, so whoever came back came by himself. Sums are of whole
//! numbers: they do not depend on the order of the clients, and what was counted can be taken off
//! again.

use crate::model::{Arm, Channel, Day};
use crate::rules::plan::{Action, Candidate, Touched, reachable};
use crate::rules::standing::Standing;

use super::past::Past;
use super::scene::Scene;

/// What a day brought for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) day: Day,
    /// The client entered the campaign.
    pub(super) chosen: Option<Chosen>,
    /// A step was taken.
    pub(super) step: Option<StepTaken>,
}

/// A step that was taken with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StepTaken {
    /// The client would have been held out.
    pub(super) held_out: bool,
    /// The channel of a message, and whether it could lawfully be sent today; `None` for a task.
    pub(super) message: Option<(Channel, bool)>,
}

/// A client who was chosen, with what came of his silence.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that is counted"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The silence was older than the campaign.
    pub(super) backlog: bool,
    /// The client had been chosen before in the period.
    pub(super) again: bool,
    /// Whether he bought within the time of the goal; `None` when the data ends before.
    pub(super) came_back: Option<bool>,
    /// The foreseen chance of that, in millionths.
    pub(super) foreseen_parts: i64,
    /// How the silence ended.
    pub(super) fate: Fate,
    /// He had bought already, which became known later.
    pub(super) had_bought: bool,
    /// Days of silence when he was chosen.
    pub(super) silent_days: i64,
    /// The same in thousandths of his usual gap.
    pub(super) cycles_parts: i64,
    /// Value at risk, minor units a year.
    pub(super) value: i64,
    /// A campaign really did something with him in the time of the goal.
    pub(super) really_touched: bool,
}

/// How a silence ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// By a purchase before the client would have counted as lost: a false alarm.
    Ended,
    /// The client was silent until he counted as lost.
    Lapsed,
    /// The data ends before that is known.
    #[default]
    Open,
}

impl Fate {
    /// The fate of a silence by the next purchase and the day on which the client counts as lost.
    pub(super) fn of(next_purchase: Option<Day>, lost_on: Day, data_until: Day) -> Self {
        match next_purchase {
            Some(next) if next <= lost_on => Self::Ended,
            _ if data_until >= lost_on => Self::Lapsed,
            _ => Self::Open,
        }
    }
}

/// What the acceptance of a candidate means, seen from today.
pub(super) fn happened(
    scene: &Scene<'_>,
    past: &Past,
    candidate: &Candidate,
    standing: &Standing,
    times_chosen: usize,
    day: Day,
) -> Happened {
    let chosen = candidate.entry.as_ref().map(|entry| Chosen {
        backlog: entry.backlog,
        again: times_chosen > 1,
        ..seen_from_today(scene, past, standing, day)
    });
    Happened {
        day,
        chosen,
        step: candidate
            .touch
            .as_ref()
            .map(|touch| step_taken(scene, past, touch)),
    }
}

fn seen_from_today(scene: &Scene<'_>, past: &Past, standing: &Standing, day: Day) -> Chosen {
    let within = scene.campaign.goal.within.count();
    let (goal_until, data_until) = (day.plus(within), scene.period.data_until);
    let next = past.next_purchase_after(standing.last_purchase);
    // Early returns of a window that is not over yet would make a share of returns alone.
    let came_back = (data_until >= goal_until).then(|| next.is_some_and(|next| next <= goal_until));
    let gap = standing.law.usual_gap_days().max(1.0);
    Chosen {
        came_back,
        foreseen_parts: parts(standing.returns_within(f64::from(within)), 1e6),
        fate: Fate::of(next, standing.dates.lost, data_until),
        had_bought: next.is_some_and(|next| next <= day),
        silent_days: i64::from(standing.days_silent),
        cycles_parts: parts(f64::from(standing.days_silent) / gap, 1e3),
        value: standing.value_at_risk,
        really_touched: really_touched(past, day, goal_until),
        ..Chosen::default()
    }
}

/// A number in whole parts of a unit.
pub(super) fn parts(number: f64, parts_of_one: f64) -> i64 {
    (number * parts_of_one).round() as i64
}

/// Whether a campaign of the company really did something with the client in a stretch of days.
fn really_touched(past: &Past, from: Day, to: Day) -> bool {
    let enrollments = past.facts.enrollments.iter();
    let treated = enrollments.filter(|enrollment| enrollment.arm == Arm::Treated);
    treated
        .flat_map(|enrollment| &enrollment.touches)
        .any(|touch| (from..=to).contains(&touch.day))
}

fn step_taken(scene: &Scene<'_>, past: &Past, touch: &Touched) -> StepTaken {
    let message = match &touch.action {
        Action::Message(message) => {
            let (channel, class) = (message.channel, message.class);
            let today = reachable(&past.facts, scene.company, channel, class);
            Some((channel, today.is_ok()))
        }
        Action::Task(_) => None,
    };
    StepTaken {
        held_out: touch.arm == Arm::Holdout,
        message,
    }
}

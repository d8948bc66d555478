//! One step taken with one client: a message or a task, and whether it is possible at all.

use crate::config::campaign::{Campaign, CertificateOffer, Condition, Invited, Step, Trigger};
use crate::model::{
    Abc, Arm, Channel, Class, ClientFacts, Day, OnUnknown, TaskKind, Touch, TouchKind,
};

use super::Frame;
use super::gates::{may_be_called, no_task_is_open, not_just_bought, reachable, under_the_cap};
use super::position::{fallback_id, is_in_vain};
use super::verdict::{Block, Reason};
use crate::rules::evidence::Evidence;
use crate::rules::readiness;
use crate::rules::staff::Wanted;
use crate::rules::trigger::Episode;
use crate::rules::variant;

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Writes to the client.
    Message(PlannedMessage),
    /// Asks a person to do something.
    Task(PlannedTask),
}

impl Action {
    /// The action as the story of a client tells it; `waits_since` where a task waits for its outcome.
    pub(in crate::rules) fn kind(&self, waits_since: Option<Day>) -> TouchKind {
        match self {
            Self::Message(message) => TouchKind::Message {
                channel: message.channel,
                class: message.class,
                in_vain: false,
            },
            Self::Task(_) => TouchKind::Task {
                outcome: None,
                waits_since,
            },
        }
    }
}

/// A message that a plan wants to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedMessage {
    /// The way it goes.
    pub channel: Channel,
    /// The template.
    pub template: String,
    /// What it is in the eyes of the law.
    pub class: Class,
    /// The address at the time of planning.
    pub address: String,
    /// The certificate that it carries.
    pub certificate: Option<CertificateOffer>,
    /// What happens when nobody knows whether it was sent.
    pub on_unknown: OnUnknown,
    /// Which form of its step, where there are several.
    pub variant: Option<String>,
}

/// A task that a plan wants a person to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// The manager, by the id that clients refer to; empty when nobody is named.
    pub manager: String,
    /// What to do.
    pub kind: TaskKind,
    /// What to say: a template in `scripts`.
    pub script: String,
    /// Stands before everything else, whatever the capacity: the client is ready to buy.
    pub urgent: bool,
    /// For a hand-over: who tells the story and has a task of his own.
    pub from: Option<String>,
}

/// A step taken with a client today.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    /// The campaign.
    pub campaign: String,
    /// The occasion.
    pub episode: String,
    /// The step, or its fallback.
    pub step: String,
    /// Held-out clients are touched on paper only.
    pub arm: Arm,
    /// Why, in numbers.
    pub evidence: Evidence,
    /// What is at stake, in minor units.
    pub value: i64,
    /// What the step does.
    pub action: Action,
}

impl Touched {
    /// The touch as the story of the client will tell it.
    pub(super) fn on(&self, day: Day) -> Touch {
        let waits_since = (self.arm == Arm::Treated).then_some(day);
        Touch {
            step: self.step.clone(),
            day,
            what: self.action.kind(waits_since),
        }
    }
}

/// The action of a step for a client, with the name under which it is recorded; or what stands
/// against it.
pub(super) fn action(
    step: &Step,
    campaign: &Campaign,
    episode: &Episode,
    facts: &ClientFacts,
    frame: &Frame<'_>,
) -> Result<(String, Action), Block> {
    is_invited(step, campaign, facts, frame.day).map_err(Block::for_good)?;
    match (step.task, step.channel) {
        (Some(kind), _) => {
            let task = task(step, kind, campaign, episode, facts, frame)?;
            Ok((step.id.clone(), task))
        }
        (None, Some(channel)) => {
            let (id, message) = message(step, channel, (campaign, &episode.key), facts, frame)?;
            let again = facts.address_got.iter().any(|got| {
                got.channel == message.channel
                    && (&*got.campaign, &*got.episode, &got.step)
                        == (&*campaign.id, &*episode.key, &id)
            });
            if again {
                return Err(Block::for_good(Reason::SameAddress));
            }
            Ok((id, Action::Message(message)))
        }
        (None, None) => Err(Block::for_good(Reason::NoStep)),
    }
}

/// Whether the step is for this client, where it is for some of those who were invited.
fn is_invited(
    step: &Step,
    campaign: &Campaign,
    facts: &ClientFacts,
    day: Day,
) -> Result<(), Reason> {
    let Some(only) = step.only else {
        return Ok(());
    };
    let mut seats = facts.seats.iter();
    let seat = seats.find(|seat| seat.campaign == campaign.id);
    let over = campaign.event.as_ref().is_some_and(|event| day > event.day);
    let fits = match only {
        Invited::Registered => !over && seat.is_some_and(|seat| seat.taken),
        Invited::NotRegistered => !seat.is_some_and(|seat| seat.taken),
        Invited::Attended => seat.is_some_and(|seat| seat.attended_on.is_some()),
    };
    if fits {
        Ok(())
    } else {
        Err(Reason::NotInvited)
    }
}

fn task(
    step: &Step,
    kind: TaskKind,
    campaign: &Campaign,
    episode: &Episode,
    facts: &ClientFacts,
    frame: &Frame<'_>,
) -> Result<Action, Block> {
    may_be_called(facts).map_err(Block::for_good)?;
    no_task_is_open(facts, &frame.settings.tasks, frame.day)?;
    let class = readiness::class(facts);
    let rejected_on = match &episode.evidence {
        Evidence::Rejection { day, .. } | Evidence::RejectionAnswered { day, .. } => Some(*day),
        _ => None,
    };
    let taken_by = match campaign.trigger {
        Trigger::Handover { to, .. } if kind == TaskKind::Handover => Some(to),
        _ => None,
    };
    let wanted = Wanted {
        client: &facts.client,
        role: step.role,
        key_account: frame.base.is_key_account(facts.client.id),
        has_bought: facts.purchase_days() > 0,
        class,
        rejected_on,
        day: frame.day,
    };
    let manager = match taken_by {
        // Without anybody to take the client there is nothing to hand over.
        Some(role) => {
            let taker = frame.staff.with_role(role, &facts.client.ext_id, frame.day);
            taker
                .ok_or(Block::for_good(Reason::NobodyToTake(role)))?
                .to_owned()
        }
        None => frame.staff.whose(&wanted),
    };
    Ok(Action::Task(PlannedTask {
        manager,
        kind,
        script: step.script.clone().unwrap_or_default(),
        urgent: class == Some(Abc::A),
        from: taken_by.and(facts.client.manager.clone()),
    }))
}

fn message(
    step: &Step,
    channel: Channel,
    (campaign, episode): (&Campaign, &str),
    facts: &ClientFacts,
    frame: &Frame<'_>,
) -> Result<(String, PlannedMessage), Block> {
    let class = step.class.unwrap_or(campaign.class);
    if class == Class::Advertising && is_kept_from_mailings(campaign, facts, frame) {
        return Err(Block::for_good(Reason::KeyAccount));
    }
    let mut variant =
        variant::of_client(&campaign.id, &step.id, &facts.client.ext_id, &step.variants);
    let other = variant.and_then(|variant| variant.template.clone());
    let template = other.or_else(|| step.template.clone()).unwrap_or_default();
    let first = if was_in_vain(step, &campaign.id, episode, facts) {
        Err(Reason::NobodyThere(channel))
    } else {
        reachable(facts, frame.settings, channel, class)
    };
    let (id, channel, template) = match (first, &step.fallback) {
        (Ok(()), _) => (step.id.clone(), channel, template),
        (Err(reason), None) => return Err(Block::for_good(reason)),
        (Err(reason), Some(fallback)) => {
            let other = reachable(facts, frame.settings, fallback.channel, class);
            other.map_err(|_| Block::for_good(reason))?;
            variant = None;
            (
                fallback_id(step),
                fallback.channel,
                fallback.template.clone(),
            )
        }
    };
    if class == Class::Advertising {
        if !answers_a_purchase(&campaign.trigger) {
            not_just_bought(facts, frame.settings, frame.day)?;
        }
        under_the_cap(facts, frame.settings, frame.day)?;
    }
    let address = facts.address(channel).unwrap_or_default().to_owned();
    let certificate = step.certificate.clone();
    let message = PlannedMessage {
        channel,
        template,
        class,
        address,
        certificate,
        on_unknown: step.on_unknown,
        variant: variant.map(|variant| variant.id.clone()),
    };
    Ok((id, message))
}

/// Whether the message of a step of this episode was sent to an address at which nobody is.
fn was_in_vain(step: &Step, campaign: &str, episode: &str, facts: &ClientFacts) -> bool {
    let enrollment = facts
        .enrollments
        .iter()
        .find(|one| one.campaign == campaign && one.episode == episode);
    let mut touches = enrollment.into_iter().flat_map(|one| &one.touches);
    touches.any(|touch| touch.step == step.id && is_in_vain(touch))
}

/// Key accounts get a person, not a mailing, unless the campaign is meant for them.
fn is_kept_from_mailings(campaign: &Campaign, facts: &ClientFacts, frame: &Frame<'_>) -> bool {
    frame.base.is_key_account(facts.client.id) && !asks_for_key_accounts(&campaign.audience)
}

fn asks_for_key_accounts(condition: &Condition) -> bool {
    condition.key_account == Some(true)
}

/// Whether the campaign answers a purchase, so that a purchase is no reason to be silent.
pub fn answers_a_purchase(trigger: &Trigger) -> bool {
    matches!(
        trigger,
        Trigger::Purchase {} | Trigger::DealWon {} | Trigger::FriendBought {}
    )
}

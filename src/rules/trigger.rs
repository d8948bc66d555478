//! What starts an episode: one function for each trigger.
//!
//! A trigger looks at ranges and memory, never at "exactly N days": a day on which the worker was
//! down loses nobody, and an episode has a business key that stays the same however late it is
//! seen.

use crate::config::campaign::{Campaign, MissedLevel, Trigger, VolumeDropKind};
use crate::config::settings::{DealStep, Settings};
use crate::config::values::Days;
use crate::model::{ClientFacts, Day, RhythmDates};

use super::base_facts::BaseFacts;
use super::client_trigger::{self, Grown};
use super::date_trigger;
use super::deal_trigger::{self, AskAgain, THANKS_DAYS};
use super::evidence::Evidence;
use super::no_occasion::NoOccasion;
use super::staff::Staff;
use super::standing::{RETURN_HORIZON_DAYS, Standing};

/// An episode that nobody acted on for so many days is no longer fresh: it may only enter as
/// backlog.
pub const FRESH_DAYS: i32 = 30;

/// How long after a friend's purchase a thank-you still makes sense.
const FRIEND_DAYS: i32 = 30;

/// One occasion of a trigger for one client.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// The business key: the same whenever the occasion is looked at.
    pub key: String,
    /// The day on which it began.
    pub began_on: Day,
    /// The last day on which it may still be entered; without an end it turns into backlog.
    pub last_entry: Option<Day>,
    /// What is known of it today.
    pub evidence: Evidence,
    /// What is at stake, in minor units.
    pub value: i64,
}

/// Why a trigger has nothing for a client today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// What was seen.
    pub because: NoOccasion,
    /// The day on which it would begin if nothing happens until then.
    pub on: Option<Day>,
}

impl NotYet {
    /// What does not change by itself.
    pub(super) const fn for_good(because: NoOccasion) -> Self {
        Self { because, on: None }
    }

    /// What begins on a day if nothing happens until then.
    pub(super) const fn before(because: NoOccasion, on: Day) -> Self {
        Self {
            because,
            on: Some(on),
        }
    }
}

/// What a trigger looks at.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The campaign whose trigger it is.
    pub campaign: &'a Campaign,
    /// The client.
    pub facts: &'a ClientFacts,
    /// Where he stands; absent when he has never bought.
    pub standing: Option<&'a Standing>,
    /// What is known of the whole base.
    pub base: &'a BaseFacts,
    /// The company's configuration.
    pub settings: &'a Settings,
    /// The managers.
    pub staff: &'a Staff,
    /// The day that is looked at.
    pub day: Day,
}

/// The occasions that a trigger sees today, the newest first.
pub fn episodes(sight: &Sight<'_>) -> Result<Vec<Episode>, NotYet> {
    let Sight {
        facts,
        standing,
        base,
        day,
        ..
    } = *sight;
    let trigger = &sight.campaign.trigger;
    let standing_value = standing.map_or(0, |standing| standing.value_at_risk);
    let found = match trigger {
        Trigger::MissedCycle { level, lead } => missed_cycle(*level, *lead, standing, day)?,
        Trigger::SecondPurchase {} => second_purchase(facts, standing, base, day)?,
        Trigger::VolumeDrop { of } => volume_drops(*of, facts, base),
        Trigger::Purchase {} => purchases(facts, standing_value, day),
        Trigger::DealWon {} => deal_trigger::won(sight),
        Trigger::FriendBought {} => friends_bought(sight),
        Trigger::Rejection {
            reasons,
            after,
            after_by_reason,
        } => {
            let ask = AskAgain {
                reasons,
                after: *after,
                after_by_reason,
            };
            deal_trigger::rejections(&ask, sight)?
        }
        Trigger::RejectionAnswered { day: on } => deal_trigger::answered(*on, sight)?,
        Trigger::StalledDeal { at, after } => deal_trigger::stalled(at, *after, sight)?,
        Trigger::VisitLapsed { visits, after } => {
            client_trigger::visit_lapsed(*visits, *after, sight)?
        }
        Trigger::Handover {
            from,
            purchases,
            turnover,
            items,
            ..
        } => {
            let grown = Grown {
                from: *from,
                purchases: *purchases,
                turnover: *turnover,
                items,
            };
            client_trigger::handover(&grown, sight)?
        }
        Trigger::Date { .. }
        | Trigger::Birthday { .. }
        | Trigger::Anniversary { .. }
        | Trigger::News { .. } => date_trigger::of_the_calendar(sight, standing_value)?,
    };
    if found.is_empty() {
        return Err(NotYet::for_good(nothing_of(trigger)));
    }
    Ok(found)
}

const fn nothing_of(trigger: &Trigger) -> NoOccasion {
    match trigger {
        Trigger::Purchase {} => NoOccasion::NoPurchase,
        Trigger::DealWon {} => NoOccasion::NoDealWon,
        Trigger::FriendBought {} => NoOccasion::NoFriendBought,
        Trigger::Rejection { .. } => NoOccasion::NoRejection,
        Trigger::RejectionAnswered { .. } => NoOccasion::NothingAnswered,
        Trigger::StalledDeal { .. } => NoOccasion::NothingOut,
        Trigger::VolumeDrop { .. } => NoOccasion::BuysAsUsual,
        _ => NoOccasion::Nothing,
    }
}

pub(super) const fn never_bought() -> NotYet {
    NotYet::for_good(NoOccasion::NeverBought)
}

/// The day on which an episode of `missed_cycle` begins for a silence with these dates.
pub fn silence_begins_on(level: MissedLevel, lead: Option<Days>, dates: &RhythmDates) -> Day {
    let reached = dates.reached_on(level.state()).unwrap_or(dates.due);
    match level {
        MissedLevel::Due => reached.plus(-lead.map_or(0, Days::count)),
        _ => reached,
    }
}

fn missed_cycle(
    level: MissedLevel,
    lead: Option<Days>,
    standing: Option<&Standing>,
    day: Day,
) -> Result<Vec<Episode>, NotYet> {
    let standing = standing.ok_or_else(never_bought)?;
    let began_on = silence_begins_on(level, lead, &standing.dates);
    if began_on > day {
        let because = NoOccasion::Silent {
            state: standing.state,
            days: standing.days_silent,
        };
        return Err(NotYet::before(because, began_on));
    }
    // A call before the miss makes no sense after it.
    let last_entry = match level {
        MissedLevel::Due => Some(standing.dates.missed.min(standing.dates.asleep).plus(-1)),
        _ => None,
    };
    Ok(vec![Episode {
        key: format!("{}:{}", level.state(), standing.last_purchase),
        began_on,
        last_entry,
        evidence: silence(standing),
        value: standing.value_at_risk,
    }])
}

fn silence(standing: &Standing) -> Evidence {
    Evidence::Silence {
        state: standing.state,
        usual_gap_days: standing.law.usual_gap_days(),
        days_silent: standing.days_silent,
        overdue_p: standing.overdue_p(),
        return_30: standing.returns_within(RETURN_HORIZON_DAYS),
    }
}

fn second_purchase(
    facts: &ClientFacts,
    standing: Option<&Standing>,
    base: &BaseFacts,
    day: Day,
) -> Result<Vec<Episode>, NotYet> {
    let standing = standing.ok_or_else(never_bought)?;
    if facts.purchase_days() != 1 {
        let because = NoOccasion::BoughtOn(facts.purchase_days());
        return Err(NotYet::for_good(because));
    }
    let window = base.second_purchase;
    let first = standing.last_purchase;
    let (began_on, closes_on) = window.dates(first);
    if began_on > day {
        let because = NoOccasion::OnlyPurchaseAgo(standing.days_silent);
        return Err(NotYet::before(because, began_on));
    }
    Ok(vec![Episode {
        key: format!("second:{first}"),
        began_on,
        last_entry: Some(closes_on),
        evidence: Evidence::SecondPurchase {
            days_silent: standing.days_silent,
            usual_days: window.opens_after_days.cast_signed(),
            share_returning: window.share_returning,
        },
        value: standing.value_at_risk,
    }])
}

fn purchases(facts: &ClientFacts, value: i64, day: Day) -> Vec<Episode> {
    let recent = facts.recent_purchases.iter();
    recent
        .filter(|purchase| (0..=THANKS_DAYS).contains(&day.days_since(purchase.day)))
        .map(|purchase| Episode {
            key: format!("purchase:{}", purchase.day),
            began_on: purchase.day,
            last_entry: Some(purchase.day.plus(THANKS_DAYS)),
            evidence: Evidence::Purchase {
                day: purchase.day,
                amount: purchase.amount,
            },
            value,
        })
        .collect()
}

/// One episode for each friend: he can be new only once.
fn friends_bought(sight: &Sight<'_>) -> Vec<Episode> {
    let value = sight.standing.map_or(0, |standing| standing.value_at_risk);
    let friends = sight.facts.friends.iter();
    friends
        .filter(|friend| (0..=FRIEND_DAYS).contains(&sight.day.days_since(friend.day)))
        .map(|friend| Episode {
            key: format!("friend:{}", friend.friend),
            began_on: friend.day,
            last_entry: Some(friend.day.plus(FRIEND_DAYS)),
            evidence: Evidence::FriendBought {
                day: friend.day,
                amount: friend.amount,
            },
            value,
        })
        .collect()
}

fn volume_drops(of: VolumeDropKind, facts: &ClientFacts, base: &BaseFacts) -> Vec<Episode> {
    let drops = base.volume.iter();
    drops
        .flat_map(|volume| volume.of(facts.client.id))
        .filter(|drop| drop.item.is_some() == (of == VolumeDropKind::Items))
        .map(|drop| Episode {
            key: match &drop.item {
                Some(item) => format!("item:{item}:{}", drop.since),
                None => format!("volume:{}", drop.since),
            },
            began_on: drop.since,
            last_entry: None,
            evidence: drop.evidence.clone(),
            value: drop.value,
        })
        .collect()
}

/// What can still be said of an episode whose trigger no longer shows it: a later step of a
/// thank-you, weeks after the purchase.
pub fn remembered(
    trigger: &Trigger,
    facts: &ClientFacts,
    began_on: Day,
    standing: Option<&Standing>,
    day: Day,
) -> Evidence {
    match (trigger, standing) {
        (Trigger::MissedCycle { .. } | Trigger::SecondPurchase {}, Some(standing)) => {
            silence(standing)
        }
        (Trigger::Purchase {}, _) => {
            let purchases = &facts.recent_purchases;
            let answered = purchases.iter().find(|one| one.day == began_on);
            Evidence::Purchase {
                day: began_on,
                amount: answered.map_or(0, |purchase| purchase.amount),
            }
        }
        (Trigger::DealWon {}, _) => Evidence::DealWon {
            day: began_on,
            title: None,
            amount: None,
        },
        (Trigger::FriendBought {}, _) => Evidence::FriendBought {
            day: began_on,
            amount: None,
        },
        (Trigger::Rejection { .. } | Trigger::RejectionAnswered { .. }, _) => Evidence::Rejection {
            day: began_on,
            days_ago: day.days_since(began_on),
            title: None,
            reason: None,
            amount: None,
        },
        (Trigger::StalledDeal { .. }, _) => Evidence::StalledDeal {
            day: began_on,
            days_ago: day.days_since(began_on),
            step: DealStep::Quote,
            title: None,
            amount: None,
        },
        (Trigger::VisitLapsed { .. }, _) => Evidence::VisitLapsed {
            day: began_on,
            days_ago: day.days_since(began_on),
            visits: 0,
            page: None,
        },
        (Trigger::Handover { .. }, _) => Evidence::Handover {
            purchases: facts.purchase_days(),
            turnover: facts.totals.turnover,
            item: None,
            from: facts.client.manager.clone().unwrap_or_default(),
        },
        (Trigger::News { .. }, _) => Evidence::News { day: began_on },
        (Trigger::Birthday { lead, .. }, _) => Evidence::Birthday {
            day: began_on.plus(lead.count()),
        },
        _ => Evidence::Date { day: began_on },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_purchase_is_remembered_with_its_amount() {
        let purchase = |on: &str, amount| crate::model::PurchaseDay {
            day: day(on),
            amount,
        };
        let facts = ClientFacts {
            recent_purchases: vec![purchase("2026-11-19", 700), purchase("2026-11-12", 900)],
            ..ClientFacts::default()
        };
        let began_on = day("2026-11-12");
        let seen = remembered(
            &Trigger::Purchase {},
            &facts,
            began_on,
            None,
            day("2026-11-25"),
        );
        let amount = 900;
        let expected = Evidence::Purchase {
            day: began_on,
            amount,
        };
        assert_eq!(seen, expected);
    }
}

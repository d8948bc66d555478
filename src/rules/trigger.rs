//! What starts an episode: one function for each trigger.
//!
//! A trigger looks at ranges and memory, never at "exactly N days": a day on which the worker was
//! down loses nobody, and an episode has a business key that stays the same however late it is
//! seen.

use std::collections::BTreeMap;

use crate::config::campaign::{DateRule, MissedLevel, Trigger, VolumeDropKind};
use crate::config::values::Days;
use crate::model::{ClientFacts, Day, Deal, DealStatus, RhythmDates};

use super::base_facts::BaseFacts;
use super::evidence::Evidence;
use super::standing::{RETURN_HORIZON_DAYS, Standing};

/// An episode that nobody acted on for so many days is no longer fresh: it may only enter as
/// backlog.
pub const FRESH_DAYS: i32 = 30;

/// How long after a purchase a thank-you still makes sense.
const THANKS_DAYS: i32 = 7;

/// How long after the day of a date a letter still makes sense.
const DATE_DAYS: i32 = 3;

/// How long after a friend's purchase a thank-you still makes sense.
const FRIEND_DAYS: i32 = 30;

/// How long news stay new.
const NEWS_DAYS: i32 = 14;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// What was seen: `active, 3 of 7 days`.
    pub because: String,
    /// The day on which it would begin if nothing happens until then.
    pub on: Option<Day>,
}

/// The occasions that a trigger sees today, the newest first.
pub fn episodes(
    trigger: &Trigger,
    facts: &ClientFacts,
    standing: Option<&Standing>,
    base: &BaseFacts,
    day: Day,
) -> Result<Vec<Episode>, NotYet> {
    let standing_value = standing.map_or(0, |standing| standing.value_at_risk);
    let found = match trigger {
        Trigger::MissedCycle { level, lead } => missed_cycle(*level, *lead, standing, day)?,
        Trigger::SecondPurchase {} => second_purchase(facts, standing, base, day)?,
        Trigger::VolumeDrop { of } => volume_drops(*of, facts, base),
        Trigger::Purchase {} => purchases(facts, standing_value, day),
        Trigger::DealWon {} => deals_won(&facts.deals, day),
        Trigger::FriendBought {} => friends_bought(facts, standing_value, day),
        Trigger::Rejection {
            reasons,
            after,
            after_by_reason,
        } => rejections(
            &facts.deals,
            reasons,
            *after,
            after_by_reason,
            standing_value,
            day,
        )?,
        Trigger::Date { day: rule } => dates(*rule, standing_value, day)?,
        Trigger::News { day: on } => news(*on, standing_value, day)?,
    };
    if found.is_empty() {
        return Err(NotYet {
            because: nothing_words(trigger).to_owned(),
            on: None,
        });
    }
    Ok(found)
}

fn nothing_words(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::Purchase {} => "no purchase in the last days",
        Trigger::DealWon {} => "no deal won in the last days",
        Trigger::FriendBought {} => "no friend has bought in the last days",
        Trigger::Rejection { .. } => "no rejection",
        Trigger::VolumeDrop { .. } => "buys as much as usual",
        _ => "no occasion",
    }
}

fn never_bought() -> NotYet {
    NotYet {
        because: "has never bought".to_owned(),
        on: None,
    }
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
        let because = format!(
            "{}, silent for {} days",
            standing.state, standing.days_silent
        );
        return Err(NotYet {
            because,
            on: Some(began_on),
        });
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
        let because = format!("has bought on {} days", facts.purchase_days());
        return Err(NotYet { because, on: None });
    }
    let window = base.second_purchase;
    let first = standing.last_purchase;
    let (began_on, closes_on) = window.dates(first);
    if began_on > day {
        let because = format!("{} days since the only purchase", standing.days_silent);
        return Err(NotYet {
            because,
            on: Some(began_on),
        });
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
fn friends_bought(facts: &ClientFacts, value: i64, day: Day) -> Vec<Episode> {
    let friends = facts.friends.iter();
    friends
        .filter(|friend| (0..=FRIEND_DAYS).contains(&day.days_since(friend.day)))
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
    let drops = base.volume.iter().flat_map(|volume| &volume.drops);
    drops
        .filter(|drop| drop.client == facts.client.id)
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

/// Closed deals of one kind, the newest first, each with the day of its closing.
fn closed(deals: &[Deal], status: DealStatus) -> Vec<(&Deal, Day)> {
    let mut closed: Vec<(&Deal, Day)> = deals
        .iter()
        .filter(|deal| deal.status == status)
        .filter_map(|deal| deal.closed_on.map(|day| (deal, day)))
        .collect();
    closed.sort_by(|(a, day_a), (b, day_b)| day_b.cmp(day_a).then_with(|| a.ext_id.cmp(&b.ext_id)));
    closed
}

fn deals_won(deals: &[Deal], day: Day) -> Vec<Episode> {
    closed(deals, DealStatus::Won)
        .into_iter()
        .filter(|(_, won)| (0..=THANKS_DAYS).contains(&day.days_since(*won)))
        .map(|(deal, won)| Episode {
            key: format!("won:{}", deal.ext_id),
            began_on: won,
            last_entry: Some(won.plus(THANKS_DAYS)),
            evidence: Evidence::DealWon {
                day: won,
                title: deal.title.clone(),
                amount: deal.amount,
            },
            value: deal.amount.unwrap_or_default(),
        })
        .collect()
}

fn rejections(
    deals: &[Deal],
    reasons: &[String],
    after: Days,
    after_by_reason: &BTreeMap<String, Days>,
    standing_value: i64,
    day: Day,
) -> Result<Vec<Episode>, NotYet> {
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    let wanted = |deal: &Deal| {
        let reason = deal.reason.as_deref().unwrap_or_default();
        reasons.is_empty() || reasons.iter().any(|wanted| same(wanted, reason))
    };
    let wait = |deal: &Deal| {
        let reason = deal.reason.as_deref().unwrap_or_default();
        let own = after_by_reason.iter().find(|(key, _)| same(key, reason));
        own.map_or(after, |(_, days)| *days).count()
    };
    let mut found = Vec::new();
    let mut next: Option<Day> = None;
    for (deal, lost) in closed(deals, DealStatus::Lost)
        .into_iter()
        .filter(|(deal, _)| wanted(deal))
    {
        let began_on = lost.plus(wait(deal));
        if began_on > day {
            next = Some(next.map_or(began_on, |known| known.min(began_on)));
            continue;
        }
        found.push(Episode {
            key: format!("rejection:{}", deal.ext_id),
            began_on,
            last_entry: None,
            evidence: Evidence::Rejection {
                day: lost,
                days_ago: day.days_since(lost),
                title: deal.title.clone(),
                reason: deal.reason.clone(),
                amount: deal.amount,
            },
            value: deal.amount.unwrap_or(standing_value),
        });
    }
    match next {
        Some(on) if found.is_empty() => Err(NotYet {
            because: "it is too early to ask again".to_owned(),
            on: Some(on),
        }),
        _ => Ok(found),
    }
}

fn dates(rule: DateRule, value: i64, day: Day) -> Result<Vec<Episode>, NotYet> {
    let on = latest(rule, day);
    match on {
        Some(on) if day.days_since(on) <= DATE_DAYS => Ok(vec![Episode {
            key: format!("date:{on}"),
            began_on: on,
            last_entry: Some(on.plus(DATE_DAYS)),
            evidence: Evidence::Date { day: on },
            value,
        }]),
        _ => Err(NotYet {
            because: "not the day".to_owned(),
            on: next(rule, day),
        }),
    }
}

/// The last day of the rule that is not after `day`.
fn latest(rule: DateRule, day: Day) -> Option<Day> {
    match rule {
        DateRule::Once(on) => (on <= day).then_some(on),
        DateRule::Yearly {
            month,
            day: of_month,
        } => {
            let year = chrono::Datelike::year(&day.date());
            let this = yearly(year, month, of_month);
            if this <= day {
                Some(this)
            } else {
                Some(yearly(year - 1, month, of_month))
            }
        }
    }
}

/// The first day of the rule that is after `day`.
fn next(rule: DateRule, day: Day) -> Option<Day> {
    match rule {
        DateRule::Once(on) => (on > day).then_some(on),
        DateRule::Yearly {
            month,
            day: of_month,
        } => {
            let year = chrono::Datelike::year(&day.date());
            let this = yearly(year, month, of_month);
            if this > day {
                Some(this)
            } else {
                Some(yearly(year + 1, month, of_month))
            }
        }
    }
}

/// The day of a yearly rule in one year; 29 February falls on 28 February in common years.
fn yearly(year: i32, month: u32, of_month: u32) -> Day {
    let exact = chrono::NaiveDate::from_ymd_opt(year, month, of_month);
    let date = exact.or_else(|| chrono::NaiveDate::from_ymd_opt(year, month, 28));
    date.map(Day::from_date).unwrap_or_default()
}

fn news(on: Day, value: i64, day: Day) -> Result<Vec<Episode>, NotYet> {
    if on > day {
        return Err(NotYet {
            because: "the news are not out yet".to_owned(),
            on: Some(on),
        });
    }
    if day.days_since(on) > NEWS_DAYS {
        return Err(NotYet {
            because: "the news are old".to_owned(),
            on: None,
        });
    }
    Ok(vec![Episode {
        key: format!("news:{on}"),
        began_on: on,
        last_entry: Some(on.plus(NEWS_DAYS)),
        evidence: Evidence::News { day: on },
        value,
    }])
}

/// Whether a day is one on which news or a date of the calendar concern the whole base.
pub fn is_day_of(trigger: &Trigger, day: Day) -> bool {
    match trigger {
        Trigger::Date { day: rule } => dates(*rule, 0, day).is_ok(),
        Trigger::News { day: on } => news(*on, 0, day).is_ok(),
        _ => false,
    }
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
        (Trigger::Rejection { .. }, _) => Evidence::Rejection {
            day: began_on,
            days_ago: day.days_since(began_on),
            title: None,
            reason: None,
            amount: None,
        },
        (Trigger::News { .. }, _) => Evidence::News { day: began_on },
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
    fn a_yearly_date_is_found_across_the_turn_of_the_year() {
        let rule = DateRule::Yearly { month: 12, day: 31 };
        assert_eq!(latest(rule, day("2027-01-02")), Some(day("2026-12-31")));
        assert_eq!(next(rule, day("2027-01-02")), Some(day("2027-12-31")));
        let leap = DateRule::Yearly { month: 2, day: 29 };
        assert_eq!(latest(leap, day("2027-03-01")), Some(day("2027-02-28")));
        assert_eq!(latest(leap, day("2028-03-01")), Some(day("2028-02-29")));
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

    #[test]
    fn a_date_missed_by_some_days_of_downtime_is_still_acted_on() {
        let rule = DateRule::Once(day("2026-12-20"));
        assert!(dates(rule, 0, day("2026-12-19")).is_err());
        for on in ["2026-12-20", "2026-12-23"] {
            assert_eq!(dates(rule, 0, day(on)).unwrap()[0].key, "date:2026-12-20");
        }
        assert!(dates(rule, 0, day("2026-12-24")).is_err());
    }

    #[test]
    fn a_rejection_comes_back_by_its_reason() {
        let deal = Deal {
            ext_id: "d1".to_owned(),
            title: None,
            status: DealStatus::Lost,
            stage: None,
            amount: Some(5_000),
            opened_on: None,
            closed_on: Some(day("2026-01-10")),
            reason: Some(" Price ".to_owned()),
            readiness: crate::model::Readiness::default(),
        };
        let by_reason = BTreeMap::from([("price".to_owned(), Days(30))]);
        let ask = |on: &str, reasons: &[String]| {
            rejections(
                std::slice::from_ref(&deal),
                reasons,
                Days(90),
                &by_reason,
                0,
                day(on),
            )
        };
        assert_eq!(
            ask("2026-02-08", &[]).unwrap_err().on,
            Some(day("2026-02-09"))
        );
        assert_eq!(ask("2026-02-09", &[]).unwrap()[0].key, "rejection:d1");
        assert!(
            ask("2026-02-09", &["no need".to_owned()])
                .unwrap()
                .is_empty()
        );
    }
}

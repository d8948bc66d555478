//! Occasions that a client's own way gives: looked around and left, grew out of the hands that won
//! him.

use crate::config::values::Days;
use crate::model::{ManagerRole, Money};

use super::evidence::Evidence;
use super::no_occasion::NoOccasion;
use super::trigger::{Episode, NotYet, Sight, never_bought};

/// Visited the site, stopped, and has never bought.
pub(super) fn visit_lapsed(
    least: u32,
    after: Days,
    sight: &Sight<'_>,
) -> Result<Vec<Episode>, NotYet> {
    if sight.facts.purchase_days() > 0 {
        return Err(NotYet::for_good(NoOccasion::HasBought));
    }
    let Some(visits) = &sight.facts.visits else {
        return Err(NotYet::for_good(NoOccasion::NeverVisited));
    };
    if visits.days < least {
        return Err(NotYet::for_good(NoOccasion::VisitedOn(visits.days)));
    }
    let began_on = visits.last.plus(after.count());
    if began_on > sight.day {
        return Err(NotYet::before(NoOccasion::VisitedLately, began_on));
    }
    let open = sight.facts.deals.iter().filter_map(|deal| deal.amount);
    Ok(vec![Episode {
        key: format!("visits:{}", visits.last),
        began_on,
        last_entry: None,
        evidence: Evidence::VisitLapsed {
            day: visits.last,
            days_ago: sight.day.days_since(visits.last),
            visits: visits.days,
            page: visits.page.clone(),
        },
        value: open.max().unwrap_or_default(),
    }])
}

/// What makes a client another manager's.
pub(super) struct Grown<'a> {
    pub(super) from: ManagerRole,
    pub(super) purchases: Option<u32>,
    pub(super) turnover: Option<Money>,
    pub(super) items: &'a [String],
}

/// The client has bought enough to be handed over.
pub(super) fn handover(grown: &Grown<'_>, sight: &Sight<'_>) -> Result<Vec<Episode>, NotYet> {
    let facts = sight.facts;
    let Some(manager) = facts.client.manager.as_deref() else {
        return Err(NotYet::for_good(NoOccasion::NoManager));
    };
    if sight.staff.role(manager) != Some(grown.from) {
        return Err(NotYet::for_good(NoOccasion::ManagerIsNo(grown.from)));
    }
    let Some(last) = facts.last_purchase() else {
        return Err(never_bought());
    };
    let owned = |item: &&String| {
        let mut owned = facts.items.iter();
        owned.any(|one| one.item.to_lowercase() == item.to_lowercase())
    };
    let item = grown.items.iter().find(owned);
    let purchases = facts.purchase_days();
    let often = grown.purchases.is_some_and(|least| purchases >= least);
    let turnover = facts.totals.turnover;
    let much = grown.turnover.is_some_and(|least| turnover >= least.minor);
    if !often && !much && item.is_none() {
        return Err(NotYet::for_good(NoOccasion::BoughtOn(purchases)));
    }
    Ok(vec![Episode {
        key: format!("handover:{manager}"),
        began_on: last.min(sight.day),
        last_entry: None,
        evidence: Evidence::Handover {
            purchases,
            turnover,
            item: item.cloned(),
            from: manager.to_owned(),
        },
        value: sight.standing.map_or(0, |standing| standing.value_at_risk),
    }])
}

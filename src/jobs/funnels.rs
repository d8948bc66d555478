//! The funnels of a stretch of days.

use serde::Serialize;

use crate::app::App;
use crate::config::campaign::Trigger;
use crate::config::settings::DealStep;
use crate::db::{CountedFor, FunnelOrder, StoreError};
use crate::model::{Currency, Day};
use crate::rules::funnel::{Funnel, FunnelKey, Rejections, RepeatSales, SecondPurchases};
use crate::rules::plan::answers_a_purchase;

/// Both funnels, and who won those who bought again. Money is in minor units of the currency.
#[derive(Clone, Debug, Serialize)]
pub struct Funnels {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// The currency of every amount.
    pub currency: Currency,
    /// Base, request, quote, invoice, paid.
    pub repeat_sales: Funnel<RepeatSales>,
    /// Rejected, reached, interested, friend named, card sent, deal, paid.
    pub rejections: Funnel<Rejections>,
    /// By who made the first sale.
    pub second_purchases: Vec<SecondPurchases>,
}

/// Counts the funnels of a stretch of days, both ends included.
pub async fn funnels(app: &App, from: Day, to: Day) -> Result<Funnels, StoreError> {
    let campaigns: Vec<CountedFor> = app
        .campaigns
        .iter()
        .map(|campaign| CountedFor {
            campaign: campaign.id.clone(),
            within: campaign.goal.within.count(),
            after_purchase: answers_a_purchase(&campaign.trigger),
            rejections: matches!(
                campaign.trigger,
                Trigger::Rejection { .. } | Trigger::RejectionAnswered { .. }
            ),
        })
        .collect();
    let stages = app.store.deal_stages().await?;
    let deals = &app.settings.deals;
    let at = |step: DealStep| {
        let stages = stages.iter().filter(|stage| deals.step(stage) == step);
        stages.cloned().collect::<Vec<String>>()
    };
    let (quotes, invoices) = (at(DealStep::Quote), at(DealStep::Invoice));
    let order = FunnelOrder {
        from,
        to,
        campaigns: &campaigns,
        quotes: &quotes,
        invoices: &invoices,
    };
    let rejections = app.store.rejection_funnel(&order).await?;
    let reasons = &app.settings.reasons;
    let named = rejections.into_iter().map(|(key, counts)| {
        let reason = key.reason.map(|reason| reasons.name(&reason));
        (FunnelKey { reason, ..key }, counts)
    });
    Ok(Funnels {
        from,
        to,
        currency: app.currency(),
        repeat_sales: Funnel::of(app.store.repeat_sales(&order).await?),
        rejections: Funnel::of(named),
        second_purchases: app.store.second_purchases(from, to).await?,
    })
}

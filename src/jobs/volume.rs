//! Who buys less than usual: three walks over the histories, when a campaign asks for it.
//!
//! The first walk learns what the whole base did, now and four weeks ago; the second how far clients
//! dipped by chance four weeks ago; the third compares each client with his own past and with the
//! base. Nothing that an earlier scan has stored is looked at: the same facts give the same answer.

use std::collections::HashMap;

use super::base::tags;
use crate::app::App;
use crate::config::campaign::Trigger;
use crate::db::{History, StoreError};
use crate::model::{ClientId, Day, RhythmState};
use crate::rules::base_facts::{BaseFacts, Volume, VolumeDrop};
use crate::rules::client_kind::ClientKind;
use crate::rules::evidence::{DropParts, Evidence};
use crate::rules::rhythm::{
    LostItem, Thresholds, VolumeBase, VolumeBaseBuilder, VolumeChange, VolumeScores,
    VolumeSettings, VolumeSummary, lost_items, of_sorted_days,
};

/// How many clients are read at once.
const PAGE: u32 = 5_000;

/// The most drops that are kept: those with the most at stake. Nobody looks at more.
const MOST_DROPS: usize = 5_000;

/// Whether a campaign that acts asks who buys less.
pub(super) fn asked(app: &App) -> bool {
    app.campaigns
        .iter()
        .any(|campaign| matches!(campaign.trigger, Trigger::VolumeDrop { .. }))
}

/// How far back the base is looked at for how far its clients dip by chance: four weeks, so that a
/// bad month of the whole base does not hide in its own measure.
const MEASURED_DAYS_AGO: i32 = 28;

/// Finds who buys less than usual as of a day: a function of what is dated on or before it.
pub(super) async fn scan(app: &App, base: &BaseFacts, day: Day) -> Result<Volume, StoreError> {
    let settings = VolumeSettings::for_base(base.fit.parameters.m0.exp(), base.span_days);
    let measured_on = day.plus(-MEASURED_DAYS_AGO);
    let (mut now, mut before) = (VolumeBaseBuilder::default(), VolumeBaseBuilder::default());
    let mut after = ClientId(0);
    while let Some(page) = page(app, &mut after, day).await? {
        let tags = tags(app, &page).await?;
        for history in &page {
            let kind = kind(history, base, &tags);
            for (on, builder) in [(day, &mut now), (measured_on, &mut before)] {
                if let Some(summary) = summary(history, base, kind, on, &settings) {
                    builder.add(&summary);
                }
            }
        }
    }
    let dip_z = dip_z(app, base, &before.finish(None), measured_on, day, &settings).await?;
    let found = Found {
        base: now.finish(dip_z),
        settings,
        day,
    };
    let mut drops = Vec::new();
    let mut after = ClientId(0);
    while let Some(page) = page(app, &mut after, day).await? {
        let ids: Vec<ClientId> = page.iter().map(|history| history.client).collect();
        let items = app.store.items_of(&ids, day).await?;
        let tags = tags(app, &page).await?;
        for history in &page {
            let kind = kind(history, base, &tags);
            found.look(history, base, kind, &items, &mut drops);
        }
    }
    drops.sort_by_key(|drop| std::cmp::Reverse(drop.value));
    drops.truncate(MOST_DROPS);
    drops.sort_by(|a, b| (a.client, &a.item).cmp(&(b.client, &b.item)));
    Ok(Volume { dip_z, drops })
}

/// How far the clients dipped by chance on the day `measured_on`, seen from `day`.
async fn dip_z(
    app: &App,
    base: &BaseFacts,
    then: &VolumeBase,
    measured_on: Day,
    day: Day,
    settings: &VolumeSettings,
) -> Result<Option<f64>, StoreError> {
    let mut scores = VolumeScores::default();
    let mut after = ClientId(0);
    while let Some(page) = page(app, &mut after, day).await? {
        let tags = tags(app, &page).await?;
        for history in &page {
            let kind = kind(history, base, &tags);
            if let Some(summary) = summary(history, base, kind, measured_on, settings) {
                scores.add(&VolumeChange::of(&summary, then));
            }
        }
    }
    Ok(scores.dip_z(settings.alarm_share))
}

async fn page(
    app: &App,
    after: &mut ClientId,
    day: Day,
) -> Result<Option<Vec<History>>, StoreError> {
    let page = app.store.histories_after(*after, PAGE, day).await?;
    let Some(last) = page.last() else {
        return Ok(None);
    };
    *after = last.client;
    Ok(Some(page))
}

fn kind(history: &History, base: &BaseFacts, tags: &HashMap<ClientId, Vec<String>>) -> ClientKind {
    let tags = tags.get(&history.client).map_or(&[][..], Vec::as_slice);
    base.kind(history.client, tags)
}

/// What can be compared of a client on a day.
fn summary(
    history: &History,
    base: &BaseFacts,
    kind: ClientKind,
    day: Day,
    settings: &VolumeSettings,
) -> Option<VolumeSummary> {
    let rhythm = of_sorted_days(history.purchase_days().take_while(|bought| *bought <= day))?;
    let state = base.dates(kind, &rhythm).state_on(day);
    let bought = history
        .days
        .iter()
        .filter(|one| one.bought && one.day <= day);
    let purchases: Vec<(Day, i64)> = bought.map(|one| (one.day, one.paid)).collect();
    VolumeSummary::of(&purchases, state, day, settings)
}

/// The last walk.
struct Found {
    base: VolumeBase,
    settings: VolumeSettings,
    day: Day,
}

impl Found {
    fn look(
        &self,
        history: &History,
        base: &BaseFacts,
        kind: ClientKind,
        items: &HashMap<ClientId, Vec<(Day, String)>>,
        drops: &mut Vec<VolumeDrop>,
    ) {
        let client = history.client;
        if let Some(summary) = summary(history, base, kind, self.day, &self.settings) {
            let change = VolumeChange::of(&summary, &self.base);
            if change.is_decline(&self.base, &self.settings) {
                drops.push(self.decline(client, &change));
            }
        }
        let Some(bought) = items.get(&client) else {
            return;
        };
        let Some(rhythm) = of_sorted_days(history.purchase_days()) else {
            return;
        };
        if base.dates(kind, &rhythm).state_on(self.day) > RhythmState::Due {
            return;
        }
        let parameters = &base.fit_of(kind).parameters;
        let lost = lost_items(bought, &rhythm, parameters, self.day, &Thresholds::GENTLE);
        drops.extend(lost.into_iter().map(|item| lost_item(client, item)));
    }

    fn decline(&self, client: ClientId, change: &VolumeChange) -> VolumeDrop {
        let missing = (change.usual_minor - change.spent_minor).max(0);
        VolumeDrop {
            client,
            since: self.day,
            item: None,
            evidence: Evidence::VolumeDrop {
                spent: change.spent_minor,
                expected: change.usual_minor,
                window_days: change.window_days.cast_signed(),
                item: None,
                parts: Some(DropParts {
                    base_ratio: change.base_ratio,
                    visits_ratio: f64::from(change.purchases) / change.usual_purchases.max(1e-9),
                    basket_ratio: change.basket_ratio,
                }),
            },
            value: missing * 365 / i64::from(change.window_days.max(1)),
        }
    }
}

fn lost_item(client: ClientId, item: LostItem<String>) -> VolumeDrop {
    VolumeDrop {
        client,
        since: item.lost_on,
        evidence: Evidence::VolumeDrop {
            spent: 0,
            expected: 0,
            window_days: item.silent_days.cast_signed(),
            item: Some(item.item.clone()),
            parts: None,
        },
        item: Some(item.item),
        // What the item was worth is not known when receipts carry no prices of lines.
        value: 0,
    }
}

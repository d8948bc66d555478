//! The facts of the whole base: one walk over all histories, kept under a version.

use std::collections::HashMap;

use super::volume;
use crate::app::App;
use crate::config::settings::RhythmSettings;
use crate::db::{History, StoreError, StoredBase};
use crate::model::{ClientId, Day};
use crate::rules::base_facts::{BaseFacts, BaseFactsBuilder, closed_days};
use crate::rules::rhythm::{Companions, ItemBuyers};

/// How many clients are read at once.
const PAGE: u32 = 5_000;

/// Base facts, and the version under which they are kept if they are.
#[derive(Clone, Debug)]
pub struct Base {
    /// Absent when they were made for one plan only.
    pub version: Option<i64>,
    /// The facts.
    pub facts: BaseFacts,
}

impl From<StoredBase> for Base {
    fn from(stored: StoredBase) -> Self {
        Self {
            version: Some(stored.id),
            facts: stored.facts,
        }
    }
}

/// The day up to which the data goes, as seen from `day`; nothing in a base without purchases.
///
/// The parameters look at the data as of its last day and not as of today: a source that stands
/// still must not look like a base that has fallen asleep.
pub async fn data_until(app: &App, day: Day) -> Result<Option<Day>, StoreError> {
    let last = app.store.last_day_of_purchases().await?;
    Ok(last.map(|last| last.min(day)))
}

/// The base facts for the work of the present day: the last ones, while they are young enough.
pub async fn current(app: &App, day: Day) -> Result<Base, StoreError> {
    let oldest = day.plus(1 - app.settings.rhythm.refit_after.count().max(1));
    match app.store.base_facts(oldest, day).await? {
        Some(stored) if answers(&stored.facts, app) => Ok(stored.into()),
        _ => Ok(Base {
            version: None,
            facts: compute(app, day).await?,
        }),
    }
}

/// The base facts as they were on a day, from what is dated on or before it and nothing else.
pub async fn as_of(app: &App, day: Day) -> Result<Base, StoreError> {
    let data = app.store.data_version().await?;
    match app.store.base_facts(day, day).await? {
        Some(stored) if stored.data == data && answers(&stored.facts, app) => Ok(stored.into()),
        _ => Ok(Base {
            version: None,
            facts: compute(app, day).await?,
        }),
    }
}

/// Keeps base facts under a version, unless they are kept already.
pub async fn keep(app: &App, base: Base) -> Result<Base, StoreError> {
    if base.version.is_some() {
        return Ok(base);
    }
    let data = app.store.data_version().await?;
    Ok(app
        .store
        .keep_base_facts(&base.facts, data, app.now_ms())
        .await?
        .into())
}

/// Whether facts were computed with the thresholds that are configured now.
fn settings_hold(facts: &BaseFacts, settings: &RhythmSettings) -> bool {
    let same = |kept: f64, configured: f64| (kept - configured).abs() < 1e-9;
    let lost = settings.smallest_lost.map(|days| f64::from(days.0));
    same(facts.missed_p, settings.missed_p.fraction())
        && same(
            facts.missed_p_key_account,
            settings.missed_p_key_account.fraction(),
        )
        && same(facts.asleep_away, settings.asleep_at.fraction())
        && lost.is_none_or(|lost| same(facts.fit.parameters.smallest_lost_days, lost))
        && facts.closed == closed_days(settings)
        && facts
            .classes
            .iter()
            .map(|class| &class.tag)
            .eq(&settings.classes)
}

/// Whether facts carry what the campaigns ask for.
fn answers(facts: &BaseFacts, app: &App) -> bool {
    settings_hold(facts, &app.settings.rhythm) && (facts.volume.is_some() || !volume::asked(app))
}

/// Computes base facts; further walks learn what is bought together, where receipts say what was
/// bought, and who buys less, if a campaign asks.
async fn compute(app: &App, day: Day) -> Result<BaseFacts, StoreError> {
    let mut facts = rhythms(app, day).await?;
    facts.companions = companions(app, day).await?;
    if volume::asked(app) {
        facts.volume = Some(volume::scan(app, &facts, day).await?);
    }
    Ok(facts)
}

/// Walks over all histories up to a day: memory does not grow with the base.
async fn rhythms(app: &App, day: Day) -> Result<BaseFacts, StoreError> {
    let settings = app.settings.rhythm.clone();
    let mut builder = BaseFactsBuilder::new(day, &settings);
    let mut after = ClientId(0);
    loop {
        let page = app.store.histories_after(after, PAGE, day).await?;
        let Some(last) = page.last() else { break };
        after = last.client;
        let tags = tags(app, &page).await?;
        for history in &page {
            let turnover = history.totals(day).year;
            let tags = tags.get(&history.client).map_or(&[][..], Vec::as_slice);
            builder.add(history.client, tags, history.purchase_days(), turnover);
        }
    }
    // The search for the parameters takes a second or two of one core.
    let facts = tokio::task::spawn_blocking(move || builder.finish(&settings)).await;
    Ok(facts.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())))
}

/// What is bought together up to a day; `None` where no receipt says what was bought.
async fn companions(app: &App, day: Day) -> Result<Option<Companions<String>>, StoreError> {
    if !app.store.knows_items(day).await? {
        return Ok(None);
    }
    let mut buyers = ItemBuyers::default();
    let mut after = ClientId(0);
    while let Some(page) = app.store.baskets_after(&mut after, PAGE, day).await? {
        for basket in page {
            buyers.add(basket);
        }
    }
    let mut pairs = buyers.into_pairs();
    let mut after = ClientId(0);
    while let Some(page) = app.store.baskets_after(&mut after, PAGE, day).await? {
        for basket in page {
            pairs.add(basket);
        }
    }
    Ok(Some(pairs.finish()))
}

/// The tags of some clients, where classes of clients are configured; who has none is missing.
pub(super) async fn tags(
    app: &App,
    page: &[History],
) -> Result<HashMap<ClientId, Vec<String>>, StoreError> {
    if app.settings.rhythm.classes.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<ClientId> = page.iter().map(|history| history.client).collect();
    app.store.tags_of(&ids).await
}

//! The facts of the whole base: one walk over all histories, kept under a version.

use std::collections::HashMap;

use super::volume;
use crate::app::App;
use crate::db::{History, StoreError, StoredBase};
use crate::model::{ClientId, Day};
use crate::rules::base_facts::{BaseFacts, BaseFactsBuilder, settings_word};
use crate::rules::rhythm::{Companions, ItemBuyers, StepCounts, StepsUp};

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

/// The part of all rhythms that may have changed before the base is fitted anew ahead of its time.
const CHANGED_PART: u64 = 10;

/// The day up to which the data goes, as seen from the present day or, with `as_of`, from a past
/// one: the last purchase day of anybody on or before it. Nothing in a base without purchases.
///
/// Everything that is said of the whole base looks at it on this day and not on the day that is
/// planned: a source that stands still must not look like a base that has fallen asleep.
pub async fn data_until(app: &App, day: Day, as_of: bool) -> Result<Option<Day>, StoreError> {
    if as_of {
        app.store.last_purchase_day_as_of(day).await
    } else {
        app.store.last_purchase_day(day).await
    }
}

/// The base facts on which a day rests, whoever asks: plan, run, clients, explain or report.
pub async fn of_day(app: &App, day: Day, as_of: bool) -> Result<Base, StoreError> {
    let data_until = data_until(app, day, as_of).await?.unwrap_or(day);
    if as_of {
        self::as_of(app, data_until).await
    } else {
        current(app, data_until).await
    }
}

/// The base facts for the work of the present day, whose data goes up to `data_until`: the last
/// ones, while they are young enough.
pub async fn current(app: &App, data_until: Day) -> Result<Base, StoreError> {
    let refit_after = app.settings.rhythm.refit_after.count().max(1);
    let oldest = data_until.plus(1 - refit_after);
    let stored = app.store.base_facts(oldest, data_until).await?;
    let data = app.store.data_version().await?;
    match stored {
        Some(stored) if answers(&stored.facts, app) && (refit_after > 1 || stored.data == data) => {
            Ok(stored.into())
        }
        _ => computed(app, data_until).await,
    }
}

/// The base facts after an import: fitted anew before their time when a good part of the base has
/// changed, as after a first import that was a trial.
pub async fn after_import(app: &App, data_until: Day) -> Result<Base, StoreError> {
    let changed = app.store.stale_rhythms().await?;
    if changed * CHANGED_PART > app.store.kept_rhythms().await? {
        return as_of(app, data_until).await;
    }
    current(app, data_until).await
}

/// The base facts as they were on a day, from what is dated on or before it and nothing else.
pub async fn as_of(app: &App, day: Day) -> Result<Base, StoreError> {
    let data = app.store.data_version().await?;
    match app.store.base_facts(day, day).await? {
        Some(stored) if stored.data == data && answers(&stored.facts, app) => Ok(stored.into()),
        _ => computed(app, day).await,
    }
}

async fn computed(app: &App, day: Day) -> Result<Base, StoreError> {
    Ok(Base {
        version: None,
        facts: compute(app, day).await?,
    })
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

/// Whether facts were computed by the settings of today and carry what the campaigns ask for.
fn answers(facts: &BaseFacts, app: &App) -> bool {
    facts.settings == settings_word(&app.settings.rhythm)
        && (facts.volume.is_some() || !volume::asked(app))
}

/// Computes base facts; further walks learn what is bought together, where receipts say what was
/// bought, and who buys less, if a campaign asks.
async fn compute(app: &App, day: Day) -> Result<BaseFacts, StoreError> {
    let mut facts = rhythms(app, day).await?;
    if let Some((companions, steps_up)) = baskets(app, day).await? {
        facts.companions = Some(companions);
        facts.steps_up = Some(steps_up);
    }
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

/// What is bought together up to a day and what clients go over to; `None` where no receipt says
/// what was bought.
async fn baskets(
    app: &App,
    day: Day,
) -> Result<Option<(Companions<String>, StepsUp<String>)>, StoreError> {
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
    let mut steps = StepCounts::of_items(pairs.items().iter().cloned());
    let mut after = ClientId(0);
    while let Some(page) = app.store.lines_after(&mut after, PAGE, day).await? {
        for lines in page {
            steps.add(&lines);
            pairs.add(lines.into_iter().map(|line| line.item));
        }
    }
    Ok(Some((pairs.finish(), steps.finish())))
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

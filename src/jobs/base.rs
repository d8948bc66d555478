//! The facts of the whole base: one walk over all histories, kept under a version.

use super::volume;
use crate::app::App;
use crate::config::settings::{Grid, RhythmSettings};
use crate::db::{History, StoreError, StoredBase};
use crate::model::{ClientId, Day};
use crate::rules::base_facts::BaseFacts;
use crate::rules::rhythm::{
    self, ClosedDays, Fit, FitSettings, GapHistogram, Law, PauseEnd, PauseSample,
    SecondPurchaseWindow, TurnoverShares, XyzThresholds, proposed_grid,
    proposed_smallest_lost_days,
};

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
}

/// Every configured closed day.
fn closed_days(settings: &RhythmSettings) -> ClosedDays {
    ClosedDays::new(settings.closed.iter().flat_map(|stretch| {
        (0..=stretch.to.days_since(stretch.from)).map(|n| stretch.from.plus(n))
    }))
}

/// Whether facts carry what the campaigns ask for.
fn answers(facts: &BaseFacts, app: &App) -> bool {
    settings_hold(facts, &app.settings.rhythm) && (facts.volume.is_some() || !volume::asked(app))
}

/// Computes base facts; a second walk finds who buys less, if a campaign asks.
async fn compute(app: &App, day: Day) -> Result<BaseFacts, StoreError> {
    let mut facts = rhythms(app, day).await?;
    if volume::asked(app) {
        facts.volume = Some(volume::scan(app, &facts, day).await?);
    }
    Ok(facts)
}

/// Walks over all histories up to a day: memory does not grow with the base.
async fn rhythms(app: &App, day: Day) -> Result<BaseFacts, StoreError> {
    let mut walk = Walk::new(app.settings.rhythm.key_account_share.fraction());
    let mut after = ClientId(0);
    loop {
        let page = app.store.histories_after(after, PAGE, day).await?;
        let Some(last) = page.last() else { break };
        after = last.client;
        for history in &page {
            walk.add(history, day);
        }
    }
    let settings = app.settings.rhythm.clone();
    // The search for the parameters takes a second or two of one core.
    let facts = tokio::task::spawn_blocking(move || walk.facts(&settings, day)).await;
    Ok(facts.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())))
}

/// What is gathered on the way.
struct Walk {
    sample: PauseSample,
    shares: TurnoverShares<ClientId>,
}

impl Walk {
    fn new(key_share: f64) -> Self {
        Self {
            sample: PauseSample::default(),
            shares: TurnoverShares::new(key_share),
        }
    }

    fn add(&mut self, history: &History, day: Day) {
        let client = history.client;
        self.sample
            .add_history(client.0.cast_unsigned(), history.purchase_days(), day);
        self.shares.add(client, history.totals(day).year);
    }

    fn facts(self, settings: &RhythmSettings, day: Day) -> BaseFacts {
        let fit = self.fit(settings);
        let second_purchase = SecondPurchaseWindow::of_base(&self.sample, &fit.parameters);
        let xyz = XyzThresholds::of(&usual_gaps(&self.sample, &fit));
        let accounts = self.shares.finish().accounts;
        let mut key_accounts: Vec<ClientId> =
            accounts.into_iter().map(|(client, _)| client).collect();
        key_accounts.sort_unstable();
        BaseFacts {
            day,
            fit,
            missed_p: settings.missed_p.fraction(),
            missed_p_key_account: settings.missed_p_key_account.fraction(),
            asleep_away: settings.asleep_at.fraction(),
            xyz,
            key_accounts,
            second_purchase,
            closed: closed_days(settings),
            volume: None,
        }
    }

    fn fit(&self, settings: &RhythmSettings) -> Fit {
        let grid = match settings.grid {
            Some(Grid::Day) => rhythm::Grid::Days,
            Some(Grid::Week) => rhythm::Grid::Weeks,
            Some(Grid::Month) => rhythm::Grid::Months,
            None => proposed_grid(&self.sample),
        };
        let smallest_lost_days = settings.smallest_lost.map_or_else(
            || proposed_smallest_lost_days(&self.sample),
            |days| f64::from(days.0),
        );
        let settings = FitSettings {
            grid_half_days: grid.half_days(),
            smallest_lost_days,
            ..FitSettings::default()
        };
        rhythm::fit(&self.sample, &settings)
    }
}

/// The usual gaps of repeat buyers: each has one open pause, so the open pauses of the sample
/// stand for the clients.
fn usual_gaps(sample: &PauseSample, fit: &Fit) -> GapHistogram {
    let mut gaps = GapHistogram::default();
    for pause in sample.later_pauses() {
        if matches!(pause.end, PauseEnd::Open { .. }) {
            gaps.add(Law::of(&pause.opened, &fit.parameters).usual_gap_days());
        }
    }
    gaps
}

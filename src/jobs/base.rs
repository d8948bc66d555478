//! The facts of the whole base: one walk over all histories, kept under a version.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::app::App;
use crate::config::settings::{Grid, RhythmSettings};
use crate::db::{History, StoreError, StoredBase};
use crate::model::{ClientId, Day, Rhythm};
use crate::rules::base_facts::BaseFacts;
use crate::rules::rhythm::{
    self, Fit, FitSettings, PauseSample, SecondPurchaseWindow, proposed_grid,
    proposed_smallest_lost_days,
};

/// How many clients are read at once.
const PAGE: u32 = 5_000;

/// How many clients the quantiles of the usual gaps are taken from.
const XYZ_SAMPLE: usize = 20_000;

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

/// The base facts for the work of the present day: the last ones, while they are young enough.
pub async fn current(app: &App, day: Day) -> Result<Base, StoreError> {
    let oldest = day.plus(1 - app.settings.rhythm.refit_after.count().max(1));
    match app.store.base_facts(oldest, day).await? {
        Some(stored) if settings_hold(&stored.facts, &app.settings.rhythm) => Ok(stored.into()),
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
        Some(stored)
            if stored.data == data && settings_hold(&stored.facts, &app.settings.rhythm) =>
        {
            Ok(stored.into())
        }
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
}

/// Walks over all histories up to a day: memory does not grow with the base.
async fn compute(app: &App, day: Day) -> Result<BaseFacts, StoreError> {
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
    rhythms: Vec<Rhythm>,
    seen: usize,
    year: i64,
    largest: BinaryHeap<Reverse<(i64, ClientId)>>,
    key_share: f64,
}

impl Walk {
    fn new(key_share: f64) -> Self {
        Self {
            sample: PauseSample::default(),
            rhythms: Vec::new(),
            seen: 0,
            year: 0,
            largest: BinaryHeap::new(),
            key_share: key_share.max(0.001),
        }
    }

    fn add(&mut self, history: &History, day: Day) {
        let client = history.client;
        self.sample
            .add_history(client.0.cast_unsigned(), history.purchase_days(), day);
        if let Some(rhythm) = rhythm::of_sorted_days(history.purchase_days()) {
            self.keep_rhythm(rhythm);
        }
        let year = history.totals(day).year;
        self.year += year;
        self.largest.push(Reverse((year, client)));
        // More clients than that cannot each have more than the share.
        if self.largest.len() > (1.0 / self.key_share).ceil() as usize {
            self.largest.pop();
        }
    }

    /// Every n-th client of a large base stands for it: when the sample is full, every second one
    /// is dropped, and from then on only every second one is taken.
    fn keep_rhythm(&mut self, rhythm: Rhythm) {
        let step = 1 + self.seen / XYZ_SAMPLE;
        if rhythm.purchase_days > 1 && self.seen.is_multiple_of(step.next_power_of_two()) {
            self.rhythms.push(rhythm);
        }
        self.seen += 1;
        if self.rhythms.len() > 2 * XYZ_SAMPLE {
            let mut index = 0;
            self.rhythms.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    fn facts(self, settings: &RhythmSettings, day: Day) -> BaseFacts {
        let fit = self.fit(settings);
        let xyz_days = xyz_days(&self.rhythms, &fit);
        let second_purchase = SecondPurchaseWindow::of_base(&self.sample, &fit.parameters);
        let least = self.key_share * self.year as f64;
        let mut key_accounts: Vec<ClientId> = self
            .largest
            .into_iter()
            .filter(|Reverse((year, _))| *year as f64 > least && *year > 0)
            .map(|Reverse((_, client))| client)
            .collect();
        key_accounts.sort_unstable();
        BaseFacts {
            day,
            fit,
            missed_p: settings.missed_p.fraction(),
            missed_p_key_account: settings.missed_p_key_account.fraction(),
            asleep_away: settings.asleep_at.fraction(),
            xyz_days,
            key_accounts,
            second_purchase,
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

/// The usual gaps that part the repeat buyers in three equal groups.
fn xyz_days(rhythms: &[Rhythm], fit: &Fit) -> (f64, f64) {
    let mut gaps: Vec<f64> = rhythms
        .iter()
        .map(|rhythm| rhythm::Law::of(rhythm, &fit.parameters).usual_gap_days())
        .collect();
    gaps.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (gaps.len() as f64 * share) as usize;
        gaps.get(place)
            .or(gaps.last())
            .copied()
            .unwrap_or(fit.parameters.m0.exp())
    };
    (at(1.0 / 3.0), at(2.0 / 3.0))
}

//! Replaying a campaign over past days: the walks over the histories that `rules::backtest` asks
//! for, chunk by chunk.

use std::collections::HashMap;

use chrono::DateTime;

use crate::app::App;
use crate::config::Campaign;
use crate::db::{History, Imported, StoreError, Wanted};
use crate::model::{ClientFacts, ClientId, Day};
use crate::rules::backtest::{
    Backtest, BacktestReport, ErasBuilder, FirstImport, Occasion, Past, PastDay, Period, Scene,
    Tuner,
};
use crate::rules::rhythm::GapDays;

use super::base;

/// How many clients are in memory at once.
const PAGE: u32 = 1_000;

/// Told after each chunk how many clients have been looked at, of all walks together.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// What came of the wish to replay a campaign.
#[derive(Debug)]
pub enum Replayed {
    /// The report, with the gaps of the base for a picture.
    Done(Box<BacktestReport>, GapDays),
    /// Purchases say nothing about the trigger of the campaign.
    NotByPurchases,
    /// Nothing was bought before the first day, or the data ends before it.
    NoData {
        /// The first day on which anything was bought, and the last.
        data: Option<(Day, Day)>,
    },
}

/// Replays a campaign from day to day; the end is cut where the data ends.
pub async fn backtest(
    app: &App,
    campaign: &Campaign,
    from: Day,
    to: Day,
    progress: Progress<'_>,
) -> Result<Replayed, StoreError> {
    let Some(occasion) = Occasion::of(&campaign.trigger) else {
        return Ok(Replayed::NotByPurchases);
    };
    let data = data_span(app).await?;
    let Some((first, data_until)) = data else {
        return Ok(Replayed::NoData { data });
    };
    if from <= first || from > data_until {
        return Ok(Replayed::NoData { data });
    }
    let period = Period {
        from,
        to: to.min(data_until),
        data_until,
    };
    let mut walks = Walks::begin(app, data_until, progress).await?;
    let mut eras = ErasBuilder::new(period.from, period.to, &app.settings.rhythm);
    walks.without_facts(&mut |past| eras.add(past)).await?;
    let settings = app.settings.rhythm.clone();
    // Each search for the parameters takes a second or two of one core.
    let eras = tokio::task::spawn_blocking(move || eras.finish(&settings)).await;
    let eras = eras.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    let Some(scene) = Scene::new(campaign, &app.settings, period, eras) else {
        return Ok(Replayed::NotByPurchases);
    };
    let mut tuner = Tuner::default();
    walks
        .with_facts(&mut |past| tuner.add(&scene, past))
        .await?;
    let mut backtest = Backtest::new(&scene, &tuner.alarms(&occasion));
    walks.with_facts(&mut |past| backtest.add(past)).await?;
    for alarm in 0..backtest.n_alarms() {
        let waiting = walks.of(&backtest.in_backlog(alarm)).await?;
        backtest.settle(alarm, &waiting);
    }
    let report = backtest.report(walks.recording.first_imports());
    Ok(Replayed::Done(Box::new(report), backtest.gaps().clone()))
}

/// The first and the last day on which anything was bought; nothing of the future.
async fn data_span(app: &App) -> Result<Option<(Day, Day)>, StoreError> {
    let span = app.store.span_of_purchases().await?;
    let today = app.today();
    Ok(span.map(|(first, last)| (first, last.min(today))))
}

/// Walks over all clients and their histories.
struct Walks<'a> {
    app: &'a App,
    data_until: Day,
    recording: Recording,
    progress: Progress<'a>,
    looked_at: u64,
}

impl<'a> Walks<'a> {
    async fn begin(
        app: &'a App,
        data_until: Day,
        progress: Progress<'a>,
    ) -> Result<Self, StoreError> {
        let imports = app.store.imports_done().await?;
        Ok(Self {
            app,
            data_until,
            recording: Recording::of(app, &imports),
            progress,
            looked_at: 0,
        })
    }

    /// All histories, with nothing known of the clients but their numbers and, where they make
    /// classes, their tags.
    async fn without_facts(&mut self, see: &mut impl FnMut(&Past)) -> Result<(), StoreError> {
        let mut after = ClientId(0);
        while let Some(page) = self.page(&mut after).await? {
            let mut tags = base::tags(self.app, &page).await?;
            for history in &page {
                let mut facts = ClientFacts::default();
                facts.client.id = history.client;
                facts.client.tags = tags.remove(&history.client).unwrap_or_default();
                see(&self.recording.past(facts, history));
            }
        }
        Ok(())
    }

    /// All histories with the facts of their clients, but for those who are no longer known.
    async fn with_facts(&mut self, see: &mut impl FnMut(&Past)) -> Result<(), StoreError> {
        let mut after = ClientId(0);
        while let Some(page) = self.page(&mut after).await? {
            for past in self.pasts(page).await? {
                see(&past);
            }
        }
        Ok(())
    }

    /// The histories of some clients with their facts.
    async fn of(&self, ids: &[ClientId]) -> Result<Vec<Past>, StoreError> {
        let mut pasts = Vec::with_capacity(ids.len());
        for ids in ids.chunks(PAGE as usize) {
            let histories = self.app.store.histories(ids, self.data_until).await?;
            pasts.extend(self.pasts(histories).await?);
        }
        Ok(pasts)
    }

    /// The histories after `after`, which moves on; nothing at the end.
    async fn page(&mut self, after: &mut ClientId) -> Result<Option<Vec<History>>, StoreError> {
        let store = &self.app.store;
        let page = store.histories_after(*after, PAGE, self.data_until).await?;
        self.looked_at += page.len() as u64;
        (self.progress)(self.looked_at);
        let Some(last) = page.last() else {
            return Ok(None);
        };
        *after = last.client;
        Ok(Some(page))
    }

    async fn pasts(&self, histories: Vec<History>) -> Result<Vec<Past>, StoreError> {
        let ids: Vec<ClientId> = histories.iter().map(|history| history.client).collect();
        let wanted = Wanted {
            deals: true,
            ..Wanted::default()
        };
        let store = &self.app.store;
        // As of today: what is known of the story of the client and of his consents.
        let facts = store
            .facts(&ids, self.app.today(), wanted, &self.app.key)
            .await?;
        let mut facts: HashMap<ClientId, ClientFacts> = facts
            .into_iter()
            .map(|facts| (facts.client.id, facts))
            .collect();
        let with_facts = histories.iter().filter_map(|history| {
            let facts = facts.remove(&history.client)?;
            Some(self.recording.past(facts, history))
        });
        Ok(with_facts.collect())
    }
}

/// On which day each import was read.
///
/// What is dated before the first import of its source was brought as history: when the company
/// itself knew it cannot be told.
struct Recording {
    read_on: HashMap<i64, (Day, Day)>,
    first_of_source: Vec<FirstImport>,
}

impl Recording {
    fn of(app: &App, imports: &[Imported]) -> Self {
        let mut first_of_source: Vec<FirstImport> = Vec::new();
        let mut read_on = HashMap::new();
        for import in imports {
            let read = day_of_instant(app, import.started_at_ms);
            let first = first_of_source
                .iter()
                .find(|first| first.source == import.source);
            let first_on = first.map_or(read, |first| first.on);
            if first.is_none() {
                first_of_source.push(FirstImport {
                    source: import.source.clone(),
                    on: read,
                });
            }
            read_on.insert(import.id, (read, first_on));
        }
        Self {
            read_on,
            first_of_source,
        }
    }

    fn first_imports(&self) -> Vec<FirstImport> {
        self.first_of_source.clone()
    }

    fn recorded_on(&self, import: i64, day: Day) -> Option<Day> {
        let (read_on, first_on) = self.read_on.get(&import)?;
        (day >= *first_on).then_some(*read_on)
    }

    fn past(&self, facts: ClientFacts, history: &History) -> Past {
        let days = history.days.iter().map(|day| PastDay {
            day: day.day,
            net: day.net,
            paid: day.paid,
            recorded_on: self.recorded_on(day.first_import, day.day),
            undone_on: day.undone_on,
        });
        Past {
            facts,
            days: days.collect(),
        }
    }
}

/// The company's local day of an instant in unix milliseconds.
fn day_of_instant(app: &App, ms: i64) -> Day {
    let instant = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    Day::from_date(instant.with_timezone(&app.zone()).date_naive())
}

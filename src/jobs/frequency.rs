//! The frequency report of a day: one walk over all clients.

use crate::app::App;
use crate::db::{History, StoreError};
use crate::model::{ClientId, Day};
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;
use crate::rules::frequency_report::{FrequencyReport, MONTH_DAYS, ReportBuilder};
use crate::rules::plan::BaseLine;
use crate::rules::rhythm::{CalibrationCounts, GapDays, look_back};

use super::base::{self, Base};
use super::day::DayOptions;
use super::managers::Managers;

/// How many clients are in memory at once.
const PAGE: u32 = 2_000;

/// Counts the clients of a day.
///
/// With `foresight` the report also says how well the month until the day had been foreseen, which
/// takes another fit of the base. The gaps between purchases come back for a picture.
pub async fn report(
    app: &App,
    options: DayOptions<'_>,
    foresight: bool,
) -> Result<(FrequencyReport, GapDays), StoreError> {
    let day = options.day;
    let base = base::of_day(app, day, options.as_of).await?;
    // What was foreseen can be judged as far as the data goes.
    let month_began = if foresight {
        let data_until = base::data_until(app, day, options.as_of).await?;
        data_until.map(|until| until.plus(-MONTH_DAYS))
    } else {
        None
    };
    let month_ago = match month_began {
        Some(began) => Some((began, base::of_day(app, began, true).await?)),
        None => None,
    };
    let mut walk = Walk {
        day,
        base: &base.facts,
        month_ago: month_ago.as_ref().map(|(day, base)| (*day, &base.facts)),
        builder: ReportBuilder::new(day, &base.facts),
        gaps: GapDays::default(),
        calibration: CalibrationCounts::default(),
    };
    let mut after = ClientId(0);
    loop {
        let page = app.store.clients_known_after(after, PAGE, day).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        walk.chunk(app, &page).await?;
    }
    let managers = Managers::read(app).await?;
    let name_of = |id: &str| managers.get(id).map(|manager| manager.name.clone());
    let mut report = walk.builder.finish(base_line(&base), name_of);
    report.calibration = walk.calibration.bins();
    Ok((report, walk.gaps))
}

fn base_line(base: &Base) -> BaseLine {
    BaseLine {
        fitted_on: base.facts.day,
        method: base.facts.fit.method,
        gaps: base.facts.fit.closed_gaps,
        version: base.version,
    }
}

struct Walk<'a> {
    day: Day,
    base: &'a BaseFacts,
    /// The day from which the month is looked back on, and the base as it was then.
    month_ago: Option<(Day, &'a BaseFacts)>,
    builder: ReportBuilder,
    gaps: GapDays,
    calibration: CalibrationCounts,
}

impl Walk<'_> {
    async fn chunk(&mut self, app: &App, ids: &[ClientId]) -> Result<(), StoreError> {
        let managers = app.store.managers_of(ids).await?;
        let tags = app.store.tags_of(ids).await?;
        let histories = app.store.histories(ids, self.day).await?;
        let mut histories = histories.iter().peekable();
        for id in ids {
            let history = histories.next_if(|history| history.client == *id);
            let days: Vec<Day> = history
                .into_iter()
                .flat_map(History::purchase_days)
                .collect();
            let manager = managers.get(id).map(String::as_str);
            let tags = tags.get(id).map_or(&[][..], Vec::as_slice);
            let client = self.base.kind(*id, tags);
            self.add(client, manager.unwrap_or_default(), &days);
        }
        Ok(())
    }

    fn add(&mut self, client: ClientKind, manager: &str, days: &[Day]) {
        self.builder.add(client, manager, days, self.base);
        for pair in days.windows(2) {
            self.gaps.add((pair[1] - pair[0]).unsigned_abs());
        }
        if let Some((began, then)) = self.month_ago {
            let within = MONTH_DAYS.unsigned_abs();
            let seen = look_back(days, began, within, &then.fit_of(client).parameters);
            if let Some(seen) = seen {
                self.calibration
                    .add(1.0 - seen.no_purchase_chance, !seen.had_no_purchase);
            }
        }
    }
}

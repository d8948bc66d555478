//! Counting the base once a week, so that the owner sees how its health changes.

use crate::app::App;
use crate::db::{StoreError, WeekRow};
use crate::model::Day;
use crate::rules::frequency_report::WEEK_DAYS;

use super::day::DayOptions;
use super::frequency;

/// Counts the base for a week that has not been counted: walks over all clients, which is worth its
/// time once in seven days only. Says whether it did.
pub async fn keep(app: &App, options: DayOptions<'_>) -> Result<bool, StoreError> {
    let day = options.day;
    let last = app.store.last_week().await?;
    if last.is_some_and(|last| day - last < WEEK_DAYS) {
        return Ok(false);
    }
    let (report, _) = frequency::report(app, options, false).await?;
    let rows: Vec<WeekRow> = report
        .by_manager
        .iter()
        .flat_map(|group| {
            group.since_week.all().map(move |one| WeekRow {
                day,
                manager: group.name.clone(),
                from: one.from.word().to_owned(),
                to: one.to.word().to_owned(),
                clients: one.clients,
            })
        })
        .collect();
    app.store.keep_week(day, &rows).await?;
    Ok(true)
}

/// How the base stood on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// The day that was counted.
    pub day: Day,
    /// Clients by place, in the order of [`PLACES`].
    pub stand: [u64; 6],
    /// From a missed cycle, asleep or lost back to active or due.
    pub woken: u64,
    /// From active or due to a missed cycle, asleep or lost.
    pub fell_silent: u64,
    /// Bought for the first time.
    pub new_buyers: u64,
}

/// The places of a client, those who are well first.
pub const PLACES: [&str; 6] = ["active", "due", "missed", "asleep", "lost", "never_bought"];

impl Week {
    /// Adds clients who moved, or stayed.
    pub fn add(&mut self, row: &WeekRow) {
        let place = |word: &str| PLACES.iter().position(|one| *one == word);
        let (Some(from), Some(to)) = (place(&row.from), place(&row.to)) else {
            return;
        };
        self.day = row.day;
        self.stand[to] += row.clients;
        let well = |place: usize| place < 2;
        let silent = |place: usize| (2..5).contains(&place);
        if silent(from) && well(to) {
            self.woken += row.clients;
        } else if well(from) && silent(to) {
            self.fell_silent += row.clients;
        } else if from == 5 && to != 5 {
            self.new_buyers += row.clients;
        }
    }

    /// All clients who have ever bought.
    pub fn buyers(&self) -> u64 {
        self.stand[..5].iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_counted_as_what_they_mean() {
        let mut week = Week::default();
        for (from, to, clients) in [
            ("active", "active", 10),
            ("asleep", "active", 3),
            ("due", "missed", 4),
            ("never_bought", "active", 2),
            ("never_bought", "never_bought", 7),
            ("missed", "asleep", 1),
            ("nonsense", "active", 100),
        ] {
            week.add(&WeekRow {
                day: Day::from_epoch(20_000),
                manager: String::new(),
                from: from.to_owned(),
                to: to.to_owned(),
                clients,
            });
        }
        assert_eq!(week.stand, [15, 0, 4, 1, 0, 7]);
        assert_eq!((week.woken, week.fell_silent, week.new_buyers), (3, 4, 2));
        assert_eq!(week.buyers(), 20);
    }
}

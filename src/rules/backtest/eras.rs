//! The facts of the base at each refit: a day of the past sees those of the last refit before it.

use chrono::Datelike;

use crate::config::settings::RhythmSettings;
use crate::model::Day;
use crate::rules::base_facts::{BaseFacts, BaseFactsBuilder};

use super::past::Past;

/// The days of a period on which the base is fitted anew: the first one, and each first of a month.
pub fn refit_days(from: Day, to: Day) -> Vec<Day> {
    let days = (from.epoch_days() + 1..=to.epoch_days()).map(Day::from_epoch);
    let firsts = days.filter(|day| day.date().day() == 1);
    std::iter::once(from).chain(firsts).collect()
}

/// The facts of the base over a period, each from its own day on.
#[derive(Clone, Debug, PartialEq)]
pub struct Eras(Vec<BaseFacts>);

impl Eras {
    /// The facts that a day of the period sees. A day before the period sees the first ones.
    pub fn on(&self, day: Day) -> &BaseFacts {
        let later = self.0.partition_point(|base| base.day <= day);
        &self.0[later.saturating_sub(1)]
    }

    /// The next refit after a day.
    pub fn next_after(&self, day: Day) -> Option<Day> {
        self.all().map(|base| base.day).find(|refit| *refit > day)
    }

    /// The facts of every refit, in order.
    pub fn all(&self) -> impl Iterator<Item = &BaseFacts> {
        self.0.iter()
    }
}

/// Gathers the facts of every refit in one walk over the clients.
#[derive(Debug)]
pub struct ErasBuilder(Vec<BaseFactsBuilder>);

impl ErasBuilder {
    /// Begins the facts of a period.
    pub fn new(from: Day, to: Day, settings: &RhythmSettings) -> Self {
        let builders = refit_days(from, to).into_iter();
        Self(
            builders
                .map(|day| BaseFactsBuilder::new(day, settings))
                .collect(),
        )
    }

    /// Adds one client to each refit that knew him.
    pub fn add(&mut self, past: &Past) {
        for builder in &mut self.0 {
            let day = builder.day();
            let turnover = past.totals_on(day).year;
            let tags = &past.facts.client.tags;
            builder.add(past.client(), tags, past.purchase_days_on(day), turnover);
        }
    }

    /// Fits every era, which takes a second or two of one core for each.
    pub fn finish(self, settings: &RhythmSettings) -> Eras {
        let fitted = self.0.into_iter().map(|builder| builder.finish(settings));
        Eras(fitted.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_fitted_at_the_start_and_on_each_first_of_a_month() {
        let of = |from: &str, to: &str| {
            let days = refit_days(from.parse().unwrap(), to.parse().unwrap());
            let words: Vec<String> = days.iter().map(ToString::to_string).collect();
            words.join(" ")
        };
        assert_eq!(
            of("2011-06-15", "2011-08-01"),
            "2011-06-15 2011-07-01 2011-08-01"
        );
        assert_eq!(of("2011-06-01", "2011-06-30"), "2011-06-01");
    }

    #[test]
    fn a_day_sees_the_last_refit_before_it() {
        let from: Day = "2011-06-15".parse().unwrap();
        let settings = RhythmSettings::default();
        let builder = ErasBuilder::new(from, from.plus(40), &settings);
        let eras = builder.finish(&settings);
        let seen = |day: &str| eras.on(day.parse().unwrap()).day.to_string();
        assert_eq!(seen("2011-06-30"), "2011-06-15");
        assert_eq!(seen("2011-07-01"), "2011-07-01");
        assert_eq!(seen("2011-06-01"), "2011-06-15");
        assert_eq!(eras.next_after(from), Some("2011-07-01".parse().unwrap()));
        assert_eq!(eras.next_after(from.plus(30)), None);
    }
}

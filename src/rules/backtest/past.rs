//! The past of one client: what was bought on which day, and since when that was known.
//!
//! A day is looked at with nothing that became known later; what came of it is judged by all that
//! is known today.

use crate::model::{ClientFacts, ClientId, Day, Rhythm, Totals};
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;
use crate::rules::rhythm;

/// What came in and went back on one day of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastDay {
    /// The local day.
    pub day: Day,
    /// Minor units, returns taken off.
    pub net: i64,
    /// Minor units of positive rows; without any it is no purchase day.
    pub paid: i64,
    /// The day on which it was recorded; absent where that is not known.
    pub recorded_on: Option<Day>,
    /// The day on which the last positive row was taken back: a purchase day until then.
    pub undone_on: Option<Day>,
}

impl PastDay {
    /// The first day on which it was known; its own day where nothing else is known.
    pub fn known_on(&self) -> Day {
        self.recorded_on
            .map_or(self.day, |recorded| recorded.max(self.day))
    }

    /// Whether it counted as a purchase day for somebody who looked on `on`.
    fn is_purchase(&self, on: Day) -> bool {
        self.paid > 0 && self.undone_on.is_none_or(|undone| undone > on)
    }
}

/// One client with everything that is known of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Who it is: name, tags, manager, consents and our own story, as they are known today.
    pub facts: ClientFacts,
    /// The days, rising.
    pub days: Vec<PastDay>,
}

impl Past {
    /// Our own number of the client.
    pub fn client(&self) -> ClientId {
        self.facts.client.id
    }

    /// The client with his class; tags are those of today.
    pub fn kind(&self, base: &BaseFacts) -> ClientKind {
        base.kind_of(&self.facts.client)
    }

    /// The purchase days as they were known on a day, rising.
    pub fn purchase_days_on(&self, on: Day) -> impl Iterator<Item = Day> + Clone + '_ {
        self.known(on)
            .filter(move |past| past.is_purchase(on))
            .map(|past| past.day)
    }

    /// The rhythm as it was known on a day; `None` before the first purchase.
    pub fn rhythm_on(&self, on: Day) -> Option<Rhythm> {
        rhythm::of_sorted_days(self.purchase_days_on(on))
    }

    /// The money as it was known on a day, with the turnover of the year that ends on it.
    pub fn totals_on(&self, on: Day) -> Totals {
        let year_began = on.plus(-365);
        self.known(on).fold(Totals::default(), |sum, past| Totals {
            turnover: sum.turnover + past.net,
            spent: sum.spent + if past.is_purchase(on) { past.paid } else { 0 },
            year: sum.year + if past.day > year_began { past.net } else { 0 },
        })
    }

    /// The next day after `day` on which something more became known of the purchases.
    pub fn news_after(&self, day: Day) -> Option<Day> {
        let became_known = self.days.iter().map(PastDay::known_on);
        let undone = self.days.iter().filter_map(|past| past.undone_on);
        became_known.chain(undone).filter(|news| *news > day).min()
    }

    /// The purchase days that have lasted, rising: what is known of them today.
    pub fn lasting_days(&self) -> impl Iterator<Item = Day> + '_ {
        let lasting = |past: &&PastDay| past.paid > 0 && past.undone_on.is_none();
        self.days.iter().filter(lasting).map(|past| past.day)
    }

    /// The first lasting purchase after a day.
    pub fn next_purchase_after(&self, day: Day) -> Option<Day> {
        self.lasting_days().find(|bought| *bought > day)
    }

    fn known(&self, on: Day) -> impl Iterator<Item = &PastDay> + Clone + '_ {
        self.days.iter().filter(move |past| past.known_on() <= on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i32) -> Day {
        Day::from_epoch(day)
    }

    fn bought(on: i32) -> PastDay {
        PastDay {
            day: day(on),
            net: 100,
            paid: 100,
            recorded_on: None,
            undone_on: None,
        }
    }

    #[test]
    fn a_day_is_known_from_the_day_on_which_it_was_recorded() {
        let late = PastDay {
            recorded_on: Some(day(30)),
            ..bought(20)
        };
        let past = Past {
            facts: ClientFacts::default(),
            days: vec![bought(10), late, bought(40)],
        };
        let known = |on| past.purchase_days_on(day(on)).collect::<Vec<_>>();
        assert_eq!(known(29), [day(10)]);
        assert_eq!(known(30), [day(10), day(20)]);
        assert_eq!(past.news_after(day(10)), Some(day(30)));
        assert_eq!(past.news_after(day(40)), None);
        assert_eq!(past.totals_on(day(29)).spent, 100);
        assert_eq!(past.next_purchase_after(day(10)), Some(day(20)));
    }

    #[test]
    fn a_purchase_counts_until_the_day_on_which_it_was_taken_back() {
        let undone = PastDay {
            undone_on: Some(day(25)),
            ..bought(20)
        };
        let returned = PastDay {
            net: -100,
            paid: 0,
            ..bought(25)
        };
        let past = Past {
            facts: ClientFacts::default(),
            days: vec![bought(10), undone, returned],
        };
        let known = |on| past.purchase_days_on(day(on)).count();
        assert_eq!((known(24), known(25)), (2, 1));
        assert_eq!(past.totals_on(day(24)).spent, 200);
        assert_eq!(past.totals_on(day(25)).spent, 100);
        assert_eq!(past.totals_on(day(25)).turnover, 100);
        assert_eq!(past.next_purchase_after(day(10)), None);
        assert_eq!(past.rhythm_on(day(9)), None);
    }
}

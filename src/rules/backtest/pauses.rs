//! How good an alarm is, pause by pause, leaving aside whom a campaign may write to on which day.
//!
//! Every purchase opens a pause. It ends by the next purchase, or the client comes to count as
//! lost; near the end of the data neither may be known yet. Slow buyers are the ones whose pauses
//! are still open then, so a period that ends too late understates the false alarms.

use std::ops::RangeInclusive;

use crate::model::{ClientFacts, Day, Rhythm, RhythmDates, Totals, Xyz};
use crate::rules::audience;
use crate::rules::rhythm::{ClosedDays, Observed, expected_yearly_loss_minor, observe};
use crate::rules::standing::Standing;

use super::alarm::{Alarm, Occasion};
use super::happened::{Fate, parts};
use super::past::Past;
use super::scene::{Scene, pretended};

/// A pause of a client whom the campaign is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pause {
    /// The rhythm after the purchase that opened it.
    pub(super) opened: Rhythm,
    /// When the client would be due, missed, asleep and lost by his own rhythm.
    pub(super) own: RhythmDates,
    /// Days of silence until lost, closed days taken off.
    pub(super) lost_after_days: i32,
    /// His usual gap, in days.
    pub(super) usual_gap_days: f64,
    /// His frequency class; `None` after one purchase.
    pub(super) class: Option<Xyz>,
    /// The purchase that ended it.
    pub(super) next: Option<Day>,
    /// What he usually spends in a year, minor units.
    pub(super) yearly: i64,
}

impl Pause {
    /// The day on which an alarm speaks; `None` when it is silent about this client.
    pub(super) fn alarm_on(&self, alarm: Alarm, scene: &Scene<'_>, past: &Past) -> Option<Day> {
        let base = scene.eras.on(self.opened.last);
        let dates = match alarm {
            Alarm::OwnRhythm => self.own,
            yardstick => yardstick.dates(past.kind(base), &self.opened, base, &scene.occasion),
        };
        scene.occasion.begins_on(&self.opened, &dates, base)
    }
}

/// The pauses that one client, while the campaign is for him, began in a stretch of days.
///
/// `days` are his purchase days as far as they are to be known, rising.
pub(super) fn pauses_begun(
    scene: &Scene<'_>,
    past: &Past,
    days: impl IntoIterator<Item = Day>,
    stretch: RangeInclusive<Day>,
) -> Vec<Pause> {
    let mut found = Vec::new();
    let mut days = days.into_iter();
    let Some(first) = days.next() else {
        return found;
    };
    let mut facts = pretended(&past.facts);
    let mut opened = Rhythm::first_purchase(first);
    loop {
        let next = days.next();
        if stretch.contains(&opened.last) {
            found.extend(pause(scene, past, &opened, next, &mut facts));
        }
        let Some(next) = next else { return found };
        if observe(&mut opened, next) == Observed::Late {
            return found;
        }
    }
}

fn pause(
    scene: &Scene<'_>,
    past: &Past,
    opened: &Rhythm,
    next: Option<Day>,
    facts: &mut ClientFacts,
) -> Option<Pause> {
    if scene.occasion == Occasion::SecondPurchase && opened.purchase_days > 1 {
        return None;
    }
    let day = opened.last;
    let base = scene.eras.on(day);
    let law = base.law(past.kind(base), opened);
    let own = base.dates(past.kind(base), opened);
    let totals = past.totals_on(day);
    facts.rhythm = Some((*opened, own));
    facts.totals = totals;
    let standing = Standing::of_facts(facts, base, day)?;
    let conditions = audience::look(&scene.lasting_audience, facts, &standing.derived());
    if conditions.iter().any(|seen| !seen.holds) {
        return None;
    }
    let usual_gap_days = law.usual_gap_days();
    Some(Pause {
        opened: *opened,
        own,
        lost_after_days: base.closed.silent_days(day, own.lost),
        usual_gap_days,
        class: (opened.purchase_days > 1).then_some(standing.xyz),
        next,
        yearly: expected_yearly_loss_minor(1.0, usual_spend(&totals, opened), usual_gap_days),
    })
}

fn usual_spend(totals: &Totals, rhythm: &Rhythm) -> i64 {
    totals.spent / i64::from(rhythm.purchase_days.max(1))
}

/// How an alarm did on the pauses that began in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PauseTally {
    /// Of all clients.
    pub(super) all: AlarmTally,
    /// Of those who had bought once, and of the classes X, Y and Z.
    pub(super) by_class: [AlarmTally; 4],
    /// Pauses that had neither ended nor lapsed when the data ends.
    pub(super) still_open: i64,
}

/// Sums over pauses that have ended or lapsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AlarmTally {
    /// Pauses that ended by a purchase.
    pub(super) ended: i64,
    /// Those of them for which the alarm had spoken.
    pub(super) false_alarms: i64,
    /// Pauses in which the client came to count as lost.
    pub(super) lapsed: i64,
    /// Those of them for which the alarm had spoken by then.
    pub(super) noticed: i64,
    /// Days of silence before the alarm, over the lapsed; until lost where it never spoke.
    pub(super) silent_days: i64,
    /// The same in thousandths of the client's usual gap.
    pub(super) cycles_parts: i64,
    /// What the lapsed used to spend in a year, minor units.
    pub(super) yearly: i64,
    /// The same of those who were noticed.
    pub(super) yearly_noticed: i64,
}

impl PauseTally {
    /// Judges one pause under one alarm.
    pub(super) fn count(
        &mut self,
        pause: &Pause,
        alarm_on: Option<Day>,
        closed: &ClosedDays,
        data_until: Day,
    ) {
        let fate = Fate::of(pause.next, pause.own.lost, data_until);
        if fate == Fate::Open {
            self.still_open += 1;
            return;
        }
        let class = pause.class.map_or(0, |class| class as usize + 1);
        for tally in [&mut self.all, &mut self.by_class[class]] {
            tally.count(pause, fate, alarm_on, closed);
        }
    }
}

impl AlarmTally {
    fn count(&mut self, pause: &Pause, fate: Fate, alarm_on: Option<Day>, closed: &ClosedDays) {
        match fate {
            Fate::Open => {}
            Fate::Ended => {
                self.ended += 1;
                // On the day of the purchase itself nobody is called any more.
                let spoke = alarm_on.is_some_and(|on| pause.next.is_some_and(|next| on < next));
                self.false_alarms += i64::from(spoke);
            }
            Fate::Lapsed => {
                let noticed = alarm_on.is_some_and(|on| on <= pause.own.lost);
                let silent_days = alarm_on
                    .filter(|_| noticed)
                    .map_or(pause.lost_after_days, |on| {
                        closed.silent_days(pause.opened.last, on)
                    });
                let cycles = f64::from(silent_days) / pause.usual_gap_days.max(1.0);
                self.lapsed += 1;
                self.noticed += i64::from(noticed);
                self.silent_days += i64::from(silent_days);
                self.cycles_parts += parts(cycles, 1e3);
                self.yearly += pause.yearly;
                self.yearly_noticed += if noticed { pause.yearly } else { 0 };
            }
        }
    }
}

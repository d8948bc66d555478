//! Where a client stands on a day: the numbers that follow from his rhythm and the base.

use crate::model::{ClientFacts, Day, Rhythm, RhythmDates, RhythmState, Totals, Xyz};

use super::audience::Derived;
use super::base_facts::BaseFacts;
use super::client_kind::ClientKind;
use super::rhythm::{Law, expected_yearly_loss_minor};

/// The horizon of the chance to come back that lists and letters show, in days.
pub const RETURN_HORIZON_DAYS: f64 = 30.0;

/// A client who has bought, seen on one day.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The last purchase day.
    pub last_purchase: Day,
    /// The law of his next gap.
    pub law: Law,
    /// When he is due, missed, asleep, lost.
    pub dates: RhythmDates,
    /// The state on the day.
    pub state: RhythmState,
    /// Whole days since the last purchase, closed days taken off; never below zero.
    pub days_silent: i32,
    /// The frequency class.
    pub xyz: Xyz,
    /// Whether he is a key account.
    pub key_account: bool,
    /// What the company loses in a year if nothing is done: the chance to stay away, times what he
    /// usually spends in a year; minor units.
    pub value_at_risk: i64,
}

impl Standing {
    /// Looks at a client who has bought; `totals` are his money up to `day`.
    pub fn of(
        kind: ClientKind,
        rhythm: &Rhythm,
        totals: &Totals,
        base: &BaseFacts,
        day: Day,
    ) -> Self {
        let dates = base.dates(kind, rhythm);
        Self::with_dates(kind, rhythm, totals, base, day, dates)
    }

    /// As [`Standing::of`], for a client whose dates are kept in the database.
    pub fn of_facts(facts: &ClientFacts, base: &BaseFacts, day: Day) -> Option<Self> {
        let (rhythm, dates) = facts.rhythm.as_ref()?;
        let kind = base.kind_of(&facts.client);
        Some(Self::with_dates(
            kind,
            rhythm,
            &facts.totals,
            base,
            day,
            *dates,
        ))
    }

    fn with_dates(
        kind: ClientKind,
        rhythm: &Rhythm,
        totals: &Totals,
        base: &BaseFacts,
        day: Day,
        dates: RhythmDates,
    ) -> Self {
        let law = base.law(kind, rhythm);
        let days_silent = base.closed.silent_days(rhythm.last, day);
        let usual_gap_days = law.usual_gap_days();
        let usual_spend = totals.spent / i64::from(rhythm.purchase_days.max(1));
        let away = law.away(f64::from(days_silent));
        Self {
            last_purchase: rhythm.last,
            law,
            dates,
            state: dates.state_on(day),
            days_silent,
            xyz: base.xyz(rhythm.purchase_days, usual_gap_days),
            key_account: base.is_key_account(kind.id),
            value_at_risk: expected_yearly_loss_minor(away, usual_spend, usual_gap_days),
        }
    }

    /// Of the pauses of such clients that ended, the share that were longer than this silence.
    pub fn overdue_p(&self) -> f64 {
        self.law.overdue(f64::from(self.days_silent))
    }

    /// The chance that he stays away until he counts as lost.
    pub fn away(&self) -> f64 {
        self.law.away(f64::from(self.days_silent))
    }

    /// The chance of a purchase within `days` without our doing anything.
    pub fn returns_within(&self, days: f64) -> f64 {
        self.law.returns_within(f64::from(self.days_silent), days)
    }

    /// What the conditions of an audience look at, hints and readiness left aside: they
    /// follow from what was bought and said, not from when.
    pub fn derived(&self) -> Derived {
        Derived {
            days_silent: Some(self.days_silent),
            usual_gap_days: Some(self.law.usual_gap_days()),
            state: Some(self.state),
            xyz: Some(self.xyz),
            abc: None,
            key_account: self.key_account,
            hints: Vec::new(),
            upsell: Vec::new(),
        }
    }
}

//! Every client who has bought, in numbers, as of a day.

use serde::Serialize;

use crate::app::App;
use crate::config::values::Days;
use crate::db::{StoreError, Wanted};
use crate::model::{ClientFacts, ClientId, Day, RhythmState, Xyz};
use crate::rules::plan::in_units;
use crate::rules::rhythm::StepUp;
use crate::rules::standing::Standing;

use super::day::{DayOptions, Ground};

/// How many clients are in memory at once.
const PAGE: u32 = 2_000;

/// The names of the columns, in their order.
pub const HEADER: [&str; 15] = [
    "client",
    "purchases",
    "last_purchase",
    "days_silent",
    "usual_gap_days",
    "overdue_p",
    "away",
    "p_return",
    "due_on",
    "missed_on",
    "asleep_on",
    "lost_on",
    "state",
    "xyz",
    "turnover",
];

/// One client.
#[derive(Clone, Debug, Serialize)]
pub struct ClientRow {
    /// The id in the source.
    pub client: String,
    /// Purchase days.
    pub purchases: u32,
    /// The last of them.
    pub last_purchase: Day,
    /// Whole days since then.
    pub days_silent: i32,
    /// Half of the gaps of this client are longer.
    pub usual_gap_days: f64,
    /// Of the pauses of such clients that ended, the share that were longer; 0..1.
    pub overdue_p: f64,
    /// The chance that he stays away until he counts as lost; 0..1.
    pub away: f64,
    /// The chance of a purchase within the horizon; 0..1.
    pub p_return: f64,
    /// When the purchase is due.
    pub due_on: Day,
    /// When the cycle counts as missed.
    pub missed_on: Day,
    /// When he counts as asleep.
    pub asleep_on: Day,
    /// When he counts as lost.
    pub lost_on: Day,
    /// The furthest state reached.
    pub state: RhythmState,
    /// The frequency class.
    pub xyz: Xyz,
    /// Everything received, returns taken off, in units of the currency.
    pub turnover: f64,
    /// Whether he is a key account; not in the table.
    pub key_account: bool,
    /// What is lost in a year if nothing is done, in units of the currency; not in the table.
    pub value_at_risk: f64,
    /// What clients with such baskets also buy; not in the table, and read only where it is shown.
    pub hints: Vec<String>,
    /// What such clients went over to or took more of next; as with the hints.
    pub upsell: Vec<StepUp<String>>,
}

impl ClientRow {
    /// The row as texts, in the order of [`HEADER`].
    pub fn cells(&self) -> [String; 15] {
        let chance = |p: f64| format!("{p:.6}");
        [
            self.client.clone(),
            self.purchases.to_string(),
            self.last_purchase.to_string(),
            self.days_silent.to_string(),
            format!("{:.2}", self.usual_gap_days),
            chance(self.overdue_p),
            chance(self.away),
            chance(self.p_return),
            self.due_on.to_string(),
            self.missed_on.to_string(),
            self.asleep_on.to_string(),
            self.lost_on.to_string(),
            self.state.to_string(),
            self.xyz.to_string(),
            format!("{:.2}", self.turnover),
        ]
    }
}

/// A walk over all clients who have bought.
pub struct Rows<'a> {
    app: &'a App,
    ground: Ground<'a>,
    day: Day,
    horizon_days: f64,
    wanted: Wanted,
    after: ClientId,
}

impl<'a> Rows<'a> {
    /// Finds the clients; rows have hints only `with_hints`, because reading what everybody bought
    /// takes its time.
    pub async fn begin(
        app: &'a App,
        options: DayOptions<'a>,
        horizon: Days,
        with_hints: bool,
    ) -> Result<Self, StoreError> {
        let ground = Ground::read(app, options).await?;
        Ok(Self {
            app,
            ground,
            day: options.day,
            horizon_days: f64::from(horizon.count()),
            wanted: Wanted {
                items: with_hints,
                ..Wanted::default()
            },
            after: ClientId(0),
        })
    }

    /// The next rows; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<ClientRow>>, StoreError> {
        let store = &self.app.store;
        let ids = store.clients_known_after(self.after, PAGE, self.day);
        let ids = ids.await?;
        let Some(last) = ids.last() else {
            return Ok(None);
        };
        self.after = *last;
        let facts = self.ground.facts(&ids, self.wanted).await?;
        Ok(Some(
            facts.iter().filter_map(|facts| self.row(facts)).collect(),
        ))
    }

    fn row(&self, facts: &ClientFacts) -> Option<ClientRow> {
        let standing = Standing::of_facts(facts, self.ground.base(), self.day)?;
        let hints = self.ground.base().hints(&facts.items);
        Some(ClientRow {
            client: facts.client.ext_id.clone(),
            purchases: facts.purchase_days(),
            last_purchase: facts.last_purchase()?,
            days_silent: standing.days_silent,
            usual_gap_days: standing.law.usual_gap_days(),
            overdue_p: standing.overdue_p(),
            away: standing.away(),
            p_return: standing.returns_within(self.horizon_days),
            due_on: standing.dates.due,
            missed_on: standing.dates.missed,
            asleep_on: standing.dates.asleep,
            lost_on: standing.dates.lost,
            state: standing.state,
            xyz: standing.xyz,
            turnover: in_units(facts.totals.turnover, self.app.currency()),
            key_account: standing.key_account,
            value_at_risk: in_units(standing.value_at_risk, self.app.currency()),
            hints: hints.into_iter().map(|hint| hint.item).collect(),
            upsell: self.ground.base().steps_up(&facts.items),
        })
    }
}

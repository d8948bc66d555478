//! What can only be known of the whole base: parameters, quantiles, shares.
//!
//! Computed once for a day and kept under a version, so that a plan can say what it rested on.

use serde::{Deserialize, Serialize};

use crate::config::settings::{Grid, RhythmSettings};
use crate::model::{Client, ClientId, Day, OwnedItem, Rhythm, RhythmDates, Xyz};

use super::client_kind::{ClassFit, ClientKind, LEAST_CLASS_GAPS, class_of};
use super::evidence::Evidence;
use super::rhythm::{
    self, ClosedDays, Companions, Fit, FitSettings, GapHistogram, Hint, Law, PauseEnd, PauseSample,
    SecondPurchaseWindow, StepUp, StepsUp, Thresholds, TurnoverShares, XyzThresholds,
    proposed_grid, proposed_smallest_lost_days,
};
use super::trigger::FRESH_DAYS;

/// How many hints for a larger receipt a client gets: what a manager can say in one call.
const HINTS: usize = 3;

/// The facts of the whole base on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseFacts {
    /// Nothing dated after this day was used.
    pub day: Day,
    /// Days from the first purchase of the base to the day.
    #[serde(default)]
    pub span_days: i32,
    /// The settings by which they were made, see [`settings_word`].
    #[serde(default)]
    pub settings: String,
    /// What the base says about its rhythms, and how that was found.
    pub fit: Fit,
    /// What the base proposes for the keys of `[rhythm]` that a person may set.
    #[serde(default)]
    pub proposed: Option<Proposed>,
    /// Classes of clients with a fit of their own, as they are configured.
    #[serde(default)]
    pub classes: Vec<ClassFit>,
    /// When a cycle counts as missed, in shares of ended pauses; see [`Thresholds`].
    pub missed_p: f64,
    /// The same for key accounts.
    pub missed_p_key_account: f64,
    /// The chance to stay away at which a client counts as asleep.
    pub asleep_away: f64,
    /// The usual gaps that part the repeat buyers.
    pub xyz: XyzThresholds,
    /// Clients with more than the configured share of the year's turnover, in order of their id.
    pub key_accounts: Vec<ClientId>,
    /// When one-time buyers usually come back.
    pub second_purchase: SecondPurchaseWindow,
    /// Days on which the company is closed: they are no silence.
    #[serde(default)]
    pub closed: ClosedDays,
    /// Who buys less than usual; absent when no campaign asks.
    #[serde(default)]
    pub volume: Option<Volume>,
    /// What is bought together; absent when no receipt names what was bought.
    #[serde(default)]
    pub companions: Option<Companions<String>>,
    /// What clients go over to; absent when no receipt names what was bought.
    #[serde(default)]
    pub steps_up: Option<StepsUp<String>>,
}

/// What a base proposes for `smallest_lost` and `grid`: holds where they are not configured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// The least silence after which a client counts as lost, in days.
    pub smallest_lost_days: f64,
    /// How finely purchases seem to be dated.
    pub grid: Grid,
}

impl Proposed {
    fn of(sample: &PauseSample) -> Self {
        Self {
            smallest_lost_days: proposed_smallest_lost_days(sample),
            grid: match proposed_grid(sample) {
                rhythm::Grid::Days => Grid::Day,
                rhythm::Grid::Weeks => Grid::Week,
                rhythm::Grid::Months => Grid::Month,
            },
        }
    }
}

/// Who buys less than usual on the day of the base facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// How far clients of this base dip by chance, measured four weeks before the day.
    pub dip_z: Option<f64>,
    /// Who dips further, in the order of clients.
    pub drops: Vec<VolumeDrop>,
}

/// A client who buys less than usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeDrop {
    /// The client.
    pub client: ClientId,
    /// The day from which it counts.
    pub since: Day,
    /// The item that is no longer bought; absent when the whole spending dropped.
    pub item: Option<String>,
    /// What was seen.
    pub evidence: Evidence,
    /// What is at stake in a year, in minor units.
    pub value: i64,
}

impl Volume {
    /// The drops of one client. Every client of a day asks for his own, and there may be thousands.
    pub fn of(&self, client: ClientId) -> &[VolumeDrop] {
        let from = self.drops.partition_point(|drop| drop.client < client);
        let own = self.drops[from..].partition_point(|drop| drop.client == client);
        &self.drops[from..from + own]
    }
}

impl BaseFacts {
    /// Whether the client's share of the turnover makes a key account.
    pub fn is_key_account(&self, client: ClientId) -> bool {
        self.key_accounts.binary_search(&client).is_ok()
    }

    /// A client with his class, by his tags.
    pub fn kind(&self, id: ClientId, tags: &[String]) -> ClientKind {
        let classes = self.classes.iter().map(|class| &class.tag);
        ClientKind {
            id,
            class: class_of(classes, tags),
        }
    }

    /// As [`Self::kind`], for a client whose card is at hand.
    pub fn kind_of(&self, client: &Client) -> ClientKind {
        self.kind(client.id, &client.tags)
    }

    /// The class whose own fit holds for a client; `None` where that of the whole base does.
    pub fn own_class(&self, kind: ClientKind) -> Option<&ClassFit> {
        let class = self.classes.get(kind.class?)?;
        class.fit.is_some().then_some(class)
    }

    /// What the base says about the rhythms of such clients.
    pub fn fit_of(&self, kind: ClientKind) -> &Fit {
        let own = self.own_class(kind).and_then(|class| class.fit.as_ref());
        own.unwrap_or(&self.fit)
    }

    /// The law of a client's next gap.
    pub fn law(&self, kind: ClientKind, rhythm: &Rhythm) -> Law {
        Law::of(rhythm, &self.fit_of(kind).parameters)
    }

    /// When a client is due, missed, asleep and lost; closed days do not count.
    pub fn dates(&self, kind: ClientKind, rhythm: &Rhythm) -> RhythmDates {
        let law = self.law(kind, rhythm);
        let dates = rhythm::dates(&law, rhythm.last, &self.thresholds(kind.id));
        self.closed.move_dates(rhythm.last, &dates)
    }

    /// The first day that a daily scan by these facts looks back to: older episodes are not fresh
    /// any more, and facts are never younger than the day that is planned by them.
    pub const fn watched_from(&self) -> Day {
        self.day.plus(-FRESH_DAYS)
    }

    /// The first of the dates that a daily scan by these facts has to see; nothing when all of them
    /// are over.
    pub fn next_date(&self, dates: &RhythmDates) -> Option<Day> {
        let dates = [dates.due, dates.missed, dates.asleep, dates.lost];
        let watched = dates.into_iter().filter(|day| *day >= self.watched_from());
        watched.min()
    }

    /// How certain to be before a state is declared for this client.
    pub fn thresholds(&self, client: ClientId) -> Thresholds {
        let key = self.is_key_account(client);
        let missed_p = if key {
            self.missed_p_key_account
        } else {
            self.missed_p
        };
        Thresholds {
            missed_p,
            wake_away: self.asleep_away,
        }
    }

    /// What clients with such baskets also buy, the likeliest first; nothing when `items` is empty.
    pub fn hints(&self, items: &[OwnedItem]) -> Vec<Hint<String>> {
        let companions = self.companions.as_ref();
        let items = items.iter().map(|own| &own.item);
        companions.map_or_else(Vec::new, |companions| companions.hints(items, HINTS))
    }

    /// What such clients went over to or took more of next, the likeliest first.
    pub fn steps_up(&self, items: &[OwnedItem]) -> Vec<StepUp<String>> {
        let steps = self.steps_up.as_ref();
        steps.map_or_else(Vec::new, |steps| steps.hints(items, HINTS))
    }

    /// The frequency class of a client with this many purchase days and this usual gap.
    pub fn xyz(&self, purchase_days: u32, usual_gap_days: f64) -> Xyz {
        rhythm::xyz(purchase_days, usual_gap_days, &self.xyz)
    }
}

/// Gathers the facts of the base of one day, client after client: memory does not grow with it.
#[derive(Debug)]
pub struct BaseFactsBuilder {
    day: Day,
    sample: PauseSample,
    /// The configured classes, each with its own pauses; those are in the sample of all as well.
    classes: Vec<(String, PauseSample)>,
    shares: TurnoverShares<ClientId>,
}

impl BaseFactsBuilder {
    /// Begins the facts of a day.
    pub fn new(day: Day, settings: &RhythmSettings) -> Self {
        Self {
            day,
            sample: PauseSample::default(),
            classes: settings
                .classes
                .iter()
                .map(|tag| (tag.clone(), PauseSample::default()))
                .collect(),
            shares: TurnoverShares::new(settings.key_account_share.fraction()),
        }
    }

    /// The day whose facts are gathered.
    pub const fn day(&self) -> Day {
        self.day
    }

    /// Adds one client with his tags: the purchase days that were known on the day, rising, and the
    /// turnover of the year that ends on it, in minor units.
    pub fn add(
        &mut self,
        client: ClientId,
        tags: &[String],
        purchase_days: impl IntoIterator<Item = Day, IntoIter: Clone>,
        year_turnover: i64,
    ) {
        let days = purchase_days.into_iter();
        let number = client.0.cast_unsigned();
        if let Some(class) = class_of(self.classes.iter().map(|(tag, _)| tag), tags) {
            let (_, sample) = &mut self.classes[class];
            sample.add_history(number, days.clone(), self.day);
        }
        self.sample.add_history(number, days, self.day);
        self.shares.add(client, year_turnover);
    }

    /// Fits the parameters, which takes a second or two of one core, and finds the rest.
    pub fn finish(self, settings: &RhythmSettings) -> BaseFacts {
        let fit = rhythm::fit(&self.sample, &fit_settings(&self.sample, settings));
        let proposed = Some(Proposed::of(&self.sample));
        let span_days = self.sample.span_days();
        let classes = self.classes.into_iter();
        let classes = classes.map(|(tag, sample)| ClassFit {
            tag,
            fit: class_fit(&sample, settings),
        });
        let classes = classes.collect();
        let second_purchase = SecondPurchaseWindow::of_base(&self.sample, &fit.parameters);
        let xyz = XyzThresholds::of(&usual_gaps(&self.sample, &fit));
        let accounts = self.shares.finish().accounts;
        let mut key_accounts: Vec<ClientId> =
            accounts.into_iter().map(|(client, _)| client).collect();
        key_accounts.sort_unstable();
        BaseFacts {
            day: self.day,
            span_days,
            settings: settings_word(settings),
            proposed,
            fit,
            classes,
            missed_p: settings.missed_p.fraction(),
            missed_p_key_account: settings.missed_p_key_account.fraction(),
            asleep_away: settings.asleep_at.fraction(),
            xyz,
            key_accounts,
            second_purchase,
            closed: closed_days(settings),
            volume: None,
            companions: None,
            steps_up: None,
        }
    }
}

/// Everything in the settings that the facts of a base depend on, in a form that can be compared:
/// facts that were made by other ones do not answer any more.
pub fn settings_word(settings: &RhythmSettings) -> String {
    let settings = RhythmSettings {
        // Says when to make new facts, not how.
        refit_after: RhythmSettings::default().refit_after,
        ..settings.clone()
    };
    serde_json::to_string(&settings).unwrap_or_default()
}

/// Every configured closed day.
fn closed_days(settings: &RhythmSettings) -> ClosedDays {
    ClosedDays::new(settings.closed.iter().flat_map(|stretch| {
        (0..=stretch.to.days_since(stretch.from)).map(|n| stretch.from.plus(n))
    }))
}

/// The fit of a class by its own pauses; `None` when they are too few.
fn class_fit(sample: &PauseSample, settings: &RhythmSettings) -> Option<Fit> {
    if sample.closed_gaps() < LEAST_CLASS_GAPS {
        return None;
    }
    Some(rhythm::fit(sample, &fit_settings(sample, settings)))
}

fn fit_settings(sample: &PauseSample, settings: &RhythmSettings) -> FitSettings {
    let proposed = Proposed::of(sample);
    let grid = match settings.grid.unwrap_or(proposed.grid) {
        Grid::Day => rhythm::Grid::Days,
        Grid::Week => rhythm::Grid::Weeks,
        Grid::Month => rhythm::Grid::Months,
    };
    let configured = settings.smallest_lost.map(|days| f64::from(days.0));
    let smallest_lost_days = configured.unwrap_or(proposed.smallest_lost_days);
    FitSettings {
        grid_half_days: grid.half_days(),
        smallest_lost_days,
        ..FitSettings::default()
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

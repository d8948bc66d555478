//! `config/campaigns/*.toml`: one campaign a file.
//!
//! Every key is documented here, once: the JSON schema and the hints of `check` come from these
//! types. What a campaign does with a client is decided in `rules`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::audience::{Condition, CountRange, MoneyRange, TagRule};
pub use super::certificate::{CertificateOffer, Discount};
pub use super::content::{DayOff, Event, Invited, News, NewsItem, NewsTime, Partner, Variant};
use super::settings::DealStep;
use super::values::{Days, Share, Span};
use crate::model::{Channel, Class, Day, ManagerRole, Money, OnUnknown, RhythmState, TaskKind};

/// One campaign: what starts it, for whom, and what happens step by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Identifies the campaign for ever; renaming the title never sends anything again.
    #[schemars(extend("format" = "slug", "pattern" = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub id: String,
    /// The name that people see.
    #[schemars(length(min = 1))]
    pub title: String,
    /// `draft` is shown by `plan --campaign ID` only; `paused` goes on later where it stopped.
    #[serde(default)]
    pub status: CampaignStatus,
    /// Episodes that begin on or after this day are acted on at once; older ones are backlog.
    /// Without it the day of the campaign's first run.
    #[serde(default, deserialize_with = "super::values::optional_day")]
    pub starts: Option<Day>,
    /// The last day on which new clients enter.
    #[serde(default, deserialize_with = "super::values::optional_day")]
    pub ends: Option<Day>,
    /// The most clients a day whose episode began before the campaign did.
    #[serde(default = "Campaign::default_backlog_per_day")]
    pub backlog_per_day: u32,
    /// Of several campaigns that want the same client on one day, the highest wins.
    #[serde(default)]
    pub priority: i32,
    /// Who signs the letters and gets the answers.
    #[serde(default)]
    pub from: Sender,
    /// What the messages are: `advertising` needs a consent to advertising, `service` does not.
    #[serde(default)]
    pub class: Class,
    /// What starts an episode.
    pub trigger: Trigger,
    /// For whom; all conditions must hold.
    #[serde(default)]
    pub audience: Condition,
    /// How often and for how many.
    #[serde(default)]
    pub limits: CampaignLimits,
    /// What ends the campaign for a client, and what counts as success.
    #[serde(default)]
    pub goal: Goal,
    /// The news that the letters of this campaign carry.
    #[serde(default)]
    pub news: Option<News>,
    /// The event that the letters of this campaign invite to.
    #[serde(default)]
    pub event: Option<Event>,
    /// The offer of a partner that the letters of this campaign carry.
    #[serde(default)]
    pub partner: Option<Partner>,
    /// What happens, in this order.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

impl Campaign {
    fn default_backlog_per_day() -> u32 {
        50
    }
}

/// Whether a campaign acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CampaignStatus {
    /// Being written: only `plan --campaign ID` shows what it would do.
    #[default]
    Draft,
    /// Acts at every run.
    Live,
    /// Stands still; nobody enters and no step is taken.
    Paused,
}

/// Who signs a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The company.
    #[default]
    Company,
    /// The client's manager; answers go to him.
    Manager,
}

/// What starts an episode of a campaign for a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "on", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// The client's own purchase cycle has passed without a purchase.
    MissedCycle {
        /// How far the silence has come.
        #[serde(default)]
        level: MissedLevel,
        /// With `level = "due"`: so many days before the purchase is due.
        #[serde(default)]
        lead: Option<Days>,
    },
    /// A one-time buyer is past the usual time to the second purchase.
    SecondPurchase {},
    /// The client still buys, but clearly less than usual, or stopped buying something.
    VolumeDrop {
        /// What must have dropped.
        #[serde(default)]
        of: VolumeDropKind,
    },
    /// The client has bought: the day of each purchase.
    Purchase {},
    /// A deal has been won.
    DealWon {},
    /// A friend to whom the client gave a certificate has bought.
    FriendBought {},
    /// A deal was lost, and the time to ask again has come.
    Rejection {
        /// Only these reasons, by their id or any of their words; all when absent.
        #[serde(default)]
        #[schemars(length(min = 1))]
        reasons: Vec<String>,
        /// How long after the rejection; what the dictionary says for the reason when absent, and
        /// 90 days for what it does not know.
        #[serde(default)]
        after: Option<Days>,
        /// Other distances for some reasons: `after_by_reason = { price = "180d" }`.
        #[serde(default)]
        after_by_reason: BTreeMap<String, Days>,
    },
    /// News that answer the reason of a rejection: an item with `answers` reaches exactly those who
    /// said no for that reason.
    RejectionAnswered {
        /// The day on which the news goes out.
        #[serde(deserialize_with = "super::values::day")]
        day: Day,
    },
    /// A quote or an invoice was sent, and since then nothing has happened.
    StalledDeal {
        /// What was sent; both when absent.
        #[serde(default)]
        #[schemars(length(min = 1))]
        at: Vec<DealStep>,
        /// How long nothing has happened.
        #[serde(default = "Trigger::default_stalled_after")]
        after: Days,
    },
    /// Visited the site, stopped, and has never bought.
    VisitLapsed {
        /// The least number of days with a visit.
        #[serde(default = "Trigger::default_visits")]
        visits: u32,
        /// How long after the last visit.
        #[serde(default = "Trigger::default_lapsed_after")]
        after: Days,
    },
    /// A client has grown out of the hands that won him: after so many purchases, such a turnover, or
    /// one of these items, whichever comes first.
    Handover {
        /// Clients of managers with this role are handed over …
        #[serde(default = "Trigger::default_handover_from")]
        from: ManagerRole,
        /// … to managers with this one.
        #[serde(default)]
        to: ManagerRole,
        /// After so many purchase days.
        #[serde(default)]
        purchases: Option<u32>,
        /// After so much money in all.
        #[serde(default)]
        turnover: Option<Money>,
        /// After one of these items.
        #[serde(default)]
        #[schemars(length(min = 1))]
        items: Vec<String>,
    },
    /// A day of the calendar.
    Date {
        /// `12-20` for every year, `2026-12-20` for once.
        day: DateRule,
        /// So many days before it.
        #[serde(default)]
        lead: Days,
        /// What happens when the day on which it begins is no working day.
        #[serde(default)]
        on_day_off: DayOff,
    },
    /// The client's birthday, every year.
    Birthday {
        /// So many days before it.
        #[serde(default)]
        lead: Days,
        /// What happens when the day on which it begins is no working day.
        #[serde(default)]
        on_day_off: DayOff,
    },
    /// The day of the client's first purchase, every year from the first one after it.
    Anniversary {
        /// So many days before it.
        #[serde(default)]
        lead: Days,
        /// What happens when the day on which it begins is no working day.
        #[serde(default)]
        on_day_off: DayOff,
    },
    /// Company news, once, on their day.
    News {
        /// The day on which the news goes out.
        #[serde(deserialize_with = "super::values::day")]
        day: Day,
        /// In the morning of each reader, or as soon as the hours allow it.
        #[serde(default)]
        when: NewsTime,
    },
}

impl Trigger {
    fn default_stalled_after() -> Days {
        Days(7)
    }

    fn default_visits() -> u32 {
        2
    }

    fn default_lapsed_after() -> Days {
        Days(14)
    }

    fn default_handover_from() -> ManagerRole {
        ManagerRole::Hunter
    }

    /// The word that configuration uses for this trigger.
    pub fn word(&self) -> &'static str {
        match self {
            Self::MissedCycle { .. } => "missed_cycle",
            Self::SecondPurchase {} => "second_purchase",
            Self::VolumeDrop { .. } => "volume_drop",
            Self::Purchase {} => "purchase",
            Self::DealWon {} => "deal_won",
            Self::FriendBought {} => "friend_bought",
            Self::Rejection { .. } => "rejection",
            Self::RejectionAnswered { .. } => "rejection_answered",
            Self::StalledDeal { .. } => "stalled_deal",
            Self::VisitLapsed { .. } => "visit_lapsed",
            Self::Handover { .. } => "handover",
            Self::Date { .. } => "date",
            Self::Birthday { .. } => "birthday",
            Self::Anniversary { .. } => "anniversary",
            Self::News { .. } => "news",
        }
    }
}

/// How far the silence of a client has come when `missed_cycle` starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissedLevel {
    /// The purchase is due by the client's usual gap.
    Due,
    /// Hardly any pause of such clients that ended was longer.
    #[default]
    Missed,
    /// More likely than not he stays away.
    Asleep,
    /// Silent for so long that he counts as lost.
    Lost,
}

impl MissedLevel {
    /// The state of the rhythm that this level waits for.
    pub const fn state(self) -> RhythmState {
        match self {
            Self::Due => RhythmState::Due,
            Self::Missed => RhythmState::Missed,
            Self::Asleep => RhythmState::Asleep,
            Self::Lost => RhythmState::Lost,
        }
    }
}

/// What must have dropped for `volume_drop`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VolumeDropKind {
    /// Money spent, against the client's own past and the base.
    #[default]
    Spend,
    /// An item bought regularly and no longer.
    Items,
}

/// A day of every year, or one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateRule {
    /// `12-20`: the month and the day of the month, every year.
    Yearly {
        /// 1 to 12.
        month: u32,
        /// 1 to 31; 29 February falls on 28 February in common years.
        day: u32,
    },
    /// `2026-12-20`: once.
    Once(Day),
}

/// How often a client enters, and who is left out to measure the effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignLimits {
    /// The least time from the last touch of this campaign to a new episode.
    pub reentry: Days,
    /// The share of clients who get nothing, so that the effect can be measured.
    pub holdout: Share,
    /// At most so many messages of a day's run fall due within an hour; without it all at once, as
    /// fast as the channel goes.
    #[schemars(range(min = 1))]
    pub per_hour: Option<u32>,
}

impl Default for CampaignLimits {
    fn default() -> Self {
        Self {
            reentry: Days(90),
            holdout: Share::percent(10.0),
            per_hour: None,
        }
    }
}

/// What ends the campaign for a client, and what counts as success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Goal {
    /// What the campaign is for.
    pub event: GoalEvent,
    /// How long after entering it still counts.
    pub within: Days,
}

impl Default for Goal {
    fn default() -> Self {
        Self {
            event: GoalEvent::Purchase,
            within: Days(30),
        }
    }
}

/// What a campaign is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalEvent {
    /// A purchase: ends the campaign for the client as soon as it is known.
    #[default]
    Purchase,
    /// A won deal.
    DealWon,
    /// Nothing: all steps are taken.
    None,
}

/// One step: either a message (`channel` and `template`) or a task (`task` and `script`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Identifies the step within the campaign for ever.
    #[schemars(extend("format" = "slug", "pattern" = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub id: String,
    /// The distance from the day on which the client entered.
    #[serde(default)]
    pub after: Option<Span>,
    /// The channel of a message.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// The template of a message.
    #[serde(default)]
    pub template: Option<String>,
    /// Several forms of the message, between which a draw decides.
    #[serde(default, rename = "variant")]
    pub variants: Vec<Variant>,
    /// For whom of those who were invited to the campaign's event the step is; all when absent.
    #[serde(default)]
    pub only: Option<Invited>,
    /// What the message is when it differs from the campaign.
    #[serde(default)]
    pub class: Option<Class>,
    /// Sent instead where the channel cannot reach the client; a step of its own.
    #[serde(default)]
    pub fallback: Option<Fallback>,
    /// A certificate that the message carries.
    #[serde(default)]
    pub certificate: Option<CertificateOffer>,
    /// What happens when a server fell silent at the wrong moment and nobody knows whether the
    /// message was sent: `at_most_once` leaves it, `at_least_once` sends it once more, `ask` leaves
    /// it to a person.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// The kind of a task.
    #[serde(default)]
    pub task: Option<TaskKind>,
    /// What the manager says: a template in `scripts`.
    #[serde(default)]
    pub script: Option<String>,
    /// Whose task it is, where it is not the client's manager's: the client's manager if he has this
    /// role, else somebody who has.
    #[serde(default)]
    pub role: Option<ManagerRole>,
}

/// What is sent where the first channel cannot reach the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// The other channel.
    pub channel: Channel,
    /// The other template; never the same letter twice.
    pub template: String,
}

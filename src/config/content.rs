//! What the letters of a campaign carry: news, an event, the offer of a partner, and the variants
//! between which a draw decides.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Share, TimeOfDay};
use crate::model::Day;

/// News that letters carry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct News {
    /// The headline.
    #[schemars(length(min = 1))]
    pub title: String,
    /// A few words before the pieces, in Markdown; an empty line separates paragraphs.
    #[serde(default)]
    pub intro: Option<String>,
    /// The pieces, in this order.
    #[serde(default, rename = "item")]
    pub items: Vec<NewsItem>,
}

/// One piece of news.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewsItem {
    /// The headline of the piece.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The text, in Markdown: an empty line separates paragraphs, `**bold**`, `- lists`,
    /// `[words](https://…)`. HTML stays text.
    #[schemars(length(min = 1))]
    pub text: String,
    /// A picture above the text, with https://.
    #[serde(default)]
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub picture: Option<String>,
    /// What the picture shows, for those who do not see it.
    #[serde(default)]
    pub picture_alt: Option<String>,
    /// Where to read on, with https://.
    #[serde(default)]
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub link: Option<String>,
    /// The reasons of rejections that it answers, by their id or any of their words; used by
    /// `rejection_answered`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub answers: Vec<String>,
    /// With `answers`: only deals whose title names one of these; all when absent.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub products: Vec<String>,
}

/// An event that letters invite to: a seminar, an opening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What it is called.
    #[schemars(length(min = 1))]
    pub title: String,
    /// The day.
    #[serde(deserialize_with = "super::values::day")]
    pub day: Day,
    /// When it begins, in the company's time zone.
    pub time: TimeOfDay,
    /// When it ends, on the same day; an hour later when absent.
    #[serde(default)]
    pub ends: Option<TimeOfDay>,
    /// Where it is.
    #[serde(default)]
    pub place: Option<String>,
    /// What it is about, in Markdown.
    #[serde(default)]
    pub about: Option<String>,
    /// Where to join, when it is held online, with https://.
    #[serde(default)]
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub link: Option<String>,
    /// How many may come; everybody when absent.
    #[serde(default)]
    pub seats: Option<u32>,
}

/// The offer of a partner, with a code for each client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The partner.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What the partner gives, in words that go on in a sentence: `a free croissant`.
    #[schemars(length(min = 1))]
    pub offer: String,
    /// A text file with one code a line, below the home folder; each is given once.
    pub codes: PathBuf,
    /// The last day on which the codes are good.
    #[serde(default, deserialize_with = "super::values::optional_day")]
    pub valid_until: Option<Day>,
    /// Where to use a code, with https://.
    #[serde(default)]
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub link: Option<String>,
}

/// One of several forms of a message, between which a draw decides: the same client always gets the
/// same one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Identifies the variant within the step.
    #[schemars(extend("format" = "slug", "pattern" = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub id: String,
    /// The share of clients who get it; without it an equal part of what the others leave.
    #[serde(default)]
    pub share: Option<Share>,
    /// Another subject than that of the template.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub subject: Option<String>,
    /// Another template.
    #[serde(default)]
    pub template: Option<String>,
    /// Other news.
    #[serde(default)]
    pub news: Option<News>,
}

/// For whom of those who were invited a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invited {
    /// Those who have taken a seat, up to the day of the event.
    Registered,
    /// Those who have taken none.
    NotRegistered,
    /// Those who came.
    Attended,
}

/// What happens to a day that is no working day: a weekend, or one of `[hours] holidays`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DayOff {
    /// It stays.
    #[default]
    Same,
    /// The last working day before it.
    Before,
    /// The first working day after it.
    After,
}

/// When on their day news leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewsTime {
    /// In the first three open hours of each reader's own day.
    #[default]
    Morning,
    /// At any open hour.
    AnyHour,
}

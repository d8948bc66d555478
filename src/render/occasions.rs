//! The parts of a letter that is written for a day, an event or the offer of a partner.

use serde::{Deserialize, Serialize};

use crate::config::campaign::Event;
use crate::model::Day;

/// The day that a letter is written for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OccasionPart {
    /// The day itself; the letter may come before it.
    pub day: Day,
    /// How many years ago it was for the first time; absent where nobody knows or it is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub years: Option<u32>,
}

/// The event that a letter invites to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventPart {
    /// What it is called.
    pub title: String,
    /// The day.
    pub day: Day,
    /// When it begins: `18:30`.
    pub time: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What it is about, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Where to join, when it is held online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The client's own page on which he takes a seat or gives it back.
    pub register: String,
}

impl EventPart {
    /// An event as it is configured, with the client's own page.
    pub fn of(event: &Event, register: String) -> Self {
        Self {
            title: event.title.clone(),
            day: event.day,
            time: event.time.to_string(),
            ends: event.ends.map(|ends| ends.to_string()),
            place: event.place.clone(),
            about: event.about.clone(),
            link: event.link.clone(),
            register,
        }
    }
}

/// The offer of a partner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartnerPart {
    /// The partner.
    pub name: String,
    /// What the partner gives, in words.
    pub offer: String,
    /// The client's own code.
    pub code: String,
    /// The last day on which it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Day>,
    /// Where to use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

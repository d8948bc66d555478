//! Clients, the people behind them, and the managers who look after them.

use std::collections::BTreeMap;
use std::fmt;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Channel, Class, ConsentBasis, Day, Locale, ManagerRole};

/// The number of a client in our own tables; says nothing outside of them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct ClientId(pub i64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A client: a person, or a company that buys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Client {
    /// Our own number.
    pub id: ClientId,
    /// The source that the client comes from.
    pub source: String,
    /// The id that the source uses; people know the client by it.
    pub ext_id: String,
    /// The name of the person.
    pub name: Option<String>,
    /// The name of the company.
    pub company: Option<String>,
    /// The e-mail address, lower case.
    pub email: Option<String>,
    /// The phone in E.164 with `+`.
    pub phone: Option<String>,
    /// The client's own language.
    pub locale: Option<Locale>,
    /// The client's own time zone.
    pub time_zone: Option<Tz>,
    /// Two letters.
    pub country: Option<String>,
    /// The manager, by the id that the source uses.
    pub manager: Option<String>,
    /// Tags of the source.
    pub tags: Vec<String>,
    /// Further columns of the source.
    pub attributes: BTreeMap<String, String>,
    /// The day of birth.
    pub birthday: Option<Day>,
}

impl Client {
    /// What to call the client on lists: the company, the name, or the id.
    pub fn label(&self) -> &str {
        let named = self.company.as_deref().or(self.name.as_deref());
        named
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.ext_id)
    }
}

/// A person behind a client: in B2B the company buys, and people are written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The person's name.
    pub name: Option<String>,
    /// Buyer, decides, accountant: in the source's words.
    pub role: Option<String>,
    /// The e-mail address, lower case.
    pub email: Option<String>,
    /// The phone in E.164 with `+`.
    pub phone: Option<String>,
    /// Whether this is the person to write to.
    pub primary: bool,
}

/// A person of the company who looks after clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The id that clients refer to.
    pub id: String,
    /// The name that letters are signed with.
    pub name: String,
    /// Where the day's list goes.
    pub email: Option<String>,
    /// The phone that letters show.
    pub phone: Option<String>,
    /// What the manager does.
    pub role: ManagerRole,
    /// Tasks a day; the configured capacity when absent.
    pub capacity: Option<u16>,
    /// The language of the day's list.
    pub locale: Option<Locale>,
    /// Stretches of days on which he is not there, both ends included.
    pub absent: Vec<(Day, Day)>,
    /// Who stands in for him meanwhile, by id.
    pub substitute: Option<String>,
}

impl Manager {
    /// Whether he is there on a day.
    pub fn is_there(&self, day: Day) -> bool {
        !self
            .absent
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&day))
    }
}

#[cfg(test)]
impl Manager {
    /// A manager of whom nothing but the role is known.
    pub(crate) fn with_role(id: &str, role: ManagerRole) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            email: None,
            phone: None,
            role,
            capacity: None,
            locale: None,
            absent: Vec::new(),
            substitute: None,
        }
    }
}

/// What a client agreed to, or took back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// For which channel.
    pub channel: Channel,
    /// For which class of messages.
    pub class: Class,
    /// What it rests on.
    pub basis: ConsentBasis,
    /// Since when; unknown when absent.
    pub given_on: Option<Day>,
    /// Taken back on this day.
    pub withdrawn_on: Option<Day>,
    /// The card under which it was said: the client's own, or one that was merged into it.
    pub card: ClientId,
}

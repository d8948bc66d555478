//! Facts as a source states them, checked and put into our own words.
//!
//! An import reads files into these values and the database takes them up. They carry the ids of
//! the source, never ours, and nothing derived: a fact is what somebody wrote down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words::{
    Channel, Class, ConsentBasis, DealStatus, ManagerRole, SuppressionReason, SuppressionScope,
};
use super::{Day, Locale};

/// A manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagerFact {
    /// The id that clients refer to.
    pub id: String,
    /// The name.
    pub name: String,
    /// Where the day's list goes.
    pub email: Option<String>,
    /// E.164 with a plus.
    pub phone: Option<String>,
    /// What the manager does.
    pub role: ManagerRole,
    /// Tasks a day.
    pub capacity: Option<u16>,
    /// The language of the day's list.
    pub locale: Option<Locale>,
    /// The first day on which he is not there.
    #[serde(with = "optional_epoch_day")]
    pub absent_from: Option<Day>,
    /// The last one.
    #[serde(with = "optional_epoch_day")]
    pub absent_to: Option<Day>,
    /// Who stands in for him, by id.
    pub substitute: Option<String>,
}

/// A client: a person or a company that buys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientFact {
    /// The id that the source uses.
    pub id: String,
    /// The person's name.
    pub name: Option<String>,
    /// The company's name.
    pub company: Option<String>,
    /// Lower case, checked.
    pub email: Option<String>,
    /// E.164 with a plus.
    pub phone: Option<String>,
    /// The language of letters.
    pub locale: Option<Locale>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Two capital letters.
    pub country: Option<String>,
    /// The id of the manager.
    pub manager: Option<String>,
    /// Sorted, each once.
    pub tags: Vec<String>,
    /// The day of birth.
    #[serde(with = "optional_epoch_day")]
    pub birthday: Option<Day>,
    /// The id of the client whom this one has been merged into: a second card of the same person
    /// or company.
    pub merged_into: Option<String>,
    /// Every further column of the source that has a value, by its header.
    pub attributes: BTreeMap<String, String>,
    /// What the consent columns say, by channel.
    pub consents: Vec<(Channel, ConsentAnswer)>,
}

/// What a consent column says about a client and a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentAnswer {
    /// Agreed, on a day that is known or not.
    Given(#[serde(with = "optional_epoch_day")] Option<Day>),
    /// Did not agree, or no longer does.
    Withheld,
}

/// A person at a client's company.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactFact {
    /// The id of the client.
    pub client: String,
    /// The id of the source, or name and addresses where it has none.
    pub id: String,
    /// The person's name.
    pub name: Option<String>,
    /// In the source's words: buyer, decides, accountant.
    pub role: Option<String>,
    /// Lower case, checked.
    pub email: Option<String>,
    /// E.164 with a plus.
    pub phone: Option<String>,
    /// Whether this is the one to write to.
    pub primary: bool,
}

/// What a purchase or a deal says about a client whom no list of clients names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHint {
    /// The person's or the company's name.
    pub name: Option<String>,
    /// Lower case, checked.
    pub email: Option<String>,
    /// E.164 with a plus.
    pub phone: Option<String>,
}

impl ClientHint {
    /// The hint, or nothing when it says nothing.
    pub fn if_any(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }

    /// Takes over what a later hint knows.
    pub fn improve(&mut self, later: &Self) {
        for (mine, theirs) in [
            (&mut self.name, &later.name),
            (&mut self.email, &later.email),
            (&mut self.phone, &later.phone),
        ] {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
    }
}

/// Money received, or given back when the amount is below zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseFact {
    /// The id of the client.
    pub client: String,
    /// The local day in the company's time zone.
    #[serde(with = "epoch_day")]
    pub day: Day,
    /// The source's id, or `~amount~n` for the n-th identical row of the file.
    pub key: String,
    /// Minor units of the company's currency.
    pub amount: i64,
    /// The id of the purchase that this row takes back.
    pub cancels: Option<String>,
    /// The promo or certificate code on the receipt.
    pub promo: Option<String>,
    /// What was bought, where the source says so; in an order that depends on the items alone.
    pub items: Vec<ItemFact>,
    /// What the row says about the client.
    pub hint: Option<Box<ClientHint>>,
}

/// One line of a purchase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemFact {
    /// The name as the source writes it.
    pub item: String,
    /// The article number.
    pub sku: Option<String>,
    /// How many or how much of it.
    pub quantity: f64,
    /// Minor units of the line.
    pub amount: Option<i64>,
}

/// An attempt to sell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DealFact {
    /// The id that the source uses.
    pub id: String,
    /// The id of the client.
    pub client: String,
    /// What the row says about the client.
    pub hint: Option<Box<ClientHint>>,
    /// What it is about.
    pub title: Option<String>,
    /// Open, won or lost.
    pub status: DealStatus,
    /// In the source's words.
    pub stage: Option<String>,
    /// Minor units of the company's currency.
    pub amount: Option<i64>,
    /// The day the deal began.
    #[serde(with = "optional_epoch_day")]
    pub opened: Option<Day>,
    /// The day it was won or lost; none while it is open.
    #[serde(with = "optional_epoch_day")]
    pub closed: Option<Day>,
    /// The day of the last change that the source names.
    #[serde(with = "optional_epoch_day")]
    pub changed: Option<Day>,
    /// Why it was lost, in the source's words.
    pub reason: Option<String>,
    /// Whether the client needs it.
    pub need: Option<bool>,
    /// Whether the client has the money.
    pub money: Option<bool>,
    /// Whether it is urgent.
    pub urgency: Option<bool>,
    /// The id of the manager.
    pub manager: Option<String>,
}

/// A visit to the site by a known client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitFact {
    /// The id of the client.
    pub client: String,
    /// The local day in the company's time zone.
    #[serde(with = "epoch_day")]
    pub day: Day,
    /// `page~n` for the n-th identical row of the file.
    pub key: String,
    /// The page, as the source writes it.
    pub page: Option<String>,
}

/// What a client agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentFact {
    /// The id of the client.
    pub client: String,
    /// The way of reaching the client that it covers.
    pub channel: Channel,
    /// The messages that it covers.
    pub class: Class,
    /// What the company may rest on.
    pub basis: ConsentBasis,
    /// The day it was given.
    #[serde(with = "optional_epoch_day")]
    pub given: Option<Day>,
    /// The day it was taken back.
    #[serde(with = "optional_epoch_day")]
    pub withdrawn: Option<Day>,
    /// Where the proof lies.
    pub proof: Option<String>,
}

/// An address that must not be written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionFact {
    /// The way of reaching it.
    pub channel: Channel,
    /// Normalised: a lower-case e-mail address or an E.164 number.
    pub address: String,
    /// What must not be written.
    pub scope: SuppressionScope,
    /// Why.
    pub reason: SuppressionReason,
    /// Since when; the day of the import where the source does not say.
    #[serde(with = "optional_epoch_day")]
    pub since: Option<Day>,
}

/// Some facts of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum FactBatch {
    /// By id.
    Managers(Vec<ManagerFact>),
    /// By id.
    Clients(Vec<ClientFact>),
    /// By client.
    Contacts(Vec<ContactFact>),
    /// By client and day.
    Purchases(Vec<PurchaseFact>),
    /// By id.
    Deals(Vec<DealFact>),
    /// By client and day.
    Visits(Vec<VisitFact>),
    /// By client.
    Consents(Vec<ConsentFact>),
    /// By address.
    Suppressions(Vec<SuppressionFact>),
}

/// Days as plain numbers: facts pass through temporary files by the million.
mod epoch_day {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::Day;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    pub(super) fn serialize<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(day.epoch_days())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        i32::deserialize(deserializer).map(Day::from_epoch)
    }
}

/// The same for days that may be unknown.
mod optional_epoch_day {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::Day;

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference to the field"
    )]
    pub(super) fn serialize<S: Serializer>(
        day: &Option<Day>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        day.map(Day::epoch_days).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Day>, D::Error> {
        Ok(Option::<i32>::deserialize(deserializer)?.map(Day::from_epoch))
    }
}

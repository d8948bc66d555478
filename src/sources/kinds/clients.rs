//! Rows of `clients.csv`.

use std::collections::BTreeMap;

use super::super::cells::Cells;
use super::super::header::{Header, Slot};
use super::super::rejects::BadRow;
use super::super::values::{self, BadValue, Ground, Parsed};
use super::{NameSlots, Rows};
use crate::model::{Channel, ClientFact, ConsentAnswer};

/// The columns of a file of clients.
pub(in crate::sources) struct ClientRows {
    id: Slot,
    name: NameSlots,
    company: Slot,
    email: Slot,
    phone: Slot,
    locale: Slot,
    time_zone: Slot,
    country: Slot,
    manager: Slot,
    tags: Slot,
    birthday: Slot,
    merged_into: Slot,
    consents: [(Channel, Slot); 2],
    others: Vec<(Slot, String)>,
}

impl Rows for ClientRows {
    type Fact = ClientFact;

    fn of(header: &Header) -> Self {
        let others = header.others().into_iter().map(|(index, title)| {
            let slot = Slot {
                indexes: vec![index],
                title: title.clone(),
            };
            (slot, title)
        });
        Self {
            id: header.slot("id"),
            name: NameSlots::of(header),
            company: header.slot("company"),
            email: header.slot("email"),
            phone: header.slot("phone"),
            locale: header.slot("locale"),
            time_zone: header.slot("time_zone"),
            country: header.slot("country"),
            manager: header.slot("manager"),
            tags: header.slot("tags"),
            birthday: header.slot("birthday"),
            merged_into: header.slot("merged_into"),
            consents: [
                (Channel::Email, header.slot("consent_email")),
                (Channel::Whatsapp, header.slot("consent_whatsapp")),
            ],
            others: others.collect(),
        }
    }

    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<ClientFact>, BadRow> {
        let ground = cells.ground;
        let id = cells.required(&self.id, values::id)?;
        let country = cells.optional(&self.country, values::country);
        let mut consents = Vec::new();
        for (channel, slot) in &self.consents {
            if let Some(answer) = cells.optional(slot, |raw| consent(raw, ground)) {
                consents.push((*channel, answer));
            }
        }
        Ok(Some(ClientFact {
            id,
            name: self.name.read(cells),
            company: cells.optional_text(&self.company),
            email: cells.optional_email(&self.email),
            phone: cells.optional_phone(&self.phone, country.as_deref()),
            locale: cells.optional(&self.locale, values::locale),
            time_zone: cells.optional(&self.time_zone, time_zone),
            country,
            manager: cells.optional_manager(&self.manager),
            tags: cells.optional(&self.tags, values::tags).unwrap_or_default(),
            birthday: cells.optional(&self.birthday, |raw| ground.past_day(raw)),
            merged_into: cells.right_if_any(&self.merged_into, values::id)?,
            attributes: self.attributes(cells),
            consents,
        }))
    }
}

impl ClientRows {
    fn attributes(&self, cells: &mut Cells<'_>) -> BTreeMap<String, String> {
        let mut attributes = BTreeMap::new();
        for (slot, title) in &self.others {
            if let Some(text) = cells.optional_text(slot) {
                attributes.insert(title.clone(), text);
            }
        }
        attributes
    }
}

/// Reads yes, no, or the day on which the consent was given.
fn consent(raw: &str, ground: &Ground) -> Parsed<ConsentAnswer> {
    match values::yes_or_no(raw) {
        Ok(true) => Ok(ConsentAnswer::Given(None)),
        Ok(false) => Ok(ConsentAnswer::Withheld),
        Err(_) => {
            let day = ground.past_day(raw).map_err(|bad| match bad.reason {
                reason if reason == values::FUTURE => BadValue::new(values::FUTURE, ""),
                _ => BadValue::new(
                    "is neither yes nor no nor a day",
                    "write yes, no, or the day on which the client agreed",
                ),
            })?;
            Ok(ConsentAnswer::Given(Some(day)))
        }
    }
}

/// Checks the name of a time zone.
fn time_zone(raw: &str) -> Parsed<String> {
    let zone: Result<chrono_tz::Tz, _> = raw.parse();
    zone.map(|zone| zone.name().to_owned()).map_err(|_| {
        BadValue::new(
            "is not the name of a time zone",
            "write it as Europe/Moscow",
        )
    })
}

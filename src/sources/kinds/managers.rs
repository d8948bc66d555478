//! Rows of `managers.csv`.

use super::super::cells::Cells;
use super::super::header::{Header, Slot};
use super::super::rejects::BadRow;
use super::super::values::{self, BadValue};
use super::Rows;
use crate::model::ManagerFact;

/// The columns of a file of managers.
pub(in crate::sources) struct ManagerRows {
    id: Slot,
    name: Slot,
    email: Slot,
    phone: Slot,
    role: Slot,
    capacity: Slot,
    locale: Slot,
    absent_from: Slot,
    absent_to: Slot,
    substitute: Slot,
}

impl Rows for ManagerRows {
    type Fact = ManagerFact;

    fn of(header: &Header) -> Self {
        Self {
            id: header.slot("id"),
            name: header.slot("name"),
            email: header.slot("email"),
            phone: header.slot("phone"),
            role: header.slot("role"),
            capacity: header.slot("capacity"),
            locale: header.slot("locale"),
            absent_from: header.slot("absent_from"),
            absent_to: header.slot("absent_to"),
            substitute: header.slot("substitute"),
        }
    }

    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<ManagerFact>, BadRow> {
        let ground = cells.ground;
        Ok(Some(ManagerFact {
            id: cells.required(&self.id, values::id)?,
            name: cells.required(&self.name, values::text)?,
            email: cells.optional_email(&self.email),
            phone: cells.optional_phone(&self.phone, None),
            role: cells.optional(&self.role, values::role).unwrap_or_default(),
            capacity: cells.optional(&self.capacity, |raw| {
                let bad = |_| BadValue::new("is not a number of tasks a day", "write it as 15");
                raw.parse().map_err(bad)
            }),
            locale: cells.optional(&self.locale, values::locale),
            absent_from: cells.optional(&self.absent_from, |raw| ground.any_day(raw)),
            absent_to: cells.optional(&self.absent_to, |raw| ground.any_day(raw)),
            substitute: cells.optional_text(&self.substitute),
        }))
    }
}

//! Rows of `contacts.csv`.

use super::super::cells::{Cells, bad_row};
use super::super::header::{Header, Slot};
use super::super::rejects::BadRow;
use super::super::values::{self, BadValue};
use super::{NameSlots, Rows};
use crate::model::ContactFact;

/// The columns of a file of contacts.
pub(in crate::sources) struct ContactRows {
    client: Slot,
    id: Slot,
    name: NameSlots,
    role: Slot,
    email: Slot,
    phone: Slot,
    primary: Slot,
}

impl Rows for ContactRows {
    type Fact = ContactFact;

    fn of(header: &Header) -> Self {
        Self {
            client: header.slot("client"),
            id: header.slot("id"),
            name: NameSlots::of(header),
            role: header.slot("role"),
            email: header.slot("email"),
            phone: header.slot("phone"),
            primary: header.slot("primary"),
        }
    }

    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<ContactFact>, BadRow> {
        let client = cells.required(&self.client, values::id)?;
        let id = cells.right_if_any(&self.id, values::id)?;
        let name = self.name.read(cells);
        let email = cells.optional_email(&self.email);
        let phone = cells.optional_phone(&self.phone, None);
        let parts = [&name, &email, &phone].map(|part| part.as_deref().unwrap_or_default());
        if id.is_none() && parts.iter().all(|part| part.is_empty()) {
            let bad = BadValue::new("is empty, and so are e-mail and phone", "");
            return Err(bad_row(&self.name.whole, "", bad));
        }
        Ok(Some(ContactFact {
            client,
            id: id.unwrap_or_else(|| format!("~{}", parts.join("|"))),
            name,
            role: cells.optional_text(&self.role),
            email,
            phone,
            primary: cells
                .optional(&self.primary, values::yes_or_no)
                .unwrap_or(false),
        }))
    }
}

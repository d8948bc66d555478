//! One reader for each kind of file: a row of its columns becomes a fact.

mod clients;
mod contacts;
mod deals;
mod managers;
mod permissions;
mod purchases;
mod visits;

pub(super) use clients::ClientRows;
pub(super) use contacts::ContactRows;
pub(super) use deals::DealRows;
pub(super) use managers::ManagerRows;
pub(super) use permissions::{ConsentRows, SuppressionRows};
pub(super) use purchases::{Amounts, PurchaseRow, PurchaseRows, assemble};
pub(super) use visits::VisitRows;

use super::cells::Cells;
use super::header::{Header, Slot};
use super::rejects::BadRow;
use crate::model::ClientHint;

/// Reads the rows of one kind of file.
pub(super) trait Rows: Sized {
    /// What a row becomes.
    type Fact;

    /// Finds the columns in the header.
    fn of(header: &Header) -> Self;

    /// Reads a row; nothing when the row is no fact and rightly so.
    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<Self::Fact>, BadRow>;
}

/// Where a row of another kind tells about its client.
struct HintSlots {
    name: Slot,
    email: Slot,
    phone: Slot,
}

impl HintSlots {
    fn of(header: &Header) -> Self {
        Self {
            name: header.slot("client_name"),
            email: header.slot("email"),
            phone: header.slot("phone"),
        }
    }

    fn read(&self, cells: &mut Cells<'_>) -> Option<Box<ClientHint>> {
        if !self.name.is_there() && !self.email.is_there() && !self.phone.is_there() {
            return None;
        }
        let hint = ClientHint {
            name: cells.optional_text(&self.name),
            email: cells.optional_email(&self.email),
            phone: cells.optional_phone(&self.phone, None),
        };
        hint.if_any()
    }
}

/// A person's name that may stand in one column or in two.
struct NameSlots {
    whole: Slot,
    first: Slot,
    last: Slot,
}

impl NameSlots {
    fn of(header: &Header) -> Self {
        Self {
            whole: header.slot("name"),
            first: header.slot("first_name"),
            last: header.slot("last_name"),
        }
    }

    fn read(&self, cells: &mut Cells<'_>) -> Option<String> {
        if let Some(whole) = cells.optional_text(&self.whole) {
            return Some(whole);
        }
        let parts = [&self.first, &self.last].map(|slot| cells.optional_text(slot));
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!name.is_empty()).then_some(name)
    }
}

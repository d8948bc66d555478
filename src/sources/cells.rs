//! The values of one row, read by the columns of its file.
//!
//! A bad required value costs the row; a bad optional one costs itself and is reported.

use std::collections::HashMap;

use super::SourceError;
use super::header::Slot;
use super::records::Record;
use super::rejects::{BadRow, Rejects};
use super::values::{self, BadValue, Ground, Parsed};

/// One row and all that is needed to read it.
pub(super) struct Cells<'a> {
    pub(super) record: Record<'a>,
    pub(super) ground: &'a Ground,
    /// Ids of managers by name in lower case: exports name the person, not the id.
    pub(super) managers: &'a HashMap<String, String>,
    pub(super) rejects: &'a mut Rejects,
    /// What the rejects file answered; told once the row is done.
    pub(super) written: Result<(), SourceError>,
}

impl Cells<'_> {
    /// The text of the first column of `slot` that is not empty.
    pub(super) fn raw(&self, slot: &Slot) -> Option<&str> {
        let fields = slot.indexes.iter().map(|index| self.record.field(*index));
        fields.map(str::trim).find(|field| !field.is_empty())
    }

    /// A value that the row cannot do without.
    pub(super) fn required<T>(
        &self,
        slot: &Slot,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Result<T, BadRow> {
        let raw = self.raw(slot).unwrap_or_default();
        let parsed = if raw.is_empty() {
            Err(BadValue::new("is empty", ""))
        } else {
            parse(raw)
        };
        parsed.map_err(|bad| bad_row(slot, raw, bad))
    }

    /// A value that must be right if it is there at all.
    pub(super) fn right_if_any<T>(
        &self,
        slot: &Slot,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Result<Option<T>, BadRow> {
        match self.raw(slot) {
            None => Ok(None),
            Some(_) => self.required(slot, parse).map(Some),
        }
    }

    /// A value that the row can do without: the first good one of the columns of `slot`.
    pub(super) fn optional<T>(
        &mut self,
        slot: &Slot,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Option<T> {
        for index in &slot.indexes {
            let raw = self.record.field(*index).trim();
            if raw.is_empty() {
                continue;
            }
            match parse(raw) {
                Ok(value) => return Some(value),
                Err(bad) => self.leave_out(bad_row(slot, raw, bad)),
            }
        }
        None
    }

    /// A text that the row can do without.
    pub(super) fn optional_text(&mut self, slot: &Slot) -> Option<String> {
        self.optional(slot, values::text)
            .filter(|text| !text.is_empty())
    }

    /// An e-mail address that the row can do without.
    pub(super) fn optional_email(&mut self, slot: &Slot) -> Option<String> {
        self.optional(slot, values::email)
    }

    /// A phone number that the row can do without; `country` is the client's own, if known.
    pub(super) fn optional_phone(&mut self, slot: &Slot, country: Option<&str>) -> Option<String> {
        let ground = self.ground;
        let home = country.unwrap_or(&ground.country);
        self.optional(slot, |raw| values::phone(raw, home))
    }

    /// The id of a manager, where the file may hold the name instead.
    pub(super) fn optional_manager(&mut self, slot: &Slot) -> Option<String> {
        let id = self.optional(slot, values::id)?;
        let by_name = self.managers.get(&id.to_lowercase());
        Some(by_name.cloned().unwrap_or(id))
    }

    /// Reports a value that is left out of its row.
    pub(super) fn leave_out(&mut self, value: BadRow) {
        let noted = self.rejects.value(self.record.line, value);
        if self.written.is_ok() {
            self.written = noted;
        }
    }

    /// Rejects the row when it is in another currency than the company's.
    pub(super) fn check_currency(&self, slot: &Slot) -> Result<(), BadRow> {
        let Some(raw) = self.raw(slot) else {
            return Ok(());
        };
        let currency = self.ground.currency;
        if values::names_currency(raw, currency) {
            return Ok(());
        }
        let bad = BadValue::owned(
            format!("is not {currency}"),
            "all amounts of a company are in one currency: convert it before the import",
        );
        Err(bad_row(slot, raw, bad))
    }
}

/// A row that is lost because of `raw` in the column of `slot`.
pub(super) fn bad_row(slot: &Slot, raw: &str, bad: BadValue) -> BadRow {
    BadRow {
        column: slot.title.clone(),
        value: raw.to_owned(),
        bad,
    }
}

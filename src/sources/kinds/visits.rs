//! Rows of `visits.csv`.

use super::super::cells::Cells;
use super::super::header::{Header, Slot};
use super::super::rejects::BadRow;
use super::super::values;
use super::Rows;
use crate::model::VisitFact;

/// The columns of a file of visits.
pub(in crate::sources) struct VisitRows {
    client: Slot,
    date: Slot,
    page: Slot,
}

impl Rows for VisitRows {
    type Fact = VisitFact;

    fn of(header: &Header) -> Self {
        Self {
            client: header.slot("client"),
            date: header.slot("date"),
            page: header.slot("page"),
        }
    }

    /// Reads a visit; it gets its key when all rows of the file are in order.
    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<VisitFact>, BadRow> {
        let ground = cells.ground;
        Ok(Some(VisitFact {
            client: cells.required(&self.client, values::id)?,
            day: cells.required(&self.date, |raw| ground.past_day(raw))?,
            key: String::new(),
            page: cells.optional_text(&self.page),
        }))
    }
}

//! Rows of `deals.csv`.

use super::super::cells::{Cells, bad_row};
use super::super::header::{Header, Slot};
use super::super::rejects::BadRow;
use super::super::values::{self, BadValue};
use super::{HintSlots, Rows};
use crate::model::{Day, DealFact, DealStatus};

/// The columns of a file of deals.
pub(in crate::sources) struct DealRows {
    id: Slot,
    client: Slot,
    hint: HintSlots,
    title: Slot,
    status: Slot,
    stage: Slot,
    amount: Slot,
    currency: Slot,
    opened: Slot,
    closed: Slot,
    changed: Slot,
    reason: Slot,
    need: Slot,
    money: Slot,
    urgency: Slot,
    manager: Slot,
}

impl Rows for DealRows {
    type Fact = DealFact;

    fn of(header: &Header) -> Self {
        Self {
            id: header.slot("id"),
            client: header.slot("client"),
            hint: HintSlots::of(header),
            title: header.slot("title"),
            status: header.slot("status"),
            stage: header.slot("stage"),
            amount: header.slot("amount"),
            currency: header.slot("currency"),
            opened: header.slot("opened"),
            closed: header.slot("closed"),
            changed: header.slot("changed"),
            reason: header.slot("reason"),
            need: header.slot("need"),
            money: header.slot("money"),
            urgency: header.slot("urgency"),
            manager: header.slot("manager"),
        }
    }

    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<DealFact>, BadRow> {
        let ground = cells.ground;
        let id = cells.required(&self.id, values::id)?;
        let client = cells.required(&self.client, values::id)?;
        cells.check_currency(&self.currency)?;
        let stage = cells.optional_text(&self.stage);
        let reason = cells.optional_text(&self.reason);
        let closing = self.closing_day(cells);
        let changed = cells.optional(&self.changed, |raw| ground.past_day(raw));
        let status = self.status(cells, stage.as_deref(), reason.is_some(), closing)?;
        let closed = match status {
            DealStatus::Open => None,
            DealStatus::Won | DealStatus::Lost => closing.or(changed),
        };
        Ok(Some(DealFact {
            id,
            client,
            hint: self.hint.read(cells),
            title: cells.optional_text(&self.title),
            status,
            stage,
            amount: cells.optional(&self.amount, |raw| ground.amount(raw)),
            opened: cells.optional(&self.opened, |raw| ground.past_day(raw)),
            closed,
            changed,
            reason,
            need: cells.optional(&self.need, values::yes_or_no),
            money: cells.optional(&self.money, values::yes_or_no),
            urgency: cells.optional(&self.urgency, values::yes_or_no),
            manager: cells.optional_manager(&self.manager),
        }))
    }
}

impl DealRows {
    /// The day in the closing column, if it has come.
    ///
    /// Open deals carry the day on which somebody hopes to close them, or words for "not closed".
    fn closing_day(&self, cells: &mut Cells<'_>) -> Option<Day> {
        let ground = cells.ground;
        let read = |raw: &str| {
            if values::is_no_date(raw) {
                return Ok(None);
            }
            let day = ground.any_day(raw)?;
            Ok((day <= ground.today + 1).then_some(day))
        };
        cells.optional(&self.closed, read).flatten()
    }

    /// Open, won or lost: by the word for it, by the name of the stage, else by what is filled in.
    fn status(
        &self,
        cells: &Cells<'_>,
        stage: Option<&str>,
        has_reason: bool,
        closed: Option<Day>,
    ) -> Result<DealStatus, BadRow> {
        if let Some(raw) = cells.raw(&self.status) {
            let known = values::deal_status(raw)
                .ok()
                .or_else(|| values::of_stage(raw));
            return known.ok_or_else(|| {
                let bad = BadValue::new("is not a state of a deal", "write open, won or lost");
                bad_row(&self.status, raw, bad)
            });
        }
        if let Some(status) = stage.and_then(values::of_stage) {
            return Ok(status);
        }
        // A company names its stages as it likes; a reason for the loss is clear all the same.
        if has_reason && closed.is_some() {
            return Ok(DealStatus::Lost);
        }
        if !self.status.is_there() && !self.stage.is_there() && closed.is_some() {
            let bad = BadValue::new(
                "is given, but nothing says whether the deal was won or lost",
                "add a column status with open, won or lost",
            );
            let raw = cells.raw(&self.closed).unwrap_or_default();
            return Err(bad_row(&self.closed, raw, bad));
        }
        Ok(DealStatus::Open)
    }
}

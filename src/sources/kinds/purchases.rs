//! Rows of `purchases.csv`, and how several rows become one purchase.

use serde::{Deserialize, Serialize};

use super::super::cells::Cells;
use super::super::header::{Header, Slot};
use super::super::rejects::BadRow;
use super::super::values::{self, BadValue};
use super::{HintSlots, Rows};
use crate::model::{ClientHint, Day, ItemFact, PurchaseFact};

/// The columns of a file of purchases.
pub(in crate::sources) struct PurchaseRows {
    id: Slot,
    client: Slot,
    date: Slot,
    amount: Slot,
    currency: Slot,
    cancels: Slot,
    promo: Slot,
    status: Slot,
    item: Slot,
    sku: Slot,
    quantity: Slot,
    item_amount: Slot,
    item_price: Slot,
    hint: HintSlots,
}

/// One row, which may be a purchase or a further line of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sources) struct PurchaseRow {
    /// The line of the file.
    pub(in crate::sources) line: u64,
    /// The id of the purchase, where the file has one.
    pub(in crate::sources) id: Option<String>,
    client: Option<String>,
    /// Days since 1970-01-01.
    day: Option<i32>,
    amount: Option<i64>,
    cancels: Option<String>,
    promo: Option<String>,
    item: Option<ItemFact>,
    hint: Option<Box<ClientHint>>,
}

impl Rows for PurchaseRows {
    type Fact = PurchaseRow;

    fn of(header: &Header) -> Self {
        Self {
            id: header.slot("id"),
            client: header.slot("client"),
            date: header.slot("date"),
            amount: header.slot("amount"),
            currency: header.slot("currency"),
            cancels: header.slot("cancels"),
            promo: header.slot("promo"),
            status: header.slot("status"),
            item: header.slot("item"),
            sku: header.slot("sku"),
            quantity: header.slot("quantity"),
            item_amount: header.slot("item_amount"),
            item_price: header.slot("item_price"),
            hint: HintSlots::of(header),
        }
    }

    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<PurchaseRow>, BadRow> {
        let ground = cells.ground;
        if cells
            .raw(&self.status)
            .is_some_and(|status| !values::paid(status))
        {
            return Ok(None);
        }
        let id = cells.right_if_any(&self.id, values::id)?;
        let item = self.item(cells)?;
        // The further lines of an order carry its id and their item, and little else.
        let may_lack = id.is_some() && item.is_some();
        let past_day = |raw: &str| ground.past_day(raw);
        let amount = |raw: &str| ground.amount(raw);
        let (client, day, amount) = if may_lack {
            (
                cells.right_if_any(&self.client, values::id)?,
                cells.right_if_any(&self.date, past_day)?,
                cells.right_if_any(&self.amount, amount)?,
            )
        } else {
            (
                Some(cells.required(&self.client, values::id)?),
                Some(cells.required(&self.date, past_day)?),
                Some(cells.required(&self.amount, amount)?),
            )
        };
        cells.check_currency(&self.currency)?;
        Ok(Some(PurchaseRow {
            line: cells.record.line,
            id,
            client,
            day: day.map(Day::epoch_days),
            amount,
            cancels: cells.right_if_any(&self.cancels, values::id)?,
            promo: cells.optional_text(&self.promo),
            item,
            hint: self.hint.read(cells),
        }))
    }
}

impl PurchaseRows {
    /// Whether rows carry ids, so that several can belong together or repeat one another.
    pub(in crate::sources) fn has_ids(&self) -> bool {
        self.id.is_there()
    }

    /// What the amounts of an order of several rows mean: of lines, where the same column is the
    /// amount and the amount of the item.
    pub(in crate::sources) fn amounts(&self) -> Amounts {
        if self.amount.indexes == self.item_amount.indexes {
            Amounts::OfLines
        } else {
            Amounts::Unknown
        }
    }

    fn item(&self, cells: &mut Cells<'_>) -> Result<Option<ItemFact>, BadRow> {
        if !self.item.is_there() {
            return Ok(None);
        }
        let ground = cells.ground;
        let Some(item) = cells.right_if_any(&self.item, values::text)? else {
            return Ok(None);
        };
        let quantity = cells
            .optional(&self.quantity, values::number)
            .unwrap_or(1.0);
        let whole = cells.optional(&self.item_amount, |raw| ground.amount(raw));
        let price = cells.optional(&self.item_price, |raw| ground.amount(raw));
        let by_price = price.map(|price| (price as f64 * quantity).round() as i64);
        Ok(Some(ItemFact {
            item,
            sku: cells.optional_text(&self.sku),
            quantity,
            amount: whole.or(by_price),
        }))
    }
}

impl PurchaseRow {
    /// The purchase of a row that stands alone; nothing when it is only a part of one.
    pub(in crate::sources) fn alone(self) -> Option<PurchaseFact> {
        let amount = self.amount?;
        // The only item of a receipt costs what the receipt does.
        let item = self.item.map(|item| ItemFact {
            amount: item.amount.or(Some(amount)),
            ..item
        });
        Some(PurchaseFact {
            client: self.client?,
            day: Day::from_epoch(self.day?),
            key: self.id.unwrap_or_default(),
            amount,
            cancels: self.cancels,
            promo: self.promo,
            items: item.into_iter().collect(),
            hint: self.hint,
        })
    }

    fn is_of(&self, head: &PurchaseFact) -> bool {
        let same_client = self
            .client
            .as_ref()
            .is_none_or(|client| *client == head.client);
        same_client && self.day.is_none_or(|day| day == head.day.epoch_days())
    }
}

/// What the amounts on the rows of one order mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) enum Amounts {
    /// Configuration says it: each row has the amount of its own line.
    OfLines,
    /// Nobody says it: the rows themselves tell.
    Unknown,
}

/// Makes one purchase of the rows that share an id, in the order of their lines.
///
/// The last row that names client, day and amount counts; earlier ones that name another client or
/// day, or that repeat it without an item of their own, are handed to `reject`. Rows with items make
/// up one purchase: where their amounts are all the same, it is the amount of the order, repeated
/// (Bitrix24) or on one line only (Shopify); where they differ, each is the amount of its line (1C).
pub(in crate::sources) fn assemble(
    mut rows: Vec<PurchaseRow>,
    meaning: Amounts,
    mut reject: impl FnMut(&PurchaseRow, BadValue),
) -> Option<PurchaseFact> {
    let whole =
        |row: &PurchaseRow| row.client.is_some() && row.day.is_some() && row.amount.is_some();
    let Some(head) = rows.iter().rposition(whole) else {
        for row in &rows {
            let bad = BadValue::new("has no row with client, date and amount", "");
            reject(row, bad);
        }
        return None;
    };
    let head_row = rows.remove(head);
    let (head_line, head_amount) = (head_row.line, head_row.amount);
    let mut purchase = head_row.alone()?;
    let mut amounts: Vec<i64> = head_amount.into_iter().collect();
    for row in rows {
        let belongs = row.is_of(&purchase) && row.item.is_some() && !purchase.items.is_empty();
        if !belongs {
            let reason = format!("is a duplicate id: the row on line {head_line} counts");
            reject(
                &row,
                BadValue::owned(reason, "ids must be unique within the file"),
            );
            continue;
        }
        amounts.extend(row.amount);
        purchase.items.extend(row.item);
        purchase.promo = purchase.promo.or(row.promo);
        purchase.cancels = purchase.cancels.or(row.cancels);
        if let (None, Some(hint)) = (&purchase.hint, row.hint) {
            purchase.hint = Some(hint);
        }
    }
    let differ = amounts.iter().any(|amount| *amount != amounts[0]);
    if differ || meaning == Amounts::OfLines {
        purchase.amount = amounts.iter().sum();
    }
    sort_items(&mut purchase.items);
    Some(purchase)
}

/// Puts items into an order that depends on the items alone, so that the order of lines in the file
/// does not matter.
fn sort_items(items: &mut [ItemFact]) {
    items.sort_by(|a, b| {
        (&a.item, &a.sku)
            .cmp(&(&b.item, &b.sku))
            .then(a.quantity.total_cmp(&b.quantity))
            .then(a.amount.cmp(&b.amount))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, amount: Option<i64>, item: Option<&str>) -> PurchaseRow {
        PurchaseRow {
            line,
            id: Some("17".to_owned()),
            client: amount.map(|_| "A".to_owned()),
            day: amount.map(|_| 20_000),
            amount,
            cancels: None,
            promo: None,
            item: item.map(|item| ItemFact {
                item: item.to_owned(),
                sku: None,
                quantity: 1.0,
                amount: None,
            }),
            hint: None,
        }
    }

    fn assembled(rows: Vec<PurchaseRow>) -> (Option<PurchaseFact>, Vec<u64>) {
        let mut rejected = Vec::new();
        let purchase = assemble(rows, Amounts::Unknown, |row, _| rejected.push(row.line));
        (purchase, rejected)
    }

    #[test]
    fn the_lines_of_an_order_become_one_purchase_in_each_way_of_writing_it() {
        for (amounts, total) in [
            ([Some(900), None, None], 900),
            ([Some(900), Some(900), Some(900)], 900),
            ([Some(200), Some(300), Some(400)], 900),
        ] {
            let rows = ["tea", "milk", "bread"]
                .into_iter()
                .zip(amounts)
                .enumerate();
            let rows = rows.map(|(line, (item, amount))| row(line as u64 + 2, amount, Some(item)));
            let (purchase, rejected) = assembled(rows.collect());
            let purchase = purchase.unwrap();
            assert_eq!((purchase.amount, rejected), (total, vec![]), "{amounts:?}");
            let items: Vec<&str> = purchase
                .items
                .iter()
                .map(|item| item.item.as_str())
                .collect();
            assert_eq!(items, ["bread", "milk", "tea"]);
        }
    }

    #[test]
    fn equal_amounts_are_those_of_lines_where_configuration_says_so() {
        let rows = || {
            vec![
                row(2, Some(300), Some("tea")),
                row(3, Some(300), Some("milk")),
            ]
        };
        let amount = |meaning| assemble(rows(), meaning, |_, _| ()).unwrap().amount;
        assert_eq!(amount(Amounts::Unknown), 300);
        assert_eq!(amount(Amounts::OfLines), 600);
    }

    #[test]
    fn of_rows_that_repeat_an_id_the_last_one_counts() {
        let (purchase, rejected) =
            assembled(vec![row(2, Some(100), None), row(5, Some(300), None)]);
        assert_eq!(purchase.unwrap().amount, 300);
        assert_eq!(rejected, [2]);
        let mut other_day = row(2, Some(100), Some("tea"));
        other_day.day = Some(19_000);
        let (purchase, rejected) = assembled(vec![other_day, row(5, Some(300), Some("tea"))]);
        assert_eq!(purchase.unwrap().amount, 300);
        assert_eq!(rejected, [2]);
    }

    #[test]
    fn lines_without_their_order_are_rejected() {
        let (purchase, rejected) = assembled(vec![row(3, None, Some("tea"))]);
        assert_eq!((purchase, rejected), (None, vec![3]));
    }
}

//! Taking up purchases: the bulk of every import.
//!
//! The first purchases of a source go straight into the table, page after page, and the index over
//! their ids is built once at the end. Later ones are gathered in a temporary table of the same
//! order and merged: what is gone leaves, what is new or different is written, the rest is not
//! touched. Whose rhythm has to be looked at again is written down on the way; of first purchases the
//! rhythm itself is (`passing`).

use std::collections::HashMap;

use super::super::Result;
use super::super::rhythms::EVERYTHING;
use super::named::{Named, name};
use super::passing::PassingBy;
use super::purchase_tables as tables;
use super::{Bulk, Changes, MANY_FACTS, Merge};
use crate::config::settings::FactKind;
use crate::db::sql::{self, Engine};
use crate::model::PurchaseFact;
use crate::rules::certificate;

/// What is known of the purchases at hand.
pub(super) struct Purchases {
    /// Whether these are the first ones of the source.
    first: bool,
    /// Whether the index over their ids has made way.
    without_index: bool,
    /// What the first ones come to, client after client, unless the rhythms are to be read later.
    passing: Option<PassingBy>,
    /// Whether the file has a column of items.
    items: bool,
    new: u64,
}

impl Merge {
    /// Begins to take up purchases.
    pub(super) async fn begin_purchases(&mut self) -> Result<()> {
        let first = !self.had_any(tables::HAS_PURCHASES).await?;
        let mut without_index = false;
        if first {
            without_index = self.drop_index_by_id().await?;
        } else {
            let (sqlite, postgres) = tables::CREATE_INCOMING;
            self.raw_of(sqlite, postgres).await?;
        }
        self.purchases = Some(Purchases {
            first,
            without_index,
            passing: (first && !self.rhythms_later).then(PassingBy::default),
            items: false,
            new: 0,
        });
        Ok(())
    }

    /// Takes up purchases, in the order of clients and days.
    pub(super) async fn purchases(&mut self, batch: Vec<PurchaseFact>) -> Result<()> {
        let Some(mut purchases) = self.purchases.take() else {
            return Ok(());
        };
        let mut named = Named::new();
        let mut last = "";
        for purchase in &batch {
            if last != purchase.client || purchase.hint.is_some() {
                last = &purchase.client;
                name(&mut named, last, purchase.hint.as_deref());
            }
        }
        let numbers = self.numbers(&named).await?;
        if purchases.first && purchases.passing.is_none() {
            self.all_stale(numbers.values().copied()).await?;
        }
        self.with_code(&batch, &numbers).await?;
        let (mut rows, mut items) = self.purchase_rows(purchases.first);
        let mut client = (String::new(), 0);
        for purchase in batch {
            if client.0 != purchase.client {
                client.1 = numbers[&purchase.client];
                client.0 = purchase.client;
            }
            if let Some(passing) = &mut purchases.passing {
                let what = (client.1, purchase.day, purchase.amount);
                passing.add(&mut self.tx, what).await?;
            }
            let day = purchase.day.epoch_days();
            for (line, item) in purchase.items.into_iter().enumerate() {
                purchases.items = true;
                items.add(client.1).add(day).add(purchase.key.as_str());
                items.add(line as i64).add(item.item).add(item.sku);
                items.add(item.quantity).add(item.amount);
                items.end_row(&mut self.tx).await?;
            }
            rows.add(client.1).add(day).add(purchase.key);
            rows.add(purchase.amount)
                .add(purchase.cancels)
                .add(purchase.promo);
            rows.end_row(&mut self.tx).await?;
        }
        items.flush(&mut self.tx).await?;
        purchases.new += rows.flush(&mut self.tx).await?;
        self.purchases = Some(purchases);
        Ok(())
    }

    /// Merges what was gathered.
    pub(super) async fn end_purchases(&mut self) -> Result<()> {
        let Some(purchases) = self.purchases.take() else {
            return Ok(());
        };
        if let Some(passing) = purchases.passing {
            passing.finish(&mut self.tx).await?;
        }
        if purchases.without_index {
            let create = sql::raw(tables::CREATE_INDEX_BY_ID);
            create.execute(&mut *self.tx).await?;
        }
        let changes = if purchases.first {
            Changes {
                new: purchases.new,
                ..Changes::default()
            }
        } else {
            self.merge_incoming().await?
        };
        self.changes.insert(FactKind::Purchases, changes);
        if changes.new > MANY_FACTS {
            self.raw_of(
                "",
                "ANALYZE clients, purchases, purchase_items, stale_rhythms",
            )
            .await?;
        }
        self.keep_cancellations().await?;
        if self.snapshot && changes.deleted > 0 {
            self.run(tables::FORGET_IMPLIED).await?;
        }
        Ok(())
    }

    /// Drops the index over ids, which is quicker built anew; tells whether it is gone.
    ///
    /// In PostgreSQL that keeps everybody from the table until the import is finished: it is done as
    /// long as there is nothing in it to read.
    async fn drop_index_by_id(&mut self) -> Result<bool> {
        if self.tx.engine() == Engine::Postgres
            && self
                .had_any("SELECT EXISTS (SELECT 1 FROM purchases)")
                .await?
        {
            return Ok(false);
        }
        let drop = sql::raw("DROP INDEX purchases_by_ext_id");
        drop.execute(&mut *self.tx).await?;
        Ok(true)
    }

    /// The rows of purchases and of items, into the tables themselves or into temporary ones.
    fn purchase_rows(&self, first: bool) -> (Bulk, Bulk) {
        let (source, import) = (self.source, self.import);
        if first {
            let rows = Bulk::new(
                "purchases (client_id, day, key, amount, cancels, promo, source_id, first_import,
                            last_import)",
                format!("(?, ?, ?, ?, ?, ?, {source}, {import}, {import})"),
                "",
            );
            let items = Bulk::new(
                "purchase_items (client_id, day, key, line, item, sku, quantity, amount, source_id)",
                format!("(?, ?, ?, ?, ?, ?, ?, ?, {source})"),
                "",
            );
            (rows, items)
        } else {
            let rows = Bulk::new("incoming", "(?, ?, ?, ?, ?, ?)", "");
            let items = Bulk::new("incoming_items", "(?, ?, ?, ?, ?, ?, ?, ?)", "");
            (rows, items)
        }
    }

    /// Notes the purchases whose promo code is that of a certificate; what the code is worth is found
    /// out after the import.
    async fn with_code(
        &mut self,
        batch: &[PurchaseFact],
        numbers: &HashMap<String, i64>,
    ) -> Result<()> {
        let mut found = Bulk::changing(
            "purchases_with_code (source_id, key, client_id, day, code)",
            format!("({}, ?, ?, ?, ?)", self.source),
            &[0, 1, 2],
            "ON CONFLICT (source_id, key, client_id, day) DO UPDATE SET code = excluded.code",
        );
        for purchase in batch {
            let promo = purchase.promo.as_deref();
            let Some(code) = promo.and_then(|text| certificate::read(text).ok()) else {
                continue;
            };
            found.add(purchase.key.as_str());
            found.add(numbers[&purchase.client]);
            found.add(purchase.day.epoch_days()).add(code);
            found.end_row(&mut self.tx).await?;
        }
        found.flush(&mut self.tx).await?;
        Ok(())
    }

    /// Writes down that these clients' rhythms know nothing yet.
    async fn all_stale(&mut self, clients: impl Iterator<Item = i64>) -> Result<()> {
        let mut clients: Vec<i64> = clients.collect();
        clients.sort_unstable();
        let mut stale = Bulk::new(
            "stale_rhythms (client_id, from_day, turnover, spent)",
            format!("(?, {EVERYTHING}, 0, 0)"),
            "ON CONFLICT DO NOTHING",
        );
        for client in clients {
            stale.add(client).end_row(&mut self.tx).await?;
        }
        stale.flush(&mut self.tx).await?;
        Ok(())
    }

    async fn merge_incoming(&mut self) -> Result<Changes> {
        self.raw_of("", tables::INDEX_INCOMING).await?;
        let gone = if self.snapshot {
            self.run(tables::FIND_GONE).await?
        } else {
            let (sqlite, postgres) = tables::FIND_MOVED;
            self.run_of(sqlite, postgres).await?
        };
        if gone > 0 {
            self.raw_of("", "ANALYZE gone").await?;
            self.run(tables::GONE_ARE_STALE).await?;
            self.run(tables::DELETE_GONE).await?;
            self.run(tables::DELETE_ITEMS_OF_GONE).await?;
        }
        self.run(tables::CHANGED_ARE_STALE).await?;
        let changed = self.run(tables::UPDATE_CHANGED).await?;
        let (sqlite, postgres) = tables::INSERT_NEW;
        let new = self.run_of(sqlite, postgres).await?;
        self.run(tables::DELETE_OTHER_ITEMS).await?;
        self.run(tables::UPSERT_ITEMS).await?;
        // A row that moved is gone from one place and new at another: it is only changed.
        let moved = if self.snapshot { 0 } else { gone.min(new) };
        Ok(Changes {
            new: new - moved,
            changed: changed + moved,
            deleted: gone - moved,
        })
    }

    /// Marks the purchases that another row takes back, and unmarks those that no row does any more.
    async fn keep_cancellations(&mut self) -> Result<()> {
        let (sqlite, postgres) = tables::CANCELLED_ARE_STALE;
        self.run_of(sqlite, postgres).await?;
        let (sqlite, postgres) = tables::MARK_CANCELLED;
        self.run_of(sqlite, postgres).await?;
        Ok(())
    }
}

//! What imports tell about certificates: receipts with a code, and friends who became clients.
//!
//! Everything is derived from the purchases that are there: doing it again changes nothing, and a
//! purchase that was taken back, or whose code was corrected, gives its use back.

use crate::db::sql::{self, Connection, Row};
use serde::Serialize;

use super::super::rows::day_of;
use super::super::{Result, Store};
use super::friends::{self, Friend};
use super::redeem::{Taking, Via, doubt, take, undo};
use super::{CertificateRow, FriendRules, called, identity};
use crate::model::{CertificateKind, Day};
use crate::rules::certificate::{Objection, Person, Receipt, Verdict, judge, read};

/// So many days a till's clock and the day of an imported purchase may differ.
const DAYS_APART: i32 = 3;

/// What came of the receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettledReceipts {
    /// Certificates that were redeemed by the promo code of a purchase.
    pub redeemed: u64,
    /// Redemptions of a till that were found among the purchases.
    pub found: u64,
    /// Redemptions whose purchase was taken back.
    pub undone: u64,
    /// What a person has to look at.
    pub doubtful: u64,
}

/// A purchase with the code of a certificate.
struct Coded {
    id: i64,
    code: String,
    key: String,
    day: Day,
    client: i64,
    amount: i64,
    items: Vec<String>,
    source: String,
}

impl Store {
    /// Ties what was imported to what was issued; one transaction.
    pub async fn settle_receipts(
        &self,
        rules: &FriendRules,
        now_ms: i64,
    ) -> Result<SettledReceipts> {
        let mut settled = SettledReceipts::default();
        let nothing: i64 = sql::query_scalar(
            "SELECT NOT EXISTS (SELECT 1 FROM purchases_with_code)
                AND NOT EXISTS (SELECT 1 FROM referrals WHERE state = 'waiting')",
        )
        .fetch_one(&self.pool)
        .await?;
        if nothing != 0 {
            return Ok(settled);
        }
        let mut tx = self.begin().await?;
        identity::keep_marks(&mut tx, &rules.cards).await?;
        settled.undone = undo_what_is_gone(&mut tx, now_ms).await?;
        undo_other_codes(&mut tx, now_ms, &mut settled).await?;
        for coded in open_receipts(&mut tx).await? {
            settle(&mut tx, &coded, rules, now_ms, &mut settled).await?;
        }
        find_friends(&mut tx, rules, now_ms, &mut settled).await?;
        tx.commit().await?;
        Ok(settled)
    }

    /// The imported purchase that a number names, where it names exactly one: its client, day,
    /// amount and items.
    pub async fn purchase_called(&self, key: &str) -> Result<Option<(i64, Receipt)>> {
        let rows = sql::query(
            "SELECT client_id, day, amount, source_id FROM purchases
             WHERE source_id IN (SELECT id FROM sources) AND key = $1 AND key NOT LIKE '~%'
               AND amount > 0 LIMIT 2",
        )
        .bind(key)
        .fetch_all(&self.pool)
        .await?;
        let [row] = &rows[..] else { return Ok(None) };
        let client: i64 = row.get("client_id");
        let items = sql::query_scalar(
            "SELECT item FROM purchase_items
             WHERE client_id = $1 AND day = $2 AND source_id = $3 AND key = $4 ORDER BY line",
        );
        let items = items
            .bind(client)
            .bind(row.get::<i64, _>("day"))
            .bind(row.get::<i64, _>("source_id"))
            .bind(key)
            .fetch_all(&self.pool)
            .await?;
        let receipt = Receipt {
            day: day_of(row, "day"),
            amount: row.get("amount"),
            items,
        };
        Ok(Some((client, receipt)))
    }
}

/// Purchases with the client for whom they count. A merge moves them; the client whom the source
/// names stays with them.
const FOUND: &str = "
    FROM purchases_with_code w JOIN clients c ON c.id = w.client_id
    LEFT JOIN purchases p ON p.client_id = coalesce(c.master_id, c.id) AND p.day = w.day
        AND p.source_id = w.source_id
        AND p.key = CASE WHEN c.master_id IS NOT NULL AND w.key LIKE '~%'
                         THEN w.key || '~c' || c.id ELSE w.key END";

async fn undo_what_is_gone(tx: &mut Connection, now_ms: i64) -> Result<u64> {
    let statement = format!(
        "SELECT r.id {FOUND} JOIN redemptions r ON r.purchase_id = w.id AND r.undone_at IS NULL
         WHERE p.key IS NULL OR p.cancelled_on IS NOT NULL"
    );
    let gone: Vec<i64> = sql::query_scalar(sqlx::AssertSqlSafe(statement))
        .fetch_all(&mut *tx)
        .await?;
    for id in &gone {
        undo(tx, *id, "import", "the purchase was taken back", now_ms).await?;
    }
    Ok(gone.len() as u64)
}

/// Redemptions on purchases whose code was corrected since, or taken away.
///
/// What only the import told of is undone: it was never so. What a till took in person stays taken, and
/// is tied to the purchase no longer; a person looks at it.
async fn undo_other_codes(
    tx: &mut Connection,
    now_ms: i64,
    settled: &mut SettledReceipts,
) -> Result<()> {
    let statement = format!(
        "SELECT r.id, r.code, r.receipt, r.via, p.promo
         {FOUND} JOIN redemptions r ON r.purchase_id = w.id AND r.undone_at IS NULL
         WHERE p.key IS NOT NULL AND p.cancelled_on IS NULL
         ORDER BY r.id"
    );
    let rows = sql::query(sqlx::AssertSqlSafe(statement))
        .fetch_all(&mut *tx)
        .await?;
    for row in rows {
        let (id, code): (i64, String) = (row.get("id"), row.get("code"));
        if code_in(&row).as_deref() == Some(code.as_str()) {
            continue;
        }
        if row.get::<String, _>("via") == Via::Import.word() {
            undo(tx, id, "import", "the purchase names another code", now_ms).await?;
            settled.undone += 1;
            continue;
        }
        sql::query("UPDATE redemptions SET purchase_id = NULL WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        sql::query(
            "UPDATE referrals SET state = 'review', counts_on = NULL
             WHERE redemption_id = $1 AND state IN ('counts', 'waiting')",
        )
        .bind(id)
        .execute(&mut *tx)
        .await?;
        let because = [Objection::OtherCode];
        doubt(tx, &code, row.get("receipt"), Some(id), &because, now_ms).await?;
        settled.doubtful += 1;
    }
    Ok(())
}

/// The code that a purchase names, as it is kept; nothing for a generic one.
fn code_in(row: &Row) -> Option<String> {
    let promo: Option<String> = row.get("promo");
    promo.and_then(|text| read(&text).ok())
}

/// Receipts with a code that nothing was done about, in the order in which they were made.
async fn open_receipts(tx: &mut Connection) -> Result<Vec<Coded>> {
    let statement = |array: &str| {
        sqlx::AssertSqlSafe(format!(
            "SELECT w.id, w.code, w.key, w.day, p.client_id, p.amount, p.promo, s.name AS source,
                    (SELECT {array} FROM purchase_items i
                     WHERE i.client_id = p.client_id AND i.day = p.day
                       AND i.source_id = p.source_id AND i.key = p.key) AS items
             {FOUND} JOIN sources s ON s.id = w.source_id
             WHERE p.key IS NOT NULL AND p.cancelled_on IS NULL AND p.amount > 0
               AND NOT EXISTS (SELECT 1 FROM redemptions r
                               WHERE r.purchase_id = w.id AND r.undone_at IS NULL)
             ORDER BY w.day, w.id"
        ))
    };
    let rows = sql::query_of(
        statement("json_group_array(i.item)"),
        statement("CAST(coalesce(jsonb_agg(i.item), '[]') AS TEXT)"),
    )
    .fetch_all(tx)
    .await?;
    let coded = |row: &Row| Coded {
        id: row.get("id"),
        code: row.get("code"),
        key: row.get("key"),
        day: day_of(row, "day"),
        client: row.get("client_id"),
        amount: row.get("amount"),
        items: serde_json::from_str(row.get("items")).unwrap_or_default(),
        source: row.get("source"),
    };
    // A code that was corrected to a generic one, or taken away, is none any more.
    let named = rows.iter().filter(|row| code_in(row).is_some());
    Ok(named.map(coded).collect())
}

/// The number under which a receipt is kept: that of the source, or one made of what is known.
fn receipt_of(coded: &Coded) -> String {
    if coded.key.starts_with('~') {
        format!("{} {} {}", coded.source, coded.day, coded.key)
    } else {
        coded.key.clone()
    }
}

async fn settle(
    tx: &mut Connection,
    coded: &Coded,
    rules: &FriendRules,
    now_ms: i64,
    settled: &mut SettledReceipts,
) -> Result<()> {
    let Some(certificate) = called(&mut *tx, &coded.code).await? else {
        return Ok(());
    };
    let receipt = Receipt {
        day: coded.day,
        amount: Some(coded.amount),
        items: coded.items.clone(),
    };
    let number = receipt_of(coded);
    if let Some(redemption) = taken_at_a_till(&mut *tx, coded, &number).await? {
        tie(&mut *tx, redemption, coded).await?;
        settled.found += 1;
        let friend = Friend {
            client: Some(coded.client),
            except: Some(redemption),
            ..Friend::default()
        };
        return recognise(
            tx,
            &certificate,
            redemption,
            &friend,
            coded.day,
            rules,
            now_ms,
            settled,
        )
        .await;
    }
    let friend = Friend {
        client: Some(coded.client),
        ..Friend::default()
    };
    let (facts, known) = friends::facts(&mut *tx, &certificate, &friend, coded.day, rules).await?;
    let verdict = judge(
        &certificate.facts(),
        &receipt,
        Some(&facts),
        rules.limit,
        true,
    );
    let (Verdict::Redeem { doubts } | Verdict::Deny { because: doubts }) = verdict;
    if doubts.contains(&Objection::UsedUp) {
        // The discount was given twice: no use is left to be taken, and a person must know.
        settled.doubtful += u64::from(!is_known(&mut *tx, &coded.code, &number).await?);
        return doubt(tx, &coded.code, &number, None, &doubts, now_ms).await;
    }
    let taking = Taking {
        certificate: &certificate,
        receipt: &number,
        on: &receipt,
        client: known.or(Some(coded.client)),
        told: &Person::default(),
        purchase: Some(coded.id),
        doubts: &doubts,
        by: &coded.source,
        via: Via::Import,
        now_ms,
    };
    take(tx, &taking).await?;
    settled.redeemed += 1;
    settled.doubtful += u64::from(!doubts.is_empty());
    Ok(())
}

async fn is_known(tx: &mut Connection, code: &str, receipt: &str) -> Result<bool> {
    let known = sql::query_scalar::<i64>(
        "SELECT EXISTS (SELECT 1 FROM reviews WHERE code = $1 AND receipt = $2)",
    );
    Ok(known.bind(code).bind(receipt).fetch_one(tx).await? != 0)
}

/// The redemption of a till that this purchase is: by its number, else the only one of these days.
async fn taken_at_a_till(tx: &mut Connection, coded: &Coded, number: &str) -> Result<Option<i64>> {
    let found = sql::query_scalar(
        "SELECT id FROM redemptions
         WHERE code = $1 AND purchase_id IS NULL AND undone_at IS NULL
           AND (receipt = $2 OR abs(day - $3) <= $4)
         ORDER BY receipt <> $2, abs(day - $3), id LIMIT 1",
    );
    let found = found
        .bind(&coded.code)
        .bind(number)
        .bind(coded.day.epoch_days())
        .bind(DAYS_APART);
    Ok(found.fetch_optional(tx).await?)
}

async fn tie(tx: &mut Connection, redemption: i64, coded: &Coded) -> Result<()> {
    sql::query(
        "UPDATE redemptions SET purchase_id = $2, client_id = $3, amount = $4 WHERE id = $1",
    )
    .bind(redemption)
    .bind(coded.id)
    .bind(coded.client)
    .bind(coded.amount)
    .execute(tx)
    .await?;
    Ok(())
}

/// Looks at a friend who was not known when he came: he counts, or a person looks at it.
#[expect(
    clippy::too_many_arguments,
    reason = "a step of one transaction, called from two places of this file"
)]
async fn recognise(
    tx: &mut Connection,
    certificate: &CertificateRow,
    redemption: i64,
    friend: &Friend,
    day: Day,
    rules: &FriendRules,
    now_ms: i64,
    settled: &mut SettledReceipts,
) -> Result<()> {
    let waits = sql::query_scalar::<i64>(
        "SELECT EXISTS (SELECT 1 FROM referrals WHERE redemption_id = $1 AND state = 'waiting')",
    );
    let waits = waits.bind(redemption).fetch_one(&mut *tx).await? != 0;
    if certificate.kind != CertificateKind::Friend || !waits {
        return Ok(());
    }
    let (facts, known) = friends::facts(&mut *tx, certificate, friend, day, rules).await?;
    // Its own use is counted already, and its day was looked at when it was taken.
    let still_good = crate::rules::certificate::Certificate {
        used: 0,
        void: false,
        valid_until: day,
        min_receipt: None,
        products: Vec::new(),
        ..certificate.facts()
    };
    let receipt = Receipt {
        day,
        amount: None,
        items: Vec::new(),
    };
    let verdict = judge(&still_good, &receipt, Some(&facts), rules.limit, true);
    let (Verdict::Redeem { doubts } | Verdict::Deny { because: doubts }) = verdict;
    let state = if doubts.is_empty() {
        "counts"
    } else {
        "review"
    };
    sql::query(
        "UPDATE referrals SET state = $2, friend_id = $3, phone = NULL, email = NULL, mailbox = NULL,
                counts_on = CASE WHEN $2 = 'counts' THEN $4 END
         WHERE redemption_id = $1",
    )
    .bind(redemption)
    .bind(state)
    .bind(known.or(friend.client))
    .bind(day.epoch_days())
    .execute(&mut *tx)
    .await?;
    if !doubts.is_empty() {
        settled.doubtful += 1;
        let receipt: String = sql::query_scalar("SELECT receipt FROM redemptions WHERE id = $1")
            .bind(redemption)
            .fetch_one(&mut *tx)
            .await?;
        let (code, redemption) = (certificate.code.as_str(), Some(redemption));
        doubt(tx, code, &receipt, redemption, &doubts, now_ms).await?;
    }
    Ok(())
}

/// Friends of whom a till was told a phone or an address, and who are clients with a purchase by now.
async fn find_friends(
    tx: &mut Connection,
    rules: &FriendRules,
    now_ms: i64,
    settled: &mut SettledReceipts,
) -> Result<()> {
    let rows = sql::query(
        "SELECT f.redemption_id, f.phone, f.email, r.code, r.day
         FROM referrals f JOIN redemptions r ON r.id = f.redemption_id
         WHERE f.state = 'waiting' AND (f.phone IS NOT NULL OR f.email IS NOT NULL)
         ORDER BY f.redemption_id",
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in rows {
        let (redemption, day) = (row.get("redemption_id"), day_of(&row, "day"));
        let told = Person {
            phones: row.get::<Option<String>, _>("phone").into_iter().collect(),
            emails: row.get::<Option<String>, _>("email").into_iter().collect(),
            ..Person::default()
        };
        let ids = identity::clients_like(&mut *tx, &told).await?;
        let Some(client) = identity::only_one(&mut *tx, &ids).await? else {
            continue;
        };
        let bought = sql::query_scalar::<i64>(
            "SELECT EXISTS (SELECT 1 FROM purchases
                            WHERE client_id = $1 AND day >= $2 AND amount > 0)",
        );
        let since = day.plus(-DAYS_APART).epoch_days();
        let bought = bought.bind(client).bind(since).fetch_one(&mut *tx).await? != 0;
        let certificate = called(&mut *tx, row.get("code")).await?;
        let (true, Some(certificate)) = (bought, certificate) else {
            continue;
        };
        let friend = Friend {
            client: Some(client),
            told,
            except: Some(redemption),
        };
        let looked = recognise(
            &mut *tx,
            &certificate,
            redemption,
            &friend,
            day,
            rules,
            now_ms,
            settled,
        );
        looked.await?;
    }
    Ok(())
}

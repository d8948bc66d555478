//! What people write down here and no source knows: deals that begin or end with a call, and friends
//! whom clients name.

use super::outcomes::Recording;
use super::{Result, Store};
use crate::db::sql::{self, Connection};
use crate::model::Day;
use crate::rules::follow_up::DealChange;
use sqlx::AssertSqlSafe;

/// The source of whom and what people wrote down here: friends, and deals that began with a call.
pub const OWN_SOURCE: &str = "rekindle";

/// Somebody whom a client named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Friend {
    /// The name.
    pub name: Option<String>,
    /// The phone in E.164 with `+`.
    pub phone: Option<String>,
    /// The e-mail address, lower case.
    pub email: Option<String>,
}

impl Friend {
    /// Whether anything at all is known.
    pub fn is_known(&self) -> bool {
        *self != Self::default()
    }
}

impl Store {
    /// Closes as won what was opened here for clients who have bought since, up to a day. Returns how
    /// many.
    pub async fn win_own_deals(&self, day: Day) -> Result<u64> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "UPDATE deals SET status = 'won', closed_on = (
                 SELECT min(p.day) FROM purchases p
                 WHERE p.client_id = deals.client_id AND p.amount > 0 AND p.day >= deals.opened_on
                   AND p.day <= $1)
             WHERE status = 'open' AND source_id = (SELECT id FROM sources WHERE name = $2)
               AND EXISTS (
                 SELECT 1 FROM purchases p
                 WHERE p.client_id = deals.client_id AND p.amount > 0 AND p.day >= deals.opened_on
                   AND p.day <= $1)",
        )
        .bind(day.epoch_days())
        .bind(OWN_SOURCE)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}

/// Our own source, made where it is missing.
async fn own_source(tx: &mut Connection) -> Result<i64> {
    sql::query("INSERT INTO sources (name) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(OWN_SOURCE)
        .execute(&mut *tx)
        .await?;
    let id = sql::query_scalar("SELECT id FROM sources WHERE name = $1").bind(OWN_SOURCE);
    Ok(id.fetch_one(tx).await?)
}

/// The deal of an outcome, by number.
pub(super) async fn change_deal(
    tx: &mut Connection,
    new: &Recording<'_>,
    client: i64,
    outcome: i64,
    change: &DealChange,
) -> Result<Option<i64>> {
    let source = own_source(tx).await?;
    let open: Option<(i64, bool)> = sql::query_as(
        "SELECT id, source_id = $2 FROM deals WHERE client_id = $1 AND status = 'open'
         ORDER BY source_id = $2 DESC, id DESC LIMIT 1",
    )
    .bind(client)
    .bind(source)
    .fetch_optional(&mut *tx)
    .await?;
    let (status, reason) = match change {
        DealChange::Open => ("open", None),
        DealChange::Won => ("won", None),
        DealChange::Lost { reason } => ("lost", reason.as_deref()),
        DealChange::Closed => ("lost", None),
    };
    match (open, change) {
        // Somebody sells to him already; a deal of the CRM is closed there, with its reason.
        (Some((deal, _)), DealChange::Open) | (Some((deal, false)), DealChange::Lost { .. }) => {
            Ok(Some(deal))
        }
        (Some((deal, true)), _) => {
            sql::query("UPDATE deals SET status = $2, closed_on = $3, reason = $4 WHERE id = $1")
                .bind(deal)
                .bind(status)
                .bind(new.outcome.day.epoch_days())
                .bind(reason)
                .execute(tx)
                .await?;
            Ok(Some(deal))
        }
        (None, DealChange::Open) => own_deal(tx, new, outcome, source, "open", None)
            .await
            .map(Some),
        (_, DealChange::Lost { .. }) => {
            let deal = own_deal(tx, new, outcome, source, "lost", reason).await?;
            Ok(Some(deal))
        }
        _ => Ok(None),
    }
}

/// Writes a deal down that began or ended with this outcome.
async fn own_deal(
    tx: &mut Connection,
    new: &Recording<'_>,
    outcome: i64,
    source: i64,
    status: &str,
    reason: Option<&str>,
) -> Result<i64> {
    let readiness = new.outcome.readiness;
    let statement = |title: &str| {
        AssertSqlSafe(format!(
            "INSERT INTO deals (client_id, source_id, ext_id, title, status, opened_on, closed_on,
                                reason, need, money, urgency, manager, first_import, last_import)
             SELECT t.client_id, $2, 'R-' || $3, {title}, $4,
                    CASE WHEN $4 = 'open' THEN $5 END, CASE WHEN $4 = 'lost' THEN $5 END, $6,
                    $7, $8, $9, coalesce($10, t.manager), 0, 0
             FROM tasks t WHERE t.id = $1 RETURNING id"
        ))
    };
    let done = sql::query_of(
        statement("t.inputs ->> '$.deal.title'"),
        statement("CAST(t.inputs AS jsonb) #>> '{deal,title}'"),
    )
    .scalar::<i64>()
    .bind(new.task)
    .bind(source)
    .bind(outcome)
    .bind(status)
    .bind(new.outcome.day.epoch_days())
    .bind(reason)
    .bind(readiness.need)
    .bind(readiness.money)
    .bind(readiness.urgency)
    .bind(&new.follow_up.pass_to)
    .fetch_one(tx)
    .await?;
    Ok(done)
}

/// Makes a client of a friend who is not known yet; returns his number.
async fn add_friend(
    tx: &mut Connection,
    new: &Recording<'_>,
    outcome: i64,
    friend: &Friend,
) -> Result<i64> {
    let source = own_source(tx).await?;
    let made = sql::query_scalar::<i64>(
        "INSERT INTO clients (source_id, ext_id, name, email, phone, manager, tags, implied,
                              first_import, last_import)
         VALUES ($1, 'F-' || $2, $3, $4, $5, $6, '[\"friend\"]', 0, 0, 0) RETURNING id",
    )
    .bind(source)
    .bind(outcome)
    .bind(&friend.name)
    .bind(&friend.email)
    .bind(&friend.phone)
    .bind(new.friends_manager)
    .fetch_one(tx)
    .await?;
    Ok(made)
}

/// The client whom another one named: known by phone or address, else made. Nothing allows anybody to
/// write to him: our own source has no consent.
pub(super) async fn name_friend(
    tx: &mut Connection,
    new: &Recording<'_>,
    referrer: i64,
    outcome: i64,
    friend: &Friend,
) -> Result<i64> {
    let known: Option<i64> = sql::query_scalar(
        "SELECT id FROM clients
         WHERE id <> $1 AND deleted_on IS NULL AND master_id IS NULL
           AND (phone = $2 OR email = $3) ORDER BY id LIMIT 1",
    )
    .bind(referrer)
    .bind(&friend.phone)
    .bind(&friend.email)
    .fetch_optional(&mut *tx)
    .await?;
    let client = match known {
        Some(client) => client,
        None => add_friend(tx, new, outcome, friend).await?,
    };
    sql::query(
        "INSERT INTO friends (client_id, referrer_id, outcome_id, named_on, was_known)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(client)
    .bind(referrer)
    .bind(outcome)
    .bind(new.outcome.day.epoch_days())
    .bind(known.is_some())
    .execute(tx)
    .await?;
    Ok(client)
}

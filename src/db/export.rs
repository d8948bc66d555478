//! What is known of one client, for the client himself. What is kept under his addresses alone (that
//! nobody writes to them any more) is added where the key of their hashes is known.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::audit::{Entry, write_down};
use super::{Result, Store};
use crate::db::sql::{self, Row};
use crate::model::{ClientId, Day, hex};

/// The name of a part, and its rows. `$1` is the client. Columns of days and of instants (unix
/// milliseconds) say so behind a colon, and are told as people write them.
const PARTS: &[(&str, &str)] = &[
    (
        "client",
        "SELECT s.name AS source, c.ext_id AS id, c.name, c.company, c.email, c.phone, c.locale,
                c.time_zone, c.country, c.manager, c.tags, c.attributes,
                c.birthday AS \"birthday:day\", c.deleted_on AS \"deleted_on:day\"
         FROM clients c JOIN sources s ON s.id = c.source_id WHERE c.id = $1",
    ),
    (
        "contacts",
        "SELECT t.ext_id AS id, t.name, t.role, t.email, t.phone FROM contacts t
         WHERE t.client_id = $1 ORDER BY t.id",
    ),
    (
        "purchases",
        "SELECT p.day AS \"day:day\", p.key, p.amount AS minor_units, p.promo FROM purchases p
         WHERE p.client_id = $1 ORDER BY p.day, p.source_id, p.key",
    ),
    (
        "purchase_items",
        "SELECT i.day AS \"day:day\", i.key, i.item, i.sku, i.quantity, i.amount AS minor_units
         FROM purchase_items i
         WHERE i.client_id = $1 ORDER BY i.day, i.source_id, i.key, i.line",
    ),
    (
        "deals",
        "SELECT d.ext_id AS id, d.title, d.status, d.stage, d.amount AS minor_units, d.reason,
                d.opened_on AS \"opened_on:day\", d.closed_on AS \"closed_on:day\"
         FROM deals d WHERE d.client_id = $1 ORDER BY d.id",
    ),
    (
        "visits",
        "SELECT v.day AS \"day:day\", v.page FROM visits v
         WHERE v.client_id = $1 ORDER BY v.day, v.source_id, v.key",
    ),
    (
        "consents",
        "SELECT c.channel, c.class, c.basis, c.proof, c.given_on AS \"given_on:day\",
                c.withdrawn_on AS \"withdrawn_on:day\"
         FROM consents c WHERE c.client_id = $1 ORDER BY c.id",
    ),
    (
        "rhythm",
        "SELECT purchase_days, turnover AS minor_units, first_day AS \"first_day:day\",
                last_day AS \"last_day:day\", due_on AS \"due_on:day\"
         FROM rhythms WHERE client_id = $1",
    ),
    (
        "enrollments",
        "SELECT e.campaign, e.episode, e.arm, e.evidence AS because, e.began_on AS \"began_on:day\",
                e.entered_on AS \"entered_on:day\", e.closed_on AS \"closed_on:day\", e.closed_by
         FROM enrollments e WHERE e.client_id = $1 ORDER BY e.id",
    ),
    (
        "messages",
        "SELECT m.key, m.campaign, m.episode, m.step, m.channel, m.state,
                m.planned_on AS \"planned_on:day\", m.sent_at AS \"sent_at:instant\",
                m.accepted_at AS \"accepted_at:instant\", m.inputs AS made_from, m.evidence
         FROM messages m WHERE m.client_id = $1 ORDER BY m.id",
    ),
    (
        "tasks",
        "SELECT t.campaign, t.episode, t.step, t.kind, t.state, t.inputs AS made_from,
                t.planned_on AS \"planned_on:day\"
         FROM tasks t WHERE t.client_id = $1 ORDER BY t.id",
    ),
    (
        "outcomes",
        "SELECT o.kind, o.note, o.reason, o.day AS \"day:day\", o.recorded_by
         FROM outcomes o JOIN tasks t ON t.id = o.task_id WHERE t.client_id = $1 ORDER BY o.id",
    ),
    (
        "told_to_other_programs",
        "SELECT e.kind, e.day AS \"day:day\", e.told_at AS \"told_at:instant\", e.said
         FROM task_events e JOIN tasks t ON t.id = e.task_id
         WHERE t.client_id = $1 AND e.tries > 0 ORDER BY e.id",
    ),
    (
        "managers",
        "SELECT o.manager, o.was, o.on_day AS \"on_day:day\", o.reason FROM owner_changes o
         WHERE o.client_id = $1 ORDER BY o.id",
    ),
    // Who the other one is, is for the other one to tell.
    (
        "friends",
        "SELECT CASE WHEN f.client_id = $1 THEN 'was named by a client' ELSE 'named a friend' END
                    AS what, f.named_on AS \"named_on:day\"
         FROM friends f WHERE f.client_id = $1 OR f.referrer_id = $1
         ORDER BY f.named_on, f.client_id, f.referrer_id",
    ),
    (
        "certificates",
        "SELECT t.code, t.kind, t.discount, t.gift, t.issued_on AS \"issued_on:day\",
                t.valid_until AS \"valid_until:day\"
         FROM certificates t WHERE t.client_id = $1 ORDER BY t.issued_on, t.code",
    ),
    (
        "redemptions",
        "SELECT r.code, r.receipt, r.day AS \"day:day\", r.amount AS minor_units, r.by, r.via,
                r.undone_at AS \"undone_at:instant\"
         FROM redemptions r WHERE r.client_id = $1 ORDER BY r.id",
    ),
    (
        "referrals",
        "SELECT f.state, f.counts_on AS \"counts_on:day\", f.phone, f.email FROM referrals f
         WHERE f.friend_id = $1 ORDER BY f.redemption_id",
    ),
    (
        "seats",
        "SELECT s.campaign, s.taken, s.changed_at AS \"changed_at:instant\",
                s.attended_on AS \"attended_on:day\"
         FROM seats s WHERE s.client_id = $1 ORDER BY s.campaign",
    ),
];

impl Store {
    /// Everything that is kept under the number of a client, part by part.
    pub async fn all_about(&self, client: ClientId) -> Result<Map<String, Value>> {
        let mut all = Map::new();
        for (part, statement) in PARTS {
            let rows = sql::query(*statement).bind(client.0);
            let rows = rows.fetch_all(&self.pool).await?;
            let rows = rows.iter().map(object).collect::<Result<Vec<Value>>>()?;
            all.insert((*part).to_owned(), Value::Array(rows));
        }
        Ok(all)
    }

    /// Notes that somebody was told everything that is known of a client.
    pub async fn note_export(&self, proof: &[u8; 32], entry: &Entry<'_>) -> Result<()> {
        let mut connection = self.writer.acquire().await?;
        write_down(&mut connection, "client exported", &hex(proof), entry).await
    }
}

/// A row as JSON, each column by the kind of its value; JSON in texts is shown as what it is.
fn object(row: &Row) -> Result<Value> {
    let mut object = Map::new();
    for (column, cell) in row.cells()? {
        let (name, kind) = column.split_once(':').unwrap_or((&column, ""));
        let value = match cell {
            sql::Value::Int(Some(number)) => told(kind, number),
            sql::Value::Real(Some(number)) => Value::from(number),
            sql::Value::Text(Some(text)) => {
                let json = text
                    .starts_with(['{', '['])
                    .then(|| serde_json::from_str(&text));
                json.and_then(std::result::Result::ok)
                    .unwrap_or_else(|| Value::String(text.into_owned()))
            }
            sql::Value::Bytes(Some(bytes)) => Value::String(hex(&bytes)),
            _ => Value::Null,
        };
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

/// A number by the kind of its column.
fn told(kind: &str, number: i64) -> Value {
    let text = match kind {
        "day" => i32::try_from(number)
            .ok()
            .map(|days| Day::from_epoch(days).to_string()),
        "instant" => DateTime::from_timestamp_millis(number)
            .map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()),
        _ => None,
    };
    text.map_or_else(|| Value::from(number), Value::String)
}

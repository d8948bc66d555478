//! Who waits for whom in PostgreSQL, so that nothing is sent after its reader has left.
//!
//! SQLite has one writer: whatever is decided on what was read in a transaction still holds when it
//! is committed. In PostgreSQL those who write facts and decisions go one after the other as well
//! (`Store::begin`), but delivery does not stand in that queue: any number of workers claim, pass
//! the door and record endings side by side. Two promises are kept by locks of their own, which
//! last until the end of the transaction:
//!
//! - *Nothing passes the door after an opt-out was committed.* Whoever stands at the door takes the
//!   locks of his addresses before he reads what the gates look at; whoever opts out takes the lock
//!   of the address before he commits. If the door is first, the message has passed before the
//!   opt-out is committed; if the opt-out is first, the door waits, and its next statement reads what
//!   was committed (`READ COMMITTED`: every statement sees what was committed before it).
//! - *A frequency cap counts over all workers.* The caps count what has left to a client and to his
//!   address, so both are locked: of two messages to one person the second is judged when the first
//!   is committed.
//!
//! Imports may opt out more people than the server has room for locks, and stops are about
//! everybody. Such a writer takes one lock for all, alone, just before he commits; at the door it is
//! taken by everybody together.
//!
//! Why nobody waits in a circle: locks are taken in this order, by everybody: the queue of the
//! writers, the one for all, addresses and clients sorted by their number, rows of messages. Whoever
//! waits for a row holds all the other locks that he will ever want. The one exception is a writer
//! who takes the lock for all at his end, with rows in hand: nobody at the door wants those, because
//! the door touches only messages that are claimed, sending or unknown, and an import, a stop, a
//! closing never touches these. Statements that touch many messages which somebody else may have in
//! hand skip those ([`claim`](super::delivery), the reconciler) and find them the next time. Where
//! all this should ever be wrong PostgreSQL ends one of the two; then nothing of it has happened, and
//! it is tried again.
//!
//! In SQLite nothing of this is needed and nothing is done.

use super::sql::{self, Connection, Engine, Json, Transaction};
use super::{Result, Store};
use crate::clock::Clock;
use crate::model::hex;

/// Of more addresses than this the lock for all is taken instead of one for each.
const MANY: usize = 500;

/// The lock for all: its first half; the schema is the second.
macro_rules! everybody {
    () => {
        "7498501, hashtext(current_schema())"
    };
}

/// The number of the lock of an address, by its keyed hash in hexadecimal.
macro_rules! of_address {
    ($hash:literal) => {
        concat!(
            "hashtextextended(current_schema() || ' ' || ",
            $hash,
            ", 0)"
        )
    };
}

/// The numbers of the locks of messages with these numbers: of their addresses and clients.
macro_rules! of_messages {
    ($numbers:literal) => {
        concat!(
            "SELECT each.key FROM json_each(",
            $numbers,
            ") AS row
             JOIN messages m ON m.id = CAST(row.atom AS BIGINT)
             CROSS JOIN LATERAL (VALUES (",
            of_address!("encode(m.address_hash, 'hex')"),
            "), (CASE WHEN m.client_id <> 0 THEN ",
            of_address!("'client ' || m.client_id"),
            " END)) AS each (key) WHERE each.key IS NOT NULL"
        )
    };
}

/// Takes the locks of messages that stand at the door. Returns the present instant of the clock that
/// leases are measured by, in unix milliseconds, where ours shows `now_ms`.
pub(super) async fn at_the_door(tx: &mut Connection, messages: &[i64], now_ms: i64) -> Result<i64> {
    if tx.engine() == Engine::Sqlite || messages.is_empty() {
        return Ok(now_ms);
    }
    let together = concat!("SELECT pg_advisory_xact_lock_shared(", everybody!(), ")");
    sql::query(together).execute(&mut *tx).await?;
    // What is materialized is complete before the next part begins: sorted first, then locked in
    // that order, and the clock is read at last.
    let taken = sql::query(concat!(
        "WITH keys AS MATERIALIZED (SELECT DISTINCT key FROM (",
        of_messages!("$1"),
        ") AS wanted ORDER BY key),
         held AS MATERIALIZED (SELECT pg_advisory_xact_lock(key) FROM keys)
         SELECT count(*) AS locks,
                CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now
         FROM held"
    ));
    let taken = taken.bind(Json(messages)).fetch_one(&mut *tx).await?;
    Ok(ahead(taken.get("now"), now_ms))
}

/// Takes the locks of addresses that opt out, by their keyed hashes, and those of messages whose
/// episodes end: before any message is touched.
pub(super) async fn opting_out(
    tx: &mut Connection,
    hashes: &[[u8; 32]],
    messages: &[i64],
) -> Result<()> {
    if tx.engine() == Engine::Sqlite || hashes.is_empty() && messages.is_empty() {
        return Ok(());
    }
    if hashes.len() > MANY {
        return alone(tx).await;
    }
    let hashes: Vec<String> = hashes.iter().map(|hash| hex(hash)).collect();
    let taken = sql::query(concat!(
        "WITH keys AS MATERIALIZED (SELECT DISTINCT key FROM (",
        of_messages!("$1"),
        " UNION SELECT ",
        of_address!("atom"),
        " FROM json_each($2)) AS wanted ORDER BY key),
         held AS MATERIALIZED (SELECT pg_advisory_xact_lock(key) FROM keys)
         SELECT count(*) FROM held"
    ));
    let taken = taken.bind(Json(messages)).bind(Json(hashes));
    taken.execute(tx).await?;
    Ok(())
}

/// Takes the lock for all, alone: nobody passes the door until the end of the transaction. To be
/// asked for just before the commit, or for a transaction that is short.
pub(super) async fn alone(tx: &mut Connection) -> Result<()> {
    if tx.engine() == Engine::Postgres {
        let alone = concat!("SELECT pg_advisory_xact_lock(", everybody!(), ")");
        sql::query(alone).execute(tx).await?;
    }
    Ok(())
}

/// The present instant of the clock that leases are measured by, in unix milliseconds, where ours
/// shows `now_ms`. Workers may run on several machines, whose clocks differ: the database has one.
pub(super) async fn clock_of_leases(connection: &mut Connection, now_ms: i64) -> Result<i64> {
    if connection.engine() == Engine::Sqlite {
        return Ok(now_ms);
    }
    let now = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
    let now: i64 = sql::query_scalar(now).fetch_one(connection).await?;
    Ok(ahead(now, now_ms))
}

/// Our clock, put forward by as much as that of the database is ahead of that of this machine. So a
/// clock that was set by hand stays where it was set. Who is held up on the way thinks it is earlier
/// than it is; what he then does too late is caught by the claim, which somebody else has taken.
fn ahead(database_ms: i64, now_ms: i64) -> i64 {
    now_ms + database_ms - Clock::System.now().timestamp_millis()
}

impl Store {
    /// Begins a transaction of delivery: beside those who write facts and decisions in PostgreSQL,
    /// and beside other workers.
    pub(super) async fn begin_delivery(&self) -> Result<Transaction> {
        Ok(self.writer.acquire().await?.begin_with_next().await?)
    }
}

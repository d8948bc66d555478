//! The point of no return: the gates are asked on facts read in the very transaction that passes
//! it, and a message comes out cleared only after the commit.
//!
//! SQLite has one writer: an opt-out is committed either before this transaction begins, and is
//! seen, or after it has ended. In PostgreSQL many workers stand at the door at once, each for
//! messages of his own; the locks of their addresses and clients, taken before anything is read,
//! promise the same (`db::address_locks`).

use crate::db::sql::{self, Pair};
use serde::Serialize;

use super::super::{Result, Store, address_locks};
use super::ending::{Ending, accepting, record_others, stale};
use super::standing::{Standing, looking, standings};
use super::{Claim, put_back, rows_of};
use crate::model::{Class, ClientId, Day, hex};
use crate::rules::delivery::clearance::{self, Cleared, Door, Hindrance, Reader};

/// A claimed message that is ready to leave.
#[derive(Debug)]
pub struct Asking<M> {
    /// The fence.
    pub claim: Claim,
    /// The address that it goes to.
    pub address: String,
    /// SHA-256 of its content.
    pub content: [u8; 32],
    /// The version of the template that it was made of, by its number.
    pub version: Option<i64>,
    /// The lease must last for so many milliseconds more: as long as sending may take.
    pub needs_ms: i64,
    /// What is sent.
    pub message: M,
}

/// What the door said.
#[derive(Debug)]
pub enum Passed<M> {
    /// It may be sent now, and has to be.
    Cleared(Cleared<M>),
    /// It may not: it has been put back or ended.
    Hindered(M, Hindrance),
    /// It is no longer the claimant's.
    Lost(M),
}

/// What one transaction of many sessions has done.
#[derive(Debug)]
pub struct Settled<M> {
    /// Endings that came too late to count.
    pub stale: u64,
    /// What the door said.
    pub passed: Vec<Passed<M>>,
}

impl Store {
    /// Records what came of attempts, and passes the point of no return with every message that
    /// the gates let through: one transaction for many sessions. What comes back is in the order of
    /// `asking`.
    ///
    /// When this fails nothing was recorded and nothing passed, and none of the messages may be
    /// sent.
    pub async fn settle<M>(
        &self,
        endings: &[Ending],
        asking: Vec<Asking<M>>,
        door: &Door<'_>,
        by: &str,
    ) -> Result<Settled<M>> {
        let now_ms = door.now.timestamp_millis();
        let mut tx = self.begin_delivery().await?;
        let ids: Vec<i64> = asking.iter().map(|one| one.claim.message).collect();
        let lease_now = address_locks::at_the_door(&mut tx, &ids, now_ms).await?;
        let claims: Vec<(Claim, &str)> = asking
            .iter()
            .map(|one| (one.claim, one.address.as_str()))
            .collect();
        let mut recorded = record_others(&mut tx, endings, by, now_ms).await?;
        let accepting = accepting(endings, by, now_ms);
        let (accepted, rows) = accepting.then(looking(&claims, door)).run(&mut tx).await?;
        recorded += accepted.rows_affected();
        let needs = asking.iter().map(|one| one.needs_ms).max();
        let until = lease_now + needs.unwrap_or_default();
        let mut standings = standings(&rows, &claims, until, door)?;
        let (mut passed, mut through, mut hindered) = (Vec::new(), Vec::new(), Vec::new());
        for one in asking {
            let place = standings
                .iter()
                .position(|standing| standing.id == one.claim.message && standing.ours);
            let Some(place) = place else {
                passed.push(Passed::Lost(one.message));
                continue;
            };
            let asked = clearance::clear(one.message, &standings[place].at_the_door, door);
            passed.push(match asked {
                Ok(cleared) => {
                    let standing = standings.swap_remove(place);
                    count_against_the_others(&standing, &mut standings, door.today());
                    through.push(Through::new(one.claim, &one.content, one.version));
                    Passed::Cleared(cleared)
                }
                Err((message, hindrance)) => {
                    hindered.push((one.claim, hindrance.clone()));
                    Passed::Hindered(message, hindrance)
                }
            });
        }
        put_back(&mut tx, &hindered, by, now_ms).await?;
        if !through.is_empty() {
            crash_point!("before-no-return");
        }
        if !endings.is_empty() {
            crash_point!("before-result");
        }
        if through.is_empty() {
            tx.commit().await?;
        } else {
            marking(&through, by, now_ms)?.commit(tx).await?;
            crash_point!("after-no-return");
        }
        if !endings.is_empty() {
            crash_point!("after-result");
        }
        Ok(Settled {
            stale: stale(endings, recorded),
            passed,
        })
    }
}

/// A message that passes, as its statements need it.
#[derive(Serialize)]
struct Through {
    id: i64,
    claim: i64,
    content: String,
    version: Option<i64>,
}

impl Through {
    fn new(claim: Claim, content: &[u8; 32], version: Option<i64>) -> Self {
        Self {
            id: claim.message,
            claim: claim.seq,
            content: hex(content),
            version,
        }
    }
}

/// Two messages to one person that stand at the door together count for each other.
fn count_against_the_others(passed: &Standing, others: &mut [Standing], today: Day) {
    if passed.at_the_door.class != Class::Advertising || passed.client == ClientId(0) {
        return;
    }
    for other in others {
        if (other.client == passed.client || other.hash == passed.hash)
            && let Reader::Client { facts, .. } = &mut other.at_the_door.reader
        {
            facts.advertising_days.push(today);
        }
    }
}

const PASS: &str = "
    UPDATE messages SET state = 'sending', attempts = attempts + 1, sent_at = $2,
           changed_at = $2, changed_by = $3
    FROM json_each($1) AS row
    WHERE messages.id = CAST(row.value ->> 'id' AS BIGINT)
      AND claim = CAST(row.value ->> 'claim' AS BIGINT) AND messages.state = 'claimed'";

const RECORD_ATTEMPT: &str = "
    INSERT INTO attempts (message_id, n, claim, owner, began_at, content, version)
    SELECT m.id, m.attempts, m.claim, m.owner, $2, unhex(row.value ->> 'content'),
           CAST(row.value ->> 'version' AS BIGINT)
    FROM json_each($1) AS row
    JOIN messages m ON m.id = CAST(row.value ->> 'id' AS BIGINT)";

/// Marks messages as being sent, and keeps their attempts.
fn marking<'q>(through: &[Through], by: &'q str, now_ms: i64) -> Result<Pair<'q>> {
    let rows = rows_of(through)?;
    let pass = sql::query(PASS).bind(rows.clone()).bind(now_ms).bind(by);
    let record = sql::query(RECORD_ATTEMPT).bind(rows).bind(now_ms);
    Ok(pass.then(record))
}

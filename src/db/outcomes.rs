//! Recording what came of tasks, with everything that follows from it, in one transaction.

use super::clients::addresses_of;
use super::own_facts::{Friend, change_deal, name_friend};
use super::rows::outcome;
use super::suppressions::{NewSuppression, suppress};
use super::{NewCertificate, Result, Store, certificates};
use crate::db::sql::{self, Connection};
use crate::model::{AddressKey, ClientId, Day, Outcome, SuppressionReason, SuppressionScope};
use crate::rules::follow_up::{DealChange, FollowUp};
use crate::rules::plan::AfterOutcome;
use sqlx::AssertSqlSafe;

/// An outcome on its way into the database.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'a> {
    /// The task.
    pub task: i64,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// What follows.
    pub follow_up: &'a FollowUp,
    /// What the client said.
    pub note: Option<&'a str>,
    /// Whom he named.
    pub friend: Option<&'a Friend>,
    /// Who gets a friend who has no manager.
    pub friends_manager: Option<&'a str>,
    /// On whose list the task for another manager stands today.
    pub acting: &'a str,
    /// What he reads below its reason: who passes the client on, and what was said.
    pub passed_with: &'a str,
    /// The same for the same outcome, however often it is told; nothing for what is told once.
    pub key: Option<&'a str>,
    /// The certificate that the client gets to pass on, and the day on which he gets it.
    pub certificate: Option<(&'a NewCertificate, Day)>,
    /// Who records it.
    pub by: &'a str,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// What became of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Written down.
    New(Effects),
    /// It was told before.
    Before,
    /// There is no such task, or it is closed.
    NoSuchTask,
}

/// What an outcome has made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The task that another manager has got.
    pub passed_on: Option<i64>,
    /// The deal that was opened, won or lost.
    pub deal: Option<i64>,
    /// The friend.
    pub friend: Option<ClientId>,
    /// The code of the certificate that the client passes on to him.
    pub certificate: Option<String>,
}

impl Store {
    /// Records the outcome of a task together with everything that follows from it.
    pub async fn record_outcome(&self, new: &Recording<'_>, key: &AddressKey) -> Result<Noted> {
        let mut tx = self.begin().await?;
        if let Some(told) = new.key {
            let known = sql::query("SELECT 1 FROM outcomes WHERE key = $1").bind(told);
            if known.fetch_optional(&mut *tx).await?.is_some() {
                return Ok(Noted::Before);
            }
        }
        let again_on = match new.follow_up.task {
            AfterOutcome::Done => None,
            AfterOutcome::Again(day) => Some(day),
        };
        let Some(client) = settle_task(&mut tx, new, again_on).await? else {
            return Ok(Noted::NoSuchTask);
        };
        let outcome = insert_outcome(&mut tx, new).await?;
        let mut effects = Effects::default();
        if let Some(change) = &new.follow_up.deal {
            effects.deal = change_deal(&mut tx, new, client, outcome, change).await?;
        }
        if let Some(friend) = new.friend.filter(|friend| friend.is_known()) {
            let friend = name_friend(&mut tx, new, client, outcome, friend).await?;
            effects.friend = Some(ClientId(friend));
        }
        sql::query("UPDATE outcomes SET deal_id = $2, friend_id = $3 WHERE id = $1")
            .bind(outcome)
            .bind(effects.deal)
            .bind(effects.friend.map(|friend| friend.0))
            .execute(&mut *tx)
            .await?;
        if let Some((certificate, day)) = new.certificate {
            certificates::give(&mut tx, new.task, day, certificate).await?;
            effects.certificate = Some(certificate.code.clone());
        }
        if let Some(manager) = &new.follow_up.pass_to {
            effects.passed_on = Some(pass_on(&mut tx, new, manager).await?);
        }
        if let Some(owner) = &new.follow_up.owner {
            let change = OwnerChange {
                client: ClientId(client),
                manager: owner,
                on: new.outcome.day,
                by: new.by,
                reason: "handover",
                now_ms: new.now_ms,
            };
            change_owner(&mut tx, &change).await?;
            close_other_half(&mut tx, new).await?;
        }
        if new.follow_up.suppress {
            suppress_client(&mut tx, ClientId(client), new.outcome.day, new.by, key).await?;
        }
        wake_enrollment(&mut tx, new).await?;
        if again_on.is_none() {
            tell_closed(&mut tx, new.task, new.outcome.day, new.now_ms).await?;
        }
        tx.commit().await?;
        Ok(Noted::New(effects))
    }

    /// The days on which something came of a task about a client, and what the manager wrote; the
    /// last first.
    pub async fn outcomes_of(&self, client: ClientId) -> Result<Vec<(Outcome, Option<String>)>> {
        let rows = sql::query(
            "SELECT o.kind, o.day, o.until, o.note, o.reason, o.need, o.money, o.urgency
             FROM outcomes o JOIN tasks t ON t.id = o.task_id
             WHERE t.client_id = $1 ORDER BY o.id DESC",
        )
        .bind(client.0)
        .fetch_all(&self.pool)
        .await?;
        let one = |row| Ok((outcome(row, "kind", "day")?, row.get("note")));
        rows.iter().map(one).collect()
    }
}

/// Closes a task, or puts it off until `again_on`; returns its client, unless the task is over.
async fn settle_task(
    tx: &mut Connection,
    new: &Recording<'_>,
    again_on: Option<Day>,
) -> Result<Option<i64>> {
    let row = sql::query(
        "UPDATE tasks SET attempts = attempts + 1, rank = NULL,
             state = CASE WHEN $2 IS NULL THEN 'done' ELSE 'waiting' END,
             not_before = coalesce($2, not_before),
             closed_on = CASE WHEN $2 IS NULL THEN $3 END,
             closed_by = CASE WHEN $2 IS NULL THEN 'outcome' END,
             first_listed_on = NULL, escalated_on = NULL
         WHERE id = $1 AND state IN ('waiting', 'open')
         RETURNING client_id",
    )
    .bind(new.task)
    .bind(again_on.map(Day::epoch_days))
    .bind(new.outcome.day.epoch_days())
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| row.get("client_id")))
}

async fn insert_outcome(tx: &mut Connection, new: &Recording<'_>) -> Result<i64> {
    let readiness = new.outcome.readiness;
    let reason = match &new.follow_up.deal {
        Some(DealChange::Lost { reason }) => reason.as_deref(),
        _ => new.outcome.reason.as_deref(),
    };
    let done = sql::query_scalar::<i64>(
        "INSERT INTO outcomes (task_id, kind, day, until, note, reason, need, money, urgency, key,
                               recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
    )
    .bind(new.task)
    .bind(new.outcome.kind.word())
    .bind(new.outcome.day.epoch_days())
    .bind(new.outcome.until.map(Day::epoch_days))
    .bind(new.note)
    .bind(reason)
    .bind(readiness.need)
    .bind(readiness.money)
    .bind(readiness.urgency)
    .bind(new.key)
    .bind(new.now_ms)
    .bind(new.by)
    .fetch_one(tx)
    .await?;
    Ok(done)
}

/// Gives the client to another manager on the same day: a task of its own, on today's list.
async fn pass_on(tx: &mut Connection, new: &Recording<'_>, manager: &str) -> Result<i64> {
    let statement = |inputs: &str| {
        AssertSqlSafe(format!(
            "INSERT INTO tasks (run_id, campaign, client_id, episode, step, manager, acting, kind,
                                script, state, planned_on, not_before, value, inputs, urgent, apart,
                                listed_on, first_listed_on, rank)
             SELECT t.run_id, t.campaign, t.client_id, t.episode,
                    'passed-on' || (SELECT CASE count(*) WHEN 0 THEN ''
                                                ELSE '-' || (count(*) + 1) END
                                    FROM tasks k WHERE k.campaign = t.campaign
                                      AND k.client_id = t.client_id AND k.episode = t.episode
                                      AND k.step LIKE 'passed-on%'),
                    $2, $3, t.kind, t.script, 'open', $4, $4, t.value, {inputs}, 1, 1, $4, $4,
                    (SELECT coalesce(max(k.rank), 0) + 1 FROM tasks k
                     WHERE k.listed_on = $4 AND coalesce(k.acting, k.manager) = $3)
             FROM tasks t WHERE t.id = $1 RETURNING id"
        ))
    };
    let done = sql::query_of(
        statement("json_set(t.inputs, '$.why', (t.inputs ->> '$.why') || char(10) || $5)"),
        statement(
            "CAST(CAST(t.inputs AS jsonb) || jsonb_build_object(
                 'why', (CAST(t.inputs AS jsonb) ->> 'why') || chr(10) || $5) AS TEXT)",
        ),
    )
    .scalar::<i64>()
    .bind(new.task)
    .bind(manager)
    .bind(new.acting)
    .bind(new.outcome.day.epoch_days())
    .bind(new.passed_with)
    .fetch_one(tx)
    .await?;
    Ok(done)
}

/// A client who gets another manager.
pub(super) struct OwnerChange<'a> {
    pub(super) client: ClientId,
    pub(super) manager: &'a str,
    pub(super) on: Day,
    pub(super) by: &'a str,
    pub(super) reason: &'a str,
    pub(super) now_ms: i64,
}

pub(super) async fn change_owner(tx: &mut Connection, change: &OwnerChange<'_>) -> Result<()> {
    sql::query(
        "INSERT INTO owner_changes (client_id, manager, was, said, on_day, at, by, reason)
         SELECT c.id, $2, m.manager, c.manager, $3, $4, $5, $6
         FROM clients c JOIN client_managers m ON m.client_id = c.id
         WHERE c.id = $1 AND m.manager IS DISTINCT FROM $2",
    )
    .bind(change.client.0)
    .bind(change.manager)
    .bind(change.on.epoch_days())
    .bind(change.now_ms)
    .bind(change.by)
    .bind(change.reason)
    .execute(tx)
    .await?;
    Ok(())
}

/// A hand-over is a task for two: when one of them says that it is done, it is done.
async fn close_other_half(tx: &mut Connection, new: &Recording<'_>) -> Result<()> {
    sql::query(
        "UPDATE tasks SET state = 'done', rank = NULL, closed_on = $2, closed_by = 'accepted'
         FROM tasks t
         WHERE t.id = $1 AND tasks.id <> t.id AND tasks.campaign = t.campaign
           AND tasks.client_id = t.client_id AND tasks.episode = t.episode
           AND tasks.taker IS NOT NULL AND tasks.state IN ('waiting', 'open')",
    )
    .bind(new.task)
    .bind(new.outcome.day.epoch_days())
    .execute(tx)
    .await?;
    Ok(())
}

/// Suppresses every address of a client for everything: he asked for it.
async fn suppress_client(
    tx: &mut Connection,
    client: ClientId,
    day: Day,
    by: &str,
    key: &AddressKey,
) -> Result<()> {
    let addresses = addresses_of(tx, client).await?;
    let new: Vec<NewSuppression> = addresses
        .into_iter()
        .map(|(channel, address)| NewSuppression {
            hash: key.hash(channel, &address),
            channel,
            scope: SuppressionScope::All,
            reason: SuppressionReason::DoNotContact,
        })
        .collect();
    suppress(tx, &new, day, by).await?;
    Ok(())
}

/// The daily scan looks at the client again: an outcome steers his campaign.
async fn wake_enrollment(tx: &mut Connection, new: &Recording<'_>) -> Result<()> {
    sql::query(
        "UPDATE enrollments SET next_on = CASE WHEN next_on < $2 THEN next_on ELSE $2 END
         FROM tasks t
         WHERE t.id = $1 AND enrollments.campaign = t.campaign
           AND enrollments.client_id = t.client_id AND enrollments.episode = t.episode",
    )
    .bind(new.task)
    .bind(new.outcome.day.epoch_days())
    .execute(tx)
    .await?;
    Ok(())
}

/// Another program may want to know that a task is over, if it was told that there was one.
pub(super) async fn tell_closed(
    tx: &mut Connection,
    task: i64,
    day: Day,
    now_ms: i64,
) -> Result<()> {
    sql::query(
        "INSERT INTO task_events (task_id, kind, day, at, due_at)
         SELECT $1, 'closed', $2, $3, $3
         WHERE EXISTS (SELECT 1 FROM task_events WHERE task_id = $1 AND kind = 'listed')
         ON CONFLICT DO NOTHING",
    )
    .bind(task)
    .bind(day.epoch_days())
    .bind(now_ms)
    .execute(tx)
    .await?;
    Ok(())
}

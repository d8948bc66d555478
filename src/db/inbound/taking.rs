//! The effects of one event, in one transaction with the note that it was counted.
//!
//! Events go one after the other with all who write; those who deliver go beside. So an event first
//! takes the locks of the addresses that it closes and of the message that it is about
//! (`db::address_locks`): what it says holds for every message that passes the door after it was
//! committed.

use super::super::rows::json;
use super::super::suppressions::{NewSuppression, suppress};
use super::super::{Result, Store, address_locks};
use crate::db::sql::{self, Connection, Json};
use crate::model::{Day, TaskKind};
use crate::rules::delivery::answer::ANSWERED;
use crate::rules::delivery::feedback::{Feedback, Report};

/// What an event does.
#[derive(Clone, Debug, Default)]
pub struct Taking<'a> {
    /// The same for the same event, however often it comes; nothing for what a client does on a
    /// page, which may be repeated at will.
    pub fingerprint: Option<&'a str>,
    /// The message that it is about.
    pub message: Option<i64>,
    /// What it says about the message.
    pub report: Option<Report>,
    /// The id that the other side gave the message.
    pub provider_id: Option<&'a str>,
    /// The words in which the other side told it, for people.
    pub told: &'a str,
    /// Addresses that are not written to any more.
    pub suppressions: Vec<NewSuppression>,
    /// The client's answer: it ends the episode of the message and becomes a task.
    pub answer: Option<NewAnswer<'a>>,
    /// Nothing more leaves to the client before a person has looked.
    pub hold: bool,
    /// The company's present day.
    pub today: Day,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// Who says it: `WhatsApp`, `mail`, `page`.
    pub by: &'a str,
}

/// A task that an answer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAnswer<'a> {
    /// JSON: the client's story as the manager reads it.
    pub inputs: &'a str,
    /// Why, in one sentence with the client's words: it is added to a task that is still open.
    pub why: &'a str,
    /// The manager of clients who have none; may be empty.
    pub default_manager: &'a str,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It has had its effect.
    Counted,
    /// It had its effect before.
    Before,
}

const PROVEN_IN_SQLITE: &str = "
    UPDATE messages SET state = 'accepted', accepted_at = $1, changed_at = $1,
           changed_by = 'proof', reason = 'what came back proves that it was taken',
           receipt = coalesce(receipt, 'proven by what came back')
    WHERE state = 'unknown'
      AND (coalesce(evidence ->> '$.progress', 'none') <> 'none'
           OR evidence ->> '$.failed' = 1 OR evidence ->> '$.bounced' = 1)";

/// A task for whoever has the client of a message. The manager by a question of its own: for a join
/// SQLite would find the managers of all clients first.
const NEW_TASK: &str = "
    INSERT INTO tasks (run_id, campaign, client_id, episode, step, manager, kind, script,
                       state, planned_on, not_before, value, inputs)
    SELECT m.run_id, m.campaign, m.client_id, m.episode,
           $3 || (SELECT CASE count(*) WHEN 0 THEN '' ELSE '-' || (count(*) + 1) END
                  FROM tasks t
                  WHERE t.campaign = m.campaign AND t.client_id = m.client_id
                    AND t.episode = m.episode AND t.script = $3),
           coalesce((SELECT cm.manager FROM client_managers cm WHERE cm.client_id = m.client_id), $6),
           $4, $3, 'waiting', $5, $5,
           coalesce((SELECT max(value) FROM tasks t WHERE t.client_id = m.client_id), 0), $2
    FROM messages m
    WHERE m.id = $1";

impl Store {
    /// Does what an event says, once.
    pub async fn take_in(&self, taking: &Taking<'_>) -> Result<Taken> {
        let mut tx = self.begin().await?;
        let hashes: Vec<[u8; 32]> = taking.suppressions.iter().map(|new| new.hash).collect();
        address_locks::opting_out(&mut tx, &hashes, taking.message.as_slice()).await?;
        if let Some(fingerprint) = taking.fingerprint {
            let new = sql::query(
                "INSERT INTO inbound_counted (fingerprint, at) VALUES ($1, $2)
                 ON CONFLICT DO NOTHING",
            )
            .bind(fingerprint)
            .bind(taking.now_ms)
            .execute(&mut *tx)
            .await?;
            if new.rows_affected() == 0 {
                return Ok(Taken::Before);
            }
        }
        suppress(&mut tx, &taking.suppressions, taking.today, taking.by).await?;
        if let Some(message) = taking.message {
            if let Some(report) = taking.report {
                fold(&mut tx, message, report, taking).await?;
            }
            if let Some(answer) = &taking.answer {
                end_episode(&mut tx, message, taking).await?;
                hand_over(&mut tx, message, answer, taking).await?;
            }
            if taking.hold {
                hold(&mut tx, message, taking).await?;
            }
        }
        tx.commit().await?;
        Ok(Taken::Counted)
    }

    /// Settles unknown messages of which proof has come in meanwhile, whichever was written first.
    /// Returns how many.
    pub async fn settle_proven(&self, now_ms: i64) -> Result<u64> {
        let done = sql::query_of(
            PROVEN_IN_SQLITE,
            // Whose ending is being written at this moment is skipped: it may be the proof itself.
            "WITH proven AS MATERIALIZED (
                 SELECT m.id FROM messages m CROSS JOIN LATERAL (SELECT CAST(m.evidence AS jsonb) AS of) AS e
                 WHERE m.state = 'unknown'
                   AND (coalesce(e.of ->> 'progress', 'none') <> 'none'
                        OR e.of ->> 'failed' = 'true' OR e.of ->> 'bounced' = 'true')
                 FOR NO KEY UPDATE OF m SKIP LOCKED)
             UPDATE messages SET state = 'accepted', accepted_at = $1, changed_at = $1,
                    changed_by = 'proof', reason = 'what came back proves that it was taken',
                    receipt = coalesce(receipt, 'proven by what came back')
             FROM proven WHERE messages.id = proven.id",
        )
        .bind(now_ms)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected())
    }
}

/// Adds a report to what is known of a message; proof settles whether it was taken.
async fn fold(
    tx: &mut Connection,
    message: i64,
    report: Report,
    taking: &Taking<'_>,
) -> Result<()> {
    let row = sql::query("SELECT evidence FROM messages WHERE id = $1")
        .bind(message)
        .fetch_one(&mut *tx)
        .await?;
    let known: Feedback = json(&row, "messages", "evidence")?;
    sql::query(
        "UPDATE messages SET evidence = $2, provider_id = coalesce(provider_id, $3) WHERE id = $1",
    )
    .bind(message)
    .bind(Json(known.with(report)))
    .bind(taking.provider_id)
    .execute(&mut *tx)
    .await?;
    if report.proves_acceptance() {
        // What is proven to have been taken is not sent once more either.
        sql::query(
            "UPDATE messages SET state = 'accepted', owner = NULL, lease_until = NULL,
                    accepted_at = $2, receipt = coalesce(receipt, $3), reason = $3,
                    changed_at = $2, changed_by = $4
             WHERE id = $1 AND attempts > 0
               AND state IN ('unknown', 'retry', 'queued', 'claimed', 'held')",
        )
        .bind(message)
        .bind(taking.now_ms)
        .bind(taking.told)
        .bind(taking.by)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Ends the episode of a message: what has not left is taken back, and so are other tasks.
async fn end_episode(tx: &mut Connection, message: i64, taking: &Taking<'_>) -> Result<()> {
    // The run of the episode is sealed, so that it counts as closed at once.
    sql::query(
        "UPDATE enrollments SET closed_on = $2, closed_by = 'answered', closed_run = enrollments.run_id
         FROM messages m
         WHERE m.id = $1 AND enrollments.campaign = m.campaign
           AND enrollments.client_id = m.client_id AND enrollments.episode = m.episode
           AND enrollments.closed_on IS NULL",
    )
    .bind(message)
    .bind(taking.today.epoch_days())
    .execute(&mut *tx)
    .await?;
    sql::query(
        "UPDATE messages SET state = 'cancelled', reason = 'answered', owner = NULL,
                lease_until = NULL, changed_by = $3, changed_at = $2
         FROM messages m
         WHERE m.id = $1 AND messages.campaign = m.campaign
           AND messages.client_id = m.client_id AND messages.episode = m.episode
           AND messages.state IN ('planned', 'queued', 'retry', 'held')",
    )
    .bind(message)
    .bind(taking.now_ms)
    .bind(taking.by)
    .execute(&mut *tx)
    .await?;
    sql::query(
        "UPDATE tasks SET state = 'cancelled', rank = NULL, closed_on = $2, closed_by = 'answered'
         FROM messages m
         WHERE m.id = $1 AND tasks.campaign = m.campaign AND tasks.client_id = m.client_id
           AND tasks.episode = m.episode AND tasks.state IN ('waiting', 'open')
           AND tasks.script <> $3",
    )
    .bind(message)
    .bind(taking.today.epoch_days())
    .bind(ANSWERED)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The task of a message `$1` that an answer is added to; `$3` is its script.
macro_rules! answered_task {
    () => {
        "id = (SELECT t.id FROM tasks t JOIN messages m ON m.id = $1
               WHERE t.campaign = m.campaign AND t.client_id = m.client_id
                 AND t.episode = m.episode AND t.script = $3 AND t.state IN ('waiting', 'open')
               ORDER BY t.id DESC LIMIT 1)"
    };
}

/// Gives the answer to the client's manager: added to a task that is still open, else a new one.
async fn hand_over(
    tx: &mut Connection,
    message: i64,
    answer: &NewAnswer<'_>,
    taking: &Taking<'_>,
) -> Result<()> {
    // What one client wrote in many small pieces is one task, and no longer than a page.
    let added = sql::query_of(
        concat!(
            "UPDATE tasks SET inputs = json_set(inputs, '$.why',
                    substr((inputs ->> '$.why') || char(10) || $2, 1, 4000))
             WHERE ",
            answered_task!()
        ),
        concat!(
            "UPDATE tasks SET inputs = CAST(jsonb_set(CAST(inputs AS jsonb), '{why}', to_jsonb(
                    substr((CAST(inputs AS jsonb) ->> 'why') || chr(10) || $2, 1, 4000))) AS TEXT)
             WHERE ",
            answered_task!()
        ),
    )
    .bind(message)
    .bind(answer.why)
    .bind(ANSWERED)
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() > 0 {
        return Ok(());
    }
    sql::query(NEW_TASK)
        .bind(message)
        .bind(answer.inputs)
        .bind(ANSWERED)
        .bind(TaskKind::Write.word())
        .bind(taking.today.epoch_days())
        .bind(answer.default_manager)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Keeps back what has not left for the client of a message until a person releases it.
async fn hold(tx: &mut Connection, message: i64, taking: &Taking<'_>) -> Result<()> {
    sql::query(
        "UPDATE messages SET state = 'held', changed_by = $3, changed_at = $2,
                reason = 'the client may have asked for no more messages'
         FROM messages m
         WHERE m.id = $1 AND messages.client_id = m.client_id AND m.client_id <> 0
           AND messages.state IN ('planned', 'queued', 'retry')",
    )
    .bind(message)
    .bind(taking.now_ms)
    .bind(taking.by)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plan_in_sqlite;

    #[tokio::test]
    async fn what_may_be_proven_is_found_by_an_index() {
        let plan = plan_in_sqlite(PROVEN_IN_SQLITE).await;
        let by = "SEARCH messages USING INDEX messages_for_a_person (state=?)";
        assert_eq!(plan, [by]);
    }

    #[tokio::test]
    async fn an_answer_becomes_a_task_without_a_look_at_other_clients() {
        let plan = plan_in_sqlite(NEW_TASK).await;
        assert!(plan.len() > 3, "{plan:#?}");
        assert!(
            !plan.iter().any(|line| line.starts_with("SCAN")),
            "{plan:#?}"
        );
    }
}

//! Reading what was done with clients: enrollments with their messages, tasks and outcomes.

use super::facts::Chunk;
use super::rows::{day_of, optional_day, outcome as outcome_of, word};
use super::{Result, Store};
use crate::db::sql::{self, Row};
use crate::model::{Arm, Day, Enrollment, Touch, TouchKind};

/// Messages of clients; `progress` is what is known of the way of one.
macro_rules! messages_text {
    ($progress:literal) => {
        concat!(
            "SELECT client_id, campaign, episode, step, channel, class, planned_on,
                    coalesce(",
            $progress,
            ", '') NOT IN ('delivered', 'read')
                        AND EXISTS (SELECT 1 FROM address_faults f
                                    WHERE f.address_hash = messages.address_hash
                                      AND f.channel = messages.channel AND f.kind = 'no_account'
                                      AND f.message_id = messages.id) AS in_vain
             FROM messages
             WHERE client_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))
               AND planned_on <= $2 AND state <> 'cancelled'
               AND run_id IN (SELECT id FROM runs WHERE status <> 'planning')
             ORDER BY client_id, id"
        )
    };
}

impl Store {
    /// Enrollments with what was done in them, from sealed runs only.
    pub(super) async fn read_story(&self, list: &str, day: Day, chunk: &mut Chunk) -> Result<()> {
        let rows = sql::query(
            "SELECT e.client_id, e.id, e.campaign, e.episode, e.began_on, e.entered_on, e.arm,
                    CASE WHEN e.closed_run IN (SELECT id FROM runs WHERE status <> 'planning')
                         THEN e.closed_on END AS closed_on
             FROM enrollments e
             WHERE e.client_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))
               AND e.entered_on <= $2
               AND e.run_id IN (SELECT id FROM runs WHERE status <> 'planning')
             ORDER BY e.client_id, e.id",
        )
        .bind(list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let enrollment = enrollment(&row, day);
            if let Some(facts) = chunk.of(&row) {
                facts.enrollments.push(enrollment);
            }
        }
        self.read_messages(list, day, chunk).await?;
        self.read_tasks(list, day, chunk).await
    }

    async fn read_messages(&self, list: &str, day: Day, chunk: &mut Chunk) -> Result<()> {
        let rows = sql::query_of(
            messages_text!("evidence ->> '$.progress'"),
            messages_text!("CAST(evidence AS jsonb) ->> 'progress'"),
        )
        .bind(list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let what = TouchKind::Message {
                channel: word(&row, "messages", "channel")?,
                class: word(&row, "messages", "class")?,
                in_vain: row.get("in_vain"),
            };
            push_touch(chunk, &row, what);
        }
        Ok(())
    }

    async fn read_tasks(&self, list: &str, day: Day, chunk: &mut Chunk) -> Result<()> {
        let rows = sql::query(
            "SELECT t.client_id, t.campaign, t.episode, t.step, t.planned_on, t.not_before,
                    (t.state IN ('waiting', 'open')
                     OR (t.state IN ('done', 'cancelled') AND t.closed_on > $2)) AS waits,
                    o.kind AS outcome, o.day AS outcome_day, o.until, o.reason, o.need, o.money,
                    o.urgency
             FROM tasks t
             LEFT JOIN outcomes o ON o.id = (
                 SELECT max(id) FROM outcomes WHERE task_id = t.id AND day <= $2)
             WHERE t.client_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))
               AND t.planned_on <= $2
               AND t.run_id IN (SELECT id FROM runs WHERE status <> 'planning')
             ORDER BY t.client_id, t.id",
        )
        .bind(list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let outcome = match row.get::<Option<String>, _>("outcome") {
                None => None,
                Some(_) => Some(outcome_of(&row, "outcome", "outcome_day")?),
            };
            // Both days move on with every outcome that leaves the task open.
            let since = day_of(&row, "planned_on").max(day_of(&row, "not_before"));
            let waits = row.get::<Option<i64>, _>("waits").unwrap_or_default() != 0;
            let waits_since = waits.then_some(since);
            push_touch(
                chunk,
                &row,
                TouchKind::Task {
                    outcome,
                    waits_since,
                },
            );
        }
        Ok(())
    }
}

fn push_touch(chunk: &mut Chunk, row: &Row, what: TouchKind) {
    let (campaign, episode): (String, String) = (row.get("campaign"), row.get("episode"));
    let touch = Touch {
        step: row.get("step"),
        day: day_of(row, "planned_on"),
        what,
    };
    if let Some(facts) = chunk.of(row) {
        let enrollment = facts
            .enrollments
            .iter_mut()
            .find(|enrollment| enrollment.campaign == campaign && enrollment.episode == episode);
        if let Some(enrollment) = enrollment {
            enrollment.touches.push(touch);
        }
    }
}

fn enrollment(row: &Row, day: Day) -> Enrollment {
    let held_out = row.get::<String, _>("arm") == "holdout";
    Enrollment {
        id: row.get("id"),
        campaign: row.get("campaign"),
        episode: row.get("episode"),
        began_on: day_of(row, "began_on"),
        entered_on: day_of(row, "entered_on"),
        arm: if held_out { Arm::Holdout } else { Arm::Treated },
        closed_on: optional_day(row, "closed_on").filter(|closed| *closed <= day),
        touches: Vec::new(),
    }
}

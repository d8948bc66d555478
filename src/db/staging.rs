//! What a chunk of clients adds to a run: written under its number, seen by nobody before the seal.

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::{Result, Store};
use crate::model::{ClientId, Day};

/// A new enrollment, ready to be written.
#[derive(Clone, Debug, Serialize)]
pub struct NewEnrollment {
    /// The campaign.
    pub campaign: String,
    /// The client.
    pub client: ClientId,
    /// The occasion.
    pub episode: String,
    /// Epoch days.
    pub began_on: i32,
    /// `treated` or `holdout`.
    pub arm: &'static str,
    /// JSON.
    pub evidence: String,
    /// Epoch days.
    pub next_on: Option<i32>,
}

/// A new message, ready to be written.
#[derive(Clone, Debug, Serialize)]
pub struct NewMessage {
    /// What travels with it, so that answers and links find it.
    pub key: String,
    /// The campaign.
    pub campaign: String,
    /// The client.
    pub client: ClientId,
    /// The occasion.
    pub episode: String,
    /// The step.
    pub step: String,
    /// The way it goes.
    pub channel: &'static str,
    /// The template.
    pub template: String,
    /// Advertising or service.
    pub class: &'static str,
    /// Hexadecimal.
    pub address_hash: String,
    /// `planned` or `held_out`.
    pub state: &'static str,
    /// JSON: what the letter is rendered from.
    pub inputs: String,
    /// What happens when nobody knows whether it was sent.
    pub on_unknown: &'static str,
    /// Not before this instant, in unix milliseconds.
    pub due_at: i64,
    /// Of no use after this instant, in unix milliseconds.
    pub expires_at: i64,
    /// Which form of its step, where there are several.
    pub variant: Option<String>,
}

/// A new task, ready to be written.
#[derive(Clone, Debug, Serialize)]
pub struct NewTask {
    /// The campaign.
    pub campaign: String,
    /// The client.
    pub client: ClientId,
    /// The occasion.
    pub episode: String,
    /// The step.
    pub step: String,
    /// The manager.
    pub manager: String,
    /// What to do.
    pub kind: &'static str,
    /// What to say.
    pub script: String,
    /// `waiting` or `held_out`.
    pub state: &'static str,
    /// Minor units.
    pub value: i64,
    /// JSON: the client's story as the manager reads it.
    pub inputs: String,
    /// Before everything else, whatever the capacity.
    pub urgent: bool,
    /// Of a hand-over: who takes the client.
    pub taker: Option<String>,
}

/// A certificate that a message carries.
#[derive(Clone, Debug, Serialize)]
pub struct NewCertificate {
    /// The code that the client reads.
    pub code: String,
    /// The campaign.
    pub campaign: String,
    /// The client.
    pub client: ClientId,
    /// The occasion.
    pub episode: String,
    /// The step.
    pub step: String,
    /// For himself or a friend.
    pub kind: &'static str,
    /// As configured: `10%`.
    pub discount: Option<String>,
    /// A thing instead of a discount.
    pub gift: Option<String>,
    /// Epoch days.
    pub valid_until: i32,
}

/// An episode that ends.
#[derive(Clone, Debug, Serialize)]
pub struct NewClosing {
    /// The enrollment.
    pub enrollment: i64,
    /// The word for what ended it.
    pub by: &'static str,
}

/// A later day for an enrollment that goes on.
#[derive(Clone, Debug, Serialize)]
pub struct NextStep {
    /// The campaign.
    pub campaign: String,
    /// The client.
    pub client: ClientId,
    /// The occasion.
    pub episode: String,
    /// Epoch days.
    pub next_on: Option<i32>,
}

/// Everything that a chunk of clients adds to a run.
#[derive(Clone, Debug, Default)]
pub struct Staged {
    /// New enrollments.
    pub enrollments: Vec<NewEnrollment>,
    /// Messages.
    pub messages: Vec<NewMessage>,
    /// Tasks.
    pub tasks: Vec<NewTask>,
    /// Certificates.
    pub certificates: Vec<NewCertificate>,
    /// Ended episodes.
    pub closings: Vec<NewClosing>,
    /// Later days of the others.
    pub next_steps: Vec<NextStep>,
}

impl Store {
    /// Writes what a chunk of clients adds to a run; one transaction.
    pub async fn stage(&self, run: i64, day: Day, staged: &Staged) -> Result<()> {
        let mut tx = self.begin().await?;
        insert(&mut tx, INSERT_ENROLLMENTS, run, day, &staged.enrollments).await?;
        insert(&mut tx, INSERT_MESSAGES, run, day, &staged.messages).await?;
        insert(&mut tx, INSERT_TASKS, run, day, &staged.tasks).await?;
        insert(&mut tx, INSERT_CERTIFICATES, run, day, &staged.certificates).await?;
        insert(&mut tx, CLOSE_ENROLLMENTS, run, day, &staged.closings).await?;
        insert(&mut tx, MOVE_ENROLLMENTS, run, day, &staged.next_steps).await?;
        crash_point!("before-staged");
        tx.commit().await?;
        crash_point!("staged");
        Ok(())
    }
}

/// Runs a statement whose first parameter is the run, the second the day, the third the rows.
async fn insert<T: Serialize>(
    tx: &mut SqliteConnection,
    statement: &'static str,
    run: i64,
    day: Day,
    rows: &[T],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_string(rows).map_err(|error| super::StoreError::Row {
        table: "runs",
        reason: error.to_string(),
    })?;
    sqlx::query(statement)
        .bind(run)
        .bind(day.epoch_days())
        .bind(rows)
        .execute(tx)
        .await?;
    Ok(())
}

const INSERT_ENROLLMENTS: &str = "
    INSERT INTO enrollments (run_id, entered_on, campaign, client_id, episode, began_on, arm,
                             evidence, next_on)
    SELECT ?1, ?2, value ->> 'campaign', value ->> 'client', value ->> 'episode',
           value ->> 'began_on', value ->> 'arm', value ->> 'evidence', value ->> 'next_on'
    FROM json_each(?3) WHERE true
    ON CONFLICT DO NOTHING";

const INSERT_MESSAGES: &str = "
    INSERT INTO messages (run_id, planned_on, key, campaign, client_id, episode, step, channel,
                          template, class, address_hash, state, inputs, on_unknown, expires_at,
                          due_at, variant)
    SELECT ?1, ?2, value ->> 'key', value ->> 'campaign', value ->> 'client', value ->> 'episode',
           value ->> 'step', value ->> 'channel', value ->> 'template', value ->> 'class',
           unhex(value ->> 'address_hash'), value ->> 'state', value ->> 'inputs',
           value ->> 'on_unknown', value ->> 'expires_at', value ->> 'due_at',
           value ->> 'variant'
    FROM json_each(?3) WHERE true
    ON CONFLICT DO NOTHING";

const INSERT_TASKS: &str = "
    INSERT INTO tasks (run_id, planned_on, not_before, campaign, client_id, episode, step, manager,
                       kind, script, state, value, inputs, urgent, taker)
    SELECT ?1, ?2, ?2, value ->> 'campaign', value ->> 'client', value ->> 'episode',
           value ->> 'step', value ->> 'manager', value ->> 'kind', value ->> 'script',
           value ->> 'state', value ->> 'value', value ->> 'inputs', value ->> 'urgent',
           value ->> 'taker'
    FROM json_each(?3) WHERE true
    ON CONFLICT DO NOTHING";

const INSERT_CERTIFICATES: &str = "
    INSERT INTO certificates (run_id, issued_on, code, campaign, client_id, episode, step, kind,
                              discount, gift, valid_until)
    SELECT ?1, ?2, value ->> 'code', value ->> 'campaign', value ->> 'client',
           value ->> 'episode', value ->> 'step', value ->> 'kind', value ->> 'discount',
           value ->> 'gift', value ->> 'valid_until'
    FROM json_each(?3) WHERE true
    ON CONFLICT DO NOTHING";

const CLOSE_ENROLLMENTS: &str = "
    UPDATE enrollments SET closed_run = ?1, closed_on = ?2, closed_by = row.value ->> 'by'
    FROM json_each(?3) AS row
    WHERE enrollments.id = row.value ->> 'enrollment' AND closed_on IS NULL";

const MOVE_ENROLLMENTS: &str = "
    UPDATE enrollments SET next_on = row.value ->> 'next_on'
    FROM json_each(?3) AS row
    WHERE campaign = row.value ->> 'campaign' AND client_id = row.value ->> 'client'
      AND episode = row.value ->> 'episode'";

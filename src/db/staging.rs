//! What a chunk of clients adds to a run: written under its number, seen by nobody before the seal.

use crate::db::sql::{self, Connection, Json};
use serde::Serialize;

use super::bulk::Bulk;
use super::{Result, Store};
use crate::model::{ClientId, Day};

/// A new enrollment, ready to be written.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
    /// Of the address that it goes to.
    pub address_hash: [u8; 32],
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
    /// Minor units.
    pub min_receipt: Option<i64>,
    /// JSON: the products that it is for.
    pub products: String,
    /// How often it can be used.
    pub uses: u16,
    /// The template of its picture.
    pub picture: String,
    /// The language of the client.
    pub locale: &'static str,
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
    pub async fn stage(&self, run: i64, day: Day, staged: Staged) -> Result<()> {
        let mut tx = self.begin().await?;
        let of_run = OfRun {
            connection: &mut tx,
            run,
            day: day.epoch_days(),
        };
        of_run.write(staged).await?;
        crash_point!("before-staged");
        tx.commit().await?;
        crash_point!("staged");
        Ok(())
    }
}

/// Where the rows of a run go.
struct OfRun<'a> {
    connection: &'a mut Connection,
    run: i64,
    day: i32,
}

impl OfRun<'_> {
    async fn write(mut self, staged: Staged) -> Result<()> {
        self.enrollments(staged.enrollments).await?;
        self.messages(staged.messages).await?;
        self.tasks(staged.tasks).await?;
        self.certificates(staged.certificates).await?;
        self.update(CLOSE_ENROLLMENTS, &staged.closings).await?;
        self.update(MOVE_ENROLLMENTS, &staged.next_steps).await
    }

    /// Rows whose first columns are the run and the day. What is there already stays as it is.
    fn rows(&self, into: &str, row: &str) -> Bulk {
        let row = format!("({}, {}, {row})", self.run, self.day);
        Bulk::new(into, row, "ON CONFLICT DO NOTHING")
    }

    async fn enrollments(&mut self, enrollments: Vec<NewEnrollment>) -> Result<()> {
        let mut rows = self.rows(INTO_ENROLLMENTS, "?, ?, ?, ?, ?, ?, ?");
        for one in enrollments {
            rows.add(one.campaign).add(one.client.0).add(one.episode);
            rows.add(one.began_on).add(one.arm).add(one.evidence);
            rows.add(one.next_on).end_row(self.connection).await?;
        }
        rows.flush(self.connection).await?;
        Ok(())
    }

    async fn messages(&mut self, messages: Vec<NewMessage>) -> Result<()> {
        let mut rows = self.rows(INTO_MESSAGES, "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?");
        for one in messages {
            rows.add(one.key).add(one.campaign).add(one.client.0);
            rows.add(one.episode).add(one.step).add(one.channel);
            rows.add(one.template)
                .add(one.class)
                .add(one.address_hash.to_vec());
            rows.add(one.state).add(one.inputs).add(one.on_unknown);
            rows.add(one.expires_at).add(one.due_at).add(one.variant);
            rows.end_row(self.connection).await?;
        }
        rows.flush(self.connection).await?;
        Ok(())
    }

    async fn tasks(&mut self, tasks: Vec<NewTask>) -> Result<()> {
        let row = format!("{}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?", self.day);
        let mut rows = self.rows(INTO_TASKS, &row);
        for one in tasks {
            rows.add(one.campaign).add(one.client.0).add(one.episode);
            rows.add(one.step).add(one.manager).add(one.kind);
            rows.add(one.script).add(one.state).add(one.value);
            rows.add(one.inputs).add(one.urgent).add(one.taker);
            rows.end_row(self.connection).await?;
        }
        rows.flush(self.connection).await?;
        Ok(())
    }

    async fn certificates(&mut self, certificates: Vec<NewCertificate>) -> Result<()> {
        let mut rows = self.rows(
            INTO_CERTIFICATES,
            "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
        );
        for one in certificates {
            rows.add(one.code).add(one.campaign).add(one.client.0);
            rows.add(one.episode).add(one.step).add(one.kind);
            rows.add(one.discount).add(one.gift).add(one.min_receipt);
            rows.add(one.products).add(one.uses).add(one.picture);
            rows.add(one.locale).add(one.valid_until);
            rows.end_row(self.connection).await?;
        }
        rows.flush(self.connection).await?;
        Ok(())
    }

    /// Runs a statement whose first parameter is the run, the second the day, the third the few rows
    /// that it changes, as JSON.
    async fn update<T: Serialize>(&mut self, statement: &'static str, rows: &[T]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        sql::query(statement)
            .bind(self.run)
            .bind(self.day)
            .bind(Json(rows))
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}

const INTO_ENROLLMENTS: &str = "
    enrollments (run_id, entered_on, campaign, client_id, episode, began_on, arm, evidence, next_on)";

const INTO_MESSAGES: &str = "
    messages (run_id, planned_on, key, campaign, client_id, episode, step, channel, template, class,
              address_hash, state, inputs, on_unknown, expires_at, due_at, variant)";

const INTO_TASKS: &str = "
    tasks (run_id, planned_on, not_before, campaign, client_id, episode, step, manager, kind, script,
           state, value, inputs, urgent, taker)";

const INTO_CERTIFICATES: &str = "
    certificates (run_id, issued_on, code, campaign, client_id, episode, step, kind, discount, gift,
                  min_receipt, products, uses, picture, locale, valid_until)";

const CLOSE_ENROLLMENTS: &str = "
    UPDATE enrollments SET closed_run = $1, closed_on = $2, closed_by = row.value ->> 'by'
    FROM json_each($3) AS row
    WHERE enrollments.id = CAST(row.value ->> 'enrollment' AS BIGINT) AND closed_on IS NULL";

const MOVE_ENROLLMENTS: &str = "
    UPDATE enrollments SET next_on = CAST(row.value ->> 'next_on' AS BIGINT)
    FROM json_each($3) AS row
    WHERE campaign = row.value ->> 'campaign'
      AND client_id = CAST(row.value ->> 'client' AS BIGINT)
      AND episode = row.value ->> 'episode'";

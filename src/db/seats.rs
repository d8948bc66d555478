//! Seats at events: no more are given than there are.

use super::rows::optional_day;
use super::{Result, Store};
use crate::db::sql::{self, Connection};
use crate::model::{ClientId, Day, Seat};

/// What became of the wish to take a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seated {
    /// The client has one.
    Taken,
    /// There is none left.
    Full,
}

/// A client with a seat, or who came without.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SeatRow {
    /// The client, by the id that the source uses.
    pub client: String,
    /// What lists call him.
    pub name: String,
    /// The phone, in E.164.
    pub phone: Option<String>,
    /// Whether the seat is taken.
    pub taken: bool,
    /// The day on which he came.
    pub attended_on: Option<Day>,
}

impl Store {
    /// The seat of a client at the event of a campaign.
    pub async fn seat(&self, campaign: &str, client: ClientId) -> Result<Option<Seat>> {
        let row = sql::query(
            "SELECT taken, attended_on FROM seats WHERE campaign = $1 AND client_id = $2",
        )
        .bind(campaign)
        .bind(client.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Seat {
            campaign: campaign.to_owned(),
            taken: row.get::<i64, _>("taken") != 0,
            attended_on: optional_day(&row, "attended_on"),
        }))
    }

    /// How many seats of an event are taken.
    pub async fn seats_taken(&self, campaign: &str) -> Result<u32> {
        let taken: i64 =
            sql::query_scalar("SELECT count(*) FROM seats WHERE campaign = $1 AND taken = 1")
                .bind(campaign)
                .fetch_one(&self.pool)
                .await?;
        Ok(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// Takes a seat for a client where one is left; whoever has one keeps it. However many ask at the
    /// same moment, no more are given than there are.
    pub async fn take_seat(
        &self,
        campaign: &str,
        client: ClientId,
        seats: Option<u32>,
        now_ms: i64,
    ) -> Result<Seated> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "INSERT INTO seats (campaign, client_id, taken, changed_at)
             SELECT $1, $2, 1, $4
             WHERE $3 IS NULL OR $3 > (SELECT count(*) FROM seats
                                       WHERE campaign = $1 AND taken = 1 AND client_id <> $2)
             ON CONFLICT (campaign, client_id) DO UPDATE SET taken = 1, changed_at = $4",
        )
        .bind(campaign)
        .bind(client.0)
        .bind(seats)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        // The reminder, or what follows, may be due for him now.
        wake(&mut tx, campaign, client).await?;
        tx.commit().await?;
        Ok(if done.rows_affected() > 0 {
            Seated::Taken
        } else {
            Seated::Full
        })
    }

    /// Gives the seat of a client back.
    pub async fn give_seat_back(
        &self,
        campaign: &str,
        client: ClientId,
        now_ms: i64,
    ) -> Result<bool> {
        let done = sql::query(
            "UPDATE seats SET taken = 0, changed_at = $3
             WHERE campaign = $1 AND client_id = $2 AND taken = 1",
        )
        .bind(campaign)
        .bind(client.0)
        .bind(now_ms)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that a client came, with a seat or without.
    pub async fn attended(
        &self,
        campaign: &str,
        client: ClientId,
        on: Day,
        now_ms: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO seats (campaign, client_id, taken, changed_at, attended_on)
             VALUES ($1, $2, 0, $4, $3)
             ON CONFLICT (campaign, client_id) DO UPDATE SET attended_on = $3, changed_at = $4",
        )
        .bind(campaign)
        .bind(client.0)
        .bind(on.epoch_days())
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        wake(&mut tx, campaign, client).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Everybody with a seat at an event, and whoever came.
    pub async fn seats_of(&self, campaign: &str) -> Result<Vec<SeatRow>> {
        let rows = sql::query(
            "SELECT c.ext_id, coalesce(c.company, c.name, c.ext_id) AS name, c.phone, s.taken,
                    s.attended_on
             FROM seats s JOIN clients c ON c.id = s.client_id
             WHERE s.campaign = $1 ORDER BY name, c.ext_id",
        )
        .bind(campaign)
        .fetch_all(&self.pool)
        .await?;
        let seats = rows.iter().map(|row| SeatRow {
            client: row.get("ext_id"),
            name: row.get("name"),
            phone: row.get("phone"),
            taken: row.get::<i64, _>("taken") != 0,
            attended_on: optional_day(row, "attended_on"),
        });
        Ok(seats.collect())
    }

    /// The seats of some clients.
    pub(super) async fn seats_of_clients(&self, list: &str) -> Result<Vec<(ClientId, Seat)>> {
        let rows = sql::query(
            "SELECT client_id, campaign, taken, attended_on FROM seats
             WHERE client_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))
             ORDER BY client_id, campaign",
        )
        .bind(list)
        .fetch_all(&self.pool)
        .await?;
        let seats = rows.iter().map(|row| {
            let seat = Seat {
                campaign: row.get("campaign"),
                taken: row.get::<i64, _>("taken") != 0,
                attended_on: optional_day(row, "attended_on"),
            };
            (ClientId(row.get("client_id")), seat)
        });
        Ok(seats.collect())
    }
}

/// Lets the next day look at a client of a campaign.
async fn wake(tx: &mut Connection, campaign: &str, client: ClientId) -> Result<()> {
    sql::query(
        "UPDATE enrollments SET next_on = entered_on
         WHERE campaign = $1 AND client_id = $2 AND closed_on IS NULL",
    )
    .bind(campaign)
    .bind(client.0)
    .execute(tx)
    .await?;
    Ok(())
}

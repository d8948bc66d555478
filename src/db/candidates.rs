//! Who is to be looked at on a day: the numbers of clients, found by index.
//!
//! The daily scan reads these, not the base: its cost follows the number of clients for whom
//! something may have to be done. A plan for a past day looks at everybody instead, because the
//! stored dates know what happened later.

use super::{Result, Store};
use crate::db::sql::{self, Json};
use crate::model::{ClientId, Day, DealStatus, RhythmState};
use crate::rules::trigger::FRESH_DAYS;
use sqlx::AssertSqlSafe;

/// Whose rhythm reached a state before a day; an episode bears the day of the last purchase.
macro_rules! backlog {
    ($least:literal, $last_day:literal) => {
        concat!(
            "SELECT r.client_id FROM rhythms r
             WHERE CASE $2 WHEN 0 THEN r.due_on WHEN 1 THEN ",
            $least,
            "(r.missed_on, r.asleep_on)
                           WHEN 2 THEN r.asleep_on ELSE r.lost_on END < $3
               AND NOT EXISTS (
                   SELECT 1 FROM enrollments e
                   WHERE e.client_id = r.client_id AND e.campaign = $1
                     AND e.episode = $6 || ':' || ",
            $last_day,
            ")
             ORDER BY r.spent DESC, r.client_id LIMIT $4 OFFSET $5"
        )
    };
}

/// Numbers of clients: read as such, because the rows of a whole base would fill the memory.
fn ids(numbers: Vec<i64>) -> Vec<ClientId> {
    numbers.into_iter().map(ClientId).collect()
}

impl Store {
    /// Clients whose rhythm reaches `state` in a stretch of days, both ends included. Who falls
    /// asleep before he counts as missed has reached both.
    pub async fn clients_reaching(
        &self,
        state: RhythmState,
        from: Day,
        to: Day,
    ) -> Result<Vec<ClientId>> {
        let reached = match state {
            RhythmState::Active | RhythmState::Due => "due_on BETWEEN $1 AND $2",
            RhythmState::Missed => "(missed_on BETWEEN $1 AND $2 OR asleep_on BETWEEN $1 AND $2)",
            RhythmState::Asleep => "asleep_on BETWEEN $1 AND $2",
            RhythmState::Lost => "lost_on BETWEEN $1 AND $2",
        };
        // Whoever reaches anything from the watched days on has a next date, and not a later one.
        let by_index = if from >= self.watched_from().await? {
            "next_on <= $2 AND "
        } else {
            ""
        };
        // The sign keeps the order from being read off the whole table.
        let statement =
            format!("SELECT client_id FROM rhythms WHERE {by_index}{reached} ORDER BY +client_id");
        let found = sql::query_scalar::<i64>(AssertSqlSafe(statement))
            .bind(from.epoch_days())
            .bind(to.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        Ok(ids(found))
    }

    /// From which day on the index knows every date of every rhythm: it was written by the base facts
    /// that the rhythms are dated by.
    async fn watched_from(&self) -> Result<Day> {
        let day = sql::query_scalar::<i32>(
            "SELECT day FROM base_facts WHERE id = (SELECT parameters FROM rhythms LIMIT 1)",
        );
        let day = day.fetch_optional(&self.pool).await?;
        Ok(day.map_or(Day::from_epoch(i32::MAX), |day| {
            Day::from_epoch(day).plus(-FRESH_DAYS)
        }))
    }

    /// Clients who have been due since before a day and have not missed their cycle by another.
    pub async fn clients_due_since(&self, before: Day, day: Day) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT client_id FROM rhythms
             WHERE missed_on > $2 AND asleep_on > $2 AND due_on < $1 AND next_on IS NOT NULL",
        )
        .bind(before.epoch_days())
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// Up to `limit` clients whose rhythm reached `state` before a day and about whose present
    /// silence the campaign has done nothing yet, those who spent most first.
    pub async fn backlog(
        &self,
        campaign: &str,
        state: RhythmState,
        before: Day,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<ClientId>> {
        let reached = match state {
            RhythmState::Active | RhythmState::Due => 0,
            RhythmState::Missed => 1,
            RhythmState::Asleep => 2,
            RhythmState::Lost => 3,
        };
        let found = sql::query_of(
            backlog!("min", "date(r.last_day * 86400, 'unixepoch')"),
            backlog!(
                "least",
                "to_char(date '1970-01-01' + CAST(r.last_day AS INTEGER), 'YYYY-MM-DD')"
            ),
        )
        .scalar::<i64>()
        .bind(campaign)
        .bind(reached)
        .bind(before.epoch_days())
        .bind(limit)
        .bind(offset)
        .bind(state.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// Clients whose last purchase lies in a stretch of days; with `only_once` those with one
    /// purchase day only.
    pub async fn clients_who_bought_last(
        &self,
        from: Day,
        to: Day,
        only_once: bool,
    ) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT client_id FROM rhythms
             WHERE last_day BETWEEN $1 AND $2 AND ($3 = 0 OR purchase_days = 1)",
        )
        .bind(from.epoch_days())
        .bind(to.epoch_days())
        .bind(only_once)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// Clients with a deal that was won or lost in a stretch of days.
    pub async fn clients_with_closed_deals(
        &self,
        status: DealStatus,
        from: Day,
        to: Day,
    ) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT DISTINCT client_id FROM deals WHERE status = $1 AND closed_on BETWEEN $2 AND $3",
        )
        .bind(status.word())
        .bind(from.epoch_days())
        .bind(to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// Clients with a deal that is open.
    pub async fn clients_with_open_deals(&self) -> Result<Vec<ClientId>> {
        let found =
            sql::query_scalar::<i64>("SELECT DISTINCT client_id FROM deals WHERE status = 'open'")
                .fetch_all(&self.pool)
                .await?;
        Ok(ids(found))
    }

    /// Clients who have never bought and visited the site in a stretch of days.
    pub async fn visitors_who_never_bought(&self, from: Day, to: Day) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT DISTINCT client_id FROM visits v
             WHERE day BETWEEN $1 AND $2
               AND NOT EXISTS (SELECT 1 FROM rhythms r WHERE r.client_id = v.client_id)",
        )
        .bind(from.epoch_days())
        .bind(to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// The clients of some managers who have ever bought.
    pub async fn buyers_of(&self, managers: &[&str]) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT m.client_id FROM client_managers m JOIN rhythms r ON r.client_id = m.client_id
             WHERE m.manager IN (SELECT row.atom FROM json_each($1) AS row)",
        )
        .bind(Json(managers))
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// Everybody who is in a campaign.
    pub async fn clients_in(&self, campaign: &str) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT client_id FROM enrollments WHERE campaign = $1 AND closed_on IS NULL",
        )
        .bind(campaign)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// Clients in a campaign for whom something is due, or who have bought or won a deal since.
    /// An outcome of a manager makes an enrollment due as it is recorded.
    pub async fn clients_to_go_on_with(&self, day: Day) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT client_id FROM enrollments WHERE closed_on IS NULL AND next_on <= $1
             UNION
             SELECT e.client_id FROM enrollments e JOIN rhythms r ON r.client_id = e.client_id
             WHERE e.closed_on IS NULL AND r.last_day >= e.began_on
             UNION
             SELECT e.client_id FROM enrollments e JOIN deals d ON d.client_id = e.client_id
             WHERE e.closed_on IS NULL AND d.status = 'won' AND d.closed_on >= e.began_on",
        )
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// The next clients after `after`, in the order of their numbers, of those who are known on a day:
    /// from a list of clients, or by something that had happened. An empty page is the end.
    pub async fn clients_known_after(
        &self,
        after: ClientId,
        clients: u32,
        day: Day,
    ) -> Result<Vec<ClientId>> {
        let found = sql::query_scalar::<i64>(
            "SELECT id FROM clients c
             WHERE id > $2 AND deleted_on IS NULL AND master_id IS NULL AND (implied = 0
                OR EXISTS (SELECT 1 FROM purchases p WHERE p.client_id = c.id AND p.day <= $1)
                OR EXISTS (SELECT 1 FROM visits v WHERE v.client_id = c.id AND v.day <= $1)
                OR EXISTS (SELECT 1 FROM deals d WHERE d.client_id = c.id
                           AND (d.opened_on IS NULL OR d.opened_on <= $1)))
             ORDER BY id LIMIT $3",
        )
        .bind(day.epoch_days())
        .bind(after.0)
        .bind(clients)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids(found))
    }

    /// How many clients there are, known on a day or not.
    pub async fn clients(&self) -> Result<u64> {
        let count = sql::query_scalar::<i64>("SELECT count(*) FROM clients");
        Ok(count.fetch_one(&self.pool).await?.cast_unsigned())
    }

    /// Clients who were born on one of these days.
    pub async fn clients_born_on(&self, days: &[Day]) -> Result<Vec<ClientId>> {
        self.clients_of_days(
            "SELECT id FROM clients WHERE birthday IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)",
            days,
        )
        .await
    }

    /// Clients whose first purchase was on one of these days.
    pub async fn clients_who_first_bought_on(&self, days: &[Day]) -> Result<Vec<ClientId>> {
        self.clients_of_days(
            "SELECT client_id FROM rhythms WHERE first_day IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)",
            days,
        )
        .await
    }

    async fn clients_of_days(
        &self,
        statement: &'static str,
        days: &[Day],
    ) -> Result<Vec<ClientId>> {
        let days: Vec<i32> = days.iter().map(|day| day.epoch_days()).collect();
        let found = sql::query_scalar(statement).bind(Json(days));
        Ok(ids(found.fetch_all(&self.pool).await?))
    }
}

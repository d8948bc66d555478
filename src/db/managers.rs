//! The managers that sources name.

use super::rows::{optional_day, word};
use super::{Result, Store};
use crate::db::sql::{self, Row};
use crate::model::{Day, Manager};

impl Store {
    /// The managers that sources name.
    pub async fn managers(&self) -> Result<Vec<Manager>> {
        let rows = sql::query(
            "SELECT ext_id, name, email, phone, role, capacity, locale, absent_from, absent_to,
                    substitute
             FROM managers ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let locale: Option<String> = row.get("locale");
                Ok(Manager {
                    id: row.get("ext_id"),
                    name: row.get("name"),
                    email: row.get("email"),
                    phone: row.get("phone"),
                    role: word(row, "managers", "role")?,
                    capacity: row.get::<Option<i64>, _>("capacity").map(|n| n as u16),
                    locale: locale.and_then(|text| text.parse().ok()),
                    absent: absence(row).into_iter().collect(),
                    substitute: row.get("substitute"),
                })
            })
            .collect()
    }
}

/// The days on which a manager is not there: without an end, or a beginning, it goes on for ever.
fn absence(row: &Row) -> Option<(Day, Day)> {
    let (from, to) = (
        optional_day(row, "absent_from"),
        optional_day(row, "absent_to"),
    );
    (from.is_some() || to.is_some()).then(|| {
        let far = Day::from_epoch(i32::MAX / 2);
        (
            from.unwrap_or(Day::from_epoch(i32::MIN / 2)),
            to.unwrap_or(far),
        )
    })
}

//! Purchase histories from a CSV file with the columns `client_id`, `date`, `amount`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use rekindle::model::Day;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    client_id: String,
    date: String,
    amount: f64,
}

/// The purchase days of each client, rising and each once, in the order of the client ids.
///
/// A purchase day is a client-day with any positive row.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Vec<Day>>> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut histories: BTreeMap<String, Vec<Day>> = BTreeMap::new();
    for (index, row) in reader.deserialize().enumerate() {
        let row: Row = row.with_context(|| format!("row {} of {}", index + 2, path.display()))?;
        let day: Day = row
            .date
            .parse()
            .with_context(|| format!("row {} of {}", index + 2, path.display()))?;
        if row.amount > 0.0 {
            histories.entry(row.client_id).or_default().push(day);
        }
    }
    if histories.is_empty() {
        bail!("{} has no row with a positive amount", path.display());
    }
    let mut histories: Vec<Vec<Day>> = histories.into_values().collect();
    for days in &mut histories {
        days.sort_unstable();
        days.dedup();
    }
    Ok(histories)
}

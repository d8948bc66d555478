//! `rekindle campaign addresses`: the gifts of a campaign, and where they go.

use std::io::Write;

use crate::app::App;
use crate::cli::plan::json;
use crate::cli::{Exit, TableFormat, counted, tell};
use crate::config::Campaign;
use crate::db::GiftTask;
use crate::jobs::inputs::Frozen;

pub(super) async fn addresses(
    app: &App,
    campaign: &Campaign,
    format: TableFormat,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let gifts = app.store.gift_tasks(&campaign.id).await?;
    let rows: Vec<Parcel> = gifts.into_iter().map(Parcel::of).collect();
    let missing = rows.iter().filter(|row| row.address.is_empty()).count();
    match format {
        TableFormat::Json => json(out, &rows)?,
        TableFormat::Csv => {
            let mut table = csv::Writer::from_writer(&mut *out);
            for row in &rows {
                table.serialize(row)?;
            }
            table.flush()?;
        }
    }
    if missing > 0 {
        tell(format_args!(
            "{} without an address",
            counted(missing as u64, "gift")
        ));
        return Ok(Exit::NeedsPerson);
    }
    Ok(Exit::Done)
}

/// One line of the list of addresses.
#[derive(serde::Serialize)]
struct Parcel {
    task: i64,
    manager: String,
    client: String,
    recipient: String,
    company: String,
    phone: String,
    address: String,
    note: String,
    done: bool,
    since: String,
}

impl Parcel {
    fn of(gift: GiftTask) -> Self {
        let frozen = serde_json::from_str::<Frozen>(&gift.inputs).ok();
        let client = frozen.map(|frozen| frozen.client).unwrap_or_default();
        Self {
            task: gift.task,
            manager: gift.manager,
            client: gift.client,
            recipient: client.name,
            company: client.company.unwrap_or_default(),
            phone: client.phone.unwrap_or_default(),
            address: client.address.unwrap_or_default(),
            note: gift.note.unwrap_or_default(),
            done: gift.done,
            since: gift.since.to_string(),
        }
    }
}

//! `rekindle campaign seats`, `attended`: the event of a campaign, and who came.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::app::App;
use crate::cli::explain::find;
use crate::cli::plan::json;
use crate::cli::{Exit, Format, counted, tell};
use crate::config::Campaign;

pub(super) async fn seats(
    app: &App,
    campaign: &Campaign,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let seats = app.store.seats_of(&campaign.id).await?;
    if format == Format::Json {
        json(out, &seats)?;
        return Ok(Exit::Done);
    }
    for seat in &seats {
        let came = seat.attended_on.map(|_| "came").unwrap_or_default();
        let taken = if seat.taken { "seat" } else { "no seat" };
        let phone = seat.phone.as_deref().unwrap_or_default();
        writeln!(
            out,
            "{:<12} {:<8} {:<5} {:<16} {}",
            seat.client, taken, came, phone, seat.name
        )?;
    }
    let taken = seats.iter().filter(|seat| seat.taken).count() as u64;
    let came = seats
        .iter()
        .filter(|seat| seat.attended_on.is_some())
        .count();
    let of = campaign.event.as_ref().and_then(|event| event.seats);
    let of = of.map(|seats| format!(" of {seats}")).unwrap_or_default();
    writeln!(out, "{}{of} taken, {came} came", counted(taken, "seat"))?;
    Ok(Exit::Done)
}

pub(super) async fn attended(
    app: &App,
    campaign: &Campaign,
    clients: &[String],
    file: Option<&Path>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(event) = &campaign.event else {
        tell(format_args!("{} has no [event]", campaign.id));
        return Ok(Exit::Wrong);
    };
    let mut ids: Vec<String> = clients.to_vec();
    if let Some(file) = file {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        ids.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let (mut noted, mut unknown) = (0_u64, 0_u64);
    for id in &ids {
        match find(app, id).await? {
            Some(client) => {
                let (store, now_ms) = (&app.store, app.now_ms());
                let came = store.attended(&campaign.id, client, event.day, now_ms);
                came.await?;
                noted += 1;
            }
            None => unknown += 1,
        }
    }
    writeln!(out, "{} came to {}", counted(noted, "client"), event.title)?;
    Ok(if unknown > 0 {
        Exit::NeedsPerson
    } else {
        Exit::Done
    })
}

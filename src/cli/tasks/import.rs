//! `rekindle tasks import`: outcomes that another program has written into a file.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::app::App;
use crate::cli::{Exit, counted, tell};
use crate::jobs::told::{Became, Row, take};

/// Arguments of `rekindle tasks import`.
#[derive(Clone, Debug, Args)]
pub(super) struct ImportArgs {
    /// The file: comma separated, with the columns task and outcome, and perhaps id, day, until,
    /// reason, need, money, urgency, note, by, friend_name, friend_phone, friend_email
    file: PathBuf,
}

/// Records every good row; a bad one is named and stops nothing.
pub(super) async fn run(app: &App, args: &ImportArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let name = args.file.display();
    let mut file = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(&args.file)
        .with_context(|| format!("read {name}"))?;
    let headers = file
        .headers()
        .with_context(|| format!("read {name}"))?
        .clone();
    let mut seen: HashMap<String, u32> = HashMap::new();
    let (mut recorded, mut before, mut bad) = (0_u64, 0_u64, 0_u64);
    for record in file.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                tell(format_args!("{name}: {error}"));
                bad += 1;
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let became = match record.deserialize::<Row>(Some(&headers)) {
            Ok(row) => {
                let key = key_of(&row, &record, &mut seen);
                take(app, &row, &key, "import").await?
            }
            Err(error) => Became::Bad(error.to_string()),
        };
        match became {
            Became::Counted => recorded += 1,
            Became::Before => before += 1,
            Became::Bad(why) => {
                tell(format_args!("{name}:{line}: {why}"));
                bad += 1;
            }
        }
    }
    writeln!(
        out,
        "{} recorded, {before} known before, {bad} not taken",
        counted(recorded, "outcome")
    )?;
    Ok(if bad == 0 {
        Exit::Done
    } else {
        Exit::NeedsPerson
    })
}

/// What counts a row once: its id, else what it says, and which of several equal rows it is.
fn key_of(row: &Row, record: &csv::StringRecord, seen: &mut HashMap<String, u32>) -> String {
    if let Some(id) = row.id.as_deref().filter(|id| !id.is_empty()) {
        return format!("file:{id}");
    }
    let says = record.iter().collect::<Vec<_>>().join("\u{1f}");
    let n = seen.entry(says.clone()).or_default();
    *n += 1;
    format!("file:{says}\u{1f}{n}")
}

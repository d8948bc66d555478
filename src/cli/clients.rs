//! `rekindle clients`: one row for each client who has bought, with the rhythm in numbers.

use std::io::Write;

use clap::Args;

use super::plan::json;
use super::{DayArgs, Exit, TableFormat};
use crate::app::App;
use crate::config::values::Days;
use crate::jobs::clients::{ClientRow, HEADER, Rows};

/// Arguments of `rekindle clients`.
#[derive(Clone, Debug, Args)]
pub(super) struct ClientsArgs {
    #[command(flatten)]
    day: DayArgs,
    /// How far ahead `p_return` looks
    #[arg(long, default_value = "60d")]
    horizon: Days,
    /// How to print it
    #[arg(long, value_enum, default_value_t = TableFormat::Csv)]
    format: TableFormat,
}

/// Prints the rows, chunk by chunk: memory does not grow with the base.
pub(super) async fn run(
    app: &App,
    args: &ClientsArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let options = args.day.options(app, None);
    let with_hints = args.format == TableFormat::Json;
    let mut rows = Rows::begin(app, options, args.horizon, with_hints).await?;
    match args.format {
        TableFormat::Csv => {
            let mut table = csv::Writer::from_writer(out);
            table.write_record(HEADER)?;
            while let Some(page) = rows.next().await? {
                for row in &page {
                    table.write_record(row.cells())?;
                }
            }
            table.flush()?;
        }
        TableFormat::Json => {
            let mut all: Vec<ClientRow> = Vec::new();
            while let Some(mut page) = rows.next().await? {
                all.append(&mut page);
            }
            json(out, &all)?;
        }
    }
    Ok(Exit::Done)
}

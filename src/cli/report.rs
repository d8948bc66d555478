//! `rekindle report`: what the company knows about its base.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::plan::json;
use super::{DayArgs, Exit, picture};
use crate::app::App;
use crate::jobs::frequency;
use crate::pictures::report_board;
use crate::rules::frequency_report::{GroupedBy, HEADER};

/// Arguments of `rekindle report`.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArgs {
    #[command(subcommand)]
    which: Which,
}

/// Which report.
#[derive(Clone, Debug, Subcommand)]
enum Which {
    /// How many clients are active, due, missed, asleep or lost, and who moved where
    Rhythm(RhythmArgs),
}

/// Arguments of `rekindle report rhythm`.
#[derive(Clone, Debug, Args)]
struct RhythmArgs {
    #[command(flatten)]
    day: DayArgs,
    /// Only this grouping [default: all]
    #[arg(long, value_enum)]
    by: Option<By>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Draw it as SVG into this file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// How clients are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// By frequency class: X, Y, Z
    Xyz,
    /// By class of clients, as `rhythm.classes` names them
    Class,
    /// By manager
    Manager,
}

/// How to print a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON document
    Json,
    /// For tables: comma separated, with a header
    Csv,
}

/// Makes a report.
pub(super) async fn run(app: &App, args: &ReportArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    match &args.which {
        Which::Rhythm(args) => rhythm(app, args, out).await,
    }
}

async fn rhythm(app: &App, args: &RhythmArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let options = args.day.options(app, None);
    let (mut report, gaps) = frequency::report(app, options, args.picture.is_some()).await?;
    if let Some(by) = args.by {
        report.keep_only(match by {
            By::Xyz => GroupedBy::Xyz,
            By::Class => GroupedBy::Class,
            By::Manager => GroupedBy::Manager,
        });
    }
    if let Some(file) = &args.picture {
        picture::write(file, &report_board(&report, &gaps, app.locale())?)?;
    }
    match args.format {
        ReportFormat::Text => write!(out, "{report}")?,
        ReportFormat::Json => json(out, &report)?,
        ReportFormat::Csv => {
            let mut table = csv::Writer::from_writer(out);
            table.write_record(HEADER)?;
            for row in report.rows() {
                table.write_record(row)?;
            }
            table.flush()?;
        }
    }
    Ok(Exit::Done)
}

//! `rekindle report`: the funnels, and what the company knows about its base.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::plan::json;
use super::{DayArgs, Exit, picture};
use crate::app::App;
use crate::jobs::frequency;
use crate::jobs::funnels::{self, Funnels};
use crate::model::Day;
use crate::pictures::report_board;
use crate::rules::frequency_report::{GroupedBy, HEADER};
use crate::rules::funnel::{self, FunnelKey};
use crate::rules::plan::{grouped, in_units};

/// Arguments of `rekindle report`.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArgs {
    #[command(subcommand)]
    which: Option<Which>,
    #[command(flatten)]
    funnels: FunnelArgs,
}

/// Arguments of `rekindle report` by itself: the funnels.
#[derive(Clone, Debug, Args)]
struct FunnelArgs {
    /// The first day that is counted [default: a year before the last]
    #[arg(long, value_name = "DATE")]
    from: Option<Day>,
    /// The last day that is counted [default: today]
    #[arg(long, value_name = "DATE")]
    to: Option<Day>,
    /// What the rows are
    #[arg(long, value_enum, default_value_t)]
    by: FunnelBy,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// What the rows of a funnel are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FunnelBy {
    /// Campaigns
    #[default]
    Campaign,
    /// Managers
    Manager,
    /// Reasons of rejections
    Reason,
    /// Months
    Month,
}

impl FunnelBy {
    const fn grouped(self) -> funnel::GroupedBy {
        match self {
            Self::Campaign => funnel::GroupedBy::Campaign,
            Self::Manager => funnel::GroupedBy::Manager,
            Self::Reason => funnel::GroupedBy::Reason,
            Self::Month => funnel::GroupedBy::Month,
        }
    }
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
        Some(Which::Rhythm(args)) => rhythm(app, args, out).await,
        None => funnels(app, &args.funnels, out).await,
    }
}

/// So many days are counted where no first day is named.
const YEAR: i32 = 365;

async fn funnels(app: &App, args: &FunnelArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let to = args.to.unwrap_or_else(|| app.today());
    let from = args.from.unwrap_or_else(|| to.plus(-YEAR));
    let funnels = funnels::funnels(app, from, to).await?;
    match args.format {
        ReportFormat::Json => json(out, &funnels)?,
        ReportFormat::Text => funnels_text(&funnels, args.by, out)?,
        ReportFormat::Csv => funnels_csv(&funnels, out)?,
    }
    Ok(Exit::Done)
}

fn funnels_text(funnels: &Funnels, by: FunnelBy, out: &mut dyn Write) -> io::Result<()> {
    let money = |minor| grouped(in_units(minor, funnels.currency));
    writeln!(out, "From {} to {}\n", funnels.from, funnels.to)?;
    writeln!(
        out,
        "{:<24}{:>9}{:>9}{:>9}{:>9}{:>9}{:>14}",
        "Repeated sales", "base", "request", "quote", "invoice", "paid", funnels.currency
    )?;
    let mut rows = funnels.repeat_sales.by(by.grouped());
    rows.push(("all".to_owned(), funnels.repeat_sales.total));
    for (name, one) in &rows {
        writeln!(
            out,
            "{:<24}{:>9}{:>9}{:>9}{:>9}{:>9}{:>14}",
            named(name),
            one.base,
            one.request,
            one.quote,
            one.invoice,
            one.paid,
            money(one.paid_minor)
        )?;
    }
    writeln!(
        out,
        "\n{:<24}{:>9}{:>9}{:>11}{:>8}{:>6}{:>6}{:>6}{:>14}",
        "Rejections",
        "rejected",
        "reached",
        "interested",
        "friend",
        "card",
        "deal",
        "paid",
        funnels.currency
    )?;
    let mut rows = funnels.rejections.by(by.grouped());
    rows.push(("all".to_owned(), funnels.rejections.total));
    for (name, one) in &rows {
        writeln!(
            out,
            "{:<24}{:>9}{:>9}{:>11}{:>8}{:>6}{:>6}{:>6}{:>14}",
            named(name),
            one.rejected,
            one.reached,
            one.interested,
            one.friend_named,
            one.card_sent,
            one.deal,
            one.paid,
            money(one.paid_minor)
        )?;
    }
    writeln!(
        out,
        "\n{:<24}{:>9}{:>9}{:>14}",
        "Won by", "first", "again", funnels.currency
    )?;
    for one in &funnels.second_purchases {
        writeln!(
            out,
            "{:<24}{:>9}{:>9}{:>14}",
            named(&one.manager),
            one.first_purchases,
            one.second_purchases,
            money(one.later_minor)
        )?;
    }
    Ok(())
}

/// What stands for a part that nobody has named.
fn named(name: &str) -> &str {
    if name.is_empty() { "none" } else { name }
}

/// Both funnels as one table of the finest grain.
fn funnels_csv(funnels: &Funnels, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record([
        "funnel", "campaign", "manager", "reason", "month", "stage", "count",
    ])?;
    let mut write = |funnel: &str, key: &FunnelKey, stages: &[(&str, u64)]| {
        stages.iter().try_for_each(|(stage, count)| {
            table.write_record([
                funnel,
                &key.campaign,
                &key.manager,
                key.reason.as_deref().unwrap_or_default(),
                &key.month,
                stage,
                &count.to_string(),
            ])
        })
    };
    for row in &funnels.repeat_sales.rows {
        let one = row.counts;
        let stages = [
            ("base", one.base),
            ("request", one.request),
            ("quote", one.quote),
            ("invoice", one.invoice),
            ("paid", one.paid),
        ];
        write("repeat_sales", &row.key, &stages)?;
    }
    for row in &funnels.rejections.rows {
        let one = row.counts;
        let stages = [
            ("rejected", one.rejected),
            ("reached", one.reached),
            ("interested", one.interested),
            ("friend_named", one.friend_named),
            ("card_sent", one.card_sent),
            ("deal", one.deal),
            ("paid", one.paid),
        ];
        write("rejections", &row.key, &stages)?;
    }
    table.flush()?;
    Ok(())
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

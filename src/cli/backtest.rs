//! `rekindle backtest CAMPAIGN`: a campaign over past days, without looking ahead.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::plan::json;
use super::{Exit, Format, picture};
use crate::app::App;
use crate::jobs::backtest::{Replayed, backtest};
use crate::model::Day;
use crate::pictures::backtest_board;

/// Arguments of `rekindle backtest`.
#[derive(Clone, Debug, Args)]
pub(super) struct BacktestArgs {
    /// The campaign, also while it is a draft
    campaign: String,
    /// The first day
    #[arg(long, value_name = "DATE")]
    from: Day,
    /// The last day; leave enough days after it to see what came of those chosen
    #[arg(long, value_name = "DATE")]
    to: Day,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Draw it as SVG into this file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// Replays and prints.
pub(super) async fn run(
    app: &App,
    args: &BacktestArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(campaign) = super::known_campaign(app, &args.campaign) else {
        return Ok(Exit::Wrong);
    };
    if args.to < args.from {
        super::tell(format_args!(
            "the period ends on {} before it begins on {}",
            args.to, args.from
        ));
        return Ok(Exit::Wrong);
    }
    let bar = super::progress::clients();
    let progress = |done: u64| bar.set_message(done.to_string());
    let replayed = backtest(app, campaign, args.from, args.to, &progress).await?;
    bar.finish_and_clear();
    let (report, gaps) = match replayed {
        Replayed::Done(report, gaps) => (report, gaps),
        Replayed::NotByPurchases => {
            super::tell(format_args!(
                "\"{}\" starts on {}, and purchases do not tell how such a campaign would have \
                 done: a backtest can judge missed_cycle and second_purchase",
                campaign.id,
                campaign.trigger.word()
            ));
            return Ok(Exit::Wrong);
        }
        Replayed::NoData { data } => {
            super::tell(format_args!("{}", no_data(args.from, data)));
            return Ok(Exit::Wrong);
        }
    };
    if let Some(file) = &args.picture {
        picture::write(file, &backtest_board(&report, &gaps, app.locale())?)?;
    }
    match args.format {
        Format::Text => write!(out, "{report}")?,
        Format::Json => json(out, &report)?,
    }
    Ok(Exit::Done)
}

fn no_data(from: Day, data: Option<(Day, Day)>) -> String {
    match data {
        None => "there are no purchases yet: `rekindle import` reads them".to_owned(),
        Some((first, last)) => format!(
            "{from} cannot be replayed: the purchases go from {first} to {last}, and a first day \
             among them has to leave some before it to learn from"
        ),
    }
}

//! `rekindle plan`: what a day would do, nothing applied.

use std::io::{self, Write};

use clap::Args;

use super::{DayArgs, Exit, Format};
use crate::app::App;
use crate::jobs::day;

/// Arguments of `rekindle plan`.
#[derive(Clone, Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) day: DayArgs,
    /// Only this campaign, also while it is a draft
    #[arg(long, value_name = "ID")]
    pub(super) campaign: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// Plans and prints.
pub(super) async fn run(app: &App, args: &PlanArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(id) = &args.campaign
        && super::known_campaign(app, id).is_none()
    {
        return Ok(Exit::Wrong);
    }
    let options = args.day.options(app, args.campaign.as_deref());
    let mut plan = day::plan(app, options).await?;
    if let Some(id) = &args.campaign {
        plan.keep_only(id);
    }
    match args.format {
        Format::Text => write!(out, "{plan}")?,
        Format::Json => json(out, &plan)?,
    }
    Ok(Exit::Done)
}

/// Prints one JSON document.
pub(super) fn json(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

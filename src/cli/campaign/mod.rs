//! `rekindle campaign`: how far campaigns have come, and what a person does to them.

mod event;
mod gifts;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::plan::json;
use super::progress;
use super::{Exit, Format, TableFormat, counted, known_campaign, tell};
use crate::app::App;
use crate::config::Campaign;
use crate::jobs::campaigns::{self, Acting, CampaignState, Not, Order};
use crate::jobs::partners;

/// How often `--follow` looks.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Arguments of `rekindle campaign`.
#[derive(Clone, Debug, Args)]
pub(super) struct CampaignArgs {
    #[command(subcommand)]
    action: Action,
}

/// What to do with campaigns.
#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List the campaigns with how far each has come
    List {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show one campaign by step and variant
    Show {
        /// The campaign
        id: String,
        /// Go on showing it until nothing waits any more
        #[arg(long)]
        follow: bool,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Let nobody enter and nothing leave until it is resumed
    Pause {
        /// The campaign
        id: String,
        /// Why: it is shown as long as the campaign rests
        #[arg(long)]
        reason: String,
        /// Who decides
        #[arg(long, default_value = "command line")]
        by: String,
    },
    /// Let a paused campaign go on where it stopped
    Resume {
        /// The campaign
        id: String,
    },
    /// End a campaign for good: what has not left never does
    Cancel {
        /// The campaign
        id: String,
        /// Why: it is kept with the messages
        #[arg(long)]
        reason: String,
        /// Who decides
        #[arg(long, default_value = "command line")]
        by: String,
    },
    /// List the gifts of a campaign with the addresses that they go to
    Addresses {
        /// The campaign
        id: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t = TableFormat::Csv)]
        format: TableFormat,
    },
    /// List who has a seat at the event of a campaign, and who came
    Seats {
        /// The campaign
        id: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Note who came to the event of a campaign
    Attended {
        /// The campaign
        id: String,
        /// The clients, by the ids that the source uses
        #[arg(required_unless_present = "file")]
        clients: Vec<String>,
        /// A text file with one id a line
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

/// Shows or does it.
pub(super) async fn run(
    app: &App,
    args: &CampaignArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let id = match &args.action {
        Action::List { format } => return list(app, *format, out).await,
        Action::Show { id, .. }
        | Action::Pause { id, .. }
        | Action::Resume { id }
        | Action::Cancel { id, .. }
        | Action::Addresses { id, .. }
        | Action::Seats { id, .. }
        | Action::Attended { id, .. } => id,
    };
    let Some(campaign) = known_campaign(app, id) else {
        return Ok(Exit::Wrong);
    };
    match &args.action {
        Action::List { .. } => Ok(Exit::Done),
        Action::Show { follow, format, .. } => show(app, campaign, *follow, *format, out).await,
        Action::Pause { reason, by, .. } => {
            let order = Order {
                campaign,
                by,
                reason,
            };
            let done = campaigns::pause(app, order).await?;
            told(done, out, |()| {
                format!("{id} is paused: what has not left waits")
            })
        }
        Action::Resume { .. } => told(campaigns::resume(app, campaign).await?, out, |waiting| {
            format!("{id} goes on; {} waiting", counted(waiting, "message"))
        }),
        Action::Cancel { reason, by, .. } => {
            let order = Order {
                campaign,
                by,
                reason,
            };
            let ended = campaigns::cancel(app, order).await?;
            writeln!(
                out,
                "{id} is cancelled: {} and {} taken back, {} out of it",
                counted(ended.messages, "message"),
                counted(ended.tasks, "task"),
                counted(ended.clients, "client"),
            )?;
            Ok(Exit::Done)
        }
        Action::Addresses { format, .. } => gifts::addresses(app, campaign, *format, out).await,
        Action::Seats { format, .. } => event::seats(app, campaign, *format, out).await,
        Action::Attended { clients, file, .. } => {
            event::attended(app, campaign, clients, file.as_deref(), out).await
        }
    }
}

fn told<T>(
    done: Result<T, Not>,
    out: &mut dyn Write,
    words: impl Fn(T) -> String,
) -> anyhow::Result<Exit> {
    match done {
        Ok(done) => {
            writeln!(out, "{}", words(done))?;
            Ok(Exit::Done)
        }
        Err(not) => {
            tell(not);
            Ok(Exit::Wrong)
        }
    }
}

async fn list(app: &App, format: Format, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let states = campaigns::states(app, None).await?;
    if format == Format::Json {
        json(out, &states)?;
        return Ok(Exit::Done);
    }
    writeln!(
        out,
        "{:<24} {:<10} {:>9} {:>9} {:>9} {:>5}  Title",
        "Campaign", "State", "Planned", "Sent", "Waiting", "Done"
    )?;
    for state in &states {
        let progress = &state.progress;
        writeln!(
            out,
            "{:<24} {:<10} {:>9} {:>9} {:>9} {:>4}%  {}{}",
            state.id,
            word(state.acting),
            progress.planned,
            progress.sent,
            progress.waiting,
            progress.percent(),
            state.title,
            because(state),
        )?;
    }
    Ok(Exit::Done)
}

fn because(state: &CampaignState) -> String {
    let because = state.because.as_ref();
    because.map(|why| format!(": {why}")).unwrap_or_default()
}

fn word(acting: Acting) -> &'static str {
    match acting {
        Acting::Draft => "draft",
        Acting::Live => "live",
        Acting::Paused => "paused",
        Acting::Cancelled => "cancelled",
    }
}

async fn show(
    app: &App,
    campaign: &Campaign,
    follow: bool,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let mut state = one(app, campaign).await?;
    if follow {
        let bar = progress::messages();
        while state.progress.waiting > 0 && state.acting == Acting::Live {
            let progress = &state.progress;
            bar.at(
                progress.planned - progress.waiting,
                progress.planned,
                &pace(&state),
            );
            tokio::time::sleep(LOOK_AGAIN).await;
            state = one(app, campaign).await?;
        }
        bar.finish();
    }
    if format == Format::Json {
        json(out, &state)?;
        return Ok(Exit::Done);
    }
    let progress = &state.progress;
    writeln!(
        out,
        "{}: {}, {}{}",
        state.id,
        state.title,
        word(state.acting),
        because(&state)
    )?;
    writeln!(
        out,
        "{} of {} sent ({}%), {} waiting, {} for a person, {} failed, {} left out, {} held out",
        progress.sent,
        progress.planned,
        progress.percent(),
        progress.waiting,
        progress.for_a_person,
        progress.failed,
        progress.left_out,
        progress.held_out,
    )?;
    if progress.waiting > 0 {
        writeln!(out, "{}", pace(&state))?;
    }
    for part in &state.parts {
        let name = match &part.variant {
            Some(variant) => format!("{}, variant {variant}", part.step),
            None => part.step.clone(),
        };
        let progress = &part.progress;
        writeln!(
            out,
            "  {name:<28} {:>9} planned {:>9} sent {:>9} waiting {:>9} reached the goal",
            progress.planned, progress.sent, progress.waiting, progress.goals
        )?;
    }
    if let Some(partner) = &campaign.partner {
        let left = partners::take_up(app, partner).await?;
        let (codes, file) = (counted(left, "code"), partners::pool(partner));
        writeln!(out, "  {codes} left in {file}")?;
    }
    Ok(Exit::Done)
}

async fn one(app: &App, campaign: &Campaign) -> anyhow::Result<CampaignState> {
    let states = campaigns::states(app, Some(&campaign.id)).await?;
    states.into_iter().next().context("the campaign is known")
}

/// How fast it goes, and how long the rest takes at this rate.
fn pace(state: &CampaignState) -> String {
    let (waiting, rate) = (state.progress.waiting, state.per_hour);
    match rate {
        0 => "nothing left in the last ten minutes".to_owned(),
        rate => format!(
            "{rate} an hour; the rest takes about {} minutes",
            waiting * 60 / rate + 1
        ),
    }
}

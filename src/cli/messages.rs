//! `rekindle messages`: what became of messages, and what a person decides about them.

use std::io::Write;

use chrono::DateTime;
use clap::{Args, Subcommand, ValueEnum};

use super::plan::json;
use super::{Exit, Format, tell};
use crate::app::App;
use crate::db::{Decision, Journal, MessageFilter, MessageRow, Stop};
use crate::model::{MessageState, StopOf};

/// Arguments of `rekindle messages`.
#[derive(Clone, Debug, Args)]
pub(super) struct MessagesArgs {
    /// In this state only: unknown, held, failed ...
    #[arg(long)]
    state: Option<MessageState>,
    /// Of this campaign only
    #[arg(long)]
    campaign: Option<String>,
    /// To this client only
    #[arg(long)]
    client: Option<String>,
    /// At most so many, the latest first
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with messages.
#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show one message with its story
    Show {
        /// The number of the message
        id: i64,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Say what became of an unknown message, or stop and release one that has not left
    Resolve {
        /// The number of the message
        id: i64,
        /// What it is to be
        #[arg(value_enum)]
        decision: Word,
        /// Why: it is kept with the message
        #[arg(long)]
        reason: String,
        /// Who decides
        #[arg(long)]
        by: String,
    },
    /// Stop everything that has not left, until it is released
    Hold {
        /// Why: it is kept with the messages
        #[arg(long)]
        reason: String,
        /// Who decides
        #[arg(long)]
        by: String,
    },
    /// List what is stopped until a person lifts it, or lift something
    Stops {
        /// What to lift: channel email, campaign ID, step CAMPAIGN/STEP, country KZ
        #[arg(long, num_args = 2, value_names = ["KIND", "NAME"])]
        lift: Option<Vec<String>>,
    },
}

/// What a person may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Word {
    /// An unknown one has arrived
    Arrived,
    /// An unknown one has not arrived and is given up
    GiveUp,
    /// An unknown one has not arrived and is sent again
    Resend,
    /// One that has not left is stopped
    Hold,
    /// A held one may go
    Release,
    /// One that has not left is taken back
    Cancel,
}

impl From<Word> for Decision {
    fn from(word: Word) -> Self {
        match word {
            Word::Arrived => Self::Arrived,
            Word::GiveUp => Self::GiveUp,
            Word::Resend => Self::Resend,
            Word::Hold => Self::Hold,
            Word::Release => Self::Release,
            Word::Cancel => Self::Cancel,
        }
    }
}

/// Lists, shows or decides.
pub(super) async fn run(
    app: &App,
    args: &MessagesArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match &args.action {
        None => list(app, args, out).await,
        Some(Action::Show { id, format }) => show(app, *id, *format, out).await,
        Some(Action::Resolve {
            id,
            decision,
            reason,
            by,
        }) => resolve(app, *id, (*decision).into(), reason, by, out).await,
        Some(Action::Hold { reason, by }) => {
            let held = app.store.hold_everything(reason, by, app.now_ms()).await?;
            writeln!(out, "{held} messages are held until they are released")?;
            Ok(Exit::Done)
        }
        Some(Action::Stops { lift }) => stops(app, lift.as_deref(), out).await,
    }
}

async fn list(app: &App, args: &MessagesArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let filter = MessageFilter {
        state: args.state,
        campaign: args.campaign.as_deref(),
        client: args.client.as_deref(),
        limit: args.limit,
    };
    let messages = app.store.messages(&filter).await?;
    if args.format == Format::Json {
        json(out, &messages)?;
        return Ok(Exit::Done);
    }
    for message in &messages {
        line(message, out)?;
    }
    let states = app.store.message_states().await?;
    let states: Vec<String> = states
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    if !states.is_empty() {
        writeln!(out, "All messages of live runs: {}", states.join(", "))?;
    }
    Ok(Exit::Done)
}

fn line(message: &MessageRow, out: &mut dyn Write) -> anyhow::Result<()> {
    let reason = message.reason.as_deref().or(message.receipt.as_deref());
    writeln!(
        out,
        "{:>8}  {}  {:<10} {:<10} {}/{}  {}  {}",
        message.id,
        message.planned_on,
        message.state,
        message.client,
        message.campaign,
        message.step,
        message.channel,
        reason.unwrap_or_default()
    )?;
    Ok(())
}

/// A message with its story, for programs.
#[derive(serde::Serialize)]
struct Story<'s> {
    #[serde(flatten)]
    message: &'s MessageRow,
    journal: &'s [Journal],
}

async fn show(app: &App, id: i64, format: Format, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Some(message) = app.store.message(id).await? else {
        tell(format_args!("there is no message {id}"));
        return Ok(Exit::Wrong);
    };
    let journal = app.store.journal(id).await?;
    if format == Format::Json {
        let (message, journal) = (&message, &journal[..]);
        json(out, &Story { message, journal })?;
        return Ok(Exit::Done);
    }
    line(&message, out)?;
    for entry in &journal {
        writeln!(
            out,
            "  {}  {:<10} by {}{}",
            instant(app, entry.at),
            entry.state,
            entry.by,
            entry
                .reason
                .as_ref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default()
        )?;
    }
    if message.due_at > 0 && !message.state.is_final() {
        writeln!(out, "  not before {}", instant(app, message.due_at))?;
    }
    Ok(Exit::Done)
}

fn instant(app: &App, ms: i64) -> String {
    let instant = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    let local = instant.with_timezone(&app.zone());
    local.format("%Y-%m-%d %H:%M:%S").to_string()
}

async fn resolve(
    app: &App,
    id: i64,
    decision: Decision,
    reason: &str,
    by: &str,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if reason.trim().is_empty() {
        tell(format_args!(
            "--reason must say why: it is kept with the message"
        ));
        return Ok(Exit::Wrong);
    }
    let now = app.now_ms();
    if app
        .store
        .decide_message(id, decision, reason, by, now)
        .await?
    {
        writeln!(out, "Message {id}: done")?;
        return Ok(Exit::Done);
    }
    let state = app.store.message(id).await?.map(|message| message.state);
    match state {
        None => tell(format_args!("there is no message {id}")),
        Some(state) => tell(format_args!(
            "message {id} is {state}: arrived, give-up and resend are for unknown messages, release \
             is for held ones, hold and cancel are for those that have not left"
        )),
    }
    Ok(Exit::Wrong)
}

async fn stops(app: &App, lift: Option<&[String]>, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some([kind, name]) = lift {
        let kind: StopOf = match kind.parse() {
            Ok(kind) => kind,
            Err(error) => {
                tell(format_args!("{error}"));
                return Ok(Exit::Wrong);
            }
        };
        if app.store.lift_stop(kind, name).await? {
            writeln!(
                out,
                "The stop of {kind} {name} is lifted: what waited for that may go at once"
            )?;
            return Ok(Exit::Done);
        }
        tell(format_args!("{kind} {name} is not stopped"));
        return Ok(Exit::Wrong);
    }
    let stops = app.store.stops().await?;
    if stops.is_empty() {
        writeln!(out, "Nothing is stopped")?;
    }
    for Stop {
        kind,
        name,
        since,
        by,
        reason,
    } in &stops
    {
        let since = instant(app, *since);
        writeln!(out, "{kind} {name}  since {since} by {by}: {reason}")?;
    }
    Ok(Exit::Done)
}

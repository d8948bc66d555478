//! `rekindle suppress`: addresses that must not be written to.
//!
//! An address goes in and never comes out: the database keeps keyed hashes.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::plan::json;
use super::{Exit, Format};
use crate::app::App;
use crate::db::{Entry, NewSuppression, SuppressionRow};
use crate::model::{Channel, SuppressionReason, SuppressionScope, WordError};
use crate::sources::typed_address;

/// Arguments of `rekindle suppress`.
#[derive(Clone, Debug, Args)]
pub(super) struct SuppressArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Write to an address no more
    Add(AddArgs),
    /// List the suppressed addresses as hashes, or ask whether one is among them
    List(ListArgs),
    /// Take up a file with one address a line
    Import(ImportArgs),
    /// Allow an address again; kept in the audit
    Remove(RemoveArgs),
}

/// How and why.
#[derive(Clone, Debug, Args)]
struct HowArgs {
    /// `all`: nothing at all; `advertising`: no advertising
    #[arg(long, value_parser = word::<SuppressionScope>, default_value = "all")]
    scope: SuppressionScope,
    /// Why: unsubscribe, stop, complaint, hard_bounce, no_account, manual, do_not_contact or erasure
    #[arg(long, value_parser = word::<SuppressionReason>, default_value = "manual")]
    reason: SuppressionReason,
    /// Who enters it
    #[arg(long, default_value = "command line")]
    by: String,
}

#[derive(Clone, Debug, Args)]
struct AddArgs {
    /// An e-mail address or a phone
    address: String,
    /// On which channel [default: by the address]
    #[arg(long, value_parser = word::<Channel>)]
    channel: Option<Channel>,
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Clone, Debug, Args)]
struct ListArgs {
    /// Ask for this address only
    address: Option<String>,
    /// How many of the latest
    #[arg(long, default_value_t = 100)]
    last: u32,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Args)]
struct ImportArgs {
    /// A text file with one e-mail address or phone a line
    file: PathBuf,
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Clone, Debug, Args)]
struct RemoveArgs {
    /// An e-mail address or a phone
    address: String,
    /// On which channel [default: by the address]
    #[arg(long, value_parser = word::<Channel>)]
    channel: Option<Channel>,
    /// Why it may be written to again: kept in the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides it
    #[arg(long, default_value = "command line")]
    by: String,
}

fn word<T: std::str::FromStr<Err = WordError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: WordError| error.to_string())
}

/// What `list` prints.
#[derive(Serialize)]
struct Listed {
    suppressed: bool,
    suppressions: Vec<SuppressionRow>,
}

/// Adds, lists, imports or removes.
pub(super) async fn run(
    app: &App,
    args: &SuppressArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Add(args) => add(app, args, out).await,
        Action::List(args) => list(app, args, out).await,
        Action::Import(args) => import(app, args, out).await,
        Action::Remove(args) => remove(app, args, out).await,
    }
}

/// The channel and the hash of an address; what is wrong with it otherwise.
fn hashed(
    app: &App,
    address: &str,
    channel: Option<Channel>,
) -> Result<(Channel, [u8; 32]), String> {
    let by_form = if address.contains('@') {
        Channel::Email
    } else {
        Channel::Whatsapp
    };
    let channel = channel.unwrap_or(by_form);
    let normal = typed_address(channel, address, &app.settings.company.country)?;
    Ok((channel, app.key.hash(channel, &normal)))
}

fn entry<'a>(app: &App, by: &'a str, reason: &'a str) -> Entry<'a> {
    Entry {
        by,
        reason,
        now_ms: app.now_ms(),
    }
}

async fn add(app: &App, args: &AddArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let (channel, hash) = match hashed(app, &args.address, args.channel) {
        Ok(found) => found,
        Err(wrong) => return Ok(refuse(&wrong)),
    };
    let new = NewSuppression {
        hash,
        channel,
        scope: args.how.scope,
        reason: args.how.reason,
    };
    let entry = entry(app, &args.how.by, args.how.reason.word());
    let added = app
        .store
        .add_suppressions(&[new], app.today(), &args.how.by, &entry)
        .await?;
    let said = match added {
        0 => "It was suppressed before; nothing has changed",
        _ => "Suppressed: it is written to no more",
    };
    writeln!(out, "{said} ({channel}, {})", args.how.scope)?;
    Ok(Exit::Done)
}

fn refuse(wrong: &str) -> Exit {
    super::tell(wrong);
    Exit::Wrong
}

async fn list(app: &App, args: &ListArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let suppressions = match &args.address {
        Some(address) => match hashed(app, address, None) {
            Ok((_, hash)) => app.store.suppressions_of(&[hash]).await?,
            Err(wrong) => return Ok(refuse(&wrong)),
        },
        None => app.store.suppressions(args.last).await?,
    };
    let listed = Listed {
        suppressed: !suppressions.is_empty(),
        suppressions,
    };
    if args.format == Format::Json {
        json(out, &listed)?;
        return Ok(Exit::Done);
    }
    if !listed.suppressed {
        let said = match &args.address {
            Some(_) => "It may be written to: it is not suppressed",
            None => "Nothing is suppressed",
        };
        writeln!(out, "{said}")?;
        return Ok(Exit::Done);
    }
    writeln!(
        out,
        "{:<14} {:<10} {:<12} {:<15} {:<12} Source",
        "Hash", "Channel", "Scope", "Reason", "Since"
    )?;
    for row in &listed.suppressions {
        writeln!(
            out,
            "{:<14} {:<10} {:<12} {:<15} {:<12} {}",
            row.hash.get(..12).unwrap_or(&row.hash),
            row.channel,
            row.scope,
            row.reason,
            row.since.to_string(),
            row.source
        )?;
    }
    Ok(Exit::Done)
}

async fn import(app: &App, args: &ImportArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let text =
        fs::read_to_string(&args.file).with_context(|| format!("read {}", args.file.display()))?;
    let (mut new, mut wrong) = (Vec::new(), Vec::new());
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    for (number, line) in lines.map(|(index, line)| (index + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match hashed(app, line, None) {
            Ok((channel, hash)) => new.push(NewSuppression {
                hash,
                channel,
                scope: args.how.scope,
                reason: args.how.reason,
            }),
            Err(error) => wrong.push(format!("{}:{number}: {error}", args.file.display())),
        }
    }
    let entry = entry(app, &args.how.by, args.how.reason.word());
    let added = app
        .store
        .add_suppressions(&new, app.today(), &args.how.by, &entry)
        .await?;
    let before = new.len() as u64 - added;
    writeln!(
        out,
        "{added} suppressed, {before} were before, {} cannot be read",
        wrong.len()
    )?;
    for line in &wrong {
        super::tell(line);
    }
    Ok(if wrong.is_empty() {
        Exit::Done
    } else {
        Exit::NeedsPerson
    })
}

async fn remove(app: &App, args: &RemoveArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if args.reason.trim().is_empty() {
        return Ok(refuse("--reason must say why it may be written to again"));
    }
    let (channel, hash) = match hashed(app, &args.address, args.channel) {
        Ok(found) => found,
        Err(wrong) => return Ok(refuse(&wrong)),
    };
    let entry = entry(app, &args.by, &args.reason);
    let removed = app
        .store
        .remove_suppressions(&hash, channel, None, &entry)
        .await?;
    if removed == 0 {
        return Ok(refuse("it was not suppressed"));
    }
    writeln!(
        out,
        "It may be written to again ({channel}); the reason is kept"
    )?;
    Ok(Exit::Done)
}

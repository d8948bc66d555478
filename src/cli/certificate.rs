//! `rekindle certificate`: look at certificates, take them, and decide what is doubtful.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::certificate_words::{gives, outcome, show_text, taken_text};
use super::plan::json;
use super::{Exit, Format};
use crate::app::App;
use crate::certificates::picture::{self, Easel, Form};
use crate::certificates::till::{Wish, WishError, redeem};
use crate::db::{CertificateRow, Redeemed, RedemptionRow, ReviewDecision, ReviewRow, Via};
use crate::model::{Day, Money};
use crate::render::CompanyPart;
use crate::rules::certificate::{Standing, read, standing};

/// Arguments of `rekindle certificate`.
#[derive(Clone, Debug, Args)]
pub(super) struct CertificateArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show a certificate: what it gives, whether it is good, who used it
    Show(ShowArgs),
    /// Redeem a certificate on a purchase; the same purchase again changes nothing
    Redeem(RedeemArgs),
    /// List the latest certificates
    List(ListArgs),
    /// Make a certificate void: nobody can use it any more
    Void(WhyArgs),
    /// Give a use back that was taken by mistake
    Undo(UndoArgs),
    /// List what is doubtful, or decide about it
    Review(ReviewArgs),
}

#[derive(Clone, Debug, Args)]
struct ShowArgs {
    /// The code, however it is written
    code: String,
    /// Write the picture (.png) and the sheet to print (.pdf) into this folder
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Args)]
struct RedeemArgs {
    /// The code, however it is written
    code: String,
    /// The number of the purchase or its receipt: by it one purchase redeems once
    #[arg(long, value_name = "NUMBER")]
    purchase: String,
    /// The amount of the receipt: 3500 or 3500.50
    #[arg(long)]
    amount: Option<String>,
    /// The client who came
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// His phone or e-mail address, where he is no client yet
    #[arg(long, value_name = "PHONE|EMAIL")]
    contact: Option<String>,
    /// His name, where he is no client yet
    #[arg(long)]
    name: Option<String>,
    /// The day of the purchase [default: that of the purchase, or today]
    #[arg(long, value_name = "DATE")]
    on: Option<Day>,
    /// Who takes it
    #[arg(long, default_value = "command line")]
    by: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Args)]
struct ListArgs {
    /// Only those that this client got
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// How many of the latest
    #[arg(long, default_value_t = 100)]
    last: u32,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Args)]
struct WhyArgs {
    /// The code
    code: String,
    /// Why: kept with it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides it
    #[arg(long, default_value = "command line")]
    by: String,
}

#[derive(Clone, Debug, Args)]
struct UndoArgs {
    /// The code
    code: String,
    /// The number of the purchase that it was redeemed on
    #[arg(long, value_name = "NUMBER")]
    purchase: String,
    /// Why: kept with it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides it
    #[arg(long, default_value = "command line")]
    by: String,
}

#[derive(Clone, Debug, Args)]
struct ReviewArgs {
    #[command(subcommand)]
    decision: Option<Decision>,
    /// What was decided as well
    #[arg(long)]
    all: bool,
    /// How many of the latest
    #[arg(long, default_value_t = 100)]
    last: u32,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Debug, Subcommand)]
enum Decision {
    /// It is all right: the friend counts, and the giver is thanked
    Approve(DecideArgs),
    /// It is not: the friend does not count
    Reject(DecideArgs),
}

#[derive(Clone, Debug, Args)]
struct DecideArgs {
    /// The number on the list
    id: i64,
    /// What to note
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Who decides it
    #[arg(long, default_value = "command line")]
    by: String,
}

/// A certificate with all that became of it, for programs.
#[derive(Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) row: CertificateRow,
    pub(super) state: Standing,
    pub(super) min_receipt: Option<Money>,
    pub(super) url: String,
    pub(super) redemptions: Vec<RedemptionRow>,
    pub(super) friends: std::collections::BTreeMap<String, u32>,
}

/// What the review list prints for programs.
#[derive(Serialize)]
struct Reviews {
    reviews: Vec<ReviewRow>,
    friends_to_be_known: u64,
}

/// Shows, redeems, lists, decides.
pub(super) async fn run(
    app: &App,
    args: &CertificateArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Show(args) => show(app, args, out).await,
        Action::Redeem(args) => take(app, args, out).await,
        Action::List(args) => list(app, args, out).await,
        Action::Void(args) => void(app, args, out).await,
        Action::Undo(args) => undo(app, args, out).await,
        Action::Review(args) => review(app, args, out).await,
    }
}

/// The certificate that was typed; tells what is wrong otherwise.
async fn found(app: &App, typed: &str) -> anyhow::Result<Option<CertificateRow>> {
    let code = match read(typed) {
        Ok(code) => code,
        Err(error) => {
            super::tell(format_args!("\"{typed}\": {error}"));
            return Ok(None);
        }
    };
    let row = app.store.certificate(&code).await?;
    if row.is_none() {
        super::tell(format_args!("nobody has a certificate {code}"));
    }
    Ok(row)
}

async fn show(app: &App, args: &ShowArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Some(row) = found(app, &args.code).await? else {
        return Ok(Exit::Wrong);
    };
    if let Some(folder) = &args.to {
        let part = picture::of_row(app, &row);
        let folder = app.path(folder);
        fs::create_dir_all(&folder)
            .with_context(|| format!("make the folder {}", folder.display()))?;
        let company = CompanyPart::of(&app.settings.company);
        for (end, form) in [("png", Form::Png), ("pdf", Form::Pdf)] {
            let bytes = Easel::of(app).draw(&company, &part, row.locale, form)?;
            let path = folder.join(format!("{}.{end}", row.code));
            fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
            super::tell(path.display());
        }
    }
    let friends = app.store.friends_by_certificate(&row.code).await?;
    let shown = Shown {
        state: standing(&row.facts(), app.today()),
        min_receipt: row
            .min_receipt
            .map(|minor| Money::new(minor, app.currency())),
        url: picture::page_of(app, &row.code),
        redemptions: app.store.redemptions(&row.code).await?,
        friends: friends.into_iter().collect(),
        row,
    };
    match args.format {
        Format::Json => json(out, &shown)?,
        Format::Text => show_text(&shown, out)?,
    }
    Ok(Exit::Done)
}

async fn take(app: &App, args: &RedeemArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let wish = Wish {
        code: &args.code,
        receipt: &args.purchase,
        day: args.on,
        amount: args.amount.as_deref(),
        client: args.client.as_deref(),
        contact: args.contact.as_deref(),
        name: args.name.as_deref(),
    };
    let done = match redeem(app, &wish, &args.by, Via::Command).await {
        Ok(done) => done,
        Err(WishError::Store(error)) => return Err(error.into()),
        Err(error) => {
            super::tell(error);
            return Ok(Exit::Wrong);
        }
    };
    let exit = match &done {
        Redeemed::Now { doubts, .. } if !doubts.is_empty() => Exit::NeedsPerson,
        Redeemed::Now { .. } | Redeemed::Before { .. } => Exit::Done,
        Redeemed::Denied { .. } | Redeemed::Unknown => Exit::Wrong,
    };
    match args.format {
        Format::Json => json(out, &outcome(done))?,
        Format::Text => taken_text(&done, out)?,
    }
    Ok(exit)
}

async fn list(app: &App, args: &ListArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let client = match &args.client {
        None => None,
        Some(id) => match super::explain::find(app, id).await? {
            Some(client) => Some(client),
            None => return Ok(Exit::Wrong),
        },
    };
    let rows = app.store.certificates(client, args.last).await?;
    if args.format == Format::Json {
        json(out, &rows)?;
        return Ok(Exit::Done);
    }
    for row in &rows {
        writeln!(
            out,
            "{:<26} {:<8} {} to {}  {:<7} {}  {} ({})",
            row.code,
            standing(&row.facts(), app.today()).word(),
            row.issued_on,
            row.valid_until,
            row.kind,
            gives(row),
            row.name,
            row.client
        )?;
    }
    if rows.is_empty() {
        writeln!(out, "No certificate was issued")?;
    }
    Ok(Exit::Done)
}

async fn void(app: &App, args: &WhyArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Some(row) = found(app, &args.code).await? else {
        return Ok(Exit::Wrong);
    };
    let done = app
        .store
        .void_certificate(&row.code, &args.by, &args.reason, app.now_ms());
    if done.await? {
        writeln!(out, "{} is void: nobody can use it any more", row.code)?;
    } else {
        writeln!(out, "{} was void before", row.code)?;
    }
    Ok(Exit::Done)
}

async fn undo(app: &App, args: &UndoArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Some(row) = found(app, &args.code).await? else {
        return Ok(Exit::Wrong);
    };
    let purchase = args.purchase.trim();
    let done = app
        .store
        .undo_redemption(&row.code, purchase, &args.by, &args.reason, app.now_ms());
    if !done.await? {
        super::tell(format_args!(
            "{} was not redeemed on purchase {purchase}",
            row.code
        ));
        return Ok(Exit::Wrong);
    }
    writeln!(out, "{} can be used again", row.code)?;
    Ok(Exit::Done)
}

async fn review(app: &App, args: &ReviewArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let (decide, decision) = match &args.decision {
        None => return reviews(app, args, out).await,
        Some(Decision::Approve(decide)) => (decide, ReviewDecision::Approved),
        Some(Decision::Reject(decide)) => (decide, ReviewDecision::Rejected),
    };
    let (today, now_ms, note) = (app.today(), app.now_ms(), decide.note.as_deref());
    let done = app
        .store
        .decide_review(decide.id, decision, &decide.by, note, today, now_ms);
    if !done.await? {
        super::tell(format_args!("{} is not open on the list", decide.id));
        return Ok(Exit::Wrong);
    }
    writeln!(out, "{} is {}", decide.id, decision.word())?;
    Ok(Exit::Done)
}

async fn reviews(app: &App, args: &ReviewArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let reviews = Reviews {
        reviews: app.store.reviews(args.all, args.last).await?,
        friends_to_be_known: app.store.friends_to_be_known().await?,
    };
    if args.format == Format::Json {
        json(out, &reviews)?;
        return Ok(Exit::Done);
    }
    for row in &reviews.reviews {
        let because: Vec<&str> = row.because.iter().map(|one| one.sentence()).collect();
        writeln!(
            out,
            "#{} {} on purchase {}{}",
            row.id,
            row.code,
            row.receipt,
            if row.redeemed {
                ""
            } else {
                " (no use was left to take)"
            }
        )?;
        writeln!(out, "    {}", because.join("; "))?;
        let friend = row.friend_name.as_deref().unwrap_or("not known yet");
        writeln!(
            out,
            "    giver {} ({}), friend {friend}",
            row.giver_name, row.giver
        )?;
        if let Some(decision) = &row.decision {
            let by = row.decided_by.as_deref().unwrap_or_default();
            writeln!(out, "    {decision} by {by}")?;
        }
    }
    if reviews.reviews.is_empty() {
        writeln!(out, "Nothing is doubtful")?;
    } else {
        writeln!(
            out,
            "`rekindle certificate review approve NUMBER` or `reject NUMBER` decides"
        )?;
    }
    if reviews.friends_to_be_known > 0 {
        writeln!(
            out,
            "{} of friends are not known as clients yet: an import will tell",
            super::counted(reviews.friends_to_be_known, "redemption")
        )?;
    }
    Ok(Exit::Done)
}

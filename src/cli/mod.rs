//! The commands: arguments, exit codes, and what a person sees in the terminal.

mod audit;
mod backtest;
mod backup;
mod campaign;
mod certificate;
mod certificate_words;
pub mod check;
mod client;
mod clients;
mod demo;
mod doctor;
mod exit;
mod explain;
pub mod import;
pub mod init;
pub mod logs;
mod messages;
mod migrate;
mod open;
mod picture;
mod plan;
mod preview;
mod progress;
mod reload;
mod report;
mod run;
mod runs;
mod service;
mod suppress;
mod tasks;

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use exit::Exit;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Campaign, Problem};
use crate::db::MOVED;
use crate::jobs::day::DayOptions;
use crate::model::Day;

/// Wakes sleeping clients: finds who missed their own purchase cycle and acts by your rules.
#[derive(Debug, Parser)]
#[command(name = "rekindle", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    config: open::Configuration,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Show all of it on a company that does not exist, in a folder of its own
    Demo(demo::DemoArgs),
    /// Write a configuration to start with
    Init(init::InitArgs),
    /// Report everything that is wrong in configuration, campaigns and templates
    Check(check::CheckArgs),
    /// Take up what the sources say
    Import(import::ImportArgs),
    /// Show what a day would do, and apply nothing
    Plan(plan::PlanArgs),
    /// Keep the schedules, deliver and answer until stopped; with --once run one day and stop
    Run(run::RunArgs),
    /// List the runs, or let one go that waits for a person
    Runs(runs::RunsArgs),
    /// Explain why one client gets what he gets, or nothing
    Explain(explain::ExplainArgs),
    /// Replay a campaign over past days without looking ahead
    Backtest(backtest::BacktestArgs),
    /// Count the clients by where they stand in their rhythm
    Report(report::ReportArgs),
    /// List every client with the rhythm in numbers
    Clients(clients::ClientsArgs),
    /// Show how far campaigns have come; pause, resume or cancel one
    Campaign(campaign::CampaignArgs),
    /// Say which addresses must not be written to
    Suppress(suppress::SuppressArgs),
    /// List the managers' tasks, or record what came of one
    Tasks(tasks::TasksArgs),
    /// Show, redeem or list certificates, and decide what is doubtful
    Certificate(certificate::CertificateArgs),
    /// Check everything that must be right before going live, and say how to mend it
    Doctor(doctor::DoctorArgs),
    /// List messages with what became of them, or decide about one
    Messages(messages::MessagesArgs),
    /// Show, export or forget one client
    Client(client::ClientArgs),
    /// List what people changed by hand
    Audit(audit::AuditArgs),
    /// Copy database and key while the service is running, and look whether the copy is whole
    Backup(backup::BackupArgs),
    /// Put a backup back; nothing leaves before a person says so
    Restore(backup::RestoreArgs),
    /// Move the base from SQLite into an empty database of PostgreSQL
    MigrateTo(migrate::MigrateArgs),
    /// Write a letter as it would look, as HTML and as text
    Preview(preview::PreviewArgs),
}

/// Which day a command looks at.
#[derive(Clone, Debug, Args)]
struct DayArgs {
    /// Look at this day, using nothing that is dated later [default: today]
    #[arg(long, value_name = "DATE")]
    as_of: Option<Day>,
}

impl DayArgs {
    fn options<'a>(&self, app: &App, also: Option<&'a str>) -> DayOptions<'a> {
        let today = app.today();
        let day = self.as_of.unwrap_or(today);
        DayOptions {
            day,
            as_of: self.as_of.is_some(),
            also,
        }
    }
}

/// How to print what people or programs read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON document
    Json,
}

/// How to print a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TableFormat {
    /// Comma separated, with a header
    Csv,
    /// One JSON array
    Json,
}

/// Runs a command.
pub async fn run(cli: Cli, clock: Clock) -> anyhow::Result<Exit> {
    match Box::pin(execute(cli, clock)).await {
        // Whoever reads has seen enough: `rekindle plan | head`.
        Err(error) if exit::pipe_is_closed(&error) => Ok(Exit::Done),
        ended => ended,
    }
}

async fn execute(cli: Cli, clock: Clock) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    match &cli.command {
        Command::Demo(args) => demo::run(args, &mut out).await,
        Command::Init(args) => {
            init::run(args, &mut out)?;
            Ok(Exit::Done)
        }
        Command::Check(args) => {
            let (templates, wrong) = open::templates(&cli.config.file);
            Ok(check::run(
                args,
                &cli.config.file,
                &open::known(&templates),
                wrong,
                &mut out,
            )?)
        }
        Command::Restore(args) => backup::restore(&cli.config, args, &clock, &mut out).await,
        command => with_app(&cli.config, command, clock, &mut out).await,
    }
}

/// Runs a command that needs the database.
async fn with_app(
    config: &open::Configuration,
    command: &Command,
    clock: Clock,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let app = match open::app(config, clock).await? {
        Ok(app) => Arc::new(app),
        Err(problems) => return Ok(show_problems(&problems)),
    };
    let moved = app.store.holds().await?;
    let moved = moved.into_iter().find(|hold| hold.name == MOVED);
    if let Some(hold) = &moved {
        tell(format_args!(
            "{}: {}; write its address into database.url. It can only be looked at here",
            app.store.place(),
            hold.reason
        ));
        if matches!(command, Command::Run(_) | Command::Import(_)) {
            return Ok(Exit::Wrong);
        }
    }
    if moved.is_none() && looks_at_facts(command) {
        let freshened = import::freshen(&app).await?;
        if freshened != Exit::Done && matches!(command, Command::Run(_)) {
            tell(format_args!(
                "nothing was run: a plan on stale facts would write to the wrong people"
            ));
            return Ok(freshened);
        }
    }
    let exit = match command {
        Command::Demo(_) | Command::Init(_) | Command::Check(_) | Command::Restore(_) => {
            Ok(Exit::Done)
        }
        Command::Import(args) => import::run(&app, args, out).await,
        Command::Plan(args) => plan::run(&app, args, out).await,
        Command::Run(args) => run::run(&app, args, config, out).await,
        Command::Runs(args) => runs::run(&app, args, out).await,
        Command::Explain(args) => explain::run(&app, args, out).await,
        Command::Backtest(args) => backtest::run(&app, args, out).await,
        Command::Report(args) => report::run(&app, args, out).await,
        Command::Clients(args) => clients::run(&app, args, out).await,
        Command::Campaign(args) => campaign::run(&app, args, out).await,
        Command::Suppress(args) => suppress::run(&app, args, out).await,
        Command::Tasks(args) => tasks::run(&app, args, out).await,
        Command::Certificate(args) => certificate::run(&app, args, out).await,
        Command::Doctor(args) => doctor::run(&app, args, out).await,
        Command::Messages(args) => messages::run(&app, args, out).await,
        Command::Client(args) => client::run(&app, args, out).await,
        Command::Audit(args) => audit::run(&app, args, out).await,
        Command::Backup(args) => backup::run(&app, args, out).await,
        Command::MigrateTo(args) => migrate::run(&app, args, out).await,
        Command::Preview(args) => preview::run(&app, args, out).await,
    };
    app.store.close().await;
    exit
}

/// Whether a command looks at what the sources say, so that they are read first.
fn looks_at_facts(command: &Command) -> bool {
    matches!(
        command,
        Command::Plan(_)
            | Command::Run(run::RunArgs { once: true, .. })
            | Command::Explain(_)
            | Command::Clients(_)
            | Command::Preview(preview::PreviewArgs {
                client: Some(_),
                ..
            })
    )
}

/// A number with its word: `1 error`, `2 errors`.
fn counted<N: Copy + PartialEq + From<u8> + fmt::Display>(n: N, word: &str) -> String {
    let plural = if n == N::from(1) { "" } else { "s" };
    format!("{n} {word}{plural}")
}

/// Tells a person something on standard error; that nobody reads it is no error.
fn tell(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints the problems of the configuration.
fn show_problems(problems: &[Problem]) -> Exit {
    for problem in problems {
        tell(format_args!("{problem}"));
    }
    Exit::Wrong
}

/// The campaign of an id; where there is none, says so with the nearest name.
fn known_campaign<'a>(app: &'a App, id: &str) -> Option<&'a Campaign> {
    let known = app.campaign(id);
    if known.is_none() {
        let ids = app.campaigns.iter().map(|campaign| campaign.id.as_str());
        let nearest =
            ids.max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
        let hint = nearest.map(|id| format!(": did you mean \"{id}\"?"));
        let hint = hint.unwrap_or_default();
        tell(format_args!("there is no campaign \"{id}\"{hint}"));
    }
    known
}

//! `rekindle import`: take up what the sources say.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

use super::plan::json;
use super::{Exit, Format};
use crate::app::App;
use crate::config::settings::Source;
use crate::db::Lock;
use crate::jobs::import::{
    FileSummary, ImportOptions, ImportProgress, ImportResult, ImportSummary, OnProgress,
    import_source,
};
use crate::jobs::rhythms::{self, RhythmsKept};

/// Arguments of `rekindle import`.
#[derive(Clone, Debug, Default, Args)]
pub struct ImportArgs {
    /// Only this source
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Apply a snapshot even if it has lost a good part of its rows
    #[arg(long)]
    accept_shrink: bool,
    /// Read files again that have not changed
    #[arg(long)]
    again: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What all imports did, for programs.
#[derive(Debug, Default, Serialize)]
struct Report {
    sources: Vec<ImportSummary>,
    errors: Vec<Failure>,
    rhythms: RhythmsKept,
}

/// A source of which nothing could be applied.
#[derive(Debug, Serialize)]
struct Failure {
    source: String,
    error: String,
}

/// Imports one source or all of them, one after the other; what fails does not stop the rest.
pub async fn run(app: &App, args: &ImportArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Some(sources) = chosen(app, args.source.as_deref()) else {
        return Ok(Exit::Wrong);
    };
    let options = ImportOptions {
        accept_shrink: args.accept_shrink,
        again: args.again,
        ..ImportOptions::default()
    };
    let report = import_all(app, sources, options).await?;
    match args.format {
        Format::Json => json(out, &report)?,
        Format::Text => write!(out, "{}", text(&report))?,
    }
    let nothing_done = report.sources.is_empty() && !report.errors.is_empty();
    if nothing_done && args.format == Format::Text {
        anyhow::bail!("nothing was imported");
    }
    Ok(exit(&report))
}

/// Brings the facts up to date before they are looked at: sources whose files have changed are
/// imported; what came in is said on standard error.
///
/// A source that cannot be read or is held leaves its old facts in place, and the exit tells that a
/// person has to look.
pub(super) async fn freshen(app: &App) -> anyhow::Result<Exit> {
    let sources = app.settings.sources.iter().collect();
    let report = import_all(app, sources, ImportOptions::default()).await?;
    let unchanged = |summary: &ImportSummary| summary.result == ImportResult::Unchanged;
    if !report.errors.is_empty() || !report.sources.iter().all(unchanged) {
        super::tell(format_args!("{}", text(&report).trim_end()));
    }
    Ok(exit(&report))
}

/// Imports some sources, one after the other, and brings the rhythms up to date.
async fn import_all(
    app: &App,
    sources: Vec<&Source>,
    options: ImportOptions,
) -> anyhow::Result<Report> {
    let planning = app.store.lock(Lock::Planning).await?;
    planning.during(import_each(app, sources, options)).await?
}

async fn import_each(
    app: &App,
    sources: Vec<&Source>,
    options: ImportOptions,
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    for source in sources {
        let (bar, progress) = bar_of(source);
        match import_source(app, source, options, progress).await {
            Ok(summary) => report.sources.push(summary),
            Err(error) => report.errors.push(Failure {
                source: source.name.clone(),
                error: error.to_string(),
            }),
        }
        bar.finish_and_clear();
    }
    let bar = super::progress::clients();
    let shown = |done: u64| bar.set_message(HumanCount(done).to_string());
    report.rhythms = rhythms::keep_up(app, &shown).await?;
    bar.finish_and_clear();
    Ok(report)
}

/// The sources to import; nothing, after saying why, when there are none.
fn chosen<'a>(app: &'a App, name: Option<&str>) -> Option<Vec<&'a Source>> {
    let all = &app.settings.sources;
    if all.is_empty() {
        super::tell(
            "no source is configured: add [[source]] with name and path to the configuration",
        );
        return None;
    }
    let Some(name) = name else {
        return Some(all.iter().collect());
    };
    if let Some(source) = all.iter().find(|source| source.name == name) {
        return Some(vec![source]);
    }
    let names: Vec<&str> = all.iter().map(|source| source.name.as_str()).collect();
    let known = names.join(", ");
    super::tell(format_args!(
        "there is no source \"{name}\"; the configuration has {known}"
    ));
    None
}

fn exit(report: &Report) -> Exit {
    let fine = |summary: &ImportSummary| {
        matches!(summary.result, ImportResult::Done | ImportResult::Unchanged)
    };
    if report.errors.is_empty() && report.sources.iter().all(fine) {
        Exit::Done
    } else {
        Exit::NeedsPerson
    }
}

/// A bar with the rate of rows on a terminal; a line for each step elsewhere.
fn bar_of(source: &Source) -> (ProgressBar, OnProgress) {
    let name = source.name.clone();
    if !io::stderr().is_terminal() {
        return (ProgressBar::hidden(), plain_lines(name));
    }
    let bar = ProgressBar::new(0);
    let template = "{prefix} {msg} [{bar:30}] {percent}% {rate}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = write!(text, "{} rows/s", HumanCount(state.per_sec() as u64));
        };
        bar.set_style(style.progress_chars("=> ").with_key("rate", rate));
    }
    bar.set_prefix(name);
    let shown = bar.clone();
    let progress = move |progress: ImportProgress| {
        let (message, done, of) = match progress {
            ImportProgress::Reading(read) => {
                // Rows are counted, and how many there will be follows from the bytes.
                let share = read.of_bytes as f64 / read.bytes.max(1) as f64;
                let of = (read.rows as f64 * share) as u64;
                (format!("reading {}", read.file), read.rows, of)
            }
            ImportProgress::Writing { kind, done, of } => {
                (format!("writing {}", kind.word()), done, of)
            }
        };
        if shown.message() != message {
            shown.reset();
            shown.set_message(message);
        }
        shown.set_length(of.max(done));
        shown.set_position(done);
    };
    (bar, Arc::new(progress))
}

/// Says what begins, once for each step.
fn plain_lines(source: String) -> OnProgress {
    let last = std::sync::Mutex::new(String::new());
    Arc::new(move |progress| {
        let step = match progress {
            ImportProgress::Reading(read) => format!("{source}: reading {}", read.file),
            ImportProgress::Writing { kind, of, .. } => {
                format!("{source}: writing {of} {}", kind.word())
            }
        };
        let mut last = last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *last != step {
            super::tell(format_args!("{step}"));
            *last = step;
        }
    })
}

/// What a person reads when it is done.
fn text(report: &Report) -> String {
    let mut text = String::new();
    for summary in &report.sources {
        source_text(&mut text, summary);
    }
    for failure in &report.errors {
        let _ = writeln!(
            text,
            "{}: nothing was applied: {}",
            failure.source, failure.error
        );
    }
    let rhythms = report.rhythms;
    if rhythms.refreshed > 0 {
        let _ = writeln!(
            text,
            "rhythms of {} clients are up to date",
            HumanCount(rhythms.refreshed)
        );
    }
    text
}

fn source_text(text: &mut String, summary: &ImportSummary) {
    let name = &summary.source;
    let _ = match summary.result {
        ImportResult::Done => writeln!(text, "{name}: done"),
        ImportResult::Unchanged => {
            writeln!(text, "{name}: the files are those of the last import")
        }
        ImportResult::Held => writeln!(text, "{name}: held, nothing was applied"),
        ImportResult::Failed => {
            writeln!(
                text,
                "{name}: some files could not be read, the others are in"
            )
        }
    };
    for file in &summary.files {
        file_text(text, file);
    }
    for problem in &summary.problems {
        let _ = writeln!(text, "  {}: {}", problem.file, problem.problem);
    }
    for shrunk in &summary.shrunk {
        let _ = writeln!(
            text,
            "  {}.csv has {} of {} rows left: if that is right, import with --accept-shrink",
            shrunk.kind.word(),
            HumanCount(shrunk.now),
            HumanCount(shrunk.before),
        );
    }
    if summary.implied_clients > 0 {
        let _ = writeln!(
            text,
            "  {} clients are known only because other facts name them",
            HumanCount(summary.implied_clients)
        );
    }
    for note in &summary.notes {
        let _ = writeln!(text, "  {note}");
    }
}

fn file_text(text: &mut String, file: &FileSummary) {
    let _ = write!(
        text,
        "  {:<18} {:>11} rows: {} new, {} changed, {} gone",
        file.file,
        HumanCount(file.rows).to_string(),
        HumanCount(file.changes.new),
        HumanCount(file.changes.changed),
        HumanCount(file.changes.deleted),
    );
    for (count, what) in [
        (file.skipped, "not paid"),
        (file.rejected.rows, "rejected"),
        (file.rejected.values, "values left out"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {} {what}", HumanCount(count));
        }
    }
    text.push('\n');
    for one in &file.examples {
        let what = if one.row_lost {
            "row rejected"
        } else {
            "value left out"
        };
        let _ = write!(text, "    line {}: {what}: ", one.line);
        if !one.column.is_empty() {
            let _ = write!(text, "{} \"{}\" ", one.column, one.value);
        }
        text.push_str(&one.reason);
        if !one.hint.is_empty() {
            let _ = write!(text, "; {}", one.hint);
        }
        text.push('\n');
    }
    if let Some(path) = &file.rejects {
        let _ = writeln!(text, "    all of them: {}", path.display());
    }
}

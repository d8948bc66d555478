//! `rekindle check`: everything that is wrong in the configuration, at once.
//!
//! Prints and counts; finding problems is the business of `config::load` and, for templates, of
//! `render`.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Exit, Format, counted};
use crate::config::campaign::CampaignStatus;
use crate::config::schema::{FileKind, schema_text};
use crate::config::{self, KnownTemplates, Loaded, Problem, Severity};

/// Arguments of `rekindle check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Print the JSON schema of a kind of file, for editors, and check nothing
    #[arg(long, value_enum, value_name = "KIND")]
    pub schema: Option<SchemaOf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// The kinds of file that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// config/rekindle.toml
    Settings,
    /// config/campaigns/*.toml
    Campaign,
}

/// Checks the configuration and prints what was found.
///
/// `known` are the templates that steps may name, `template_problems` what is wrong in the
/// templates themselves.
///
/// # Errors
///
/// Only when `out` cannot be written to.
pub fn run(
    args: &CheckArgs,
    config_file: &Path,
    known: &KnownTemplates,
    template_problems: Vec<Problem>,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    if let Some(kind) = args.schema {
        let kind = match kind {
            SchemaOf::Settings => FileKind::Settings,
            SchemaOf::Campaign => FileKind::Campaign,
        };
        write!(out, "{}", schema_text(kind))?;
        return Ok(Exit::Done);
    }
    let (loaded, mut problems) = match config::load(config_file, known) {
        Ok(loaded) => {
            let warnings = loaded.warnings.clone();
            (Some(loaded), warnings)
        }
        Err(problems) => (None, problems),
    };
    problems.extend(template_problems);
    let is_wrong = problems.iter().any(Problem::is_error);
    match args.format {
        Format::Text => print_text(out, loaded.as_ref(), known, &problems)?,
        Format::Json => print_json(out, loaded.as_ref(), known, &problems)?,
    }
    Ok(if is_wrong { Exit::Wrong } else { Exit::Done })
}

fn print_text(
    out: &mut dyn Write,
    loaded: Option<&Loaded>,
    known: &KnownTemplates,
    problems: &[Problem],
) -> io::Result<()> {
    for problem in problems {
        writeln!(out, "{problem}")?;
    }
    let (errors, warnings) = (
        count(problems, Severity::Error),
        count(problems, Severity::Warning),
    );
    if !problems.is_empty() {
        writeln!(out)?;
    }
    let (Some(loaded), 0) = (loaded, errors) else {
        let files: BTreeSet<&str> = problems
            .iter()
            .map(|problem| problem.file.as_str())
            .collect();
        let files = counted(files.len(), "file");
        let warnings = match warnings {
            0 => String::new(),
            n => format!(" and {}", counted(n, "warning")),
        };
        let errors = counted(errors, "error");
        return writeln!(
            out,
            "{errors}{warnings} in {files}: nothing runs until this is mended"
        );
    };
    let of = |status| {
        let campaigns = loaded.campaigns.iter();
        campaigns
            .filter(|campaign| campaign.status == status)
            .count()
    };
    let said = if warnings == 0 {
        "ok".to_owned()
    } else {
        counted(warnings, "warning")
    };
    writeln!(
        out,
        "{said}: {} ({} live, {} draft, {} paused), {}, {}",
        counted(loaded.campaigns.len(), "campaign"),
        of(CampaignStatus::Live),
        of(CampaignStatus::Draft),
        of(CampaignStatus::Paused),
        counted(loaded.settings.sources.len(), "source"),
        counted(templates(known), "template"),
    )?;
    if loaded.settings.sources.is_empty() {
        writeln!(
            out,
            "no data yet: add a [[source]] to {}",
            config_file_name(loaded)
        )?;
    }
    Ok(())
}

fn config_file_name(loaded: &Loaded) -> String {
    let file = loaded.config_file.display().to_string();
    file.strip_prefix("./").map(str::to_owned).unwrap_or(file)
}

fn print_json(
    out: &mut dyn Write,
    loaded: Option<&Loaded>,
    known: &KnownTemplates,
    problems: &[Problem],
) -> io::Result<()> {
    let campaigns = loaded.map(|loaded| {
        let campaigns = loaded.campaigns.iter();
        let campaigns =
            campaigns.map(|campaign| json!({ "id": campaign.id, "status": campaign.status }));
        campaigns.collect::<Vec<_>>()
    });
    let sources = loaded.map(|loaded| {
        let names = loaded
            .settings
            .sources
            .iter()
            .map(|source| source.name.as_str());
        names.collect::<Vec<_>>()
    });
    let document = json!({
        "errors": count(problems, Severity::Error),
        "warnings": count(problems, Severity::Warning),
        "campaigns": campaigns,
        "sources": sources,
        "templates": templates(known),
        "problems": problems,
    });
    writeln!(out, "{document:#}")
}

fn count(problems: &[Problem], severity: Severity) -> usize {
    problems
        .iter()
        .filter(|problem| problem.severity == severity)
        .count()
}

fn templates(known: &KnownTemplates) -> usize {
    known.letters.len() + known.whatsapp.len() + known.scripts.len()
}

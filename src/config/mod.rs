//! Parsed configuration: `config/rekindle.toml` and `config/campaigns/*.toml`.
//!
//! [`settings`] and [`campaign`] are the types and, with their comments, the documentation of
//! every key; [`values`] are the small values they are written in. [`load`] reads everything and
//! reports every [`Problem`] at once. Secrets never stand in these files.

mod audience;
pub mod campaign;
pub mod certificate;
mod check;
mod content;
mod files;
mod hours;
pub mod outcomes;
pub mod problem;
pub mod ready;
pub mod reasons;
pub mod schedule;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod smtp;
mod source;
mod tasks;
pub mod values;
pub mod web;
pub mod whatsapp;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use campaign::Campaign;
pub use problem::{Problem, Severity};
pub use settings::Settings;

use problem::shown_path;

/// The names of the templates that steps may use, built-in ones included.
///
/// A set that is empty is not known here: names of its kind are then not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownTemplates {
    /// Templates of letters.
    pub letters: BTreeSet<String>,
    /// Templates of WhatsApp messages.
    pub whatsapp: BTreeSet<String>,
    /// Scripts for managers.
    pub scripts: BTreeSet<String>,
    /// Pictures of certificates.
    pub certificates: BTreeSet<String>,
    /// The parts of an episode without which a letter cannot be rendered, by its name.
    pub needs: BTreeMap<String, Vec<String>>,
}

/// A configuration without errors.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The folder that relative paths start at.
    pub home: PathBuf,
    /// The file of the settings.
    pub config_file: PathBuf,
    /// The settings.
    pub settings: Settings,
    /// The campaigns in the order of their ids.
    pub campaigns: Vec<Campaign>,
    /// The file of each campaign by its id.
    pub campaign_files: BTreeMap<String, PathBuf>,
    /// What is probably not meant.
    pub warnings: Vec<Problem>,
}

impl Loaded {
    /// The folder of the campaigns.
    pub fn campaigns_folder(&self) -> PathBuf {
        self.home.join(&self.settings.paths.campaigns)
    }

    /// The folder of the company's own templates.
    pub fn templates_folder(&self) -> PathBuf {
        self.home.join(&self.settings.paths.templates)
    }

    /// Where sandbox delivery puts messages.
    pub fn sandbox_folder(&self) -> PathBuf {
        self.home.join(&self.settings.paths.sandbox)
    }

    /// Where imports put the rows that they could not take.
    pub fn rejects_folder(&self) -> PathBuf {
        self.home.join(&self.settings.paths.rejects)
    }

    /// The key for hashes of addresses.
    pub fn key_file(&self) -> PathBuf {
        self.home.join(&self.settings.paths.key)
    }

    /// The file or folder of a source.
    pub fn source_path(&self, source: &settings::Source) -> PathBuf {
        self.home.join(&source.path)
    }

    /// The campaign of an id.
    pub fn campaign(&self, id: &str) -> Option<&Campaign> {
        self.campaigns.iter().find(|campaign| campaign.id == id)
    }
}

/// Reads the settings and all campaigns.
///
/// `known` are the templates that steps may name (see [`templates_folder`]).
///
/// # Errors
///
/// Every problem of every file, warnings included, in the order of reading; at least one of them is
/// an error. A broken file hides nothing in the others.
pub fn load(config_file: &Path, known: &KnownTemplates) -> Result<Loaded, Vec<Problem>> {
    let home = files::home_of(config_file);
    let mut problems = Vec::new();
    let mut read = |path: &Path| match files::read_text(path) {
        Ok(text) => Some(check::Source::new(shown_path(path), text)),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    };
    let source = read(config_file);
    let settings = source
        .as_ref()
        .map(|source| check::settings(source, &home, known));
    let written = settings.as_ref().and_then(check::Checked::mended);
    let paths = written.map_or_else(settings::Paths::default, |settings| settings.paths.clone());
    let (files, wrong) = files::campaign_files(&home.join(paths.campaigns));
    let sources: Vec<(PathBuf, check::Source)> = files
        .into_iter()
        .filter_map(|path| read(&path).map(|source| (path, source)))
        .collect();
    problems.extend(wrong);
    let campaigns = sources
        .iter()
        .map(|(_, source)| check::campaign(source, settings.as_ref(), known));
    let mut campaigns: Vec<_> = campaigns.collect();
    check::across(&mut campaigns);
    problems.extend(settings.iter().flat_map(|checked| checked.problems.clone()));
    problems.extend(
        campaigns
            .iter()
            .flat_map(|checked| checked.problems.clone()),
    );
    Problem::sort(&mut problems);
    let good = settings.as_ref().and_then(check::Checked::good).cloned();
    let (Some(settings), false) = (good, problems.iter().any(Problem::is_error)) else {
        return Err(problems);
    };
    let paths = sources.iter().map(|(path, _)| path);
    let by_id = campaigns
        .iter()
        .zip(paths)
        .filter_map(|(checked, path)| Some((checked.good()?, path)));
    let mut campaigns: Vec<Campaign> = by_id
        .clone()
        .map(|(campaign, _)| campaign.clone())
        .collect();
    campaigns.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Loaded {
        home,
        config_file: config_file.to_owned(),
        settings,
        campaigns,
        campaign_files: by_id
            .map(|(campaign, path)| (campaign.id.clone(), path.clone()))
            .collect(),
        warnings: problems,
    })
}

/// The folder of the company's own templates, as far as the settings say it.
///
/// Steps are checked against the templates that exist, so this is asked before [`load`]; it never
/// fails, since `load` reports whatever is wrong.
pub fn templates_folder(config_file: &Path) -> PathBuf {
    let home = files::home_of(config_file);
    let text = files::read_text(config_file).unwrap_or_default();
    let (root, _) = toml::de::DeTable::parse_recoverable(&text);
    let paths = root.get_ref().get("paths");
    let written = paths.and_then(|paths| paths.get_ref().get("templates")?.get_ref().as_str());
    match written.filter(|written| !written.is_empty()) {
        Some(written) => home.join(written),
        None => home.join(settings::Paths::default().templates),
    }
}

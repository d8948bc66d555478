//! Looks at the text of configuration files and says everything that is wrong in them, at once.
//!
//! In this order: [`syntax`] (is it TOML), [`shape`] (are the keys and values those of the schema),
//! then the rules (can it be meant): [`settings_rules`], [`campaign_rules`] and, between campaigns,
//! [`across`]. Every step goes on behind a mistake as far as it can without guessing. Finding the
//! files is the business of `config::load`.

mod across;
mod campaign_rules;
mod certificate_rules;
mod content_rules;
mod document;
mod findings;
mod formats;
mod guesses;
mod nearest;
mod schedule_rules;
mod settings_rules;
mod shape;
mod smtp_rules;
mod step_rules;
mod syntax;
mod unknown_key;
mod web_rules;
mod whatsapp_rules;
mod wording;

use std::path::Path;

use serde::de::DeserializeOwned;

use self::document::{Document, KeyPath};
use self::findings::Finding;
use super::campaign::CampaignStatus;
use super::problem::{Problem, Severity};
use super::schema::{FileKind, Node, schema};
use super::{Campaign, KnownTemplates, Settings};

pub(super) use self::across::across;
pub(super) use self::syntax::Source;

/// A file after its check.
pub(super) struct Checked<'t, T> {
    document: Document<'t>,
    /// The content with stand-ins at the broken places; absent when keys of it were lost.
    mended: Option<T>,
    broken: Vec<KeyPath>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
}

impl<T> Checked<'_, T> {
    /// The content, when there is no error in it.
    pub(super) fn good(&self) -> Option<&T> {
        let broken = self.problems.iter().any(Problem::is_error);
        self.mended.as_ref().filter(|_| !broken)
    }

    /// The content as far as it could be read, stand-ins included.
    pub(super) fn mended(&self) -> Option<&T> {
        self.mended.as_ref()
    }

    /// The content, when nothing at or below `path` is broken.
    fn trusted(&self, path: &KeyPath) -> Option<&T> {
        let touches = |broken: &KeyPath| broken.starts_with(path) || path.starts_with(broken);
        let touched = self.broken.iter().any(touches);
        self.mended.as_ref().filter(|_| !touched)
    }

    fn add(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if !finding.is_doubtful(&self.broken) {
                self.problems.push(finding.into_problem(&self.document));
            }
        }
    }
}

/// Checks the text of `config/rekindle.toml`.
pub(super) fn settings<'t>(
    source: &'t Source,
    home: &Path,
    known: &KnownTemplates,
) -> Checked<'t, Settings> {
    let mut checked: Checked<'t, Settings> = read(source, FileKind::Settings);
    if let Some(settings) = &checked.mended {
        let mut findings = settings_rules::all(settings, home);
        findings.extend(certificate_rules::picture_of_friend_named_exists(
            settings, known,
        ));
        checked.add(findings);
    }
    checked
}

/// Checks the text of one campaign; what it says about the settings is left out where those are
/// broken themselves.
pub(super) fn campaign<'t>(
    source: &'t Source,
    settings: Option<&Checked<'_, Settings>>,
    known: &KnownTemplates,
) -> Checked<'t, Campaign> {
    let mut checked: Checked<'t, Campaign> = read(source, FileKind::Campaign);
    if checked.document.root().is_empty() && source.problems().is_empty() {
        let hint = "delete it, or copy a ready campaign; to stop one write status = \"paused\"";
        let problem = Problem::error(checked.document.file(), "there is no campaign in the file");
        checked.problems = vec![problem.with_hint(hint)];
        return checked;
    }
    let status = KeyPath::root().key("status");
    let is_draft = |campaign: &Campaign| campaign.status == CampaignStatus::Draft;
    let is_draft = checked.trusted(&status).is_some_and(is_draft);
    if let Some(campaign) = &checked.mended {
        let company = settings
            .map(campaign_rules::Surroundings::of)
            .unwrap_or_default();
        let file = checked.document.file();
        let findings = campaign_rules::all(campaign, file, company, known, is_draft);
        checked.add(findings);
    }
    checked
}

/// Reads a text as a kind of file: syntax and shape.
fn read<T: DeserializeOwned>(source: &Source, kind: FileKind) -> Checked<'_, T> {
    let document = source.document();
    let shape = shape::check(&document, Node::root(schema(kind)));
    let mut problems = source.problems().to_vec();
    // What is said of a value on a broken line follows from the break.
    let sure = |problem: &Problem| !problem.line.is_some_and(|line| source.is_broken(line));
    problems.extend(shape.problems.into_iter().filter(sure));
    let mut mended = None;
    if source.is_complete() {
        problems.extend(shape.missing);
        match serde_json::from_value(shape.mended) {
            Ok(value) => mended = Some(value),
            // The schema says yes and the type says no: never silently.
            Err(error) => {
                let message = format!("cannot be read: {error}");
                problems.push(document.problem(Severity::Error, 0..0, message));
            }
        }
    }
    Checked {
        document,
        mended,
        broken: shape.broken,
        problems,
    }
}

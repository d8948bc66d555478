//! Opening the application: configuration, templates, database and key, in this order.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{self, KnownTemplates, Loaded, Problem};
use crate::db::Store;
use crate::pictures::CertificateArtist;
use crate::render::{Kind, TemplateProblem, Templates};
use crate::sources::load_or_create_key;

/// The configuration and the templates, without a database.
pub(super) struct Configured {
    /// What the files say.
    pub loaded: Loaded,
    /// The company's templates over the built-in ones.
    pub templates: Templates,
    /// Draws certificates with the company's own fonts.
    pub artist: CertificateArtist,
}

/// The names of the templates that steps may use.
pub(super) fn known(templates: &Templates) -> KnownTemplates {
    let of = |kind: Kind| -> BTreeSet<String> {
        let infos = templates.templates();
        infos
            .into_iter()
            .filter(|info| info.kind == kind)
            .map(|info| info.name)
            .collect()
    };
    let letters = templates.templates().into_iter();
    let letters = letters.filter(|info| info.kind == Kind::Letter);
    let needs = letters.map(|info| {
        let needs = info.needs.into_iter().map(str::to_owned);
        (info.name, needs.collect())
    });
    KnownTemplates {
        needs: needs.collect(),
        letters: of(Kind::Letter),
        whatsapp: of(Kind::WhatsApp),
        scripts: of(Kind::Script),
        certificates: of(Kind::Certificate),
    }
}

/// The templates of a configuration, and what is wrong in them.
pub(super) fn templates(config_file: &Path) -> (Templates, Vec<Problem>) {
    let folder = config::templates_folder(config_file);
    let (templates, wrong) = Templates::load(folder.is_dir().then_some(folder.as_path()));
    (templates, wrong.iter().map(template_problem).collect())
}

/// Reads configuration and templates; every problem of both at once.
pub(super) fn configuration(config_file: &Path) -> Result<Configured, Vec<Problem>> {
    let (templates, mut problems) = templates(config_file);
    match config::load(config_file, &known(&templates)) {
        Ok(loaded) if problems.is_empty() => {
            let folder = config::templates_folder(config_file);
            let artist = CertificateArtist::new(folder.is_dir().then_some(folder.as_path()));
            Ok(Configured {
                loaded,
                templates,
                artist,
            })
        }
        Ok(_) => Err(problems),
        Err(mut found) => {
            problems.append(&mut found);
            Err(problems)
        }
    }
}

/// A problem of a template in the form in which all problems are shown.
pub(super) fn template_problem(problem: &TemplateProblem) -> Problem {
    let shown = Problem::error(problem.file.clone(), problem.what.clone());
    let shown = match problem.line {
        Some(line) => shown.at(line, problem.column.unwrap_or(1), 1, ""),
        None => shown,
    };
    match &problem.hint {
        Some(hint) => shown.with_hint(hint.clone()),
        None => shown,
    }
}

/// Opens everything. The problems of the configuration come back as they are, to be shown.
pub(super) async fn app(
    config_file: &Path,
    clock: Clock,
) -> anyhow::Result<Result<App, Vec<Problem>>> {
    let Configured {
        loaded,
        templates,
        artist,
    } = match configuration(config_file) {
        Ok(configured) => configured,
        Err(problems) => return Ok(Err(problems)),
    };
    let database = &loaded.settings.database;
    let wait = Duration::from_secs(database.wait_seconds.into());
    let store = Store::open_waiting(&database.url, &loaded.home, wait).await?;
    let key_file = loaded.key_file();
    let key = load_or_create_key(&key_file)
        .with_context(|| format!("read the key of addresses {}", key_file.display()))?;
    Ok(Ok(App {
        home: loaded.home,
        settings: loaded.settings,
        campaigns: loaded.campaigns,
        templates,
        artist,
        store,
        key,
        clock,
    }))
}

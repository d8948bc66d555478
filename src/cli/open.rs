//! Opening the application: configuration, templates, database and key, in this order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use crate::app::App;
use crate::clock::Clock;
use crate::config::secrets::{self, SecretString};
use crate::config::{self, KnownTemplates, Loaded, Problem, Settings};
use crate::db::{Access, Store};
use crate::pictures::CertificateArtist;
use crate::render::{Kind, TemplateProblem, Templates};
use crate::sources::load_or_create_key;

/// Where the configuration is, and what the command line says instead of it.
#[derive(Clone, Debug, Args)]
pub(super) struct Configuration {
    /// The configuration file
    #[arg(
        id = "config",
        long = "config",
        global = true,
        value_name = "FILE",
        env = "REKINDLE_CONFIG",
        default_value = "config/rekindle.toml"
    )]
    pub file: PathBuf,
    /// The database, instead of database.url: sqlite://FILE or postgres://USER@HOST/NAME
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "REKINDLE_DATABASE_URL",
        hide_env_values = true
    )]
    pub database: Option<String>,
}

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
pub(super) fn configuration(config: &Configuration) -> Result<Configured, Vec<Problem>> {
    let config_file = config.file.as_path();
    let (templates, mut problems) = templates(config_file);
    match config::load(config_file, &known(&templates)) {
        Ok(mut loaded) if problems.is_empty() => {
            if let Some(url) = &config.database {
                loaded.settings.database.url.clone_from(url);
            }
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

/// The password of the database, where the settings name its file.
pub(super) fn password(settings: &Settings, home: &Path) -> anyhow::Result<Option<SecretString>> {
    let file = settings.database.password_file.as_ref();
    let secret = file.map(|file| secrets::from_file(&home.join(file)));
    secret.transpose().context("the password of the database")
}

/// How the configured database is reached.
pub(super) fn access<'a>(loaded: &'a Loaded, password: Option<&'a SecretString>) -> Access<'a> {
    let database = &loaded.settings.database;
    Access {
        url: &database.url,
        home: &loaded.home,
        wait: Duration::from_secs(database.wait_seconds.into()),
        password,
    }
}

/// Opens everything. The problems of the configuration come back as they are, to be shown.
pub(super) async fn app(
    config: &Configuration,
    clock: Clock,
) -> anyhow::Result<Result<App, Vec<Problem>>> {
    let Configured {
        loaded,
        templates,
        artist,
    } = match configuration(config) {
        Ok(configured) => configured,
        Err(problems) => return Ok(Err(problems)),
    };
    let password = password(&loaded.settings, &loaded.home)?;
    let store = Store::open_with(&access(&loaded, password.as_ref())).await?;
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

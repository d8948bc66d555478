//! The server of a mailing: the sink for letters, the fake for nudges; both write their log to the
//! disk before they answer.

use std::path::{Path, PathBuf};

use super::fake::{Buttons, Fake, Script, Template, TemplateState};
use super::mailing::{Way, lines};
use super::sink::{Manners, Sink};

pub(crate) enum Servers {
    Letters { sink: Sink, log: PathBuf },
    Nudges { fake: Fake, log: PathBuf },
}

impl Servers {
    pub(crate) async fn start(way: Way, log: &Path) -> Self {
        match way {
            Way::Letters => Self::letters(log, Manners::default()).await,
            Way::Nudges => Self::nudges(log, script()).await,
        }
    }

    pub(crate) async fn letters(log: &Path, manners: Manners) -> Self {
        let sink = Sink::start(0, Some(log), manners).await;
        Self::Letters {
            sink: sink.expect("a free port"),
            log: log.to_owned(),
        }
    }

    pub(crate) async fn nudges(log: &Path, script: Script) -> Self {
        Self::Nudges {
            fake: Fake::start(script, 0, log).await,
            log: log.to_owned(),
        }
    }

    /// As the settings of a mailing want it.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Letters { sink, .. } => sink.address.port().to_string(),
            Self::Nudges { fake, .. } => fake.base_url(),
        }
    }

    /// How much has come.
    pub(crate) fn taken(&self) -> u64 {
        match self {
            Self::Letters { log, .. } | Self::Nudges { log, .. } => lines(log),
        }
    }
}

/// An account with the template of the mailings, and no limits.
pub(crate) fn script() -> Script {
    Script {
        per_second: 0,
        pair_seconds: 0,
        templates: vec![Template {
            name: "thank_you_short".to_owned(),
            language: "en".to_owned(),
            header: None,
            body: 1,
            buttons: vec![Buttons::QuickReply],
            state: TemplateState::Approved,
        }],
        ..Script::default()
    }
}

//! Configuration as people write it, and what rekindle says about it.

mod broken;
mod commands;
mod documentation;
mod fuzz;
mod ready;
mod schedule;
mod whatsapp;

use std::fs;
use std::path::{Path, PathBuf};

use rekindle::config::{self, KnownTemplates, Loaded, Problem};

/// The least settings that a company can write.
const COMPANY: &str = "[company]\nname = \"Example\"\n";

/// A folder with a configuration, gone at the end of the test.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// A home with these settings and an empty folder of campaigns.
    fn new(settings: &str) -> Self {
        let home = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        home.write("config/rekindle.toml", settings);
        fs::create_dir_all(home.path().join("config/campaigns")).expect("a folder");
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn config_file(&self) -> PathBuf {
        self.path().join("config/rekindle.toml")
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    fn load(&self) -> Result<Loaded, Vec<Problem>> {
        config::load(&self.config_file(), &templates())
    }

    /// Every problem, warnings of a good configuration included.
    fn problems(&self) -> Vec<Problem> {
        match self.load() {
            Ok(loaded) => loaded.warnings,
            Err(problems) => problems,
        }
    }

    /// What a person would read, with paths that do not change from run to run.
    fn said(&self) -> String {
        let problems = self.problems();
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        self.without_folder(&said.join("\n"))
    }

    fn without_folder(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.path().display()), "")
    }
}

/// What is said of one campaign in an otherwise good configuration.
fn said_of_campaign(text: &str) -> String {
    let home = Home::new(COMPANY);
    home.write("config/campaigns/c.toml", text);
    home.said()
}

/// The templates that are built in.
pub(crate) fn templates() -> KnownTemplates {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    KnownTemplates {
        letters: names(&[
            "anniversary",
            "birthday",
            "friend-certificate",
            "friend-thanks",
            "missed-cycle",
            "missed-cycle-formal",
            "missed-cycle-light",
            "missed-cycle-second",
            "new-year",
            "news",
            "partner-offer",
            "rejection",
            "rejection-answered",
            "rejection-deadline",
            "second-purchase",
            "seminar",
            "seminar-reminder",
            "thank-you",
            "visit-lapsed",
        ]),
        needs: [("seminar", "event"), ("partner-offer", "partner")]
            .map(|(letter, part)| (letter.to_owned(), vec![part.to_owned()]))
            .into(),
        whatsapp: names(&[
            "business-card",
            "friend-certificate-short",
            "missed-cycle-short",
            "thank-you-short",
        ]),
        scripts: names(&[
            "answered",
            "handover",
            "key-account",
            "new-year-gift",
            "rejection",
            "second-purchase",
            "sleeping-client",
            "stalled-deal",
            "usual-order",
            "visit-lapsed",
            "volume-drop",
        ]),
        certificates: names(&["certificate", "certificate-print"]),
    }
}

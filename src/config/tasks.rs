//! `[tasks]`, `[deals]` and `[[manager]]`: who does what on a managers' day.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcomes::Then;
use super::reasons::plain;
use super::secrets::{self, SecretError, SecretString};
use super::values::{Days, Wait};
use crate::model::{Abc, Day, Locale, ManagerRole};

/// The managers' day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TaskSettings {
    /// Tasks a day for a manager who has no capacity of his own.
    pub capacity: u16,
    /// The manager (by id) of clients who have none.
    pub default_manager: Option<String>,
    /// The head of sales (by id): overdue tasks, and those of whoever is away without a substitute.
    pub head: Option<String>,
    /// Where an interested client goes.
    pub interested: Then,
    /// The expert (by id) to whom interested clients are passed; the client's manager when absent.
    pub expert: Option<String>,
    /// How long a task that nobody asked about any more stays on the list.
    pub expires: Days,
    /// A task that stood on the list for so long without an outcome is shown to the head.
    pub escalate_after: Days,
    /// How often a client who did not answer is called again.
    pub no_answer_retries: u16,
    /// How long to wait before calling again.
    pub no_answer_pause: Days,
    /// How many tasks somebody gets who has time for more.
    #[schemars(range(min = 1))]
    pub more: u16,
    /// The classes whose rejections go to trainees, where there are any.
    pub trainee_classes: Vec<Abc>,
    /// Rejections that are older than this go to trainees, where there are any.
    pub trainee_after: Days,
    /// The card of a client in the company's CRM: `https://crm.example.org/client/{id}/`.
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub crm_url: Option<String>,
    /// Where tasks are told to another program, and with which secret outcomes come back.
    pub hook: TaskHook,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self {
            capacity: 15,
            default_manager: None,
            head: None,
            interested: Then::Deal,
            expert: None,
            expires: Days(30),
            escalate_after: Days(3),
            no_answer_retries: 3,
            no_answer_pause: Days(1),
            more: 10,
            trainee_classes: vec![Abc::C],
            trainee_after: Days(365),
            crm_url: None,
            hook: TaskHook::default(),
        }
    }
}

impl TaskSettings {
    /// The card of a client in the company's CRM.
    pub fn crm_link(&self, client: &str) -> Option<String> {
        let url = self.crm_url.as_ref()?;
        Some(url.replace("{id}", &percent_encoded(client)))
    }
}

/// A part of a path: whatever is no letter, digit or mark that a path may carry is encoded.
///
/// Source: RFC 3986, section 2.3.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Where tasks are told to another program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TaskHook {
    /// Where tasks are posted to; nobody is told when absent.
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub url: Option<String>,
    /// The environment variable with the secret that signs tasks, and outcomes that come back to
    /// `POST /hooks/outcomes`; without it that hook is closed.
    #[schemars(extend("minLength" = 1))]
    pub secret_env: Option<String>,
    /// The file with the secret, instead of the variable.
    #[schemars(extend("minLength" = 1))]
    pub secret_file: Option<PathBuf>,
    /// How long one request may take in all.
    pub timeout: Wait,
}

impl Default for TaskHook {
    fn default() -> Self {
        Self {
            url: None,
            secret_env: None,
            secret_file: None,
            timeout: Wait::seconds(10),
        }
    }
}

impl TaskHook {
    /// The secret of both directions; nothing when none is configured.
    ///
    /// # Errors
    ///
    /// It is configured, and is neither in the file, which starts at `home`, nor in the variable.
    pub fn secret(&self, home: &Path) -> Option<Result<SecretString, SecretError>> {
        match (&self.secret_file, &self.secret_env) {
            (Some(file), _) => Some(secrets::from_file(&home.join(file))),
            (None, Some(env)) => Some(secrets::from_env(env)),
            (None, None) => None,
        }
    }
}

/// How the stages of the company's deals are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DealSettings {
    /// Stages in which a quote has been sent: a text that one of these words stands in.
    pub quote: Vec<String>,
    /// Stages in which an invoice has been sent.
    pub invoice: Vec<String>,
}

impl Default for DealSettings {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            quote: words(&[
                "кп",
                "коммерческое предложение",
                "предложение",
                "расчёт",
                "смета",
                "переговоры",
                "согласование",
                "договор",
                "quote",
                "proposal",
                "offer",
                "negotiation",
            ]),
            invoice: words(&["счёт", "ожидание оплаты", "оплата", "invoice", "payment"]),
        }
    }
}

/// How far a deal has come.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DealStep {
    /// The client has asked.
    Request,
    /// A quote is out.
    Quote,
    /// An invoice is out.
    Invoice,
}

impl DealSettings {
    /// How far a deal in this stage has come.
    pub fn step(&self, stage: &str) -> DealStep {
        let stage = format!(" {} ", plain(stage));
        let names = |words: &[String]| {
            let mut words = words.iter().map(|word| plain(word));
            words.any(|word| !word.is_empty() && stage.contains(&format!(" {word}")))
        };
        if names(&self.invoice) {
            DealStep::Invoice
        } else if names(&self.quote) {
            DealStep::Quote
        } else {
            DealStep::Request
        }
    }
}

/// A manager that no source names, or of whom the settings know more than the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagerEntry {
    /// The id that clients refer to.
    #[schemars(length(min = 1))]
    pub id: String,
    /// The name that letters are signed with.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Where the day's list goes.
    #[schemars(extend("format" = "email"))]
    pub email: String,
    /// The phone that letters show.
    #[serde(default)]
    pub phone: Option<String>,
    /// What the manager does.
    #[serde(default)]
    pub role: ManagerRole,
    /// Tasks a day.
    #[serde(default)]
    pub capacity: Option<u16>,
    /// The language of the day's list; the company's when absent.
    #[serde(default)]
    pub locale: Option<Locale>,
    /// When the manager is not there.
    #[serde(default)]
    pub absent: Vec<Absence>,
    /// Who has his clients meanwhile, by id; the head when absent.
    #[serde(default)]
    pub substitute: Option<String>,
}

/// A stretch of days on which a manager is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The first day.
    #[serde(deserialize_with = "super::values::day")]
    pub from: Day,
    /// The last day.
    #[serde(deserialize_with = "super::values::day")]
    pub to: Day,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_of_real_systems_are_told_apart() {
        let deals = DealSettings::default();
        for (stage, step) in [
            ("КП отправлено", DealStep::Quote),
            ("Отправлено коммерческое предложение", DealStep::Quote),
            ("Счёт выставлен", DealStep::Invoice),
            ("Ожидание оплаты", DealStep::Invoice),
            ("PROPOSAL_SENT", DealStep::Quote),
            ("Первичный контакт", DealStep::Request),
            ("Запрос", DealStep::Request),
            ("", DealStep::Request),
        ] {
            assert_eq!(deals.step(stage), step, "{stage}");
        }
    }

    #[test]
    fn the_link_to_the_crm_carries_any_id() {
        let mut tasks = TaskSettings::default();
        assert_eq!(tasks.crm_link("K-1"), None);
        tasks.crm_url = Some("https://crm.example.org/c/{id}/".to_owned());
        let link = tasks.crm_link("К 1/2").unwrap();
        assert_eq!(link, "https://crm.example.org/c/%D0%9A%201%2F2/");
    }
}

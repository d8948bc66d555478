//! `config/rekindle.toml`: the company, its sources, limits and delivery.
//!
//! Every key is documented here, once: the JSON schema, the annotated default file and the hints
//! of `check` come from these types.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::certificate::Certificates;
pub use super::hours::{Hours, Stretch};
use super::outcomes::Outcomes;
use super::reasons::Reasons;
pub use super::schedule::{Backup, Operator, Retention, Schedule};
use super::smtp::Smtp;
pub use super::source::{Encoding, FactKind, Source, SourceConsent, SourceKind, SourceMode};
pub use super::tasks::{Absence, DealSettings, DealStep, ManagerEntry, TaskHook, TaskSettings};
use super::values::{Days, Share, Wait};
use super::web::{Inbound, Web};
pub use super::whatsapp::{VersionLife, WhatsApp};
use crate::model::{Currency, Day, Locale, StaffRole};

/// The whole of `config/rekindle.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who writes: the company as letters and pages show it.
    pub company: Company,
    /// Where the data is kept.
    #[serde(default)]
    pub database: Database,
    /// Folders and files.
    #[serde(default)]
    pub paths: Paths,
    /// Where the facts come from; one block for each source.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    /// How letters leave.
    #[serde(default)]
    pub delivery: Delivery,
    /// When clients may be written to.
    #[serde(default)]
    pub hours: Hours,
    /// The mail server that takes our letters.
    #[serde(default)]
    pub smtp: Smtp,
    /// The account at the WhatsApp Cloud API.
    #[serde(default)]
    pub whatsapp: WhatsApp,
    /// Where rekindle listens.
    #[serde(default)]
    pub web: Web,
    /// How mail comes back.
    #[serde(default)]
    pub inbound: Inbound,
    /// How a missed purchase cycle is found.
    #[serde(default)]
    pub rhythm: RhythmSettings,
    /// Bounds that hold for all campaigns together.
    #[serde(default)]
    pub limits: Limits,
    /// How certificates are taken, and which friends count.
    #[serde(default)]
    pub certificates: Certificates,
    /// The managers' day.
    #[serde(default)]
    pub tasks: TaskSettings,
    /// When the service does what.
    #[serde(default)]
    pub schedule: Schedule,
    /// Who looks after the service.
    #[serde(default)]
    pub operator: Operator,
    /// Where backups go.
    #[serde(default)]
    pub backup: Backup,
    /// How long things are kept.
    #[serde(default)]
    pub retention: Retention,
    /// What each outcome of a task is called and what it does with the letters.
    #[serde(default)]
    pub outcomes: Outcomes,
    /// How the stages of deals are called.
    #[serde(default)]
    pub deals: DealSettings,
    /// Reasons for which clients say no, over those that are built in.
    #[serde(default, rename = "reason")]
    pub reasons: Reasons,
    /// Managers that no source names; those of `managers.csv` need no entry here.
    #[serde(default, rename = "manager")]
    pub managers: Vec<ManagerEntry>,
    /// Who sees more on the pages than the own tasks; managers need no entry for those.
    #[serde(default)]
    pub staff: Vec<StaffEntry>,
}

/// The company as letters and pages show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// The name that clients know.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The language of letters to clients whose own is not known.
    #[serde(default)]
    pub locale: Locale,
    /// The time zone in which days begin, by its IANA name.
    #[serde(default = "Company::default_time_zone")]
    pub time_zone: TimeZone,
    /// The country of phone numbers that are written without one: two letters.
    #[serde(default = "Company::default_country")]
    #[schemars(extend("format" = "country", "pattern" = "^[A-Z]{2}$"))]
    pub country: String,
    /// The currency of all amounts; an import rejects rows in another one.
    #[serde(default = "Company::default_currency")]
    pub currency: Currency,
    /// The address of the site, with https://.
    #[serde(default)]
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub site: Option<String>,
    /// The phone that letters show.
    #[serde(default)]
    pub phone: Option<String>,
    /// The e-mail address that letters show.
    #[serde(default)]
    #[schemars(extend("format" = "email"))]
    pub email: Option<String>,
    /// The postal address in the footer of letters.
    #[serde(default)]
    pub address: Option<String>,
    /// The legal line in the footer of letters.
    #[serde(default)]
    pub legal: Option<String>,
    /// The address of the logo picture, with https://.
    #[serde(default)]
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub logo_url: Option<String>,
    /// The logo for mail programs that are dark at night, with https://; without it the other one.
    #[serde(default)]
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub logo_dark_url: Option<String>,
    /// The colour of buttons and links, as #rrggbb.
    #[serde(default = "Company::default_accent")]
    #[schemars(extend("format" = "color", "pattern" = "^#[0-9a-fA-F]{6}$"))]
    pub accent: String,
    /// The colour of buttons where mail programs are dark, as #rrggbb; without it a lighter accent.
    #[serde(default)]
    #[schemars(extend("format" = "color", "pattern" = "^#[0-9a-fA-F]{6}$"))]
    pub accent_dark: Option<String>,
    /// The colour around the sheet of a letter, as #rrggbb.
    #[serde(default = "Company::default_background")]
    #[schemars(extend("format" = "color", "pattern" = "^#[0-9a-fA-F]{6}$"))]
    pub background: String,
}

impl Company {
    fn default_time_zone() -> TimeZone {
        TimeZone(chrono_tz::UTC)
    }

    fn default_country() -> String {
        "RU".to_owned()
    }

    fn default_currency() -> Currency {
        Currency::RUB
    }

    fn default_accent() -> String {
        "#0b6e4f".to_owned()
    }

    fn default_background() -> String {
        "#f3f1ec".to_owned()
    }
}

/// A time zone by its IANA name, such as `Europe/Moscow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeZone(pub chrono_tz::Tz);

impl JsonSchema for TimeZone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "time_zone".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "time_zone",
            "description": "A time zone by its IANA name: Europe/Moscow",
        })
    }
}

/// Where the data is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite://FILE`, where a relative file starts at the home folder, or
    /// `postgres://USER@HOST:PORT/NAME` (`?sslmode=verify-full` and other parameters of libpq may
    /// follow). `--database` and `REKINDLE_DATABASE_URL` go before it.
    #[schemars(extend("pattern" = "^(sqlite:|postgres://|postgresql://)"))]
    pub url: String,
    /// The file that holds the password for PostgreSQL; nobody but its owner may read it. Without it
    /// `PGPASSWORD` and `~/.pgpass` are looked at, as by every client of PostgreSQL.
    #[schemars(extend("minLength" = 1))]
    pub password_file: Option<PathBuf>,
    /// Seconds that a command waits for another program that is writing before it gives up.
    pub wait_seconds: u16,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: "sqlite://rekindle.db".to_owned(),
            password_file: None,
            wait_seconds: 30,
        }
    }
}

/// Folders and files; relative ones start at the home folder, the one that holds `config/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// One TOML file a campaign.
    #[schemars(extend("minLength" = 1))]
    pub campaigns: PathBuf,
    /// The company's own templates; what is not there is taken from the built-in ones.
    #[schemars(extend("minLength" = 1))]
    pub templates: PathBuf,
    /// Where sandbox delivery puts letters and WhatsApp requests.
    #[schemars(extend("minLength" = 1))]
    pub sandbox: PathBuf,
    /// Where imports put the rows that they could not take.
    #[schemars(extend("minLength" = 1))]
    pub rejects: PathBuf,
    /// The key for hashes of addresses and certificate codes; made at first use, to be backed up.
    #[schemars(extend("minLength" = 1))]
    pub key: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            campaigns: "config/campaigns".into(),
            templates: "templates".into(),
            sandbox: "sandbox".into(),
            rejects: "rejects".into(),
            key: "rekindle.key".into(),
        }
    }
}

/// How letters leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// `sandbox` writes files and reaches nobody.
    pub mode: DeliveryMode,
    /// The sender of letters that come from the company.
    pub from_name: Option<String>,
    /// The sender's address; its domain also names our message ids.
    #[schemars(extend("format" = "email"))]
    pub from_email: String,
    /// The public address of the unsubscribe and certificate pages, with https://.
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub public_url: String,
    /// Countries (two letters) whose phone numbers may get WhatsApp messages.
    #[schemars(extend("items" = {
        "type": "string", "format": "country", "pattern": "^[A-Z]{2}$",
    }))]
    pub whatsapp_countries: Vec<String>,
    /// A message that could not leave for so long is not sent any more.
    pub expires_after: Days,
    /// How long an unknown message that may be doubled (`on_unknown = "at_least_once"`) waits for
    /// proof before it is sent once more.
    pub resend_after: Wait,
    /// How long a message may wait in the hands of a worker that has taken it, on top of the time
    /// that sending it may take (`smtp.deadlines`, `whatsapp.timeout`). When both are over it is no
    /// longer his: on PostgreSQL another worker takes it over from one that was killed, cut off or
    /// frozen.
    pub take_over_after: Wait,
    /// The most letters a second, over all domains.
    #[schemars(range(min = 1))]
    pub letters_per_second: u32,
    /// The most letters a minute to the mailboxes of one domain.
    #[schemars(range(min = 1))]
    pub letters_per_domain: u32,
}

impl Delivery {
    /// The address of a page of ours, by its path below `public_url`.
    pub fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.public_url.trim_end_matches('/'))
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            mode: DeliveryMode::Sandbox,
            from_name: None,
            from_email: "hello@example.org".to_owned(),
            public_url: "https://example.org/rekindle".to_owned(),
            whatsapp_countries: Vec::new(),
            expires_after: Days(4),
            resend_after: Wait::seconds(15 * 60),
            take_over_after: Wait::seconds(15 * 60),
            letters_per_second: 20,
            letters_per_domain: 600,
        }
    }
}

/// Where messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// Into a folder: letters as `.eml`, WhatsApp as JSON. Reaches nobody.
    #[default]
    Sandbox,
    /// To the clients. The first run waits for a person's approval.
    Live,
}

impl DeliveryMode {
    /// The word in the configuration, in tables and in figures.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        }
    }
}

/// How a missed purchase cycle is found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RhythmSettings {
    /// A cycle counts as missed when at most this share of ended pauses was longer.
    pub missed_p: Share,
    /// The same for key accounts, who are worth an earlier call.
    pub missed_p_key_account: Share,
    /// A client counts as asleep when he stays away with at least this chance.
    pub asleep_at: Share,
    /// The least silence after which a client counts as lost; proposed from the base when absent.
    pub smallest_lost: Option<Days>,
    /// The grid of the dates in the sources; found from the base when absent.
    pub grid: Option<Grid>,
    /// The age at which the parameters of the base are fitted anew.
    pub refit_after: Days,
    /// Turnover shares above this make a key account.
    pub key_account_share: Share,
    /// Days on which the company is closed; they do not count as silence.
    pub closed: Vec<ClosedDays>,
    /// Tags of clients whose rhythms are of another kind, such as wholesale: each gets parameters of
    /// its own once it has enough purchases. The first tag of the list that a client has counts.
    pub classes: Vec<String>,
}

impl Default for RhythmSettings {
    fn default() -> Self {
        Self {
            missed_p: Share::percent(10.0),
            missed_p_key_account: Share::percent(20.0),
            asleep_at: Share::percent(50.0),
            smallest_lost: None,
            grid: None,
            refit_after: Days(7),
            key_account_share: Share::percent(10.0),
            closed: Vec::new(),
            classes: Vec::new(),
        }
    }
}

/// How exactly the sources date a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// To the day.
    Day,
    /// To the week.
    Week,
    /// To the month.
    Month,
}

impl Grid {
    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// A stretch of days on which the company is closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosedDays {
    /// The first closed day.
    #[serde(deserialize_with = "super::values::day")]
    pub from: Day,
    /// The last closed day.
    #[serde(deserialize_with = "super::values::day")]
    pub to: Day,
    /// What for: shown where the closure moves a date.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Bounds that hold for all campaigns together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most advertising messages that one client gets within `per_client_within`.
    #[schemars(range(min = 1))]
    pub per_client: u16,
    /// The stretch of time for `per_client`.
    pub per_client_within: Days,
    /// No advertising for so long after a purchase.
    pub quiet_after_purchase: Days,
    /// The run of a day stops for a person when it would open more than this many times the usual
    /// number of missed cycles.
    #[schemars(range(min = 1))]
    pub flood_factor: u16,
    /// A live run stops for a person when it would send more than this many times the usual number of
    /// messages.
    #[schemars(range(min = 1))]
    pub surge_factor: u16,
    /// A run with up to so many messages never stops for their number.
    pub surge_least: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_client: 2,
            per_client_within: Days(7),
            quiet_after_purchase: Days(2),
            flood_factor: 3,
            surge_factor: 3,
            surge_least: 50,
        }
    }
}

/// A person of the company who sees more on the pages than the own tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffEntry {
    /// The name that the pages show.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Where the link to sign in goes; a manager with this address has both.
    #[schemars(extend("format" = "email"))]
    pub email: String,
    /// What the person sees.
    pub role: StaffRole,
    /// The language of the pages; the company's when absent.
    #[serde(default)]
    pub locale: Option<Locale>,
}

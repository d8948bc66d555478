//! What the fake is told to do: an account, its templates, and what goes wrong.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::draw;

/// The whole of it, as JSON; every key has a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Script {
    /// The version in the path.
    pub(crate) version: String,
    /// The sender in the path.
    pub(crate) phone_number_id: String,
    /// What must stand behind "Bearer".
    pub(crate) token: String,
    /// What webhooks are signed with.
    pub(crate) app_secret: String,
    /// Requests a second; 0: any number.
    pub(crate) per_second: usize,
    /// Seconds between two messages to one phone; 0: none.
    pub(crate) pair_seconds: u64,
    /// Changes every draw.
    pub(crate) seed: u64,
    /// The registered templates.
    pub(crate) templates: Vec<Template>,
    /// What goes wrong: the first rule that fits counts.
    pub(crate) rules: Vec<Rule>,
    /// Phones that WhatsApp knows under another number.
    pub(crate) wa_ids: BTreeMap<String, String>,
    /// Where and how events are told; not at all when absent.
    pub(crate) webhooks: Option<Webhooks>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            version: "v25.0".to_owned(),
            phone_number_id: "106540352242922".to_owned(),
            token: "EAAG-test-token".to_owned(),
            app_secret: "test-app-secret".to_owned(),
            per_second: 80,
            pair_seconds: 6,
            seed: 1,
            templates: Vec::new(),
            rules: Vec::new(),
            wa_ids: BTreeMap::new(),
            webhooks: None,
        }
    }
}

/// A registered template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    /// Its name.
    pub(crate) name: String,
    /// Its language code.
    pub(crate) language: String,
    /// The parameter of its header.
    #[serde(default)]
    pub(crate) header: Option<HeaderKind>,
    /// The number of parameters of its body.
    #[serde(default)]
    pub(crate) body: usize,
    /// Its buttons in order.
    #[serde(default)]
    pub(crate) buttons: Vec<Buttons>,
    /// Whether it may be used.
    #[serde(default)]
    pub(crate) state: TemplateState,
}

/// What a header takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeaderKind {
    Text,
    Image,
    Document,
}

/// A button of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Buttons {
    /// An address that ends with a parameter.
    Url,
    /// An answer that may have a payload.
    QuickReply,
    /// A fixed address or a phone: takes nothing.
    Fixed,
}

/// Whether a template may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TemplateState {
    #[default]
    Approved,
    Paused,
    Disabled,
}

/// When something goes wrong, and what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Only for this phone.
    #[serde(default)]
    pub(crate) to: Option<String>,
    /// Only for this share of the requests, 0..1.
    #[serde(default)]
    pub(crate) share: Option<f64>,
    /// Only so often.
    #[serde(default)]
    pub(crate) times: Option<u32>,
    /// What happens.
    pub(crate) then: Then,
}

impl Rule {
    /// Always the same thing.
    pub(crate) fn always(then: Then) -> Self {
        Self {
            to: None,
            share: None,
            times: None,
            then,
        }
    }

    pub(super) fn fits(&self, to: Option<&str>, seed: u64, n: u64, index: usize) -> bool {
        let drawn = || draw(seed, n, index as u64 + 100);
        self.to.as_deref().is_none_or(|wanted| Some(wanted) == to)
            && self.share.is_none_or(|share| drawn() < share)
    }
}

/// What happens to a request. `taken`: whether the message is sent all the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Then {
    /// It is taken.
    Accept,
    /// It is turned away with a code.
    Refuse { code: i64 },
    /// It is taken, and a webhook says later that it failed.
    FailLater { code: i64 },
    /// It is taken with another word than "accepted".
    Held { word: String },
    /// 200 with a text that is no JSON.
    BadJson { taken: bool },
    /// 301.
    Redirect { taken: bool },
    /// 429 without JSON.
    TooMany { retry_after: u64 },
    /// Any status with a page of HTML.
    NoJson { status: u16, taken: bool },
    /// 200 with a megabyte of spaces.
    Huge { taken: bool },
    /// The connection is reset before the body is read.
    ResetBeforeBody,
    /// The connection is reset instead of an answer.
    ResetAfterBody { taken: bool },
    /// Half of the answer, then the end of the connection.
    CutAnswer { taken: bool },
    /// No answer at all.
    Stall { taken: bool },
    /// A good answer; the connection is closed behind it without a word.
    CloseIdle,
}

impl Then {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Accept => "accepted".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

/// How events are told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Webhooks {
    /// Where to.
    pub(crate) url: String,
    /// The share that comes twice.
    pub(crate) double: f64,
    /// The share that never comes.
    pub(crate) drop: f64,
    /// The share of messages of which "sent" comes before the answer to the request.
    pub(crate) early: f64,
    /// The shortest and the longest delay in milliseconds: far apart, they shuffle.
    pub(crate) delay_ms: (u64, u64),
    /// The share of messages that are read, besides being delivered.
    pub(crate) read: f64,
    /// The share that is answered with `reply`.
    pub(crate) replies: f64,
    /// What clients answer.
    pub(crate) reply: String,
    /// The share of clients without a phone.
    pub(crate) nameless: f64,
    /// How often an event is told that nobody takes.
    pub(crate) tries: u32,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            url: String::new(),
            double: 0.0,
            drop: 0.0,
            early: 0.0,
            delay_ms: (0, 0),
            read: 0.5,
            replies: 0.0,
            reply: "СТОП".to_owned(),
            nameless: 0.0,
            tries: 12,
        }
    }
}

//! WhatsApp against a Cloud API of our own that is as strict and as unreliable as the real one.
#![expect(
    clippy::unwrap_used,
    reason = "what is not as it should be fails the test as it should"
)]

mod answers;
mod broken;
#[path = "whatsapp/fake/mod.rs"]
pub(crate) mod fake;
mod storm;
mod strictness;

use fake::{Buttons, Fake, HeaderKind, Logged, Rule, Script, Template, TemplateState, Then};
use rekindle::channels::whatsapp::{Api, Button, Header, Media, WhatsAppRequest};
use rekindle::config::settings::WhatsApp;
use rekindle::config::values::Wait;
use tempfile::NamedTempFile;

/// A fake with an account at it.
struct Desk {
    fake: Fake,
    api: Api,
    log: NamedTempFile,
}

impl Desk {
    async fn new(script: Script) -> Self {
        Self::with_timeout(script, Wait::seconds(20)).await
    }

    /// The same where an answer has to come within a given time.
    async fn with_timeout(script: Script, timeout: Wait) -> Self {
        let log = NamedTempFile::new().expect("a temporary file");
        let settings = WhatsApp {
            phone_number_id: Some(script.phone_number_id.clone()),
            timeout,
            ..WhatsApp::default()
        };
        let token = script.token.clone().into();
        let fake = Fake::start(script, 0, log.path()).await;
        let settings = WhatsApp {
            base_url: fake.base_url(),
            ..settings
        };
        let api = Api::new(&settings, &token).expect("good settings");
        Self { fake, api, log }
    }

    /// The only request there was: nothing is ever repeated.
    fn only_request(&self) -> Logged {
        let mut requests = self.fake.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// The lines of the log on the disk.
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.log.path()).expect("the log");
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}

/// An account with one template of every kind, and no limits.
fn account(rules: Vec<Rule>) -> Script {
    let template = |name: &str, header, body, buttons: &[Buttons], state| Template {
        name: name.to_owned(),
        language: "ru".to_owned(),
        header,
        body,
        buttons: buttons.to_vec(),
        state,
    };
    let approved = TemplateState::Approved;
    let both = [Buttons::Url, Buttons::QuickReply];
    Script {
        per_second: 0,
        pair_seconds: 0,
        templates: vec![
            template("winback_v1", None, 2, &both, approved),
            template("plain", None, 0, &[Buttons::Fixed], approved),
            template("picture", Some(HeaderKind::Image), 1, &[], approved),
            template("paper", Some(HeaderKind::Document), 0, &[], approved),
            template("headline", Some(HeaderKind::Text), 0, &[], approved),
            template("resting", None, 0, &[], TemplateState::Paused),
            template("gone", None, 0, &[], TemplateState::Disabled),
        ],
        rules,
        ..Script::default()
    }
}

/// A nudge that the account takes.
fn nudge(key: &str) -> WhatsAppRequest {
    WhatsAppRequest {
        key: key.to_owned(),
        to: "+77011234567".to_owned(),
        template: "winback_v1".to_owned(),
        language: "ru".to_owned(),
        header: None,
        parameters: vec!["Анна".to_owned(), "20 %".to_owned()],
        buttons: vec![
            Button::Url("t/9fK2".to_owned()),
            Button::QuickReply("stop".to_owned()),
        ],
    }
}

fn body(request: &WhatsAppRequest) -> Vec<u8> {
    request.body().expect("a good request")
}

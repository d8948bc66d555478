//! Pieces that several pages show: ways to reach a client, a task, what came before.

use serde::Serialize;

use super::desk::Desk;
use crate::app::App;
use crate::db::{Background, PastOutcome, TaskRow};
use crate::jobs::inputs::Frozen;
use crate::jobs::staff::Person;
use crate::model::{Channel, Day, Locale, Money, OutcomeKind};
use crate::render::{self, RhythmPart};

/// How a client can be reached, as links that do nothing but that.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Ways {
    /// The phone as people read it.
    pub(super) phone: Option<String>,
    /// `tel:…`
    tel: Option<String>,
    /// `https://wa.me/…`
    whatsapp: Option<String>,
    /// The e-mail address.
    email: Option<String>,
    /// `mailto:…`
    mailto: Option<String>,
}

impl Ways {
    /// What an address of a source is good for; one that is none is shown and leads nowhere.
    pub(super) fn of(phone: Option<&str>, email: Option<&str>) -> Self {
        let tel = phone.and_then(|phone| render::tel(phone).ok());
        let digits = tel.as_ref().map(|tel| {
            let digits = tel.chars().filter(char::is_ascii_digit);
            digits.collect::<String>()
        });
        Self {
            phone: phone.map(crate::rules::wording::phone),
            whatsapp: digits.map(|digits| format!("https://wa.me/{digits}")),
            mailto: email.and_then(|email| render::mailto(email, None).ok()),
            email: email.map(str::to_owned),
            tel,
        }
    }

    /// A message to write in WhatsApp that begins with a text; without a phone the writer chooses to
    /// whom it goes.
    pub(super) fn whatsapp_with(&self, text: &str) -> String {
        let to = self.whatsapp.as_deref().unwrap_or("https://wa.me/");
        format!("{to}?text={}", encoded(text))
    }

    /// A letter to write with a subject and a text; nothing without an address.
    pub(super) fn mail_with(&self, subject: &str, text: &str) -> Option<String> {
        let to = self.mailto.as_deref()?;
        let (subject, text) = (encoded(subject), encoded(text));
        Some(format!("{to}?subject={subject}&body={text}"))
    }
}

/// A task as lists and pages show it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TaskPart {
    pub(super) id: i64,
    rank: Option<i64>,
    kind: &'static str,
    /// What the client is called: the company, or the name.
    pub(super) label: String,
    /// The person, where the label is the company.
    person: Option<String>,
    client: i64,
    pub(super) ways: Ways,
    pub(super) why: String,
    campaign: String,
    rhythm: Option<RhythmPart>,
    at_risk: Option<Money>,
    before: Before,
    /// `open`, `waiting`, `done` or `cancelled`.
    pub(super) state: String,
    attempts: u16,
    outcome: Option<String>,
    not_before: Day,
    since: Day,
}

/// What came before a task.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Before {
    outcome: Option<OutcomePart>,
    message_on: Option<Day>,
    message_by: Option<Channel>,
    deals: Vec<DealPart>,
}

/// What came of a task.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OutcomePart {
    kind: OutcomeKind,
    day: Day,
    until: Option<Day>,
    reason: Option<String>,
    note: Option<String>,
    by: String,
}

impl OutcomePart {
    /// An outcome as it is told to whoever reads; its reason by the words of the dictionary, where
    /// it is in there.
    pub(super) fn of(app: &App, locale: Locale, past: PastOutcome) -> Self {
        let reasons = &app.settings.reasons;
        let titled = |said: &str| reasons.get(said).map(|one| one.title(locale).to_owned());
        Self {
            kind: past.kind,
            day: past.day,
            until: past.until,
            reason: past.reason.map(|said| titled(&said).unwrap_or(said)),
            note: past.note,
            by: past.by,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct DealPart {
    title: Option<String>,
    stage: Option<String>,
    amount: Option<Money>,
}

/// What was frozen for a task, as whoever reads gets it; nothing for one that an older version has
/// written.
pub(super) fn frozen(app: &App, locale: Locale, task: &TaskRow) -> Option<Frozen> {
    let frozen: Frozen = serde_json::from_str(&task.inputs).ok()?;
    Some(frozen.read_in(locale, app.currency()))
}

/// A task with what is known beside it, for whoever reads a language.
pub(super) fn task_part(
    app: &App,
    locale: Locale,
    task: &TaskRow,
    background: Option<Background>,
) -> TaskPart {
    let frozen = frozen(app, locale, task);
    let money = |minor| Money::new(minor, app.currency());
    let label = frozen
        .as_ref()
        .map_or_else(|| task.client.clone(), |one| one.label.clone());
    let client = frozen.as_ref().map(|one| &one.client);
    let person = client.map(|client| client.name.clone());
    let ways = Ways::of(
        client.and_then(|client| client.phone.as_deref()),
        client.and_then(|client| client.email.as_deref()),
    );
    TaskPart {
        id: task.id,
        rank: task.rank,
        kind: task.kind.word(),
        person: person.filter(|person| *person != label),
        label,
        client: task.client_id.0,
        ways,
        campaign: campaign_title(app, &task.campaign),
        at_risk: (task.value > 0).then(|| money(task.value)),
        before: before(app, locale, background.unwrap_or_default()),
        state: task.state.clone(),
        attempts: task.attempts,
        outcome: task.outcome.clone(),
        not_before: task.not_before,
        since: task.planned_on,
        rhythm: frozen.as_ref().and_then(|one| one.rhythm.clone()),
        why: frozen.map(|one| one.why).unwrap_or_default(),
    }
}

fn before(app: &App, locale: Locale, background: Background) -> Before {
    let deals = background.deals.into_iter().map(|deal| DealPart {
        title: deal.title,
        stage: deal.stage,
        amount: deal.amount.map(|minor| Money::new(minor, app.currency())),
    });
    Before {
        outcome: background
            .outcome
            .map(|past| OutcomePart::of(app, locale, past)),
        message_on: background.message.map(|(day, _)| day),
        message_by: background.message.map(|(_, channel)| channel),
        deals: deals.collect(),
    }
}

/// A value of a query, with everything but letters and digits encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&crate::model::hex(&[byte]));
        }
    }
    out
}

/// The title of a campaign; its id where it is gone.
pub(super) fn campaign_title(app: &App, id: &str) -> String {
    let mut campaigns = app.campaigns.iter();
    let campaign = campaigns.find(|campaign| campaign.id == id);
    campaign.map_or_else(|| id.to_owned(), |campaign| campaign.title.clone())
}

/// Whether a person may see a manager's tasks.
pub(super) fn sees_tasks_of(person: &Person, manager: &str) -> bool {
    person.leads() || person.manager.as_deref() == Some(manager)
}

/// What is said in the language of a person.
pub(super) fn said(desk: &Desk, person: &Person, key: &str) -> String {
    desk.pages.word(person.locale, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_made_of_what_can_be_called_only() {
        let ways = Ways::of(Some("+7 913 123-45-67"), Some("anna@example.org"));
        assert_eq!(ways.tel.as_deref(), Some("tel:+79131234567"));
        assert_eq!(ways.whatsapp.as_deref(), Some("https://wa.me/79131234567"));
        assert_eq!(ways.mailto.as_deref(), Some("mailto:anna@example.org"));
        let text = ways.whatsapp_with("да & нет");
        assert_eq!(
            text,
            "https://wa.me/79131234567?text=%d0%b4%d0%b0%20%26%20%d0%bd%d0%b5%d1%82"
        );
        let bad = Ways::of(Some("javascript:alert(1)"), Some("\"><script>"));
        assert!(bad.tel.is_none() && bad.whatsapp.is_none() && bad.mailto.is_none());
        assert!(bad.phone.is_some() && bad.email.is_some());
    }
}

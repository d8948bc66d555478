//! What a message or a task is rendered from: frozen when it is planned, so that it says the same
//! at every attempt, however the base changes in between.
//!
//! What is not the client's but the company's and the campaign's is the [`Imprint`]; the addresses of
//! the pages that a message leads to are in `links`.

mod imprint;
mod links;

pub use imprint::{Imprint, company_part, context, context_of, variant_name};
pub use links::{links, preferences_page, seat_page};

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::config::campaign::CertificateOffer;
use crate::db::Details;
use crate::model::{
    Abc, Client, ClientFacts, Currency, Day, DealStatus, Locale, Manager, Money, OutcomeKind,
    TouchKind,
};
use crate::render::{CertificatePart, ClientPart, DealPart, ManagerPart, OccasionPart, RhythmPart};
use crate::rules::certificate::{code, message_key, prefix_of};
use crate::rules::evidence::Evidence;
use crate::rules::plan::Touched;
use crate::rules::readiness;
use crate::rules::standing::Standing;
use crate::rules::wording;

use super::day::Ground;

/// What is kept with a message or a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// What lists call the client.
    pub label: String,
    /// The client's language.
    pub locale: Locale,
    /// The client, or the person who is written to.
    pub client: ClientPart,
    /// The client's manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<ManagerPart>,
    /// What the client buys, and how often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<RhythmPart>,
    /// The deal that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal: Option<DealPart>,
    /// The certificate that it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificatePart>,
    /// The last word of the client to a manager, and its day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<LastContact>,
    /// The deals that are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_deals: Vec<DealPart>,
    /// Of the news of the campaign only this piece: the one that answers a rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// How ready the client is to buy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abc: Option<Abc>,
    /// The day that it is written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<OccasionPart>,
    /// Which form of its step, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The client's own code of a partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_code: Option<String>,
    /// Why, in one sentence in the language of the company; what was said since stands below it, a
    /// line each.
    pub why: String,
    /// The occasion behind the sentence, kept with tasks: managers read it in their own languages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The day of the plan.
    pub today: Day,
}

/// What a client said last, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastContact {
    /// The day.
    pub day: Day,
    /// What was recorded.
    pub outcome: OutcomeKind,
}

impl LastContact {
    /// The latest word among all that is known.
    fn of(facts: &ClientFacts) -> Option<Self> {
        let touches = facts.enrollments.iter().flat_map(|one| &one.touches);
        let outcomes = touches.filter_map(|touch| match &touch.what {
            TouchKind::Task { outcome, .. } => outcome.as_ref(),
            TouchKind::Message { .. } => None,
        });
        let latest = outcomes.max_by_key(|outcome| outcome.day);
        latest.map(|outcome| Self {
            day: outcome.day,
            outcome: outcome.kind,
        })
    }

    /// In a sentence.
    pub fn sentence(&self, locale: Locale, today: Day) -> String {
        let style = wording::DateStyle::seen_from(self.day, today);
        let day = wording::date(locale, self.day, style);
        format!(
            "{day}: {}",
            wording::outcome(locale, self.outcome).to_lowercase()
        )
    }
}

/// The ways to a client, as they were frozen.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Addresses {
    /// The e-mail address.
    pub(super) email: Option<String>,
    /// The phone.
    pub(super) phone: Option<String>,
}

/// Reads nothing but the addresses of what was frozen; nothing where it cannot be read.
pub(super) fn addresses(frozen: &str) -> Option<Addresses> {
    #[derive(Deserialize)]
    struct Client {
        client: Addresses,
    }
    let frozen = serde_json::from_str::<Client>(frozen);
    frozen.ok().map(|frozen| frozen.client)
}

impl Frozen {
    /// Why, in the language of whoever reads; what was said since stays as it was said.
    pub fn why_in(&self, locale: Locale, currency: Currency) -> String {
        match &self.evidence {
            Some(evidence) => with_added(one_line(evidence, locale, currency), &self.why),
            None => self.why.clone(),
        }
    }

    /// As a reader of another language gets it.
    #[must_use]
    pub fn read_in(self, locale: Locale, currency: Currency) -> Self {
        Self {
            why: self.why_in(locale, currency),
            ..self
        }
    }

    /// A task that was told anew: what was promised and what was said since is kept from `known`.
    pub(super) fn telling_anew(self, known: Self) -> Self {
        Self {
            why: with_added(self.why, &known.why),
            certificate: known.certificate,
            ..self
        }
    }

    /// With the occasion itself, for tasks.
    pub(super) fn with_evidence(self, evidence: &Evidence) -> Self {
        Self {
            evidence: Some(evidence.clone()),
            ..self
        }
    }
}

/// The sentence of an occasion. Below its line stands what was said later.
fn one_line(evidence: &Evidence, locale: Locale, currency: Currency) -> String {
    evidence.sentence(locale, currency).replace('\n', " ")
}

/// A sentence with the lines that stand below another one.
fn with_added(sentence: String, told: &str) -> String {
    match told.split_once('\n') {
        Some((_, added)) => format!("{sentence}\n{added}"),
        None => sentence,
    }
}

/// Freezes what is known of a client for one touch, or anew for a task that waits.
pub(super) fn freeze(
    ground: &Ground<'_>,
    facts: &ClientFacts,
    details: &Details,
    manager: Option<&Manager>,
    evidence: &Evidence,
) -> Frozen {
    let app = ground.app();
    Frozen {
        label: facts.client.label().to_owned(),
        locale: facts.client.locale.unwrap_or(app.locale()),
        client: client_part(facts),
        manager: manager.map(manager_part),
        rhythm: rhythm_part(ground, facts, details),
        deal: deal_part(app, evidence),
        certificate: None,
        last_contact: LastContact::of(facts),
        open_deals: open_deals(app, facts),
        answer: match evidence {
            Evidence::RejectionAnswered { news, .. } => Some(news.clone()),
            _ => None,
        },
        abc: readiness::class(facts),
        occasion: occasion_part(evidence),
        variant: None,
        partner_code: None,
        why: one_line(evidence, app.locale(), app.currency()),
        evidence: None,
        today: ground.day(),
    }
}

fn open_deals(app: &App, facts: &ClientFacts) -> Vec<DealPart> {
    let open = facts.deals.iter();
    let open = open.filter(|deal| deal.status == DealStatus::Open);
    let parts = open.filter_map(|deal| {
        Some(DealPart {
            day: deal.stage_since.or(deal.opened_on)?,
            title: deal.title.clone(),
            reason: None,
            amount: deal.amount.map(|minor| Money::new(minor, app.currency())),
        })
    });
    parts.collect()
}

fn client_part(facts: &ClientFacts) -> ClientPart {
    let client = &facts.client;
    let person = facts
        .contact
        .as_ref()
        .and_then(|contact| contact.name.as_deref());
    let name = person
        .or(client.name.as_deref())
        .unwrap_or_else(|| client.label());
    ClientPart {
        company: client.company.clone(),
        phone: facts.phone().map(str::to_owned),
        email: facts
            .address(crate::model::Channel::Email)
            .map(str::to_owned),
        address: client.attributes.get("address").cloned(),
        attributes: client.attributes.clone(),
        ..ClientPart::named(name)
    }
}

/// A manager as letters show him.
pub fn manager_part(manager: &Manager) -> ManagerPart {
    ManagerPart {
        name: manager.name.clone(),
        phone: manager.phone.clone(),
        email: manager.email.clone(),
        ..ManagerPart::default()
    }
}

fn rhythm_part(ground: &Ground<'_>, facts: &ClientFacts, details: &Details) -> Option<RhythmPart> {
    let standing = Standing::of_facts(facts, ground.base(), ground.day())?;
    let money = |minor| Money::new(minor, ground.app().currency());
    let purchases = facts.purchase_days();
    let hints = ground.base().hints(&details.items);
    let steps = ground.base().steps_up(&details.items).into_iter();
    let locale = facts.client.locale.unwrap_or(ground.app().locale());
    Some(RhythmPart {
        purchases,
        last_purchase: facts.last_purchase().unwrap_or_default(),
        days_silent: standing.days_silent.unsigned_abs(),
        usual_gap_days: (purchases > 1).then(|| standing.law.usual_gap_days().round() as u32),
        usual_items: details.usual_items.clone(),
        last_items: details.last_items.clone(),
        average_receipt: Some(money(facts.usual_spend())),
        last_amount: details.last_amount.map(money),
        hints: hints.into_iter().map(|hint| hint.item).collect(),
        upsell: steps.map(|step| wording::step_up(locale, &step)).collect(),
    })
}

fn deal_part(app: &App, evidence: &Evidence) -> Option<DealPart> {
    let money = |minor: &i64| Money::new(*minor, app.currency());
    match evidence {
        Evidence::Rejection {
            day,
            title,
            reason,
            amount,
            ..
        }
        | Evidence::RejectionAnswered {
            day,
            title,
            reason,
            amount,
            ..
        } => Some(DealPart {
            day: *day,
            title: title.clone(),
            reason: reason.clone(),
            amount: amount.as_ref().map(money),
        }),
        Evidence::DealWon { day, title, amount }
        | Evidence::StalledDeal {
            day, title, amount, ..
        } => Some(DealPart {
            day: *day,
            title: title.clone(),
            reason: None,
            amount: amount.as_ref().map(money),
        }),
        _ => None,
    }
}

/// The code of the certificate that a step gives to a client: the same at every attempt. `try_no` is
/// another one where somebody else has the first.
pub fn certificate_code(
    app: &App,
    offer: &CertificateOffer,
    touch: &Touched,
    client: &Client,
    try_no: usize,
) -> String {
    let key = key_of(touch, client);
    code_of_key(app, offer, &touch.campaign, &key, try_no)
}

/// The code of the certificate that is given on an occasion with a key of its own.
pub fn code_of_key(
    app: &App,
    offer: &CertificateOffer,
    campaign: &str,
    key: &str,
    try_no: usize,
) -> String {
    let secret = app.key.mac("certificate", key);
    match &offer.prefix {
        Some(prefix) => code(prefix, &secret, try_no),
        None => code(&prefix_of(campaign), &secret, try_no),
    }
}

fn occasion_part(evidence: &Evidence) -> Option<OccasionPart> {
    match evidence {
        // How old somebody becomes is nothing that a letter tells.
        Evidence::Date { day } | Evidence::Birthday { day } => Some(OccasionPart {
            day: *day,
            years: None,
        }),
        Evidence::Anniversary { day, years } => Some(OccasionPart {
            day: *day,
            years: Some(*years).filter(|years| *years > 0),
        }),
        _ => None,
    }
}

/// The key of the message of a touch: two sources may call their clients alike.
pub fn key_of(touch: &Touched, client: &Client) -> String {
    key_of_step(&touch.campaign, &touch.episode, &touch.step, client)
}

/// The key of what belongs to a step of an episode of a client.
pub fn key_of_step(campaign: &str, episode: &str, step: &str, client: &Client) -> String {
    let of_source = [client.source.as_str(), client.ext_id.as_str()].join("\0");
    message_key(campaign, episode, &of_source, step)
}

/// The key of a manager's list of a day.
pub fn list_key(day: Day, manager: &str) -> String {
    message_key("task-list", &day.to_string(), manager, "list")
}

/// The key of a letter to the operator about an occasion.
pub fn notice_key(occasion: &str) -> String {
    message_key("operator", occasion, "", "notice")
}

//! What a template may say: the values that a letter, a script or a nudge is rendered from. Pages of
//! clients have `page_context`, lists of managers `task_context`.
//!
//! Plain values only, because they are frozen as JSON when a message is planned and rendered when
//! a worker takes it, perhaps by a later version of the program: a field that is gone is ignored,
//! a new one has a default. Absent values are left out of the JSON, so that a template which uses
//! one without asking is an error and not a hole in the letter.
//!
//! The believable examples for checks and previews are in `sample`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::colour::Colour;
use super::occasions::{EventPart, OccasionPart, PartnerPart};
use crate::config::settings::Company;
use crate::model::{CertificateKind, Day, Locale, Money};
use crate::rules::wording;

/// Everything that a letter to a client, a call script or a WhatsApp nudge may mention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LetterContext {
    /// The company that writes.
    pub company: CompanyPart,
    /// The client who is written to or called.
    pub client: ClientPart,
    /// The manager in whose name it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<ManagerPart>,
    /// What the client usually buys, and how often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<RhythmPart>,
    /// The deal that the episode is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal: Option<DealPart>,
    /// The certificate that the step gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificatePart>,
    /// The news that the letter carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<NewsPart>,
    /// The day that the letter is written for: a birthday, an anniversary, a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<OccasionPart>,
    /// The event that the letter invites to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventPart>,
    /// The offer of a partner, with the client's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerPart>,
    /// Where the client can go from here.
    pub links: LinksPart,
    /// Why now, in one sentence: for scripts and managers, never for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The business date of the run. Not `date`, because that is a word of templates.
    pub today: Day,
}

/// The company that writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompanyPart {
    /// The name that clients know.
    pub name: String,
    /// The language used when a template does not exist in the client's.
    #[serde(default)]
    pub locale: Locale,
    /// The colour of buttons and lines.
    #[serde(default)]
    pub accent: Colour,
    /// The same where mail programs are dark.
    #[serde(default = "Colour::at_night")]
    pub accent_dark: Colour,
    /// The colour around the sheet of a letter.
    #[serde(default = "Colour::around")]
    pub background: Colour,
    /// The postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The phone, in E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The address that answers go to when there is no manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The legal name and numbers for the footer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal: Option<String>,
    /// The picture at the head of a letter, by https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// The same for mail programs that are dark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_dark_url: Option<String>,
}

impl CompanyPart {
    /// The company as it is configured.
    pub fn of(company: &Company) -> Self {
        let colour = |text: &str| text.parse::<Colour>().ok();
        let accent = colour(&company.accent).unwrap_or_default();
        let dark = company.accent_dark.as_deref().and_then(colour);
        Self {
            name: company.name.clone(),
            locale: company.locale,
            accent_dark: dark.unwrap_or_else(|| accent.lighter()),
            accent,
            background: colour(&company.background).unwrap_or_else(Colour::around),
            address: company.address.clone(),
            phone: company.phone.clone(),
            email: company.email.clone(),
            legal: company.legal.clone(),
            logo_url: company.logo_url.clone(),
            logo_dark_url: company.logo_dark_url.clone(),
        }
    }
}

/// The client, or the person of the client's company who is written to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientPart {
    /// What the card of the client is called: the person or the company.
    pub name: String,
    /// The given name, when it is surely known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// How the person is addressed: «Анна Сергеевна», "Anna".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_as: Option<String>,
    /// The client's company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The phone, in E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The postal address, for gifts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Further columns of the source, such as a discount card or bonus points.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl ClientPart {
    /// Makes the part from the card's name, and finds in it how to address the person.
    pub fn named(name: &str) -> Self {
        let person = wording::person_name(name);
        Self {
            name: name.to_owned(),
            first_name: person.as_ref().map(|person| person.first_name.clone()),
            address_as: person.map(|person| person.address_as),
            ..Self::default()
        }
    }
}

/// The manager in whose name a letter is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ManagerPart {
    /// The full name, as it is signed.
    pub name: String,
    /// The position, as it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The phone, in E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The portrait, by https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_url: Option<String>,
}

/// What the client buys, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RhythmPart {
    /// Days with a purchase so far.
    pub purchases: u32,
    /// The day of the last purchase.
    pub last_purchase: Day,
    /// Days since the last purchase.
    pub days_silent: u32,
    /// Days that usually lie between two purchases; absent before the second one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_gap_days: Option<u32>,
    /// What is bought most often, most frequent first.
    #[serde(default)]
    pub usual_items: Vec<String>,
    /// What was bought the last time.
    #[serde(default)]
    pub last_items: Vec<String>,
    /// The mean amount of a purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_receipt: Option<Money>,
    /// The amount of the last purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_amount: Option<Money>,
    /// What clients with such baskets also buy, the likeliest first: for a larger receipt.
    #[serde(default)]
    pub hints: Vec<String>,
    /// What such clients went over to or took more of next, in words: for a larger receipt.
    #[serde(default)]
    pub upsell: Vec<String>,
}

/// The deal that the episode is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DealPart {
    /// The day on which it was won, lost or quoted.
    pub day: Day,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Why it was lost, in the words of the company's list of reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// The certificate that a step gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificatePart {
    /// For whom it is.
    pub kind: CertificateKind,
    /// The code to show.
    pub code: String,
    /// The last day on which it is good.
    pub valid_until: Day,
    /// A discount as configuration writes it: `10%` or `500 RUB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<String>,
    /// A gift, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gift: Option<String>,
    /// The page of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The least receipt that it is taken for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_receipt: Option<Money>,
    /// The products that it is for; everything when empty.
    #[serde(default)]
    pub products: Vec<String>,
    /// How often it can be used.
    #[serde(default = "CertificatePart::once")]
    pub uses: u32,
    /// The picture where it is shown: inside of the letter, or by https on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The picture by https, for those who fetch it: WhatsApp.
    pub picture_url: String,
    /// The template of the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

impl CertificatePart {
    const fn once() -> u32 {
        1
    }
}

/// The news that a letter carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewsPart {
    /// What it is about, in one line.
    pub title: String,
    /// The paragraphs before the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intro: Option<String>,
    /// The items, most important first.
    pub items: Vec<NewsItem>,
}

/// One item of the news.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewsItem {
    /// The headline.
    pub title: String,
    /// The text, in Markdown.
    pub text: String,
    /// A picture above it, by https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// What the picture shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_alt: Option<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Where the client can go from a letter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinksPart {
    /// The page on which letters are stopped with one click.
    pub unsubscribe: String,
    /// The company's site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The page on which the client chooses what to receive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stored_by_another_version_are_still_read() {
        let old = r#"{"company":{"name":"A","gone":1},"client":{"name":"B"},
            "links":{"unsubscribe":"https://example.org"},"today":"2026-11-25","new":{}}"#;
        let context: LetterContext = serde_json::from_str(old).unwrap();
        assert_eq!(context.company.accent, Colour::default());
        assert_eq!(context.client.first_name, None);
    }

    #[test]
    fn a_client_is_addressed_by_what_the_card_says() {
        let client = ClientPart::named("Петрова Анна Сергеевна");
        assert_eq!(client.first_name.as_deref(), Some("Анна"));
        assert_eq!(client.address_as.as_deref(), Some("Анна Сергеевна"));
        assert_eq!(ClientPart::named("ООО Ромашка").address_as, None);
    }
}

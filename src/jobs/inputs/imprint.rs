//! What company and campaign put into a message beside what is frozen of the client: kept with the
//! version of the template when a run is let go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Frozen;
use super::links::{links, seat_page};
use crate::app::App;
use crate::config::Campaign;
use crate::config::campaign::{Event, News, Partner, Sender, Variant};
use crate::render::{CompanyPart, EventPart, LetterContext, NewsItem, NewsPart, PartnerPart};

/// What company and campaign put into every message of a template, whoever reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imprint {
    /// The company.
    pub company: CompanyPart,
    /// The company's site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The title of the campaign; absent for what belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who signs.
    #[serde(default)]
    pub from: Sender,
    /// The news of the campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<NewsPart>,
    /// The event that the campaign invites to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// The partner whose offer the campaign carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<Partner>,
    /// The forms of its messages, by step and id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, Variant>,
}

impl Imprint {
    /// As the configuration says now.
    pub fn now(app: &App, campaign: Option<&Campaign>) -> Self {
        Self {
            company: company_part(app),
            site: app.settings.company.site.clone(),
            title: campaign.map(|campaign| campaign.title.clone()),
            from: campaign.map(|campaign| campaign.from).unwrap_or_default(),
            news: campaign.and_then(|campaign| campaign.news.as_ref().map(news_part)),
            event: campaign.and_then(|campaign| campaign.event.clone()),
            partner: campaign.and_then(|campaign| campaign.partner.clone()),
            variants: campaign.map(variants).unwrap_or_default(),
        }
    }

    /// The form of a message that was drawn when it was planned.
    pub fn variant_of(&self, frozen: &Frozen) -> Option<&Variant> {
        self.variants.get(frozen.variant.as_deref()?)
    }
}

/// What a template is rendered from now: the frozen part, the imprint, and the links of this message.
pub fn context(app: &App, campaign: Option<&Campaign>, frozen: Frozen, key: &str) -> LetterContext {
    context_of(app, &Imprint::now(app, campaign), frozen, key)
}

/// The same with the imprint of another moment.
pub fn context_of(app: &App, imprint: &Imprint, frozen: Frozen, key: &str) -> LetterContext {
    let mut links = links(app, key);
    links.site.clone_from(&imprint.site);
    let variant = imprint.variant_of(&frozen);
    let other_news = variant.and_then(|variant| variant.news.as_ref());
    let news = other_news.map(news_part).or_else(|| imprint.news.clone());
    let partner = imprint.partner.as_ref();
    LetterContext {
        company: imprint.company.clone(),
        client: frozen.client,
        manager: frozen.manager,
        rhythm: frozen.rhythm,
        deal: frozen.deal,
        certificate: frozen.certificate,
        news: narrowed(news, frozen.answer.as_deref()),
        occasion: frozen.occasion,
        event: imprint
            .event
            .as_ref()
            .map(|event| EventPart::of(event, seat_page(app, key))),
        partner: partner.and_then(|partner| partner_part(partner, frozen.partner_code)),
        links,
        why: Some(frozen.why),
        today: frozen.today,
    }
}

/// The company as letters show it.
pub fn company_part(app: &App) -> CompanyPart {
    CompanyPart::of(&app.settings.company)
}

/// The forms of the messages of a campaign, by step and id.
fn variants(campaign: &Campaign) -> BTreeMap<String, Variant> {
    let steps = campaign.steps.iter();
    let variants = steps.flat_map(|step| {
        let named = |variant: &Variant| (variant_name(&step.id, &variant.id), variant.clone());
        step.variants.iter().map(named)
    });
    variants.collect()
}

/// What a variant of a step is called among all of a campaign.
pub fn variant_name(step: &str, variant: &str) -> String {
    format!("{step}/{variant}")
}

fn partner_part(partner: &Partner, code: Option<String>) -> Option<PartnerPart> {
    Some(PartnerPart {
        name: partner.name.clone(),
        offer: partner.offer.clone(),
        code: code?,
        valid_until: partner.valid_until,
        link: partner.link.clone(),
    })
}

/// Of news that answer rejections only the piece that answers this one.
fn narrowed(news: Option<NewsPart>, answer: Option<&str>) -> Option<NewsPart> {
    let mut news = news?;
    if let Some(answer) = answer {
        news.items.retain(|item| item.title == answer);
    }
    Some(news)
}

fn news_part(news: &News) -> NewsPart {
    let items = news.items.iter().map(|item| NewsItem {
        title: item.title.clone(),
        text: item.text.clone(),
        picture: item.picture.clone(),
        picture_alt: item.picture_alt.clone(),
        link: item.link.clone(),
    });
    NewsPart {
        title: news.title.clone(),
        intro: news.intro.clone(),
        items: items.collect(),
    }
}

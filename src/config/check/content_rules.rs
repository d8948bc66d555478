//! What letters cannot carry: variants without sense, links that cannot be sent, parts that are not
//! there.

use std::collections::BTreeSet;

use pulldown_cmark::{Event as Mark, Parser, Tag};

use super::super::campaign::{News, Step, Trigger, Variant};
use super::super::values::Share;
use super::super::{Campaign, KnownTemplates};
use super::document::KeyPath;
use super::findings::Finding;
use crate::model::Channel;

fn top(key: &str) -> KeyPath {
    KeyPath::root().key(key)
}

fn step(n: usize) -> KeyPath {
    top("step").index(n)
}

/// Variants are at least two, each with an id of its own, and their shares make a whole.
pub(super) fn variants_make_a_whole(campaign: &Campaign) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, found) in campaign.steps.iter().enumerate() {
        let at = step(n).key("variant");
        if found.variants.is_empty() {
            continue;
        }
        if found.channel.is_none() {
            let message = "variants belong to a message, and this step is a task";
            findings.push(Finding::error(at.clone(), message, "take them out"));
        }
        if found.variants.len() == 1 {
            let message = "one variant is no choice";
            let hint =
                "add a second one; one without subject, template and news is the letter as it is";
            findings.push(Finding::error(at.clone(), message, hint));
        }
        findings.extend(ids_differ(&found.variants, &at));
        findings.extend(shares_fit(found, &at));
    }
    findings
}

fn ids_differ(variants: &[Variant], at: &KeyPath) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let twice = variants.iter().enumerate();
    let twice = twice.filter(|(_, variant)| !seen.insert(variant.id.as_str()));
    let findings = twice.map(|(n, variant)| {
        let message = format!("two variants have the id \"{}\"", variant.id);
        Finding::error(at.index(n).key("id"), message, "give each an id of its own")
    });
    findings.collect()
}

fn shares_fit(found: &Step, at: &KeyPath) -> Option<Finding> {
    let given: f64 = found
        .variants
        .iter()
        .filter_map(|variant| variant.share)
        .map(Share::fraction)
        .sum();
    let all_given = found.variants.iter().all(|variant| variant.share.is_some());
    let percent = (given * 100.0).round();
    let hint = "take a share out, so that the variant gets what the others leave";
    if given > 1.000_001 || (!all_given && given > 0.999_999) {
        let message = format!(
            "the shares of the variants come to {percent}%: nothing is left for the others"
        );
        return Some(Finding::error(at.clone(), message, hint));
    }
    if all_given && given < 0.999_999 {
        let message = format!("the shares of the variants come to {percent}%, not to 100%");
        return Some(Finding::error(at.clone(), message, hint));
    }
    None
}

/// Every text in Markdown with its place.
fn texts(campaign: &Campaign) -> Vec<(&str, KeyPath)> {
    let mut texts = Vec::new();
    if let Some(news) = &campaign.news {
        texts.extend(texts_of(news, &top("news")));
    }
    for (n, found) in campaign.steps.iter().enumerate() {
        for (v, variant) in found.variants.iter().enumerate() {
            if let Some(news) = &variant.news {
                texts.extend(texts_of(news, &step(n).key("variant").index(v).key("news")));
            }
        }
    }
    if let Some(about) = campaign
        .event
        .as_ref()
        .and_then(|event| event.about.as_deref())
    {
        texts.push((about, top("event").key("about")));
    }
    texts
}

fn texts_of<'n>(news: &'n News, at: &KeyPath) -> Vec<(&'n str, KeyPath)> {
    let intro = news.intro.as_deref().map(|intro| (intro, at.key("intro")));
    let items = news.items.iter().enumerate();
    let items = items.map(|(n, item)| (item.text.as_str(), at.key("item").index(n).key("text")));
    intro.into_iter().chain(items).collect()
}

/// Links and pictures of texts can be sent, and HTML is told from words.
pub(super) fn texts_can_be_sent(campaign: &Campaign) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (text, at) in texts(campaign) {
        let mut html = false;
        for mark in Parser::new(text) {
            match mark {
                Mark::Start(Tag::Link { dest_url, .. }) if !is_link(&dest_url) => {
                    let message = format!("the link \"{dest_url}\" cannot be sent");
                    let hint = "write it with https://, or mailto: and tel:";
                    findings.push(Finding::error(at.clone(), message, hint));
                }
                Mark::Start(Tag::Image { dest_url, .. }) => {
                    let message = format!("the picture \"{dest_url}\" in the text is not shown");
                    let hint = "name it in picture = \"https://…\" of the item";
                    findings.push(Finding::warning(at.clone(), message, hint));
                }
                Mark::Html(_) | Mark::InlineHtml(_) => html = true,
                _ => {}
            }
        }
        if html {
            let message = "HTML in the text is shown as it is written";
            let hint = "write Markdown: **bold**, - lists, [words](https://…)";
            findings.push(Finding::warning(at, message, hint));
        }
    }
    findings
}

fn is_link(link: &str) -> bool {
    let scheme = link
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("https" | "http" | "mailto" | "tel"))
}

/// A picture says what it shows.
pub(super) fn pictures_are_described(campaign: &Campaign) -> Vec<Finding> {
    let items = campaign
        .news
        .iter()
        .flat_map(|news| &news.items)
        .enumerate();
    let undescribed =
        items.filter(|(_, item)| item.picture.is_some() && item.picture_alt.is_none());
    let findings = undescribed.map(|(n, _)| {
        let at = top("news").key("item").index(n).key("picture");
        let message = "the picture has no picture_alt: many people never see pictures";
        Finding::warning(at, message, "say in picture_alt what it shows")
    });
    findings.collect()
}

/// A step for the invited needs an event.
pub(super) fn invited_to_something(campaign: &Campaign) -> Vec<Finding> {
    let steps = campaign.steps.iter().enumerate();
    let without = steps.filter(|(_, found)| found.only.is_some() && campaign.event.is_none());
    let findings = without.map(|(n, _)| {
        let message = "\"only\" speaks of those who were invited, and the campaign has no [event]";
        Finding::error(
            step(n).key("only"),
            message,
            "add [event], or take only out",
        )
    });
    findings.collect()
}

/// The parts that letters speak of are there.
pub(super) fn letters_have_their_parts(
    campaign: &Campaign,
    known: &KnownTemplates,
) -> Vec<Finding> {
    let is_occasion = matches!(
        campaign.trigger,
        Trigger::Date { .. } | Trigger::Birthday { .. } | Trigger::Anniversary { .. }
    );
    let mut findings = Vec::new();
    for (n, found) in campaign.steps.iter().enumerate() {
        if found.channel != Some(Channel::Email) {
            continue;
        }
        let own = found
            .template
            .iter()
            .map(|name| (name, step(n).key("template"), None));
        let others = found
            .variants
            .iter()
            .enumerate()
            .filter_map(|(v, variant)| {
                let at = step(n).key("variant").index(v).key("template");
                Some((variant.template.as_ref()?, at, variant.news.as_ref()))
            });
        for (template, at, news) in own.chain(others) {
            let needs = known
                .needs
                .get(template)
                .map(Vec::as_slice)
                .unwrap_or_default();
            for part in needs {
                let (there, hint) = match part.as_str() {
                    "news" => (campaign.news.is_some() || news.is_some(), "add [news]"),
                    "event" => (
                        campaign.event.is_some(),
                        "add [event] with title, day and time",
                    ),
                    "partner" => (
                        campaign.partner.is_some(),
                        "add [partner] with name, offer and codes",
                    ),
                    "certificate" => (
                        found.certificate.is_some(),
                        "add certificate = { kind = \"own\", discount = \"10%\", valid = \"60d\" }",
                    ),
                    "occasion" => (
                        is_occasion,
                        "use it with on = \"date\", \"birthday\" or \"anniversary\"",
                    ),
                    _ => continue,
                };
                if !there {
                    let message =
                        format!("the letter \"{template}\" speaks of {part}, and there is none");
                    findings.push(Finding::error(at.clone(), message, hint));
                }
            }
        }
    }
    findings
}

//! What the certificates of a campaign, and `[certificates]` of the settings, cannot mean.

use std::path::Path;

use super::super::campaign::{CertificateOffer, Discount};
use super::super::values::{Days, Share};
use super::super::{Campaign, KnownTemplates, Settings};
use super::document::KeyPath;
use super::findings::Finding;
use super::nearest;
use crate::model::{CertificateKind, Channel, Money};

/// How long WhatsApp keeps a marketing message that it cannot deliver, in days.
///
/// Source: Meta, Cloud API, "Time-to-live": 30 days for marketing templates.
const WHATSAPP_KEEPS_DAYS: i32 = 30;

/// What no code can have, with the reason.
const ALLOWED: &str = "write digits and capital Latin letters, but no I, L, O and U: they look \
                       like others when a code is read aloud";

/// Every rule over a campaign that needs nothing but it.
pub(super) const RULES: &[fn(&Campaign) -> Vec<Finding>] =
    &[is_worth_something, prefix_is_readable];

/// The certificates of a campaign, with their places and the channels that carry them.
fn offers(campaign: &Campaign) -> impl Iterator<Item = (&CertificateOffer, KeyPath, Vec<Channel>)> {
    let steps = campaign.steps.iter().enumerate();
    steps.filter_map(|(n, step)| {
        let at = KeyPath::root().key("step").index(n).key("certificate");
        let fallback = step.fallback.as_ref().map(|fallback| fallback.channel);
        let channels = step.channel.into_iter().chain(fallback).collect();
        Some((step.certificate.as_ref()?, at, channels))
    })
}

fn is_worth_something(campaign: &Campaign) -> Vec<Finding> {
    let worthless = offers(campaign).filter_map(|(offer, at, _)| worthless(offer, at));
    worthless.collect()
}

/// What is wrong with what a certificate gives.
fn worthless(offer: &CertificateOffer, at: KeyPath) -> Option<Finding> {
    let nothing = match offer.discount {
        Some(Discount::Share(share)) => share == Share::percent(0.0),
        Some(Discount::Money(money)) => money.minor <= 0,
        None => false,
    };
    if offer.valid == Days(0) {
        let hint = "write valid = \"60d\"";
        return Some(Finding::error(
            at.key("valid"),
            "the certificate is never valid",
            hint,
        ));
    }
    if offer.uses == 0 {
        let message = "the certificate can never be used";
        return Some(Finding::error(at.key("uses"), message, "write uses = 1"));
    }
    if nothing {
        let hint = "write discount = \"10%\", or a gift in its place";
        return Some(Finding::error(
            at.key("discount"),
            "the discount is nothing",
            hint,
        ));
    }
    let message = "the certificate gives neither a discount nor a gift";
    let hint = "add discount = \"10%\" or gift = \"…\"";
    let empty = offer.discount.is_none() && offer.gift.is_none();
    empty.then(|| Finding::error(at, message, hint))
}

fn prefix_is_readable(campaign: &Campaign) -> Vec<Finding> {
    let strange = offers(campaign).filter_map(|(offer, at, _)| strange_prefix(offer, &at));
    strange.collect()
}

/// What is wrong with what the codes begin with.
fn strange_prefix(offer: &CertificateOffer, at: &KeyPath) -> Option<Finding> {
    let prefix = offer.prefix.as_deref()?;
    let strange = prefix
        .chars()
        .find(|c| !matches!(c, '0'..='9' | 'A'..='Z') || "ILOU".contains(*c))?;
    let message = format!("\"{strange}\" cannot stand in a code");
    Some(Finding::error(at.key("prefix"), message, ALLOWED))
}

/// A certificate must outlive the way of its message: nobody is glad of one that has ended.
pub(super) fn outlives_its_message(campaign: &Campaign, expires_after: Days) -> Vec<Finding> {
    let look = |(offer, at, channels): (&CertificateOffer, KeyPath, Vec<Channel>)| {
        let at = at.key("valid");
        if offer.valid <= expires_after {
            let message = format!(
                "the certificate is valid for {}, and its message may leave {expires_after} after it \
                 was made (delivery.expires_after)",
                offer.valid
            );
            let hint = "make it valid for longer";
            return Some(Finding::error(at, message, hint));
        }
        let whatsapp = expires_after.count() + WHATSAPP_KEEPS_DAYS;
        let short = channels.contains(&Channel::Whatsapp) && offer.valid.count() <= whatsapp;
        short.then(|| {
            let message = format!(
                "WhatsApp may deliver the message {WHATSAPP_KEEPS_DAYS} days late, when the \
                 certificate has ended"
            );
            let hint = format!("make it valid for more than {whatsapp}d");
            Finding::warning(at, message, hint)
        })
    };
    offers(campaign).filter_map(look).collect()
}

/// The amounts of money that certificates name, with their places.
pub(super) fn amounts(campaign: &Campaign) -> Vec<(Money, KeyPath)> {
    let amounts = offers(campaign).flat_map(|(offer, at, _)| amounts_of(offer, &at));
    amounts.collect()
}

fn amounts_of(offer: &CertificateOffer, at: &KeyPath) -> Vec<(Money, KeyPath)> {
    let discount = match offer.discount {
        Some(Discount::Money(money)) => Some((money, at.key("discount"))),
        _ => None,
    };
    let least = offer
        .min_receipt
        .map(|money| (money, at.key("min_receipt")));
    discount.into_iter().chain(least).collect()
}

pub(super) fn pictures_exist(campaign: &Campaign, known: &KnownTemplates) -> Vec<Finding> {
    let missing = offers(campaign).filter_map(|(offer, at, _)| missing_picture(offer, &at, known));
    missing.collect()
}

fn missing_picture(
    offer: &CertificateOffer,
    at: &KeyPath,
    known: &KnownTemplates,
) -> Option<Finding> {
    let names = &known.certificates;
    if names.is_empty() || names.contains(&offer.picture) {
        return None;
    }
    let message = format!("there is no picture of a certificate \"{}\"", offer.picture);
    let hint = match nearest::word(&offer.picture, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!(
            "put {}.svg.hbs into templates/certificates/ru/",
            offer.picture
        ),
    };
    Some(Finding::error(at.key("picture"), message, hint))
}

/// The certificate that whoever names a friend gets, with its place.
fn of_friend_named(settings: &Settings) -> Option<(&CertificateOffer, KeyPath)> {
    let at = KeyPath::root().key("certificates").key("friend_named");
    let offer = settings.certificates.friend_named.as_ref()?;
    Some((offer, at))
}

fn friend_named_is_worth_something(settings: &Settings) -> Vec<Finding> {
    let Some((offer, at)) = of_friend_named(settings) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if offer.kind != CertificateKind::Friend {
        let message = "whoever names a friend gets a certificate for him";
        let hint = "write kind = \"friend\"";
        findings.push(Finding::error(at.key("kind"), message, hint));
    }
    findings.extend(strange_prefix(offer, &at));
    let currency = settings.company.currency;
    let amounts = amounts_of(offer, &at).into_iter();
    let foreign = amounts.filter(|(amount, _)| amount.currency != currency);
    findings.extend(foreign.map(|(amount, at)| {
        let message = format!("{amount} is not in {currency}, the currency of the company");
        Finding::error(at, message, format!("write the amount in {currency}"))
    }));
    findings.extend(worthless(offer, at));
    findings
}

/// A finding for a picture of the certificate of whoever names a friend that no template draws.
pub(super) fn picture_of_friend_named_exists(
    settings: &Settings,
    known: &KnownTemplates,
) -> Option<Finding> {
    let (offer, at) = of_friend_named(settings)?;
    missing_picture(offer, &at, known)
}

/// Every rule over the settings that needs nothing but them.
pub(super) const SETTINGS_RULES: &[fn(&Settings) -> Vec<Finding>] =
    &[some_friend_may_come, friend_named_is_worth_something];

fn some_friend_may_come(settings: &Settings) -> Vec<Finding> {
    let at = |key: &str| KeyPath::root().key("certificates").key(key);
    let certificates = &settings.certificates;
    let mut findings = Vec::new();
    if certificates.friends_per_giver == 0 {
        let message = "no friend may ever come";
        let hint = "write friends_per_giver = 5";
        findings.push(Finding::error(at("friends_per_giver"), message, hint));
    }
    if certificates.giver_period == Days(0) {
        let message = "\"giver_period\" leaves no time at all";
        findings.push(Finding::error(
            at("giver_period"),
            message,
            "write \"365d\"",
        ));
    }
    findings
}

/// Findings for files that are not there; relative paths start at `home`.
pub(super) fn files_exist(settings: &Settings, home: &Path) -> Vec<Finding> {
    let file = settings.certificates.till_pin_file.as_ref();
    let missing = file.filter(|file| !home.join(file).exists());
    let findings = missing.map(|file| {
        let at = KeyPath::root().key("certificates").key("till_pin_file");
        let message = format!("there is no file {}", file.display());
        let hint = "a relative path starts at the folder that holds config/";
        Finding::warning(at, message, hint)
    });
    findings.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(step: &str) -> Campaign {
        let text = format!(
            "id = \"a-b\"\ntitle = \"x\"\ntrigger = {{ on = \"purchase\" }}\n[[step]]\nid = \"s\"\n{step}"
        );
        toml::from_str(&text).unwrap()
    }

    fn said(findings: &[Finding]) -> usize {
        findings.len()
    }

    #[test]
    fn a_certificate_outlives_the_way_of_its_message() {
        for (channel, valid, found) in [
            ("email", "4d", 1),
            ("email", "5d", 0),
            ("whatsapp", "34d", 1),
            ("whatsapp", "35d", 0),
        ] {
            let campaign = campaign(&format!(
                "channel = \"{channel}\"\ntemplate = \"t\"\n\
                 certificate = {{ kind = \"own\", gift = \"x\", valid = \"{valid}\" }}"
            ));
            let findings = outlives_its_message(&campaign, Days(4));
            assert_eq!(said(&findings), found, "{channel} {valid}");
        }
    }

    #[test]
    fn a_prefix_has_no_letter_that_looks_like_another() {
        for (prefix, found) in [("NY26", 0), ("GIFT", 1), ("год", 1), ("ab", 1)] {
            let campaign = campaign(&format!(
                "certificate = {{ kind = \"own\", gift = \"x\", valid = \"9d\", prefix = \"{prefix}\" }}"
            ));
            assert_eq!(said(&prefix_is_readable(&campaign)), found, "{prefix}");
        }
    }

    #[test]
    fn whoever_names_a_friend_gets_a_certificate_that_can_be_used() {
        for (offer, found) in [
            ("kind = \"friend\", gift = \"x\"", 0),
            ("kind = \"own\", gift = \"x\"", 1),
            ("kind = \"friend\"", 1),
            ("kind = \"friend\", discount = \"5 USD\"", 1),
            ("kind = \"friend\", gift = \"x\", prefix = \"IL\"", 1),
        ] {
            let text = format!(
                "[company]\nname = \"T\"\ncurrency = \"RUB\"\n[certificates]\n\
                 friend_named = {{ valid = \"9d\", {offer} }}\n"
            );
            let settings: Settings = toml::from_str(&text).unwrap();
            let findings = friend_named_is_worth_something(&settings);
            assert_eq!(said(&findings), found, "{offer}");
        }
    }

    #[test]
    fn a_certificate_gives_something_and_can_be_used() {
        for (offer, found) in [
            ("gift = \"x\"", 0),
            ("gift = \"x\", uses = 0", 1),
            ("discount = \"0%\"", 1),
        ] {
            let campaign = campaign(&format!(
                "certificate = {{ kind = \"own\", valid = \"9d\", {offer} }}"
            ));
            assert_eq!(said(&is_worth_something(&campaign)), found, "{offer}");
        }
    }
}

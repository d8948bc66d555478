//! What `[whatsapp]` cannot mean, and what of it cannot work.

use super::super::Settings;
use super::super::settings::DeliveryMode;
use super::super::values::Wait;
use super::super::whatsapp::number;
use super::document::KeyPath;
use super::findings::Finding;

/// Where WhatsApp is blocked or advertising on it unlawful, with the reason.
///
/// Source: Russian federal law 38-FZ, article 5 part 10.7, in force since 2025-09-01, and the
/// removal of WhatsApp from the national domain name system on 2026-02-11.
const CLOSED_COUNTRIES: &[(&str, &str)] = &[(
    "RU",
    "WhatsApp is blocked in Russia, and advertising there is unlawful since 2025-09-01",
)];

/// Every rule.
pub(super) const RULES: &[fn(&Settings) -> Vec<Finding>] = &[
    there_is_a_sender,
    the_sender_is_an_id,
    the_version_is_understood,
    the_token_goes_encrypted,
    variables_are_named,
    countries_are_open,
    a_request_has_time,
];

fn key(name: &str) -> KeyPath {
    KeyPath::root().key("whatsapp").key(name)
}

fn countries() -> KeyPath {
    KeyPath::root().key("delivery").key("whatsapp_countries")
}

fn there_is_a_sender(settings: &Settings) -> Vec<Finding> {
    let delivery = &settings.delivery;
    let needed = delivery.mode == DeliveryMode::Live && !delivery.whatsapp_countries.is_empty();
    if !needed || settings.whatsapp.phone_number_id.is_some() {
        return Vec::new();
    }
    let message = "WhatsApp is to be used, and no number to send from is named";
    let hint = "add phone_number_id to [whatsapp], or empty this list";
    let finding = Finding::error(countries(), message, hint).given(key("phone_number_id"));
    vec![finding.given(KeyPath::root().key("delivery").key("mode"))]
}

fn the_sender_is_an_id(settings: &Settings) -> Vec<Finding> {
    let Some(id) = &settings.whatsapp.phone_number_id else {
        return Vec::new();
    };
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let message = format!("\"{id}\" is not the id of a number");
    let hint = "take the \"Phone number ID\" from the page of the app at Meta: digits only, and \
                not the number itself";
    vec![Finding::error(key("phone_number_id"), message, hint)]
}

fn the_version_is_understood(settings: &Settings) -> Vec<Finding> {
    let version = &settings.whatsapp.graph_version;
    if number(version).is_some() {
        return Vec::new();
    }
    let message = format!("the version \"{version}\" is not understood");
    let hint = "write graph_version = \"v25.0\"";
    vec![Finding::error(key("graph_version"), message, hint)]
}

/// The token goes with every request: it must not go in the open.
fn the_token_goes_encrypted(settings: &Settings) -> Vec<Finding> {
    let whatsapp = &settings.whatsapp;
    if whatsapp.base_url.starts_with("https://") || whatsapp.is_loopback() {
        return Vec::new();
    }
    let message = "the access token would travel in the open";
    let hint = "write base_url = \"https://graph.facebook.com\"";
    vec![Finding::error(key("base_url"), message, hint)]
}

/// Catches the token itself, written where the name of its variable belongs.
fn variables_are_named(settings: &Settings) -> Vec<Finding> {
    let whatsapp = &settings.whatsapp;
    let variables = [
        ("token_env", &whatsapp.token_env),
        ("app_secret_env", &whatsapp.app_secret_env),
        ("verify_token_env", &whatsapp.verify_token_env),
    ];
    let wrong = variables.into_iter().filter(|(_, name)| !is_variable(name));
    let findings = wrong.map(|(name, _)| {
        let message = format!("what {name} says is not the name of an environment variable");
        let hint = "write a name in capitals such as REKINDLE_WHATSAPP_TOKEN; the secret itself \
                    never stands here, and one that did should be replaced";
        Finding::error(key(name), message, hint)
    });
    findings.collect()
}

fn is_variable(name: &str) -> bool {
    let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(good)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn countries_are_open(settings: &Settings) -> Vec<Finding> {
    let allowed = settings.delivery.whatsapp_countries.iter().enumerate();
    let findings = allowed.filter_map(|(n, country)| {
        let (_, why) = CLOSED_COUNTRIES.iter().find(|(code, _)| code == country)?;
        let hint = format!("take \"{country}\" out of the list and use e-mail and calls there");
        Some(Finding::warning(countries().index(n), *why, hint))
    });
    findings.collect()
}

fn a_request_has_time(settings: &Settings) -> Vec<Finding> {
    if settings.whatsapp.timeout > Wait::ZERO {
        return Vec::new();
    }
    let message = "no request can be answered in no time";
    let hint = "write timeout = \"30s\"";
    vec![Finding::error(key("timeout"), message, hint)]
}

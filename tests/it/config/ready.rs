//! What rekindle brings along: the annotated settings, the ready campaigns, the schemas.

use std::fs;
use std::path::Path;

use rekindle::config::campaign::{Campaign, CampaignStatus, Trigger};
use rekindle::config::ready;
use rekindle::config::schema::{FileKind, schema, schema_text};
use rekindle::config::settings::{DeliveryMode, Settings};
use rekindle::model::{Channel, Locale};
use serde_json::Value;

use super::Home;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// A home with the settings and campaigns that rekindle brings along.
fn ready_home(locale: Locale) -> Home {
    let home = Home::new(&ready::settings(locale));
    for (name, text) in ready::campaigns(locale) {
        home.write(&format!("config/campaigns/{name}"), text);
    }
    home
}

/// The settings with the # taken away from every key.
fn uncommented(text: &str) -> String {
    let is_setting = |line: &str| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if is_setting(rest) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_ready_configuration_is_good_in_every_language() {
    for locale in Locale::ALL {
        let loaded = ready_home(locale).load().unwrap();
        assert!(
            loaded.warnings.is_empty(),
            "{locale}: {:?}",
            loaded.warnings
        );
        assert_eq!(loaded.settings.company.locale, locale);
        assert_eq!(loaded.campaigns.len(), 21);
    }
}

#[test]
fn the_settings_reach_nobody_as_they_come() {
    for locale in Locale::ALL {
        let settings = ready_home(locale).load().unwrap().settings;
        assert_eq!(settings.delivery.mode, DeliveryMode::Sandbox);
        assert!(settings.delivery.whatsapp_countries.is_empty());
        assert!(
            settings.sources.is_empty(),
            "nobody's consent may be taken for granted"
        );
    }
}

#[test]
fn the_settings_for_english_differ_in_the_company_alone() {
    let (russian, english) = (ready::settings(Locale::Ru), ready::settings(Locale::En));
    let pairs = russian.lines().zip(english.lines());
    let changed: Vec<&str> = pairs.filter(|(a, b)| a != b).map(|(_, b)| b).collect();
    let expected = [
        "locale = \"en\"",
        "time_zone = \"Europe/London\"",
        "country = \"GB\"",
        "currency = \"GBP\"",
    ];
    assert_eq!(changed, expected);
}

#[test]
fn every_key_of_the_settings_stands_in_the_annotated_file_with_its_default() {
    let text = uncommented(ready::SETTINGS);
    let home = Home::new(&text);
    let loaded = home.load();
    assert!(loaded.is_ok(), "{}", home.said());
    let written: Value =
        serde_json::to_value(toml::from_str::<toml::Table>(&text).unwrap()).unwrap();
    let mut missing = Vec::new();
    let mut different = Vec::new();
    compare(
        schema(FileKind::Settings),
        &written,
        "",
        &mut missing,
        &mut different,
    );
    assert_eq!(missing, Vec::<String>::new(), "not in config/rekindle.toml");
    // The company is an example: whoever starts writes his own.
    different.retain(|key| !key.starts_with(".company."));
    assert_eq!(
        different,
        Vec::<String>::new(),
        "the file names another default"
    );
}

/// Looks for every key of a schema in a document, and at the defaults that the document names.
fn compare(
    node: &Value,
    written: &Value,
    path: &str,
    missing: &mut Vec<String>,
    different: &mut Vec<String>,
) {
    let root = schema(FileKind::Settings);
    let node = match node["$ref"].as_str() {
        Some(target) => &root["$defs"][target.trim_start_matches("#/$defs/")],
        None => node,
    };
    if node["type"] == "array" && node["items"].is_object() {
        for element in written.as_array().into_iter().flatten().take(1) {
            compare(&node["items"], element, path, missing, different);
        }
        return;
    }
    for (key, property) in node["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let Some(value) = written.get(key) else {
            missing.push(path);
            continue;
        };
        let default = property.get("default").filter(|default| {
            let empty = default.as_array().is_some_and(Vec::is_empty)
                || default.as_object().is_some_and(serde_json::Map::is_empty);
            !default.is_object() && !empty
        });
        if default.is_some_and(|default| default != value) {
            different.push(path.clone());
        }
        compare(property, value, &path, missing, different);
    }
}

#[test]
fn defaults_named_in_words_are_the_real_ones() {
    let settings: Settings = toml::from_str("[company]\nname = \"x\"\n").unwrap();
    let company = &settings.company;
    let words = [
        ("locale", company.locale.to_string()),
        ("time_zone", company.time_zone.0.to_string()),
        ("country", company.country.clone()),
        ("currency", company.currency.to_string()),
    ];
    for (key, default) in words {
        let at = ready::SETTINGS.find(&format!("\n{key} = ")).unwrap();
        let above = ready::SETTINGS[..at].rsplit("\n\n").next().unwrap();
        assert!(
            above.contains(&format!("Default: \"{default}\"")),
            "{key}: {above}"
        );
    }
}

/// A campaign without the words that differ from language to language.
fn bones(campaign: &Campaign) -> Campaign {
    let mut bones = campaign.clone();
    bones.title.clear();
    bones.news = None;
    for step in &mut bones.steps {
        if step.channel.is_some() {
            // The Russian set uses e-mail where the English one has WhatsApp with a fallback.
            step.id.clear();
            step.after = None;
            step.channel = None;
            step.template = None;
            step.fallback = None;
        }
    }
    if let Some(partner) = &mut bones.partner {
        partner.name.clear();
        partner.offer.clear();
        partner.codes.clear();
    }
    if let Some(event) = &mut bones.event {
        event.title.clear();
        event.place = None;
        event.about = None;
    }
    bones
}

#[test]
fn both_languages_have_the_same_campaigns() {
    let [english, russian] = Locale::ALL.map(|locale| ready_home(locale).load().unwrap().campaigns);
    for (a, b) in english.iter().zip(&russian) {
        assert_eq!(bones(a), bones(b), "{}", a.id);
    }
    assert_eq!(english.len(), russian.len());
}

#[test]
fn every_file_of_the_campaign_folders_is_brought_along() {
    for (locale, folder) in [(Locale::Ru, "campaigns"), (Locale::En, "campaigns-en")] {
        let folder = Path::new(FOLDER).join("config").join(folder);
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
        files.sort();
        let mut names: Vec<&str> = ready::campaigns(locale)
            .iter()
            .map(|(name, _)| *name)
            .collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }
}

#[test]
fn every_ready_campaign_names_its_schema_for_editors() {
    for (name, text) in Locale::ALL.into_iter().flat_map(ready::campaigns) {
        assert!(
            text.starts_with("#:schema ../schema/campaign.json\n"),
            "{name}"
        );
    }
    assert!(ready::SETTINGS.starts_with("#:schema schema/settings.json\n"));
}

#[test]
fn the_russian_campaigns_write_no_whatsapp_until_it_is_switched_on() {
    let home = ready_home(Locale::Ru);
    let loaded = home.load().unwrap();
    let steps = loaded.campaigns.iter().flat_map(|campaign| &campaign.steps);
    let channels: Vec<Channel> = steps.filter_map(|step| step.channel).collect();
    assert!(channels.iter().all(|channel| *channel == Channel::Email));
    let (_, text) = ready::campaigns(Locale::Ru)
        .iter()
        .find(|(name, _)| *name == "missed-cycle.toml")
        .unwrap();
    let text = uncommented(text);
    let start = text.find("[[step]]\nid = \"second-letter\"").unwrap();
    let end = text[start..].find("\n\n").unwrap() + start;
    let switched_on = format!("{}{}", &text[..start], &text[end..]);
    home.write("config/campaigns/missed-cycle.toml", switched_on);
    let loaded = home.load().unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let campaign = loaded.campaign("missed-cycle").unwrap();
    assert!(
        campaign
            .steps
            .iter()
            .any(|step| step.channel == Some(Channel::Whatsapp))
    );
}

#[test]
fn what_needs_words_of_the_company_waits_for_them() {
    for locale in Locale::ALL {
        let loaded = ready_home(locale).load().unwrap();
        let drafts = loaded
            .campaigns
            .iter()
            .filter(|campaign| campaign.status == CampaignStatus::Draft);
        let drafts: Vec<&str> = drafts.map(|campaign| campaign.id.as_str()).collect();
        let waiting = [
            "anniversary",
            "birthday",
            "news-2026-12",
            "partner-offer",
            "rejection-answered",
            "seminar",
        ];
        assert_eq!(drafts, waiting);
    }
}

#[test]
fn mailings_leave_key_accounts_to_a_person() {
    let loaded = ready_home(Locale::Ru).load().unwrap();
    for campaign in &loaded.campaigns {
        let writes = campaign.steps.iter().any(|step| step.channel.is_some());
        // What was promised to whoever brings a friend is kept to everybody.
        let promised = matches!(campaign.trigger, Trigger::FriendBought {});
        assert!(
            !writes || promised || campaign.audience.key_account == Some(false),
            "{}",
            campaign.id
        );
    }
}

#[test]
fn the_schemas_for_editors_are_up_to_date() {
    for kind in FileKind::ALL {
        let path = Path::new(FOLDER)
            .join("config/schema")
            .join(kind.schema_file());
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let name = kind.schema_file();
        let word = name.trim_end_matches(".json");
        assert!(
            kept == schema_text(kind),
            "the types have changed: rekindle check --schema {word} > config/schema/{name}"
        );
    }
}

#[test]
fn the_schemas_explain_every_key() {
    fn unexplained(node: &Value, path: &str, found: &mut Vec<String>) {
        for (key, property) in node["properties"].as_object().into_iter().flatten() {
            let explained = property["description"].is_string() || property["const"].is_string();
            if !explained {
                found.push(format!("{path}.{key}"));
            }
        }
        match node {
            Value::Object(object) => {
                for (key, inner) in object {
                    unexplained(inner, &format!("{path}.{key}"), found);
                }
            }
            Value::Array(list) => {
                for inner in list {
                    unexplained(inner, path, found);
                }
            }
            _ => {}
        }
    }
    for kind in FileKind::ALL {
        let mut found = Vec::new();
        unexplained(schema(kind), "", &mut found);
        assert_eq!(found, Vec::<String>::new());
        assert!(!schema_text(kind).contains("null"), "TOML has no null");
        assert_eq!(
            schema(kind)["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
    }
}

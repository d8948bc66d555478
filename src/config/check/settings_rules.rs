//! What the settings cannot mean: each rule a small function, all are run, all report.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::super::Settings;
use super::super::settings::DeliveryMode;
use super::super::values::{Days, Share};
use super::document::KeyPath;
use super::findings::Finding;
use super::{certificate_rules, nearest, schedule_rules, smtp_rules, web_rules, whatsapp_rules};
use crate::model::{Class, ConsentBasis};

/// One rule over the settings.
type Rule = fn(&Settings) -> Vec<Finding>;

/// Every rule that needs nothing but the settings.
const RULES: &[Rule] = &[
    source_names_differ,
    manager_ids_differ,
    staff_addresses_differ,
    consent_covers_something,
    contract_covers_service_only,
    closed_days_have_an_order,
    live_delivery_has_own_addresses,
    database_is_understood,
    a_worker_has_time,
    distances_are_not_nothing,
    shares_leave_a_choice,
    named_managers_are_known,
    absences_have_an_order,
    crm_url_names_the_client,
    own_source_is_not_taken,
];

/// Runs every rule; relative paths start at `home`.
pub(super) fn all(settings: &Settings, home: &Path) -> Vec<Finding> {
    let rules = RULES
        .iter()
        .chain(smtp_rules::RULES)
        .chain(whatsapp_rules::RULES)
        .chain(web_rules::RULES)
        .chain(schedule_rules::RULES)
        .chain(certificate_rules::SETTINGS_RULES);
    rules
        .flat_map(|rule| rule(settings))
        .chain(source_paths_exist(settings, home))
        .chain(smtp_rules::files_exist(settings, home))
        .chain(web_rules::files_exist(settings, home))
        .chain(certificate_rules::files_exist(settings, home))
        .collect()
}

fn top(key: &str) -> KeyPath {
    KeyPath::root().key(key)
}

fn source(n: usize) -> KeyPath {
    top("source").index(n)
}

/// Findings for every name that stands a second time in a list.
fn repeated<'n>(
    list: &str,
    key: &str,
    names: impl Iterator<Item = &'n str>,
    hint: &str,
) -> Vec<Finding> {
    let mut seen = BTreeMap::new();
    let mut findings = Vec::new();
    for (n, name) in names.enumerate() {
        let at = top(list).index(n).key(key);
        if let Some(first) = seen.get(name) {
            let message = format!("two [[{list}]] have the {key} \"{name}\"");
            let first = top(list).index(*first).key(key);
            findings.push(Finding::error(at, message, hint).given(first));
        } else {
            seen.insert(name, n);
        }
    }
    findings
}

fn source_names_differ(settings: &Settings) -> Vec<Finding> {
    let names = settings.sources.iter().map(|source| source.name.as_str());
    let hint = "give each source a name of its own: the ids of clients are unique within it";
    repeated("source", "name", names, hint)
}

fn manager_ids_differ(settings: &Settings) -> Vec<Finding> {
    let ids = settings.managers.iter().map(|manager| manager.id.as_str());
    repeated("manager", "id", ids, "give each manager an id of his own")
}

fn staff_addresses_differ(settings: &Settings) -> Vec<Finding> {
    let emails = settings.staff.iter().map(|person| person.email.as_str());
    repeated(
        "staff",
        "email",
        emails,
        "give each person one block, with the role that sees most",
    )
}

fn source_paths_exist(settings: &Settings, home: &Path) -> Vec<Finding> {
    let sources = settings.sources.iter().enumerate();
    let missing = sources.filter(|(_, source)| !home.join(&source.path).exists());
    let findings = missing.map(|(n, source)| {
        let message = format!("there is no file or folder {}", source.path.display());
        let hint = "a relative path starts at the folder that holds config/";
        Finding::warning(self::source(n).key("path"), message, hint)
    });
    findings.collect()
}

fn consent_covers_something(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, source) in settings.sources.iter().enumerate() {
        let (at, consent) = (self::source(n).key("consent"), &source.consent);
        let names = [
            ("channels", consent.channels.is_empty()),
            ("classes", consent.classes.is_empty()),
        ];
        for (key, is_empty) in names {
            if consent.basis != ConsentBasis::None && is_empty {
                let message = format!("the consent of source \"{}\" covers no {key}", source.name);
                let hint = match key {
                    "channels" => "add channels = [\"email\"], or what the consent names",
                    _ => "add classes = [\"advertising\", \"service\"], or what the consent names",
                };
                let finding = Finding::error(at.clone(), message, hint);
                findings.push(finding.given(at.key("basis")));
            } else if consent.basis == ConsentBasis::None && !is_empty {
                let message = format!("{key} without a basis: nobody of this source is written to");
                let hint =
                    "add basis = \"consent\" or \"soft_opt_in\" when there is one, with its proof";
                let finding = Finding::warning(at.key(key), message, hint);
                findings.push(finding.given(at.key("basis")));
            }
        }
    }
    findings
}

fn contract_covers_service_only(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, source) in settings.sources.iter().enumerate() {
        let consent = &source.consent;
        if consent.basis == ConsentBasis::Contract && consent.classes.contains(&Class::Advertising)
        {
            let at = self::source(n).key("consent").key("classes");
            let message = "a contract does not allow advertising";
            let hint = "write classes = [\"service\"], or get a consent";
            findings.push(Finding::error(at, message, hint));
        }
    }
    findings
}

fn closed_days_have_an_order(settings: &Settings) -> Vec<Finding> {
    let closed = settings.rhythm.closed.iter().enumerate();
    let turned = closed.filter(|(_, days)| days.to < days.from);
    let findings = turned.map(|(n, days)| {
        let at = top("rhythm").key("closed").index(n);
        let message = format!(
            "the closed days end on {} before they begin on {}",
            days.to, days.from
        );
        Finding::error(at, message, "swap from and to")
    });
    findings.collect()
}

fn live_delivery_has_own_addresses(settings: &Settings) -> Vec<Finding> {
    if settings.delivery.mode != DeliveryMode::Live {
        return Vec::new();
    }
    let delivery = top("delivery");
    let addresses = [
        ("from_email", &settings.delivery.from_email),
        ("public_url", &settings.delivery.public_url),
    ];
    let examples = addresses
        .into_iter()
        .filter(|(_, address)| is_example(address));
    let findings = examples.map(|(key, address)| {
        let message = format!("live delivery with the example address {address}");
        let hint = format!("write the company's own {key}, or mode = \"sandbox\"");
        Finding::error(delivery.key(key), message, hint).given(delivery.key("mode"))
    });
    findings.collect()
}

/// Source: RFC 2606 §3, the domains that are kept for examples.
fn is_example(address: &str) -> bool {
    ["example.org", "example.com", "example.net"]
        .iter()
        .any(|domain| address.contains(domain))
}

fn database_is_understood(settings: &Settings) -> Vec<Finding> {
    let url = settings.database.url.as_str();
    let at = top("database").key("url");
    let file = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"));
    if file.is_some_and(|file| !file.trim().is_empty()) {
        return Vec::new();
    }
    let server = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"));
    let Some(server) = server else {
        let message = format!("the database \"{url}\" is not understood");
        let hint = "write url = \"sqlite://rekindle.db\", or \"postgres://USER@HOST/NAME\"";
        return vec![Finding::error(at, message, hint)];
    };
    let user = server.rsplit_once('@').map_or("", |(user, _)| user);
    if user.contains(':') {
        let message = "a password stands in the address of the database";
        let hint = "leave it out of the file: write it into a file of its own that \
                    database.password_file names, into ~/.pgpass, or into PGPASSWORD";
        return vec![Finding::warning(at, message, hint)];
    }
    Vec::new()
}

/// A worker that could not keep a message for a moment would never send one.
fn a_worker_has_time(settings: &Settings) -> Vec<Finding> {
    let key = "take_over_after";
    if settings.delivery.take_over_after.duration() >= Duration::from_secs(1) {
        return Vec::new();
    }
    let message = format!("\"{key}\" must be at least a second");
    let at = top("delivery").key(key);
    vec![Finding::error(
        at,
        message,
        "write take_over_after = \"15m\"",
    )]
}

fn distances_are_not_nothing(settings: &Settings) -> Vec<Finding> {
    let distances = [
        (
            "limits",
            "per_client_within",
            settings.limits.per_client_within,
        ),
        ("rhythm", "refit_after", settings.rhythm.refit_after),
        ("tasks", "expires", settings.tasks.expires),
    ];
    let nothing = distances.into_iter().filter(|(.., days)| *days == Days(0));
    let findings = nothing.map(|(table, key, _)| {
        let message = format!("\"{key}\" must be at least one day");
        Finding::error(
            top(table).key(key),
            message,
            format!("write {key} = \"1d\" or more"),
        )
    });
    findings.collect()
}

fn shares_leave_a_choice(settings: &Settings) -> Vec<Finding> {
    let rhythm = &settings.rhythm;
    let shares = [
        ("missed_p", rhythm.missed_p),
        ("missed_p_key_account", rhythm.missed_p_key_account),
        ("asleep_at", rhythm.asleep_at),
        ("key_account_share", rhythm.key_account_share),
    ];
    let (none, all) = (Share::percent(0.0), Share::percent(100.0));
    let useless = shares
        .into_iter()
        .filter(|(_, share)| *share == none || *share == all);
    let findings = useless.map(|(key, share)| {
        let message = format!("{key} = \"{share}\" would hold for everybody or for nobody");
        Finding::error(
            top("rhythm").key(key),
            message,
            "write a share between 1% and 99%",
        )
    });
    findings.collect()
}

/// The managers whom the settings name by id exist, as far as that can be known.
fn named_managers_are_known(settings: &Settings) -> Vec<Finding> {
    let Some(known) = known_managers(settings) else {
        return Vec::new();
    };
    let tasks = top("tasks");
    let mut named = vec![
        (
            &settings.tasks.default_manager,
            tasks.key("default_manager"),
        ),
        (&settings.tasks.head, tasks.key("head")),
        (&settings.tasks.expert, tasks.key("expert")),
    ];
    let managers = settings.managers.iter().enumerate();
    named.extend(managers.map(|(n, manager)| {
        let at = top("manager").index(n).key("substitute");
        (&manager.substitute, at)
    }));
    let unknown = named
        .into_iter()
        .filter_map(|(id, at)| Some((id.as_deref()?, at)))
        .filter(|(id, _)| !known.contains(id));
    let findings = unknown.map(|(id, at)| {
        Finding::warning(at, unknown_manager(id), manager_hint(id, &known)).given(top("manager"))
    });
    findings.collect()
}

/// Somebody is away from a day to a later one, and nobody stands in for himself.
fn absences_have_an_order(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, manager) in settings.managers.iter().enumerate() {
        let at = top("manager").index(n);
        for (i, days) in manager.absent.iter().enumerate() {
            if days.to < days.from {
                let message = format!("{} is away from {} to {}", manager.id, days.from, days.to);
                let place = at.key("absent").index(i);
                findings.push(Finding::error(place, message, "swap from and to"));
            }
        }
        if manager.substitute.as_ref() == Some(&manager.id) {
            let message = format!("{} stands in for himself", manager.id);
            let place = at.key("substitute");
            findings.push(Finding::error(place, message, "name somebody else"));
        }
    }
    findings
}

/// A link to the CRM that leads to the same page for everybody is none.
fn crm_url_names_the_client(settings: &Settings) -> Vec<Finding> {
    let url = settings.tasks.crm_url.as_deref();
    if url.is_none_or(|url| url.contains("{id}")) {
        return Vec::new();
    }
    let at = top("tasks").key("crm_url");
    let message = "the address is the same for every client";
    let hint = "put {id} where the id of the client stands";
    vec![Finding::error(at, message, hint)]
}

/// What is written down here has a source of its own.
fn own_source_is_not_taken(settings: &Settings) -> Vec<Finding> {
    let taken = settings
        .sources
        .iter()
        .position(|source| source.name == "rekindle");
    let finding = taken.map(|n| {
        let message = "\"rekindle\" is the source of what is written down here: friends and deals";
        Finding::error(
            source(n).key("name"),
            message,
            "give the source another name",
        )
    });
    finding.into_iter().collect()
}

/// The ids of all managers, when no source can bring more of them.
pub(super) fn known_managers(settings: &Settings) -> Option<Vec<&str>> {
    // A source that is a folder may hold managers.csv; one that is a file holds purchases.
    let may_bring = settings
        .sources
        .iter()
        .any(|source| source.path.extension().is_none());
    let ids = settings.managers.iter().map(|manager| manager.id.as_str());
    (!may_bring).then(|| ids.collect())
}

/// What is wrong with the id of a manager whom nobody knows.
pub(super) fn unknown_manager(id: &str) -> String {
    format!("no manager has the id \"{id}\"")
}

/// How to mend the id of a manager whom nobody knows.
pub(super) fn manager_hint(id: &str, known: &[&str]) -> String {
    match nearest::word(id, known.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => {
            "add him as a [[manager]] in the settings, or in managers.csv of a source".to_owned()
        }
    }
}

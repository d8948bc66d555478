//! What `[web]` and `[inbound]` cannot mean.

use std::path::Path;

use super::super::Settings;
use super::document::KeyPath;
use super::findings::Finding;

/// Every rule that needs nothing but the settings.
pub(super) const RULES: &[fn(&Settings) -> Vec<Finding>] = &[
    addresses_are_addresses,
    the_outside_is_kept_outside,
    requests_have_time,
];

fn web(name: &str) -> KeyPath {
    KeyPath::root().key("web").key(name)
}

fn addresses_are_addresses(settings: &Settings) -> Vec<Finding> {
    let web_settings = &settings.web;
    let both = [
        (
            "public",
            &web_settings.public,
            web_settings.public_address(),
        ),
        ("staff", &web_settings.staff, web_settings.staff_address()),
    ];
    let wrong = both.into_iter().filter(|(.., address)| address.is_none());
    let findings = wrong.map(|(key, written, _)| {
        let message = format!("\"{written}\" is no address with a port");
        let hint = "write 127.0.0.1:8080, or 0.0.0.0:8080 for every network of this machine";
        Finding::error(web(key), message, hint)
    });
    findings.collect()
}

fn the_outside_is_kept_outside(settings: &Settings) -> Vec<Finding> {
    let (public, staff) = (settings.web.public_address(), settings.web.staff_address());
    let (Some(public), Some(staff)) = (public, staff) else {
        return Vec::new();
    };
    // Port 0 is any free one: two of them differ.
    if public == staff && public.port() != 0 {
        let message = "the pages of the company would stand where everybody can see them";
        let hint = "give staff another port than public";
        return vec![Finding::error(web("staff"), message, hint).given(web("public"))];
    }
    Vec::new()
}

fn requests_have_time(settings: &Settings) -> Vec<Finding> {
    let times = [
        (web("timeout"), "timeout", settings.web.timeout),
        (
            KeyPath::root().key("inbound").key("every"),
            "every",
            settings.inbound.every,
        ),
    ];
    let none = times
        .into_iter()
        .filter(|(.., wait)| wait.duration().is_zero());
    let findings = none.map(|(at, key, _)| {
        let message = format!("\"{key}\" leaves no time at all");
        Finding::error(at, message, format!("write {key} = \"10s\""))
    });
    findings.collect()
}

/// Findings for files that are not there; relative paths start at `home`.
pub(super) fn files_exist(settings: &Settings, home: &Path) -> Vec<Finding> {
    let at = KeyPath::root().key("inbound");
    let files = [
        (
            at.key("maildir"),
            settings.inbound.maildir.as_ref(),
            "folder",
        ),
        (
            at.key("token_file"),
            settings.inbound.token_file.as_ref(),
            "file",
        ),
    ];
    let missing = files
        .into_iter()
        .filter_map(|(at, file, noun)| Some((at, file?, noun)))
        .filter(|(_, file, _)| !home.join(file).exists());
    let findings = missing.map(|(at, file, noun)| {
        let message = format!("there is no {noun} {}", file.display());
        let hint = "a relative path starts at the folder that holds config/";
        Finding::warning(at, message, hint)
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(web: &str) -> Settings {
        toml::from_str(&format!("[company]\nname = \"x\"\n[web]\n{web}")).unwrap()
    }

    #[test]
    fn an_address_has_a_port_and_staff_has_its_own() {
        for (text, found) in [
            ("", 0),
            ("public = \"0.0.0.0:80\"", 0),
            ("public = \"localhost\"", 1),
            ("public = \"127.0.0.1\"\nstaff = \"8081\"", 2),
            ("public = \"127.0.0.1:8081\"", 1),
            ("public = \"127.0.0.1:0\"\nstaff = \"127.0.0.1:0\"", 0),
            ("timeout = \"0s\"", 1),
        ] {
            let settings = settings(text);
            let findings: usize = RULES.iter().map(|rule| rule(&settings).len()).sum();
            assert_eq!(findings, found, "{text}");
        }
    }
}

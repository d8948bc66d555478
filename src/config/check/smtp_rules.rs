//! What the settings of the mail server cannot mean.

use std::net::IpAddr;
use std::path::Path;

use super::super::Settings;
use super::super::settings::DeliveryMode;
use super::super::smtp::SmtpTls;
use super::super::values::Wait;
use super::document::KeyPath;
use super::findings::Finding;

/// Every rule that needs nothing but the settings.
pub(super) const RULES: &[fn(&Settings) -> Vec<Finding>] = &[
    live_letters_have_a_server,
    only_this_machine_is_spoken_to_in_the_open,
    a_login_is_whole,
    a_step_has_time,
    the_signature_fits_the_sender,
];

fn smtp() -> KeyPath {
    KeyPath::root().key("smtp")
}

fn live_letters_have_a_server(settings: &Settings) -> Vec<Finding> {
    if settings.delivery.mode != DeliveryMode::Live || settings.smtp.host.is_some() {
        return Vec::new();
    }
    let message = "live delivery without a mail server: no letter can leave";
    let hint = "write [smtp] with host = \"smtp.example.org\", or what your mail server is called";
    let mode = KeyPath::root().key("delivery").key("mode");
    vec![Finding::warning(mode, message, hint).given(smtp().key("host"))]
}

fn only_this_machine_is_spoken_to_in_the_open(settings: &Settings) -> Vec<Finding> {
    let Some(host) = &settings.smtp.host else {
        return Vec::new();
    };
    if settings.smtp.tls != SmtpTls::None || is_this_machine(host) {
        return Vec::new();
    }
    let message = format!("letters and password would go to {host} in the open");
    let hint = "write tls = \"starttls\" or \"implicit\"; \"none\" is for 127.0.0.1 and localhost";
    vec![Finding::error(smtp().key("tls"), message, hint).given(smtp().key("host"))]
}

/// Whether a host is the machine itself.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn a_login_is_whole(settings: &Settings) -> Vec<Finding> {
    let login = &settings.smtp;
    let (env, file) = (login.password_env.is_some(), login.password_file.is_some());
    let finding = match (login.user.is_some(), env, file) {
        (true, false, false) => {
            let hint = "add password_env = \"REKINDLE_SMTP_PASSWORD\", or a password_file";
            let message = "a user without a password";
            Finding::error(smtp().key("user"), message, hint)
                .given(smtp().key("password_env"))
                .given(smtp().key("password_file"))
        }
        (false, true, _) | (false, _, true) => {
            let key = if env { "password_env" } else { "password_file" };
            let message = "a password without a user: nobody logs in";
            Finding::error(smtp().key(key), message, "add user, or take the line out")
                .given(smtp().key("user"))
        }
        (true, true, true) => {
            let message = "password_env and password_file: the file counts";
            let hint = "take one of them out";
            Finding::warning(smtp().key("password_env"), message, hint)
                .given(smtp().key("password_file"))
        }
        _ => return Vec::new(),
    };
    vec![finding]
}

fn a_step_has_time(settings: &Settings) -> Vec<Finding> {
    let deadlines = &settings.smtp.deadlines;
    let waits = [
        ("connect", deadlines.connect),
        ("greeting", deadlines.greeting),
        ("command", deadlines.command),
        ("data", deadlines.data),
        ("content", deadlines.content),
        ("end_of_data", deadlines.end_of_data),
    ];
    let none = waits.into_iter().filter(|(_, wait)| *wait == Wait::ZERO);
    let findings = none.map(|(key, _)| {
        let at = smtp().key("deadlines").key(key);
        let message = format!("\"{key}\" leaves no time at all");
        Finding::error(at, message, format!("write {key} = \"30s\" or more"))
    });
    findings.collect()
}

/// Source: RFC 7489 §3.1.1: DMARC asks that the signing domain is the sender's or one above it.
fn the_signature_fits_the_sender(settings: &Settings) -> Vec<Finding> {
    let dkim = settings.smtp.dkim.as_ref();
    let Some(signing) = dkim.and_then(|dkim| dkim.domain.as_ref()) else {
        return Vec::new();
    };
    let sender = settings.delivery.from_email.rsplit('@').next();
    let sender = sender.unwrap_or_default().to_lowercase();
    let signs = signing.to_lowercase();
    let related = sender.ends_with(&format!(".{signs}")) || signs.ends_with(&format!(".{sender}"));
    if sender == signs || related {
        return Vec::new();
    }
    let message = format!("{signing} signs for letters from {sender}: DMARC will not count it");
    let hint = format!("write domain = \"{sender}\", or take the line out");
    let at = smtp().key("dkim").key("domain");
    vec![
        Finding::warning(at, message, hint)
            .given(KeyPath::root().key("delivery").key("from_email")),
    ]
}

/// Findings for files that are not there; relative paths start at `home`.
pub(super) fn files_exist(settings: &Settings, home: &Path) -> Vec<Finding> {
    let (login, at) = (&settings.smtp, smtp());
    let files = [
        (at.key("ca_file"), login.ca_file.as_ref()),
        (at.key("password_file"), login.password_file.as_ref()),
        (
            at.key("dkim").key("key_file"),
            login.dkim.as_ref().map(|dkim| &dkim.key_file),
        ),
    ];
    let named = files
        .into_iter()
        .filter_map(|(at, file)| Some((at, file?)))
        .filter(|(_, file)| !home.join(file).exists());
    let findings = named.map(|(at, file)| {
        let message = format!("there is no file {}", file.display());
        let hint = "a relative path starts at the folder that holds config/";
        Finding::warning(at, message, hint)
    });
    findings.collect()
}

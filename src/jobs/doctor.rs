//! The doctor: everything that an operator must have right before going live, asked one by one, and
//! for each fault how to mend it.
//!
//! Nothing is sent to anybody: the mail server is greeted and logged into, and left again.

use std::fmt;
use std::path::Path;

use chrono::TimeDelta;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::channels::dkim::Signer;
use crate::channels::names::Names;
use crate::channels::smtp::{Server, Session};
use crate::config::settings::{DeliveryMode, VersionLife};
use crate::db::StoreError;
use crate::jobs::deliver::sender_domain;
use crate::jobs::reach;
use crate::rules::delivery::sender_records::{self, Verdict};

/// Less free space than this is a fault, in bytes: a day of a large base, its log and a sort.
const LEAST_SPACE: u64 = 1 << 30;

/// How far the clock may lie before what the database remembers.
const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(2);

/// What the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `database`, `smtp`, `dkim` ...
    pub check: &'static str,
    /// How it is.
    pub health: Health,
    /// What was seen.
    pub what: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, or nobody knows; worth a look.
    Warning,
    /// Live delivery would go wrong.
    Failure,
}

impl Finding {
    fn good(check: &'static str, what: impl Into<String>) -> Self {
        Self {
            check,
            health: Health::Good,
            what: what.into(),
            mend: None,
        }
    }

    fn warning(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            check,
            health: Health::Warning,
            what: what.into(),
            mend: Some(mend.into()),
        }
    }

    fn failure(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            check,
            health: Health::Failure,
            what: what.into(),
            mend: Some(mend.into()),
        }
    }

    fn judged(check: &'static str, verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good(what) => Self::good(check, what),
            Verdict::Weak(what, mend) => Self::warning(check, what, mend),
            Verdict::Bad(what, mend) => Self::failure(check, what, mend),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.health {
            Health::Good => "ok",
            Health::Warning => "look",
            Health::Failure => "FAIL",
        };
        write!(f, "{mark:<5}{:<10} {}", self.check, self.what)?;
        match &self.mend {
            Some(mend) => write!(f, "\n     {:<10} -> {mend}", ""),
            None => Ok(()),
        }
    }
}

/// Whether going live is allowed: the doctor has found no failure with the settings as they are, now
/// or before. What stands in the way comes back.
pub async fn failures(app: &App) -> Result<Vec<Finding>, StoreError> {
    if app.store.checkup_passed(&fingerprint(app)).await? {
        return Ok(Vec::new());
    }
    let names = Names::of_this_machine().ok();
    let mut findings = examine(app, names.as_ref()).await?;
    findings.retain(|finding| finding.health == Health::Failure);
    Ok(findings)
}

/// The settings that the doctor looks at: changed ones are looked at again.
fn fingerprint(app: &App) -> [u8; 32] {
    let settings = &app.settings;
    let checked = (&settings.delivery, &settings.smtp, &settings.whatsapp);
    Sha256::digest(serde_json::to_vec(&checked).unwrap_or_default()).into()
}

/// Looks at everything; `names` asks the DNS. That nothing was found to fail is kept.
pub async fn examine(app: &App, names: Option<&Names>) -> Result<Vec<Finding>, StoreError> {
    let mut findings = vec![mode(app)];
    findings.extend(database(app).await);
    findings.push(clock(app).await?);
    findings.extend(letters(app, names).await);
    findings.extend(whatsapp(app));
    findings.push(public_address(app));
    findings.extend(reachable(app).await?);
    if findings
        .iter()
        .all(|finding| finding.health < Health::Failure)
    {
        app.store
            .note_checkup(&fingerprint(app), app.now_ms())
            .await?;
    }
    Ok(findings)
}

fn mode(app: &App) -> Finding {
    match app.settings.delivery.mode {
        DeliveryMode::Sandbox => Finding::warning(
            "mode",
            "delivery.mode is \"sandbox\": nobody is written to",
            "write mode = \"live\" under [delivery] when everything below is in order",
        ),
        DeliveryMode::Live => Finding::good("mode", "delivery.mode is \"live\""),
    }
}

async fn database(app: &App) -> Vec<Finding> {
    let path = app.store.path();
    let mut findings = Vec::new();
    findings.push(match app.store.check_writing().await {
        Ok(()) => Finding::good("database", format!("{} can be written to", path.display())),
        Err(error) => Finding::failure(
            "database",
            error.to_string(),
            "see who else writes to it, and whether the disk is full or read-only",
        ),
    });
    let folder = path.parent().unwrap_or(Path::new("."));
    findings.push(match fs4::available_space(folder) {
        Ok(free) if free < LEAST_SPACE => Finding::failure(
            "disk",
            format!("only {} MB are free in {}", free >> 20, folder.display()),
            "free some space: a full disk stops everything",
        ),
        Ok(free) => Finding::good("disk", format!("{} GB are free", free >> 30)),
        Err(error) => Finding::warning("disk", error.to_string(), "look at the disk by hand"),
    });
    for (check, file) in [
        ("database", path.to_owned()),
        ("key", app.path(&app.settings.paths.key)),
    ] {
        findings.extend(only_ours(check, &file));
    }
    findings
}

/// A file that others on the machine can read holds the clients, or the key of their addresses.
fn only_ours(check: &'static str, file: &Path) -> Option<Finding> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).ok()?.permissions().mode();
        if mode & 0o007 != 0 {
            return Some(Finding::warning(
                check,
                format!("everybody on this machine can read {}", file.display()),
                format!("chmod 600 {}", file.display()),
            ));
        }
    }
    let _ = (check, file);
    None
}

async fn clock(app: &App) -> Result<Finding, StoreError> {
    let now = app.clock.now();
    let latest = app.store.latest_instant().await?;
    let latest = latest.and_then(chrono::DateTime::from_timestamp_millis);
    Ok(match latest {
        Some(latest) if latest > now + CLOCK_SLACK => Finding::failure(
            "clock",
            format!("the clock says {now}, and the database knows of {latest}"),
            "set the clock of this machine; turn on its synchronisation (NTP)",
        ),
        _ => Finding::good(
            "clock",
            format!("{} in {}", now.with_timezone(&app.zone()), app.zone()),
        ),
    })
}

async fn letters(app: &App, names: Option<&Names>) -> Vec<Finding> {
    let smtp = &app.settings.smtp;
    let domain = sender_domain(app);
    if smtp.host.is_none() {
        return vec![Finding::warning(
            "smtp",
            "no mail server is configured: no letter can leave",
            "write host, user and password_file under [smtp]",
        )];
    }
    let mut findings = vec![server(app, &domain).await];
    let signer = smtp
        .dkim
        .as_ref()
        .map(|dkim| Signer::new(dkim, &app.home, &domain));
    let signer = match signer {
        None => {
            findings.push(Finding::warning(
                "dkim",
                "letters are not signed here",
                "let the mail server sign them, or configure [smtp.dkim]; mailbox providers ask for it",
            ));
            None
        }
        Some(Err(error)) => {
            let mend = "see [smtp.dkim]: key_file and algorithm";
            findings.push(Finding::failure("dkim", error.to_string(), mend));
            None
        }
        Some(Ok(signer)) => Some(signer),
    };
    match names {
        Some(names) => findings.extend(records(app, names, &domain, signer.as_ref()).await),
        None => findings.push(unasked("this machine has no name server".to_owned())),
    }
    findings
}

async fn server(app: &App, domain: &str) -> Finding {
    let smtp = &app.settings.smtp;
    let server = match Server::new(smtp, &app.home, domain) {
        Ok(server) => server,
        Err(error) => return Finding::failure("smtp", error.to_string(), "see [smtp]"),
    };
    let place = format!(
        "{}:{}",
        smtp.host.as_deref().unwrap_or_default(),
        smtp.port()
    );
    match Session::open(&server).await {
        Ok(session) => {
            session.quit().await;
            let login = smtp
                .user
                .as_deref()
                .map_or("without a login", |_| "logged in");
            Finding::good("smtp", format!("{place} answers, {login}"))
        }
        Err(trouble) => Finding::failure(
            "smtp",
            format!("{place}: {trouble}"),
            "check host, port, tls, user and password of [smtp] with your mail service",
        ),
    }
}

/// What the DNS says about the domain.
async fn records(app: &App, names: &Names, domain: &str, signer: Option<&Signer>) -> Vec<Finding> {
    if is_reserved(domain) {
        return vec![Finding::warning(
            "dns",
            format!("{domain} is a name for tests, which no mailbox provider knows"),
            "set delivery.from_email to an address of your own domain",
        )];
    }
    let mut findings = Vec::new();
    findings.push(match names.texts(domain).await {
        Ok(texts) => Finding::judged("spf", sender_records::spf(domain, &texts)),
        Err(error) => unasked(error.to_string()),
    });
    findings.push(match names.texts(&format!("_dmarc.{domain}")).await {
        Ok(texts) => Finding::judged("dmarc", sender_records::dmarc(domain, &texts)),
        Err(error) => unasked(error.to_string()),
    });
    if let Some(signer) = signer {
        let name = signer.record_name();
        let (key, record) = (signer.public_key(), signer.record());
        findings.push(match names.texts(&name).await {
            Ok(texts) => {
                let verdict = sender_records::dkim(&name, &texts, &key, &record);
                Finding::judged("dkim", verdict)
            }
            Err(error) => unasked(error.to_string()),
        });
    }
    if let Some(bounces) = &app.settings.smtp.bounce_domain {
        findings.push(match names.takes_mail(bounces).await {
            Ok(true) => Finding::good("bounces", format!("mail to {bounces} has a server")),
            Ok(false) => Finding::failure(
                "bounces",
                format!("mail to {bounces} has no server: bounces are lost"),
                format!("add an MX record for {bounces}, or take bounce_domain out of [smtp]"),
            ),
            Err(error) => unasked(error.to_string()),
        });
    }
    findings
}

fn unasked(why: String) -> Finding {
    Finding::warning("dns", why, "ask again from a machine with a name server")
}

/// Names that are set aside for tests and examples. Source: RFC 2606.
fn is_reserved(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or(domain);
    let example = ["example.org", "example.com", "example.net"]
        .iter()
        .any(|name| domain == *name || domain.ends_with(&format!(".{name}")));
    example || matches!(last, "test" | "example" | "invalid" | "localhost")
}

fn whatsapp(app: &App) -> Vec<Finding> {
    let settings = &app.settings.whatsapp;
    if settings.phone_number_id.is_none() {
        let used = app.settings.delivery.whatsapp_countries.is_empty();
        return if used {
            Vec::new()
        } else {
            vec![Finding::failure(
                "whatsapp",
                "delivery.whatsapp_countries allows WhatsApp, and no number is configured",
                "add phone_number_id to [whatsapp], or empty the list",
            )]
        };
    }
    let mut findings = Vec::new();
    let secrets = [
        ("the access token", settings.token(&app.home)),
        ("the app secret", settings.app_secret(&app.home)),
        ("the verify token", settings.verify_token(&app.home)),
    ];
    for (name, secret) in secrets {
        if let Err(error) = secret {
            let what = format!("{name} cannot be read: {error}");
            let mend = "set the variable or the file that [whatsapp] names";
            findings.push(Finding::failure("whatsapp", what, mend));
        }
    }
    let version = &settings.graph_version;
    let mend = "write a newer graph_version into [whatsapp]";
    findings.push(match settings.version_life(app.today()) {
        VersionLife::Good => Finding::good("whatsapp", format!("Graph API {version}")),
        VersionLife::EndsSoon(day) => Finding::warning(
            "whatsapp",
            format!("Graph API {version} ends on {day}"),
            mend,
        ),
        VersionLife::Ended(day) => Finding::failure(
            "whatsapp",
            format!("Graph API {version} ended on {day}"),
            mend,
        ),
        VersionLife::EndedLongAgo => {
            Finding::failure("whatsapp", format!("Graph API {version} has ended"), mend)
        }
        VersionLife::NotKnown => Finding::warning(
            "whatsapp",
            format!("Graph API {version} is newer than this program"),
            "look at Meta's changelog",
        ),
    });
    findings
}

fn public_address(app: &App) -> Finding {
    let url = &app.settings.delivery.public_url;
    let host = url
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split(['/', ':']).next())
        .unwrap_or_default();
    let mend = "set delivery.public_url to the https address under which the pages are reachable";
    if !url.starts_with("https://") {
        return Finding::failure(
            "public",
            format!("{url} is not https: one-click unsubscribing needs it"),
            mend,
        );
    }
    if is_reserved(host) {
        return Finding::warning("public", format!("{host} is a name for tests"), mend);
    }
    Finding::good("public", format!("links lead to {url}"))
}

/// How many clients each channel may write to.
async fn reachable(app: &App) -> Result<Vec<Finding>, StoreError> {
    let reach = reach::count(app, app.today()).await?;
    let findings = reach.into_iter().filter(|one| one.of > 0).map(|one| {
        let what = format!(
            "{} {}: {} of {} clients may be written to",
            one.channel, one.class, one.clients, one.of
        );
        if one.clients > 0 {
            Finding::good("consent", what)
        } else {
            let mend =
                "state the basis of each source: consent = { basis = ... }, or import consents.csv";
            Finding::warning("consent", what, mend)
        }
    });
    Ok(findings.collect())
}

//! The doctor: everything that an operator must have right before going live, asked one by one, and
//! for each fault how to mend it.
//!
//! Nothing is sent to anybody: the mail server is greeted and logged into, and left again.

mod machine;
mod mail;
mod whatsapp;

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::channels::names::Names;
use crate::config::settings::DeliveryMode;
use crate::db::StoreError;
use crate::jobs::reach;
use crate::rules::delivery::sender_records::Verdict;

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
    findings.extend(machine::database(app).await);
    findings.push(machine::clock(app).await?);
    findings.extend(mail::letters(app, names).await);
    findings.extend(whatsapp::settings(app));
    findings.extend(whatsapp::account(app).await);
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
    if mail::is_reserved(host) {
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

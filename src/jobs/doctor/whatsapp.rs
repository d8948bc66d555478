//! WhatsApp: secrets, the version of the API, the account and its templates.

use std::collections::BTreeSet;

use super::Finding;
use crate::app::App;
use crate::channels::whatsapp::{Api, Registered};
use crate::config::campaign::CampaignStatus;
use crate::config::settings::VersionLife;
use crate::model::Channel;

pub(super) fn settings(app: &App) -> Vec<Finding> {
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

/// What the WhatsApp account says about itself and about the templates that campaigns use.
pub(super) async fn account(app: &App) -> Vec<Finding> {
    let settings = &app.settings.whatsapp;
    let Ok(token) = settings.token(&app.home) else {
        return Vec::new();
    };
    if settings.phone_number_id.is_none() {
        return Vec::new();
    }
    let check = "whatsapp";
    let api = match Api::new(settings, &token) {
        Ok(api) => api,
        Err(error) => return vec![Finding::failure(check, error.to_string(), "see [whatsapp]")],
    };
    let mut findings = vec![match api.sender().await {
        Ok(sender) => Finding::good(check, format!("the token is good for {sender}")),
        Err(error) => Finding::failure(
            check,
            format!("the account refuses: {error}"),
            "make a token of a system user with whatsapp_business_messaging, and check \
             phone_number_id",
        ),
    }];
    let Some(account) = &settings.business_account_id else {
        findings.push(Finding::warning(
            check,
            "the templates are not compared with those of the account",
            "add business_account_id to [whatsapp]",
        ));
        return findings;
    };
    match api.registered(account).await {
        Ok(registered) => findings.extend(templates(app, &registered)),
        Err(error) => findings.push(Finding::failure(
            check,
            format!("the templates cannot be listed: {error}"),
            "check business_account_id, and give the token whatsapp_business_management",
        )),
    }
    findings
}

/// Whether every template that a live campaign uses is approved, with as many parameters as we fill.
fn templates(app: &App, registered: &[Registered]) -> Vec<Finding> {
    let live = app
        .campaigns
        .iter()
        .filter(|campaign| campaign.status == CampaignStatus::Live);
    let steps = live.flat_map(|campaign| &campaign.steps);
    let used: BTreeSet<&str> = steps
        .filter(|step| step.channel == Some(Channel::Whatsapp))
        .filter_map(|step| step.template.as_deref())
        .collect();
    let forms = used
        .into_iter()
        .flat_map(|name| app.templates.whatsapp_forms(name));
    forms
        .map(|(name, language, parameters)| {
            let mut known = registered
                .iter()
                .filter(|one| one.name == name && one.language == language);
            let (check, label) = ("whatsapp", format!("template {name} ({language})"));
            match known.next() {
                None => Finding::failure(
                    check,
                    format!("{label} does not exist in the account"),
                    "make it in WhatsApp Manager with the text of our file, and have it approved",
                ),
                Some(one) if one.status != "APPROVED" => Finding::failure(
                    check,
                    format!("{label} is {}", one.status.to_lowercase()),
                    "see WhatsApp Manager",
                ),
                Some(one) if one.parameters != parameters => Finding::failure(
                    check,
                    format!(
                        "{label} takes {} parameters, we fill {parameters}",
                        one.parameters
                    ),
                    "make the parameters of our file those of the approved text",
                ),
                Some(_) => Finding::good(check, format!("{label} is approved")),
            }
        })
        .collect()
}

//! The mail server and the domain that letters are sent from.

use super::Finding;
use crate::app::App;
use crate::channels::dkim::Signer;
use crate::channels::names::Names;
use crate::channels::smtp::{Server, Session};
use crate::jobs::deliver::sender_domain;
use crate::rules::delivery::sender_records;

pub(super) async fn letters(app: &App, names: Option<&Names>) -> Vec<Finding> {
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
pub(super) fn is_reserved(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or(domain);
    let example = ["example.org", "example.com", "example.net"]
        .iter()
        .any(|name| domain == *name || domain.ends_with(&format!(".{name}")));
    example || matches!(last, "test" | "example" | "invalid" | "localhost")
}

//! What mail tells: a letter bounced, was called spam, was answered, or is not wanted any more.
//!
//! Anybody can write a mail that looks like a bounce. An address is suppressed only when the report
//! came to a return path of ours, which nobody can forge, or names both a message of ours and the
//! address that it went to.

use sha2::{Digest, Sha256};

use super::{Effect, Reply, answered, concerned, taking};
use crate::app::App;
use crate::channels::inbound::{self, Action, Fate, Mail, MailKind, Marks};
use crate::db::{InboundEvent, KnownMessage, NewSuppression, StoreError, Taking, Trace};
use crate::jobs::measures;
use crate::model::{Channel, ClientId, SuppressionReason, SuppressionScope, hex};
use crate::rules::delivery::answer;
use crate::rules::delivery::feedback::Report;
use crate::rules::delivery::reaction::Measure;
use crate::rules::delivery::smtp_replies::{Enhanced, Said, Stage, reaction};
use crate::rules::delivery::stop_words::{Wish, wish};
use crate::rules::delivery::{return_path, token};

/// Who says it.
const BY: &str = "mail";

/// The message that a report is about, and whether the way to it cannot be forged.
struct About {
    message: KnownMessage,
    proven: bool,
}

/// Does what a mail says.
pub(super) async fn take_in(app: &App, raw: &InboundEvent) -> Result<Vec<Effect>, StoreError> {
    let mail = inbound::read(&raw.body);
    // The same letter reaches us by two ways with different heads, and keeps its own id.
    let own = mail.message_id.as_deref().map(str::to_owned);
    let own = own.unwrap_or_else(|| hex(&Sha256::digest(&raw.body)));
    let fingerprint = format!("mail:{own}");
    if let Some(message) = unwanted(app, &mail).await? {
        return Ok(vec![unsubscribe(app, &message, &fingerprint).await?]);
    }
    match &mail.kind {
        MailKind::Nothing => Ok(vec![Effect::Nothing("cannot be read")]),
        MailKind::Automatic => Ok(vec![Effect::Nothing("an automatic reply")]),
        MailKind::Bounce { fates, about } => bounce(app, &mail, fates, about).await,
        MailKind::Complaint { feedback, about } => {
            Ok(vec![complaint(app, &mail, feedback, about).await?])
        }
        MailKind::Letter { subject, text } => {
            Ok(vec![letter(app, &mail, subject, text, &fingerprint).await?])
        }
    }
}

/// The message whose "no more letters" address a mail came to.
async fn unwanted(app: &App, mail: &Mail) -> Result<Option<KnownMessage>, StoreError> {
    for address in &mail.to {
        if let Some(key) = token::verify_mailbox(&app.key, address) {
            return app.store.traced(&Trace::Key(&key)).await;
        }
    }
    Ok(None)
}

async fn unsubscribe(
    app: &App,
    message: &KnownMessage,
    fingerprint: &str,
) -> Result<Effect, StoreError> {
    let taking = Taking {
        fingerprint: Some(fingerprint),
        message: Some(message.id),
        report: Some(Report::OptedOut),
        suppressions: vec![NewSuppression {
            hash: message.hash,
            channel: message.channel,
            scope: SuppressionScope::Advertising,
            reason: SuppressionReason::Unsubscribe,
        }],
        ..taking(app, BY)
    };
    Ok(app.store.take_in(&taking).await?.into())
}

/// The message that a report is about: by our return path, else by the marks in the report.
async fn about(app: &App, mail: &Mail, marks: &Marks) -> Result<Option<About>, StoreError> {
    for address in &mail.to {
        let id = return_path::verify(&app.key, address).and_then(return_path::number_of);
        if let Some(id) = id {
            let message = app.store.traced(&Trace::Number(id)).await?;
            return Ok(message.map(|message| About {
                message,
                proven: true,
            }));
        }
    }
    let of_ids = marks.message_ids.iter().filter_map(|id| key_in(id));
    let keys = marks.envelope_id.as_deref().into_iter();
    for key in keys
        .chain(marks.keys.iter().map(String::as_str))
        .chain(of_ids)
    {
        if let Some(message) = app.store.traced(&Trace::Key(key)).await? {
            return Ok(Some(About {
                message,
                proven: false,
            }));
        }
    }
    Ok(None)
}

/// The key in an id that we gave a letter: `key@domain`.
fn key_in(message_id: &str) -> Option<&str> {
    let (key, _) = message_id.trim_matches(['<', '>']).split_once('@')?;
    (!key.is_empty()).then_some(key)
}

async fn bounce(
    app: &App,
    mail: &Mail,
    fates: &[Fate],
    marks: &Marks,
) -> Result<Vec<Effect>, StoreError> {
    let Some(about) = about(app, mail, marks).await? else {
        return Ok(vec![Effect::Nothing("a report on no message of ours")]);
    };
    let mut effects = Vec::new();
    for fate in fates {
        effects.push(match fate.action {
            Action::Delayed => Effect::Nothing("delayed"),
            Action::Delivered => told(app, &about, fate, Report::Delivered).await?,
            Action::Failed => {
                if is_for_good(app, &about, fate) {
                    let measure = measure_of(fate);
                    let message = concerned(&about.message, None);
                    measures::take(app, &message, measure, &fate.said).await?;
                }
                told(app, &about, fate, Report::Bounced).await?
            }
        });
    }
    if effects.is_empty() {
        effects.push(Effect::Nothing("a report without a recipient"));
    }
    Ok(effects)
}

/// Whether a failure may be held against the address: for good, and surely about this client.
fn is_for_good(app: &App, about: &About, fate: &Fate) -> bool {
    let for_good = fate.status.is_some_and(|status| status.class == 5);
    let ours = |address: &String| app.key.hash(Channel::Email, address) == about.message.hash;
    for_good
        && about.message.client != ClientId(0)
        && (about.proven || fate.addresses.iter().any(ours))
}

/// What a failure asks for, by the table that also reads the replies of servers: a mailbox that is
/// full or a rule against us is no dead address.
fn measure_of(fate: &Fate) -> Measure {
    let mut words = fate.said.split([' ', '-']);
    let code = words.next().and_then(|word| word.parse().ok());
    let code = code.filter(|code| (500..600).contains(code)).unwrap_or(550);
    let status = fate.status.map(|status| status.code);
    // Some servers write 5.0.0, whatever the one behind them has said.
    let quoted = words.next().and_then(|word| Enhanced::read(code, word));
    let vague = |code: &Enhanced| (code.subject, code.detail) == (0, 0);
    let said = Said {
        code,
        enhanced: status.filter(|code| !vague(code)).or(quoted),
        text: &fate.said,
    };
    match reaction(Stage::Recipient, &said).measure {
        // Reports come late and one by one: nothing to be learned for the channel as it is now.
        Measure::SuppressAddress => Measure::SuppressAddress,
        Measure::CountSoftBounce => Measure::CountSoftBounce,
        _ => Measure::Nothing,
    }
}

async fn told(app: &App, about: &About, fate: &Fate, report: Report) -> Result<Effect, StoreError> {
    // Only what cannot be forged settles a message of which nobody knows.
    if !about.proven {
        let ours = |address: &String| app.key.hash(Channel::Email, address) == about.message.hash;
        if !fate.addresses.iter().any(ours) {
            return Ok(Effect::Nothing("a report that anybody could have written"));
        }
    }
    let words = format!("a report on delivery: {report:?}, {}", fate.said).to_lowercase();
    let fingerprint = format!("report:{}:{report:?}", about.message.id);
    let taking = Taking {
        fingerprint: Some(&fingerprint),
        message: Some(about.message.id),
        report: Some(report),
        told: &words,
        ..taking(app, BY)
    };
    Ok(app.store.take_in(&taking).await?.into())
}

async fn complaint(
    app: &App,
    mail: &Mail,
    feedback: &str,
    marks: &Marks,
) -> Result<Effect, StoreError> {
    // "not-spam" takes a complaint back; the rest of RFC 5965 §7.3 is about us.
    if feedback == "not-spam" {
        return Ok(Effect::Nothing("no complaint"));
    }
    let Some(about) = about(app, mail, marks).await? else {
        return Ok(Effect::Nothing("a complaint about no message of ours"));
    };
    let fingerprint = format!("complaint:{}", about.message.id);
    let taking = Taking {
        fingerprint: Some(&fingerprint),
        message: Some(about.message.id),
        report: Some(Report::Complained),
        suppressions: vec![NewSuppression {
            hash: about.message.hash,
            channel: about.message.channel,
            scope: SuppressionScope::Advertising,
            reason: SuppressionReason::Complaint,
        }],
        ..taking(app, BY)
    };
    Ok(app.store.take_in(&taking).await?.into())
}

async fn letter(
    app: &App,
    mail: &Mail,
    subject: &str,
    text: &str,
    fingerprint: &str,
) -> Result<Effect, StoreError> {
    let from = mail.from.as_deref();
    let from = from.map(|address| app.key.hash(Channel::Email, address));
    let Some(message) = message_of(app, mail, from).await? else {
        return Ok(Effect::Nothing("a letter that answers nothing of ours"));
    };
    if message.client == ClientId(0) {
        return Ok(Effect::Nothing("an answer to a manager's list"));
    }
    let mut answer = answer::read(text);
    if answer.text.is_empty() {
        let about = wish(subject.trim());
        answer.wish = about;
    }
    if answer.wish == Wish::Stop {
        let mut hashes = vec![message.hash];
        hashes.extend(from.filter(|hash| *hash != message.hash));
        let new = |hash| NewSuppression {
            hash,
            channel: Channel::Email,
            scope: SuppressionScope::Advertising,
            reason: SuppressionReason::Stop,
        };
        let taking = Taking {
            fingerprint: Some(fingerprint),
            message: Some(message.id),
            report: Some(Report::OptedOut),
            suppressions: hashes.into_iter().map(new).collect(),
            ..taking(app, BY)
        };
        return Ok(app.store.take_in(&taking).await?.into());
    }
    let reply = Reply {
        fingerprint,
        message: &message,
        channel: Channel::Email,
        answer: &answer,
        by: BY,
    };
    answered(app, &reply).await
}

/// The letter that a letter answers: by the id that it names, else the last one to its writer.
async fn message_of(
    app: &App,
    mail: &Mail,
    from: Option<[u8; 32]>,
) -> Result<Option<KnownMessage>, StoreError> {
    for key in mail.answers.iter().filter_map(|id| key_in(id)) {
        if let Some(message) = app.store.traced(&Trace::Key(key)).await? {
            return Ok(Some(message));
        }
    }
    match from {
        Some(hash) => app.store.traced(&Trace::LastTo(Channel::Email, hash)).await,
        None => Ok(None),
    }
}

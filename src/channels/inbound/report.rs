//! The fields of reports that servers write for machines.

use crate::rules::delivery::smtp_replies::Enhanced;

/// What a server says that it did. Source: RFC 3464 §2.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Given up.
    Failed,
    /// Still trying.
    Delayed,
    /// Delivered, handed on or spread to several.
    Delivered,
}

/// An enhanced status code with its class. Source: RFC 3463.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// 2 success, 4 for now, 5 for good.
    pub class: u16,
    /// What it is about.
    pub code: Enhanced,
}

/// What happened to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The addresses of the recipient, the last one first, in small letters.
    pub addresses: Vec<String>,
    /// What the server did.
    pub action: Action,
    /// Why.
    pub status: Option<Status>,
    /// What the other server said, for people: at most 512 characters.
    pub said: String,
}

/// A report on delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryStatus {
    pub(super) envelope_id: Option<String>,
    pub(super) fates: Vec<Fate>,
}

/// A complaint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FeedbackReport {
    pub(super) kind: String,
    pub(super) envelope_id: Option<String>,
}

/// Reads the body of a part `message/delivery-status`.
pub(super) fn delivery_status(text: &str) -> DeliveryStatus {
    let mut report = DeliveryStatus::default();
    for group in groups(text) {
        let envelope_id = value(&group, "original-envelope-id");
        report.envelope_id = report.envelope_id.or(envelope_id.map(str::to_owned));
        report.fates.extend(fate(&group));
    }
    report
}

/// Reads the body of a part `message/feedback-report`.
pub(super) fn feedback(text: &str) -> FeedbackReport {
    let mut report = FeedbackReport::default();
    for group in groups(text) {
        if let Some(kind) = value(&group, "feedback-type") {
            report.kind = kind.to_ascii_lowercase();
        }
        let envelope_id = value(&group, "original-envelope-id");
        report.envelope_id = report.envelope_id.or(envelope_id.map(str::to_owned));
    }
    report
}

fn fate(group: &[(String, String)]) -> Option<Fate> {
    let action = match value(group, "action")?.to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" | "relayed" | "expanded" => Action::Delivered,
        _ => return None,
    };
    let addresses = ["final-recipient", "original-recipient"]
        .into_iter()
        .filter_map(|name| value(group, name));
    let addresses = addresses.map(|field| {
        let address = field.split_once(';').map_or(field, |(_, address)| address);
        let address = address.trim().trim_matches(['<', '>']);
        address.to_lowercase()
    });
    let said = value(group, "diagnostic-code").unwrap_or_default();
    let said = said.split_once(';').map_or(said, |(_, said)| said).trim();
    Some(Fate {
        addresses: addresses.collect(),
        action,
        status: value(group, "status").and_then(status),
        said: said.chars().take(512).collect(),
    })
}

/// Reads `5.1.1`, whatever stands behind it.
fn status(text: &str) -> Option<Status> {
    let word = text.split_whitespace().next()?;
    let class: u16 = word.split('.').next()?.parse().ok()?;
    if ![2, 4, 5].contains(&class) {
        return None;
    }
    let code = Enhanced::read(class * 100, word)?;
    Some(Status { class, code })
}

/// The groups of fields between empty lines, names in small letters, folded lines joined.
///
/// Source: RFC 3464 §2.1: the fields have the form of the head of a mail.
fn groups(text: &str) -> Vec<Vec<(String, String)>> {
    let mut groups: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in text.lines().take(2_000) {
        let Some(last) = groups.last_mut() else { break };
        if line.trim().is_empty() {
            if !last.is_empty() {
                groups.push(Vec::new());
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = last.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            last.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    groups
}

fn value<'g>(group: &'g [(String, String)], name: &str) -> Option<&'g str> {
    let field = group.iter().find(|(of, _)| of == name);
    field
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_field_by_field() {
        let text = "Reporting-MTA: dns; mx.example.org\r\nOriginal-Envelope-Id: abc123\r\n\r\n\
            Final-Recipient: rfc822; Anna@Example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\
            Diagnostic-Code: smtp; 550 5.1.1 <anna@example.org>:\r\n    User unknown\r\n\r\n\
            Final-Recipient: rfc822;boris@example.org\r\nAction: delayed\r\nStatus: 4.4.1 (x)\r\n";
        let report = delivery_status(text);
        assert_eq!(report.envelope_id.as_deref(), Some("abc123"));
        assert_eq!(report.fates.len(), 2);
        let first = &report.fates[0];
        assert_eq!(first.addresses, ["anna@example.org"]);
        assert_eq!(first.action, Action::Failed);
        assert_eq!(first.said, "550 5.1.1 <anna@example.org>: User unknown");
        let status = first.status.unwrap();
        assert_eq!(
            (status.class, status.code.subject, status.code.detail),
            (5, 1, 1)
        );
        assert_eq!(report.fates[1].action, Action::Delayed);
        assert_eq!(report.fates[1].status.unwrap().class, 4);
    }

    #[test]
    fn what_is_no_report_says_nothing() {
        assert_eq!(delivery_status(""), DeliveryStatus::default());
        assert_eq!(
            delivery_status("Action\n: failed\n x"),
            DeliveryStatus::default()
        );
        assert_eq!(delivery_status("Action: perhaps").fates, []);
        for text in ["", "5", "5.1", "9.1.1", "5.1.1.1", "five"] {
            assert_eq!(status(text), None, "{text}");
        }
        assert_eq!(feedback("Feedback-Type: Abuse\n").kind, "abuse");
    }
}

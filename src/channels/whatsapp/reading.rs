//! Finding the events in the body of a webhook.
//!
//! Meta adds keys and kinds every few months and leaves others out, so that every key is looked
//! for and none is relied on; what is not known is handed on as it was.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::events::{
    Event, Failure, Inbound, Preference, Quality, Status, StatusWord, TemplateStatus,
};

/// Every event of a webhook's body, in its order.
pub(super) fn found_in(body: &Map<String, Value>) -> Vec<Event> {
    let mut events = Vec::new();
    let Some(entries) = body.get("entry").and_then(Value::as_array) else {
        if !body.is_empty() {
            events.push(unknown("", &Value::Object(body.clone())));
        }
        return events;
    };
    for entry in entries {
        let Some(changes) = entry["changes"].as_array() else {
            events.push(unknown("entry", entry));
            continue;
        };
        for change in changes {
            let field = text(&change["field"]).unwrap_or_default();
            add_change(&field, &change["value"], &mut events);
        }
    }
    events
}

fn add_change(field: &str, value: &Value, events: &mut Vec<Event>) {
    let before = events.len();
    let contacts = list(&value["contacts"]);
    match field {
        "messages" => {
            let statuses = list(&value["statuses"]).iter();
            events
                .extend(statuses.map(|item| status(item).unwrap_or_else(|| unknown(field, item))));
            let messages = list(&value["messages"]).iter();
            events.extend(
                messages
                    .map(|item| inbound(item, contacts).unwrap_or_else(|| unknown(field, item))),
            );
        }
        "user_preferences" => {
            let preferences = list(&value["user_preferences"]).iter();
            events
                .extend(preferences.map(|item| {
                    preference(item, contacts).unwrap_or_else(|| unknown(field, item))
                }));
        }
        "message_template_status_update" => events.extend(template_status(value)),
        "phone_number_quality_update" => events.extend(number_quality(value)),
        "message_template_quality_update" => events.extend(template_quality(value)),
        _ => {}
    }
    if events.len() == before {
        events.push(unknown(field, value));
    }
}

fn unknown(field: &str, value: &Value) -> Event {
    Event::Unknown {
        field: field.to_owned(),
        json: value.to_string(),
    }
}

fn status(item: &Value) -> Option<Event> {
    let word = match item["status"].as_str()? {
        "sent" => StatusWord::Sent,
        "delivered" => StatusWord::Delivered,
        "read" | "played" => StatusWord::Read,
        "failed" => StatusWord::Failed,
        _ => return None,
    };
    let key = text(&item["biz_opaque_callback_data"]);
    let key = key.and_then(|data| data.strip_prefix("m:").map(str::to_owned));
    Some(Event::Status(Status {
        wamid: text(&item["id"])?,
        word,
        at: instant(&item["timestamp"]),
        key: key.filter(|key| !key.is_empty()),
        phone: phone(&item["recipient_id"]),
        user_id: first(item, &["recipient_user_id", "user_id"]),
        failures: list(&item["errors"]).iter().filter_map(failure).collect(),
    }))
}

fn failure(item: &Value) -> Option<Failure> {
    let parts = [
        &item["title"],
        &item["message"],
        &item["error_data"]["details"],
    ];
    let mut words = String::new();
    for part in parts.into_iter().filter_map(text) {
        if !words.contains(&part) {
            words = format!("{words} {part}");
        }
    }
    Some(Failure {
        code: number(&item["code"])?,
        words: words.trim().chars().take(512).collect(),
    })
}

fn inbound(item: &Value, contacts: &[Value]) -> Option<Event> {
    let kind = text(&item["type"]).unwrap_or_default();
    // What WhatsApp itself says, such as a changed phone, was not written by the client.
    if kind == "system" {
        return None;
    }
    let contact = contact_of(&item["from"], contacts);
    let reply = [
        &item["interactive"]["button_reply"],
        &item["interactive"]["list_reply"],
    ];
    let replied = |key: &str| reply.iter().find_map(|reply| text(&reply[key]));
    let words = text(&item["text"]["body"])
        .or_else(|| text(&item["button"]["text"]))
        .or_else(|| replied("title"))
        .or_else(|| text(&item["reaction"]["emoji"]))
        .or_else(|| text(&item[kind.as_str()]["caption"]));
    Some(Event::Inbound(Inbound {
        id: text(&item["id"])?,
        at: instant(&item["timestamp"]),
        from: phone(&item["from"]).or_else(|| phone(&contact["wa_id"])),
        user_id: first(item, &["from_user_id", "user_id"]).or_else(|| text(&contact["user_id"])),
        name: text(&contact["profile"]["name"]),
        text: words,
        payload: text(&item["button"]["payload"]).or_else(|| replied("id")),
        context: text(&item["context"]["id"]).or_else(|| text(&item["reaction"]["message_id"])),
        kind,
    }))
}

fn preference(item: &Value, contacts: &[Value]) -> Option<Event> {
    let stop = match item["value"].as_str()? {
        "stop" => true,
        "resume" => false,
        _ => return None,
    };
    let contact = contact_of(&item["wa_id"], contacts);
    Some(Event::Preference(Preference {
        phone: phone(&item["wa_id"]).or_else(|| phone(&contact["wa_id"])),
        user_id: text(&item["user_id"]).or_else(|| text(&contact["user_id"])),
        stop,
        at: instant(&item["timestamp"]),
    }))
}

fn template_status(value: &Value) -> Option<Event> {
    Some(Event::TemplateStatus(TemplateStatus {
        name: text(&value["message_template_name"])?,
        language: text(&value["message_template_language"]).unwrap_or_default(),
        event: text(&value["event"])?,
        reason: text(&value["reason"]).filter(|reason| reason != "NONE"),
    }))
}

fn number_quality(value: &Value) -> Option<Event> {
    let limits = ["current_limit", "max_daily_conversations_per_business"];
    Some(Event::Quality(Quality {
        about: text(&value["display_phone_number"]).unwrap_or_default(),
        event: text(&value["event"])?,
        limit: first(value, &limits),
    }))
}

fn template_quality(value: &Value) -> Option<Event> {
    Some(Event::Quality(Quality {
        about: text(&value["message_template_name"])?,
        event: text(&value["new_quality_score"])?,
        limit: None,
    }))
}

/// The contact that an item is about: the one with its phone, or the only one there is.
fn contact_of<'v>(wa_id: &Value, contacts: &'v [Value]) -> &'v Value {
    let same = |contact: &&Value| wa_id.is_string() && contact["wa_id"] == *wa_id;
    match contacts {
        [only] if !wa_id.is_string() || !only["wa_id"].is_string() => only,
        _ => contacts.iter().find(same).unwrap_or(&Value::Null),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn first(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(&value[*key]))
}

/// A text that is not empty, without the one character that databases do not take; a number counts
/// as one.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.replace('\0', ""),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Seconds since 1970, as a text or as a number.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(number(value)?, 0)
}

/// A phone in E.164; WhatsApp leaves the plus out.
fn phone(value: &Value) -> Option<String> {
    let text = text(value)?;
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let good = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::rules::delivery::feedback::Report;
    use crate::rules::delivery::reaction::{Fate, Measure, Reaction};

    fn events(field: &str, value: &Value) -> Vec<Event> {
        let body = json!({ "object": "whatsapp_business_account", "entry": [
            { "id": "WABA", "changes": [ { "field": field, "value": value } ] } ] });
        found_in(body.as_object().unwrap())
    }

    #[test]
    fn a_batch_of_statuses_is_read_in_its_order() {
        let value = json!({ "messaging_product": "whatsapp", "statuses": [
            { "id": "wamid.A", "status": "delivered", "timestamp": "1750857384",
              "recipient_id": "77011234567", "biz_opaque_callback_data": "m:01JDQ7Z9K3",
              "pricing": { "billable": true } },
            { "id": "wamid.A", "status": "failed", "timestamp": 1_750_857_385,
              "recipient_user_id": "KZ.15", "errors": [ { "code": 131_026, "title": "Undeliverable",
                "message": "Undeliverable", "error_data": { "details": "no account" } } ] },
            { "id": "wamid.B", "status": "warning" } ] });
        let events = events("messages", &value);
        assert_eq!(events.len(), 3);
        let Event::Status(delivered) = &events[0] else {
            panic!()
        };
        assert_eq!(delivered.key.as_deref(), Some("01JDQ7Z9K3"));
        assert_eq!(delivered.phone.as_deref(), Some("+77011234567"));
        assert_eq!(delivered.at.unwrap().timestamp(), 1_750_857_384);
        assert_eq!(delivered.report(), Report::Delivered);
        assert_eq!(delivered.reaction(), None);
        let Event::Status(failed) = &events[1] else {
            panic!()
        };
        assert_eq!(failed.failures[0].words, "Undeliverable no account");
        let reaction = Reaction::with(Fate::Failed, Measure::CountNoAccount);
        assert_eq!(failed.reaction(), Some((Some(131_026), reaction)));
        assert_eq!(
            (failed.phone.as_ref(), failed.user_id.as_deref()),
            (None, Some("KZ.15"))
        );
        assert!(matches!(&events[2], Event::Unknown { json, .. } if json.contains("wamid.B")));
    }

    #[test]
    fn an_answer_is_read_with_and_without_a_phone() {
        let contacts = json!([ { "profile": { "name": "Анна" }, "wa_id": "77011234567",
                                 "user_id": "KZ.1502576394655843" } ]);
        let value = json!({ "contacts": contacts, "messages": [
            { "from": "77011234567", "id": "wamid.IN1", "timestamp": "1749416383", "type": "text",
              "text": { "body": "СТОП" } },
            { "context": { "from": "15550783881", "id": "wamid.OUT" }, "from": "77011234567",
              "id": "wamid.IN2", "type": "button",
              "button": { "payload": "stop:01JDQ7Z9K3", "text": "Отписаться" } },
            { "from": "77011234567", "id": "wamid.IN3", "type": "image",
              "image": { "id": "1", "caption": "вот" } } ] });
        let events_of = |value: &Value| {
            let inbound = events("messages", value)
                .into_iter()
                .map(|event| match event {
                    Event::Inbound(inbound) => inbound,
                    other => panic!("{other:?}"),
                });
            inbound.collect::<Vec<_>>()
        };
        let answers = events_of(&value);
        assert_eq!(answers[0].text.as_deref(), Some("СТОП"));
        assert_eq!(answers[0].from.as_deref(), Some("+77011234567"));
        assert_eq!(answers[0].name.as_deref(), Some("Анна"));
        assert_eq!(answers[1].button(), Some(("stop", "01JDQ7Z9K3")));
        assert_eq!(answers[1].context.as_deref(), Some("wamid.OUT"));
        assert_eq!(answers[1].text.as_deref(), Some("Отписаться"));
        assert_eq!(answers[2].text.as_deref(), Some("вот"));

        let nameless = json!({ "contacts": [ { "user_id": "KZ.15" } ], "messages": [
            { "id": "wamid.IN4", "type": "interactive", "context": { "id": "wamid.OUT" },
              "interactive": { "type": "button_reply",
                               "button_reply": { "id": "stop:K", "title": "Стоп" } } } ] });
        let answers = events_of(&nameless);
        assert_eq!(answers[0].from, None);
        assert_eq!(answers[0].user_id.as_deref(), Some("KZ.15"));
        assert_eq!(answers[0].button(), Some(("stop", "K")));
        assert_eq!(answers[0].context.as_deref(), Some("wamid.OUT"));
    }

    #[test]
    fn the_switch_for_advertising_is_read_both_ways() {
        let value = json!({ "contacts": [ { "wa_id": "77011234567" } ], "user_preferences": [
            { "wa_id": "77011234567", "category": "marketing_messages", "value": "stop",
              "timestamp": 1_731_705_721 },
            { "wa_id": "77011234567", "value": "resume" },
            { "wa_id": "77011234567", "value": "later" } ] });
        let events = events("user_preferences", &value);
        let Event::Preference(stop) = &events[0] else {
            panic!()
        };
        assert!(stop.stop);
        assert_eq!(stop.phone.as_deref(), Some("+77011234567"));
        assert!(matches!(&events[1], Event::Preference(resume) if !resume.stop));
        assert!(matches!(&events[2], Event::Unknown { .. }));
    }

    #[test]
    fn templates_and_numbers_tell_how_they_are() {
        let paused = json!({ "event": "PAUSED", "message_template_id": 1,
            "message_template_name": "winback_v1", "message_template_language": "ru",
            "reason": "NONE" });
        let Event::TemplateStatus(status) = &events("message_template_status_update", &paused)[0]
        else {
            panic!()
        };
        assert_eq!(
            (status.name.as_str(), status.is_usable()),
            ("winback_v1", Some(false))
        );
        assert_eq!(status.reason, None);
        let flagged = json!({ "display_phone_number": "15550783881", "event": "FLAGGED",
            "current_limit": "TIER_10K" });
        let Event::Quality(quality) = &events("phone_number_quality_update", &flagged)[0] else {
            panic!()
        };
        assert_eq!(quality.limit.as_deref(), Some("TIER_10K"));
    }

    #[test]
    fn what_nobody_knows_is_kept_as_it_is() {
        let value = json!({ "event": "ACCOUNT_RESTRICTION", "новое": [1, 2] });
        let Event::Unknown { field, json } = &events("account_update", &value)[0] else {
            panic!()
        };
        assert_eq!(field, "account_update");
        assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value);
        let other = json!({ "object": "page" });
        assert!(matches!(
            &found_in(other.as_object().unwrap())[..],
            [Event::Unknown { .. }]
        ));
        let changed = json!({ "messages": [ { "id": "x", "type": "system" } ] });
        assert!(matches!(
            &events("messages", &changed)[..],
            [Event::Unknown { .. }]
        ));
    }

    #[test]
    fn the_same_event_has_the_same_fingerprint_and_no_other_one() {
        let value = json!({ "statuses": [
            { "id": "A", "status": "sent" }, { "id": "A", "status": "read" },
            { "id": "B", "status": "sent" }, { "id": "A", "status": "sent", "timestamp": "1" } ],
            "messages": [ { "id": "A", "type": "text" } ] });
        let marks: Vec<String> = events("messages", &value)
            .iter()
            .map(Event::fingerprint)
            .collect();
        assert_eq!(marks[0], marks[3]);
        for (n, mark) in marks[..3].iter().enumerate() {
            assert!(!marks[..n].contains(mark));
        }
        assert_ne!(marks[0], marks[4]);
    }

    /// JSON of any shape, with the keys that are looked for in it.
    fn shaken() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z0-9:.+]{0,12}".prop_map(Value::from),
            prop::sample::select(vec!["sent", "failed", "stop", "text", "system", "messages"])
                .prop_map(Value::from),
        ];
        let keys = vec![
            "entry",
            "changes",
            "field",
            "value",
            "statuses",
            "messages",
            "contacts",
            "id",
            "status",
            "errors",
            "code",
            "type",
            "text",
            "body",
            "from",
            "wa_id",
            "user_id",
            "timestamp",
            "context",
            "button",
            "payload",
            "interactive",
            "user_preferences",
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((prop::sample::select(keys.clone()), inner), 0..6).prop_map(
                    |pairs| {
                        let pairs = pairs
                            .into_iter()
                            .map(|(key, value)| (key.to_owned(), value));
                        Value::Object(pairs.collect())
                    }
                ),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_of_any_shape_is_read(
            value in shaken(),
            field in prop::sample::select(vec!["messages", "user_preferences", "x"]),
        ) {
            for event in events(field, &value) {
                prop_assert!(!event.fingerprint().is_empty());
            }
            if let Some(body) = value.as_object() {
                let _ = found_in(body);
            }
        }
    }
}

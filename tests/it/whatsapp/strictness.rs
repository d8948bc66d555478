//! The fake is as strict as the API: what the product makes is taken, what is wrong is not.

use crate::cleared::cleared;
use serde_json::{Value, json};

use super::{Button, Desk, Header, Media, WhatsAppRequest, account, body, nudge};

fn bare(template: &str) -> WhatsAppRequest {
    WhatsAppRequest {
        template: template.to_owned(),
        parameters: Vec::new(),
        buttons: Vec::new(),
        ..nudge("k")
    }
}

#[tokio::test]
async fn every_kind_of_request_that_the_product_makes_is_taken() {
    let desk = Desk::new(account(Vec::new())).await;
    let link = Media::Link("https://cdn.example.org/c.png".to_owned());
    let requests = [
        nudge("k"),
        bare("plain"),
        WhatsAppRequest {
            header: Some(Header::Image(link)),
            parameters: vec!["Анна".to_owned()],
            ..bare("picture")
        },
        WhatsAppRequest {
            header: Some(Header::Document {
                media: Media::Id("1234".to_owned()),
                filename: Some("certificate.pdf".to_owned()),
            }),
            ..bare("paper")
        },
        WhatsAppRequest {
            header: Some(Header::Text("Анна".to_owned())),
            ..bare("headline")
        },
    ];
    for request in requests {
        let sent = desk.api.send(&cleared(&body(&request))).await;
        assert!(sent.is_ok(), "{request:?}: {sent:?}");
    }
}

#[tokio::test]
async fn a_request_that_does_not_fit_its_template_is_turned_away_with_its_code() {
    let desk = Desk::new(account(Vec::new())).await;
    let three = ["a", "b", "c"].map(str::to_owned).to_vec();
    let picture = Header::Image(Media::Id("1".to_owned()));
    for (request, code) in [
        (
            WhatsAppRequest {
                parameters: three,
                ..nudge("k")
            },
            132_000,
        ),
        (
            WhatsAppRequest {
                parameters: Vec::new(),
                ..nudge("k")
            },
            132_000,
        ),
        (
            WhatsAppRequest {
                language: "en".to_owned(),
                ..nudge("k")
            },
            132_001,
        ),
        (bare("unheard_of"), 132_001),
        (bare("resting"), 132_015),
        (bare("gone"), 132_016),
        (bare("paper"), 132_012),
        (
            WhatsAppRequest {
                header: Some(picture.clone()),
                ..bare("paper")
            },
            132_012,
        ),
        (
            WhatsAppRequest {
                header: Some(picture),
                ..bare("plain")
            },
            132_000,
        ),
        (
            WhatsAppRequest {
                buttons: Vec::new(),
                ..nudge("k")
            },
            131_008,
        ),
        (
            WhatsAppRequest {
                buttons: vec![Button::QuickReply("x".to_owned())],
                ..nudge("k")
            },
            132_012,
        ),
        (
            WhatsAppRequest {
                parameters: vec!["x".repeat(1_000), "y".repeat(1_000)],
                ..nudge("k")
            },
            132_005,
        ),
    ] {
        let trouble = desk.api.send(&cleared(&body(&request))).await.unwrap_err();
        assert_eq!(trouble.code, Some(code), "{request:?}: {}", trouble.what);
    }
}

/// A request that the API takes, with one place of it changed.
fn changed(pointer: &str, value: Option<Value>) -> Vec<u8> {
    let mut request: Value = serde_json::from_slice(&body(&nudge("k"))).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(object), Some(value)) => {
            object.insert(key.to_owned(), value);
        }
        (Value::Object(object), None) => {
            object.remove(key);
        }
        (other, _) => panic!("{other} is no object"),
    }
    request.to_string().into_bytes()
}

#[tokio::test]
async fn every_part_of_a_request_is_looked_at() {
    let desk = Desk::new(account(Vec::new())).await;
    let button = "/template/components/1";
    let parameter = "/template/components/0/parameters/0";
    for (pointer, value, code) in [
        ("/messaging_product".to_owned(), None, 100),
        (
            "/messaging_product".to_owned(),
            Some(json!("telegram")),
            100,
        ),
        ("/extra".to_owned(), Some(json!(1)), 100),
        ("/recipient_type".to_owned(), Some(json!("group")), 131_009),
        ("/to".to_owned(), None, 131_008),
        ("/to".to_owned(), Some(json!("+77011234567")), 131_009),
        ("/to".to_owned(), Some(json!("07011234567")), 131_009),
        ("/to".to_owned(), Some(json!(77_011_234_567_i64)), 131_009),
        ("/type".to_owned(), Some(json!("hologram")), 131_051),
        ("/type".to_owned(), Some(json!("text")), 131_047),
        ("/template".to_owned(), None, 131_008),
        ("/template/name".to_owned(), Some(json!("")), 131_008),
        ("/template/language/code".to_owned(), None, 131_008),
        ("/template/namespace".to_owned(), Some(json!("x")), 100),
        (
            "/biz_opaque_callback_data".to_owned(),
            Some(json!("x".repeat(513))),
            131_009,
        ),
        (format!("{parameter}/text"), Some(json!("two\nlines")), 100),
        (format!("{parameter}/text"), Some(json!("")), 131_008),
        (
            format!("{parameter}/type"),
            Some(json!("currency")),
            132_012,
        ),
        (format!("{button}/index"), Some(json!(0)), 131_009),
        (format!("{button}/index"), Some(json!("7")), 132_012),
        (format!("{button}/parameters"), Some(json!([])), 131_008),
    ] {
        let trouble = desk
            .api
            .send(&cleared(&changed(&pointer, value)))
            .await
            .unwrap_err();
        assert_eq!(trouble.code, Some(code), "{pointer}: {}", trouble.what);
    }
    let trouble = desk.api.send(&cleared(b"{")).await.unwrap_err();
    assert_eq!(trouble.code, Some(100));
}

#[tokio::test]
async fn another_version_number_or_token_is_not_let_in() {
    use super::{Script, fake::Fake};
    use rekindle::channels::whatsapp::Api;
    use rekindle::config::settings::WhatsApp;

    let log = tempfile::NamedTempFile::new().unwrap();
    let fake = Fake::start(Script::default(), 0, log.path()).await;
    let settings = |version: &str, number: &str| WhatsApp {
        phone_number_id: Some(number.to_owned()),
        graph_version: version.to_owned(),
        base_url: fake.base_url(),
        ..WhatsApp::default()
    };
    let (number, token) = (Script::default().phone_number_id, Script::default().token);
    for (settings, token, code) in [
        (settings("v19.0", &number), token.as_str(), 2_635),
        (settings("latest", &number), token.as_str(), 2_500),
        (settings("v25.0", "1"), token.as_str(), 100),
        (settings("v25.0", &number), "other", 190),
    ] {
        let api = Api::new(&settings, &token.into()).unwrap();
        let trouble = api.send(&cleared(&body(&nudge("k")))).await.unwrap_err();
        assert_eq!(trouble.code, Some(code), "{}", trouble.what);
    }
}

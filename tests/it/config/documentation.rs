//! The examples of `docs/CAMPAIGNS.md` are true: what is right is accepted, and what is wrong is
//! answered word for word as the page says.

use super::{COMPANY, Home};

const PAGE: &str = include_str!("../../../docs/CAMPAIGNS.md");

/// The fenced blocks of the page: the words behind the fence, and the text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    let mut rest = PAGE;
    while let Some(start) = rest.find("```") {
        let block = &rest[start + 3..];
        let (kind, text) = block.split_once('\n').expect("a fence ends its line");
        let end = text.find("```").expect("a fence is closed");
        blocks.push((kind, &text[..end]));
        rest = &text[end + 3..];
    }
    blocks
}

/// A whole campaign around an example that shows a part of one.
fn whole(example: &str) -> String {
    let mut text = String::new();
    if !example.contains("id     =") {
        text.push_str("id = \"doc\"\ntitle = \"Example\"\n");
    }
    text.push_str(example);
    if !example.contains("[trigger]") {
        text.push_str("\n[trigger]\non = \"missed_cycle\"\n");
    }
    if !example.contains("[[step]]") {
        text.push_str("\n[[step]]\nid = \"l\"\nchannel = \"email\"\ntemplate = \"news\"\n");
    }
    text
}

#[test]
fn every_example_of_a_campaign_is_right() {
    let examples = blocks().into_iter().filter(|(kind, _)| *kind == "toml");
    let mut count = 0;
    for (_, example) in examples {
        let home = Home::new(COMPANY);
        let text = whole(example);
        let id = if text.contains("\"doc\"") {
            "doc"
        } else {
            "missed-cycle"
        };
        home.write(&format!("config/campaigns/{id}.toml"), &text);
        assert_eq!(home.said(), "", "{text}");
        count += 1;
    }
    assert_eq!(count, 17);
}

#[test]
fn every_example_of_settings_is_right() {
    for (_, example) in blocks()
        .into_iter()
        .filter(|(kind, _)| *kind == "toml settings")
    {
        let home = Home::new(&format!("{COMPANY}{example}"));
        assert_eq!(home.said(), "", "{example}");
    }
}

#[test]
fn mistakes_are_answered_as_the_page_says() {
    let blocks = blocks();
    let broken = blocks.windows(2).filter(|pair| pair[0].0 == "toml broken");
    let mut count = 0;
    for pair in broken {
        let ((_, example), (kind, answer)) = (pair[0], pair[1]);
        assert_eq!(kind, "text");
        let home = Home::new(COMPANY);
        home.write("config/campaigns/spring.toml", example);
        assert_eq!(home.said().trim_end(), answer.trim_end());
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn the_page_names_every_key_of_a_campaign() {
    use rekindle::config::schema::{FileKind, schema};
    fn keys(node: &serde_json::Value, found: &mut Vec<String>) {
        if let Some(properties) = node["properties"].as_object() {
            found.extend(properties.keys().cloned());
        }
        let inner: Vec<&serde_json::Value> = match node {
            serde_json::Value::Object(object) => object.values().collect(),
            serde_json::Value::Array(list) => list.iter().collect(),
            _ => Vec::new(),
        };
        for inner in inner {
            keys(inner, found);
        }
    }
    let mut found = Vec::new();
    keys(schema(FileKind::Campaign), &mut found);
    found.retain(|key| !PAGE.contains(key.as_str()));
    assert_eq!(found, Vec::<String>::new(), "not in docs/CAMPAIGNS.md");
}

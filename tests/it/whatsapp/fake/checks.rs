//! Whether a request is one that the Cloud API takes, as strictly as it does.
//!
//! Source: Meta, OpenAPI description of the business messaging API (v23.0) and error codes.

use serde_json::{Map, Value};

use super::errors::Refusal;
use super::script::{Buttons, HeaderKind, Script, Template, TemplateState};
use super::wire::Request;

type Checked<T> = Result<T, Refusal>;

/// Longest text of a message, all parameters of its body together.
const LONGEST_BODY: usize = 1_024;

/// Checks all of it; the recipient.
pub(super) fn check(script: &Script, request: &Request) -> Checked<String> {
    address(script, request)?;
    let is_json = request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    let body = serde_json::from_slice(&request.body);
    let Some(Value::Object(body)) = body.ok().filter(|_| is_json) else {
        return Err(Refusal::new(
            100,
            "The parameter messaging_product is required.",
        ));
    };
    only(
        &body,
        &[
            "messaging_product",
            "recipient_type",
            "to",
            "type",
            "template",
            "text",
            "biz_opaque_callback_data",
        ],
    )?;
    if body.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
        return Err(Refusal::new(
            100,
            "The parameter messaging_product is required.",
        ));
    }
    if body
        .get("recipient_type")
        .is_some_and(|kind| kind != "individual")
    {
        return Err(Refusal::new(131_009, "recipient_type must be individual"));
    }
    let to = word(&body, "to")?;
    let digits = (7..=15).contains(&to.len()) && to.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || to.starts_with('0') {
        return Err(Refusal::new(131_009, "to is not a phone number"));
    }
    if let Some(data) = body.get("biz_opaque_callback_data") {
        let fits = data
            .as_str()
            .is_some_and(|data| data.chars().count() <= 512);
        if !fits {
            return Err(Refusal::new(
                131_009,
                "biz_opaque_callback_data is too long",
            ));
        }
    }
    match word(&body, "type")? {
        "template" => template(script, part(&body, "template")?)?,
        "text" => return Err(Refusal::new(131_047, "more than 24 hours have passed")),
        _ => return Err(Refusal::new(131_051, "unsupported message type")),
    }
    Ok(to.to_owned())
}

/// What the account says of its number to whoever may ask; nothing when something else is asked.
/// Such a question is no message: it is not counted and not logged.
pub(super) fn about_the_number(script: &Script, request: &Request) -> Option<Value> {
    let (path, _) = request.path.split_once('?')?;
    let number = format!("/{}/{}", script.version, script.phone_number_id);
    let token = format!("Bearer {}", script.token);
    let may_ask = request.header("authorization") == Some(token.as_str());
    (request.method == "GET" && path == number && may_ask)
        .then(|| serde_json::json!({ "verified_name": "Fake", "id": script.phone_number_id }))
}

fn address(script: &Script, request: &Request) -> Checked<()> {
    let mut path = request.path.trim_start_matches('/').split('/');
    let (version, number, rest) = (path.next(), path.next(), path.next());
    let version = version.unwrap_or_default();
    if version != script.version {
        return Err(match version.strip_prefix('v') {
            Some(number) if number.parse::<f32>().is_ok() => {
                Refusal::new(2_635, "this version of the API is not answered")
            }
            _ => Refusal::new(2_500, "Unknown path components"),
        });
    }
    let authorization = request.header("authorization").unwrap_or_default();
    if authorization.strip_prefix("Bearer ") != Some(script.token.as_str()) {
        return Err(Refusal::new(190, "Invalid OAuth access token"));
    }
    if number != Some(script.phone_number_id.as_str()) {
        return Err(Refusal::new(
            100,
            "Unsupported request. Object does not exist",
        ));
    }
    if rest != Some("messages") || path.next().is_some() || request.method != "POST" {
        return Err(Refusal::new(2_500, "Unknown path components"));
    }
    Ok(())
}

fn template(script: &Script, sent: &Map<String, Value>) -> Checked<()> {
    only(sent, &["name", "language", "components"])?;
    let name = word(sent, "name")?;
    let language = part(sent, "language")?;
    only(language, &["code", "policy"])?;
    let code = word(language, "code")?;
    let mut known = script.templates.iter();
    let Some(known) = known.find(|known| known.name == name && known.language == code) else {
        let details = format!("template name ({name}) does not exist in {code}");
        return Err(Refusal::new(132_001, details));
    };
    match known.state {
        TemplateState::Approved => {}
        TemplateState::Paused => return Err(Refusal::new(132_015, "template is paused")),
        TemplateState::Disabled => return Err(Refusal::new(132_016, "template is disabled")),
    }
    let components = match sent.get("components") {
        None => &[][..],
        Some(Value::Array(components)) => components.as_slice(),
        Some(_) => return Err(Refusal::new(100, "components must be an array")),
    };
    let mut seen = Seen::default();
    for component in components {
        let Value::Object(component) = component else {
            return Err(Refusal::new(100, "a component must be an object"));
        };
        self::component(known, component, &mut seen)?;
    }
    seen.complete(known)
}

/// What the components have brought so far.
#[derive(Default)]
struct Seen {
    header: bool,
    body: Option<usize>,
    buttons: Vec<usize>,
}

impl Seen {
    fn complete(&self, known: &Template) -> Checked<()> {
        if known.header.is_some() && !self.header {
            return Err(Refusal::new(132_012, "header: a parameter was expected"));
        }
        let count = self.body.unwrap_or(0);
        if count != known.body {
            let details = format!(
                "number of localizable_params ({count}), expected {}",
                known.body
            );
            return Err(Refusal::new(132_000, details));
        }
        let missing = |(index, kind): (usize, &Buttons)| {
            *kind == Buttons::Url && !self.buttons.contains(&index)
        };
        if known.buttons.iter().enumerate().any(missing) {
            return Err(Refusal::new(
                131_008,
                "Button of type Url requires a parameter",
            ));
        }
        Ok(())
    }
}

fn component(known: &Template, sent: &Map<String, Value>, seen: &mut Seen) -> Checked<()> {
    match word(sent, "type")? {
        "header" => {
            only(sent, &["type", "parameters"])?;
            if std::mem::replace(&mut seen.header, true) {
                return Err(Refusal::new(100, "two headers"));
            }
            header(known, parameters(sent)?)
        }
        "body" => {
            only(sent, &["type", "parameters"])?;
            let parameters = parameters(sent)?;
            let mut length = 0;
            for parameter in parameters {
                length += text(parameter)?.chars().count();
            }
            if length > LONGEST_BODY {
                return Err(Refusal::new(132_005, "Translated text too long"));
            }
            match seen.body.replace(parameters.len()) {
                None => Ok(()),
                Some(_) => Err(Refusal::new(100, "two bodies")),
            }
        }
        "button" => {
            let index = button(known, sent)?;
            if seen.buttons.contains(&index) {
                return Err(Refusal::new(100, "two parameters for one button"));
            }
            seen.buttons.push(index);
            Ok(())
        }
        other => Err(Refusal::new(100, format!("unexpected component {other}"))),
    }
}

fn header(known: &Template, parameters: &[Value]) -> Checked<()> {
    let [Value::Object(parameter)] = parameters else {
        return Err(Refusal::new(132_000, "header: one parameter was expected"));
    };
    let kind = word(parameter, "type")?;
    let expected = match known.header {
        None => return Err(Refusal::new(132_000, "header: no parameter was expected")),
        Some(HeaderKind::Text) => "text",
        Some(HeaderKind::Image) => "image",
        Some(HeaderKind::Document) => "document",
    };
    if kind != expected {
        let details = format!("header: format mismatch, expected {expected}, received {kind}");
        return Err(Refusal::new(132_012, details));
    }
    if kind == "text" {
        return text(&parameters[0]).map(|_| ());
    }
    only(parameter, &["type", kind])?;
    media(part(parameter, kind)?, kind)
}

fn media(file: &Map<String, Value>, kind: &str) -> Checked<()> {
    let keys: &[&str] = match kind {
        "document" => &["link", "id", "filename"],
        _ => &["link", "id"],
    };
    only(file, keys)?;
    match (file.get("link"), file.get("id")) {
        (Some(Value::String(link)), None) if link.starts_with("https://") => Ok(()),
        (None, Some(Value::String(id))) if id.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(Refusal::new(
            131_009,
            "a link or the id of a file was expected",
        )),
    }
}

fn button(known: &Template, sent: &Map<String, Value>) -> Checked<usize> {
    only(sent, &["type", "sub_type", "index", "parameters"])?;
    let Some(Value::String(index)) = sent.get("index") else {
        return Err(Refusal::new(131_009, "index must be a string"));
    };
    let index: usize = index
        .parse()
        .map_err(|_| Refusal::new(131_009, "index must be 0 to 9"))?;
    let parameters = parameters(sent)?;
    let [parameter] = parameters else {
        return Err(Refusal::new(132_000, "button: one parameter was expected"));
    };
    match (word(sent, "sub_type")?, known.buttons.get(index)) {
        ("url", Some(Buttons::Url)) => {
            text(parameter)?;
        }
        ("quick_reply", Some(Buttons::QuickReply)) => payload(parameter)?,
        _ => return Err(Refusal::new(132_012, "button: format mismatch")),
    }
    Ok(index)
}

fn payload(parameter: &Value) -> Checked<()> {
    let payload = parameter["payload"].as_str().unwrap_or_default();
    if parameter["type"] != "payload" || payload.is_empty() {
        return Err(Refusal::new(132_012, "button: a payload was expected"));
    }
    if payload.chars().count() > 128 {
        return Err(Refusal::new(
            131_009,
            "payload is longer than 128 characters",
        ));
    }
    Ok(())
}

/// The text of a parameter.
fn text(parameter: &Value) -> Checked<&str> {
    if parameter["type"] != "text" {
        return Err(Refusal::new(132_012, "format mismatch, expected text"));
    }
    let text = parameter["text"].as_str().unwrap_or_default();
    if text.is_empty() {
        return Err(Refusal::new(131_008, "Required parameter is missing: text"));
    }
    if text.contains(['\n', '\t', '\r']) || text.contains("     ") {
        let details = "Param text cannot have new-line/tab characters or more than 4 \
                       consecutive spaces";
        return Err(Refusal::new(100, details));
    }
    Ok(text)
}

fn parameters(sent: &Map<String, Value>) -> Checked<&[Value]> {
    match sent.get("parameters") {
        Some(Value::Array(parameters)) if !parameters.is_empty() => Ok(parameters),
        _ => Err(Refusal::new(
            131_008,
            "Required parameter is missing: parameters",
        )),
    }
}

/// A key that must be a text.
fn word<'b>(object: &'b Map<String, Value>, key: &str) -> Checked<&'b str> {
    match object.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_)) | None => Err(Refusal::new(
            131_008,
            format!("Required parameter is missing: {key}"),
        )),
        Some(_) => Err(Refusal::new(131_009, format!("{key} must be a string"))),
    }
}

/// A key that must be an object.
fn part<'b>(object: &'b Map<String, Value>, key: &str) -> Checked<&'b Map<String, Value>> {
    match object.get(key) {
        Some(Value::Object(part)) => Ok(part),
        Some(_) => Err(Refusal::new(131_009, format!("{key} must be an object"))),
        None => Err(Refusal::new(
            131_008,
            format!("Required parameter is missing: {key}"),
        )),
    }
}

/// No other keys than these.
fn only(object: &Map<String, Value>, keys: &[&str]) -> Checked<()> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(Refusal::new(100, format!("Unexpected key \"{key}\""))),
        None => Ok(()),
    }
}

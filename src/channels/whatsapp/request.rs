//! The request that sends an approved template through the WhatsApp Cloud API.
//!
//! Only the body of the request is made here; it is sent by [`super::api`].
//!
//! Source: Meta, Cloud API reference, `POST /{PHONE_NUMBER_ID}/messages`, type `template`.

use serde::Serialize;

/// Longest parameter, in characters. Source: Meta, template components: 1024 in a body.
const PARAMETER_LIMIT: usize = 1_024;

/// Longest address of a file; what is longer is no address that anybody typed.
const LINK_LIMIT: usize = 2_048;

/// A nudge that is ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppRequest {
    /// The key of the message; comes back with every status.
    pub key: String,
    /// The phone of the client, in E.164.
    pub to: String,
    /// The approved name of the template.
    pub template: String,
    /// The approved language code.
    pub language: String,
    /// The parameter of the header, when the template has one.
    pub header: Option<Header>,
    /// The parameters of the body, in order.
    pub parameters: Vec<String>,
    /// The buttons that take a parameter, in the order of the template.
    pub buttons: Vec<Button>,
}

/// The parameter of a template's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// A line of text.
    Text(String),
    /// A picture.
    Image(Media),
    /// A document, such as a certificate.
    Document {
        /// The file.
        media: Media,
        /// The name under which the client saves it.
        filename: Option<String>,
    },
}

/// Where WhatsApp takes a picture or a document from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// It fetches the file from a https address.
    Link(String),
    /// The file was uploaded before and has this id.
    Id(String),
}

/// A button of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// Opens the approved address with this at its end.
    Url(String),
    /// Answers with this; the key of the message is put behind it: `stop:01JDQ7Z9K3`.
    QuickReply(String),
}

/// Why a request cannot be made. The message can never be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhatsAppError {
    /// The phone is not in E.164.
    #[error("\"{0}\" is not a phone number in the form +77011234567")]
    Phone(String),
    /// Meta would not take the parameter.
    #[error(
        "parameter {index} \"{value}\" must have 1 to {PARAMETER_LIMIT} characters, no line breaks and no more than four spaces together"
    )]
    Parameter {
        /// Which one, from 1.
        index: usize,
        /// The value.
        value: String,
    },
    /// WhatsApp could not fetch the file of the header.
    #[error("\"{0}\" is neither a https address nor the id of an uploaded file")]
    Media(String),
    /// A name that must be there is not.
    #[error("the request has no {0}")]
    Empty(&'static str),
    /// The request could not be written as JSON.
    #[error("the request cannot be written: {0}")]
    Json(String),
}

#[derive(Serialize)]
struct Request<'r> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    to: &'r str,
    r#type: &'static str,
    template: Template<'r>,
    biz_opaque_callback_data: String,
}

#[derive(Serialize)]
struct Template<'r> {
    name: &'r str,
    language: Language<'r>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component<'r>>,
}

#[derive(Serialize)]
struct Language<'r> {
    code: &'r str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Component<'r> {
    Header {
        parameters: [Parameter<'r>; 1],
    },
    Body {
        parameters: Vec<Parameter<'r>>,
    },
    Button {
        sub_type: &'static str,
        /// A text, although it is a number: that is how the API takes it.
        index: String,
        parameters: Vec<Parameter<'r>>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Parameter<'r> {
    Text { text: &'r str },
    Payload { payload: String },
    Image { image: File<'r> },
    Document { document: File<'r> },
}

#[derive(Serialize)]
struct File<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'r str>,
}

impl WhatsAppRequest {
    /// The body of the request as JSON; the same bytes at every attempt.
    pub fn body(&self) -> Result<Vec<u8>, WhatsAppError> {
        for (what, value) in [
            ("key", &self.key),
            ("template", &self.template),
            ("language", &self.language),
        ] {
            if value.trim().is_empty() {
                return Err(WhatsAppError::Empty(what));
            }
        }
        let request = Request {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to: digits(&self.to)?,
            r#type: "template",
            template: Template {
                name: &self.template,
                language: Language {
                    code: &self.language,
                },
                components: self.components()?,
            },
            biz_opaque_callback_data: format!("m:{}", self.key),
        };
        let mut body = serde_json::to_vec_pretty(&request)
            .map_err(|error| WhatsAppError::Json(error.to_string()))?;
        body.push(b'\n');
        Ok(body)
    }

    fn components(&self) -> Result<Vec<Component<'_>>, WhatsAppError> {
        let mut components = Vec::new();
        if let Some(header) = &self.header {
            let parameters = [header.parameter()?];
            components.push(Component::Header { parameters });
        }
        if !self.parameters.is_empty() {
            let parameters = self.parameters.iter().enumerate();
            let parameters = parameters.map(|(i, text)| text_parameter(i + 1, text));
            components.push(Component::Body {
                parameters: parameters.collect::<Result<_, _>>()?,
            });
        }
        for (i, button) in self.buttons.iter().enumerate() {
            let (sub_type, parameter) = match button {
                Button::Url(end) => ("url", text_parameter(i + 1, end)?),
                Button::QuickReply(payload) => {
                    let payload = format!("{payload}:{}", self.key);
                    ("quick_reply", Parameter::Payload { payload })
                }
            };
            components.push(Component::Button {
                sub_type,
                index: i.to_string(),
                parameters: vec![parameter],
            });
        }
        Ok(components)
    }
}

impl Header {
    fn parameter(&self) -> Result<Parameter<'_>, WhatsAppError> {
        Ok(match self {
            Self::Text(text) => text_parameter(1, text)?,
            Self::Image(media) => Parameter::Image {
                image: media.file(None)?,
            },
            Self::Document { media, filename } => Parameter::Document {
                document: media.file(filename.as_deref())?,
            },
        })
    }
}

impl Media {
    fn file<'r>(&'r self, filename: Option<&'r str>) -> Result<File<'r>, WhatsAppError> {
        let (link, id) = match self {
            Self::Link(link) if is_link(link) => (Some(link.as_str()), None),
            Self::Id(id) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => {
                (None, Some(id.as_str()))
            }
            Self::Link(wrong) | Self::Id(wrong) => {
                return Err(WhatsAppError::Media(wrong.clone()));
            }
        };
        Ok(File { link, id, filename })
    }
}

fn is_link(link: &str) -> bool {
    let rest = link.strip_prefix("https://").unwrap_or_default();
    !rest.is_empty() && link.len() <= LINK_LIMIT && rest.chars().all(|c| c.is_ascii_graphic())
}

fn text_parameter(index: usize, text: &str) -> Result<Parameter<'_>, WhatsAppError> {
    let bad = text.trim().is_empty()
        || text.chars().count() > PARAMETER_LIMIT
        || text.contains(char::is_control)
        || text.contains("     ");
    if bad {
        return Err(WhatsAppError::Parameter {
            index,
            value: text.to_owned(),
        });
    }
    Ok(Parameter::Text { text })
}

/// The digits of an E.164 number, without its plus: that is how the API takes it.
fn digits(phone: &str) -> Result<&str, WhatsAppError> {
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let good = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !good || digits.starts_with('0') {
        return Err(WhatsAppError::Phone(phone.to_owned()));
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> WhatsAppRequest {
        WhatsAppRequest {
            key: "01JDQ7Z9K3".to_owned(),
            to: "+77011234567".to_owned(),
            template: "winback_v1".to_owned(),
            language: "ru".to_owned(),
            header: None,
            parameters: vec!["Анна".to_owned(), "20 %".to_owned()],
            buttons: vec![
                Button::Url("t/9fK2".to_owned()),
                Button::QuickReply("stop".to_owned()),
            ],
        }
    }

    #[test]
    fn the_request_is_the_one_that_the_api_documents() {
        let body: serde_json::Value = serde_json::from_slice(&request().body().unwrap()).unwrap();
        let documented = serde_json::json!({
            "messaging_product": "whatsapp", "recipient_type": "individual",
            "to": "77011234567", "type": "template",
            "template": { "name": "winback_v1", "language": { "code": "ru" }, "components": [
                { "type": "body", "parameters": [
                    { "type": "text", "text": "Анна" }, { "type": "text", "text": "20 %" } ] },
                { "type": "button", "sub_type": "url", "index": "0",
                  "parameters": [ { "type": "text", "text": "t/9fK2" } ] },
                { "type": "button", "sub_type": "quick_reply", "index": "1",
                  "parameters": [ { "type": "payload", "payload": "stop:01JDQ7Z9K3" } ] } ] },
            "biz_opaque_callback_data": "m:01JDQ7Z9K3" });
        assert_eq!(body, documented);
        assert_eq!(request().body(), request().body());
    }

    #[test]
    fn a_header_stands_first_as_the_api_documents_it() {
        let link = "https://cdn.example.org/c.png".to_owned();
        for (header, documented) in [
            (
                Header::Image(Media::Link(link.clone())),
                serde_json::json!({ "type": "image", "image": { "link": link } }),
            ),
            (
                Header::Document {
                    media: Media::Id("1234".to_owned()),
                    filename: Some("certificate.pdf".to_owned()),
                },
                serde_json::json!({ "type": "document",
                    "document": { "id": "1234", "filename": "certificate.pdf" } }),
            ),
            (
                Header::Text("Анна".to_owned()),
                serde_json::json!({ "type": "text", "text": "Анна" }),
            ),
        ] {
            let request = WhatsAppRequest {
                header: Some(header),
                ..request()
            };
            let body: serde_json::Value = serde_json::from_slice(&request.body().unwrap()).unwrap();
            let components = &body["template"]["components"];
            assert_eq!(
                components[0],
                serde_json::json!({ "type": "header", "parameters": [documented] })
            );
            assert_eq!(components[1]["type"], "body");
        }
    }

    #[test]
    fn a_file_that_whatsapp_could_not_fetch_is_turned_away() {
        for media in [
            Media::Link("http://example.org/c.png".to_owned()),
            Media::Link("https://".to_owned()),
            Media::Link("https://example.org/a b".to_owned()),
            Media::Id(String::new()),
            Media::Id("c.png".to_owned()),
        ] {
            let request = WhatsAppRequest {
                header: Some(Header::Image(media)),
                ..request()
            };
            assert!(matches!(request.body(), Err(WhatsAppError::Media(_))));
        }
    }

    #[test]
    fn a_template_without_parameters_has_no_components() {
        let bare = WhatsAppRequest {
            parameters: Vec::new(),
            buttons: Vec::new(),
            ..request()
        };
        let body = String::from_utf8(bare.body().unwrap()).unwrap();
        assert!(!body.contains("components"));
    }

    #[test]
    fn what_meta_would_turn_away_is_turned_away_here() {
        for to in [
            "",
            "77011234567",
            "+7 701 123",
            "+0701123456",
            "+12",
            "+1234567890123456",
        ] {
            let request = WhatsAppRequest {
                to: to.to_owned(),
                ..request()
            };
            assert_eq!(request.body(), Err(WhatsAppError::Phone(to.to_owned())));
        }
        let long = "x".repeat(PARAMETER_LIMIT + 1);
        for value in ["", " ", "a\nb", "a\tb", "a     b", &long] {
            let request = WhatsAppRequest {
                parameters: vec!["ok".to_owned(), value.to_owned()],
                ..request()
            };
            let error = request.body().unwrap_err();
            assert!(
                matches!(error, WhatsAppError::Parameter { index: 2, .. }),
                "{value:?}"
            );
        }
    }
}

//! Asking the account about itself: whether the token is good, and which templates are approved.

use serde::Deserialize;

use super::Api;

/// The most templates that are asked for; an account has a few dozen.
const MOST: &str = "250";

/// A template as the account knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name.
    pub name: String,
    /// Its language, in Meta's words.
    pub language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED` ...
    pub status: String,
    /// How many parameters its body has.
    pub parameters: usize,
}

#[derive(Deserialize)]
struct Number {
    display_phone_number: Option<String>,
    verified_name: Option<String>,
}

#[derive(Deserialize)]
struct List {
    data: Vec<Template>,
}

#[derive(Deserialize)]
struct Template {
    name: String,
    language: String,
    status: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    r#type: String,
    text: Option<String>,
}

impl Api {
    /// Who sends, as clients see it. Fails when the token or the number is wrong.
    pub async fn sender(&self) -> Result<String, String> {
        let mut url = self.number_url();
        url.query_pairs_mut()
            .append_pair("fields", "display_phone_number,verified_name");
        let body = self.ask(url).await?;
        let number: Number = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let known = [number.verified_name, number.display_phone_number];
        let known: Vec<String> = known.into_iter().flatten().collect();
        Ok(known.join(", "))
    }

    /// The templates of a business account.
    pub async fn registered(&self, account: &str) -> Result<Vec<Registered>, String> {
        let mut url = self.number_url();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop().push(account).push("message_templates");
        }
        url.query_pairs_mut()
            .append_pair("fields", "name,language,status,components")
            .append_pair("limit", MOST);
        let body = self.ask(url).await?;
        let list: List = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let templates = list.data.into_iter().map(|template| Registered {
            parameters: parameters(&template.components),
            name: template.name,
            language: template.language,
            status: template.status,
        });
        Ok(templates.collect())
    }
}

/// How many `{{1}}`, `{{2}}` ... a body has.
fn parameters(components: &[Component]) -> usize {
    let mut bodies = components
        .iter()
        .filter(|component| component.r#type.eq_ignore_ascii_case("body"));
    let text = bodies.next().and_then(|body| body.text.as_deref());
    text.map_or(0, |text| text.matches("{{").count())
}

//! The pages of the company's own people: markup in `templates/staff/`, and what it says in two
//! languages beside it.
//!
//! They are a part of the program and not of a company's templates: each is made for one handler of
//! `web`. The words for money, dates and links are those of letters. Everything is escaped; a value
//! that a page asks for and does not get is an error, never a hole.

use std::collections::BTreeMap;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderErrorReason, ScopedJson,
};
use rust_embed::RustEmbed;
use serde::Serialize;

use super::words;
use crate::model::Locale;
use crate::rules::wording::{self, PluralForm};

/// The style of all pages; the colour of the company is added by whoever serves it.
pub const STAFF_STYLE: &str = include_str!("../../templates/staff/staff.css");

const WORDS_RU: &str = include_str!("../../templates/staff/words.ru.toml");
const WORDS_EN: &str = include_str!("../../templates/staff/words.en.toml");

#[derive(RustEmbed)]
#[folder = "templates/staff/"]
struct Files;

/// How the file of a page ends.
const END: &str = ".html.hbs";

/// Why a page could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StaffPageError(String);

/// Every page, parsed, in every language.
#[derive(Debug)]
pub struct StaffPages {
    by_locale: BTreeMap<Locale, (Handlebars<'static>, Words)>,
}

type Words = BTreeMap<String, String>;

impl StaffPages {
    /// Parses the pages.
    ///
    /// # Errors
    ///
    /// A page or a list of words is broken: this build is of no use.
    pub fn load() -> Result<Self, StaffPageError> {
        let mut by_locale = BTreeMap::new();
        for (locale, text) in [(Locale::Ru, WORDS_RU), (Locale::En, WORDS_EN)] {
            let said: Words = toml::from_str(text).map_err(|e| StaffPageError(e.to_string()))?;
            by_locale.insert(locale, (registry(locale, &said)?, said));
        }
        Ok(Self { by_locale })
    }

    /// Makes a page.
    ///
    /// # Errors
    ///
    /// There is no such page, or it asks for a value that is not there.
    pub fn page(
        &self,
        name: &str,
        locale: Locale,
        values: &impl Serialize,
    ) -> Result<String, StaffPageError> {
        let (registry, _) = self.of(locale)?;
        let page = registry.render(name, values);
        page.map_err(|error| StaffPageError(error.to_string()))
    }

    /// What is said under a key; the key itself where nothing is.
    pub fn word(&self, locale: Locale, key: &str) -> String {
        let said = self.of(locale).ok().and_then(|(_, said)| said.get(key));
        said.map_or_else(|| key.to_owned(), String::clone)
    }

    fn of(&self, locale: Locale) -> Result<&(Handlebars<'static>, Words), StaffPageError> {
        let of = self.by_locale.get(&locale);
        of.ok_or_else(|| StaffPageError(format!("no pages in {}", locale.code())))
    }
}

fn registry(locale: Locale, said: &Words) -> Result<Handlebars<'static>, StaffPageError> {
    let broken = |error: &dyn std::fmt::Display| StaffPageError(error.to_string());
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    words::teach(&mut registry, locale, Some(&[]));
    let say = Say {
        locale,
        said: said.clone(),
    };
    registry.register_helper("t", Box::new(say));
    for file in Files::iter() {
        let (Some(name), Some(page)) = (file.strip_suffix(END), Files::get(&file)) else {
            continue;
        };
        let text = std::str::from_utf8(&page.data).map_err(|error| broken(&error))?;
        let parsed = registry.register_template_string(name, text);
        parsed.map_err(|error| broken(&error))?;
    }
    Ok(registry)
}

/// `{{t "key" name=value}}`: what is said under a key, `{name}` filled in. `{{t "outcome." kind}}`
/// joins the parts of a key; what is not said is shown as its last part. Where forms stand beside
/// each other, `{n} task|{n} tasks`, the value `n` chooses one.
struct Say {
    locale: Locale,
    said: Words,
}

impl Say {
    /// The form that goes with a number: one, few and many in Russian, one and many in English.
    fn form<'s>(&self, said: &'s str, n: Option<&serde_json::Value>) -> &'s str {
        let forms: Vec<&str> = said.split('|').collect();
        let n = n.and_then(serde_json::Value::as_u64).unwrap_or_default();
        let form = match (wording::plural(self.locale, n), self.locale) {
            (PluralForm::One, _) => 0,
            (PluralForm::Few, _) | (PluralForm::Many, Locale::En) => 1,
            (PluralForm::Many, Locale::Ru) => 2,
        };
        forms.get(form).or(forms.last()).copied().unwrap_or(said)
    }
}

impl HelperDef for Say {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, handlebars::RenderError> {
        let parts: Vec<String> = helper
            .params()
            .iter()
            .map(|one| text(one.value()))
            .collect();
        let key = parts.concat();
        let Some(said) = self.said.get(&key) else {
            return match &parts[..] {
                [_, .., last] => Ok(ScopedJson::Derived(last.clone().into())),
                _ => Err(RenderErrorReason::Other(format!("nothing is said under {key}")).into()),
            };
        };
        let n = helper.hash_get("n").map(handlebars::PathAndJson::value);
        let mut said = self.form(said, n).to_owned();
        for (name, value) in helper.hash() {
            said = said.replace(&format!("{{{name}}}"), &text(value.value()));
        }
        Ok(ScopedJson::Derived(said.into()))
    }
}

fn text(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn said(text: &str) -> Words {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn everything_is_said_in_both_languages_and_nothing_for_nobody() {
        let (ru, en) = (said(WORDS_RU), said(WORDS_EN));
        let keys = |words: &Words| words.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&ru), keys(&en));
        for (key, text) in &ru {
            let places = |text: &str| {
                let parts = text.split('{').skip(1);
                let names = parts.filter_map(|part| Some(part.split_once('}')?.0.to_owned()));
                names.collect::<BTreeSet<_>>()
            };
            assert_eq!(places(text), places(&en[key]), "{key}");
        }
    }

    #[test]
    fn every_key_that_a_page_names_is_said() {
        let ru = said(WORDS_RU);
        for file in Files::iter().filter(|file| file.ends_with(END)) {
            let page = Files::get(&file).unwrap();
            let text = std::str::from_utf8(&page.data).unwrap();
            for part in text.split("t \"").skip(1) {
                let key = part.split('"').next().unwrap();
                let joined = key.ends_with('.');
                let known = ru
                    .keys()
                    .any(|one| one == key || joined && one.starts_with(key));
                assert!(known, "{file}: {key}");
            }
            assert!(!text.contains("{{{") && !text.contains("<script"), "{file}");
            let markup = text.split("{{").map(|piece| {
                let beside = piece.split_once("}}");
                beside.map_or(piece, |(_, markup)| markup)
            });
            assert!(
                !markup.collect::<String>().contains("style=\""),
                "{file}: the policy allows no inline styles"
            );
        }
    }

    #[test]
    fn what_is_said_is_filled_and_escaped() {
        let mut registry = Handlebars::new();
        let said =
            said("\"a.b\" = \"to {who}!\"\n\"c.d\" = \"D\"\n\"e\" = \"{n} a|{n} b|{n} c\"\n");
        let locale = Locale::Ru;
        registry.register_helper("t", Box::new(Say { locale, said }));
        let made = |page: &str| {
            registry.render_template(page, &serde_json::json!({ "x": "<b>", "k": "d", "n": 3 }))
        };
        assert_eq!(made("{{t \"a.b\" who=x}}").unwrap(), "to &lt;b&gt;!");
        assert_eq!(made("{{t \"a.b\" who=n}}").unwrap(), "to 3!");
        assert_eq!(
            made("{{t \"c.\" k}} {{t \"c.\" x}}").unwrap(),
            "D &lt;b&gt;"
        );
        assert_eq!(made("{{t \"e\" n=n}}").unwrap(), "3 b");
        assert!(made("{{t \"nothing\"}}").is_err());
    }
}

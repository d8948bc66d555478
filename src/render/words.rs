//! The words that templates can use: money, dates, plurals, names, links.
//!
//! Each word knows what it takes, so that `check` can tell a wrong option from a right one before
//! anything is rendered. A value of the wrong kind is an error with the place, never an empty
//! space in a letter. The knowledge of each language is in `rules::wording`.

use std::ops::RangeInclusive;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason,
    ScopedJson, html_escape,
};
use serde_json::Value;

use super::colour::Colour;
use super::fit;
use super::given::Given;
use super::links;
use super::markdown;
use crate::model::{Day, Locale};
use crate::rules::wording::{self, DateStyle, PluralForm};

/// One word: its name, what it takes, and what it makes of it.
pub(super) struct Word {
    pub(super) name: &'static str,
    /// How many values it takes.
    pub(super) values: RangeInclusive<usize>,
    /// The named options it takes.
    pub(super) options: &'static [&'static str],
    /// How it is written, for messages.
    pub(super) example: &'static str,
    say: fn(Locale, &Given<'_, '_>) -> Result<Value, String>,
}

/// Every word of our own.
pub(super) static WORDS: [Word; 20] = [
    word(
        "money",
        1..=1,
        &["whole"],
        "{{money rhythm.average_receipt}}",
        money,
    ),
    word(
        "date",
        1..=1,
        &["style"],
        "{{date certificate.valid_until style=\"day\"}}",
        date,
    ),
    word(
        "plural",
        3..=4,
        &[],
        "{{plural n \"день\" \"дня\" \"дней\"}}",
        plural,
    ),
    word(
        "days",
        1..=1,
        &["about"],
        "{{days rhythm.days_silent}}",
        days,
    ),
    word(
        "every",
        1..=1,
        &[],
        "{{every rhythm.usual_gap_days}}",
        every,
    ),
    word("percent", 1..=1, &[], "{{percent 0.1}}", percent),
    word(
        "discount",
        1..=1,
        &[],
        "{{discount certificate.discount}}",
        discount,
    ),
    word(
        "list",
        1..=1,
        &["max"],
        "{{list rhythm.usual_items max=3}}",
        list,
    ),
    word(
        "greeting",
        1..=1,
        &[],
        "{{greeting client.address_as}}",
        greeting,
    ),
    word(
        "default",
        2..=2,
        &[],
        "{{default client.company \"…\"}}",
        default,
    ),
    word("url", 1..=1, &[], "{{url links.site}}", url),
    word("tel", 1..=1, &[], "{{tel manager.phone}}", tel),
    word("phone", 1..=1, &[], "{{phone manager.phone}}", phone),
    word(
        "mailto",
        1..=1,
        &["subject"],
        "{{mailto manager.email}}",
        mailto,
    ),
    word(
        "readable_on",
        1..=1,
        &[],
        "{{readable_on company.accent}}",
        readable_on,
    ),
    word(
        "fit",
        1..=1,
        &["size", "width"],
        "{{fit company.name size=27 width=690}}",
        fit::fit,
    ),
    word("first", 1..=1, &[], "{{first rhythm.usual_items}}", first),
    word("capital", 1..=1, &[], "{{capital campaign}}", capital),
    word("sentence", 1..=1, &[], "{{sentence why}}", sentence),
    word(
        "attribute",
        1..=1,
        &[],
        "{{attribute \"bonus\"}}",
        attribute,
    ),
];

/// The words that Handlebars itself has and that templates may use, with how many values each
/// takes. `log` is not among them: it would write clients' data into the log.
pub(super) const BUILT_IN: [(&str, RangeInclusive<usize>); 15] = [
    ("if", 1..=1),
    ("unless", 1..=1),
    ("each", 1..=1),
    ("with", 1..=1),
    ("lookup", 2..=2),
    ("eq", 2..=2),
    ("ne", 2..=2),
    ("gt", 2..=2),
    ("gte", 2..=2),
    ("lt", 2..=2),
    ("lte", 2..=2),
    ("and", 1..=usize::MAX),
    ("or", 1..=usize::MAX),
    ("not", 1..=1),
    ("len", 1..=1),
];

/// The words that look at more than what they are given: at the facts of the client, at the day.
pub(super) const LOOK_AROUND: [&str; 2] = ["attribute", "date"];

/// The words that write paragraphs; they stand apart because they make tags of their own.
pub(super) const PARAGRAPHS: &str = "paragraphs";
const MARKDOWN: &str = "markdown";

const fn word(
    name: &'static str,
    values: RangeInclusive<usize>,
    options: &'static [&'static str],
    example: &'static str,
    say: fn(Locale, &Given<'_, '_>) -> Result<Value, String>,
) -> Word {
    Word {
        name,
        values,
        options,
        example,
        say,
    }
}

/// The name of every word.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let own = WORDS.iter().map(|word| word.name);
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    own.chain(built_in).chain([PARAGRAPHS, MARKDOWN])
}

/// How many values a word takes; `None` when there is no such word.
pub(super) fn takes(name: &str) -> Option<RangeInclusive<usize>> {
    if name == PARAGRAPHS || name == MARKDOWN {
        return Some(1..=1);
    }
    let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
    let own = WORDS.iter().find(|word| word.name == name);
    own.map(|word| word.values.clone())
        .or_else(|| built_in.map(|(_, values)| values.clone()))
}

/// Teaches the words of `locale` to a registry: one of texts, or one of HTML with the opening tags
/// of its elements.
pub(super) fn teach(
    registry: &mut Handlebars<'static>,
    locale: Locale,
    html: Option<&markdown::Elements>,
) {
    for word in &WORDS {
        registry.register_helper(word.name, Box::new(Spoken { word, locale }));
    }
    let elements = html.map(<[_]>::to_vec);
    for (name, marked) in [(PARAGRAPHS, false), (MARKDOWN, true)] {
        let elements = elements.clone();
        registry.register_helper(name, Box::new(Paragraphs { elements, marked }));
    }
    registry.unregister_helper("log");
    registry.unregister_helper("raw");
}

/// A word in one language.
struct Spoken {
    word: &'static Word,
    locale: Locale,
}

impl HelperDef for Spoken {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, handlebars::RenderError> {
        match (self.word.say)(self.locale, &Given(helper, context)) {
            Ok(value) => Ok(ScopedJson::Derived(value)),
            Err(what) => {
                let Word { name, example, .. } = self.word;
                let message = format!("`{name}`: {what}; it is written {example}");
                Err(RenderErrorReason::Other(message).into())
            }
        }
    }
}

/// Writes a text of several paragraphs: as `<p>` in HTML, with empty lines between in text.
struct Paragraphs {
    /// The opening tags of elements; nothing for text.
    elements: Option<Vec<(&'static str, String)>>,
    /// Whether the text is Markdown.
    marked: bool,
}

impl HelperDef for Paragraphs {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let given = Given(helper, context);
        let text = given.text(0).map_err(|what| {
            let name = if self.marked { MARKDOWN } else { PARAGRAPHS };
            let message = format!("`{name}`: {what}; it is written {{{{{name} text}}}}");
            RenderErrorReason::Other(message)
        })?;
        if self.marked {
            out.write(&match &self.elements {
                Some(elements) => markdown::html(text, elements),
                None => markdown::plain(text),
            })?;
            return Ok(());
        }
        let paragraph_tag = self.elements.as_ref().map(|elements| {
            let styled = elements.iter().find(|(name, _)| *name == "p");
            styled.map_or("<p", |(_, tag)| tag.as_str())
        });
        let paragraphs = text.split("\n\n").map(str::trim).filter(|p| !p.is_empty());
        for (i, paragraph) in paragraphs.enumerate() {
            if let Some(tag) = paragraph_tag {
                let escaped = html_escape(paragraph).replace('\n', "<br>");
                out.write(tag)?;
                out.write(">")?;
                out.write(&escaped)?;
                out.write("</p>")?;
            } else {
                out.write(if i == 0 { "" } else { "\n\n" })?;
                out.write(paragraph)?;
            }
        }
        Ok(())
    }
}

fn money(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let amount = given.amount(0)?;
    Ok(if given.switch("whole")? {
        wording::money_whole(locale, amount).into()
    } else {
        wording::money(locale, amount).into()
    })
}

fn date(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let day: Day = given
        .text(0)?
        .parse()
        .map_err(|error: crate::model::DayError| error.to_string())?;
    let style = match given.option("style").map(|style| style.as_str()) {
        None | Some(Some("long")) => DateStyle::Long,
        Some(Some("day")) => given.today().map_or(DateStyle::DayMonth, |today| {
            DateStyle::seen_from(day, today)
        }),
        Some(Some("short")) => DateStyle::Short,
        Some(Some("weekday")) => DateStyle::Weekday,
        Some(_) => return Err("`style` is one of long, day, short, weekday".to_owned()),
    };
    Ok(wording::date(locale, day, style).into())
}

fn plural(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let n = given.count(0)?;
    let forms = (1..given.0.params().len())
        .map(|at| given.text(at))
        .collect::<Result<Vec<_>, _>>()?;
    match (locale, &forms[..], wording::plural(locale, u64::from(n))) {
        (Locale::Ru, [one, _, _], PluralForm::One) | (Locale::En, [one, _], PluralForm::One) => {
            Ok((*one).into())
        }
        (Locale::Ru, [_, few, _], PluralForm::Few) => Ok((*few).into()),
        (Locale::Ru, [_, _, many], _) | (Locale::En, [_, many], _) => Ok((*many).into()),
        (Locale::Ru, ..) => Err("Russian has three forms: день, дня, дней".to_owned()),
        (Locale::En, ..) => Err("English has two forms: day, days".to_owned()),
    }
}

fn days(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let days = given.count(0)?;
    Ok(if given.switch("about")? {
        wording::days_about(locale, days).into()
    } else {
        wording::days(locale, days).into()
    })
}

fn every(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    Ok(wording::every(locale, given.count(0)?).into())
}

fn percent(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    Ok(wording::percent(locale, given.number(0)?).into())
}

/// A discount as configuration writes it: `10%` or `500 RUB`.
fn discount(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let text = given.text(0)?;
    if let Some(number) = text.trim().strip_suffix('%') {
        let share: f64 = number
            .trim()
            .parse()
            .map_err(|_| format!("\"{text}\" is neither a share such as 10% nor an amount"))?;
        return Ok(wording::percent(locale, share / 100.0).into());
    }
    Ok(wording::money(locale, given.amount(0)?).into())
}

fn list(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let items = given.texts(0)?;
    let most = match given.option("max") {
        None => items.len(),
        Some(max) => max
            .as_u64()
            .filter(|max| *max > 0)
            .and_then(|max| usize::try_from(max).ok())
            .ok_or("`max` is a whole number from 1")?,
    };
    let shown = &items[..items.len().min(most)];
    Ok(wording::list(locale, shown).into())
}

fn greeting(locale: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let name = match given.value(0) {
        None => None,
        Some(_) => Some(given.text(0)?),
    };
    Ok(wording::greeting(locale, name).into())
}

fn default(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let first = given.value(0).filter(|value| value.as_str() != Some(""));
    match first {
        Some(value) => Ok(value.clone()),
        None => Ok(given.present(1)?.clone()),
    }
}

fn url(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    links::safe(given.text(0)?).map(Value::from)
}

fn tel(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    links::tel(given.text(0)?).map(Value::from)
}

fn phone(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    Ok(wording::phone(given.text(0)?).into())
}

fn mailto(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let subject = match given.option("subject") {
        None => None,
        Some(Value::String(subject)) => Some(subject.as_str()),
        Some(_) => return Err("`subject` is text".to_owned()),
    };
    links::mailto(given.text(0)?, subject).map(Value::from)
}

fn readable_on(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let colour: Colour = given
        .text(0)?
        .parse()
        .map_err(|error: super::colour::ColourError| error.to_string())?;
    Ok(colour.readable_on().into())
}

fn first(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let items = given.texts(0)?;
    items
        .first()
        .map(|item| Value::from(*item))
        .ok_or_else(|| "the list is empty".to_owned())
}

fn capital(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    Ok(wording::capitalised(given.text(0)?).into())
}

/// A further column of the client; nothing where he has none.
fn attribute(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let name = given.text(0)?;
    let attributes = given.1.data().pointer("/client/attributes");
    let value = attributes.and_then(|attributes| attributes.get(name));
    Ok(value.cloned().unwrap_or_default())
}

fn sentence(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    Ok(wording::sentence(given.text(0)?).into())
}

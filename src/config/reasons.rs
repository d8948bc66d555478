//! `[[reason]]`: the dictionary of rejections.
//!
//! Sales write the same "no" in many words. The dictionary gathers them under one id, says when it
//! is worth asking again, and lets a piece of news name the reasons that it answers. A ready one is
//! built in (`reasons.toml` beside this file); entries of the settings add to it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::values::Days;
use crate::model::Locale;

/// One reason for which clients say no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Names the reason for ever; campaigns and news use it.
    #[schemars(extend("format" = "slug", "pattern" = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub id: String,
    /// What people read, by language: `title = { ru = "дорого", en = "too expensive" }`.
    #[serde(default)]
    pub title: BTreeMap<String, String>,
    /// The words that mean it, in exports and in the notes of managers.
    #[serde(default)]
    pub words: Vec<String>,
    /// How long after the rejection it is worth asking again; the campaign says when absent.
    #[serde(default)]
    pub back: Option<Days>,
    /// Nobody asks again.
    #[serde(default)]
    pub never: bool,
}

impl Reason {
    /// What people read in a language; the id where nobody has said it.
    pub fn title(&self, locale: Locale) -> &str {
        let own = self.title.get(locale.code());
        let any = own.or_else(|| self.title.values().next());
        any.map_or(&self.id, String::as_str)
    }
}

/// The dictionary: what the settings write, over what is built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Reason>", into = "Vec<Reason>")]
pub struct Reasons {
    written: Vec<Reason>,
    all: Vec<Reason>,
    /// The place in `all` of every word, in the form that [`plain`] makes.
    words: HashMap<String, usize>,
}

impl Default for Reasons {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Reasons> for Vec<Reason> {
    fn from(reasons: Reasons) -> Self {
        reasons.written
    }
}

impl From<Vec<Reason>> for Reasons {
    fn from(written: Vec<Reason>) -> Self {
        let mut all: Vec<Reason> = BUILT_IN.clone();
        for one in &written {
            match all.iter_mut().find(|known| known.id == one.id) {
                Some(known) => {
                    known.title.extend(one.title.clone());
                    known.words.extend(one.words.iter().cloned());
                    known.back = one.back.or(known.back);
                    known.never = one.never;
                }
                None => all.push(one.clone()),
            }
        }
        let mut words = HashMap::new();
        // A word of the company's own wins over the same word that is built in.
        let own = all.iter().enumerate().flat_map(|(place, reason)| {
            let entry = written.iter().filter(|one| one.id == reason.id);
            entry.flat_map(move |one| one.words.iter().map(move |word| (plain(word), place)))
        });
        let known = all.iter().enumerate().flat_map(|(place, reason)| {
            let names = reason.title.values().chain([&reason.id]);
            let words = reason.words.iter().chain(names);
            words.map(move |word| (plain(word), place))
        });
        for (word, place) in own.chain(known) {
            words.entry(word).or_insert(place);
        }
        Self {
            written,
            all,
            words,
        }
    }
}

impl JsonSchema for Reasons {
    fn schema_name() -> Cow<'static, str> {
        "reasons".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Reason>::json_schema(generator)
    }
}

impl Reasons {
    /// Every reason, the built-in ones first.
    pub fn all(&self) -> &[Reason] {
        &self.all
    }

    /// The reason of an id.
    pub fn get(&self, id: &str) -> Option<&Reason> {
        self.all.iter().find(|reason| reason.id == id)
    }

    /// The reason that a text means: one of its words, or the longest word that stands inside it.
    pub fn meant(&self, text: &str) -> Option<&Reason> {
        let text = plain(text);
        let place = self.words.get(&text).copied().or_else(|| {
            let within = self.words.iter().filter(|(word, _)| stands_in(&text, word));
            // The same length twice: the order of the words decides, never that of the table.
            let longest = within.max_by_key(|(word, _)| (word.len(), std::cmp::Reverse(*word)));
            longest.map(|(_, place)| *place)
        });
        place.map(|place| &self.all[place])
    }

    /// Whether two texts mean the same reason; what the dictionary does not know is compared as it is
    /// written.
    pub fn same(&self, a: &str, b: &str) -> bool {
        match (self.meant(a), self.meant(b)) {
            (Some(a), Some(b)) => a.id == b.id,
            (None, None) => plain(a) == plain(b),
            _ => false,
        }
    }

    /// What reports call a reason: the id of the dictionary, else the text; `""` where none is named.
    pub fn name(&self, text: &str) -> String {
        self.meant(text)
            .map_or_else(|| plain(text), |reason| reason.id.clone())
    }
}

/// The form in which reasons are compared: lower case, `ё` as `е`, words with one space in between.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'ё' | 'Ё' => plain.push('е'),
            c if c.is_alphanumeric() => plain.extend(c.to_lowercase()),
            _ if plain.ends_with(' ') => {}
            _ => plain.push(' '),
        }
    }
    plain.trim().to_owned()
}

/// Whether `word` stands in `text` as whole words.
fn stands_in(text: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c == ' ');
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
        })
}

/// The file of the ready dictionary.
#[derive(Deserialize)]
struct Ready {
    reason: Vec<Reason>,
}

static BUILT_IN: LazyLock<Vec<Reason>> = LazyLock::new(|| {
    let ready: Ready = toml::from_str(include_str!("reasons.toml"))
        .expect("the ready dictionary is part of the program and a test reads it");
    ready.reason
});

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Option<String> {
        Reasons::default().meant(text).map(|one| one.id.clone())
    }

    #[test]
    fn the_words_of_real_exports_are_understood() {
        for (text, id) in [
            ("дорого", "price"),
            ("Слишком дорого!", "price"),
            ("Клиенту дорого, просил скидку", "price"),
            ("НЕ УСТРОИЛА ЦЕНА", "price"),
            ("Нет денег", "no-budget"),
            ("Выбрали других", "competitor"),
            ("Пропала потребность", "no-need"),
            ("не подошёл товар", "product"),
            ("Not enough stock", "out-of-stock"),
            ("недозвон", "no-contact"),
            ("price", "price"),
        ] {
            assert_eq!(meant(text).as_deref(), Some(id), "{text}");
        }
        assert_eq!(meant("ретроградный Меркурий"), None);
        // «нецелевой» is no «целевой», and «недорого» is no «дорого».
        assert_eq!(meant("недорого"), None);
        assert_eq!(meant(""), None);
    }

    #[test]
    fn no_word_stands_under_two_reasons_of_the_ready_dictionary() {
        let mut seen: HashMap<String, String> = HashMap::new();
        for reason in Reasons::default().all() {
            for word in &reason.words {
                let before = seen.insert(plain(word), reason.id.clone());
                assert_eq!(before, None, "{word} of {}", reason.id);
            }
            assert!(reason.never || reason.back.is_some(), "{}", reason.id);
        }
    }

    #[test]
    fn the_company_adds_words_and_changes_what_follows() {
        let reasons: Vec<Reason> = toml::from_str::<Written>(
            "[[reason]]\nid = \"price\"\nwords = [\"кусается\", \"бюджет\"]\nback = \"10d\"\n\
             [[reason]]\nid = \"mercury\"\nwords = [\"меркурий\"]\nnever = true\n",
        )
        .unwrap()
        .reason;
        let reasons = Reasons::from(reasons);
        let price = reasons.meant("Кусается").unwrap();
        assert_eq!((price.id.as_str(), price.back), ("price", Some(Days(10))));
        assert_eq!(reasons.meant("дорого").unwrap().back, Some(Days(10)));
        assert_eq!(reasons.meant("бюджет").unwrap().id, "price");
        assert!(reasons.meant("Ретроградный Меркурий").unwrap().never);
        assert!(reasons.same("дорого", "price") && !reasons.same("дорого", "меркурий"));
        assert!(reasons.same("Сосед  против", "сосед против"));
        assert_eq!(reasons.name("Сосед  против"), "сосед против");
    }

    #[derive(Deserialize)]
    struct Written {
        reason: Vec<Reason>,
    }
}

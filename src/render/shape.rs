//! Follows every variable, word and partial of a template through the shape of its context.
//!
//! Strict mode sees only what is rendered, and a typo inside an `{{#if}}` that is false today
//! would wait for the one client for whom it is true. So the parsed template is walked through
//! both branches of everything, against a complete example of its values. Nothing is rendered
//! here.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use handlebars::Template;
use handlebars::template::{
    BlockParam, DecoratorTemplate, HelperTemplate, Parameter, TemplateElement,
};
use serde_json::Value;

use super::piece::Piece;
use super::problem::{TemplateProblem, most_similar};
use super::scan::{Finding, attribute_at, offset_of};
use super::scope::{Path, Scope, Shape, follow, item_of, merged, suggestion};
use super::source::Format;
use super::styles::COLOURS;
use super::words::{self, BUILT_IN, WORDS, takes};

/// One walk through a letter and everything it includes.
pub(super) struct Walk<'a> {
    partials: &'a BTreeMap<String, Piece>,
    /// What is wrong, without repetitions.
    pub(super) problems: BTreeSet<TemplateProblem>,
    /// The partials that are included, directly or not.
    pub(super) partials_used: BTreeSet<String>,
    /// The variables that are mentioned.
    pub(super) variables: BTreeSet<String>,
    /// The partials that are being walked, outermost first.
    inside: Vec<String>,
}

/// Where the walk stands: in which text, at which offset.
#[derive(Clone, Copy)]
struct At<'a> {
    piece: &'a Piece,
    offset: usize,
}

impl<'a> Walk<'a> {
    /// Starts a walk that may include `partials`.
    pub(super) fn new(partials: &'a BTreeMap<String, Piece>) -> Self {
        Self {
            partials,
            problems: BTreeSet::new(),
            partials_used: BTreeSet::new(),
            variables: BTreeSet::new(),
            inside: Vec::new(),
        }
    }

    /// Walks one text whose variables are those of `example`.
    pub(super) fn walk(&mut self, piece: &'a Piece, example: &Value) {
        let root = Scope {
            value: Some(Rc::new(example.clone())),
            ..Scope::default()
        };
        self.template(&piece.template, At { piece, offset: 0 }, &[root]);
    }

    fn report(&mut self, at: At<'_>, needle: &str, what: impl Into<String>, hint: Option<String>) {
        let offset = locate(&at.piece.excerpt.text, at.offset, needle);
        let finding = Finding {
            at: offset,
            what: what.into(),
            hint,
        };
        self.problems.insert(at.piece.excerpt.problem(finding));
    }

    fn template(&mut self, template: &'a Template, at: At<'a>, scopes: &[Scope]) {
        let text = &at.piece.excerpt.text;
        for (i, element) in template.elements.iter().enumerate() {
            let offset = template
                .mapping
                .get(i)
                .map_or(at.offset, |place| offset_of(text, place.0, place.1));
            let at = At { offset, ..at };
            match element {
                TemplateElement::Expression(call) => {
                    self.expression(call, at, scopes);
                    self.attribute(call, at);
                }
                TemplateElement::HtmlExpression(call) => {
                    self.expression(call, at, scopes);
                }
                TemplateElement::HelperBlock(block) => self.block(block, at, scopes),
                TemplateElement::PartialExpression(partial) => self.partial(partial, at, scopes),
                // `scan` has turned away decorators and partial blocks.
                _ => {}
            }
        }
    }

    fn expression(&mut self, call: &'a HelperTemplate, at: At<'a>, scopes: &[Scope]) -> Shape {
        let Some(name) = call.name.as_name() else {
            let hint = Some("write it without the round brackets".to_owned());
            self.report(at, "(", "brackets around a whole expression", hint);
            return None;
        };
        let is_call = !call.params.is_empty() || !call.hash.is_empty();
        if !is_call && takes(name).is_none() {
            return self.path(name, at, scopes);
        }
        for value in call.params.iter().chain(call.hash.values()) {
            self.value(value, at, scopes);
        }
        self.word(name, call, at);
        None
    }

    /// Checks the name of a word, how many values it gets and its options.
    fn word(&mut self, name: &str, call: &HelperTemplate, at: At<'_>) {
        let Some(values) = takes(name) else {
            let hint =
                most_similar(name, words::names()).map(|near| format!("did you mean `{near}`?"));
            self.report(at, name, format!("there is no word `{name}`"), hint);
            return;
        };
        let own = WORDS.iter().find(|word| word.name == name);
        if !values.contains(&call.params.len()) {
            let what = format!("`{name}` got {} values", call.params.len());
            let hint = own.map_or_else(
                || format!("to show a variable called `{name}`, write this.{name}"),
                |word| format!("it is written {}", word.example),
            );
            self.report(at, name, what, Some(hint));
        }
        let options: &[&str] = match own {
            Some(word) => word.options,
            None if matches!(name, "if" | "unless") => &["includeZero"],
            None => &[],
        };
        for option in call
            .hash
            .keys()
            .filter(|key| !options.contains(&key.as_str()))
        {
            let what = format!("`{name}` has no option `{option}`");
            let hint = most_similar(option, options.iter().copied())
                .map(|near| format!("did you mean `{near}`?"));
            self.report(at, option, what, hint);
        }
    }

    fn value(&mut self, value: &'a Parameter, at: At<'a>, scopes: &[Scope]) -> Shape {
        match value {
            Parameter::Literal(literal) => Some(Rc::new(literal.clone())),
            Parameter::Path(_) | Parameter::Name(_) => {
                self.path(value.as_name().unwrap_or_default(), at, scopes)
            }
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) => self.expression(call, at, scopes),
                _ => None,
            },
            _ => None,
        }
    }

    fn block(&mut self, block: &'a HelperTemplate, at: At<'a>, scopes: &[Scope]) {
        let name = block.name.as_name().unwrap_or_default();
        let is_block = name != "lookup" && name != "len";
        if !is_block || !BUILT_IN.iter().any(|(built_in, _)| *built_in == name) {
            let hint = match takes(name) {
                Some(_) => format!("write {{{{{name} …}}}} without #"),
                None => format!("write {{{{#with {name}}}}} or {{{{#each {name}}}}}"),
            };
            self.report(at, name, format!("`#{name}` is no block"), Some(hint));
            return;
        }
        self.word(name, block, at);
        let shapes: Vec<Shape> = block
            .params
            .iter()
            .map(|value| self.value(value, at, scopes))
            .collect();
        let first = shapes.into_iter().next().flatten();
        let mut inner = scopes.to_vec();
        match name {
            "each" => inner.push(self.item_scope(block, first.as_deref(), at)),
            "with" => inner.push(named_scope(block, first)),
            _ => {}
        }
        if let Some(template) = &block.template {
            self.template(template, at, &inner);
        }
        if let Some(inverse) = &block.inverse {
            self.template(inverse, at, scopes);
        }
    }

    fn item_scope(&mut self, block: &HelperTemplate, list: Option<&Value>, at: At<'_>) -> Scope {
        let item = match list {
            Some(Value::Array(items)) => item_of(items).map(Rc::new),
            None | Some(Value::Object(_)) => None,
            Some(_) => {
                let name = block.params[0].as_name().unwrap_or_default();
                let hint = Some(format!("write {{{{#if {name}}}}} or {{{{#with {name}}}}}"));
                self.report(at, name, format!("`{name}` is not a list"), hint);
                None
            }
        };
        Scope {
            in_each: true,
            ..named_scope(block, item)
        }
    }

    fn partial(&mut self, partial: &'a DecoratorTemplate, at: At<'a>, scopes: &[Scope]) {
        let name = partial.name.as_name().unwrap_or_default();
        let given = partial
            .params
            .iter()
            .map(|value| self.value(value, at, scopes))
            .collect::<Vec<_>>();
        let names: BTreeMap<String, Shape> = partial
            .hash
            .iter()
            .map(|(key, value)| (key.clone(), self.value(value, at, scopes)))
            .collect();
        let Some((name, piece)) = self.partials.get_key_value(name) else {
            let near = most_similar(name, self.partials.keys().map(String::as_str));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            self.report(at, name, format!("there is no partial `{name}`"), hint);
            return;
        };
        if self.inside.contains(name) {
            let what = format!("the partial `{name}` includes itself");
            self.report(at, name, what, Some("it would never end".to_owned()));
            return;
        }
        let base = match given.into_iter().next() {
            Some(shape) => shape,
            None => scopes.last().and_then(|scope| scope.value.clone()),
        };
        let scope = Scope {
            value: merged(base, &names),
            names,
            in_each: scopes.last().is_some_and(|scope| scope.in_each),
        };
        let mut inner = scopes.to_vec();
        inner.push(scope);
        self.partials_used.insert(name.clone());
        self.inside.push(name.clone());
        self.template(&piece.template, At { piece, offset: 0 }, &inner);
        self.inside.pop();
    }

    /// Looks up a path such as `client.name`, `../title`, `@root.company.name` or `@index`.
    fn path(&mut self, raw: &str, at: At<'_>, scopes: &[Scope]) -> Shape {
        let path = Path::of(raw);
        let Some(scope) = scopes.len().checked_sub(1 + path.up).map(|i| &scopes[i]) else {
            let hint = Some("remove a `../`".to_owned());
            self.report(at, raw, format!("`{raw}` leads out of the template"), hint);
            return None;
        };
        if let Some(local) = path.local {
            let known = ["index", "first", "last", "key"].contains(&local);
            if !known || !scope.in_each {
                let hint = Some("@index, @first and @last exist inside {{#each}}".to_owned());
                self.report(at, raw, format!("there is no `{raw}` here"), hint);
            }
            return None;
        }
        self.variables.insert(path.names.join("."));
        let from = if path.root { &scopes[0] } else { scope };
        let named = path.names.first().filter(|_| !path.root).and_then(|first| {
            scopes
                .iter()
                .rev()
                .find_map(|scope| scope.names.get(*first))
        });
        let found = match named {
            Some(shape) => follow(shape, &path.names[1..]),
            None => follow(&from.value, &path.names),
        };
        if let Ok(shape) = found {
            return shape;
        }
        let hint =
            suggestion(raw, &path, from, scopes).map(|near| format!("did you mean `{near}`?"));
        self.report(at, raw, format!("there is no variable `{raw}`"), hint);
        None
    }

    /// Values that escaping does not protect: links, styles and scripts.
    fn attribute(&mut self, call: &HelperTemplate, at: At<'_>) {
        if at.piece.format != Format::Html {
            return;
        }
        let text = &at.piece.excerpt.text;
        let Some((attribute, before)) = attribute_at(text, &at.piece.ranges, at.offset) else {
            return;
        };
        let name = call.name.as_name().unwrap_or_default();
        let is_link = ["href", "src", "action", "background"].contains(&attribute.as_str());
        if is_link && before.trim().is_empty() && !["url", "tel", "mailto"].contains(&name) {
            let what = format!("`{name}` stands in `{attribute}` as it is");
            let hint = format!("write {{{{url {name}}}}}, which lets only real links through");
            self.report(at, name, what, Some(hint));
        }
        let is_colour =
            COLOURS.iter().any(|colour| name.ends_with(colour)) || name == "readable_on";
        if attribute.starts_with("on") || (attribute == "style" && !is_colour) {
            let what = format!("`{name}` stands in `{attribute}`, where escaping does not protect");
            let hint = "choose between fixed texts with {{#if}}".to_owned();
            self.report(at, name, what, Some(hint));
        }
    }
}

fn named_scope(block: &HelperTemplate, value: Shape) -> Scope {
    let mut scope = Scope {
        value: value.clone(),
        ..Scope::default()
    };
    let mut name = |parameter: &Parameter, shape: Shape| {
        let name = parameter.as_name().unwrap_or_default().to_owned();
        scope.names.insert(name, shape);
    };
    match &block.block_param {
        Some(BlockParam::Single(item)) => name(item, value),
        Some(BlockParam::Pair((item, index))) => {
            name(item, value);
            name(index, None);
        }
        _ => {}
    }
    scope
}

/// Where `needle` stands as a whole word at or after `from`; `from` itself when it does not.
fn locate(text: &str, from: usize, needle: &str) -> usize {
    let part_of_word = |c: char| c.is_alphanumeric() || "_-@".contains(c);
    let rest = text.get(from..).unwrap_or_default();
    rest.match_indices(needle)
        .find(|(at, _)| {
            let before = rest[..*at].chars().next_back();
            let after = rest[at + needle.len()..].chars().next();
            !needle.is_empty()
                && !before.is_some_and(part_of_word)
                && !after.is_some_and(part_of_word)
        })
        .map_or(from, |(at, _)| from + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Locale;
    use crate::render::piece::Excerpt;
    use crate::render::sample;
    use crate::render::source::Kind;

    fn piece(text: &str, format: Format) -> Result<Piece, Vec<TemplateProblem>> {
        let excerpt = Excerpt {
            file: "a".to_owned(),
            line: 1,
            column: 1,
            text: text.to_owned(),
        };
        Piece::parse(excerpt, format, "a", false)
    }

    fn any_template() -> impl Strategy<Value = String> {
        const PARTS: [&str; 43] = [
            "{{",
            "}}",
            "{{{",
            "}}}",
            "{{#if ",
            "{{/if}}",
            "{{else}}",
            "{{else if ",
            "{{^}}",
            "{{#each ",
            "{{/each}}",
            "{{#with ",
            "{{/with}}",
            "{{> ",
            "{{!-- ",
            "--}}",
            "{{! ",
            "{{~",
            "~}}",
            "client.name",
            "news.items",
            "../",
            "@root.",
            "@index",
            "this",
            " as |a b|",
            "(",
            ")",
            "\"",
            "'",
            "\\",
            "=",
            "[0]",
            "money ",
            "{{{{raw}}}}",
            " ",
            "\n",
            "ж",
            "<a href=\"",
            "{{&",
            "{{*inline \"x\"}}",
            "{{else}}x",
            "{{a}}",
        ];
        proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..24)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn no_text_of_a_template_panics(text in any_template()) {
            for format in [Format::Text, Format::Html] {
                if let Ok(piece) = piece(&text, format) {
                    let partials = BTreeMap::new();
                    let mut walk = Walk::new(&partials);
                    walk.walk(&piece, sample::full(Kind::Letter, Locale::Ru));
                    for problem in walk.problems {
                        prop_assert!(problem.line.is_some() && !problem.to_string().is_empty());
                    }
                }
            }
        }
    }
}

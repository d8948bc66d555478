//! Constant folding: what is the same in every letter of a mailing is rendered once.
//!
//! One letter differs from the next in a few places; company, language and news are those of the
//! whole mailing. A folded template has them written out, and the partials that it includes stand in
//! it: handlebars copies all values for every call of a partial.
//!
//! What is written out depends on known values alone, whichever way it is looked at: every path of it
//! begins at a known value, and none of its words looks at anything that it is not given.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Context, Handlebars, RenderContext, Renderable, Template, WriteOutput};

use super::engine::Bounded;
use super::scope::Path;
use super::words::{LOOK_AROUND, takes};

/// The most partials that are put into one template; templates may include one another many times.
const MOST_INLINED: usize = 1_000;

/// Where the paths of an element are looked up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Among all values, some of which are known.
    Top,
    /// In a known value, such as an item of a known list.
    Known,
    /// In a value of which nothing is known.
    Elsewhere,
}

/// The templates of one registry, and the values that are the same in every rendering of them.
pub(super) struct Folding<'r> {
    registry: &'r Handlebars<'static>,
    known: &'r Context,
    /// Which partials depend on known values alone, by the place of their call.
    partials: RefCell<BTreeMap<(Place, String), bool>>,
    inlined: Cell<usize>,
}

impl<'r> Folding<'r> {
    pub(super) fn new(registry: &'r Handlebars<'static>, known: &'r Context) -> Self {
        Self {
            registry,
            known,
            partials: RefCell::default(),
            inlined: Cell::new(0),
        }
    }

    /// A template with all that is known written out. It no longer knows its places in the file: where
    /// it fails, the whole one has to be rendered to learn why.
    pub(super) fn fold(&self, template: &Template) -> Template {
        self.inlined.set(0);
        self.folded(template, Place::Top, &mut Vec::new())
    }

    fn folded(&self, template: &Template, place: Place, inside: &mut Vec<String>) -> Template {
        let mut folded = Template::default();
        folded.name.clone_from(&template.name);
        self.append(template, place, inside, &mut folded.elements);
        folded
    }

    fn append(
        &self,
        template: &Template,
        place: Place,
        inside: &mut Vec<String>,
        folded: &mut Vec<TemplateElement>,
    ) {
        for element in &template.elements {
            match element {
                TemplateElement::RawString(text) => push_text(folded, text),
                _ if place == Place::Top && self.is_known(element, place) => {
                    match self.rendered(element) {
                        Some(text) => push_text(folded, &text),
                        None => folded.push(element.clone()),
                    }
                }
                TemplateElement::PartialExpression(call) => match self.to_inline(call, inside) {
                    Some((name, partial)) => {
                        inside.push(name.to_owned());
                        self.append(partial, place, inside, folded);
                        inside.pop();
                    }
                    None => folded.push(element.clone()),
                },
                TemplateElement::HelperBlock(block) => {
                    let block = self.block(block, place, inside);
                    folded.push(TemplateElement::HelperBlock(Box::new(block)));
                }
                other => folded.push(other.clone()),
            }
        }
    }

    /// A block that is not known as a whole: what stands in it may be.
    fn block(
        &self,
        block: &HelperTemplate,
        place: Place,
        inside: &mut Vec<String>,
    ) -> HelperTemplate {
        let within = match block.name.as_name() {
            Some("if" | "unless") => place,
            _ => Place::Elsewhere,
        };
        let mut folded = block.clone();
        for (part, place) in [(&mut folded.template, within), (&mut folded.inverse, place)] {
            if let Some(template) = part {
                *template = self.folded(template, place, inside);
            }
        }
        folded
    }

    /// The partial that can stand where it is called: it is given nothing, and looks at nothing
    /// around the place of its call.
    fn to_inline<'c>(
        &self,
        call: &'c DecoratorTemplate,
        inside: &[String],
    ) -> Option<(&'c str, &'r Template)> {
        let name = call.name.as_name()?;
        let is_plain = call.params.is_empty()
            && call.hash.is_empty()
            && call.template.is_none()
            && call.indent.is_none();
        let partial = self.registry.get_template(name)?;
        let again = inside.iter().any(|outer| outer == name);
        if !is_plain || again || climbs(partial) || self.inlined.get() >= MOST_INLINED {
            return None;
        }
        self.inlined.set(self.inlined.get() + 1);
        Some((name, partial))
    }

    /// What an element comes to when there are known values only.
    fn rendered(&self, element: &TemplateElement) -> Option<String> {
        let mut text = Bounded::default();
        let mut out = WriteOutput::new(&mut text);
        let mut context = RenderContext::new(None);
        let rendered = element.render(self.registry, self.known, &mut context, &mut out);
        rendered.ok()?;
        text.into_string()
    }

    fn is_known(&self, element: &TemplateElement, place: Place) -> bool {
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => true,
            TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                self.call_is_known(call, place)
            }
            TemplateElement::HelperBlock(block) => self.block_is_known(block, place),
            TemplateElement::PartialExpression(call) => self.partial_is_known(call, place),
            _ => false,
        }
    }

    fn all_are_known(&self, template: Option<&Template>, place: Place) -> bool {
        let mut elements = template.into_iter().flat_map(|one| &one.elements);
        elements.all(|element| self.is_known(element, place))
    }

    /// A variable, or a word with all that it is given.
    fn call_is_known(&self, call: &HelperTemplate, place: Place) -> bool {
        let Some(name) = call.name.as_name() else {
            return false;
        };
        if takes(name).is_none() {
            return !call.block
                && call.params.is_empty()
                && call.hash.is_empty()
                && self.path_is_known(name, place);
        }
        let mut given = call.params.iter().chain(call.hash.values());
        !LOOK_AROUND.contains(&name) && given.all(|value| self.value_is_known(value, place))
    }

    fn block_is_known(&self, block: &HelperTemplate, place: Place) -> bool {
        let within = match block.name.as_name() {
            Some("if" | "unless") => place,
            Some("each" | "with") => Place::Known,
            _ => return false,
        };
        block.block_param.is_none()
            && self.call_is_known(block, place)
            && self.all_are_known(block.template.as_ref(), within)
            && self.all_are_known(block.inverse.as_ref(), place)
    }

    fn partial_is_known(&self, call: &DecoratorTemplate, place: Place) -> bool {
        // What a partial is given at the top hides what is known, or adds to it.
        let is_plain = call.params.is_empty()
            && call.template.is_none()
            && (call.hash.is_empty() || place == Place::Known);
        let (true, Some(name)) = (is_plain, call.name.as_name()) else {
            return false;
        };
        let mut given = call.hash.values();
        given.all(|value| self.value_is_known(value, place)) && self.named_is_known(name, place)
    }

    fn named_is_known(&self, name: &str, place: Place) -> bool {
        let key = (place, name.to_owned());
        if let Some(known) = self.partials.borrow().get(&key) {
            return *known;
        }
        // One that includes itself is not known.
        self.partials.borrow_mut().insert(key.clone(), false);
        let partial = self.registry.get_template(name);
        let known = partial.is_some() && self.all_are_known(partial, place);
        self.partials.borrow_mut().insert(key, known);
        known
    }

    fn value_is_known(&self, value: &Parameter, place: Place) -> bool {
        match value {
            Parameter::Literal(_) => true,
            Parameter::Path(_) | Parameter::Name(_) => {
                let name = value.as_name();
                name.is_some_and(|name| self.path_is_known(name, place))
            }
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) => self.call_is_known(call, place),
                _ => false,
            },
            _ => false,
        }
    }

    fn path_is_known(&self, raw: &str, place: Place) -> bool {
        let path = Path::of(raw);
        let first = path.names.first();
        let begins_known = first.is_some_and(|name| self.known.data().get(name).is_some());
        match place {
            _ if path.root => path.up == 0 && begins_known,
            _ if path.up > 0 => false,
            Place::Top => path.local.is_none() && begins_known,
            Place::Known => true,
            Place::Elsewhere => false,
        }
    }
}

/// Adds a text to what was written before it.
fn push_text(folded: &mut Vec<TemplateElement>, text: &str) {
    if let Some(TemplateElement::RawString(before)) = folded.last_mut() {
        before.push_str(text);
    } else if !text.is_empty() {
        folded.push(TemplateElement::RawString(text.to_owned()));
    }
}

/// Whether a template looks at what is around it: a partial that does has to be called.
fn climbs(template: &Template) -> bool {
    template.elements.iter().any(|element| match element {
        TemplateElement::RawString(_) | TemplateElement::Comment(_) => false,
        TemplateElement::Expression(call)
        | TemplateElement::HtmlExpression(call)
        | TemplateElement::HelperBlock(call) => {
            call_climbs(call)
                || call.template.as_ref().is_some_and(climbs)
                || call.inverse.as_ref().is_some_and(climbs)
        }
        TemplateElement::PartialExpression(call) => call
            .params
            .iter()
            .chain(call.hash.values())
            .any(value_climbs),
        _ => true,
    })
}

fn call_climbs(call: &HelperTemplate) -> bool {
    let mut given = call.params.iter().chain(call.hash.values());
    value_climbs(&call.name) || given.any(value_climbs)
}

fn value_climbs(value: &Parameter) -> bool {
    match value {
        Parameter::Literal(_) => false,
        Parameter::Path(_) | Parameter::Name(_) => {
            value.as_name().is_none_or(|name| Path::of(name).up > 0)
        }
        Parameter::Subexpression(inner) => match inner.as_element() {
            TemplateElement::Expression(call) => call_climbs(call),
            _ => true,
        },
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::words::teach;
    use super::*;
    use crate::model::Locale;

    const PARTIALS: [(&str, &str); 8] = [
        ("foot", "{{company.name}}, for {{client.name}}"),
        ("item", "{{title}}: {{more}} at {{@root.company.name}}; "),
        ("own", "{{company.name}}"),
        ("outer", "{{> foot}} / {{> own}}"),
        ("up", "{{../client.name}}"),
        (
            "inner-up",
            "{{#each client.goods}}{{../client.name}}{{/each}}",
        ),
        ("again", "{{#if client.never}}{{> again}}{{/if}}once"),
        ("good", "{{title}} of {{company.name}}{{#if @last}}.{{/if}}"),
    ];

    fn known() -> Value {
        json!({
            "company": {"name": "Полдень & Ко", "phone": "+74951234567", "since": "2020-01-02"},
            "news": [{"title": "<Хлеб>"}, {"title": "Сыр"}],
            "locale": "ru",
        })
    }

    fn all() -> Value {
        let mut all = known();
        all["client"] = json!({
            "name": "Анна", "vip": true, "attributes": {"since": "2021"},
            "goods": [
                {"title": "Чай", "company": {"name": "Чайная"}},
                {"title": "Кофе", "company": {"name": "Кофейня"}},
            ],
        });
        all["today"] = json!("2026-11-25");
        all
    }

    fn registry() -> Handlebars<'static> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        teach(&mut registry, Locale::Ru, None);
        for (name, text) in PARTIALS {
            registry.register_partial(name, text).unwrap();
        }
        registry
    }

    /// What is rendered of a template as a whole and folded, and what is left of it.
    fn both(text: &str, values: &Value) -> (Result<String, ()>, Result<String, ()>, Template) {
        let mut registry = registry();
        registry.register_template_string("p/whole", text).unwrap();
        let known = Context::wraps(known()).unwrap();
        let folding = Folding::new(&registry, &known);
        let folded = folding.fold(registry.get_template("p/whole").unwrap());
        let whole = registry.render("p/whole", values).map_err(drop);
        registry.register_template("p/folded", folded.clone());
        (
            whole,
            registry.render("p/folded", values).map_err(drop),
            folded,
        )
    }

    fn is_text(element: &TemplateElement) -> bool {
        matches!(element, TemplateElement::RawString(_))
    }

    #[test]
    fn what_is_known_is_written_out() {
        for (text, left) in [
            ("{{company.name}}, {{locale}}", 0),
            ("{{{company.name}}} {{tel company.phone}}", 0),
            ("{{company.name}} to {{client.name}}!", 1),
            (
                "{{#if company.phone}}{{phone company.phone}}{{else}}{{/if}}",
                0,
            ),
            (
                "{{#if company.fax}}{{company.fax}}{{else if company.phone}}p{{/if}}",
                0,
            ),
            (
                "{{#each news}}{{@index}} {{title}}{{#unless @last}}, {{/unless}}{{/each}}",
                0,
            ),
            ("{{#each news}}{{> item more=\"go\"}}{{/each}}", 0),
            ("{{#with company}}{{name}} {{since}}{{/with}}", 0),
            ("{{#if (eq company.name \"x\")}}a{{else}}b{{/if}}", 0),
            ("{{> own}} {{> foot}} {{> outer}}", 2),
            ("{{> inner-up}}", 1),
            ("{{#if client.vip}}{{company.name}} {{> own}}{{/if}}", 1),
        ] {
            let (whole, folded, template) = both(text, &all());
            assert!(whole.is_ok(), "{text}");
            assert_eq!(whole, folded, "{text}");
            let elements = template.elements.iter();
            assert_eq!(elements.filter(|one| !is_text(one)).count(), left, "{text}");
        }
        let (_, _, template) = both(
            "{{#if client.vip}}{{company.name}} {{> own}}{{/if}}",
            &all(),
        );
        let Some(TemplateElement::HelperBlock(block)) = template.elements.first() else {
            panic!("{template:?}");
        };
        let within = &block.template.as_ref().unwrap().elements;
        assert!(within.len() == 1 && is_text(&within[0]), "{within:?}");
    }

    #[test]
    fn what_may_differ_is_not() {
        for text in [
            "{{#each client.goods}}{{company.name}}{{/each}}",
            "{{#each client.goods}}{{> good}}{{/each}}",
            "{{#each client.goods}}{{> up}}{{/each}}",
            "{{#each client.goods as |company|}}{{company.title}}{{/each}}",
            "{{#each news}}{{title}} {{@root.client.name}}{{/each}}",
            "{{#each news}}{{title}} {{../client.name}}{{/each}}",
            "{{#each news}}{{> item more=@root.client.name}}{{/each}}",
            "{{#with company}}{{name}} {{../client.name}}{{/with}}",
            "{{> own company=client}}",
            "{{> own client}}",
            "{{> again}}",
            "{{attribute \"since\"}}",
            "{{date company.since style=\"day\"}}",
            "{{#if client.never}}{{company.fax}}{{/if}}",
        ] {
            let (whole, folded, template) = both(text, &all());
            assert_eq!(whole, folded, "{text}");
            assert!(!template.elements.iter().all(is_text), "{text}");
        }
    }

    #[test]
    fn what_fails_as_a_whole_fails_folded() {
        for text in [
            "{{company.fax}}",
            "{{news}} {{client.fax}}",
            "{{tel company.name}}",
        ] {
            let (whole, folded, _) = both(text, &all());
            assert_eq!((whole, folded), (Err(()), Err(())), "{text}");
        }
    }

    #[test]
    fn partials_that_include_one_another_many_times_come_to_an_end() {
        let mut registry = registry();
        for n in 0..40 {
            let text = format!(
                "{{{{> p{}}}}}{{{{> p{}}}}}{{{{client.name}}}}",
                n + 1,
                n + 1
            );
            registry.register_partial(&format!("p{n}"), text).unwrap();
        }
        registry.register_partial("p40", "").unwrap();
        registry
            .register_template_string("p/whole", "{{> p0}}")
            .unwrap();
        let known = Context::wraps(known()).unwrap();
        let folding = Folding::new(&registry, &known);
        let folded = folding.fold(registry.get_template("p/whole").unwrap());
        assert!(folded.elements.len() <= 2 * MOST_INLINED + 2);
    }
}

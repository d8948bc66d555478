//! Constant folding: what is the same in every letter of a mailing is rendered once.
//!
//! One letter differs from the next in a few places; company, language and news are those of the
//! whole mailing. A folded template has them written out, and the partials that it includes stand in
//! it: handlebars copies all values for every call of a partial.
//!
//! What is written out depends on known values alone, whichever way it is looked at: every path of it
//! begins at a known value, and none of its words looks at anything that it is not given.

mod reach;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Context, Handlebars, RenderContext, Renderable, Template, WriteOutput};

use self::reach::{calls, climbs};
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

    /// A block that is not known as a whole: what stands in it may be. Names that a block gives
    /// (`as |item|`) do not reach into the partials that it calls, so there they are called.
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
        if block.block_param.is_some() {
            return folded;
        }
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
        if !is_plain || again || self.inlined.get() >= MOST_INLINED || self.climbs(partial) {
            return None;
        }
        self.inlined.set(self.inlined.get() + 1);
        Some((name, partial))
    }

    /// Whether a template, or a partial that it includes, looks at what is around it.
    fn climbs(&self, template: &Template) -> bool {
        let (mut seen, mut next) = (BTreeSet::new(), vec![template]);
        while let Some(template) = next.pop() {
            if climbs(template) {
                return true;
            }
            for name in calls(template) {
                if seen.insert(name) {
                    next.extend(self.registry.get_template(name));
                }
            }
        }
        false
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

//! What a template looks at beyond its own values: the partials that it calls, and the paths that
//! climb (`../title`).

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};

use crate::render::scope::Path;

/// The partials that a template calls.
pub(super) fn calls(template: &Template) -> Vec<&str> {
    template.elements.iter().flat_map(calls_of).collect()
}

fn calls_of(element: &TemplateElement) -> Vec<&str> {
    match element {
        TemplateElement::PartialExpression(call) => call.name.as_name().into_iter().collect(),
        TemplateElement::HelperBlock(block) => {
            let parts = [block.template.as_ref(), block.inverse.as_ref()];
            parts.into_iter().flatten().flat_map(calls).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a template itself looks at what is around it: a partial that does has to be called.
pub(super) fn climbs(template: &Template) -> bool {
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

//! Folded and whole templates come to the same, and only what is known is written out.

use serde_json::{Value, json};

use super::*;
use crate::model::Locale;
use crate::render::words::teach;

const PARTIALS: [(&str, &str); 12] = [
    ("foot", "{{company.name}}, for {{client.name}}"),
    ("item", "{{title}}: {{more}} at {{@root.company.name}}; "),
    ("own", "{{company.name}}"),
    ("outer", "{{> foot}} / {{> own}}"),
    ("up", "{{../client.name}}"),
    (
        "inner-up",
        "{{#each client.goods}}{{../client.name}}{{/each}}",
    ),
    ("named", "{{client.name}}"),
    ("deep", "{{../../client.name}}"),
    ("holds-deep", "{{> deep}}"),
    ("if-deep", "{{#if title}}{{> holds-deep}}{{/if}}"),
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
        "{{#each client.goods as |client|}}{{> named}}{{/each}}",
        "{{#if client.vip}}{{#each client.goods as |client|}}{{> named}}{{/each}}{{/if}}",
        "{{#each client.goods}}{{> holds-deep}}{{/each}}",
        "{{#each client.goods}}{{#each @root.news}}{{> if-deep}}{{/each}}{{/each}}",
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

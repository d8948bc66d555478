//! Rendering a letter against Handlebars alone on the same data.
//!
//! Run with `cargo bench --bench rendering`. Both sides render the ready letter `missed-cycle` in
//! Russian (subject, preheader, text, HTML, with layout and partials) from the same values.
//! "Alone" is a registry at its best: templates registered once, values serialised once, and words
//! that only pass their value on, so that all our wording, wrapping and limits count against us.
//! The layout is laid around in two ways: as a partial block, as the manual of Handlebars shows
//! it, and, faster, in a second rendering, as we do. The goal is held against the faster one. The
//! sides take turns, and the median of the rounds is compared.
//!
//! Our letters have their styles on their elements, put there once when the templates are loaded;
//! "alone" renders the bare files. For comparison the faster one is also timed with the styles put
//! onto every letter, as a mailer does that knows no templates.

use std::hint::black_box;
use std::time::{Duration, Instant};

use css_inline::CSSInliner;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, ScopedJson, no_escape,
};
use rekindle::model::Locale;
use rekindle::render::{LetterContext, Templates};
use serde_json::Value;

const ROUNDS: usize = 21;
const LETTERS: u32 = 2_000;
const REACH: f64 = 1.3;

fn main() {
    let templates = Templates::load(None).0;
    let context = LetterContext::sample(Locale::Ru);
    let (block, twice) = (
        Alone::new(Layout::PartialBlock),
        Alone::new(Layout::SecondRendering),
    );
    let ours = || {
        let letter = templates.render_letter("missed-cycle", Locale::Ru, &context);
        black_box(letter.expect("the ready letter renders"))
            .html
            .len()
    };
    let in_block = || black_box(block.render(&context)).len();
    let in_two = || black_box(twice.render(&context)).len();
    let inliner = inliner();
    let on_each = || {
        let styled = inliner.inline(&twice.render(&context));
        black_box(styled.expect("a letter is HTML")).len()
    };
    println!(
        "one letter: {} bytes of HTML, alone {} and {}, with styles put on it {}",
        ours(),
        in_block(),
        in_two(),
        on_each()
    );
    let loading = Instant::now();
    black_box(Templates::load(None));
    println!(
        "loading all templates, styles included: {:.0} ms",
        loading.elapsed().as_secs_f64() * 1_000.0
    );
    let mut times = (Vec::new(), Vec::new(), Vec::new());
    let mut each = Vec::new();
    for _ in 0..ROUNDS {
        times.0.push(time(ours));
        times.1.push(time(in_block));
        times.2.push(time(in_two));
        each.push(time(on_each));
    }
    let each = median(each);
    let (ours, in_block, in_two) = (median(times.0), median(times.1), median(times.2));
    let per_second = |time: Duration| f64::from(LETTERS) / time.as_secs_f64();
    println!(
        "ours                     {:>8.0} letters/s",
        per_second(ours)
    );
    println!(
        "alone, partial block     {:>8.0} letters/s",
        per_second(in_block)
    );
    println!(
        "alone, second rendering  {:>8.0} letters/s",
        per_second(in_two)
    );
    println!(
        "alone, styled each time  {:>8.0} letters/s",
        per_second(each)
    );
    let to_block = ours.as_secs_f64() / in_block.as_secs_f64();
    let to_two = ours.as_secs_f64() / in_two.as_secs_f64();
    let verdict = if to_two <= REACH { "reached" } else { "MISSED" };
    println!("ratio of times: {to_block:.2} to the partial block");
    println!("ratio of times: {to_two:.2} to the second rendering, to reach {REACH}: {verdict}");
}

fn time<T>(work: impl Fn() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..LETTERS {
        black_box(work());
    }
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How the layout comes around the letter.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    PartialBlock,
    SecondRendering,
}

/// Gives back its first value: a word that knows nothing.
struct PassOn;

impl HelperDef for PassOn {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = helper.param(0).map(|value| value.value().clone());
        Ok(ScopedJson::Derived(value.unwrap_or_default()))
    }
}

/// Handlebars with the same templates and nothing of ours.
struct Alone {
    layout: Layout,
    text: Handlebars<'static>,
    html: Handlebars<'static>,
}

impl Alone {
    fn new(layout: Layout) -> Self {
        let mut alone = Self {
            layout,
            text: Handlebars::new(),
            html: Handlebars::new(),
        };
        alone.text.register_escape_fn(no_escape);
        let read = |path: &str| {
            let full = format!("{}/templates/{path}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(full).expect("the templates lie beside the sources")
        };
        for (registry, end) in [(&mut alone.text, "txt"), (&mut alone.html, "html")] {
            registry.set_strict_mode(true);
            for word in [
                "money", "date", "days", "every", "list", "greeting", "url", "tel", "phone",
            ] {
                registry.register_helper(word, Box::new(PassOn));
            }
            registry.register_helper("readable_on", Box::new(PassOn));
            registry.register_helper("default", Box::new(PassOn));
            for (name, path) in [
                ("footer", format!("partials/ru/footer.{end}.hbs")),
                ("signature", format!("partials/signature.{end}.hbs")),
                ("button", format!("partials/button.{end}.hbs")),
            ] {
                register(registry, name, &read(&path));
            }
            let mut around = read(&format!("layout/letter.{end}.hbs"));
            if layout == Layout::PartialBlock {
                around = around
                    .replace("{{{content}}}", "{{> @partial-block}}")
                    .replace("{{content}}", "{{> @partial-block}}");
            }
            register(registry, "layout", &around);
        }
        let letter = read("letters/ru/missed-cycle.txt.hbs");
        let (heads, text) = letter.split_once("\n\n").expect("a letter has heads");
        let (subject, preheader) = heads.split_once('\n').expect("a letter has two heads");
        let html = read("letters/ru/missed-cycle.html.hbs");
        let around = |body: &str| match layout {
            Layout::PartialBlock => format!("{{{{#> layout}}}}{body}{{{{/layout}}}}"),
            Layout::SecondRendering => body.to_owned(),
        };
        register(
            &mut alone.text,
            "subject",
            subject.trim_start_matches("Subject: "),
        );
        register(
            &mut alone.text,
            "preheader",
            preheader.trim_start_matches("Preheader: "),
        );
        register(&mut alone.text, "letter", &around(text));
        register(&mut alone.html, "letter", &around(&html));
        alone
    }

    fn render(&self, context: &LetterContext) -> String {
        let mut values = Context::wraps(context).expect("plain values");
        let subject = render(&self.text, "subject", &values);
        let preheader = render(&self.text, "preheader", &values);
        set(&mut values, "locale", "ru".to_owned());
        set(&mut values, "subject", subject);
        set(&mut values, "preheader", preheader);
        let mut text = render(&self.text, "letter", &values);
        if self.layout == Layout::SecondRendering {
            set(&mut values, "content", text);
            text = render(&self.text, "layout", &values);
        }
        black_box(text.len());
        let mut html = render(&self.html, "letter", &values);
        if self.layout == Layout::SecondRendering {
            set(&mut values, "content", html);
            html = render(&self.html, "layout", &values);
        }
        html
    }
}

/// Puts the styles onto a whole letter.
fn inliner() -> CSSInliner<'static> {
    let path = format!("{}/templates/layout/letter.css", env!("CARGO_MANIFEST_DIR"));
    let sheet = std::fs::read_to_string(path).expect("the style sheet lies beside the sources");
    let sheet = sheet
        .replace("{{readable_on company.accent}}", "#ffffff")
        .replace("{{company.accent}}", "#0b6e69")
        .replace("{{company.background}}", "#f3f1ec");
    CSSInliner::options()
        .inline_style_tags(false)
        .keep_style_tags(true)
        .load_remote_stylesheets(false)
        .extra_css(Some(sheet.into()))
        .build()
}

fn set(values: &mut Context, name: &str, value: String) {
    if let Value::Object(fields) = values.data_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}

fn register(registry: &mut Handlebars<'static>, name: &str, text: &str) {
    let registered = registry.register_template_string(name, text);
    registered.expect("the ready templates are read");
}

fn render(registry: &Handlebars<'static>, name: &str, values: &Context) -> String {
    let rendered = registry.render_with_context(name, values);
    rendered.expect("the ready templates render")
}

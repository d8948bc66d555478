//! The style sheet of the letters, put onto the elements: mail programs drop style sheets.
//!
//! Done once for each text when templates are loaded, never for a letter. The texts are templates, so
//! every `{{…}}` is replaced by a mark that HTML and CSS carry along, and put back afterwards; each
//! place of the result knows where it stood in the file, so that errors name the file's own lines.
//! A text whose elements a reader of HTML would rearrange is left as it is.

use std::borrow::Cow;
use std::ops::Range;

use css_inline::{CSSInliner, InlineOptions};

use super::piece::Excerpt;
use super::problem::TemplateProblem;
use super::scan::{Finding, scan};

/// What a style sheet may say of the company, where escaping does not protect.
pub(super) const COLOURS: [&str; 3] = [
    "company.accent",
    "company.accent_dark",
    "company.background",
];

/// The marks of an expression of the text, and of one of the style sheet: `zqh7z`.
const OF_TEXT: &str = "zqh";
const OF_SHEET: &str = "zqc";

/// The elements that Markdown makes.
const ELEMENTS: [&str; 9] = ["p", "h2", "h3", "ul", "ol", "li", "blockquote", "code", "a"];

/// A style sheet, ready to be put onto elements.
#[derive(Debug)]
pub(super) struct Sheet {
    /// As it stands in the file.
    pub(super) text: String,
    marked: String,
    expressions: Vec<String>,
}

/// A text with its styles on its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Styled {
    pub(super) text: String,
    /// Where expressions stand: the offset here, and in the file's own text.
    origins: Vec<(usize, usize)>,
}

impl Styled {
    /// The offset in the file's own text that belongs to one in the styled text.
    pub(super) fn origin(&self, offset: usize) -> usize {
        let before = self.origins.iter().take_while(|(here, _)| *here <= offset);
        before.last().map_or(0, |(_, there)| *there)
    }
}

impl Sheet {
    /// Reads a style sheet; it may name the colours of the company and nothing else.
    pub(super) fn read(excerpt: &Excerpt) -> Result<Self, Vec<TemplateProblem>> {
        let text = &excerpt.text;
        let told = |findings: Vec<Finding>| -> Vec<TemplateProblem> {
            let problems = findings.into_iter();
            problems.map(|finding| excerpt.problem(finding)).collect()
        };
        let ranges = scan(text, None).map_err(told)?;
        let strange: Vec<Finding> = ranges
            .iter()
            .filter(|range| !is_colour(&text[(*range).clone()]))
            .map(|range| {
                let what = "a style sheet may name the colours of the company only";
                let hint = "write {{company.accent}}, {{company.background}} or {{readable_on company.accent}}";
                Finding::new(range.start, what).mend(hint)
            })
            .collect();
        if !strange.is_empty() {
            return Err(told(strange));
        }
        let marked = marked(text, &ranges, |n| format!("{OF_SHEET}{n}z"));
        let expressions = ranges.iter().map(|range| text[range.clone()].to_owned());
        Ok(Self {
            marked,
            expressions: expressions.collect(),
            text: text.clone(),
        })
    }

    /// Puts the styles onto the elements of a text; nothing when it cannot be read as a tree of
    /// elements that stays as it is written.
    pub(super) fn put_on(&self, html: &str, ranges: &[Range<usize>]) -> Option<Styled> {
        if html.contains(OF_TEXT) || html.contains(OF_SHEET) {
            return None;
        }
        let places = places(html, ranges)?;
        let marked = marked(html, ranges, |n| match places[n] {
            Place::Between => format!("<!--{OF_TEXT}{n}z-->"),
            Place::Inside => format!("{OF_TEXT}{n}z"),
        });
        let inlined = self.inlined(&marked)?;
        let inlined = if html.contains("<tbody") {
            inlined
        } else {
            inlined.replace("<tbody>", "").replace("</tbody>", "")
        };
        if tags(&inlined) != tags(&marked) {
            return None;
        }
        self.restored(&inlined, html, ranges)
    }

    fn inlined(&self, marked: &str) -> Option<String> {
        let options = || {
            InlineOptions::default()
                .inline_style_tags(false)
                .keep_style_tags(true)
                .load_remote_stylesheets(false)
        };
        let whole = marked
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("<!doctype");
        let inlined = if whole {
            let sheet = Some(Cow::Borrowed(self.marked.as_str()));
            CSSInliner::new(options().extra_css(sheet)).inline(marked)
        } else {
            CSSInliner::new(options()).inline_fragment(marked, &self.marked)
        };
        inlined.ok()
    }

    /// Puts the expressions back. Each one of the text must be there once, in its order.
    fn restored(&self, inlined: &str, html: &str, ranges: &[Range<usize>]) -> Option<Styled> {
        let mut text = String::with_capacity(inlined.len());
        let mut origins = Vec::new();
        let mut rest = inlined;
        let mut next = 0;
        while let Some(at) = rest.find("zq") {
            let (before, from) = rest.split_at(at);
            let sheet = from.starts_with(OF_SHEET);
            let number = (sheet || from.starts_with(OF_TEXT)).then(|| number(&from[3..]))?;
            let (n, length) = number?;
            let mut after = &from[3 + length..];
            let before = match (before.strip_suffix("<!--"), after.strip_prefix("-->")) {
                (Some(before), Some(further)) => {
                    after = further;
                    before
                }
                _ => before,
            };
            text.push_str(before);
            if sheet {
                text.push_str(self.expressions.get(n)?);
            } else {
                let range = ranges.get(n).filter(|_| n == next)?;
                next += 1;
                origins.push((text.len(), range.start));
                text.push_str(&html[range.clone()]);
            }
            rest = after;
        }
        text.push_str(rest);
        (next == ranges.len()).then_some(Styled { text, origins })
    }

    /// The opening tags of the elements that Markdown makes, with their styles.
    pub(super) fn elements(&self) -> Vec<(&'static str, String)> {
        let styled = ELEMENTS.iter().filter_map(|name| {
            let styled = self.put_on(&format!("<{name}></{name}>"), &[])?;
            let end = styled.text.find("></")?;
            Some((*name, styled.text[..end].to_owned()))
        });
        styled.collect()
    }
}

/// Whether an expression is one of the company's colours, or what can be read on it.
fn is_colour(expression: &str) -> bool {
    let inner = expression.trim_matches(['{', '}']).trim();
    let name = inner.strip_prefix("readable_on").map_or(inner, str::trim);
    COLOURS.contains(&name)
}

/// The text with a mark in place of every expression.
fn marked(text: &str, ranges: &[Range<usize>], mark: impl Fn(usize) -> String) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut from = 0;
    for (n, range) in ranges.iter().enumerate() {
        marked.push_str(&text[from..range.start]);
        marked.push_str(&mark(n));
        from = range.end;
    }
    marked.push_str(&text[from..]);
    marked
}

/// The number at the start of a text up to its `z`, and how long both are.
fn number(text: &str) -> Option<(usize, usize)> {
    let end = text.find('z')?;
    Some((text[..end].parse().ok()?, end + 1))
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between elements, where a comment may stand for it.
    Between,
    /// In the value of an attribute, in a comment, in a title or a style sheet.
    Inside,
}

/// Where each expression stands; nothing when one stands in a tag outside of a quoted value.
fn places(html: &str, ranges: &[Range<usize>]) -> Option<Vec<Place>> {
    let mut places = Vec::with_capacity(ranges.len());
    let mut state = State::Text;
    let mut from = 0;
    for range in ranges {
        state = state.over(&html[from..range.start]);
        places.push(match state {
            State::Text => Place::Between,
            State::Quoted(_) | State::Comment | State::Raw(_) => Place::Inside,
            State::Tag(_) => return None,
        });
        from = range.end;
    }
    Some(places)
}

/// Where a reader of HTML stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// In a tag; with the element whose content is no HTML, if it is the start of one.
    Tag(Option<&'static str>),
    /// In a value, up to this quote; then as in the tag.
    Quoted((char, Option<&'static str>)),
    Comment,
    /// In a title or a style sheet, up to its end.
    Raw(&'static str),
}

impl State {
    fn over(self, text: &str) -> Self {
        let mut state = self;
        let mut rest = text;
        loop {
            let (after, next) = match state {
                Self::Text => match rest.find('<') {
                    Some(at) if rest[at..].starts_with("<!--") => (at + 4, Self::Comment),
                    Some(at) => (at + 1, Self::Tag(raw_element(&rest[at + 1..]))),
                    None => return state,
                },
                Self::Tag(raw) => match rest.find(['>', '"', '\'']) {
                    Some(at) if rest[at..].starts_with('>') => {
                        (at + 1, raw.map_or(Self::Text, Self::Raw))
                    }
                    Some(at) => {
                        let quote = if rest[at..].starts_with('"') {
                            '"'
                        } else {
                            '\''
                        };
                        (at + 1, Self::Quoted((quote, raw)))
                    }
                    None => return state,
                },
                Self::Quoted((quote, raw)) => match rest.find(quote) {
                    Some(at) => (at + 1, Self::Tag(raw)),
                    None => return state,
                },
                Self::Comment => match rest.find("-->") {
                    Some(at) => (at + 3, Self::Text),
                    None => return state,
                },
                Self::Raw(name) => match rest.find(&format!("</{name}")) {
                    Some(at) => (at + 2, Self::Tag(None)),
                    None => return state,
                },
            };
            rest = &rest[after..];
            state = next;
        }
    }
}

/// The element whose content is no HTML, when one starts here.
fn raw_element(tag: &str) -> Option<&'static str> {
    ["title", "style"]
        .into_iter()
        .find(|name| tag.starts_with(name))
}

/// The names of the tags, in their order.
fn tags(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let end = rest.find([' ', '>', '\n', '/']).filter(|end| *end > 1);
        let end = end.or_else(|| rest[2..].find([' ', '>', '\n']).map(|end| end + 2));
        let name = rest[1..end.unwrap_or(rest.len())].to_ascii_lowercase();
        tags.push(name);
        rest = &rest[1..];
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str) -> Excerpt {
        Excerpt {
            file: "letter.css".to_owned(),
            line: 1,
            column: 1,
            text: text.to_owned(),
        }
    }

    fn put_on(sheet: &str, html: &str) -> Option<Styled> {
        let sheet = Sheet::read(&excerpt(sheet)).unwrap();
        sheet.put_on(html, &scan(html, None).unwrap())
    }

    #[test]
    fn styles_come_onto_elements_and_expressions_stay_where_they_stood() {
        let html = "<table>\n{{#each items}}\n<tr class=\"row\"><td>{{title}} & more</td></tr>\n\
                    {{/each}}\n</table><p>{{#if a}}<b>x</b>{{else}}y{{/if}}</p>";
        let styled = put_on(
            "p { margin: 0 } .row { background: {{company.accent}} }",
            html,
        )
        .unwrap();
        assert_eq!(
            styled.text,
            "<table>\n{{#each items}}\n<tr class=\"row\" style=\"background: {{company.accent}};\">\
             <td>{{title}} &amp; more</td></tr>\n{{/each}}\n</table>\
             <p style=\"margin: 0;\">{{#if a}}<b>x</b>{{else}}y{{/if}}</p>"
        );
        let here = styled.text.find("{{title}}").unwrap();
        assert_eq!(styled.origin(here), html.find("{{title}}").unwrap());
        let here = styled.text.find("{{else}}").unwrap();
        assert_eq!(styled.origin(here + 3), html.find("{{else}}").unwrap());
    }

    #[test]
    fn a_link_and_a_quoted_option_survive() {
        let html =
            "<a class=\"x\" href=\"{{mailto manager.email subject=\"A & B\"}}\">{{label}}</a>";
        let styled = put_on(".x { color: red }", html).unwrap();
        assert!(
            styled
                .text
                .contains("href=\"{{mailto manager.email subject=\"A & B\"}}\"")
        );
        assert!(styled.text.contains("style=\"color: red;\""), "{styled:?}");
    }

    #[test]
    fn what_a_reader_would_rearrange_is_left_as_it_is() {
        for html in [
            "<tr><td>{{a}}</td></tr>",
            "<p><div>{{a}}</div></p>",
            "<td {{#if a}}class=\"x\"{{/if}}>b</td>",
            "<p>{{#if a}}</p>{{/if}}",
            "{{#if a}}<ul>{{/if}}<li>x</li>",
        ] {
            let styled = put_on("p { margin: 0 }", html);
            let expressions = |text: &str| text.matches("{{").count();
            assert!(
                styled.is_none() || expressions(&styled.unwrap().text) == expressions(html),
                "{html}"
            );
        }
        assert_eq!(put_on("p { margin: 0 }", "<tr><td>{{a}}</td></tr>"), None);
    }

    #[test]
    fn a_style_sheet_names_colours_only() {
        let problems = Sheet::read(&excerpt("p {\n color: {{client.name}} }")).unwrap_err();
        assert_eq!(problems[0].line, Some(2));
        assert!(problems[0].what.contains("colours"), "{}", problems[0].what);
    }
}

//! Markdown as letters show it: the text of news.
//!
//! Whoever writes news writes text. HTML in it stays text, a link that may not be sent leaves its
//! words behind, and a picture its description: pictures of news have a key of their own.
//!
//! Source: CommonMark 0.31.

use std::fmt::Write;

use handlebars::html_escape;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::links;

/// The opening tags of elements with their styles: `("p", "<p style=\"…\"")`, without the `>`.
pub(super) type Elements = [(&'static str, String)];

/// The text as HTML.
pub(super) fn html(text: &str, elements: &Elements) -> String {
    let mut page = Html {
        out: String::with_capacity(text.len() * 2),
        elements,
        dead_links: 0,
    };
    for event in Parser::new_ext(text, Options::empty()) {
        page.take(event);
    }
    page.out
}

struct Html<'e> {
    out: String,
    elements: &'e Elements,
    /// Links that are open and were not made.
    dead_links: usize,
}

impl Html<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.out.push_str(&html_escape(&text));
            }
            Event::Code(text) => {
                self.open("code");
                self.out.push_str(&html_escape(&text));
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            _ => {}
        }
    }

    fn open(&mut self, name: &'static str) {
        let styled = self.elements.iter().find(|(element, _)| *element == name);
        if let Some((_, tag)) = styled {
            self.out.push_str(tag);
        } else {
            self.out.push('<');
            self.out.push_str(name);
        }
        self.out.push('>');
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => self.open(heading(*level)),
            Tag::Link { dest_url, .. } => match links::safe(dest_url) {
                Ok(link) => {
                    self.open("a");
                    self.out.pop();
                    self.out.push_str(" href=\"");
                    self.out.push_str(&html_escape(&link));
                    self.out.push_str("\">");
                }
                Err(_) => self.dead_links += 1,
            },
            tag => {
                if let Some(name) = element(tag.to_end()) {
                    self.open(name);
                }
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let name = match tag {
            TagEnd::Heading(level) => Some(heading(level)),
            TagEnd::Link if self.dead_links > 0 => {
                self.dead_links -= 1;
                None
            }
            TagEnd::Link => Some("a"),
            tag => element(tag),
        };
        if let Some(name) = name {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }
}

/// The element of what is neither a heading nor a link; nothing for what only its words are shown of.
const fn element(tag: TagEnd) -> Option<&'static str> {
    match tag {
        TagEnd::Paragraph | TagEnd::CodeBlock => Some("p"),
        TagEnd::BlockQuote(_) => Some("blockquote"),
        TagEnd::List(true) => Some("ol"),
        TagEnd::List(false) => Some("ul"),
        TagEnd::Item => Some("li"),
        TagEnd::Emphasis => Some("em"),
        TagEnd::Strong => Some("strong"),
        _ => None,
    }
}

/// The headline of a piece of news is an `h2` of its own: those inside its text are smaller.
const fn heading(_: HeadingLevel) -> &'static str {
    "h3"
}

/// The text for those who read no HTML.
pub(super) fn plain(text: &str) -> String {
    let mut page = Plain::default();
    for event in Parser::new_ext(text, Options::empty()) {
        page.take(event);
    }
    page.out.trim_end().to_owned()
}

#[derive(Default)]
struct Plain {
    out: String,
    /// The lists that are open: the next number, where they have numbers.
    lists: Vec<Option<u64>>,
    /// The links that are open: where their words begin, and where they lead.
    links: Vec<(usize, String)>,
}

impl Plain {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::List(first)) => {
                self.line();
                self.lists.push(first);
            }
            Event::Start(Tag::Item) => self.item(),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let link = links::safe(&dest_url).unwrap_or_default();
                self.links.push((self.out.len(), link));
            }
            Event::End(TagEnd::Link) => self.link(),
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
                self.gap();
            }
            Event::End(TagEnd::Item) => self.line(),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock) => self.gap(),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.out.push_str(&text);
            }
            Event::SoftBreak => self.out.push(' '),
            Event::HardBreak => self.out.push('\n'),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.line();
        let depth = self.lists.len().saturating_sub(1);
        self.out.extend(std::iter::repeat_n("  ", depth));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let _ = write!(self.out, "{number}. ");
                *number += 1;
            }
            _ => self.out.push_str("- "),
        }
    }

    /// A link in words: `our terms (https://…)`; an address that is its own words stands alone.
    fn link(&mut self) {
        let Some((from, link)) = self.links.pop() else {
            return;
        };
        if !link.is_empty() && self.out.get(from..) != Some(link.as_str()) {
            let _ = write!(self.out, " ({link})");
        }
    }

    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// Ends a paragraph; in a list the next item follows at once.
    fn gap(&mut self) {
        self.line();
        if self.lists.is_empty() && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain_html(text: &str) -> String {
        html(text, &[("p", "<p style=\"margin: 0;\"".to_owned())])
    }

    #[test]
    fn what_people_write_comes_out_as_they_mean_it() {
        for (text, as_html, as_text) in [
            (
                "Cheaper **by 20 %** from\nMonday.\n\nAsk [us](https://example.org/a?b=1&c=2).",
                "<p style=\"margin: 0;\">Cheaper <strong>by 20 %</strong> from\nMonday.</p>\
                 <p style=\"margin: 0;\">Ask <a href=\"https://example.org/a?b&#x3D;1&amp;c&#x3D;2\">us</a>.</p>",
                "Cheaper by 20 % from Monday.\n\nAsk us (https://example.org/a?b=1&c=2).",
            ),
            (
                "New:\n\n- one\n- two\n\nSee <https://example.org/>",
                "<p style=\"margin: 0;\">New:</p><ul><li>one</li><li>two</li></ul>\
                 <p style=\"margin: 0;\">See <a href=\"https://example.org/\">https://example.org/</a></p>",
                "New:\n\n- one\n- two\n\nSee https://example.org/",
            ),
            (
                "1. first\n2. second",
                "<ol><li>first</li><li>second</li></ol>",
                "1. first\n2. second",
            ),
        ] {
            assert_eq!(plain_html(text), as_html);
            assert_eq!(plain(text), as_text);
        }
    }

    #[test]
    fn html_and_links_that_run_stay_words() {
        let evil = "<script>x</script>\n\n[press](javascript:alert(1)) <b onclick=x>y</b>";
        let html = plain_html(evil);
        assert!(!html.contains("<script") && !html.contains("<b "), "{html}");
        assert!(
            html.contains("&lt;script&gt;") && html.contains("press"),
            "{html}"
        );
        assert!(!html.contains("javascript:"), "{html}");
        assert!(!plain(evil).contains("javascript:"));
    }

    proptest! {
        #[test]
        fn whatever_is_written_only_known_elements_come_out(text in "[-<>a!\\[\\]()*#`\n &\"=:/0-9.]{0,120}") {
            let html = plain_html(&text);
            for tag in html.split('<').skip(1) {
                let name = tag.trim_start_matches('/');
                let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
                prop_assert!(
                    ["p", "h3", "ul", "ol", "li", "blockquote", "code", "a", "em", "strong", "br"]
                        .contains(&name.as_str()),
                    "{}", html
                );
            }
        }
    }
}

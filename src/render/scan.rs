//! A first look at the text of a template, before it is parsed.
//!
//! Finds every `{{…}}`, checks that blocks are closed, and turns away what templates may not use.
//! It stands before the parser for two reasons: the parser recurses, and a text nested ten
//! thousand blocks deep would end the process; and "expected `helper_block_end`" at the end of the
//! file helps nobody to find the `{{#if}}` that was left open.

use std::ops::Range;

/// Blocks inside blocks; no letter needs more, and each level costs stack when it is rendered.
const BLOCK_DEPTH: usize = 32;

/// Brackets inside brackets of one expression.
const BRACKET_DEPTH: usize = 16;

/// Something wrong at one place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Byte offset in the text.
    pub(super) at: usize,
    pub(super) what: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
            hint: None,
        }
    }

    pub(super) fn mend(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// A block that is open at some place of the scan.
struct Open<'t> {
    name: &'t str,
    at: usize,
    has_else: bool,
}

/// Finds the byte ranges of every `{{…}}` of `text`, or everything that is wrong with them.
///
/// `pre_rendered` names the one variable that may be written without escaping, if any.
pub(super) fn scan(
    text: &str,
    pre_rendered: Option<&str>,
) -> Result<Vec<Range<usize>>, Vec<Finding>> {
    let mut ranges = Vec::new();
    let mut findings = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut from = 0;
    while let Some(start) = next_mustache(text, from) {
        let range = match mustache_end(text, start) {
            Ok(end) => start..end,
            Err(finding) => {
                findings.push(finding);
                return Err(findings);
            }
        };
        from = range.end;
        let inner = inside(&text[range.clone()]);
        findings.extend(forbidden(inner, &text[range.clone()], start, pre_rendered));
        findings.extend(follow_blocks(inner, start, &mut open));
        if open.len() > BLOCK_DEPTH {
            let what = format!("more than {BLOCK_DEPTH} blocks inside each other");
            findings.push(Finding::new(start, what));
            return Err(findings);
        }
        ranges.push(range);
    }
    for block in open {
        let what = format!("`{{{{#{}}}}}` is never closed", block.name);
        let hint = format!("write {{{{/{}}}}} where it ends", block.name);
        findings.push(Finding::new(block.at, what).mend(hint));
    }
    if findings.is_empty() {
        Ok(ranges)
    } else {
        Err(findings)
    }
}

/// Where the next `{{` stands that is not written as `\{{`.
fn next_mustache(text: &str, mut from: usize) -> Option<usize> {
    loop {
        let at = from + text.get(from..)?.find("{{")?;
        let backslashes = text[..at].bytes().rev().take_while(|b| *b == b'\\').count();
        if backslashes != 1 {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Where the `{{` at `start` ends: the offset after its last brace.
fn mustache_end(text: &str, start: usize) -> Result<usize, Finding> {
    let rest = &text[start..];
    let unclosed = |end: &str| {
        Finding::new(start, "`{{` is never closed").mend(format!("write {end} after it"))
    };
    let until = |end: &str| {
        rest.find(end)
            .map(|at| start + at + end.len())
            .ok_or_else(|| unclosed(end))
    };
    if rest.starts_with("{{!--") {
        return until("--}}");
    }
    if rest.starts_with("{{!") {
        return until("}}");
    }
    let end = if rest.starts_with("{{{") { "}}}" } else { "}}" };
    let mut quote = None;
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(2) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) if q == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, '}') if rest[at..].starts_with(end) => return Ok(start + at + end.len()),
            (None, '{') if at > 3 => return Err(unclosed(end)),
            _ => {}
        }
        if depth > BRACKET_DEPTH {
            let what = format!("more than {BRACKET_DEPTH} brackets inside each other");
            return Err(Finding::new(start, what));
        }
    }
    Err(unclosed(end))
}

/// What stands between the braces, without the marks that swallow white space.
fn inside(mustache: &str) -> &str {
    mustache
        .trim_matches(['{', '}'])
        .trim_matches('~')
        .trim_matches(['{', '}'])
        .trim()
}

/// Turns away what no template may use.
fn forbidden(inner: &str, whole: &str, at: usize, pre_rendered: Option<&str>) -> Option<Finding> {
    if whole.starts_with("{{{{") {
        let finding = Finding::new(at, "raw blocks `{{{{…}}}}` are not used here");
        return Some(finding.mend("write \\{{ for braces that are meant as text"));
    }
    let unescaped = inner.strip_prefix('&').map(str::trim);
    let triple = whole.starts_with("{{{") || whole.starts_with("{{~{");
    if triple || unescaped.is_some() {
        let name = unescaped.unwrap_or(inner);
        if Some(name) == pre_rendered {
            return None;
        }
        let what = format!("`{name}` is written without escaping");
        let hint = "write it with two braces; a client's name may contain < and \"";
        return Some(Finding::new(at, what).mend(hint));
    }
    if inner.starts_with("#>") || inner.starts_with("# >") {
        let finding = Finding::new(at, "a partial takes values, not a block");
        return Some(finding.mend("write {{> name label=\"…\"}}"));
    }
    if inner.starts_with('*') || inner.starts_with("#*") {
        let finding = Finding::new(at, "decorators such as `*inline` are not used here");
        return Some(finding.mend("put the piece into a file of the folder partials"));
    }
    let partial = inner.strip_prefix('>').map(str::trim_start);
    if partial.is_some_and(|name| name.starts_with(['(', '@', '.', '[', '\''])) {
        let finding = Finding::new(at, "a partial is called by a name that stands here");
        return Some(finding.mend("choose between partials with {{#if}}"));
    }
    None
}

/// Follows `{{#…}}`, `{{else}}` and `{{/…}}`.
fn follow_blocks<'t>(inner: &'t str, at: usize, open: &mut Vec<Open<'t>>) -> Option<Finding> {
    if let Some(rest) = inner.strip_prefix('#') {
        let name = rest.split_whitespace().next().unwrap_or_default();
        open.push(Open {
            name,
            at,
            has_else: false,
        });
        return None;
    }
    if let Some(rest) = inner.strip_prefix('/') {
        return close_block(rest.trim(), at, open.pop());
    }
    let plain_else = matches!(inner, "else" | "^");
    let chained = inner.starts_with("else ") || (inner.starts_with('^') && !plain_else);
    if !plain_else && !chained {
        return None;
    }
    match open.last_mut() {
        None => Some(
            Finding::new(at, "`{{else}}` stands outside of a block")
                .mend("it belongs between {{#if …}} and {{/if}}"),
        ),
        Some(block) if block.has_else => Some(
            Finding::new(at, "a second `{{else}}` in one block")
                .mend("write {{else if …}} for more than two cases, and {{else}} last"),
        ),
        Some(block) => {
            block.has_else = plain_else;
            None
        }
    }
}

fn close_block(name: &str, at: usize, block: Option<Open<'_>>) -> Option<Finding> {
    match block {
        Some(block) if block.name == name => None,
        Some(block) => {
            let what = format!("`{{{{/{name}}}}}` closes `{{{{#{}}}}}`", block.name);
            let hint = format!("write {{{{/{}}}}} here first", block.name);
            Some(Finding::new(at, what).mend(hint))
        }
        None => {
            let what = format!("`{{{{/{name}}}}}` closes nothing");
            Some(Finding::new(at, what).mend("remove it, or open the block before it"))
        }
    }
}

/// The line and the column, in characters and from 1, of a byte offset.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// The byte offset of a line and a column, in characters and from 1.
pub(super) fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let line_start = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    text[line_start..]
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(text.len(), |(at, _)| line_start + at)
}

/// The attribute of an HTML tag in whose value the byte offset stands, with what stands before it
/// in the value. `ranges` are the `{{…}}` of the text.
pub(super) fn attribute_at(
    text: &str,
    ranges: &[Range<usize>],
    at: usize,
) -> Option<(String, String)> {
    let mut html = String::with_capacity(at);
    let mut from = 0;
    for range in ranges.iter().take_while(|range| range.end <= at) {
        html.push_str(&text[from..range.start]);
        html.push('\u{fffd}');
        from = range.end;
    }
    html.push_str(text.get(from..at)?);
    let tag = &html[html.rfind('<')?..];
    let mut quotes = tag.match_indices(['"', '\'']);
    let mut value_start = None;
    while let Some((start, quote)) = quotes.next() {
        value_start = Some(start);
        if quotes.by_ref().any(|(_, other)| other == quote) {
            value_start = None;
        }
    }
    let start = value_start?;
    let name = tag[..start].trim_end().strip_suffix('=')?.trim_end();
    let name = name.rsplit([' ', '\n', '\t', '\u{fffd}']).next()?;
    Some((name.to_ascii_lowercase(), tag[start + 1..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_finding(text: &str) -> String {
        let findings = scan(text, Some("content")).unwrap_err();
        let (line, column) = line_and_column(text, findings[0].at);
        format!("{line}:{column} {}", findings[0].what)
    }

    #[test]
    fn good_templates_pass() {
        for text in [
            "",
            "no braces { here }",
            "{{a}} {{! note }} {{!-- {{#if}} --}} {{#if a}}x{{else if b}}y{{else}}z{{/if}}",
            "{{default a \"}} in a string\"}} \\{{ not one \\{{",
            "{{{content}}} {{~a~}} {{> button url=(url a)}}",
            "{{#each a as |x i|}}{{x}}{{^}}none{{/each}}",
        ] {
            assert!(scan(text, Some("content")).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, expected) in [
            ("a\n {{#if x}}", "2:2 `{{#if}}` is never closed"),
            ("{{#if x}}{{/each}}", "1:10 `{{/each}}` closes `{{#if}}`"),
            ("{{/if}}", "1:1 `{{/if}}` closes nothing"),
            ("{{else}}", "1:1 `{{else}}` stands outside of a block"),
            (
                "{{#if x}}{{else}}{{else}}{{/if}}",
                "1:18 a second `{{else}}` in one block",
            ),
            ("ж {{name", "1:3 `{{` is never closed"),
            ("{{name {{x}}", "1:1 `{{` is never closed"),
            ("{{{x}}}", "1:1 `x` is written without escaping"),
            ("{{& x}}", "1:1 `x` is written without escaping"),
            ("{{~{x}~}}", "1:1 `x` is written without escaping"),
            (
                "{{{{raw}}}}{{{{/raw}}}}",
                "1:1 raw blocks `{{{{…}}}}` are not used here",
            ),
            ("{{#> a}}{{/a}}", "1:1 a partial takes values, not a block"),
            (
                "{{> (lookup a b)}}",
                "1:1 a partial is called by a name that stands here",
            ),
        ] {
            assert_eq!(first_finding(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_nested_without_end_is_turned_away_before_it_is_parsed() {
        let blocks = "{{#if a}}".repeat(20_000);
        assert!(first_finding(&blocks).contains("more than 32 blocks"));
        let brackets = format!("{{{{a {}", "(b ".repeat(50_000));
        assert!(first_finding(&brackets).contains("more than 16 brackets"));
    }

    #[test]
    fn the_attribute_around_a_place_is_known() {
        let text = "<p>{{a}}<a class=\"b\" href=\"{{c}}\" style='x{{> d}}";
        let ranges = scan(text, None).unwrap();
        let at = |needle: &str| attribute_at(text, &ranges, text.find(needle).unwrap());
        assert_eq!(at("{{a}}"), None);
        assert_eq!(at("{{c}}"), Some(("href".to_owned(), String::new())));
        assert_eq!(at("{{> d}}"), Some(("style".to_owned(), "x".to_owned())));
    }

    #[test]
    fn places_and_offsets_lead_to_each_other() {
        let text = "аб\nвг{{x}}";
        let at = text.find("{{").unwrap();
        assert_eq!(line_and_column(text, at), (2, 3));
        assert_eq!(offset_of(text, 2, 3), at);
        assert_eq!(offset_of(text, 9, 9), text.len());
    }
}

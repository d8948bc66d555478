//! Makes rendered plain text pleasant to read: wrapped lines, no holes where a part was left out.

/// Longest line, in characters. Source: RFC 3676 §4.2 advises to stay below 78.
const WIDTH: usize = 76;

/// Trims, wraps long lines at spaces and leaves at most one empty line between paragraphs: for the
/// text of a letter.
pub(super) fn tidy(text: &str) -> String {
    closed_up(text, wrap)
}

/// As [`tidy`], but each paragraph stays one line: for a script, which is read on screens of any
/// width and wrapped there.
pub(super) fn unwrapped(text: &str) -> String {
    closed_up(text, |line, out| out.push_str(line))
}

fn closed_up(text: &str, put: impl Fn(&str, &mut String)) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut empty = 0_usize;
    for line in text.lines() {
        // "-- " announces a signature and keeps its space (RFC 3676 §4.3).
        let line = if line == "-- " { line } else { line.trim_end() };
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        put(line, &mut out);
    }
    out.push('\n');
    out
}

/// Makes one line of a text: for subjects, preheaders and parameters.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c == ' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Leaves one full stop where a sentence ends with an abbreviation: «10 шт.» and a stop are «10 шт.».
///
/// Two dots that begin a path or are part of an ellipsis stay.
pub(super) fn one_full_stop(text: String) -> String {
    if !text.contains("..") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("..") {
        let (before, dots) = rest.split_at(at);
        let after = dots.trim_start_matches('.');
        let run = dots.len() - after.len();
        let ends_a_word = before.ends_with(char::is_alphanumeric);
        let ends_a_sentence = after
            .chars()
            .next()
            .is_none_or(|next| next.is_whitespace() || matches!(next, '<' | '»' | '"' | '”'));
        out.push_str(before);
        out.push_str(if run == 2 && ends_a_word && ends_a_sentence {
            "."
        } else {
            &dots[..run]
        });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn wrap(line: &str, out: &mut String) {
    if line.len() <= WIDTH || line.chars().count() <= WIDTH {
        out.push_str(line);
        return;
    }
    let indent = hanging_indent(line);
    let lead = line.len() - line.trim_start_matches(' ').len();
    out.push_str(&line[..lead]);
    let mut column = lead;
    let mut first = true;
    for word in line[lead..].split(' ').filter(|word| !word.is_empty()) {
        let width = word.chars().count();
        if !first && column + 1 + width > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if !first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        first = false;
    }
}

/// Where the second line of a paragraph begins: under the text of a list item.
fn hanging_indent(line: &str) -> usize {
    let text = line.trim_start_matches(' ');
    let lead = line.len() - text.len();
    let marker = text.split(' ').next().unwrap_or_default();
    let is_number = marker
        .strip_suffix(['.', ')'])
        .is_some_and(|n| !n.is_empty() && n.len() < 4 && n.bytes().all(|b| b.is_ascii_digit()));
    if matches!(marker, "-" | "*" | "•") || is_number {
        lead + marker.chars().count() + 1
    } else {
        lead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_and_holes_closed() {
        let long = "слово ".repeat(20);
        let text = format!(
            "\n\n{long}\n\n\n\n- {long}\nhttps://example.org/{}\n-- \nend",
            "x".repeat(90)
        );
        let tidied = tidy(&text);
        assert!(tidied.starts_with("слово") && tidied.ends_with("\n-- \nend\n"));
        assert!(!tidied.contains("\n\n\n"));
        assert!(tidied.contains("\n\n- слово") && tidied.contains("\n  слово"));
        assert!(
            tidied
                .lines()
                .all(|line| line.chars().count() <= WIDTH || line.starts_with("https://"))
        );
    }

    #[test]
    fn a_script_keeps_its_paragraphs_whole() {
        let long = "word ".repeat(40);
        let text = format!("{long}\n\n\n\nnext");
        assert_eq!(unwrapped(&text), format!("{}\n\nnext\n", long.trim_end()));
    }

    #[test]
    fn a_sentence_ends_with_one_full_stop() {
        for (text, expected) in [
            ("Стаканы, 50 шт.. Хочу", "Стаканы, 50 шт. Хочу"),
            ("<p>50 шт..</p>", "<p>50 шт.</p>"),
            ("well... yes", "well... yes"),
            ("../up and a..b", "../up and a..b"),
            ("50 шт..", "50 шт."),
        ] {
            assert_eq!(one_full_stop(text.to_owned()), expected);
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line("  a \r\n b\tc\u{0}  "), "a b c");
        assert_eq!(one_line("1\u{a0}500\u{a0}₽"), "1\u{a0}500\u{a0}₽");
    }
}

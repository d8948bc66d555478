//! Short lines: what is longer than the page goes on below, a little further in.

/// The widest line, in characters.
const WIDTH: usize = 100;

/// Breaks every line that is too long at its spaces.
pub(super) fn short(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    for line in text.lines() {
        push_broken(&mut short, line);
    }
    short
}

fn push_broken(to: &mut String, line: &str) {
    let indent = line.chars().take_while(|c| *c == ' ').count();
    let mut used = 0;
    // Ends of lines are where one space parts two words; wider gaps are columns and stay.
    for (n, word) in line.trim_start().split(' ').enumerate() {
        let length = word.chars().count();
        if n == 0 {
            to.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        } else if used + 1 + length > WIDTH {
            to.push('\n');
            to.extend(std::iter::repeat_n(' ', indent + 2));
            used = indent + 2;
        } else {
            to.push(' ');
            used += 1;
        }
        to.push_str(word);
        used += length;
    }
    to.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_further_in_and_short_ones_stay() {
        let long = format!("  {}", "слово ".repeat(30).trim_end());
        let text = format!("name      12  34\n\n{long}\n");
        let lines: Vec<String> = short(&text).lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "name      12  34");
        assert_eq!(lines[1], "");
        assert!(lines[3].starts_with("    слово"));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        let words = lines[2..].join(" ");
        assert_eq!(words.split_whitespace().count(), 30);
    }
}

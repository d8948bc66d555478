//! Which character parts the fields of a file.

/// The characters that may part fields, in the order in which they win a draw.
const DELIMITERS: [u8; 4] = [b';', b'\t', b',', b'|'];
/// Lines that are looked at.
const LOOKED_AT: usize = 20;

/// The delimiter, and how many bytes before the table only name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What parts the fields.
    pub(super) delimiter: u8,
    /// The length of a first line such as `sep=;`, which spreadsheets write and read.
    pub(super) preamble: usize,
}

/// Finds the dialect from the beginning of a file.
///
/// The delimiter is the one that parts the most lines into the same number of fields, and more of
/// them than another. Commas and points within quotes do not count.
pub(super) fn sniff(beginning: &[u8]) -> Dialect {
    let bare = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    if let [b's', b'e', b'p', b'=', delimiter, b'\r' | b'\n', ..] = bare {
        let line = beginning.iter().position(|byte| *byte == b'\n');
        return Dialect {
            delimiter: *delimiter,
            preamble: line.map_or(0, |at| at + 1),
        };
    }
    let lines = lines_outside_quotes(bare);
    let score = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| fields(line, delimiter)).collect();
        let most = counts.iter().copied().max().unwrap_or(1);
        let alike = counts.iter().filter(|count| **count == most).count();
        if most > 1 { alike * most.min(50) } else { 0 }
    };
    let mut best = (0, b',');
    for delimiter in DELIMITERS {
        let score = score(delimiter);
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    Dialect {
        delimiter: best.1,
        preamble: 0,
    }
}

/// The first lines, where a line break within quotes ends none.
fn lines_outside_quotes(bytes: &[u8]) -> Vec<&[u8]> {
    let mut quoted = false;
    let mut lines = bytes.split(|byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == b'\n'
    });
    let mut found = Vec::new();
    while found.len() < LOOKED_AT {
        match lines.next() {
            Some(line) if line.trim_ascii().is_empty() => {}
            Some(line) => found.push(line),
            None => break,
        }
    }
    found
}

/// The number of fields of a line.
fn fields(line: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    let parts = line.iter().filter(|byte| {
        quoted ^= **byte == b'"';
        !quoted && **byte == delimiter
    });
    parts.count() + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_delimiter_is_found_among_decimal_commas_and_quotes() {
        for (text, delimiter) in [
            ("client,date,amount\nA,2026-05-01,10\n", b','),
            (
                "Клиент;Сумма;Дата\nА;1 234,56;01.05.2026\nБ;0,5;02.05.2026\n",
                b';',
            ),
            ("client\tdate\tamount\nA, B\t2026-05-01\t1,5\n", b'\t'),
            ("a;b\n\"x,y,z,w\";1\n\"x,y,z,w\";2\n", b';'),
            ("name,note\n\"A; B; C\",x\n", b','),
            ("client|date|amount\nA|2026-05-01|10\n", b'|'),
            ("one column\nvalue\n", b','),
        ] {
            assert_eq!(sniff(text.as_bytes()).delimiter, delimiter, "{text}");
        }
    }

    #[test]
    fn a_line_that_names_the_delimiter_is_believed_and_left_out() {
        let dialect = sniff("\u{feff}sep=;\r\na,b;c\r\n".as_bytes());
        assert_eq!(
            dialect,
            Dialect {
                delimiter: b';',
                preamble: 10
            }
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            sniff(&bytes);
        }
    }
}

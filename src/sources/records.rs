//! Records of a delimited file, in bounded memory and with recovery.
//!
//! What is done here and not by a ready reader: a line of a gigabyte costs a buffer of a megabyte,
//! and a quote that nobody closed costs its own line instead of the rest of the file.

use std::io::{self, Read};

use csv_core::ReadRecordResult;

use super::scan::TextEncoding;

/// The longest record, in bytes; real ones have a few hundred.
const LONGEST_RECORD: usize = 1024 * 1024;
/// The most columns.
const MOST_COLUMNS: usize = 1_000;
/// Bytes asked for at once.
const CHUNK: usize = 128 * 1024;

/// One record, decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// The line of the file on which it begins, from 1.
    pub(super) line: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at `index`; empty beyond the last one.
    pub(super) fn field(&self, index: usize) -> &'a str {
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..*end]
    }

    /// All fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'a str> {
        let record = *self;
        (0..record.len()).map(move |index| record.field(index))
    }
}

/// A record that cannot be taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// The line on which it begins.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) reason: &'static str,
}

/// Reads records one by one.
pub(super) struct Records<R> {
    input: R,
    parser: csv_core::Reader,
    delimiter: u8,
    encoding: TextEncoding,
    /// Bytes from the file; those of the current record stay until it is done.
    buffer: Vec<u8>,
    start: usize,
    position: usize,
    filled: usize,
    /// The line at `start`.
    line: u64,
    bytes_taken: u64,
    output: Vec<u8>,
    ends: Vec<usize>,
    decoded: String,
    decoded_ends: Vec<usize>,
}

/// How far the parser came.
enum Step {
    Record { bytes: usize, fields: usize },
    End,
    TooLong,
}

impl<R: Read> Records<R> {
    /// Reads `input` with fields parted by `delimiter`.
    pub(super) fn new(input: R, delimiter: u8, encoding: TextEncoding) -> Self {
        Self {
            input,
            parser: parser(delimiter),
            delimiter,
            encoding,
            buffer: vec![0; CHUNK],
            start: 0,
            position: 0,
            filled: 0,
            line: 1,
            bytes_taken: 0,
            output: vec![0; 4 * 1024],
            ends: vec![0; 64],
            decoded: String::new(),
            decoded_ends: Vec::new(),
        }
    }

    /// Bytes of the file that have been read so far.
    pub(super) fn bytes_taken(&self) -> u64 {
        self.bytes_taken
    }

    /// The next record; nothing at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Record<'_>, Unreadable>>> {
        self.start = self.position;
        let (bytes, fields) = match self.step()? {
            Step::End => return Ok(None),
            Step::TooLong => {
                let line = self.line;
                self.skip_one_line()?;
                return Ok(Some(Err(Unreadable {
                    line,
                    reason: "the row is longer than a megabyte or has more than 1000 columns: \
                             is a quote not closed?",
                })));
            }
            Step::Record { bytes, fields } => (bytes, fields),
        };
        let raw = &self.buffer[self.start..self.position];
        // Blank lines before the record are skipped by the parser without a word.
        let blank = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let line = self.line + newlines(&raw[..blank.count()]);
        self.line += newlines(raw);
        if !self.decode(bytes, fields) {
            return Ok(Some(Err(Unreadable {
                line,
                reason: "the row is not valid UTF-8",
            })));
        }
        Ok(Some(Ok(Record {
            line,
            text: &self.decoded,
            ends: &self.decoded_ends,
        })))
    }

    /// Goes back to the second line of the record that was read last.
    ///
    /// Returns false, and does nothing, when the record had only one line.
    pub(super) fn resume_after_first_line(&mut self) -> bool {
        let raw = &self.buffer[self.start..self.position];
        let blank = raw
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let Some(newline) = raw[blank..].iter().position(|byte| *byte == b'\n') else {
            return false;
        };
        let second_line = self.start + blank + newline + 1;
        if second_line >= self.position {
            return false;
        }
        self.line -= newlines(&self.buffer[second_line..self.position]);
        self.position = second_line;
        self.parser = parser(self.delimiter);
        true
    }

    /// Runs the parser until it has a record, reading on as it asks for it.
    fn step(&mut self) -> io::Result<Step> {
        let (mut bytes, mut fields) = (0, 0);
        loop {
            // No input means the end to the parser.
            if self.position == self.filled {
                self.fill()?;
            }
            let (result, taken, written, ended) = self.parser.read_record(
                &self.buffer[self.position..self.filled],
                &mut self.output[bytes..],
                &mut self.ends[fields..],
            );
            self.position += taken;
            bytes += written;
            fields += ended;
            match result {
                ReadRecordResult::Record => return Ok(Step::Record { bytes, fields }),
                ReadRecordResult::End => return Ok(Step::End),
                ReadRecordResult::OutputFull if bytes >= LONGEST_RECORD => {
                    return Ok(Step::TooLong);
                }
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if fields >= MOST_COLUMNS => {
                    return Ok(Step::TooLong);
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty if self.position - self.start > LONGEST_RECORD => {
                    return Ok(Step::TooLong);
                }
                ReadRecordResult::InputEmpty => {}
            }
        }
    }

    /// Reads on from the file, keeping the bytes of the current record.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.position -= self.start;
        self.filled -= self.start;
        self.start = 0;
        if self.buffer.len() - self.filled < CHUNK / 2 {
            self.buffer.resize(self.filled + CHUNK, 0);
        }
        let read = read_some(&mut self.input, &mut self.buffer[self.filled..])?;
        self.filled += read;
        self.bytes_taken += read as u64;
        Ok(())
    }

    /// Leaves out the first line of the record at `start` and begins anew behind it.
    fn skip_one_line(&mut self) -> io::Result<()> {
        self.position = self.start;
        loop {
            let ahead = &self.buffer[self.position..self.filled];
            if let Some(newline) = memchr::memchr(b'\n', ahead) {
                self.position += newline + 1;
                self.line += 1;
                break;
            }
            self.start = self.filled;
            self.position = self.filled;
            let before = self.bytes_taken;
            self.fill()?;
            if self.bytes_taken == before {
                break;
            }
        }
        self.parser = parser(self.delimiter);
        Ok(())
    }

    /// Makes text of the bytes of a record; false when they are none.
    fn decode(&mut self, bytes: usize, fields: usize) -> bool {
        self.decoded.clear();
        self.decoded_ends.clear();
        let output = &self.output[..bytes];
        match self.encoding {
            TextEncoding::Utf8 => match std::str::from_utf8(output) {
                Ok(text) => {
                    self.decoded.push_str(text);
                    self.decoded_ends.extend_from_slice(&self.ends[..fields]);
                }
                Err(_) => return false,
            },
            TextEncoding::Windows1251 => {
                let mut start = 0;
                for end in &self.ends[..fields] {
                    let field = &output[start..*end];
                    let text = encoding_rs::WINDOWS_1251
                        .decode_without_bom_handling(field)
                        .0;
                    self.decoded.push_str(&text);
                    self.decoded_ends.push(self.decoded.len());
                    start = *end;
                }
            }
        }
        // Fields are slices of one text: their ends must lie between letters.
        self.decoded_ends
            .iter()
            .all(|end| self.decoded.is_char_boundary(*end))
    }
}

fn parser(delimiter: u8) -> csv_core::Reader {
    csv_core::ReaderBuilder::new().delimiter(delimiter).build()
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    type Row = (u64, Vec<String>);

    fn read(bytes: &[u8], encoding: TextEncoding) -> (Vec<Row>, Vec<Unreadable>) {
        let mut records = Records::new(bytes, b';', encoding);
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        while let Some(record) = records.next().unwrap() {
            match record {
                Ok(record) => {
                    rows.push((record.line, record.fields().map(str::to_owned).collect()));
                }
                Err(unreadable) => bad.push(unreadable),
            }
        }
        (rows, bad)
    }

    fn row(line: u64, fields: &[&str]) -> Row {
        (
            line,
            fields.iter().map(|field| (*field).to_owned()).collect(),
        )
    }

    #[test]
    fn records_know_their_line_through_blank_lines_and_quoted_breaks() {
        let text = "\u{feff}a;b\r\n\r\n1;\"x\ny\"\r\n2;\"say \"\"hi\"\"\"\n\n3;z";
        let (rows, bad) = read(text.as_bytes(), TextEncoding::Utf8);
        assert_eq!(
            rows,
            [
                row(1, &["a", "b"]),
                row(3, &["1", "x\ny"]),
                row(5, &["2", "say \"hi\""]),
                row(7, &["3", "z"]),
            ]
        );
        assert!(bad.is_empty());
    }

    #[test]
    fn windows_1251_is_decoded_field_by_field() {
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode("Клиент;Сумма\nООО «Ромашка»;1\n");
        let (rows, _) = read(&bytes, TextEncoding::Windows1251);
        assert_eq!(
            rows,
            [
                row(1, &["Клиент", "Сумма"]),
                row(2, &["ООО «Ромашка»", "1"])
            ]
        );
    }

    #[test]
    fn a_broken_letter_costs_its_own_row_only() {
        let (rows, bad) = read(b"a;b\n\xff;1\nc;2\n", TextEncoding::Utf8);
        assert_eq!(rows, [row(1, &["a", "b"]), row(3, &["c", "2"])]);
        assert_eq!(bad[0].line, 2);
    }

    #[test]
    fn a_line_of_many_megabytes_costs_its_own_row_and_little_memory() {
        let mut bytes = b"a;b\n1;".to_vec();
        bytes.resize(40 * 1024 * 1024, b'x');
        bytes.extend_from_slice(b"\n2;y\n");
        let mut records = Records::new(bytes.as_slice(), b';', TextEncoding::Utf8);
        assert!(records.next().unwrap().unwrap().is_ok());
        assert_eq!(records.next().unwrap().unwrap().unwrap_err().line, 2);
        let last = records.next().unwrap().unwrap().unwrap();
        assert_eq!((last.line, last.field(1)), (3, "y"));
        assert!(records.next().unwrap().is_none());
        assert!(
            records.buffer.len() < 4 * LONGEST_RECORD,
            "{}",
            records.buffer.len()
        );
        assert!(
            records.output.len() < 4 * LONGEST_RECORD,
            "{}",
            records.output.len()
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_own_line_and_not_the_file() {
        let mut text = String::from("a;b\n1;\"open\n");
        for number in 0..200_000 {
            writeln!(text, "{number};fine").unwrap();
        }
        let (rows, bad) = read(text.as_bytes(), TextEncoding::Utf8);
        assert_eq!(bad.len(), 1);
        assert_eq!(bad[0].line, 2);
        assert_eq!(rows.len(), 200_001);
        assert_eq!(rows[1], row(3, &["0", "fine"]));
        assert_eq!(rows.last().unwrap().0, 200_002);
    }

    #[test]
    fn too_many_columns_cost_their_own_row() {
        let wide = ";".repeat(5_000);
        let (rows, bad) = read(format!("a;b\n{wide}\n1;2\n").as_bytes(), TextEncoding::Utf8);
        assert_eq!(rows, [row(1, &["a", "b"]), row(3, &["1", "2"])]);
        assert_eq!(bad.len(), 1);
    }

    #[test]
    fn reading_can_resume_behind_the_first_line_of_a_record() {
        let text = "a;b\n1;\"x\n2;y\n3;\"z\n4;w\n";
        let mut records = Records::new(text.as_bytes(), b';', TextEncoding::Utf8);
        assert!(!{
            records.next().unwrap();
            records.resume_after_first_line()
        });
        let swallowed = records.next().unwrap().unwrap().unwrap();
        assert_eq!((swallowed.line, swallowed.len()), (2, 2));
        assert!(records.resume_after_first_line());
        let next = records.next().unwrap().unwrap().unwrap();
        assert_eq!((next.line, next.field(0), next.field(1)), (3, "2", "y"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_or_loop(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'"'), Just(b';'), Just(b'\n'), Just(b'\r'), any::<u8>()],
                0..400,
            ),
        ) {
            for encoding in [TextEncoding::Utf8, TextEncoding::Windows1251] {
                let mut records = Records::new(bytes.as_slice(), b';', encoding);
                let mut n_records = 0;
                while let Some(record) = records.next().unwrap() {
                    if let Ok(record) = record {
                        prop_assert!(record.fields().count() == record.len());
                    }
                    n_records += 1;
                    prop_assert!(n_records <= bytes.len() + 1);
                }
            }
        }
    }
}

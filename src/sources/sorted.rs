//! Sorting more records than memory holds: runs in temporary files, merged on the way out.
//!
//! Facts must reach the database in the order of its keys, whatever the order of the file: that is
//! what makes a shuffled file give the same tables and a large one cost little. A record is a key,
//! compared byte by byte, and a value. The files have no name, so a killed process leaves nothing.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of records and their index that are kept in memory before they go to a file.
const BUDGET: usize = 48 * 1024 * 1024;
/// Bytes read ahead in each run while they are merged.
const READ_AHEAD: usize = 128 * 1024;

/// A key that compares byte by byte as its parts do.
///
/// Texts end with a zero byte, which no accepted text holds, so that "a" comes before "aa" whatever
/// follows.
#[derive(Debug, Default)]
pub(super) struct Key(Vec<u8>);

impl Key {
    /// Begins a key anew, keeping its memory.
    pub(super) fn restart(&mut self) -> &mut Self {
        self.0.clear();
        self
    }

    /// The key so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds a text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    /// Adds a number.
    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        // With the sign bit turned over, negative numbers come first.
        let ordered = (number as u64) ^ (1 << 63);
        self.0.extend_from_slice(&ordered.to_be_bytes());
        self
    }

    /// Adds a text that may be missing; missing comes first.
    pub(super) fn optional_text(&mut self, text: Option<&str>) -> &mut Self {
        self.0.push(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
        self
    }
}

/// Where a record lies in the arena.
struct Entry {
    /// The first bytes of the key: most comparisons need no more.
    prefix: u64,
    start: usize,
    key_len: u32,
    len: u32,
}

/// Takes records in any order.
pub(super) struct Sorter<T> {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<File>,
    budget: usize,
    n_records: u64,
    values: PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned> Sorter<T> {
    /// An empty sorter.
    pub(super) fn new() -> Self {
        Self::with_budget(BUDGET)
    }

    fn with_budget(budget: usize) -> Self {
        Self {
            arena: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            budget,
            n_records: 0,
            values: PhantomData,
        }
    }

    /// How many records it has taken.
    pub(super) fn len(&self) -> u64 {
        self.n_records
    }

    /// Takes a record.
    pub(super) fn push(&mut self, key: &Key, value: &T) -> io::Result<()> {
        let start = self.arena.len();
        self.arena.extend_from_slice(&key.0);
        self.arena = postcard::to_extend(value, std::mem::take(&mut self.arena))
            .map_err(io::Error::other)?;
        self.entries.push(Entry {
            prefix: prefix(&key.0),
            start,
            key_len: key.0.len() as u32,
            len: (self.arena.len() - start) as u32,
        });
        self.n_records += 1;
        if self.arena.len() + self.entries.len() * size_of::<Entry>() > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// The records in the order of their keys.
    pub(super) fn finish(mut self) -> io::Result<Sorted<T>> {
        if self.runs.is_empty() {
            self.sort();
            let records = Records::Memory {
                arena: self.arena,
                entries: self.entries.into_iter(),
            };
            return Ok(Sorted {
                records,
                values: PhantomData,
            });
        }
        self.spill()?;
        drop((self.arena, self.entries));
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        for run in self.runs {
            let mut head = Head::new(run);
            if head.advance()? {
                heads.push(Reverse(head));
            }
        }
        Ok(Sorted {
            records: Records::Runs(heads),
            values: PhantomData,
        })
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        let bytes = |entry: &Entry| &arena[entry.start..entry.start + entry.len as usize];
        self.entries.sort_unstable_by(|a, b| {
            let by_key = || {
                let (a_key, b_key) = (a.key_len as usize, b.key_len as usize);
                bytes(a)[..a_key]
                    .cmp(&bytes(b)[..b_key])
                    // Equal keys: by value, so that the order never depends on the file's.
                    .then_with(|| bytes(a)[a_key..].cmp(&bytes(b)[b_key..]))
            };
            a.prefix.cmp(&b.prefix).then_with(by_key)
        });
    }

    /// Sorts what is in memory and writes it to a file of its own.
    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let mut writer = BufWriter::with_capacity(READ_AHEAD, tempfile::tempfile()?);
        for entry in self.entries.drain(..) {
            writer.write_all(&entry.key_len.to_le_bytes())?;
            writer.write_all(&entry.len.to_le_bytes())?;
            writer.write_all(&self.arena[entry.start..entry.start + entry.len as usize])?;
        }
        self.arena.clear();
        let mut file = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.runs.push(file);
        Ok(())
    }
}

/// The first eight bytes of a key as a number that compares as they do.
fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = key.len().min(8);
    bytes[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(bytes)
}

/// Gives records in the order of their keys.
pub(super) struct Sorted<T> {
    records: Records,
    values: PhantomData<fn() -> T>,
}

enum Records {
    Memory {
        arena: Vec<u8>,
        entries: std::vec::IntoIter<Entry>,
    },
    Runs(BinaryHeap<Reverse<Head>>),
}

impl<T: DeserializeOwned> Sorted<T> {
    /// The next record's value; nothing at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<T>> {
        match &mut self.records {
            Records::Memory { arena, entries } => {
                let Some(entry) = entries.next() else {
                    return Ok(None);
                };
                let end = entry.start + entry.len as usize;
                decode(&arena[entry.start + entry.key_len as usize..end]).map(Some)
            }
            Records::Runs(heads) => {
                let Some(mut smallest) = heads.peek_mut() else {
                    return Ok(None);
                };
                let Reverse(head) = &mut *smallest;
                let value = decode(&head.record[head.key_len..])?;
                if !head.advance()? {
                    PeekMut::pop(smallest);
                }
                Ok(Some(value))
            }
        }
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(io::Error::other)
}

/// The next record of a run.
struct Head {
    run: BufReader<File>,
    record: Vec<u8>,
    key_len: usize,
}

impl Head {
    fn new(run: File) -> Self {
        Self {
            run: BufReader::with_capacity(READ_AHEAD, run),
            record: Vec::new(),
            key_len: 0,
        }
    }

    /// Reads the next record; false at the end of the run.
    fn advance(&mut self) -> io::Result<bool> {
        let mut lengths = [0; 8];
        match self.run.read_exact(&mut lengths) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        // The length of the key in the low half, that of the record in the high one.
        let lengths = u64::from_le_bytes(lengths);
        self.key_len = (lengths & u64::from(u32::MAX)) as usize;
        self.record.resize((lengths >> 32) as usize, 0);
        self.run.read_exact(&mut self.record)?;
        Ok(true)
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = self.record[..self.key_len].cmp(&other.record[..other.key_len]);
        key.then_with(|| self.record.cmp(&other.record))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(records: &[(String, i64)], budget: usize) -> Vec<(String, i64)> {
        let mut sorter = Sorter::with_budget(budget);
        let mut key = Key::default();
        for record in records {
            key.restart().text(&record.0).number(record.1);
            sorter.push(&key, record).unwrap();
        }
        assert_eq!(sorter.len(), records.len() as u64);
        let mut sorted = sorter.finish().unwrap();
        let mut found = Vec::new();
        while let Some(record) = sorted.next().unwrap() {
            found.push(record);
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn records_come_out_in_order_from_memory_and_from_files_alike(
            records in proptest::collection::vec(("[ab]{0,12}", any::<i64>()), 0..200),
        ) {
            let mut expected = records.clone();
            expected.sort();
            prop_assert_eq!(&sorted(&records, usize::MAX), &expected);
            prop_assert_eq!(&sorted(&records, 600), &expected);
        }
    }

    #[test]
    fn equal_keys_come_out_in_an_order_that_depends_on_their_values_alone() {
        let mut orders = Vec::new();
        for records in [[3, 1, 2], [2, 3, 1]] {
            for budget in [usize::MAX, 1] {
                let mut sorter = Sorter::<u8>::with_budget(budget);
                for value in records {
                    sorter.push(&Key::default(), &value).unwrap();
                }
                let mut sorted = sorter.finish().unwrap();
                orders.push([(); 3].map(|()| sorted.next().unwrap().unwrap()));
            }
        }
        assert_eq!(orders, [[1, 2, 3]; 4]);
    }
}

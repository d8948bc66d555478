//! The facts of a source, sorted and without duplicates, handed out in batches.

use std::collections::HashMap;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SourceError;
use super::cells::bad_row;
use super::files::{Opened, OpenedFile};
use super::header::Slot;
use super::kinds::{
    Amounts, ClientRows, ConsentRows, ContactRows, DealRows, ManagerRows, PurchaseRow,
    PurchaseRows, Rows, SuppressionRows, VisitRows, assemble,
};
use super::merges::Merges;
use super::reading::{ReadProgress, Reading, RowCounts};
use super::rejects::{BadRow, RejectReport, Rejects};
use super::sorted::{Key, Sorted, Sorter};
use super::unique::{Lined, last_of_each};
use super::values::{BadValue, Ground};
use crate::config::settings::FactKind;
use crate::model::{
    ClientFact, ConsentFact, ContactFact, DealFact, ManagerFact, PurchaseFact, SuppressionFact,
    VisitFact,
};

/// The most rows that one purchase may have.
const MOST_LINES: usize = 10_000;

/// All facts of a source, each kind in the order of its ids or of its clients.
///
/// A kind that has no file, or none that can be read, is missing.
#[derive(Default)]
pub struct SourceFacts {
    /// By id.
    pub managers: Option<Facts<ManagerFact>>,
    /// By id.
    pub clients: Option<Facts<ClientFact>>,
    /// By client.
    pub contacts: Option<Facts<ContactFact>>,
    /// By client and day.
    pub purchases: Option<Facts<PurchaseFact>>,
    /// By id.
    pub deals: Option<Facts<DealFact>>,
    /// By client and day.
    pub visits: Option<Facts<VisitFact>>,
    /// By client.
    pub consents: Option<Facts<ConsentFact>>,
    /// By address.
    pub suppressions: Option<Facts<SuppressionFact>>,
}

impl SourceFacts {
    /// How many facts of a kind there are, duplicates included; nothing where the kind is missing.
    pub fn expected(&self, kind: FactKind) -> Option<u64> {
        match kind {
            FactKind::Managers => self.managers.as_ref().map(Facts::expected),
            FactKind::Clients => self.clients.as_ref().map(Facts::expected),
            FactKind::Contacts => self.contacts.as_ref().map(Facts::expected),
            FactKind::Purchases => self.purchases.as_ref().map(Facts::expected),
            FactKind::Deals => self.deals.as_ref().map(Facts::expected),
            FactKind::Visits => self.visits.as_ref().map(Facts::expected),
            FactKind::Consents => self.consents.as_ref().map(Facts::expected),
            FactKind::Suppressions => self.suppressions.as_ref().map(Facts::expected),
        }
    }
}

/// What hands out the next fact.
pub(super) type Next<T> = Box<dyn FnMut(&mut Rejects) -> Result<Option<T>, SourceError> + Send>;

/// The facts of one file.
pub struct Facts<T> {
    kind: FactKind,
    file: String,
    counts: RowCounts,
    expected: u64,
    taken: u64,
    next: Next<T>,
    rejects: Rejects,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// What the file holds.
    pub kind: FactKind,
    /// The file, without its folder.
    pub file: String,
    /// Rows that are not blank.
    pub rows: u64,
    /// Facts that were handed out.
    pub taken: u64,
    /// Rows that are no fact and rightly so, such as unpaid orders.
    pub skipped: u64,
    /// What could not be taken.
    pub rejects: RejectReport,
}

impl<T> Facts<T> {
    /// Facts made of these; what `make` gives up is left out.
    fn filter_map<U>(
        self,
        mut make: impl FnMut(T, &mut Rejects) -> Result<Option<U>, SourceError> + Send + 'static,
    ) -> Facts<U>
    where
        T: 'static,
    {
        let mut next = self.next;
        Facts {
            kind: self.kind,
            file: self.file,
            counts: self.counts,
            expected: self.expected,
            taken: self.taken,
            rejects: self.rejects,
            next: Box::new(move |rejects| {
                while let Some(fact) = next(rejects)? {
                    let made = make(fact, rejects)?;
                    if made.is_some() {
                        return Ok(made);
                    }
                }
                Ok(None)
            }),
        }
    }

    /// What they are about.
    pub fn kind(&self) -> FactKind {
        self.kind
    }

    /// How many facts there are, duplicates included.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// The next facts, at most `most`; none at the end.
    pub fn next_batch(&mut self, most: usize) -> Result<Vec<T>, SourceError> {
        let mut batch = Vec::with_capacity(most.min(self.expected as usize + 1));
        while batch.len() < most {
            let next = (self.next)(&mut self.rejects)?;
            let Some(fact) = next else { break };
            batch.push(fact);
        }
        self.taken += batch.len() as u64;
        Ok(batch)
    }

    /// Closes the list of rejects and tells what became of the file.
    pub fn finish(self) -> Result<FileReport, SourceError> {
        Ok(FileReport {
            kind: self.kind,
            file: self.file,
            rows: self.counts.rows,
            taken: self.taken,
            skipped: self.counts.skipped,
            rejects: self.rejects.finish()?,
        })
    }
}

impl Opened {
    /// Reads every row of every file.
    ///
    /// `managers` are the ids of known managers by their names in lower case. What cannot be taken
    /// is written to `rejects_folder`. A file that stops being readable in the
    /// middle is an error: half a file looks like a shrunken one.
    pub fn read(
        self,
        ground: &Ground,
        managers: HashMap<String, String>,
        rejects_folder: &std::path::Path,
        progress: &(dyn Fn(ReadProgress) + Sync),
    ) -> Result<SourceFacts, SourceError> {
        let mut reading = Reading {
            ground,
            rejects_folder,
            source: &self.name,
            managers,
            progress,
        };
        let mut facts = SourceFacts::default();
        for file in &self.files {
            match file.kind {
                FactKind::Managers => facts.managers = Some(reading.managers(file)?),
                FactKind::Clients => facts.clients = Some(reading.clients(file)?),
                FactKind::Contacts => facts.contacts = Some(reading.contacts(file)?),
                FactKind::Purchases => facts.purchases = Some(reading.purchases(file)?),
                FactKind::Deals => facts.deals = Some(reading.deals(file)?),
                FactKind::Visits => facts.visits = Some(reading.visits(file)?),
                FactKind::Consents => facts.consents = Some(reading.consents(file)?),
                FactKind::Suppressions => facts.suppressions = Some(reading.suppressions(file)?),
            }
        }
        Ok(facts)
    }
}

impl Reading<'_> {
    fn managers(&mut self, file: &OpenedFile) -> Result<Facts<ManagerFact>, SourceError> {
        let mut names = Vec::new();
        let facts = self.unique::<ManagerRows, _>(file, "id", |manager, key| {
            names.push((manager.name.to_lowercase(), manager.id.clone()));
            key.text(&manager.id);
        })?;
        self.managers.extend(names);
        Ok(facts)
    }

    fn clients(&self, file: &OpenedFile) -> Result<Facts<ClientFact>, SourceError> {
        let mut merges = Merges::default();
        let clients = self.unique_lined::<ClientRows, _>(file, "id", |client, key| {
            merges.note(client);
            key.text(&client.id);
        })?;
        let column = file.header.slot("merged_into");
        Ok(
            clients.filter_map(move |(line, client), rejects| match merges.wrong(&client) {
                None => Ok(Some(client)),
                Some(bad) => {
                    let into = client.merged_into.as_deref().unwrap_or_default();
                    rejects.row(line, bad_row(&column, into, bad))?;
                    Ok(None)
                }
            }),
        )
    }

    fn contacts(&self, file: &OpenedFile) -> Result<Facts<ContactFact>, SourceError> {
        self.unique::<ContactRows, _>(file, "id", |contact, key| {
            key.text(&contact.client).text(&contact.id);
        })
    }

    fn deals(&self, file: &OpenedFile) -> Result<Facts<DealFact>, SourceError> {
        self.unique::<DealRows, _>(file, "id", |deal, key| {
            key.text(&deal.id);
        })
    }

    fn consents(&self, file: &OpenedFile) -> Result<Facts<ConsentFact>, SourceError> {
        self.unique::<ConsentRows, _>(file, "client", |consent, key| {
            let given = consent
                .given
                .map_or(i64::MIN, |day| day.epoch_days().into());
            key.text(&consent.client).number(consent.channel as i64);
            key.number(consent.class as i64).number(given);
        })
    }

    /// Suppressions may repeat one another: the database keeps each once.
    fn suppressions(&self, file: &OpenedFile) -> Result<Facts<SuppressionFact>, SourceError> {
        let mut rejects = self.rejects(file)?;
        let mut sorter = Sorter::new();
        let mut key = Key::default();
        let reader = SuppressionRows::of(&file.header);
        let counts = self.rows(file, &reader, &mut rejects, |_, facts| {
            for fact in facts {
                key.restart()
                    .text(&fact.address)
                    .number(fact.channel as i64);
                sorter.push(&key, &fact)?;
            }
            Ok(())
        })?;
        let expected = sorter.len();
        let mut sorted = sorter.finish().map_err(SourceError::Temporary)?;
        let next: Next<SuppressionFact> =
            Box::new(move |_| sorted.next().map_err(SourceError::Temporary));
        Ok(facts(file, counts, expected, next, rejects))
    }

    fn visits(&self, file: &OpenedFile) -> Result<Facts<VisitFact>, SourceError> {
        let mut rejects = self.rejects(file)?;
        let mut sorter = Sorter::new();
        let mut key = Key::default();
        let reader = VisitRows::of(&file.header);
        let counts = self.rows(file, &reader, &mut rejects, |_, fact| {
            key.restart()
                .text(&fact.client)
                .number(fact.day.epoch_days().into());
            key.optional_text(fact.page.as_deref());
            sorter.push(&key, &fact)
        })?;
        let expected = sorter.len();
        let mut sorted = sorter.finish().map_err(SourceError::Temporary)?;
        let mut before: Option<VisitFact> = None;
        let mut nth = 0;
        let next: Next<VisitFact> = Box::new(move |_| {
            let Some(mut visit) = sorted.next().map_err(SourceError::Temporary)? else {
                return Ok(None);
            };
            nth = if before.as_ref() == Some(&visit) {
                nth + 1
            } else {
                1
            };
            before = Some(visit.clone());
            visit.key = format!("{}~{nth}", visit.page.as_deref().unwrap_or_default());
            Ok(Some(visit))
        });
        Ok(facts(file, counts, expected, next, rejects))
    }

    fn purchases(&self, file: &OpenedFile) -> Result<Facts<PurchaseFact>, SourceError> {
        let mut rejects = self.rejects(file)?;
        let mut by_id = Sorter::new();
        let mut by_client = Sorter::new();
        let mut key = Key::default();
        let reader = PurchaseRows::of(&file.header);
        let has_ids = reader.has_ids();
        let counts = self.rows(file, &reader, &mut rejects, |line, row| {
            match &row.id {
                Some(id) if has_ids => {
                    key.restart().text(id).number(line as i64);
                    by_id.push(&key, &row)
                }
                // A row without an id has all that makes a purchase: the reader has seen to it.
                _ => row.alone().map_or(Ok(()), |purchase| {
                    purchase_key(&mut key, &purchase);
                    by_client.push(&key, &purchase)
                }),
            }
        })?;
        let by_id = by_id.finish().map_err(SourceError::Temporary)?;
        let slot = file.header.slot("id");
        put_together(by_id, reader.amounts(), &slot, &mut rejects, |purchase| {
            purchase_key(&mut key, &purchase);
            by_client.push(&key, &purchase)
        })?;
        let expected = by_client.len();
        let sorted = by_client.finish().map_err(SourceError::Temporary)?;
        Ok(facts(file, counts, expected, numbered(sorted), rejects))
    }

    /// Reads a kind whose facts have an id: of rows with the same one the last counts.
    fn unique<K, F>(
        &self,
        file: &OpenedFile,
        id_column: &'static str,
        key_of: impl FnMut(&F, &mut Key),
    ) -> Result<Facts<F>, SourceError>
    where
        K: Rows<Fact = F>,
        F: Serialize + DeserializeOwned + Send + 'static,
    {
        let lined = self.unique_lined::<K, F>(file, id_column, key_of)?;
        Ok(lined.filter_map(|(_, fact), _| Ok(Some(fact))))
    }

    /// As [`Self::unique`], with the line of each fact.
    fn unique_lined<K, F>(
        &self,
        file: &OpenedFile,
        id_column: &'static str,
        mut key_of: impl FnMut(&F, &mut Key),
    ) -> Result<Facts<Lined<F>>, SourceError>
    where
        K: Rows<Fact = F>,
        F: Serialize + DeserializeOwned + Send + 'static,
    {
        let mut rejects = self.rejects(file)?;
        let mut sorter = Sorter::<(Vec<u8>, Lined<F>)>::new();
        let mut key = Key::default();
        let reader = K::of(&file.header);
        let counts = self.rows(file, &reader, &mut rejects, |line, fact| {
            key_of(&fact, key.restart());
            let id = key.bytes().to_vec();
            key.number(line as i64);
            sorter.push(&key, &(id, (line, fact)))
        })?;
        let expected = sorter.len();
        let sorted = sorter.finish().map_err(SourceError::Temporary)?;
        let next = last_of_each(sorted, file.header.slot(id_column));
        Ok(facts(file, counts, expected, next, rejects))
    }
}

fn facts<T>(
    file: &OpenedFile,
    counts: RowCounts,
    expected: u64,
    next: Next<T>,
    rejects: Rejects,
) -> Facts<T> {
    Facts {
        kind: file.kind,
        file: file.title.clone(),
        counts,
        expected,
        taken: 0,
        next,
        rejects,
    }
}

/// The order in which purchases reach the database, and in which identical ones are numbered: it
/// depends on what the rows say and not on where they stand.
fn purchase_key(key: &mut Key, purchase: &PurchaseFact) {
    key.restart()
        .text(&purchase.client)
        .number(purchase.day.epoch_days().into())
        .optional_text(Some(purchase.key.as_str()).filter(|id| !id.is_empty()))
        .number(purchase.amount)
        .optional_text(purchase.cancels.as_deref())
        .optional_text(purchase.promo.as_deref());
}

/// Gives purchases without an id theirs: `~amount~n` for the n-th identical row.
fn numbered(mut sorted: Sorted<PurchaseFact>) -> Next<PurchaseFact> {
    let mut before = (String::new(), 0, 0);
    let mut nth = 0;
    Box::new(move |_| {
        let Some(mut purchase) = sorted.next().map_err(SourceError::Temporary)? else {
            return Ok(None);
        };
        if purchase.key.is_empty() {
            let (client, day, amount) = (&before.0, before.1, before.2);
            let place = (purchase.day.epoch_days(), purchase.amount);
            if *client == purchase.client && (day, amount) == place {
                nth += 1;
            } else {
                before.0.clone_from(&purchase.client);
                (before.1, before.2) = place;
                nth = 1;
            }
            purchase.key = format!("~{}~{nth}", purchase.amount);
        }
        Ok(Some(purchase))
    })
}

/// Makes purchases of rows in the order of ids and lines.
fn put_together(
    mut rows: Sorted<PurchaseRow>,
    amounts: Amounts,
    id: &Slot,
    rejects: &mut Rejects,
    mut take: impl FnMut(PurchaseFact) -> io::Result<()>,
) -> Result<(), SourceError> {
    let mut group: Vec<PurchaseRow> = Vec::new();
    loop {
        let row = rows.next().map_err(SourceError::Temporary)?;
        let same = match (&row, group.last()) {
            (Some(row), Some(last)) => row.id == last.id,
            _ => false,
        };
        if !same && !group.is_empty() {
            let mut written = Ok(());
            let reject = |row: &PurchaseRow, bad: BadValue| {
                let value = row.id.clone().unwrap_or_default();
                let column = id.title.clone();
                let noted = rejects.row(row.line, BadRow { column, value, bad });
                if written.is_ok() {
                    written = noted;
                }
            };
            if let Some(purchase) = assemble(std::mem::take(&mut group), amounts, reject) {
                take(purchase).map_err(SourceError::Temporary)?;
            }
            written?;
        }
        let Some(row) = row else { return Ok(()) };
        if group.len() < MOST_LINES {
            group.push(row);
        } else {
            let bad = BadValue::new("is shared by more than 10000 rows", "is it an id at all?");
            let value = row.id.clone().unwrap_or_default();
            let column = id.title.clone();
            rejects.row(row.line, BadRow { column, value, bad })?;
        }
    }
}

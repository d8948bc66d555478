//! The facts of a world, written as the files that a company would have.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rekindle::model::Day;

use super::{World, day};

/// A client of a world.
#[derive(Clone, Debug)]
struct Person {
    email: String,
    phone: String,
    manager: String,
    birthday: String,
}

/// What lies in the files of the source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    people: BTreeMap<String, Person>,
    purchases: Vec<String>,
    deals: BTreeMap<String, String>,
    consents: Vec<String>,
    suppressions: Vec<String>,
    visits: Vec<String>,
}

impl Files {
    /// Writes every file that holds something.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).expect("a folder");
        let people: Vec<String> = self
            .people
            .iter()
            .map(|(id, one)| {
                let Person {
                    email,
                    phone,
                    manager,
                    birthday,
                } = one;
                format!("{id},{id},{email},{phone},{manager},{birthday}")
            })
            .collect();
        let deals: Vec<String> = self.deals.values().cloned().collect();
        for (name, header, rows) in [
            ("clients", "id,name,email,phone,manager,birthday", &people),
            (
                "purchases",
                "id,client,date,amount,cancels",
                &self.purchases,
            ),
            (
                "deals",
                "id,client,status,opened,closed,reason,amount,title,stage,need,money,urgency",
                &deals,
            ),
            (
                "consents",
                "client,channel,class,basis,given,withdrawn",
                &self.consents,
            ),
            ("suppressions", "email,since,reason", &self.suppressions),
            ("visits", "client,date,page", &self.visits),
        ] {
            if !rows.is_empty() {
                let text = format!("{header}\n{}\n", rows.join("\n"));
                fs::write(folder.join(format!("{name}.csv")), text).expect("a file");
            }
        }
    }
}

/// A client being described.
pub(crate) struct Client<'w> {
    world: &'w mut World,
    id: String,
}

impl Client<'_> {
    fn change(self, change: impl FnOnce(&mut Person)) -> Self {
        let people = &mut self.world.files.people;
        change(people.get_mut(&self.id).expect("described by client()"));
        self
    }

    pub(crate) fn email(self, email: &str) -> Self {
        self.change(|one| email.clone_into(&mut one.email))
    }

    pub(crate) fn phone(self, phone: &str) -> Self {
        self.change(|one| phone.clone_into(&mut one.phone))
    }

    pub(crate) fn manager(self, manager: &str) -> Self {
        self.change(|one| manager.clone_into(&mut one.manager))
    }

    pub(crate) fn born(self, on: &str) -> Self {
        self.change(|one| on.clone_into(&mut one.birthday))
    }

    /// Purchases of 100 each.
    pub(crate) fn bought(self, days: &[&str]) -> Self {
        days.iter().fold(self, |one, on| one.bought_for(on, 100))
    }

    pub(crate) fn bought_for(self, on: &str, amount: i64) -> Self {
        let purchases = &mut self.world.files.purchases;
        let n = purchases.len();
        purchases.push(format!("p{n},{},{on},{amount},", self.id));
        self
    }

    /// Purchases every `gap` days, `times` in all, the last one on `last`.
    pub(crate) fn bought_every(self, gap: i32, times: i32, last: &str) -> Self {
        (0..times).rev().fold(self, |one, n| {
            let on: Day = day(last).plus(-n * gap);
            one.bought_for(&on.to_string(), 100)
        })
    }
}

impl World {
    /// A client, new or known; by default with an e-mail address of his own.
    pub(crate) fn client(&mut self, id: &str) -> Client<'_> {
        let person = Person {
            email: format!("{id}@example.org"),
            phone: String::new(),
            manager: "olga".to_owned(),
            birthday: String::new(),
        };
        self.files.people.entry(id.to_owned()).or_insert(person);
        Client {
            world: self,
            id: id.to_owned(),
        }
    }

    /// Thirty buyers without an address, so that nobody else is a key account.
    pub(crate) fn crowd(&mut self) {
        for n in 0..30 {
            let client = self.client(&format!("crowd{n}")).email("");
            client.bought_for("2026-01-15", 2_000);
        }
    }

    /// A deal, or what became of it.
    pub(crate) fn deal(&mut self, id: &str, client: &str, row: &str) {
        let row = format!("{id},{client},{row}");
        self.files.deals.insert(id.to_owned(), row);
    }

    /// A row of consents: `email,advertising,consent,2026-01-01,`.
    pub(crate) fn consent(&mut self, client: &str, row: &str) {
        // Said twice on one day is one row: the import takes the second for a duplicate.
        let row = format!("{client},{row}");
        if !self.files.consents.contains(&row) {
            self.files.consents.push(row);
        }
    }

    pub(crate) fn suppressed(&mut self, email: &str, since: &str) {
        self.files
            .suppressions
            .push(format!("{email},{since},unsubscribed"));
    }

    pub(crate) fn visited(&mut self, client: &str, days: &[&str]) {
        let visits = days.iter().map(|on| format!("{client},{on},/prices"));
        self.files.visits.extend(visits);
    }

    /// Takes back the last purchase that was written down.
    pub(crate) fn cancelled_last_purchase(&mut self, on: &str) {
        let n = self.files.purchases.len();
        let last = self.files.purchases.last().expect("a purchase");
        let mut cells = last.split(',');
        let (id, client) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        let amount = cells.nth(1).unwrap_or("");
        let row = format!("p{n},{client},{on},-{amount},{id}");
        self.files.purchases.push(row);
    }
}

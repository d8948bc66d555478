//! Taking up managers and contacts.

use super::super::Result;
use super::named::{Named, name};
use super::{Bulk, Merge};
use crate::config::settings::FactKind;
use crate::model::{ContactFact, Day, Locale, ManagerFact};

impl Merge {
    /// Begins to take up managers.
    pub(super) async fn begin_managers(&mut self) -> Result<()> {
        self.raw("CREATE TEMP TABLE listed_managers (ext_id TEXT PRIMARY KEY) WITHOUT ROWID")
            .await?;
        self.open("SELECT count(*) FROM managers").await
    }

    /// Takes up managers, in the order of their ids.
    pub(super) async fn managers(&mut self, batch: Vec<ManagerFact>) -> Result<()> {
        let mut listed = Bulk::new("INSERT INTO listed_managers VALUES", "(?)", "");
        let mut rows = Bulk::new(
            "INSERT INTO managers (source_id, ext_id, name, email, phone, role, capacity, locale,
                                   absent_from, absent_to, substitute, first_import, last_import)
             VALUES",
            format!(
                "({0}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {1}, {1})",
                self.source, self.import
            ),
            "ON CONFLICT (source_id, ext_id) DO UPDATE SET
                 name = excluded.name, email = excluded.email, phone = excluded.phone,
                 role = excluded.role, capacity = excluded.capacity, locale = excluded.locale,
                 absent_from = excluded.absent_from, absent_to = excluded.absent_to,
                 substitute = excluded.substitute, last_import = excluded.last_import
             WHERE (name, email, phone, role, capacity, locale, absent_from, absent_to, substitute)
                 IS NOT (excluded.name, excluded.email, excluded.phone, excluded.role,
                 excluded.capacity, excluded.locale, excluded.absent_from, excluded.absent_to,
                 excluded.substitute)",
        );
        for manager in batch {
            listed
                .add(manager.id.as_str())
                .end_row(&mut self.tx)
                .await?;
            rows.add(manager.id).add(manager.name).add(manager.email);
            rows.add(manager.phone).add(manager.role.word());
            rows.add(manager.capacity.map(i64::from));
            rows.add(manager.locale.map(Locale::code));
            for day in [manager.absent_from, manager.absent_to] {
                rows.add(day.map(Day::epoch_days));
            }
            rows.add(manager.substitute);
            rows.end_row(&mut self.tx).await?;
        }
        listed.flush(&mut self.tx).await?;
        self.written += rows.flush(&mut self.tx).await?;
        Ok(())
    }

    /// Deletes the managers that are gone from a snapshot.
    pub(super) async fn end_managers(&mut self) -> Result<()> {
        self.close(FactKind::Managers).await?;
        if self.snapshot {
            let gone = self
                .run(
                    "DELETE FROM managers WHERE source_id = $1 AND ext_id NOT IN
                         (SELECT ext_id FROM listed_managers)",
                )
                .await?;
            self.note_deleted(FactKind::Managers, gone);
        }
        Ok(())
    }

    /// Begins to take up contacts.
    pub(super) async fn begin_contacts(&mut self) -> Result<()> {
        self.raw(
            "CREATE TEMP TABLE listed_contacts (
                 client_id INTEGER NOT NULL, ext_id TEXT NOT NULL, PRIMARY KEY (client_id, ext_id)
             ) WITHOUT ROWID",
        )
        .await?;
        self.open("SELECT count(*) FROM contacts").await
    }

    /// Takes up contacts, in the order of their clients.
    pub(super) async fn contacts(&mut self, batch: Vec<ContactFact>) -> Result<()> {
        let mut named = Named::new();
        for contact in &batch {
            name(&mut named, &contact.client, None);
        }
        let numbers = self.numbers(&named).await?;
        let mut listed = Bulk::new("INSERT INTO listed_contacts VALUES", "(?, ?)", "");
        let mut rows = Bulk::new(
            "INSERT INTO contacts (client_id, ext_id, name, role, email, phone, is_primary,
                                   first_import, last_import) VALUES",
            format!("(?, ?, ?, ?, ?, ?, ?, {0}, {0})", self.import),
            "ON CONFLICT (client_id, ext_id) DO UPDATE SET
                 name = excluded.name, role = excluded.role, email = excluded.email,
                 phone = excluded.phone, is_primary = excluded.is_primary,
                 last_import = excluded.last_import
             WHERE (name, role, email, phone, is_primary) IS NOT (excluded.name, excluded.role,
                 excluded.email, excluded.phone, excluded.is_primary)",
        );
        for contact in batch {
            let client = numbers[&contact.client];
            listed.add(client).add(contact.id.as_str());
            listed.end_row(&mut self.tx).await?;
            rows.add(client).add(contact.id).add(contact.name);
            rows.add(contact.role).add(contact.email).add(contact.phone);
            rows.add(contact.primary).end_row(&mut self.tx).await?;
        }
        listed.flush(&mut self.tx).await?;
        self.written += rows.flush(&mut self.tx).await?;
        Ok(())
    }

    /// Deletes the contacts that are gone from a snapshot.
    pub(super) async fn end_contacts(&mut self) -> Result<()> {
        self.close(FactKind::Contacts).await?;
        if self.snapshot {
            let gone = self
                .run(
                    "DELETE FROM contacts
                     WHERE client_id IN (SELECT id FROM clients WHERE source_id = $1)
                       AND (client_id, ext_id) NOT IN (SELECT client_id, ext_id FROM listed_contacts)",
                )
                .await?;
            self.note_deleted(FactKind::Contacts, gone);
        }
        Ok(())
    }
}

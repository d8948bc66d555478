//! Taking up managers and contacts.

use super::super::Result;
use super::named::{Named, name};
use super::{Bulk, Merge};
use crate::config::settings::FactKind;
use crate::model::{ContactFact, Day, Locale, ManagerFact};

impl Merge {
    /// Begins to take up managers.
    pub(super) async fn begin_managers(&mut self) -> Result<()> {
        self.raw_of(
            "CREATE TEMP TABLE listed_managers (ext_id TEXT PRIMARY KEY) WITHOUT ROWID",
            "CREATE TEMP TABLE listed_managers (ext_id TEXT COLLATE \"C\" PRIMARY KEY) ON COMMIT DROP",
        )
        .await?;
        self.open("SELECT count(*) FROM managers").await
    }

    /// Takes up managers, in the order of their ids.
    pub(super) async fn managers(&mut self, batch: Vec<ManagerFact>) -> Result<()> {
        let mut listed = Bulk::new("listed_managers", "(?)", "");
        let mut rows = Bulk::changing(
            "managers (source_id, ext_id, name, email, phone, role, capacity, locale, absent_from,
                       absent_to, substitute, first_import, last_import)",
            format!(
                "({0}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {1}, {1})",
                self.source, self.import
            ),
            &[0],
            "ON CONFLICT (source_id, ext_id) DO UPDATE SET
                 name = excluded.name, email = excluded.email, phone = excluded.phone,
                 role = excluded.role, capacity = excluded.capacity, locale = excluded.locale,
                 absent_from = excluded.absent_from, absent_to = excluded.absent_to,
                 substitute = excluded.substitute, last_import = excluded.last_import
             WHERE (managers.name, managers.email, managers.phone, managers.role, managers.capacity,
                    managers.locale, managers.absent_from, managers.absent_to, managers.substitute)
                 IS DISTINCT FROM (excluded.name, excluded.email, excluded.phone, excluded.role,
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
                    "DELETE FROM managers WHERE source_id = $1 AND NOT EXISTS (
                         SELECT 1 FROM listed_managers l WHERE l.ext_id = managers.ext_id)",
                )
                .await?;
            self.note_deleted(FactKind::Managers, gone);
        }
        Ok(())
    }

    /// Begins to take up contacts.
    pub(super) async fn begin_contacts(&mut self) -> Result<()> {
        self.raw_of(
            "CREATE TEMP TABLE listed_contacts (
                 client_id INTEGER NOT NULL, ext_id TEXT NOT NULL, PRIMARY KEY (client_id, ext_id)
             ) WITHOUT ROWID",
            "CREATE TEMP TABLE listed_contacts (
                 client_id BIGINT NOT NULL, ext_id TEXT COLLATE \"C\" NOT NULL,
                 PRIMARY KEY (client_id, ext_id)
             ) ON COMMIT DROP",
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
        let mut listed = Bulk::new("listed_contacts", "(?, ?)", "");
        let mut rows = Bulk::changing(
            "contacts (client_id, ext_id, name, role, email, phone, is_primary, first_import,
                       last_import)",
            format!("(?, ?, ?, ?, ?, ?, ?, {0}, {0})", self.import),
            &[0, 1],
            "ON CONFLICT (client_id, ext_id) DO UPDATE SET
                 name = excluded.name, role = excluded.role, email = excluded.email,
                 phone = excluded.phone, is_primary = excluded.is_primary,
                 last_import = excluded.last_import
             WHERE (contacts.name, contacts.role, contacts.email, contacts.phone,
                    contacts.is_primary)
                 IS DISTINCT FROM (excluded.name, excluded.role, excluded.email, excluded.phone,
                 excluded.is_primary)",
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
                       AND NOT EXISTS (SELECT 1 FROM listed_contacts l
                                       WHERE l.client_id = contacts.client_id
                                         AND l.ext_id = contacts.ext_id)",
                )
                .await?;
            self.note_deleted(FactKind::Contacts, gone);
        }
        Ok(())
    }
}

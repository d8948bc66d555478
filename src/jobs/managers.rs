//! The managers of the company: those of the sources and those of the configuration.

use crate::app::App;
use crate::db::StoreError;
use crate::model::{Locale, Manager};
use crate::rules::staff::Staff;

/// Every manager by the id that clients refer to.
#[derive(Clone, Debug)]
pub struct Managers {
    staff: Staff,
    locale: Locale,
}

impl Managers {
    /// Reads them; an entry of the configuration beats one of a source.
    pub async fn read(app: &App) -> Result<Self, StoreError> {
        let of_sources = app.store.managers().await?;
        let written = app.settings.managers.iter().map(|entry| Manager {
            id: entry.id.clone(),
            name: entry.name.clone(),
            email: Some(entry.email.clone()),
            phone: entry.phone.clone(),
            role: entry.role,
            capacity: entry.capacity,
            locale: entry.locale,
            absent: entry
                .absent
                .iter()
                .map(|days| (days.from, days.to))
                .collect(),
            substitute: entry.substitute.clone(),
        });
        Ok(Self {
            staff: Staff::new(of_sources.into_iter().chain(written), &app.settings.tasks),
            locale: app.locale(),
        })
    }

    /// The managers as rules see them.
    pub const fn staff(&self) -> &Staff {
        &self.staff
    }

    /// A manager by id.
    pub fn get(&self, id: &str) -> Option<&Manager> {
        self.staff.get(id)
    }

    /// Tasks a day of a manager.
    pub fn capacity(&self, id: &str) -> u16 {
        self.staff.capacity(id)
    }

    /// The language of a manager's list.
    pub fn locale(&self, id: &str) -> Locale {
        self.get(id)
            .and_then(|manager| manager.locale)
            .unwrap_or(self.locale)
    }
}

//! The managers of the company: those of the sources and those of the configuration.

use std::collections::BTreeMap;

use crate::app::App;
use crate::db::StoreError;
use crate::model::{Locale, Manager};

/// Every manager by the id that clients refer to.
#[derive(Clone, Debug)]
pub struct Managers {
    by_id: BTreeMap<String, Manager>,
    capacity: u16,
    locale: Locale,
}

impl Managers {
    /// Reads them; an entry of the configuration beats one of a source.
    pub async fn read(app: &App) -> Result<Self, StoreError> {
        let mut by_id = BTreeMap::new();
        for manager in app.store.managers().await? {
            by_id.insert(manager.id.clone(), manager);
        }
        for entry in &app.settings.managers {
            let manager = Manager {
                id: entry.id.clone(),
                name: entry.name.clone(),
                email: Some(entry.email.clone()),
                phone: entry.phone.clone(),
                role: entry.role,
                capacity: entry.capacity,
                locale: entry.locale,
            };
            by_id.insert(manager.id.clone(), manager);
        }
        Ok(Self {
            by_id,
            capacity: app.settings.tasks.capacity,
            locale: app.locale(),
        })
    }

    /// A manager by id.
    pub fn get(&self, id: &str) -> Option<&Manager> {
        self.by_id.get(id)
    }

    /// Every manager, by id.
    pub fn all(&self) -> impl Iterator<Item = &Manager> {
        self.by_id.values()
    }

    /// Tasks a day of a manager.
    pub fn capacity(&self, id: &str) -> u16 {
        self.get(id)
            .and_then(|manager| manager.capacity)
            .unwrap_or(self.capacity)
    }

    /// The language of a manager's list.
    pub fn locale(&self, id: &str) -> Locale {
        self.get(id)
            .and_then(|manager| manager.locale)
            .unwrap_or(self.locale)
    }
}

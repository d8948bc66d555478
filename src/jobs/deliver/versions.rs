//! What messages are made of beside their inputs: the template with all that it includes, and what
//! company and campaign put into it.
//!
//! Both may be edited while messages wait. So they are kept when a run is let go, and what was
//! approved is what leaves; and an attempt names the version that it was made of, so that the next
//! one has the same bytes. How letters leave (`[delivery]`, `[smtp]`, the key of the signature) is
//! no part of it: an operator who mends that wants it to hold at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::MANAGERS;
use super::prepare::LIST_TEMPLATE;
use crate::app::App;
use crate::config::Campaign;
use crate::config::settings::DeliveryMode;
use crate::db::{DueMessage, Entry, RunVersion, StoreError};
use crate::jobs::inputs::Imprint;
use crate::model::{Channel, Day};
use crate::render::{Kind, Templates};

/// The most versions that are kept ready at one time.
const READY: usize = 64;

/// A version as it is kept.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Paths and texts of the template with all that it includes.
    texts: BTreeMap<String, String>,
    imprint: Imprint,
}

/// What a message is made of beside its inputs.
#[derive(Debug)]
pub struct Version {
    templates: Option<Templates>,
    pub(super) imprint: Imprint,
}

impl Version {
    /// As files and configuration say now.
    pub(super) fn now(app: &App, campaign: &str) -> Self {
        Self {
            templates: None,
            imprint: Imprint::now(app, campaign_of(app, campaign)),
        }
    }

    fn read(content: &str) -> Result<Self, StoreError> {
        let content: Content = serde_json::from_str(content).map_err(|error| StoreError::Row {
            table: "template_versions",
            reason: error.to_string(),
        })?;
        Ok(Self {
            templates: Some(Templates::of_texts(&content.texts)),
            imprint: content.imprint,
        })
    }

    /// The templates of the version.
    pub(super) fn templates<'v>(&'v self, app: &'v App) -> &'v Templates {
        self.templates.as_ref().unwrap_or(&app.templates)
    }
}

/// A template of a campaign.
type Place = (String, Channel, String);

/// Versions that are ready to be rendered: each is read and parsed once.
#[derive(Debug, Default)]
pub(super) struct Versions {
    ready: Mutex<HashMap<i64, Arc<Version>>>,
    /// Held while one is read: many workers want the same one at the same time.
    reading: tokio::sync::Mutex<()>,
    /// The versions of this moment, by their places; nothing where a template cannot be used.
    present: Mutex<HashMap<Place, Option<i64>>>,
}

impl Versions {
    /// The version that a message is made of, with its number: that of its first attempt, else that
    /// of its run, else the present one, which is kept from now on.
    pub(super) async fn of(
        &self,
        app: &App,
        message: &DueMessage,
    ) -> Result<(Option<i64>, Arc<Version>), StoreError> {
        let number = match message.version {
            Some(number) => Some(number),
            None => self.present(app, message).await?,
        };
        let Some(number) = number else {
            // The template cannot be used: rendering it will say why.
            return Ok((None, Arc::new(Version::now(app, &message.campaign))));
        };
        if let Some(version) = held(&self.ready).get(&number) {
            return Ok((Some(number), Arc::clone(version)));
        }
        let _reading = self.reading.lock().await;
        if let Some(version) = held(&self.ready).get(&number) {
            return Ok((Some(number), Arc::clone(version)));
        }
        let version = Arc::new(Version::read(&app.store.version(number).await?)?);
        let mut ready = held(&self.ready);
        if ready.len() >= READY {
            ready.clear();
        }
        ready.insert(number, Arc::clone(&version));
        Ok((Some(number), version))
    }

    async fn present(&self, app: &App, message: &DueMessage) -> Result<Option<i64>, StoreError> {
        let place = (
            message.campaign.clone(),
            message.channel,
            message.template.clone(),
        );
        if let Some(number) = held(&self.present).get(&place) {
            return Ok(*number);
        }
        let number = match content(app, &place) {
            Some(content) => Some(app.store.keep_version(&content, app.now_ms()).await?),
            None => None,
        };
        held(&self.present).insert(place, number);
        Ok(number)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the versions that the messages of a day's run are made of, when it is let go in live mode.
pub(in crate::jobs) async fn keep(app: &App, day: Day) -> Result<(), StoreError> {
    if app.settings.delivery.mode == DeliveryMode::Sandbox {
        return Ok(());
    }
    let versions = all(app);
    app.store
        .keep_run_versions(day, &versions, app.now_ms())
        .await
}

/// Lets the messages of a day that was let go, as far as they were never tried, be made of templates
/// and configuration as they are now. Returns how many they are.
pub async fn renew(app: &App, day: Day, by: &str) -> Result<u64, StoreError> {
    let entry = Entry {
        by,
        reason: "the templates as they are now",
        now_ms: app.now_ms(),
    };
    app.store.renew_run_versions(day, &all(app), &entry).await
}

/// The present versions of everything that campaigns send.
fn all(app: &App) -> Vec<RunVersion> {
    let mut places = BTreeSet::from([(
        MANAGERS.to_owned(),
        Channel::Email,
        LIST_TEMPLATE.to_owned(),
    )]);
    for campaign in &app.campaigns {
        for step in &campaign.steps {
            let own = step.channel.zip(step.template.clone());
            let other = step.fallback.as_ref();
            let other = other.map(|other| (other.channel, other.template.clone()));
            let variants = step.variants.iter().filter_map(|variant| {
                let template = variant.template.clone()?;
                Some((step.channel?, template))
            });
            let both = own.into_iter().chain(other).chain(variants);
            places.extend(both.map(|(channel, template)| (campaign.id.clone(), channel, template)));
        }
    }
    let versions = places.into_iter().filter_map(|place| {
        let content = content(app, &place)?;
        let (campaign, channel, template) = place;
        Some(RunVersion {
            campaign,
            channel,
            template,
            content,
        })
    });
    versions.collect()
}

/// A version as text that can be kept; nothing where the template cannot be used.
fn content(app: &App, (campaign, channel, template): &Place) -> Option<String> {
    let kind = match channel {
        Channel::Email if campaign == MANAGERS => Kind::Manager,
        Channel::Email => Kind::Letter,
        Channel::Whatsapp => Kind::WhatsApp,
    };
    let content = Content {
        texts: app.templates.texts(kind, template),
        imprint: Imprint::now(app, campaign_of(app, campaign)),
    };
    if content.texts.is_empty() {
        return None;
    }
    serde_json::to_string(&content)
        .inspect_err(|error| warn!(%error, template, "a version cannot be kept"))
        .ok()
}

fn campaign_of<'a>(app: &'a App, id: &str) -> Option<&'a Campaign> {
    app.campaigns.iter().find(|campaign| campaign.id == id)
}

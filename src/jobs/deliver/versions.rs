//! What messages are made of beside their inputs: the template with all that it includes, what
//! company and campaign put into it, and what the picture of a certificate is drawn with.
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
use crate::certificates::picture::{Easel, USUAL};
use crate::config::Campaign;
use crate::config::settings::DeliveryMode;
use crate::db::{DueMessage, Entry, RunVersion, StoreError, digest_of};
use crate::jobs::inputs::Imprint;
use crate::model::{Channel, Day};
use crate::pictures::CertificateArtist;
use crate::render::{CompanyPart, Kind, NewsPart, Templates};

/// The most versions that are kept ready at one time.
const READY: usize = 64;

/// A version as it is kept.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Paths and texts of the templates with all that they include: the message's own, and that of
    /// the certificate which it may show.
    texts: BTreeMap<String, String>,
    /// The fonts and pictures that the certificate is drawn with: digests by paths. Absent where the
    /// message shows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    materials: Option<BTreeMap<String, String>>,
    imprint: Imprint,
}

/// What a message is made of beside its inputs.
#[derive(Debug)]
pub struct Version {
    templates: Option<Templates>,
    artist: Option<CertificateArtist>,
    pub(super) imprint: Imprint,
}

/// What is the same in the messages of a version, but for variants with news of their own.
#[derive(Serialize)]
struct Same<'i> {
    company: &'i CompanyPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    news: Option<&'i NewsPart>,
}

impl Version {
    /// As files and configuration say now.
    pub(super) fn now(app: &App, campaign: &str) -> Self {
        Self {
            templates: None,
            artist: None,
            imprint: Imprint::now(app, app.campaign(campaign)),
        }
    }

    async fn read(app: &App, number: i64) -> Result<Self, StoreError> {
        let content = app.store.version(number).await?;
        let content: Content = serde_json::from_str(&content).map_err(|error| StoreError::Row {
            table: "template_versions",
            reason: error.to_string(),
        })?;
        let artist = match &content.materials {
            Some(digests) => {
                let materials = app.store.kept_files(digests).await?;
                Some(CertificateArtist::with(materials))
            }
            None => None,
        };
        let mut templates = Templates::of_texts(&content.texts);
        let same = Same {
            company: &content.imprint.company,
            news: content.imprint.news.as_ref(),
        };
        if let Err(error) = templates.fold(&same) {
            warn!(%error, "every letter is rendered as a whole");
        }
        Ok(Self {
            templates: Some(templates),
            artist,
            imprint: content.imprint,
        })
    }

    /// The templates of the version.
    pub(super) fn templates<'v>(&'v self, app: &'v App) -> &'v Templates {
        self.templates.as_ref().unwrap_or(&app.templates)
    }

    /// What the certificates of the version are drawn with.
    pub(super) fn easel<'v>(&'v self, app: &'v App) -> Easel<'v> {
        match (&self.templates, &self.artist) {
            (Some(templates), Some(artist)) => Easel { templates, artist },
            _ => Easel::of(app),
        }
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
        let version = Arc::new(Version::read(app, number).await?);
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
            Some(content) => {
                let store = &app.store;
                store.keep_files(app.artist.materials()).await?;
                Some(store.keep_version(&content, app.now_ms()).await?)
            }
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
    app.store.keep_files(app.artist.materials()).await?;
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
    app.store.keep_files(app.artist.materials()).await?;
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
    let campaign = app.campaign(campaign);
    let pictures = campaign.map(|campaign| pictures_of(campaign, template));
    let mut content = Content {
        texts: app.templates.texts(kind, template),
        materials: None,
        imprint: Imprint::now(app, campaign),
    };
    if content.texts.is_empty() {
        return None;
    }
    let pictures = pictures.filter(|names| *channel == Channel::Email && !names.is_empty());
    if let Some(names) = pictures {
        // Whatever is frozen in a message can be drawn: by its own picture, or by the ready one.
        for name in names.into_iter().chain([USUAL]) {
            let texts = app.templates.texts(Kind::Certificate, name);
            content.texts.extend(texts);
        }
        let files = app.artist.materials().iter();
        let digests = files.map(|(path, bytes)| (path.clone(), digest_of(bytes)));
        content.materials = Some(digests.collect());
    }
    serde_json::to_string(&content)
        .inspect_err(|error| warn!(%error, template, "a version cannot be kept"))
        .ok()
}

/// The pictures of the certificates that steps with a template give; none where they give nothing.
fn pictures_of<'c>(campaign: &'c Campaign, template: &str) -> BTreeSet<&'c str> {
    let with_template = campaign.steps.iter().filter(|step| {
        let other = step.fallback.as_ref().map(|other| &other.template);
        let variants = step.variants.iter().filter_map(|one| one.template.as_ref());
        let mut names = step.template.iter().chain(other).chain(variants);
        names.any(|name| name == template)
    });
    let offers = with_template.filter_map(|step| step.certificate.as_ref());
    offers.map(|offer| offer.picture.as_str()).collect()
}

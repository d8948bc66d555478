//! Campaigns as a whole: how far each has come, and pausing, resuming and cancelling them.
//!
//! Nothing here keeps count of what was sent: the messages themselves are counted whenever somebody
//! asks. A pause is a stop at the door, which every message passes at the moment of sending.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::config::Campaign;
use crate::config::campaign::CampaignStatus;
use crate::db::{CampaignEnded, CampaignMessages, Cancelled, Stop, StoreError};
use crate::model::{MessageState, StopOf};
use crate::rules::plan::Resting;

use super::day::interval_ms;

/// How long back the rate of a campaign is measured, in milliseconds.
const RATE_OVER: i64 = 10 * 60 * 1_000;

/// Whether a campaign acts, as files and people have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Acting {
    /// Being written.
    Draft,
    /// Acts at every run.
    Live,
    /// Stands still, until its file or a person says otherwise.
    Paused,
    /// Ended by a person for good.
    Cancelled,
}

/// Messages by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, derive_more::AddAssign, Serialize)]
pub struct Progress {
    /// All that were planned and are meant to be sent.
    pub planned: u64,
    /// On their way: waiting for their time, for their turn, or at the door.
    pub waiting: u64,
    /// Accepted by the other side.
    pub sent: u64,
    /// Nobody knows whether they arrived, or they are held: a person decides.
    pub for_a_person: u64,
    /// Refused for good.
    pub failed: u64,
    /// Not sent for a reason: an address that is suppressed, a time that was over, a campaign that was
    /// cancelled.
    pub left_out: u64,
    /// On paper only, so that the effect can be measured.
    pub held_out: u64,
    /// Clients of those who were sent something who did what the campaign is for.
    pub goals: u64,
}

impl Progress {
    fn count(&mut self, count: &CampaignMessages) {
        let messages = count.messages;
        let place = match count.state {
            MessageState::HeldOut => {
                self.held_out += messages;
                return;
            }
            MessageState::Planned
            | MessageState::Queued
            | MessageState::Claimed
            | MessageState::Sending
            | MessageState::Retry => &mut self.waiting,
            MessageState::Accepted => {
                self.goals += count.goals;
                &mut self.sent
            }
            MessageState::Unknown | MessageState::Held => &mut self.for_a_person,
            MessageState::Failed => &mut self.failed,
            MessageState::Suppressed
            | MessageState::Expired
            | MessageState::Cancelled
            | MessageState::Skipped => &mut self.left_out,
        };
        *place += messages;
        self.planned += messages;
    }

    /// The share that is over and done with, in percent.
    pub fn percent(&self) -> u64 {
        let over = self.planned - self.waiting;
        (over * 100).checked_div(self.planned).unwrap_or(100)
    }
}

/// One step of a campaign, or one variant of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The step.
    pub step: String,
    /// The variant; nothing where the step has none.
    pub variant: Option<String>,
    /// What became of its messages.
    #[serde(flatten)]
    pub progress: Progress,
}

/// A campaign and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CampaignState {
    /// The campaign.
    pub id: String,
    /// The name that people see.
    pub title: String,
    /// Whether it acts.
    pub acting: Acting,
    /// Who stopped it, and why.
    pub because: Option<String>,
    /// What became of its messages.
    #[serde(flatten)]
    pub progress: Progress,
    /// The same by step and variant.
    pub parts: Vec<Part>,
    /// Messages an hour, as measured over the last ten minutes.
    pub per_hour: u64,
}

/// What a person wants with a campaign.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The campaign.
    pub campaign: &'a Campaign,
    /// Who wants it.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// How far the campaigns have come, or one of them.
pub async fn states(app: &App, only: Option<&str>) -> Result<Vec<CampaignState>, StoreError> {
    let mut parts: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    for count in app.store.campaign_messages(only).await? {
        let of_campaign = parts.entry(count.campaign.clone()).or_default();
        let same = |part: &Part| (&part.step, &part.variant) == (&count.step, &count.variant);
        let at = of_campaign.iter().position(same).unwrap_or_else(|| {
            of_campaign.push(Part {
                step: count.step.clone(),
                variant: count.variant.clone(),
                progress: Progress::default(),
            });
            of_campaign.len() - 1
        });
        of_campaign[at].progress.count(&count);
    }
    let standing = Standing::read(app).await?;
    let mut states = Vec::new();
    for campaign in &app.campaigns {
        if only.is_some_and(|only| only != campaign.id) {
            continue;
        }
        let parts = parts.remove(&campaign.id).unwrap_or_default();
        let mut progress = Progress::default();
        for part in &parts {
            progress += part.progress;
        }
        let (acting, because) = standing.of(campaign);
        let since = app.now_ms() - RATE_OVER;
        let recent = app.store.accepted_since(&campaign.id, since).await?;
        states.push(CampaignState {
            id: campaign.id.clone(),
            title: campaign.title.clone(),
            acting,
            because,
            progress,
            parts,
            per_hour: recent * 3_600_000 / RATE_OVER.cast_unsigned(),
        });
    }
    Ok(states)
}

/// Whether each campaign acts, in their order, and where somebody has stopped it, why.
pub async fn acting(app: &App) -> Result<Vec<(Acting, Option<String>)>, StoreError> {
    let standing = Standing::read(app).await?;
    let campaigns = app.campaigns.iter();
    Ok(campaigns.map(|campaign| standing.of(campaign)).collect())
}

/// What people have stopped and ended.
pub(super) struct Standing {
    stops: Vec<Stop>,
    cancelled: Vec<Cancelled>,
}

impl Standing {
    pub(super) async fn read(app: &App) -> Result<Self, StoreError> {
        Ok(Self {
            stops: app.store.stops().await?,
            cancelled: app.store.cancelled_campaigns().await?,
        })
    }

    /// Whether a campaign acts, and who stopped it, why.
    fn of(&self, campaign: &Campaign) -> (Acting, Option<String>) {
        let told = |by: &str, reason: &str| Some(format!("{reason} ({by})"));
        let mut cancelled = self.cancelled.iter();
        if let Some(one) = cancelled.find(|one| one.campaign == campaign.id) {
            return (Acting::Cancelled, told(&one.by, &one.reason));
        }
        let of_campaign = |stop: &&Stop| stop.kind == StopOf::Campaign && stop.name == campaign.id;
        match (self.stops.iter().find(of_campaign), campaign.status) {
            (Some(stop), _) => (Acting::Paused, told(&stop.by, &stop.reason)),
            (None, CampaignStatus::Draft) => (Acting::Draft, None),
            (None, CampaignStatus::Live) => (Acting::Live, None),
            (None, CampaignStatus::Paused) => {
                (Acting::Paused, told("its file", "status = \"paused\""))
            }
        }
    }

    /// The campaign, where a person has paused or ended it.
    pub(super) fn resting(&self, campaign: &Campaign) -> Option<Resting> {
        let (acting, because) = self.of(campaign);
        let mut stops = self.stops.iter();
        let stopped = stops.any(|stop| stop.kind == StopOf::Campaign && stop.name == campaign.id);
        let state = match acting {
            Acting::Cancelled => "cancelled",
            Acting::Paused if stopped => "paused",
            _ => return None,
        };
        Some(Resting {
            id: campaign.id.clone(),
            title: campaign.title.clone(),
            state,
            because: because.unwrap_or_default(),
        })
    }
}

/// Why a campaign cannot be paused or resumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Not {
    /// It was ended for good.
    #[error("the campaign was cancelled; to send again copy its file under a new id")]
    Cancelled,
    /// It is paused already.
    #[error("the campaign is paused already")]
    Paused,
    /// It is not paused by a person.
    #[error("the campaign is not paused here; its file may say status = \"paused\"")]
    NotPaused,
}

/// Pauses a campaign: nobody enters, and what has not left waits at the door.
pub async fn pause(app: &App, order: Order<'_>) -> Result<Result<(), Not>, StoreError> {
    let standing = Standing::read(app).await?;
    match standing.of(order.campaign).0 {
        Acting::Cancelled => return Ok(Err(Not::Cancelled)),
        Acting::Paused if standing.resting(order.campaign).is_some() => {
            return Ok(Err(Not::Paused));
        }
        _ => {}
    }
    let stop = Stop {
        kind: StopOf::Campaign,
        name: order.campaign.id.clone(),
        since: app.now_ms(),
        by: order.by.to_owned(),
        reason: order.reason.to_owned(),
    };
    app.store.stop(&stop).await?;
    Ok(Ok(()))
}

/// Lets a paused campaign go on; what waits falls due at its steady rate, from now on. Says how many
/// messages wait.
pub async fn resume(app: &App, campaign: &Campaign) -> Result<Result<u64, Not>, StoreError> {
    if Standing::read(app).await?.of(campaign).0 == Acting::Cancelled {
        return Ok(Err(Not::Cancelled));
    }
    let lifted = app.store.lift_stop(StopOf::Campaign, &campaign.id).await?;
    if !lifted {
        return Ok(Err(Not::NotPaused));
    }
    let interval = interval_ms(campaign).unwrap_or_default();
    let now = app.now_ms();
    let waiting = app
        .store
        .spread_messages(&campaign.id, now, interval)
        .await?;
    Ok(Ok(waiting))
}

/// Ends a campaign for good.
pub async fn cancel(app: &App, order: Order<'_>) -> Result<CampaignEnded, StoreError> {
    let cancelled = Cancelled {
        campaign: order.campaign.id.clone(),
        at: app.now_ms(),
        by: order.by.to_owned(),
        reason: order.reason.to_owned(),
    };
    app.store.cancel_campaign(&cancelled, app.today()).await
}

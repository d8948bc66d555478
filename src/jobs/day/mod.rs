//! The day: read → decide → write.
//!
//! [`plan`] shows what a day would do; [`run`] does it. Both walk over the same clients in the same
//! order with the same rules; the run writes chunk by chunk under the number of a run that nobody
//! sees before it is sealed.

mod due;
mod lists;
mod plan;
mod run;
mod scan;
mod waiting;
mod walk;
mod write;

pub(crate) use due::interval_ms;
pub use lists::{ManagerList, manager_lists, more, write_lists};
pub use plan::plan;
pub use run::{RunOutcome, RunSummary, approve, run};

use crate::app::App;
use crate::config::Campaign;
use crate::config::campaign::CampaignStatus;
use crate::db::StoreError;
use crate::model::Day;
use crate::rules::plan::{Frame, Resting, Running};

use super::base::{self, Base};
use super::campaigns::Standing;
use super::managers::Managers;

/// Which day, and how it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct DayOptions<'a> {
    /// The day.
    pub day: Day,
    /// Only what is dated on or before the day may be used: for every day but the present one.
    pub as_of: bool,
    /// A campaign that takes part even as a draft.
    pub also: Option<&'a str>,
}

/// Everything that a day rests on, kept together while it is planned.
pub(crate) struct Ground<'a> {
    app: &'a App,
    options: DayOptions<'a>,
    base: Base,
    campaigns: Vec<Running<'a>>,
    resting: Vec<Resting>,
    managers: Managers,
}

impl<'a> Ground<'a> {
    /// Reads what the day rests on.
    pub(crate) async fn read(app: &'a App, options: DayOptions<'a>) -> Result<Self, StoreError> {
        let base = base::of_day(app, options.day, options.as_of).await?;
        let (mut campaigns, mut resting) = (Vec::new(), Vec::new());
        let standing = Standing::read(app).await?;
        for campaign in &app.campaigns {
            // What a person has paused or ended takes no part in the present day. The past stays as
            // the files have it.
            let rest = standing.resting(campaign).filter(|_| !options.as_of);
            if let Some(rest) = rest {
                resting.push(rest);
            } else if takes_part(campaign, options.also) {
                let starts = starts(app, campaign, options.day).await?;
                campaigns.push(Running { campaign, starts });
            }
        }
        Ok(Self {
            app,
            options,
            base,
            campaigns,
            resting,
            managers: Managers::read(app).await?,
        })
    }

    /// Keeps the base facts under a version. For the present day the stored dates of the rhythms
    /// are brought to them, so that the scan by index finds the same clients as the decisions.
    async fn keep_base(&mut self) -> Result<(), StoreError> {
        self.base = base::keep(self.app, self.base.clone()).await?;
        if let (false, Some(version)) = (self.options.as_of, self.base.version) {
            let store = &self.app.store;
            store
                .recompute_all_dates(&self.base.facts, version, &|_| ())
                .await?;
        }
        Ok(())
    }

    /// Whose ground it is.
    pub(crate) const fn app(&self) -> &'a App {
        self.app
    }

    /// The day.
    pub(crate) const fn day(&self) -> Day {
        self.options.day
    }

    /// What is known of the whole base.
    pub(crate) fn base(&self) -> &crate::rules::base_facts::BaseFacts {
        &self.base.facts
    }

    /// The campaigns that a person has paused or ended: they take no part.
    pub(crate) fn resting(&self) -> &[Resting] {
        &self.resting
    }

    /// The managers.
    pub(crate) const fn managers(&self) -> &Managers {
        &self.managers
    }

    /// The part of the ground that the rules see.
    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame {
            day: self.options.day,
            campaigns: &self.campaigns,
            base: &self.base.facts,
            settings: &self.app.settings,
            staff: self.managers.staff(),
        }
    }
}

fn takes_part(campaign: &Campaign, also: Option<&str>) -> bool {
    match campaign.status {
        CampaignStatus::Live | CampaignStatus::Paused => true,
        CampaignStatus::Draft => also == Some(campaign.id.as_str()),
    }
}

/// The day from which episodes are fresh: as configured, or the day of the first run.
async fn starts(app: &App, campaign: &Campaign, day: Day) -> Result<Day, StoreError> {
    if let Some(starts) = campaign.starts {
        return Ok(starts);
    }
    let first = app.store.first_run_of(&campaign.id).await?;
    Ok(first.map_or(day, |(first, _)| first.min(day)))
}

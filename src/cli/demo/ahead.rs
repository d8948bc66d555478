//! Why a campaign had nothing to do in the replay: its day is still to come, it is a draft, or
//! nobody was in its case.

use super::replay::{Replay, Tally};
use crate::app::App;
use crate::config::Campaign;
use crate::config::campaign::{CampaignStatus, DateRule, Trigger};
use crate::jobs::day::{self, DayOptions};
use crate::model::Day;

/// A campaign that did nothing, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    /// The campaign.
    pub(super) campaign: String,
    /// In a sentence.
    pub(super) why: String,
}

/// Looks at every campaign that touched nobody.
pub(super) async fn look(app: &App, replay: &Replay) -> anyhow::Result<Vec<Quiet>> {
    let mut quiet = Vec::new();
    for (campaign, tally) in app.campaigns.iter().zip(&replay.campaigns) {
        if tally.messages + tally.tasks + tally.holdout > 0 {
            continue;
        }
        quiet.push(Quiet {
            campaign: campaign.id.clone(),
            why: why(app, campaign, tally, replay).await?,
        });
    }
    Ok(quiet)
}

async fn why(
    app: &App,
    campaign: &Campaign,
    tally: &Tally,
    replay: &Replay,
) -> anyhow::Result<String> {
    if let Some(on) = day_of(campaign, replay.last) {
        let draft = campaign.status == CampaignStatus::Draft;
        let would = on_the_day(app, campaign, on).await?;
        return Ok(if draft {
            format!("a draft; on {on} it would go to {would}")
        } else {
            format!("its day is {on}, for {would}")
        });
    }
    let counts = replay.plan.campaigns.iter().find(|one| one.id == tally.id);
    let most = counts.and_then(|one| one.skipped.iter().max_by_key(|(_, clients)| **clients));
    Ok(match most {
        Some((reason, clients)) => format!("{clients} clients were in its case, but {reason}"),
        None => "nobody was in its case".to_owned(),
    })
}

/// The next day of a campaign that waits for one.
fn day_of(campaign: &Campaign, today: Day) -> Option<Day> {
    match campaign.trigger {
        Trigger::News { day, .. } => Some(day),
        Trigger::Date { day, .. } => match day {
            DateRule::Once(day) => Some(day),
            DateRule::Yearly { month, day } => {
                let this_year = chrono::Datelike::year(&today.date());
                let in_year = |year| chrono::NaiveDate::from_ymd_opt(year, month, day);
                let days = [in_year(this_year), in_year(this_year + 1)];
                let mut days = days.into_iter().flatten().map(Day::from_date);
                days.find(|day| *day > today)
            }
        },
        _ => None,
    }
}

/// Whom a campaign would touch on a day to come, with what is known today.
async fn on_the_day(app: &App, campaign: &Campaign, on: Day) -> anyhow::Result<String> {
    let options = DayOptions {
        day: on,
        as_of: true,
        also: Some(&campaign.id),
    };
    let plan = day::plan(app, options).await?;
    let counts = plan.campaigns.iter().find(|one| one.id == campaign.id);
    let clients = counts.map_or(0, |one| {
        // Whom another campaign or an open task has on that very day comes a little later.
        let later = ["outranked", "task_open"].map(|reason| one.skipped.get(reason).copied());
        let later: u64 = later.into_iter().flatten().sum();
        one.messages + one.tasks + one.holdout + later
    });
    Ok(match clients {
        1 => "1 client".to_owned(),
        n => format!("{n} clients"),
    })
}

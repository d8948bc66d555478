//! What an answer asks for beside the message: an address is suppressed, its faults are counted,
//! something is stopped until a person has mended it.
//!
//! The same for an answer that comes at once and for one that comes later. Everything here may be
//! done twice.

use chrono::TimeDelta;
use tracing::warn;

use crate::app::App;
use crate::db::{Stop, StoreError};
use crate::model::{Channel, StopOf, SuppressionReason, SuppressionScope};
use crate::rules::delivery::reaction::Measure;
use crate::rules::plan::country_of;

/// So many soft bounces within [`FAULTS_COUNT_FOR`] suppress an address.
const SOFT_BOUNCES: u64 = 3;

/// So many times without an account, and a phone is written to no more.
const NO_ACCOUNTS: u64 = 2;

/// How long faults of an address are remembered against it.
const FAULTS_COUNT_FOR: TimeDelta = TimeDelta::days(30);

/// The message that an answer is about, and who heard it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Concerned<'a> {
    /// The number of the message.
    pub(super) message: i64,
    /// The way it went.
    pub(super) channel: Channel,
    /// The hash of its address.
    pub(super) hash: &'a [u8; 32],
    /// The phone, where it is known.
    pub(super) phone: Option<&'a str>,
    /// The campaign.
    pub(super) campaign: &'a str,
    /// The step.
    pub(super) step: &'a str,
    /// Who suppresses, as the list of suppressions names him.
    pub(super) source: &'a str,
    /// Who stops, as the list of stops names him.
    pub(super) by: &'a str,
}

/// Does what an answer asks for; `what` is said to people.
pub(super) async fn take(
    app: &App,
    concerned: &Concerned<'_>,
    measure: Measure,
    what: &str,
) -> Result<(), StoreError> {
    let all = SuppressionScope::All;
    match measure {
        Measure::SuppressAddress => {
            let reason = match concerned.channel {
                Channel::Email => SuppressionReason::HardBounce,
                Channel::Whatsapp => SuppressionReason::NoAccount,
            };
            suppress(app, concerned, all, reason).await
        }
        Measure::SuppressAdvertising => {
            let scope = SuppressionScope::Advertising;
            suppress(app, concerned, scope, SuppressionReason::Stop).await
        }
        Measure::CountSoftBounce if count(app, concerned, "soft_bounce").await? >= SOFT_BOUNCES => {
            suppress(app, concerned, all, SuppressionReason::HardBounce).await
        }
        Measure::CountNoAccount if count(app, concerned, "no_account").await? >= NO_ACCOUNTS => {
            suppress(app, concerned, all, SuppressionReason::NoAccount).await
        }
        Measure::StopChannel => {
            let name = concerned.channel.word();
            stop(app, concerned.by, StopOf::Channel, name, what).await
        }
        Measure::StopStep => {
            let step = format!("{}/{}", concerned.campaign, concerned.step);
            stop(app, concerned.by, StopOf::Step, &step, what).await
        }
        Measure::PauseCampaign => {
            stop(
                app,
                concerned.by,
                StopOf::Campaign,
                concerned.campaign,
                what,
            )
            .await
        }
        Measure::StopCountry => match concerned.phone.and_then(country_of) {
            Some(country) => stop(app, concerned.by, StopOf::Country, country, what).await,
            None => Ok(()),
        },
        // Pace and rest are the business of those who send (`deliver::live`).
        Measure::Nothing
        | Measure::CountSoftBounce
        | Measure::CountNoAccount
        | Measure::SlowDomain
        | Measure::SlowChannel
        | Measure::CountAgainstChannel => Ok(()),
    }
}

async fn suppress(
    app: &App,
    concerned: &Concerned<'_>,
    scope: SuppressionScope,
    reason: SuppressionReason,
) -> Result<(), StoreError> {
    let today = app.today();
    app.store
        .suppress(
            concerned.hash,
            concerned.channel,
            scope,
            reason,
            today,
            concerned.source,
        )
        .await
}

async fn count(app: &App, concerned: &Concerned<'_>, kind: &str) -> Result<u64, StoreError> {
    let now_ms = app.now_ms();
    let since = now_ms - FAULTS_COUNT_FOR.num_milliseconds();
    app.store
        .count_fault(
            concerned.hash,
            concerned.channel,
            kind,
            concerned.message,
            now_ms,
            since,
        )
        .await
}

/// Stops something until a person lifts it.
pub(super) async fn stop(
    app: &App,
    by: &str,
    kind: StopOf,
    name: &str,
    what: &str,
) -> Result<(), StoreError> {
    warn!(%kind, name, what, "stopped until a person lifts it");
    let stop = Stop {
        kind,
        name: name.to_owned(),
        since: app.now_ms(),
        by: by.to_owned(),
        reason: what.to_owned(),
    };
    app.store.stop(&stop).await
}

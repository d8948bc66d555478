//! What a failure that is told later asks for, beside the message.
//!
//! Everything here may be done twice: the event that asks for it is noted as counted afterwards.

use chrono::TimeDelta;
use tracing::warn;

use crate::app::App;
use crate::db::{KnownMessage, Stop, StoreError};
use crate::model::{Channel, StopOf, SuppressionReason, SuppressionScope};
use crate::rules::delivery::reaction::Measure;
use crate::rules::plan::country_of;

/// So many soft bounces within [`FAULTS_COUNT_FOR`] suppress an address.
const SOFT_BOUNCES: u64 = 3;

/// So many times without an account, and a phone is written to no more.
const NO_ACCOUNTS: u64 = 2;

/// How long faults of an address are remembered against it.
const FAULTS_COUNT_FOR: TimeDelta = TimeDelta::days(30);

/// Does what a failure asks for.
pub(super) async fn take(
    app: &App,
    message: &KnownMessage,
    measure: Measure,
    phone: Option<&str>,
    what: &str,
) -> Result<(), StoreError> {
    let all = SuppressionScope::All;
    match measure {
        Measure::SuppressAddress => {
            let reason = match message.channel {
                Channel::Email => SuppressionReason::HardBounce,
                Channel::Whatsapp => SuppressionReason::NoAccount,
            };
            suppress(app, message, all, reason).await
        }
        Measure::SuppressAdvertising => {
            let scope = SuppressionScope::Advertising;
            suppress(app, message, scope, SuppressionReason::Stop).await
        }
        Measure::CountSoftBounce if count(app, message, "soft_bounce").await? >= SOFT_BOUNCES => {
            suppress(app, message, all, SuppressionReason::HardBounce).await
        }
        Measure::CountNoAccount if count(app, message, "no_account").await? >= NO_ACCOUNTS => {
            suppress(app, message, all, SuppressionReason::NoAccount).await
        }
        Measure::StopChannel => stop(app, StopOf::Channel, message.channel.word(), what).await,
        Measure::StopStep => {
            let step = format!("{}/{}", message.campaign, message.step);
            stop(app, StopOf::Step, &step, what).await
        }
        Measure::PauseCampaign => stop(app, StopOf::Campaign, &message.campaign, what).await,
        Measure::StopCountry => match phone.and_then(country_of) {
            Some(country) => stop(app, StopOf::Country, country, what).await,
            None => Ok(()),
        },
        // What slows a channel down concerns those who send, and is over when it is told.
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
    message: &KnownMessage,
    scope: SuppressionScope,
    reason: SuppressionReason,
) -> Result<(), StoreError> {
    let (hash, channel) = (&message.hash, message.channel);
    app.store
        .suppress(hash, channel, scope, reason, app.today(), "what came back")
        .await
}

async fn count(app: &App, message: &KnownMessage, kind: &str) -> Result<u64, StoreError> {
    let now_ms = app.now_ms();
    let since = now_ms - FAULTS_COUNT_FOR.num_milliseconds();
    app.store
        .count_fault(
            &message.hash,
            message.channel,
            kind,
            message.id,
            now_ms,
            since,
        )
        .await
}

/// Stops something until a person lifts it.
pub(super) async fn stop(
    app: &App,
    kind: StopOf,
    name: &str,
    what: &str,
) -> Result<(), StoreError> {
    warn!(%kind, name, what, "stopped until a person has mended it");
    let stop = Stop {
        kind,
        name: name.to_owned(),
        since: app.now_ms(),
        by: "what came back".to_owned(),
        reason: what.to_owned(),
    };
    app.store.stop(&stop).await
}

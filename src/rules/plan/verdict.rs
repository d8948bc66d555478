//! What was decided for a client in a campaign, in words that can be counted and explained.

use std::fmt;

use crate::config::campaign::CampaignStatus;
use crate::model::{Channel, Day, ManagerRole};
use crate::rules::audience::Seen;
use crate::rules::evidence::Evidence;
use crate::rules::no_occasion::NoOccasion;

use super::ClosedBy;

/// The decision of one campaign about one client, with everything that led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The campaign.
    pub campaign: String,
    /// What it does with the client.
    pub decision: Decision,
    /// The conditions of the audience with their values; empty when it did not come to that.
    pub conditions: Vec<Seen>,
    /// The occasion, if there is one.
    pub evidence: Option<Evidence>,
}

/// What a campaign does with a client on a day.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The campaign itself does not act.
    NotRunning(CampaignStatus),
    /// The time in which clients enter is over, or has not begun.
    OutOfSeason,
    /// Nothing has happened that would start it.
    NoOccasion {
        /// What was seen.
        because: NoOccasion,
        /// The day on which it would begin if nothing happens until then.
        on: Option<Day>,
    },
    /// This occasion has been dealt with.
    Done {
        /// The occasion.
        episode: String,
    },
    /// Wanted, but not possible: now, or with this client.
    Skipped(Block),
    /// Older than the campaign, and not among the most valuable of today's backlog.
    InBacklog,
    /// Enters today; the first step is taken today or waits for its day.
    Enters {
        /// The step that is taken today.
        step: Option<String>,
    },
    /// Is in the campaign.
    Continues {
        /// The step that is taken today.
        step: Option<String>,
        /// The day of the next step, when it is not today.
        next: Option<Day>,
    },
    /// Leaves the campaign today.
    Leaves(ClosedBy),
}

/// A reason, and the day on which it will be over, where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Why not.
    pub reason: Reason,
    /// The first day on which the reason no longer holds by itself.
    pub until: Option<Day>,
}

impl Block {
    /// A reason that does not pass by itself.
    pub const fn for_good(reason: Reason) -> Self {
        Self {
            reason,
            until: None,
        }
    }

    /// A reason that is over on `day`.
    pub const fn until(reason: Reason, day: Day) -> Self {
        Self {
            reason,
            until: Some(day),
        }
    }
}

/// Why a campaign that wanted a client did nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A condition of the audience does not hold.
    Audience(String),
    /// The last touch of this campaign is too near.
    Reentry,
    /// The client has no address for the channel.
    NoAddress(Channel),
    /// The channel has told that nobody is at the client's address.
    NobodyThere(Channel),
    /// Nothing allows the company to write to the client on this channel.
    NoConsent(Channel),
    /// The client took the consent back.
    ConsentWithdrawn(Channel),
    /// The address must not be written to.
    Suppressed(Channel),
    /// WhatsApp is not allowed in the country of the phone.
    CountryNotAllowed,
    /// Key accounts get no mass messages.
    KeyAccount,
    /// The client asked never to be contacted.
    DoNotContact,
    /// The client has had as many advertising messages as he may.
    FrequencyCap,
    /// The client has just bought.
    RecentPurchase,
    /// A manager agreed on a later day.
    Agreed,
    /// A person is already asked to do something about the client.
    TaskOpen,
    /// Another campaign has the client today.
    Outranked(String),
    /// The same address gets something else today.
    SameAddress,
    /// The step is for others of those who were invited.
    NotInvited,
    /// There is no step that could be taken.
    NoStep,
    /// A client is to be handed over, and nobody has the role to take him.
    NobodyToTake(ManagerRole),
}

impl fmt::Display for Reason {
    /// The stable word that counts are kept under.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audience(condition) => write!(f, "audience.{condition}"),
            Self::Reentry => f.write_str("reentry"),
            Self::NoAddress(channel) => write!(f, "no_address.{channel}"),
            Self::NobodyThere(channel) => write!(f, "nobody_there.{channel}"),
            Self::NoConsent(channel) => write!(f, "no_consent.{channel}"),
            Self::ConsentWithdrawn(channel) => write!(f, "consent_withdrawn.{channel}"),
            Self::Suppressed(channel) => write!(f, "suppressed.{channel}"),
            Self::CountryNotAllowed => f.write_str("country_not_allowed"),
            Self::KeyAccount => f.write_str("key_account"),
            Self::DoNotContact => f.write_str("do_not_contact"),
            Self::FrequencyCap => f.write_str("frequency_cap"),
            Self::RecentPurchase => f.write_str("recent_purchase"),
            Self::Agreed => f.write_str("agreed_later"),
            Self::TaskOpen => f.write_str("task_open"),
            Self::Outranked(_) => f.write_str("outranked"),
            Self::SameAddress => f.write_str("same_address"),
            Self::NotInvited => f.write_str("not_invited"),
            Self::NoStep => f.write_str("no_step"),
            Self::NobodyToTake(role) => write!(f, "nobody_to_take.{role}"),
        }
    }
}

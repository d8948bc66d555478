//! What an answer means: for the message, for the address, for the channel.
//!
//! Channels translate their codes into a [`Reaction`] by tables kept as data; nobody further up
//! needs to know a code.

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What becomes of the message.
    pub fate: Fate,
    /// What else has to be done.
    pub measure: Measure,
}

impl Reaction {
    /// The message was taken over: nothing else is to be done.
    pub const ACCEPTED: Self = Self {
        fate: Fate::Accepted,
        measure: Measure::Nothing,
    };

    /// The message and nothing else is concerned.
    pub const fn only(fate: Fate) -> Self {
        Self {
            fate,
            measure: Measure::Nothing,
        }
    }

    /// Both.
    pub const fn with(fate: Fate, measure: Measure) -> Self {
        Self { fate, measure }
    }
}

/// What becomes of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The other side has taken responsibility.
    Accepted,
    /// Definitely not taken: tried again by a timetable.
    Retry(Timetable),
    /// Definitely not taken, and never will be.
    Failed,
    /// It may have been taken and may not: nobody knows.
    Unknown,
    /// Definitely not taken, for a reason that has nothing to do with this message: it goes back
    /// into the queue and the attempt does not count.
    GiveBack,
}

/// When a message is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timetable {
    /// A mailbox or server that has no time now: minutes, then hours, at most a day.
    Mail,
    /// The channel is too fast: seconds, doubling.
    Throughput,
    /// This person got too much at once: seconds, four times longer each time.
    Pair,
    /// The other side is out of order: 1, 5, 30 minutes.
    Outage,
    /// Once more after a day.
    NextDay,
    /// Once more after ten minutes.
    Once,
    /// Twice more, a minute apart.
    Twice,
}

/// What else has to be done because of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Nothing.
    Nothing,
    /// The address does not exist: nothing is written to it any more.
    SuppressAddress,
    /// The person wants no advertising on this channel.
    SuppressAdvertising,
    /// Counted: three of these in thirty days suppress the address.
    CountSoftBounce,
    /// Counted: two of these say that the phone has no account on this channel.
    CountNoAccount,
    /// Fewer messages to the domain of this address for a while.
    SlowDomain,
    /// Fewer messages on the whole channel for a while.
    SlowChannel,
    /// A fault that others will meet too: after a few the channel rests.
    CountAgainstChannel,
    /// Nothing leaves on this channel until a person has mended something.
    StopChannel,
    /// Every message of this step would fail.
    StopStep,
    /// The campaign rests until a person has looked at it.
    PauseCampaign,
    /// Nobody of this country can be reached on this channel.
    StopCountry,
}

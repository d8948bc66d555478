//! The closed lists of words that configuration, imports, tables and pages share.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text that is none of the words of a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not one of {}", words.join(", "))]
pub struct WordError {
    /// What was written.
    pub text: String,
    /// The words that are known.
    pub words: &'static [&'static str],
}

/// Declares an enum whose variants are words, the same in TOML, JSON, CSV and SQL.
macro_rules! words {
    (
        $(#[$meta:meta])* $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every word, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for this value.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }

        impl FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                let found = Self::ALL.iter().find(|value| {
                    value.word().eq_ignore_ascii_case(text.trim())
                });
                found
                    .copied()
                    .ok_or_else(|| WordError { text: text.to_owned(), words: Self::WORDS })
            }
        }
    };
}

words! {
    /// A way to reach a client.
    Channel {
        /// A letter.
        Email = "email",
        /// A WhatsApp template message.
        Whatsapp = "whatsapp",
    }
}

words! {
    /// What a message is in the eyes of the law.
    #[derive(Default)]
    Class {
        /// Needs a consent to advertising.
        #[default]
        Advertising = "advertising",
        /// About a deal that the client has made: needs a contract or a consent to service mail.
        Service = "service",
    }
}

words! {
    /// What the company may rest on when it writes to a client.
    ///
    /// Source: ePrivacy directive art. 13(1) and (2), Russian law 38-FZ art. 18.
    #[derive(Default)]
    ConsentBasis {
        /// Nothing is known: nobody is written to.
        #[default]
        None = "none",
        /// The client agreed, and the proof is kept.
        Consent = "consent",
        /// An own client, an address got in a sale, similar goods, easy to leave (EU, UK).
        SoftOptIn = "soft_opt_in",
        /// A contract: covers service messages only.
        Contract = "contract",
    }
}

words! {
    /// What a manager does.
    #[derive(Default)]
    ManagerRole {
        /// Nurtures those who never bought.
        Scout = "scout",
        /// Wins the first purchase.
        Hunter = "hunter",
        /// Keeps those who buy.
        #[default]
        Farmer = "farmer",
        /// Learns on old rejections.
        Trainee = "trainee",
        /// Keeps the key accounts.
        Key = "key",
    }
}

words! {
    /// What a person sees on the pages beside the own tasks.
    StaffRole {
        /// Everybody's lists and clients, and the figures.
        Head = "head",
        /// Campaigns, the plan, letters, the sandbox, and clients to explain them.
        Marketing = "marketing",
        /// All of it.
        Owner = "owner",
    }
}

words! {
    /// The frequency class of a client, by the quantiles of the company's own base.
    Xyz {
        /// Buys often.
        X = "X",
        /// Buys less often.
        Y = "Y",
        /// Buys seldom, or has bought once.
        Z = "Z",
    }
}

words! {
    /// The readiness of a client: need, money and urgency.
    Abc {
        /// All three: to a person today.
        A = "A",
        /// Two of the three.
        B = "B",
        /// Kept with the reason, matched later.
        C = "C",
    }
}

words! {
    /// What a task asks a person to do.
    TaskKind {
        /// Call the client.
        Call = "call",
        /// Write by hand.
        Write = "write",
        /// Send a thing: check the address, pack, post.
        Gift = "gift",
        /// Go and see the client.
        Visit = "visit",
        /// Hand a client over: one tells the story, the other takes the client.
        Handover = "handover",
    }
}

words! {
    /// For whom a certificate is.
    CertificateKind {
        /// For the client himself.
        Own = "own",
        /// For a friend of the client.
        Friend = "friend",
    }
}

words! {
    /// What came of a task.
    OutcomeKind {
        /// Wants to buy: the letters stop, the manager goes on.
        Interested = "interested",
        /// Asked to be called on another day.
        ComeBack = "come_back",
        /// Said no, with a reason.
        Rejection = "rejection",
        /// Named a friend.
        FriendNamed = "friend_named",
        /// Wants nothing and knows nobody: thanked, and the business card is sent.
        CardSent = "card_sent",
        /// Nobody answered: tried again, at most so often as configured.
        NoAnswer = "no_answer",
        /// The number is not the client's.
        WrongNumber = "wrong_number",
        /// Never write or call again.
        DoNotContact = "do_not_contact",
        /// Has bought.
        Bought = "bought",
        /// The client was handed over, and is taken.
        Accepted = "accepted",
    }
}

words! {
    /// The state of a deal.
    DealStatus {
        /// Still being sold.
        Open = "open",
        /// Sold.
        Won = "won",
        /// A rejection.
        Lost = "lost",
    }
}

words! {
    /// Why an address must not be written to.
    SuppressionReason {
        /// The client used the unsubscribe link.
        Unsubscribe = "unsubscribe",
        /// The client wrote "stop".
        Stop = "stop",
        /// The client complained to his provider.
        Complaint = "complaint",
        /// The address does not exist.
        HardBounce = "hard_bounce",
        /// The phone has no account on the channel.
        NoAccount = "no_account",
        /// A person of the company entered it.
        Manual = "manual",
        /// The client told a manager.
        DoNotContact = "do_not_contact",
        /// The client was erased.
        Erasure = "erasure",
    }
}

impl SuppressionReason {
    /// Whether the person asked for it for himself, so that it holds for all that reaches him.
    pub const fn is_of_the_person(self) -> bool {
        matches!(self, Self::DoNotContact | Self::Erasure)
    }
}

words! {
    /// What must not be written to a suppressed address.
    #[derive(Default)]
    SuppressionScope {
        /// Nothing at all.
        #[default]
        All = "all",
        /// No advertising.
        Advertising = "advertising",
    }
}

words! {
    /// Where a message is on its way. `docs/RELIABILITY.md` shows who may change it to what.
    #[derive(Default)]
    MessageState {
        /// Planned by a run; leaves as soon as the run is sealed and its time has come.
        #[default]
        Planned = "planned",
        /// A person or a restore has stopped it until it is released.
        Held = "held",
        /// Given back untouched: leaves when its time has come.
        Queued = "queued",
        /// A worker has taken it and has sent nothing yet.
        Claimed = "claimed",
        /// The point of no return is passed: from here on it may have been sent.
        Sending = "sending",
        /// Definitely refused for now: tried again when its time has come.
        Retry = "retry",
        /// The other side has taken responsibility.
        Accepted = "accepted",
        /// It may have been sent and may not: nobody knows.
        Unknown = "unknown",
        /// Definitely not sent, and never will be.
        Failed = "failed",
        /// The address said stop before it left.
        Suppressed = "suppressed",
        /// Its time is over.
        Expired = "expired",
        /// What it was about is over: the client bought, answered, or a person took it back.
        Cancelled = "cancelled",
        /// A gate did not let it through.
        Skipped = "skipped",
        /// On paper only: its client is in the control group.
        HeldOut = "held_out",
    }
}

impl MessageState {
    /// Whether nothing but a person can change it any more.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Accepted
                | Self::Failed
                | Self::Suppressed
                | Self::Expired
                | Self::Cancelled
                | Self::Skipped
                | Self::HeldOut
        )
    }

    /// Whether the client may have got it.
    pub const fn may_have_been_sent(self) -> bool {
        matches!(self, Self::Sending | Self::Accepted | Self::Unknown)
    }
}

words! {
    /// What happens to a message of which nobody knows whether it was sent.
    #[derive(Default)]
    OnUnknown {
        /// It is never sent again by itself: better no letter than two.
        #[default]
        AtMostOnce = "at_most_once",
        /// It is sent once more: better two than none.
        AtLeastOnce = "at_least_once",
        /// A person decides.
        Ask = "ask",
    }
}

words! {
    /// What can be stopped until a person lifts it.
    StopOf {
        /// Everything on a channel.
        Channel = "channel",
        /// Everything of a campaign.
        Campaign = "campaign",
        /// One step of a campaign: `campaign/step`.
        Step = "step",
        /// Everybody of a country, by its two letters, on WhatsApp.
        Country = "country",
    }
}

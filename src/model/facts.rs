//! Everything that a plan needs to know about one client on one day.

use super::{
    Channel, Client, Consent, Contact, Day, Deal, Enrollment, PurchaseDay, Rhythm, RhythmDates,
    Totals, Visits,
};

/// All that is known of one client, dated on or before the day that is planned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientFacts {
    /// Who it is.
    pub client: Client,
    /// The person to write to, where the client is a company with contacts.
    pub contact: Option<Contact>,
    /// The rhythm and its dates; absent when the client has never bought.
    pub rhythm: Option<(Rhythm, RhythmDates)>,
    /// The money.
    pub totals: Totals,
    /// The latest purchase days, the last one first; at most a handful.
    pub recent_purchases: Vec<PurchaseDay>,
    /// What was ever bought, each item once, in the order of names; read only where it is asked for.
    pub items: Vec<OwnedItem>,
    /// Deals.
    pub deals: Vec<Deal>,
    /// Friends of his who came with his certificates and count, the last one first; read only where
    /// it is asked for.
    pub friends: Vec<FriendPurchase>,
    /// Visits to the site; read only where they are asked for.
    pub visits: Option<Visits>,
    /// Consents of the client himself; the basis of the source is configuration.
    pub consents: Vec<Consent>,
    /// Channels whose address is suppressed.
    pub suppressed: Vec<Suppressed>,
    /// The story so far.
    pub enrollments: Vec<Enrollment>,
    /// Days on which this client, or an address of his under another client's name, got an
    /// advertising message.
    pub advertising_days: Vec<Day>,
    /// What his addresses have got, also under another client's name: nothing of it comes again.
    pub address_got: Vec<AddressGot>,
    /// Seats at events that he was invited to; read only where it is asked for.
    pub seats: Vec<Seat>,
}

/// A seat at the event of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The campaign that invited.
    pub campaign: String,
    /// Whether it was not given back.
    pub taken: bool,
    /// The day on which the client came.
    pub attended_on: Option<Day>,
}

impl Seat {
    /// Whether the client came to the event of this campaign.
    pub fn came_to(&self, campaign: &str) -> bool {
        self.campaign == campaign && self.attended_on.is_some()
    }
}

/// An item that a client has bought.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedItem<I = String> {
    /// The item, as the source names it.
    pub item: I,
    /// How many of it he took on the last day on which he bought it.
    pub quantity: f64,
}

/// A friend who has bought with a certificate that the client gave him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendPurchase {
    /// The friend: source and id, so that it is known for ever who was meant.
    pub friend: String,
    /// The day since which he counts: that of his purchase, or later where a person had to look.
    pub day: Day,
    /// What he paid, in minor units, where it is known.
    pub amount: Option<i64>,
}

/// A message that an address has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressGot {
    /// The channel of the address.
    pub channel: Channel,
    /// The campaign.
    pub campaign: String,
    /// The occasion.
    pub episode: String,
    /// The step.
    pub step: String,
}

impl ClientFacts {
    /// Replaces rhythm and money by those of a past day; the money of the year stays.
    pub fn rewind(&mut self, rhythm: Option<(Rhythm, RhythmDates)>, totals: Totals) {
        self.rhythm = rhythm;
        self.totals = Totals {
            year: self.totals.year,
            ..totals
        };
    }

    /// The address for `channel`: of the contact where there is one, otherwise of the client.
    pub fn address(&self, channel: Channel) -> Option<&str> {
        let of_contact = self.contact.as_ref().and_then(|contact| match channel {
            Channel::Email => contact.email.as_deref(),
            Channel::Whatsapp => contact.phone.as_deref(),
        });
        of_contact.or(match channel {
            Channel::Email => self.client.email.as_deref(),
            Channel::Whatsapp => self.client.phone.as_deref(),
        })
    }

    /// The phone that a manager calls.
    pub fn phone(&self) -> Option<&str> {
        self.address(Channel::Whatsapp)
    }

    /// The last purchase day.
    pub fn last_purchase(&self) -> Option<Day> {
        self.rhythm.map(|(rhythm, _)| rhythm.last)
    }

    /// The number of purchase days.
    pub fn purchase_days(&self) -> u32 {
        self.rhythm.map_or(0, |(rhythm, _)| rhythm.purchase_days)
    }

    /// What one purchase day usually brings, in minor units; nothing when never bought.
    pub fn usual_spend(&self) -> i64 {
        match self.purchase_days() {
            0 => 0,
            days => self.totals.spent / i64::from(days),
        }
    }
}

/// An address that must not be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// For which channel.
    pub channel: Channel,
    /// `true`: advertising only; `false`: everything.
    pub advertising_only: bool,
    /// Whether the person asked to be left alone, and not only this address.
    pub person: bool,
}

//! The last gate: whether a message may leave at this very moment.
//!
//! Days can lie between the plan and the sending. So everything that could have changed is asked
//! again, on facts read in the transaction that passes the point of no return. What comes out is a
//! [`Cleared`] value, and channels send nothing else.

use chrono::{DateTime, Utc};

use super::hours::{next_open, zone_of};
use crate::config::campaign::{Campaign, CampaignStatus};
use crate::config::settings::Settings;
use crate::model::{Channel, Class, ClientFacts, Day, Enrollment, MessageState};
use crate::rules::plan::{self, Reason};

/// A message that may be sent now: it has passed every gate, and the point of no return is kept.
///
/// Only [`clear`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Cleared<M>(M);

impl<M> Cleared<M> {
    /// The message.
    pub const fn message(&self) -> &M {
        &self.0
    }

    /// The message, when it has been sent.
    pub fn into_message(self) -> M {
        self.0
    }
}

/// What the gates rest on beside the message.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// The company's configuration.
    pub settings: &'a Settings,
    /// The campaigns as they are now.
    pub campaigns: &'a [Campaign],
    /// The present instant.
    pub now: DateTime<Utc>,
}

impl Door<'_> {
    /// The company's present day.
    pub fn today(&self) -> Day {
        let zone = self.settings.company.time_zone.0;
        Day::from_date(self.now.with_timezone(&zone).date_naive())
    }
}

/// A message at the door, with all that is known of its reader at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct AtTheDoor {
    /// The campaign.
    pub campaign: String,
    /// The channel.
    pub channel: Channel,
    /// What it is in the eyes of the law.
    pub class: Class,
    /// After this instant it is of no use any more.
    pub expires_at: Option<DateTime<Utc>>,
    /// Why its channel, campaign, step or country rests until a person lifts it, if one does.
    pub stopped: Option<String>,
    /// Who reads it.
    pub reader: Reader,
}

/// Who reads a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Reader {
    /// A person of the company: no consent is needed for his own work.
    Staff,
    /// Somebody whom the sources no longer know.
    Gone,
    /// A client.
    Client {
        /// His facts as far as the gates look at them. The address is the one that is written to.
        facts: Box<ClientFacts>,
        /// The episode that the message belongs to; absent when it is not known any more.
        enrollment: Option<Enrollment>,
    },
}

/// Why a message does not leave now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// Not now: it goes back into the queue until then.
    Until(DateTime<Utc>, String),
    /// Never: its state, and the reason.
    Never(MessageState, String),
}

impl Hindrance {
    fn never(state: MessageState, reason: impl Into<String>) -> Self {
        Self::Never(state, reason.into())
    }
}

/// How long a message waits before it asks again, where nobody knows when the reason will be over.
const ASK_AGAIN: chrono::TimeDelta = chrono::TimeDelta::minutes(15);

/// Asks all gates; `message` comes back cleared, or as it was with the reason.
pub fn clear<M>(
    message: M,
    at_the_door: &AtTheDoor,
    door: &Door<'_>,
) -> Result<Cleared<M>, (M, Hindrance)> {
    match hindrance(at_the_door, door) {
        None => Ok(Cleared(message)),
        Some(hindrance) => Err((message, hindrance)),
    }
}

/// What stands in the way of a message at this moment, if anything does.
pub fn hindrance(at_the_door: &AtTheDoor, door: &Door<'_>) -> Option<Hindrance> {
    let expires_at = at_the_door.expires_at;
    if expires_at.is_some_and(|over| over <= door.now) {
        return Some(Hindrance::never(MessageState::Expired, "its time is over"));
    }
    let stopped = at_the_door.stopped.as_ref();
    let stopped = stopped.map(|why| Hindrance::Until(door.now + ASK_AGAIN, why.clone()));
    let hindrance = match &at_the_door.reader {
        Reader::Staff => None,
        Reader::Gone => Some(Hindrance::never(
            MessageState::Cancelled,
            "the sources no longer know the client",
        )),
        Reader::Client { facts, enrollment } => {
            for_good(at_the_door, facts, enrollment.as_ref(), door)
                .or_else(|| for_now(at_the_door, facts, door))
        }
    };
    match (hindrance.or(stopped), expires_at) {
        (Some(Hindrance::Until(until, reason)), Some(over)) if until >= over => {
            Some(Hindrance::never(
                MessageState::Expired,
                format!("{reason}, and then its time is over"),
            ))
        }
        (hindrance, _) => hindrance,
    }
}

/// Reasons that do not pass.
fn for_good(
    message: &AtTheDoor,
    facts: &ClientFacts,
    enrollment: Option<&Enrollment>,
    door: &Door<'_>,
) -> Option<Hindrance> {
    if let Err(reason) = plan::reachable(facts, door.settings, message.channel, message.class) {
        let state = match reason {
            Reason::Suppressed(_) | Reason::DoNotContact => MessageState::Suppressed,
            _ => MessageState::Skipped,
        };
        return Some(Hindrance::never(state, reason.to_string()));
    }
    let over = |why: &str| Some(Hindrance::never(MessageState::Cancelled, why));
    let Some(enrollment) = enrollment else {
        return over("its episode is not known");
    };
    if enrollment.closed_on.is_some() {
        return over("its episode is over");
    }
    let campaign = campaign_of(message, door)?;
    if plan::goal_reached(campaign, enrollment, facts) {
        return over("goal");
    }
    None
}

/// Reasons that pass.
fn for_now(message: &AtTheDoor, facts: &ClientFacts, door: &Door<'_>) -> Option<Hindrance> {
    let ask_again = |why: &str| Some(Hindrance::Until(door.now + ASK_AGAIN, why.to_owned()));
    match campaign_of(message, door).map(|campaign| campaign.status) {
        Some(CampaignStatus::Live) => {}
        Some(_) => return ask_again("the campaign is paused"),
        None => return ask_again("the campaign is not configured"),
    }
    if message.class == Class::Advertising {
        let thanks = campaign_of(message, door)
            .is_some_and(|campaign| plan::answers_a_purchase(&campaign.trigger));
        let cap = plan::under_the_cap(facts, door.settings, door.today());
        let quiet = if thanks {
            Ok(())
        } else {
            plan::not_just_bought(facts, door.settings, door.today())
        };
        if let Err(block) = cap.and(quiet) {
            let until = block.until.unwrap_or(door.today().plus(1));
            return Some(Hindrance::Until(
                morning(until, door),
                block.reason.to_string(),
            ));
        }
    }
    let client = &facts.client;
    let zone = zone_of(
        client.time_zone,
        client.country.as_deref(),
        client.phone.as_deref(),
        door.settings.company.time_zone.0,
    );
    match next_open(door.now, zone, &door.settings.hours) {
        Some(open) if open <= door.now => None,
        Some(open) => Some(Hindrance::Until(open, "closed_hours".to_owned())),
        None => Some(Hindrance::never(
            MessageState::Skipped,
            "the hours of [hours] are never open",
        )),
    }
}

fn campaign_of<'a>(message: &AtTheDoor, door: &Door<'a>) -> Option<&'a Campaign> {
    let mut campaigns = door.campaigns.iter();
    campaigns.find(|campaign| campaign.id == message.campaign)
}

/// The beginning of a day in the company's time zone.
fn morning(day: Day, door: &Door<'_>) -> DateTime<Utc> {
    super::hours::instant(
        day.date().and_time(chrono::NaiveTime::MIN),
        door.settings.company.time_zone.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Arm, Client, Rhythm, RhythmDates, Suppressed};

    fn settings() -> Settings {
        toml::from_str(
            "[company]\nname = \"T\"\ntime_zone = \"Europe/Moscow\"\n[[source]]\nname = \"shop\"\n\
             kind = \"csv\"\npath = \"x\"\n\
             consent = { basis = \"consent\", channels = [\"email\"] }\n",
        )
        .unwrap()
    }

    fn campaigns(status: &str) -> Vec<Campaign> {
        let text = format!(
            "id = \"wake\"\ntitle = \"Wake\"\nstatus = \"{status}\"\n[trigger]\non = \"missed_cycle\"\n\
             [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"missed-cycle\"\n"
        );
        vec![toml::from_str(&text).unwrap()]
    }

    fn today() -> Day {
        "2026-11-25".parse().unwrap()
    }

    fn letter() -> AtTheDoor {
        AtTheDoor {
            campaign: "wake".to_owned(),
            channel: Channel::Email,
            class: Class::Advertising,
            expires_at: Some(at("2026-11-28T00:00:00Z")),
            stopped: None,
            reader: Reader::Client {
                facts: Box::new(ClientFacts {
                    client: Client {
                        source: "shop".to_owned(),
                        email: Some("anna@example.org".to_owned()),
                        ..Client::default()
                    },
                    ..ClientFacts::default()
                }),
                enrollment: Some(Enrollment {
                    id: 1,
                    campaign: "wake".to_owned(),
                    episode: "missed:2026-11-20".to_owned(),
                    began_on: "2026-11-20".parse().unwrap(),
                    entered_on: "2026-11-24".parse().unwrap(),
                    arm: Arm::Treated,
                    closed_on: None,
                    touches: Vec::new(),
                }),
            },
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Asks at ten in the morning in Moscow.
    fn ask(letter: &AtTheDoor, status: &str) -> Option<Hindrance> {
        ask_at(letter, status, "2026-11-25T07:00:00Z")
    }

    fn ask_at(letter: &AtTheDoor, status: &str, now: &str) -> Option<Hindrance> {
        let (settings, campaigns) = (settings(), campaigns(status));
        hindrance(
            letter,
            &Door {
                settings: &settings,
                campaigns: &campaigns,
                now: at(now),
            },
        )
    }

    fn change(mut letter: AtTheDoor, change: impl FnOnce(&mut ClientFacts)) -> AtTheDoor {
        if let Reader::Client { facts, .. } = &mut letter.reader {
            change(facts);
        }
        letter
    }

    fn never(state: MessageState, reason: &str) -> Option<Hindrance> {
        Some(Hindrance::never(state, reason))
    }

    #[test]
    fn what_nothing_speaks_against_is_cleared() {
        let (settings, campaigns) = (settings(), campaigns("live"));
        let door = Door {
            settings: &settings,
            campaigns: &campaigns,
            now: at("2026-11-25T07:00:00Z"),
        };
        let cleared = clear("bytes", &letter(), &door).unwrap();
        assert_eq!(cleared.message(), &"bytes");
        assert_eq!(cleared.into_message(), "bytes");
    }

    #[test]
    fn who_said_stop_after_the_plan_is_not_written_to() {
        let stopped = change(letter(), |facts| {
            facts.suppressed.push(Suppressed {
                channel: Channel::Email,
                advertising_only: true,
                person: false,
            });
        });
        let reason = never(MessageState::Suppressed, "suppressed.email");
        assert_eq!(ask(&stopped, "live"), reason);
        let elsewhere = change(letter(), |facts| facts.client.source = "other".to_owned());
        let reason = never(MessageState::Skipped, "no_consent.email");
        assert_eq!(ask(&elsewhere, "live"), reason);
    }

    #[test]
    fn who_has_bought_or_answered_since_the_plan_is_left_in_peace() {
        let bought = change(letter(), |facts| {
            let dates = RhythmDates {
                due: today(),
                missed: today(),
                asleep: today(),
                lost: today(),
            };
            facts.rhythm = Some((Rhythm::first_purchase(today()), dates));
        });
        assert_eq!(ask(&bought, "live"), never(MessageState::Cancelled, "goal"));
        let mut answered = letter();
        if let Reader::Client {
            enrollment: Some(enrollment),
            ..
        } = &mut answered.reader
        {
            enrollment.closed_on = Some(today());
        }
        let over = never(MessageState::Cancelled, "its episode is over");
        assert_eq!(ask(&answered, "live"), over);
        let gone = AtTheDoor {
            reader: Reader::Gone,
            ..letter()
        };
        assert!(matches!(
            ask(&gone, "live"),
            Some(Hindrance::Never(MessageState::Cancelled, _))
        ));
    }

    #[test]
    fn a_paused_campaign_and_a_full_week_wait() {
        let again = Some(Hindrance::Until(
            at("2026-11-25T07:15:00Z"),
            "the campaign is paused".to_owned(),
        ));
        assert_eq!(ask(&letter(), "paused"), again);
        let full = change(letter(), |facts| {
            facts.advertising_days = vec![today().plus(-5), today().plus(-6)];
        });
        // The older one leaves the window tomorrow; days begin at 21:00 UTC in Moscow.
        let until = Hindrance::Until(at("2026-11-25T21:00:00Z"), "frequency_cap".to_owned());
        assert_eq!(ask(&full, "live"), Some(until));
    }

    #[test]
    fn what_a_person_or_an_answer_has_stopped_waits_for_a_person() {
        let stopped = AtTheDoor {
            stopped: Some("the password is wrong".to_owned()),
            ..letter()
        };
        let waits = Hindrance::Until(
            at("2026-11-25T07:15:00Z"),
            "the password is wrong".to_owned(),
        );
        assert_eq!(ask(&stopped, "live"), Some(waits));
    }

    #[test]
    fn nobody_is_woken_at_night_and_nothing_leaves_when_its_time_is_over() {
        let night = ask_at(&letter(), "live", "2026-11-25T19:00:00Z");
        let until = Hindrance::Until(at("2026-11-26T06:00:00Z"), "closed_hours".to_owned());
        assert_eq!(night, Some(until));
        let late = ask_at(&letter(), "live", "2026-11-27T19:00:00Z");
        let over = "closed_hours, and then its time is over";
        assert_eq!(late, never(MessageState::Expired, over));
        let over = ask_at(&letter(), "live", "2026-11-28T08:00:00Z");
        assert_eq!(over, never(MessageState::Expired, "its time is over"));
    }

    #[test]
    fn a_managers_list_needs_no_consent_and_no_hours() {
        let list = AtTheDoor {
            campaign: "managers".to_owned(),
            reader: Reader::Staff,
            ..letter()
        };
        assert_eq!(ask_at(&list, "live", "2026-11-25T02:00:00Z"), None);
    }
}

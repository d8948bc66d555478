//! Whether a client may be written to: address, country, consent, suppression, frequency.
//!
//! Each gate is a small function of the facts. The plan asks them to show the truth in advance;
//! whoever sends asks them again at the moment of sending.

use std::collections::BTreeMap;

use crate::config::settings::{Settings, SourceConsent, TaskSettings};
use crate::model::{
    Channel, Class, ClientFacts, ClientId, Consent, ConsentBasis, Day, OutcomeKind, TouchKind,
};
use crate::rules::day_list;

use super::verdict::{Block, Reason};

/// Whether the law and the client allow a message on a channel at all.
pub fn reachable(
    facts: &ClientFacts,
    settings: &Settings,
    channel: Channel,
    class: Class,
) -> Result<(), Reason> {
    if wants_to_be_left_alone(facts) {
        return Err(Reason::DoNotContact);
    }
    let address = facts.address(channel).ok_or(Reason::NoAddress(channel))?;
    if channel == Channel::Whatsapp && !country_allowed(address, settings) {
        return Err(Reason::CountryNotAllowed);
    }
    let suppressed = facts.suppressed.iter().any(|entry| {
        entry.channel == channel && (!entry.advertising_only || class == Class::Advertising)
    });
    if suppressed {
        return Err(Reason::Suppressed(channel));
    }
    consented(facts, settings, channel, class)
}

/// Whether a person may call: not when the phone is suppressed for everything, and not when the
/// client asked to be left alone. An e-mail address that takes no letters stops no calls.
pub(super) fn may_be_called(facts: &ClientFacts) -> Result<(), Reason> {
    let phone_is_shut = facts
        .suppressed
        .iter()
        .any(|entry| entry.channel == Channel::Whatsapp && !entry.advertising_only);
    if phone_is_shut || wants_to_be_left_alone(facts) {
        Err(Reason::DoNotContact)
    } else {
        Ok(())
    }
}

/// Whether the client said that he wants to hear nothing at all: a wish of the person, whatever
/// address it came by and whatever addresses are learnt later.
fn wants_to_be_left_alone(facts: &ClientFacts) -> bool {
    let mut touches = facts.enrollments.iter().flat_map(|one| &one.touches);
    let told_a_manager = touches.any(|touch| match &touch.what {
        TouchKind::Task { outcome, .. } => outcome
            .as_ref()
            .is_some_and(|outcome| outcome.kind == OutcomeKind::DoNotContact),
        TouchKind::Message { .. } => false,
    });
    told_a_manager || facts.suppressed.iter().any(|entry| entry.person)
}

/// Whether a person may be asked to do something about this client: not while another task for
/// him is open, whatever campaign it is of. A list names a client once. A task that expires today
/// leaves the list today.
pub(super) fn no_task_is_open(
    facts: &ClientFacts,
    settings: &TaskSettings,
    day: Day,
) -> Result<(), Block> {
    let mut touches = facts.enrollments.iter().flat_map(|one| &one.touches);
    let is_open = touches.any(|touch| match touch.what {
        TouchKind::Task {
            waits_since: Some(since),
            ..
        } => day < day_list::expires_on(since, settings),
        _ => false,
    });
    if is_open {
        // It may be closed any day.
        Err(Block::until(Reason::TaskOpen, day.plus(1)))
    } else {
        Ok(())
    }
}

/// The calling codes of the countries that a company may list.
///
/// Source: ITU-T E.164 assigned country codes. Russia and Kazakhstan share +7; Kazakhstan has the
/// numbers that go on with 6 or 7.
const CALLING_CODES: &[(&str, &str)] = &[
    ("RU", "+7"),
    ("KZ", "+77"),
    ("KZ", "+76"),
    ("BY", "+375"),
    ("AM", "+374"),
    ("AZ", "+994"),
    ("GE", "+995"),
    ("KG", "+996"),
    ("UZ", "+998"),
    ("TJ", "+992"),
    ("TM", "+993"),
    ("MD", "+373"),
    ("AE", "+971"),
    ("TR", "+90"),
    ("IL", "+972"),
    ("IN", "+91"),
    ("CN", "+86"),
    ("GB", "+44"),
    ("DE", "+49"),
    ("FR", "+33"),
    ("ES", "+34"),
    ("IT", "+39"),
    ("NL", "+31"),
    ("BE", "+32"),
    ("AT", "+43"),
    ("CH", "+41"),
    ("PL", "+48"),
    ("CZ", "+420"),
    ("SK", "+421"),
    ("PT", "+351"),
    ("IE", "+353"),
    ("FI", "+358"),
    ("SE", "+46"),
    ("NO", "+47"),
    ("DK", "+45"),
    ("EE", "+372"),
    ("LV", "+371"),
    ("LT", "+370"),
    ("RO", "+40"),
    ("BG", "+359"),
    ("GR", "+30"),
    ("HU", "+36"),
    ("RS", "+381"),
    ("HR", "+385"),
    ("SI", "+386"),
    ("BR", "+55"),
    ("MX", "+52"),
    ("US", "+1"),
    ("CA", "+1"),
];

/// The country of the longest calling code that fits; an unknown one is nobody's.
pub fn country_of(phone: &str) -> Option<&'static str> {
    let fitting = CALLING_CODES
        .iter()
        .filter(|(_, code)| phone.starts_with(code));
    fitting
        .max_by_key(|(_, code)| code.len())
        .map(|(country, _)| *country)
}

fn country_allowed(phone: &str, settings: &Settings) -> bool {
    let allowed = &settings.delivery.whatsapp_countries;
    country_of(phone).is_some_and(|country| {
        allowed
            .iter()
            .any(|entry| entry.eq_ignore_ascii_case(country))
    })
}

/// Whether a consent of the client, or the basis of the source, covers this message.
///
/// A word of the client himself always beats the basis of the source. Of several words under one
/// card the latest counts; where second cards have been merged into the client's, what he took back
/// under any of them stays taken back.
fn consented(
    facts: &ClientFacts,
    settings: &Settings,
    channel: Channel,
    class: Class,
) -> Result<(), Reason> {
    let mut latest: BTreeMap<ClientId, &Consent> = BTreeMap::new();
    let said = facts.consents.iter();
    for consent in said.filter(|one| one.channel == channel && one.class == class) {
        let of_card = latest.entry(consent.card).or_insert(consent);
        if said_on(consent) >= said_on(of_card) {
            *of_card = consent;
        }
    }
    let own = latest
        .into_values()
        .max_by_key(|consent| (consent.withdrawn_on.is_some(), said_on(consent)));
    if let Some(consent) = own {
        return match (consent.withdrawn_on, covers(consent.basis, class)) {
            (Some(_), _) => Err(Reason::ConsentWithdrawn(channel)),
            (None, true) => Ok(()),
            (None, false) => Err(Reason::NoConsent(channel)),
        };
    }
    let source = settings
        .sources
        .iter()
        .find(|source| source.name == facts.client.source);
    let covered = source.is_some_and(|source| source_covers(&source.consent, channel, class));
    if covered {
        Ok(())
    } else {
        Err(Reason::NoConsent(channel))
    }
}

/// The day of a client's last word in one entry.
fn said_on(consent: &Consent) -> Option<Day> {
    consent.withdrawn_on.max(consent.given_on)
}

fn source_covers(consent: &SourceConsent, channel: Channel, class: Class) -> bool {
    covers(consent.basis, class)
        && consent.channels.contains(&channel)
        && (consent.classes.is_empty() || consent.classes.contains(&class))
}

/// What each basis can carry: a contract carries no advertising.
const fn covers(basis: ConsentBasis, class: Class) -> bool {
    match basis {
        ConsentBasis::None => false,
        ConsentBasis::Consent | ConsentBasis::SoftOptIn => true,
        ConsentBasis::Contract => matches!(class, Class::Service),
    }
}

/// Whether another advertising message fits under the cap today.
pub fn under_the_cap(facts: &ClientFacts, settings: &Settings, day: Day) -> Result<(), Block> {
    let within = settings.limits.per_client_within.count();
    let mut counted: Vec<Day> = facts
        .advertising_days
        .iter()
        .copied()
        .filter(|sent| (0..within).contains(&day.days_since(*sent)))
        .collect();
    let cap = usize::from(settings.limits.per_client);
    if counted.len() < cap {
        return Ok(());
    }
    counted.sort_unstable();
    let leaves = counted
        .get(counted.len() - cap.max(1))
        .copied()
        .unwrap_or(day);
    Err(Block::until(Reason::FrequencyCap, leaves.plus(within)))
}

/// Whether the last purchase is long enough ago for advertising.
pub fn not_just_bought(facts: &ClientFacts, settings: &Settings, day: Day) -> Result<(), Block> {
    let quiet = settings.limits.quiet_after_purchase.count();
    match facts.last_purchase().map(|last| last.plus(quiet)) {
        Some(until) if until > day => Err(Block::until(Reason::RecentPurchase, until)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Arm, Client, Enrollment, Outcome, Suppressed, Touch};

    fn settings() -> Settings {
        toml::from_str(
            "[company]\nname = \"T\"\n[delivery]\nwhatsapp_countries = [\"KZ\"]\n\
             [[source]]\nname = \"shop\"\nkind = \"csv\"\npath = \"x\"\n\
             consent = { basis = \"consent\", channels = [\"email\", \"whatsapp\"] }\n\
             [[source]]\nname = \"crm\"\nkind = \"csv\"\npath = \"y\"\n\
             consent = { basis = \"contract\", channels = [\"email\"] }\n",
        )
        .unwrap()
    }

    fn anna(source: &str) -> ClientFacts {
        ClientFacts {
            client: Client {
                source: source.to_owned(),
                email: Some("anna@example.org".to_owned()),
                phone: Some("+77011234567".to_owned()),
                ..Client::default()
            },
            ..ClientFacts::default()
        }
    }

    #[test]
    fn the_basis_of_the_source_carries_only_what_it_covers() {
        let settings = settings();
        let ask = |source, channel, class| reachable(&anna(source), &settings, channel, class);
        let (mail, chat) = (Channel::Email, Channel::Whatsapp);
        assert_eq!(ask("shop", mail, Class::Advertising), Ok(()));
        assert_eq!(ask("shop", chat, Class::Advertising), Ok(()));
        assert_eq!(
            ask("crm", mail, Class::Advertising),
            Err(Reason::NoConsent(mail))
        );
        assert_eq!(ask("crm", mail, Class::Service), Ok(()));
        assert_eq!(
            ask("crm", chat, Class::Service),
            Err(Reason::NoConsent(chat))
        );
        assert_eq!(
            ask("other", mail, Class::Service),
            Err(Reason::NoConsent(mail))
        );
    }

    #[test]
    fn the_clients_own_word_beats_the_basis_of_the_source() {
        let settings = settings();
        let mut facts = anna("shop");
        let consent = Consent {
            channel: Channel::Email,
            class: Class::Advertising,
            basis: ConsentBasis::Consent,
            given_on: Some(Day::from_epoch(10)),
            withdrawn_on: Some(Day::from_epoch(20)),
            card: ClientId(1),
        };
        facts.consents.push(consent.clone());
        let ask =
            |facts: &ClientFacts| reachable(facts, &settings, Channel::Email, Class::Advertising);
        assert_eq!(ask(&facts), Err(Reason::ConsentWithdrawn(Channel::Email)));
        let given_on = Some(Day::from_epoch(30));
        facts.consents.push(Consent {
            given_on,
            withdrawn_on: None,
            ..consent.clone()
        });
        assert_eq!(ask(&facts), Ok(()));
        // A second card, merged into this one, on which he said no even before.
        facts.consents.push(Consent {
            card: ClientId(2),
            ..consent
        });
        assert_eq!(ask(&facts), Err(Reason::ConsentWithdrawn(Channel::Email)));
    }

    #[test]
    fn a_suppressed_address_is_never_written_to() {
        let settings = settings();
        let mut facts = anna("shop");
        facts.suppressed = vec![Suppressed {
            channel: Channel::Email,
            advertising_only: true,
            person: false,
        }];
        let mail = Channel::Email;
        let blocked = Err(Reason::Suppressed(mail));
        assert_eq!(
            reachable(&facts, &settings, mail, Class::Advertising),
            blocked
        );
        assert_eq!(reachable(&facts, &settings, mail, Class::Service), Ok(()));
        facts.suppressed[0].advertising_only = false;
        assert_eq!(reachable(&facts, &settings, mail, Class::Service), blocked);
    }

    #[test]
    fn a_call_is_stopped_by_the_phone_and_by_the_person_and_not_by_an_email_address() {
        let mut facts = anna("shop");
        let suppress = |channel, advertising_only, person| {
            vec![Suppressed {
                channel,
                advertising_only,
                person,
            }]
        };
        for (channel, advertising_only, person, may) in [
            (Channel::Email, false, false, true),
            (Channel::Email, true, false, true),
            (Channel::Whatsapp, true, false, true),
            (Channel::Whatsapp, false, false, false),
            (Channel::Email, false, true, false),
        ] {
            facts.suppressed = suppress(channel, advertising_only, person);
            let asked = may_be_called(&facts);
            assert_eq!(asked.is_ok(), may, "{:?}", facts.suppressed);
        }
    }

    #[test]
    fn who_told_a_manager_to_stop_is_left_alone_under_every_address() {
        let settings = settings();
        let mut facts = anna("shop");
        let day = Day::from_epoch(50);
        let outcome = Some(Outcome::new(OutcomeKind::DoNotContact, day));
        facts.enrollments.push(Enrollment {
            id: 1,
            campaign: "other".to_owned(),
            episode: "e".to_owned(),
            began_on: day,
            entered_on: day,
            arm: Arm::Treated,
            closed_on: Some(day),
            touches: vec![Touch {
                step: "call".to_owned(),
                day,
                what: TouchKind::Task {
                    outcome,
                    waits_since: None,
                },
            }],
        });
        let mail = reachable(&facts, &settings, Channel::Email, Class::Service);
        assert_eq!(mail, Err(Reason::DoNotContact));
        assert_eq!(may_be_called(&facts), Err(Reason::DoNotContact));
    }

    #[test]
    fn a_client_with_an_open_task_gets_no_second_one() {
        let day = Day::from_epoch(100);
        let mut facts = anna("shop");
        let settings = TaskSettings::default();
        let ask = |facts: &ClientFacts, day| no_task_is_open(facts, &settings, day);
        assert_eq!(ask(&facts, day), Ok(()));
        let task = |waits_since| Touch {
            step: "call".to_owned(),
            day: Day::from_epoch(98),
            what: TouchKind::Task {
                outcome: None,
                waits_since,
            },
        };
        facts.enrollments.push(Enrollment {
            id: 1,
            campaign: "other".to_owned(),
            episode: "e".to_owned(),
            began_on: Day::from_epoch(90),
            entered_on: Day::from_epoch(98),
            arm: Arm::Treated,
            closed_on: None,
            touches: vec![task(Some(Day::from_epoch(98)))],
        });
        let block = ask(&facts, day).unwrap_err();
        assert_eq!(block, Block::until(Reason::TaskOpen, day.plus(1)));
        assert!(ask(&facts, Day::from_epoch(127)).is_err());
        assert_eq!(ask(&facts, Day::from_epoch(128)), Ok(()), "it has expired");
        facts.enrollments[0].touches = vec![task(None)];
        assert_eq!(ask(&facts, day), Ok(()));
    }

    #[test]
    fn a_russian_number_is_not_a_kazakh_one() {
        assert_eq!(country_of("+79130000000"), Some("RU"));
        assert_eq!(country_of("+77011234567"), Some("KZ"));
        assert_eq!(country_of("+999"), None);
    }

    #[test]
    fn the_cap_opens_again_when_the_oldest_counted_message_leaves_the_window() {
        let settings = settings();
        let mut facts = anna("shop");
        let day = Day::from_epoch(100);
        facts.advertising_days = vec![Day::from_epoch(99), Day::from_epoch(95)];
        let block = under_the_cap(&facts, &settings, day).unwrap_err();
        assert_eq!(block.until, Some(Day::from_epoch(102)));
        facts.advertising_days[1] = Day::from_epoch(93);
        assert_eq!(under_the_cap(&facts, &settings, day), Ok(()));
    }
}

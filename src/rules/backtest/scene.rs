//! What a replay rests on, beside the clients: the campaign as it is replayed, the period, and the
//! facts of the base at each refit.
//!
//! The replay asks what the rules of a campaign would have chosen. Addresses and consents belong to
//! the present and not to the past, so everybody counts as reachable; how many of the messages
//! could lawfully be sent today is counted beside it. What went with what in the baskets of the time
//! is not replayed either: a condition on `hint` is left out.

use crate::config::campaign::{Campaign, CampaignStatus, Condition};
use crate::config::{Settings, settings::RhythmSettings};
use crate::model::{Channel, Class, ClientFacts, Consent, ConsentBasis, Day};

use super::alarm::Occasion;
use super::eras::Eras;

/// A stretch of days, both ends included, and how far the data reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day that is replayed.
    pub from: Day,
    /// The last one.
    pub to: Day,
    /// The last day on which anything was bought: what came later is not known.
    pub data_until: Day,
}

impl Period {
    /// Every day of the period.
    pub fn days(&self) -> impl Iterator<Item = Day> + use<> {
        (self.from.epoch_days()..=self.to.epoch_days()).map(Day::from_epoch)
    }

    /// How many days the period has.
    pub fn n_days(&self) -> usize {
        (self.to - self.from + 1).max(0) as usize
    }

    /// The place of a day in the period, from 0.
    pub fn place(&self, day: Day) -> usize {
        (day - self.from).max(0) as usize
    }
}

/// Everything that the replay of a campaign rests on.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The campaign, begun on the first day of the period.
    pub campaign: Campaign,
    /// What starts an episode.
    pub occasion: Occasion,
    /// The period.
    pub period: Period,
    /// The base at each refit.
    pub eras: Eras,
    /// The configuration of the company.
    pub company: &'a Settings,
    /// The same with the country of the pretended phones allowed.
    pub(super) settings: Settings,
    /// Whether a condition of the audience can change while nothing is bought.
    pub(super) audience_drifts: bool,
    /// The conditions that do not look at the silence itself.
    pub(super) lasting_audience: Condition,
}

/// The country and the beginning of the phones that the replay pretends to know.
const PRETENDED_COUNTRY: &str = "RU";
const PRETENDED_PHONE: &str = "+7900";

impl<'a> Scene<'a> {
    /// Sets the scene; `None` for a campaign that purchases cannot judge.
    pub fn new(
        campaign: &Campaign,
        company: &'a Settings,
        period: Period,
        eras: Eras,
    ) -> Option<Self> {
        let occasion = Occasion::of(&campaign.trigger)?;
        let mut replayed = campaign.clone();
        replayed.status = CampaignStatus::Live;
        replayed.starts = Some(period.from);
        replayed.ends = None;
        replayed.audience = without_hints(&campaign.audience);
        let mut settings = company.clone();
        let countries = &mut settings.delivery.whatsapp_countries;
        countries.push(PRETENDED_COUNTRY.to_owned());
        Some(Self {
            audience_drifts: drifts(&replayed.audience),
            lasting_audience: lasting(&replayed.audience),
            campaign: replayed,
            occasion,
            period,
            eras,
            company,
            settings,
        })
    }

    /// The rhythm settings of the company.
    pub fn rhythm(&self) -> &RhythmSettings {
        &self.company.rhythm
    }
}

/// The client as the replay sees him before anything happened: reachable, without our story.
pub(super) fn pretended(facts: &ClientFacts) -> ClientFacts {
    let mut client = facts.client.clone();
    client.email = Some(format!("{}@example.org", client.id));
    client.phone = Some(format!("{PRETENDED_PHONE}{:07}", client.id.0));
    let kinds = Channel::ALL
        .iter()
        .flat_map(|channel| Class::ALL.iter().map(|class| (*channel, *class)));
    let consents = kinds.map(|(channel, class)| Consent {
        channel,
        class,
        basis: ConsentBasis::Consent,
        given_on: None,
        withdrawn_on: None,
        card: client.id,
    });
    ClientFacts {
        consents: consents.collect(),
        client,
        ..ClientFacts::default()
    }
}

/// Whether a condition can change from one day to the next while nothing is bought.
fn drifts(condition: &Condition) -> bool {
    let Condition {
        turnover,
        silent_days,
        state,
        any,
        not,
        ..
    } = condition;
    let nested = any.iter().flatten().chain(not.iter().map(|inner| &**inner));
    turnover.is_some() || silent_days.is_some() || state.is_some() || nested.into_iter().any(drifts)
}

/// The condition without what looks at the silence itself; a nested one that does is left out.
fn lasting(condition: &Condition) -> Condition {
    without(condition, |kept| {
        kept.silent_days = None;
        kept.state = None;
    })
}

/// The condition without what looks at baskets; a nested one that does is left out.
fn without_hints(condition: &Condition) -> Condition {
    without(condition, |kept| kept.hint = None)
}

/// The condition after `drop`, without the nested ones from which it would take something.
fn without(condition: &Condition, drop: fn(&mut Condition)) -> Condition {
    let loses = |inner: &Condition| without(inner, drop) != *inner;
    let mut kept = condition.clone();
    drop(&mut kept);
    kept.any = kept.any.filter(|choices| !choices.iter().any(loses));
    kept.not = kept.not.filter(|inner| !loses(inner));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(toml: &str) -> Condition {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn only_silence_state_and_turnover_change_while_nothing_is_bought() {
        for (toml, expected) in [
            ("purchases = { at_least = 3 }\nxyz = [\"X\"]", false),
            ("state = [\"missed\"]", true),
            ("turnover = { at_least = \"1 RUB\" }", true),
            (
                "any = [{ company = true }, { silent_days = { at_most = 90 } }]",
                true,
            ),
            ("not = { state = [\"lost\"] }", true),
            ("not = { key_account = true }", false),
        ] {
            assert_eq!(drifts(&condition(toml)), expected, "{toml}");
        }
    }

    #[test]
    fn the_lasting_part_of_an_audience_does_not_look_at_the_silence() {
        let all = condition(
            "purchases = { at_least = 3 }\nstate = [\"missed\"]\n\
             silent_days = { at_most = 90 }\nnot = { state = [\"lost\"], company = true }\n\
             any = [{ company = true }, { xyz = [\"X\"] }]",
        );
        let kept = condition(
            "purchases = { at_least = 3 }\nany = [{ company = true }, { xyz = [\"X\"] }]",
        );
        assert_eq!(lasting(&all), kept);
    }

    #[test]
    fn what_looks_at_baskets_is_not_replayed() {
        let all = condition(
            "hint = [\"paper\"]\ncompany = true\nnot = { hint = [\"ink\"], xyz = [\"Z\"] }",
        );
        assert_eq!(without_hints(&all), condition("company = true"));
    }

    #[test]
    fn a_period_knows_its_days() {
        let period = Period {
            from: Day::from_epoch(10),
            to: Day::from_epoch(12),
            data_until: Day::from_epoch(50),
        };
        assert_eq!((period.n_days(), period.days().count()), (3, 3));
        assert_eq!(period.place(Day::from_epoch(12)), 2);
    }
}

//! Decisions and reasons as people read them.

use crate::config::campaign::CampaignStatus;
use crate::model::{Channel, Locale};
use crate::rules::wording;

use super::ClosedBy;
use super::verdict::{Block, Decision, Reason};

impl Decision {
    /// One word: `enters`, `skipped`, `no_occasion` ...
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotRunning(CampaignStatus::Paused) => "paused",
            Self::NotRunning(_) => "not_running",
            Self::OutOfSeason => "out_of_season",
            Self::NoOccasion { .. } => "no_occasion",
            Self::Done { .. } => "done",
            Self::Skipped(_) => "skipped",
            Self::InBacklog => "backlog",
            Self::Enters { .. } => "enters",
            Self::Continues { .. } => "continues",
            Self::Leaves(_) => "leaves",
        }
    }

    /// What is decided and why, in a phrase.
    pub fn phrase(&self, locale: Locale) -> String {
        let say = |ru: &str, en: &str| pick(locale, ru, en).to_owned();
        match self {
            Self::NotRunning(CampaignStatus::Paused) => {
                say("кампания на паузе", "the campaign is paused")
            }
            Self::NotRunning(_) => say("кампания не работает", "the campaign does not run"),
            Self::OutOfSeason => say(
                "в этот день кампания никого не берёт",
                "the campaign takes nobody in on this day",
            ),
            Self::NoOccasion { because, .. } => because.phrase(locale),
            Self::Done { episode } => match locale {
                Locale::Ru => "этот повод уже отработан".to_owned(),
                Locale::En => format!("{episode} has been dealt with"),
            },
            Self::Skipped(Block { reason, .. }) => reason.phrase(locale),
            Self::InBacklog => say(
                "повод старше кампании",
                "the occasion is older than the campaign",
            ),
            Self::Enters { step: Some(step) } => match locale {
                Locale::Ru => format!("входит с шагом {step}"),
                Locale::En => format!("enters with step {step}"),
            },
            Self::Enters { step: None } => say(
                "входит; первый шаг позже",
                "enters; the first step comes later",
            ),
            Self::Continues {
                step: Some(step), ..
            } => match locale {
                Locale::Ru => format!("сегодня шаг {step}"),
                Locale::En => format!("step {step} is taken"),
            },
            Self::Continues { step: None, .. } => say("сегодня шагов нет", "no step is due"),
            Self::Leaves(by) => by.phrase(locale),
        }
    }
}

impl ClosedBy {
    /// What ends an episode, in a phrase.
    pub fn phrase(self, locale: Locale) -> String {
        let said = match self {
            Self::Goal => "цель кампании достигнута",
            Self::Outcome => "так кончился звонок",
            Self::Finished => "время кампании вышло",
            Self::Over => "повод прошёл сам",
        };
        match locale {
            Locale::Ru => said.to_owned(),
            Locale::En => format!("leaves: {}", self.word()),
        }
    }
}

impl Reason {
    /// Why not, in a phrase.
    pub fn phrase(&self, locale: Locale) -> String {
        let said = match self {
            Self::Audience(condition) => {
                let condition = wording::condition(locale, condition);
                return format!(
                    "{} {condition}",
                    pick(locale, "не подходит:", "not for this audience:")
                );
            }
            Self::NoAddress(channel) => match channel {
                Channel::Email => ("нет почты", "no e-mail address"),
                Channel::Whatsapp => ("нет телефона", "no phone"),
            },
            Self::NobodyThere(channel) => {
                let way = wording::channel(locale, *channel);
                return format!(
                    "{} ({way})",
                    pick(locale, "по адресу никого нет", "nobody is at the address")
                );
            }
            Self::NoConsent(channel) => {
                let way = wording::channel(locale, *channel);
                return format!("{} ({way})", pick(locale, "нет согласия", "no consent"));
            }
            Self::ConsentWithdrawn(channel) => {
                let way = wording::channel(locale, *channel);
                return format!(
                    "{} ({way})",
                    pick(locale, "согласие отозвано", "the consent was taken back")
                );
            }
            Self::Suppressed(channel) => {
                let way = wording::channel(locale, *channel);
                return format!(
                    "{} ({way})",
                    pick(locale, "адрес закрыт", "the address is closed")
                );
            }
            Self::Outranked(_) => (
                "сегодня важнее другая кампания",
                "today another campaign comes first",
            ),
            Self::NobodyToTake(role) => {
                let role = wording::role(locale, *role);
                return format!(
                    "{} {role}",
                    pick(
                        locale,
                        "принять клиента некому: нужен",
                        "nobody to take him:"
                    )
                );
            }
            plain => plain.words(),
        };
        pick(locale, said.0, said.1).to_owned()
    }

    /// The reason of a stable word, as [`Display`](std::fmt::Display) writes it; nothing for another
    /// text.
    pub fn of_word(word: &str) -> Option<Self> {
        let (kind, of) = word.split_once('.').unwrap_or((word, ""));
        let channel = of.parse::<Channel>().ok();
        Some(match (kind, channel) {
            ("audience", _) if !of.is_empty() => Self::Audience(of.to_owned()),
            ("no_address", Some(channel)) => Self::NoAddress(channel),
            ("nobody_there", Some(channel)) => Self::NobodyThere(channel),
            ("no_consent", Some(channel)) => Self::NoConsent(channel),
            ("consent_withdrawn", Some(channel)) => Self::ConsentWithdrawn(channel),
            ("suppressed", Some(channel)) => Self::Suppressed(channel),
            ("nobody_to_take", _) => Self::NobodyToTake(of.parse().ok()?),
            ("outranked", None) => Self::Outranked(String::new()),
            _ => Self::PLAIN
                .iter()
                .find(|one| one.to_string() == word)?
                .clone(),
        })
    }

    /// The reasons that say nothing of their own.
    const PLAIN: [Self; 11] = [
        Self::Reentry,
        Self::CountryNotAllowed,
        Self::KeyAccount,
        Self::DoNotContact,
        Self::FrequencyCap,
        Self::RecentPurchase,
        Self::Agreed,
        Self::TaskOpen,
        Self::SameAddress,
        Self::NotInvited,
        Self::NoStep,
    ];

    /// The reasons that say nothing of their own, in Russian and in English.
    const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Reentry => ("недавно уже был в этой кампании", "was in it lately"),
            Self::CountryNotAllowed => (
                "в этой стране WhatsApp не разрешён",
                "WhatsApp is not allowed in this country",
            ),
            Self::KeyAccount => (
                "ключевой клиент: рассылок не получает",
                "a key account gets no mailings",
            ),
            Self::DoNotContact => ("просил больше не беспокоить", "asked never to be contacted"),
            Self::FrequencyCap => (
                "сообщений за это время уже достаточно",
                "has had as many messages as he may",
            ),
            Self::RecentPurchase => ("только что купил", "has just bought"),
            Self::Agreed => ("договорились на другой день", "a later day is agreed"),
            Self::TaskOpen => (
                "по клиенту уже есть открытая задача",
                "a task about him is open already",
            ),
            Self::SameAddress => (
                "на этот адрес сегодня уходит другое",
                "the same address gets something else today",
            ),
            Self::NotInvited => (
                "шаг для других приглашённых",
                "the step is for others who were invited",
            ),
            _ => ("нет шага, который можно сделать", "no step can be taken"),
        }
    }
}

const fn pick<'a>(locale: Locale, ru: &'a str, en: &'a str) -> &'a str {
    match locale {
        Locale::Ru => ru,
        Locale::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManagerRole;

    #[test]
    fn every_reason_has_words_in_both_languages() {
        let all = [
            Reason::Audience("xyz".to_owned()),
            Reason::Reentry,
            Reason::NoAddress(Channel::Email),
            Reason::NobodyThere(Channel::Whatsapp),
            Reason::NoConsent(Channel::Email),
            Reason::ConsentWithdrawn(Channel::Email),
            Reason::Suppressed(Channel::Whatsapp),
            Reason::CountryNotAllowed,
            Reason::KeyAccount,
            Reason::DoNotContact,
            Reason::FrequencyCap,
            Reason::RecentPurchase,
            Reason::Agreed,
            Reason::TaskOpen,
            Reason::Outranked("news".to_owned()),
            Reason::SameAddress,
            Reason::NotInvited,
            Reason::NoStep,
            Reason::NobodyToTake(ManagerRole::Farmer),
        ];
        let mut said = std::collections::BTreeSet::new();
        for reason in &all {
            let (ru, en) = (reason.phrase(Locale::Ru), reason.phrase(Locale::En));
            assert!(ru.chars().any(|c| ('а'..='я').contains(&c)), "{ru}");
            assert!(en.is_ascii(), "{en}");
            assert!(said.insert(ru) && said.insert(en), "{reason} is told apart");
            let again = Reason::of_word(&reason.to_string());
            let again = again.map(|again| again.to_string());
            assert_eq!(again, Some(reason.to_string()));
        }
        assert_eq!(Reason::of_word("450 busy"), None);
        assert_eq!(Reason::of_word("no_consent.pigeon"), None);
    }
}

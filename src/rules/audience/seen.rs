//! What was seen of one condition, and how that is told.

use crate::config::campaign::{CountRange, MoneyRange, TagRule};
use crate::model::{Locale, Money, RhythmState};
use crate::rules::wording;

/// One condition of an audience, with what was seen on this client.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The key of the condition: `purchases`, `tags`.
    pub condition: String,
    /// What is asked for, and what the client has.
    pub asked: Asked,
    /// Whether the condition holds.
    pub holds: bool,
}

/// What a condition asks for, and what the client has.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A number.
    Count {
        /// What fits.
        range: CountRange,
        /// The client's; absent when he has none.
        value: Option<f64>,
        /// What is said where he has none.
        missing: Missing,
    },
    /// A number that his source writes as a text.
    Written {
        /// What fits.
        range: CountRange,
        /// As it is written; absent when it is not.
        value: Option<String>,
    },
    /// Money.
    Money {
        /// What fits.
        range: MoneyRange,
        /// The client's, in minor units.
        minor: i64,
    },
    /// Yes or no.
    Truth {
        /// What is asked for.
        wanted: bool,
        /// What is true of the client.
        value: bool,
    },
    /// One of several words.
    OneOf {
        /// Those that fit.
        wanted: Vec<String>,
        /// The client's; absent when he has none.
        value: Option<String>,
        /// What is said where he has none.
        missing: Missing,
    },
    /// One of several things among those that he has.
    Among {
        /// Those that fit.
        wanted: Vec<String>,
        /// Those that he has.
        has: Vec<String>,
    },
    /// Tags.
    Tags {
        /// What fits.
        rule: TagRule,
        /// The client's.
        tags: Vec<String>,
    },
    /// At least one of several groups of conditions.
    Any(Vec<Vec<Seen>>),
    /// The contrary of a group of conditions.
    Not(Vec<Seen>),
}

/// What is said where a client has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// He has never bought.
    NeverBought,
    /// Nobody has asked him yet.
    NotAsked,
    /// His card says nothing.
    Absent,
    /// He has no manager.
    Nobody,
}

impl Seen {
    /// What is asked for: `at least 3`.
    pub fn wanted(&self, locale: Locale) -> String {
        let words = Words { locale };
        match &self.asked {
            Asked::Count { range, .. } | Asked::Written { range, .. } => {
                words.range(range.at_least, range.at_most)
            }
            Asked::Money { range, .. } => {
                let money = |money: Money| words.money(money);
                words.range(range.at_least.map(money), range.at_most.map(money))
            }
            Asked::Truth { wanted, .. } => words.truth(*wanted).to_owned(),
            Asked::OneOf { wanted, .. } => {
                let wanted = wanted.iter().map(|word| words.own(&self.condition, word));
                words.either(&wanted.collect::<Vec<_>>())
            }
            Asked::Among { wanted, .. } => words.either(wanted),
            Asked::Tags { rule, .. } => words.tags(rule),
            Asked::Any(groups) => {
                let groups = groups.iter().map(|group| words.wanted_of(group));
                groups.collect::<Vec<_>>().join(" | ")
            }
            Asked::Not(group) => words.wanted_of(group),
        }
    }

    /// What the client has: `2`.
    pub fn value(&self, locale: Locale) -> String {
        let words = Words { locale };
        match &self.asked {
            Asked::Count { value, missing, .. } => value.map_or_else(
                || words.missing(*missing).to_owned(),
                |value| value.round().to_string(),
            ),
            Asked::Written { value, .. } => value
                .clone()
                .unwrap_or_else(|| words.missing(Missing::Absent).to_owned()),
            Asked::Money { range, minor } => {
                let money = range.at_least.or(range.at_most);
                let money = money.map(|money| words.money(Money::new(*minor, money.currency)));
                money.unwrap_or_else(|| minor.to_string())
            }
            Asked::Truth { value, .. } => words.truth(*value).to_owned(),
            Asked::OneOf { value, missing, .. } => value.as_ref().map_or_else(
                || words.missing(*missing).to_owned(),
                |value| words.own(&self.condition, value),
            ),
            Asked::Among { has, .. } if has.is_empty() => words.say("подсказок нет", "no hints"),
            Asked::Among { has, .. } => has.join(", "),
            Asked::Tags { tags, .. } if tags.is_empty() => words.say("меток нет", "no tags"),
            Asked::Tags { tags, .. } => tags.join(", "),
            Asked::Any(groups) => {
                let groups = groups.iter().map(|group| words.value_of(group));
                groups.collect::<Vec<_>>().join(" | ")
            }
            Asked::Not(group) => words.value_of(group),
        }
    }
}

/// How conditions are told.
struct Words {
    locale: Locale,
}

impl Words {
    fn pick(&self, ru: &'static str, en: &'static str) -> &'static str {
        match self.locale {
            Locale::Ru => ru,
            Locale::En => en,
        }
    }

    fn say(&self, ru: &'static str, en: &'static str) -> String {
        self.pick(ru, en).to_owned()
    }

    fn truth(&self, yes: bool) -> &'static str {
        if yes {
            self.pick("да", "yes")
        } else {
            self.pick("нет", "no")
        }
    }

    fn missing(&self, missing: Missing) -> &'static str {
        match missing {
            Missing::NeverBought => self.pick("не покупал", "never bought"),
            Missing::NotAsked => self.pick("ещё не спрашивали", "not asked yet"),
            Missing::Absent => self.pick("не указано", "absent"),
            Missing::Nobody => self.pick("никто", "nobody"),
        }
    }

    /// Programs read what is said in English: there an amount keeps the form of the configuration.
    fn money(&self, money: Money) -> String {
        match self.locale {
            Locale::Ru => wording::money_whole(self.locale, money),
            Locale::En => money.to_string(),
        }
    }

    fn range(
        &self,
        least: Option<impl std::fmt::Display>,
        most: Option<impl std::fmt::Display>,
    ) -> String {
        let least = least.map(|least| format!("{} {least}", self.pick("не меньше", "at least")));
        let most = most.map(|most| format!("{} {most}", self.pick("не больше", "at most")));
        let ends: Vec<String> = [least, most].into_iter().flatten().collect();
        if ends.is_empty() {
            self.say("любое", "any")
        } else {
            ends.join(", ")
        }
    }

    fn either(&self, wanted: &[String]) -> String {
        wanted.join(self.pick(" или ", " or "))
    }

    /// A word of the configuration as people read it.
    fn own(&self, condition: &str, word: &str) -> String {
        match word.parse::<RhythmState>() {
            Ok(state) if condition == "state" => wording::state(self.locale, state).to_owned(),
            _ => word.to_owned(),
        }
    }

    fn tags(&self, rule: &TagRule) -> String {
        let parts = [
            (&rule.any_of, self.pick("любая из", "any of")),
            (&rule.all_of, self.pick("все из", "all of")),
            (&rule.none_of, self.pick("ни одной из", "none of")),
        ];
        let parts = parts.into_iter().filter(|(tags, _)| !tags.is_empty());
        let parts = parts.map(|(tags, word)| format!("{word} {}", tags.join(", ")));
        parts.collect::<Vec<_>>().join("; ")
    }

    /// Which condition of a group it is, in the words of whoever reads.
    fn name(&self, seen: &Seen) -> String {
        match self.locale {
            Locale::Ru => wording::condition(self.locale, &seen.condition),
            Locale::En => seen.condition.clone(),
        }
    }

    fn wanted_of(&self, group: &[Seen]) -> String {
        let words = group
            .iter()
            .map(|one| format!("{} {}", self.name(one), one.wanted(self.locale)));
        let words: Vec<String> = words.collect();
        words.join(self.pick(" и ", " and "))
    }

    fn value_of(&self, group: &[Seen]) -> String {
        let words = group
            .iter()
            .map(|one| format!("{} {}", self.name(one), one.value(self.locale)));
        words.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Derived, look};
    use super::*;
    use crate::config::campaign::Condition;
    use crate::model::ClientFacts;

    #[test]
    fn every_condition_is_told_in_both_languages() {
        let derived = Derived {
            state: Some(RhythmState::Missed),
            ..Derived::default()
        };
        for (toml, ru, en) in [
            (
                "purchases = { at_least = 3 }",
                ("не меньше 3", "0"),
                ("at least 3", "0"),
            ),
            (
                "silent_days = {}",
                ("любое", "не покупал"),
                ("any", "never bought"),
            ),
            (
                "turnover = { at_least = \"1500 RUB\" }",
                ("не меньше 1 500 ₽", "0 ₽"),
                ("at least 1500 RUB", "0 RUB"),
            ),
            (
                "state = [\"missed\", \"asleep\"]",
                ("пропустил или спит", "пропустил"),
                ("missed or asleep", "missed"),
            ),
            (
                "abc = [\"B\"]",
                ("B", "ещё не спрашивали"),
                ("B", "not asked yet"),
            ),
            (
                "tags = { any_of = [\"a\"], none_of = [\"b\", \"c\"] }",
                ("любая из a; ни одной из b, c", "меток нет"),
                ("any of a; none of b, c", "no tags"),
            ),
            ("key_account = false", ("нет", "нет"), ("no", "no")),
            (
                "not = { company = true, open_deal = true }",
                (
                    "есть открытая сделка да и это компания да",
                    "есть открытая сделка нет, это компания нет",
                ),
                ("open_deal yes and company yes", "open_deal no, company no"),
            ),
        ] {
            let condition: Condition = toml::from_str(toml).unwrap();
            let seen = look(&condition, &ClientFacts::default(), &derived);
            for (locale, (wanted, value)) in [(Locale::Ru, ru), (Locale::En, en)] {
                let said = (
                    seen[0].wanted(locale).replace('\u{a0}', " "),
                    seen[0].value(locale).replace('\u{a0}', " "),
                );
                assert_eq!(said, (wanted.to_owned(), value.to_owned()), "{toml}");
            }
        }
    }
}

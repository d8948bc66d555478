//! What the words of the configuration are called where people read them.

use crate::model::{Channel, Locale, ManagerRole, RhythmState};

/// A state of the rhythm.
pub const fn state(locale: Locale, state: RhythmState) -> &'static str {
    match (locale, state) {
        (Locale::Ru, RhythmState::Active) => "активен",
        (Locale::Ru, RhythmState::Due) => "пора",
        (Locale::Ru, RhythmState::Missed) => "пропустил",
        (Locale::Ru, RhythmState::Asleep) => "спит",
        (Locale::Ru, RhythmState::Lost) => "потерян",
        (Locale::En, _) => state.name(),
    }
}

/// What a manager does.
pub const fn role(locale: Locale, role: ManagerRole) -> &'static str {
    match (locale, role) {
        (Locale::Ru, ManagerRole::Scout) => "скаут",
        (Locale::Ru, ManagerRole::Hunter) => "хантер",
        (Locale::Ru, ManagerRole::Farmer) => "фермер",
        (Locale::Ru, ManagerRole::Trainee) => "стажёр",
        (Locale::Ru, ManagerRole::Key) => "менеджер ключевых клиентов",
        (Locale::En, _) => role.word(),
    }
}

/// The way of a message.
pub const fn channel(locale: Locale, channel: Channel) -> &'static str {
    match (locale, channel) {
        (Locale::Ru, Channel::Email) => "почта",
        (Locale::En, Channel::Email) => "e-mail",
        (_, Channel::Whatsapp) => "WhatsApp",
    }
}

/// A condition of an audience, by its key in the configuration; keys of a client's own attributes
/// stay as they are.
pub fn condition(locale: Locale, key: &str) -> String {
    if let Some(of) = key
        .strip_prefix("attributes.")
        .or_else(|| key.strip_prefix("numbers."))
    {
        return of.to_owned();
    }
    if let Some(campaigns) = key.strip_prefix("attended ") {
        return match locale {
            Locale::Ru => format!("был на событии: {campaigns}"),
            Locale::En => format!("came to {campaigns}"),
        };
    }
    let known = CONDITIONS.iter().find(|(of, ..)| *of == key);
    let said = known.map_or(key, |(_, ru, en)| match locale {
        Locale::Ru => ru,
        Locale::En => en,
    });
    said.to_owned()
}

/// Every key of an audience with what it is called.
const CONDITIONS: [(&str, &str, &str); 17] = [
    ("purchases", "дней с покупкой", "days with a purchase"),
    ("turnover", "оборот за год", "turnover of a year"),
    ("average_receipt", "средний чек", "usual receipt"),
    ("silent_days", "дней молчания", "days of silence"),
    (
        "usual_gap_days",
        "обычный промежуток, дней",
        "usual gap in days",
    ),
    ("open_deal", "есть открытая сделка", "has an open deal"),
    ("state", "состояние", "state"),
    ("xyz", "частота", "frequency"),
    ("abc", "готовность", "readiness"),
    ("key_account", "ключевой клиент", "key account"),
    ("hint", "можно предложить", "may be offered"),
    ("upsell", "может взять больше", "may take more"),
    ("tags", "метки", "tags"),
    ("manager", "менеджер", "manager"),
    ("company", "это компания", "is a company"),
    ("any", "хотя бы одно", "one of these"),
    ("not", "кроме случая", "not when"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_called_what_people_call_them() {
        for (key, ru, en) in [
            ("xyz", "частота", "frequency"),
            ("attributes.city", "city", "city"),
            ("numbers.bonus", "bonus", "bonus"),
            (
                "attended seminar",
                "был на событии: seminar",
                "came to seminar",
            ),
        ] {
            assert_eq!(condition(Locale::Ru, key), ru);
            assert_eq!(condition(Locale::En, key), en);
        }
    }
}

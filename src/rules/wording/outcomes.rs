//! What outcomes and the three questions of readiness are called on lists, pages and buttons.

use crate::model::{Locale, OutcomeKind};

/// The ready words on the button of an outcome.
pub const fn outcome(locale: Locale, kind: OutcomeKind) -> &'static str {
    match (locale, kind) {
        (Locale::Ru, OutcomeKind::Interested) => "Есть интерес",
        (Locale::Ru, OutcomeKind::ComeBack) => "Перезвонить",
        (Locale::Ru, OutcomeKind::Rejection) => "Отказ",
        (Locale::Ru, OutcomeKind::FriendNamed) => "Назвали знакомого",
        (Locale::Ru, OutcomeKind::CardSent) => "Отправлена визитка",
        (Locale::Ru, OutcomeKind::NoAnswer) => "Нет ответа",
        (Locale::Ru, OutcomeKind::WrongNumber) => "Номер неверный",
        (Locale::Ru, OutcomeKind::DoNotContact) => "Больше не беспокоить",
        (Locale::Ru, OutcomeKind::Bought) => "Уже купили",
        (Locale::Ru, OutcomeKind::Accepted) => "Клиент принят",
        (Locale::En, OutcomeKind::Interested) => "Interested",
        (Locale::En, OutcomeKind::ComeBack) => "Call later",
        (Locale::En, OutcomeKind::Rejection) => "Said no",
        (Locale::En, OutcomeKind::FriendNamed) => "Named a friend",
        (Locale::En, OutcomeKind::CardSent) => "Card sent",
        (Locale::En, OutcomeKind::NoAnswer) => "No answer",
        (Locale::En, OutcomeKind::WrongNumber) => "Wrong number",
        (Locale::En, OutcomeKind::DoNotContact) => "Do not contact",
        (Locale::En, OutcomeKind::Bought) => "Has bought",
        (Locale::En, OutcomeKind::Accepted) => "Client taken",
    }
}

/// The question behind need, money and urgency, for the three taps.
pub const fn readiness(locale: Locale) -> [&'static str; 3] {
    match locale {
        Locale::Ru => ["Есть потребность?", "Есть деньги?", "Срочно?"],
        Locale::En => ["Is there a need?", "Is there money?", "Is it urgent?"],
    }
}

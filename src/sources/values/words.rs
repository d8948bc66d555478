//! Closed lists of words: yes and no, languages, states of deals and payments.
//!
//! Our own words are always understood; the others are what real systems write.

use super::{BadValue, Parsed};
use crate::model::{
    Channel, Class, ConsentBasis, DealStatus, Locale, ManagerRole, SuppressionReason,
    SuppressionScope,
};

/// A cell in lower case, without outer spaces, with `ё` written as `е`.
fn folded(raw: &str) -> String {
    raw.trim().to_lowercase().replace('ё', "е")
}

/// Reads yes or no, in the words of people and of programs.
pub(in crate::sources) fn yes_or_no(raw: &str) -> Parsed<bool> {
    match folded(raw).as_str() {
        "yes" | "y" | "true" | "1" | "+" | "да" | "д" | "есть" | "истина" | "on" => {
            Ok(true)
        }
        "no" | "n" | "false" | "0" | "-" | "нет" | "н" | "ложь" | "off" => Ok(false),
        _ => Err(BadValue::new(
            "is neither yes nor no",
            "write yes or no, да or нет",
        )),
    }
}

/// Whether a cell for a date says that there is none: amoCRM writes "не закрыта".
pub(in crate::sources) fn is_no_date(raw: &str) -> bool {
    let words = [
        "не закрыта",
        "не закрыт",
        "нет",
        "-",
        "—",
        "n",
        "y",
        "no",
        "null",
        "none",
    ];
    words.contains(&folded(raw).as_str())
}

/// Reads one of our own words, naming all of them when it is none.
fn own_word<T: std::str::FromStr<Err = crate::model::WordError>>(raw: &str) -> Parsed<T> {
    raw.parse().map_err(|error: crate::model::WordError| {
        BadValue::owned(
            "is not a word that is known here",
            format!("write {}", error.words.join(", ")),
        )
    })
}

/// Reads what a manager does.
pub(in crate::sources) fn role(raw: &str) -> Parsed<ManagerRole> {
    own_word(raw)
}

/// Reads a channel; common names of mail are understood.
pub(in crate::sources) fn channel(raw: &str) -> Parsed<Channel> {
    match folded(raw).as_str() {
        "e-mail" | "mail" | "почта" | "письма" => Ok(Channel::Email),
        "wa" | "ватсап" | "вотсап" => Ok(Channel::Whatsapp),
        _ => own_word(raw),
    }
}

/// Reads the class of messages that a consent covers.
pub(in crate::sources) fn class(raw: &str) -> Parsed<Class> {
    match folded(raw).as_str() {
        "marketing" | "реклама" => Ok(Class::Advertising),
        _ => own_word(raw),
    }
}

/// Reads the basis of a consent.
pub(in crate::sources) fn basis(raw: &str) -> Parsed<ConsentBasis> {
    own_word(raw)
}

/// Reads what must not be written to a suppressed address.
pub(in crate::sources) fn scope(raw: &str) -> Parsed<SuppressionScope> {
    match folded(raw).as_str() {
        "marketing" | "реклама" => Ok(SuppressionScope::Advertising),
        "все" | "всё" => Ok(SuppressionScope::All),
        _ => own_word(raw),
    }
}

/// Reads why an address is suppressed.
pub(in crate::sources) fn suppression_reason(raw: &str) -> Parsed<SuppressionReason> {
    match folded(raw).as_str() {
        "unsubscribed" | "отписка" | "отписался" => {
            Ok(SuppressionReason::Unsubscribe)
        }
        "bounce" | "bounced" | "cleaned" => Ok(SuppressionReason::HardBounce),
        "spam" | "жалоба" => Ok(SuppressionReason::Complaint),
        _ => own_word(raw),
    }
}

/// Reads a language.
pub(in crate::sources) fn locale(raw: &str) -> Parsed<Locale> {
    match folded(raw).as_str() {
        "русский" | "russian" => Ok(Locale::Ru),
        "английский" | "english" => Ok(Locale::En),
        _ => raw.parse().map_err(|_| {
            BadValue::new(
                "is not a language that letters are written in",
                "write ru or en",
            )
        }),
    }
}

/// Reads the state of a deal, in words or in the codes of Bitrix24 (P, S, F).
pub(in crate::sources) fn deal_status(raw: &str) -> Parsed<DealStatus> {
    match folded(raw).as_str() {
        "p" | "в работе" | "открыта" | "открыт" | "in progress" => {
            Ok(DealStatus::Open)
        }
        "s" | "выиграна" | "выигран" | "продана" | "success" | "closed won" => {
            Ok(DealStatus::Won)
        }
        "f" | "проиграна" | "проигран" | "отказ" | "failed" | "closed lost" => {
            Ok(DealStatus::Lost)
        }
        _ => own_word(raw),
    }
}

/// What the name of a stage says about the deal, where it is a stage that its system closes with.
pub(in crate::sources) fn of_stage(stage: &str) -> Option<DealStatus> {
    // Source: names and ids of the closing stages of amoCRM (142, 143), Bitrix24 (WON, LOSE) and
    // the CRM systems in English.
    match folded(stage).as_str() {
        "успешно реализовано"
        | "142"
        | "won"
        | "closed won"
        | "сделка успешна"
        | "выиграна"
        | "сделка заключена"
        | "оплачено"
        | "success"
        | "успешна" => Some(DealStatus::Won),
        "закрыто и не реализовано"
        | "143"
        | "lose"
        | "lost"
        | "closed lost"
        | "сделка провалена"
        | "проиграна"
        | "отказ"
        | "провалена"
        | "анализ причины провала"
        | "apology" => Some(DealStatus::Lost),
        _ => None,
    }
}

/// Whether the state of a payment means that the money has been received.
///
/// Words that are not known count as paid: a source that lists purchases lists what was bought.
pub(in crate::sources) fn paid(raw: &str) -> bool {
    // Source: financial states of Shopify orders, states of WooCommerce and RetailCRM orders.
    let unpaid = [
        "pending",
        "authorized",
        "expired",
        "voided",
        "unpaid",
        "refunded",
        "cancelled",
        "canceled",
        "failed",
        "on hold",
        "on-hold",
        "checkout-draft",
        "pending payment",
        "draft",
        "trash",
        "cancel-other",
        "no-call",
        "no-product",
        "already-buyed",
        "return",
        "отменен",
        "отмена",
        "не оплачен",
        "не оплачено",
        "ожидает оплаты",
        "возврат",
        "возвращен",
        "черновик",
        "новый",
    ];
    !unpaid.contains(&folded(raw).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_both_languages_and_unknown_ones_name_the_known() {
        assert_eq!(yes_or_no(" Да "), Ok(true));
        assert_eq!(yes_or_no("FALSE"), Ok(false));
        assert!(yes_or_no("maybe").is_err());
        assert_eq!(channel("E-mail"), Ok(Channel::Email));
        assert_eq!(locale("ru-RU"), Ok(Locale::Ru));
        let bad = role("boss").unwrap_err();
        assert!(bad.hint.contains("farmer"), "{}", bad.hint);
    }

    #[test]
    fn deals_are_open_won_or_lost_in_the_words_of_their_systems() {
        assert_eq!(deal_status("Won"), Ok(DealStatus::Won));
        assert_eq!(deal_status("F"), Ok(DealStatus::Lost));
        assert_eq!(of_stage("Закрыто и не реализовано"), Some(DealStatus::Lost));
        assert_eq!(of_stage("Успешно реализовано"), Some(DealStatus::Won));
        assert_eq!(of_stage("Closed Lost"), Some(DealStatus::Lost));
        assert_eq!(of_stage("Переговоры"), None);
        assert!(is_no_date("не закрыта"));
    }

    #[test]
    fn only_money_received_is_paid() {
        for word in [
            "paid",
            "partially_refunded",
            "completed",
            "Оплачен",
            "Выполнен",
        ] {
            assert!(paid(word), "{word}");
        }
        for word in ["Pending", "voided", "refunded", "Отменён"] {
            assert!(!paid(word), "{word}");
        }
    }
}

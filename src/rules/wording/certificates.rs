//! Why a certificate is not redeemed, for whoever stands at the till.

use crate::model::Locale;
use crate::rules::certificate::{CodeError, Objection};

/// What speaks against a redemption, in a sentence without its capital and its end.
pub const fn objection(locale: Locale, objection: Objection) -> &'static str {
    match (locale, objection) {
        (Locale::En, objection) => objection.sentence(),
        (Locale::Ru, Objection::Void) => "сертификат аннулирован",
        (Locale::Ru, Objection::UsedUp) => "сертификат уже использован",
        (Locale::Ru, Objection::Expired) => "срок сертификата истёк",
        (Locale::Ru, Objection::ReceiptTooSmall) => "сумма чека меньше, чем указано в сертификате",
        (Locale::Ru, Objection::NoSuchProduct) => "в чеке нет того, на что выдан сертификат",
        (Locale::Ru, Objection::SameClient) => "пришёл сам даритель, а не его друг",
        (Locale::Ru, Objection::SamePhone) => "телефон тот же, что у дарителя",
        (Locale::Ru, Objection::SameEmail) => "почта та же, что у дарителя",
        (Locale::Ru, Objection::SameCard) => "дисконтная карта та же, что у дарителя",
        (Locale::Ru, Objection::SameName) => "имя то же, что у дарителя",
        (Locale::Ru, Objection::SameAddress) => "адрес тот же, что у дарителя",
        (Locale::Ru, Objection::BoughtBefore) => "покупатель уже покупал раньше",
        (Locale::Ru, Objection::CameBefore) => "покупатель уже приходил по сертификату друга",
        (Locale::Ru, Objection::GiverLimit) => {
            "от этого дарителя уже пришло столько друзей, сколько засчитывается за период"
        }
        (Locale::Ru, Objection::OtherCode) => {
            "в покупке, на которой его взяла касса, этого кода больше нет"
        }
    }
}

/// Why a text is no code of a certificate.
pub fn no_code(locale: Locale, error: CodeError) -> String {
    match (locale, error) {
        (Locale::En, error) => error.to_string(),
        (Locale::Ru, CodeError::Length) => {
            "в коде от 14 до 19 букв и цифр, как в MC-7K4M-Q2XD-90TR-H".to_owned()
        }
        (Locale::Ru, CodeError::Character(c)) => format!("знака «{c}» в кодах не бывает"),
        (Locale::Ru, CodeError::Check) => {
            "в коде опечатка: последний знак не сходится с остальными".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cashier_reads_the_reason_in_the_language_of_the_till() {
        assert_eq!(
            objection(Locale::En, Objection::Expired),
            "the certificate has expired"
        );
        assert_eq!(
            objection(Locale::Ru, Objection::Expired),
            "срок сертификата истёк"
        );
        let wrong = CodeError::Character('U');
        assert_eq!(no_code(Locale::Ru, wrong), "знака «U» в кодах не бывает");
        assert_eq!(no_code(Locale::En, wrong), "\"U\" stands in no code");
    }
}

//! Tables of what each language writes.

use proptest::prelude::*;

use super::*;
use crate::model::Currency;

fn plain(text: &str) -> String {
    text.replace(NBSP, " ")
}

#[test]
fn russian_numbers_take_the_right_form() {
    for (n, expected) in [
        (0, PluralForm::Many),
        (1, PluralForm::One),
        (2, PluralForm::Few),
        (5, PluralForm::Many),
        (11, PluralForm::Many),
        (14, PluralForm::Many),
        (21, PluralForm::One),
        (22, PluralForm::Few),
        (111, PluralForm::Many),
        (1_001, PluralForm::One),
    ] {
        assert_eq!(plural(Locale::Ru, n), expected, "{n}");
    }
}

#[test]
fn dates_are_written_as_people_write_them() {
    let day: Day = "2026-11-25".parse().unwrap();
    for (style, ru, en) in [
        (DateStyle::Long, "25 ноября 2026 г.", "25 November 2026"),
        (DateStyle::DayMonth, "25 ноября", "25 November"),
        (DateStyle::Short, "25.11.2026", "25 Nov 2026"),
        (
            DateStyle::Weekday,
            "среда, 25 ноября",
            "Wednesday, 25 November",
        ),
    ] {
        assert_eq!(plain(&date(Locale::Ru, day, style)), ru);
        assert_eq!(plain(&date(Locale::En, day, style)), en);
    }
}

#[test]
fn a_date_far_away_carries_its_year() {
    let day: Day = "2026-11-25".parse().unwrap();
    for (away, expected) in [
        (0, DateStyle::DayMonth),
        (299, DateStyle::DayMonth),
        (300, DateStyle::Long),
        (-299, DateStyle::DayMonth),
        (-300, DateStyle::Long),
    ] {
        assert_eq!(
            DateStyle::seen_from(day, day.plus(away)),
            expected,
            "{away}"
        );
    }
}

#[test]
fn money_is_written_with_the_sign_and_the_groups_of_the_language() {
    for (text, ru, en) in [
        ("1500 RUB", "1 500 ₽", "RUB 1,500"),
        ("99.90 EUR", "99,90 €", "€99.90"),
        ("0.05 USD", "0,05 $", "$0.05"),
        ("1234567 JPY", "1 234 567 ¥", "¥1,234,567"),
        ("1.250 KWD", "1,250 KWD", "KWD 1.250"),
        ("-10 GBP", "−10 £", "−£10"),
        ("0 RUB", "0 ₽", "RUB 0"),
    ] {
        let amount: Money = text.parse().unwrap();
        assert_eq!(plain(&money(Locale::Ru, amount)), ru);
        assert_eq!(plain(&money(Locale::En, amount)), en);
    }
}

#[test]
fn an_average_has_no_kopecks() {
    for (text, whole) in [
        ("12437.50 RUB", "12 438 ₽"),
        ("12437.49 RUB", "12 437 ₽"),
        ("-0.50 RUB", "−1 ₽"),
        ("700 JPY", "700 ¥"),
    ] {
        let amount: Money = text.parse().unwrap();
        assert_eq!(plain(&money_whole(Locale::Ru, amount)), whole);
    }
}

#[test]
fn lengths_of_time_are_exact_or_about() {
    for (n, exact, about) in [
        (0, "0 дней", "0 дней"),
        (1, "1 день", "1 день"),
        (7, "7 дней", "7 дней"),
        (14, "2 недели", "2 недели"),
        (16, "16 дней", "2 недели"),
        (21, "3 недели", "3 недели"),
        (56, "8 недель", "2 месяца"),
        (63, "63 дня", "2 месяца"),
        (200, "200 дней", "7 месяцев"),
        (345, "345 дней", "1 год"),
        (800, "800 дней", "2 года"),
    ] {
        assert_eq!(plain(&days(Locale::Ru, n)), exact);
        assert_eq!(plain(&days_about(Locale::Ru, n)), about);
    }
    assert_eq!(plain(&days(Locale::En, 21)), "3 weeks");
    assert_eq!(plain(&days_about(Locale::En, 365)), "1 year");
}

#[test]
fn how_often_is_said_as_people_say_it() {
    for (n, ru, en) in [
        (1, "каждый день", "every day"),
        (3, "раз в 3 дня", "every 3 days"),
        (7, "раз в неделю", "every week"),
        (13, "раз в 13 дней", "every 13 days"),
        (16, "раз в 2 недели", "every 2 weeks"),
        (30, "раз в месяц", "every month"),
        (40, "раз в 6 недель", "every 6 weeks"),
        (60, "раз в 2 месяца", "every 2 months"),
        (400, "раз в год", "every year"),
        (800, "раз в 2 года", "every 2 years"),
    ] {
        assert_eq!(plain(&every(Locale::Ru, n)), ru);
        assert_eq!(plain(&every(Locale::En, n)), en);
    }
}

#[test]
fn a_number_stays_on_the_line_of_its_unit() {
    assert_eq!(
        list(Locale::Ru, &["дрип-пакеты, 10 шт."]),
        "дрип-пакеты, 10\u{a0}шт."
    );
    assert_eq!(
        list(Locale::En, &["tea 250 g", "2 mugs"]),
        "tea 250\u{a0}g and 2\u{a0}mugs"
    );
}

#[test]
fn lists_and_shares_read_as_in_a_sentence() {
    assert_eq!(list(Locale::Ru, &["a", "b", "c"]), "a, b и c");
    assert_eq!(list(Locale::En, &["a", "b"]), "a and b");
    assert_eq!(list(Locale::En, &["a"]), "a");
    assert_eq!(list::<&str>(Locale::Ru, &[]), "");
    assert_eq!(
        plain(&list(Locale::Ru, &["кофе, 1 кг", "чай", "мёд"])),
        "кофе, 1 кг; чай; мёд"
    );
    assert_eq!(plain(&percent(Locale::Ru, 0.1)), "10 %");
    assert_eq!(plain(&percent(Locale::Ru, 0.004)), "меньше 1 %");
    assert_eq!(plain(&percent(Locale::En, 0.155)), "16%");
    assert_eq!(plain(&percent(Locale::En, f64::NAN)), "—");
}

#[test]
fn who_has_no_name_is_greeted_without_one() {
    assert_eq!(greeting(Locale::Ru, Some("Анна")), "Здравствуйте, Анна!");
    assert_eq!(greeting(Locale::Ru, Some("  ")), "Здравствуйте!");
    assert_eq!(greeting(Locale::En, None), "Hello,");
}

#[test]
fn a_phrase_becomes_a_sentence() {
    for (phrase, expected) in [
        (
            "молчит 16; только 4 % были длиннее",
            "Молчит 16; только 4\u{a0}% были длиннее.",
        ),
        ("why not?", "Why not?"),
        ("", ""),
    ] {
        assert_eq!(sentence(phrase), expected);
    }
}

#[test]
fn a_phone_is_written_in_groups_where_they_are_known() {
    assert_eq!(plain(&phone("+79131234567")), "+7 913 123-45-67");
    assert_eq!(plain(&phone("+12025550123")), "+1 202 555-0123");
    assert_eq!(plain(&phone("+447700900002")), "+44 7700 900002");
    for other in ["+442079460958", "+7913", "8 913", ""] {
        assert_eq!(phone(other), other);
    }
}

#[test]
fn the_sentence_of_a_silence_is_the_one_that_managers_know() {
    assert_eq!(
        rhythm_sentence(Locale::Ru, 7.4, 16, 0.041, None),
        "обычно каждые 7 дней, молчит 16; из завершившихся пауз таких клиентов \
         только 4 % были длиннее"
    );
    assert_eq!(
        rhythm_sentence(Locale::En, 7.4, 16, 0.041, None),
        "usually every 7 days, silent for 16; of the pauses of such clients that ended, \
         only 4 % were longer"
    );
}

#[test]
fn the_sentence_of_a_silence_agrees_in_number() {
    for (gap, silent, p, back, expected) in [
        (
            21.0,
            30,
            0.01,
            None,
            "обычно каждый 21 день, молчит 30; из завершившихся пауз таких клиентов \
             только 1 % был длиннее",
        ),
        (
            0.6,
            2,
            0.001,
            None,
            "обычно каждый день, молчит 2 дня; из завершившихся пауз таких клиентов \
             длиннее были меньше 1 %",
        ),
        (
            3.0,
            1,
            0.92,
            Some(0.43),
            "обычно каждые 3 дня, молчит 1; из завершившихся пауз таких клиентов \
             92 % были длиннее; вероятность, что вернётся без напоминания за 30 дней, — 43 %",
        ),
        (f64::NAN, 40, f64::NAN, None, "молчит 40 дней"),
    ] {
        assert_eq!(rhythm_sentence(Locale::Ru, gap, silent, p, back), expected);
    }
}

proptest! {
    #[test]
    fn no_amount_and_no_number_is_too_large_to_be_written(
        minor in any::<i64>(),
        n in any::<u32>(),
        gap in any::<f64>(),
        silent in any::<i32>(),
        p in any::<f64>(),
    ) {
        for locale in Locale::ALL {
            for code in ["RUB", "JPY", "KWD", "XAU"] {
                let currency: Currency = code.parse().unwrap();
                prop_assert!(!money(locale, Money::new(minor, currency)).is_empty());
                prop_assert!(!money_whole(locale, Money::new(minor, currency)).contains(['.']));
            }
            prop_assert!(days(locale, n).starts_with(|c: char| c.is_ascii_digit()));
            prop_assert!(!days_about(locale, n).is_empty());
            prop_assert!(!rhythm_sentence(locale, gap, silent, p, Some(p)).contains("NaN"));
        }
    }

    #[test]
    fn any_text_as_a_name_is_read_without_a_panic(full in ".{0,60}") {
        if let Some(name) = person_name(&full) {
            prop_assert!(!name.first_name.is_empty());
            prop_assert!(name.address_as.starts_with(&name.first_name));
        }
    }
}

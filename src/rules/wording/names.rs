//! How to address a person whose full name stands in one column.
//!
//! Exports write «Петрова Анна Сергеевна», «Анна Петрова», "Petrova, Anna" or the name of a
//! company in the same column. A wrong guess offends more than no name at all, so whatever is not
//! recognised gives no name, and the greeting does without. A patronymic is used only when it is
//! written; none is ever invented.

/// How a person may be addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonName {
    /// The given name: «Анна», "Anna".
    pub first_name: String,
    /// The polite form of address: «Анна Сергеевна» when the patronymic is known, else the given
    /// name.
    pub address_as: String,
}

/// Given names that are common where Russian is written, in lower case, ё as е.
const GIVEN_RU: &str = include_str!("given_names_ru.txt");

/// Words of a company's or an office's name, in lower case: a text with one of them is no person.
const BUSINESS: [&str; 74] = [
    "ооо",
    "оао",
    "зао",
    "пао",
    "ао",
    "нко",
    "тоо",
    "одо",
    "чуп",
    "тд",
    "тк",
    "гк",
    "фирма",
    "компания",
    "кафе",
    "кофейня",
    "ресторан",
    "бар",
    "пекарня",
    "столовая",
    "магазин",
    "салон",
    "студия",
    "центр",
    "школа",
    "клуб",
    "отель",
    "гостиница",
    "склад",
    "завод",
    "фабрика",
    "аптека",
    "клиника",
    "группа",
    "торговый",
    "дом",
    "плюс",
    "сервис",
    "офис",
    "бухгалтерия",
    "отдел",
    "закупки",
    "тест",
    "клиент",
    "покупатель",
    "гость",
    "ltd",
    "llc",
    "llp",
    "inc",
    "plc",
    "gmbh",
    "corp",
    "company",
    "limited",
    "group",
    "shop",
    "store",
    "cafe",
    "coffee",
    "restaurant",
    "hotel",
    "bakery",
    "studio",
    "office",
    "sales",
    "accounts",
    "team",
    "the",
    "and",
    "test",
    "customer",
    "guest",
    "services",
];

/// Forms of address that stand before a name and are no part of it.
const TITLES: [&str; 8] = ["mr", "mrs", "ms", "miss", "dr", "prof", "ип", "г-н"];

/// Finds in a full name how the person may be addressed; `None` when that is not sure.
pub fn person_name(full: &str) -> Option<PersonName> {
    let ordered = surname_last(full)?;
    let words: Vec<&str> = ordered.split_whitespace().collect();
    let words = match words.split_first() {
        Some((title, rest)) if is_one_of(title, &TITLES) => rest,
        _ => &words[..],
    };
    let plausible = words.iter().all(|word| is_name_word(word));
    if words.is_empty() || words.len() > 4 || !plausible {
        return None;
    }
    if words.iter().any(|word| is_one_of(word, &BUSINESS)) {
        return None;
    }
    if words.iter().all(|word| word.chars().all(is_cyrillic)) {
        russian(words)
    } else {
        western(words)
    }
}

/// Turns "Petrova, Anna" into "Anna Petrova"; `None` when a text has more commas than a name.
fn surname_last(full: &str) -> Option<String> {
    match full.split(',').collect::<Vec<_>>()[..] {
        [whole] => Some(whole.to_owned()),
        [surname, given] => Some(format!("{given} {surname}")),
        _ => None,
    }
}

fn russian(words: &[&str]) -> Option<PersonName> {
    let patronymic = words.iter().position(|word| is_patronymic(word));
    if let Some(at) = patronymic.filter(|&at| at > 0) {
        let first_name = capitalised(words[at - 1]);
        let address_as = format!("{first_name} {}", capitalised(words[at]));
        return Some(PersonName {
            first_name,
            address_as,
        });
    }
    let mut given = words.iter().filter(|word| is_given_ru(word));
    match (given.next(), given.next()) {
        (Some(only), None) => Some(plain(only)),
        (Some(_), Some(_)) => None,
        (None, _) => beside_surname(words),
    }
}

/// Of two words of which one ends as surnames do, takes the other one.
fn beside_surname(words: &[&str]) -> Option<PersonName> {
    match *words {
        [a, b] if is_surname(a) && !is_surname(b) => Some(plain(b)),
        [a, b] if is_surname(b) && !is_surname(a) => Some(plain(a)),
        _ => None,
    }
}

/// "Anna Petrova": the first of two or three words. One word alone may be a brand.
fn western(words: &[&str]) -> Option<PersonName> {
    let starts_large = |word: &&str| word.chars().next().is_some_and(char::is_uppercase);
    let full = (2..=3).contains(&words.len()) && words.iter().all(starts_large);
    (full && words[0].chars().count() > 1).then(|| plain(words[0]))
}

fn plain(word: &str) -> PersonName {
    let first_name = capitalised(word);
    PersonName {
        address_as: first_name.clone(),
        first_name,
    }
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    let lower = word.trim_end_matches('.').to_lowercase();
    words.contains(&lower.as_str())
}

fn is_name_word(word: &str) -> bool {
    word.chars().all(|c| c.is_alphabetic() || "-'’".contains(c))
        && word.chars().any(char::is_alphabetic)
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё' | '-')
}

fn is_given_ru(word: &str) -> bool {
    let lower = word.to_lowercase().replace('ё', "е");
    GIVEN_RU.split_whitespace().any(|name| name == lower)
}

fn is_patronymic(word: &str) -> bool {
    let lower = word.to_lowercase();
    let ends = [
        "ович",
        "евич",
        "ич",
        "овна",
        "евна",
        "ична",
        "инична",
        "оглы",
        "кызы",
    ];
    // Surnames end in -ич as well («Митич»); the patronymics in -ич are few.
    match lower.strip_suffix("ич") {
        Some(stem) if !stem.ends_with("ов") && !stem.ends_with("ев") => {
            ["ильич", "кузьмич", "лукич", "фомич", "никитич", "саввич"].contains(&lower.as_str())
        }
        _ => ends.iter().any(|end| lower.ends_with(end)),
    }
}

fn is_surname(word: &str) -> bool {
    let lower = word.to_lowercase();
    [
        "ов",
        "ова",
        "ев",
        "ева",
        "ёв",
        "ёва",
        "ин",
        "ина",
        "ын",
        "ына",
        "ский",
        "ская",
        "цкий",
        "цкая",
        "енко",
        "чук",
        "юк",
        "ых",
        "их",
        "ян",
        "дзе",
        "швили",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
}

/// «АННА» and «анна» become «Анна»; «Анна-Мария» keeps both its capitals.
fn capitalised(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut start = true;
    for c in word.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else if word.chars().any(char::is_lowercase) {
            out.push(c);
        } else {
            out.extend(c.to_lowercase());
        }
        start = c == '-';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(full: &str) -> Option<String> {
        person_name(full).map(|name| name.address_as)
    }

    #[test]
    fn a_person_is_addressed_as_the_name_says() {
        for (full, expected) in [
            ("Петрова Анна Сергеевна", "Анна Сергеевна"),
            ("Анна Сергеевна Петрова", "Анна Сергеевна"),
            ("Анна Сергеевна", "Анна Сергеевна"),
            ("ИП Кузнецов Илья Ильич", "Илья Ильич"),
            ("Анна Петрова", "Анна"),
            ("Петрова Анна", "Анна"),
            ("петрова АННА", "Анна"),
            ("Алёна", "Алёна"),
            ("Сафина Айгюль", "Айгюль"),
            ("Татевик Саргсян", "Татевик"),
            ("Михаил Митич", "Михаил"),
            ("Anna Smith", "Anna"),
            ("Smith, Anna", "Anna"),
            ("Dr. Priya Patel", "Priya"),
            ("Jean-Luc Moreau", "Jean-Luc"),
            ("MARY O'NEIL", "Mary"),
        ] {
            assert_eq!(address(full).as_deref(), Some(expected), "{full}");
        }
    }

    #[test]
    fn what_may_be_no_person_gets_no_name() {
        for full in [
            "",
            "   ",
            "ООО Ромашка",
            "ООО «Анна»",
            "Кофейня Иванова",
            "Ромашка",
            "Starbucks",
            "Harbour Coffee Ltd",
            "Smith & Sons",
            "client 4711",
            "anna@example.org",
            "Иванов",
            "Анна Мария",
            "Иванов, Пётр, бухгалтер",
            "<script>alert(1)</script>",
            "{{client.name}}",
        ] {
            assert_eq!(address(full), None, "{full}");
        }
    }
}

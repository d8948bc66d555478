//! Whether somebody is a friend: a new client, and not the giver under another name.

use std::collections::BTreeSet;

use crate::model::Day;

use super::Objection;

/// What tells who somebody is; each list may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Names: of the client and of the people behind him.
    pub names: Vec<String>,
    /// Phones.
    pub phones: Vec<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Numbers of discount cards and whatever else belongs to one person.
    pub cards: Vec<String>,
    /// Postal addresses.
    pub addresses: Vec<String>,
}

impl Person {
    /// Whether nothing is known by which he could be recognised.
    pub fn is_unknown(&self) -> bool {
        self.phones.is_empty() && self.emails.is_empty() && self.cards.is_empty()
    }

    /// Adds what is known of him from elsewhere.
    pub fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        self.phones.extend(other.phones);
        self.emails.extend(other.emails);
        self.cards.extend(other.cards);
        self.addresses.extend(other.addresses);
    }
}

/// How many friends of one giver count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GiverLimit {
    /// So many.
    pub friends: u32,
    /// Within so many days.
    pub days: i32,
}

/// What is known of a friend who comes with a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FriendFacts {
    /// Who gave the certificate.
    pub giver: Person,
    /// Who came with it; unknown where a till asked for nothing.
    pub friend: Person,
    /// Whether both are one client of the company.
    pub same_client: bool,
    /// The day of his first purchase before this one, in the whole history, under any of his
    /// addresses and cards.
    pub bought_on: Option<Day>,
    /// Whether he came as somebody's friend before.
    pub came_before: bool,
    /// Friends of the giver who have counted within the period of the limit.
    pub friends_of_giver: u32,
}

/// What speaks against counting this person as a friend of the giver.
pub(super) fn objections(facts: &FriendFacts, limit: GiverLimit) -> Vec<Objection> {
    let mut found = Vec::new();
    let (giver, friend) = (&facts.giver, &facts.friend);
    if facts.same_client {
        found.push(Objection::SameClient);
    }
    if share(&giver.phones, &friend.phones, phone) {
        found.push(Objection::SamePhone);
    }
    if share(&giver.emails, &friend.emails, mailbox) {
        found.push(Objection::SameEmail);
    }
    if share(&giver.cards, &friend.cards, plain_card) {
        found.push(Objection::SameCard);
    }
    if share(&giver.names, &friend.names, name) {
        found.push(Objection::SameName);
    }
    if share(&giver.addresses, &friend.addresses, letters_and_digits) {
        found.push(Objection::SameAddress);
    }
    if facts.bought_on.is_some() {
        found.push(Objection::BoughtBefore);
    }
    if facts.came_before {
        found.push(Objection::CameBefore);
    }
    if facts.friends_of_giver >= limit.friends {
        found.push(Objection::GiverLimit);
    }
    found
}

/// Whether two lists have something in common once both are written the same way.
fn share(one: &[String], other: &[String], plain: fn(&str) -> String) -> bool {
    let of = |list: &[String]| -> BTreeSet<String> {
        let plain = list.iter().map(|text| plain(text));
        plain.filter(|text| !text.is_empty()).collect()
    };
    !of(one).is_disjoint(&of(other))
}

/// The digits of a phone that do not depend on how the country is dialled: 8 913 and +7 913.
fn phone(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(10)..].iter().collect()
}

/// The mailbox that an address leads to: without a tag behind `+`; at Google, without dots.
///
/// Source: RFC 5233 (subaddressing); Gmail help, "Dots don't matter in Gmail addresses".
pub fn mailbox(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let Some((user, domain)) = text.rsplit_once('@') else {
        return text;
    };
    let user = user.split('+').next().unwrap_or(user);
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", user.replace('.', "")),
        // Several names of one provider lead to one mailbox.
        "ya.ru" | "yandex.com" | "yandex.by" | "yandex.kz" => {
            format!("{}@yandex.ru", user.replace('.', "-"))
        }
        "yandex.ru" => format!("{}@yandex.ru", user.replace('.', "-")),
        _ => format!("{user}@{domain}"),
    }
}

/// The number of a card as everybody would copy it: its letters and digits.
pub fn plain_card(text: &str) -> String {
    letters_and_digits(text)
}

fn letters_and_digits(text: &str) -> String {
    let lower = text.to_lowercase().replace('ё', "е");
    lower.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The words of a name in a fixed order. One word is no name by which to know somebody.
fn name(text: &str) -> String {
    let lower = text.to_lowercase().replace('ё', "е");
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let mut words: Vec<&str> = words.filter(|word| word.chars().count() > 1).collect();
    words.sort_unstable();
    if words.len() < 2 {
        return String::new();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: GiverLimit = GiverLimit {
        friends: 3,
        days: 365,
    };

    fn one(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    fn giver() -> Person {
        Person {
            names: one("Петрова Анна Сергеевна"),
            phones: one("+79131234567"),
            emails: one("anna.petrova@gmail.com"),
            cards: one("4300-17"),
            addresses: one("Томск, ул. Ленина, 5"),
        }
    }

    fn cheat(friend: Person) -> Vec<Objection> {
        let facts = FriendFacts {
            giver: giver(),
            friend,
            ..FriendFacts::default()
        };
        objections(&facts, LIMIT)
    }

    #[test]
    fn a_stranger_is_a_friend() {
        let friend = Person {
            names: one("Иванова Мария"),
            phones: one("+79137654321"),
            emails: one("maria@example.org"),
            cards: one("4300-18"),
            addresses: one("Томск, ул. Ленина, 7"),
        };
        assert_eq!(cheat(friend), []);
        assert_eq!(cheat(Person::default()), []);
    }

    #[test]
    fn the_giver_with_the_phone_written_another_way_is_recognised() {
        for phone in ["8 (913) 123-45-67", "+7 913 123 45 67", "9131234567"] {
            let friend = Person {
                phones: one(phone),
                ..Person::default()
            };
            assert_eq!(cheat(friend), [Objection::SamePhone], "{phone}");
        }
    }

    #[test]
    fn the_giver_with_another_spelling_of_his_mailbox_is_recognised() {
        for email in [
            "Anna.Petrova@gmail.com",
            "annapetrova@gmail.com",
            "anna.petrova+friend@gmail.com",
            "a.n.n.a.petrova@googlemail.com",
        ] {
            let friend = Person {
                emails: one(email),
                ..Person::default()
            };
            assert_eq!(cheat(friend), [Objection::SameEmail], "{email}");
        }
        assert_eq!(mailbox("i.ivanov@ya.ru"), mailbox("i-ivanov@yandex.ru"));
        assert_ne!(mailbox("i.ivanov@mail.ru"), mailbox("iivanov@mail.ru"));
    }

    #[test]
    fn the_giver_with_his_discount_card_is_recognised() {
        let friend = Person {
            cards: one(" 430017 "),
            ..Person::default()
        };
        assert_eq!(cheat(friend), [Objection::SameCard]);
    }

    #[test]
    fn the_same_name_in_another_order_is_doubtful_and_one_word_is_nothing() {
        let named = |text: &str| Person {
            names: one(text),
            ..Person::default()
        };
        let mixed = cheat(named("анна сергеевна ПЕТРОВА"));
        assert_eq!(mixed, [Objection::SameName]);
        assert!(!Objection::SameName.denies());
        assert_eq!(cheat(named("Анна")), []);
        assert_eq!(name("Семёнов Пётр"), name("петр семенов"));
    }

    #[test]
    fn one_household_is_doubtful() {
        let friend = Person {
            addresses: one("томск ул ленина 5"),
            ..Person::default()
        };
        assert_eq!(cheat(friend), [Objection::SameAddress]);
        assert!(!Objection::SameAddress.denies());
    }

    #[test]
    fn who_has_bought_before_or_came_as_a_friend_before_is_no_new_client() {
        let facts = FriendFacts {
            bought_on: Some("2019-03-01".parse().unwrap()),
            came_before: true,
            ..FriendFacts::default()
        };
        let found = objections(&facts, LIMIT);
        assert_eq!(found, [Objection::BoughtBefore, Objection::CameBefore]);
        assert!(found.iter().all(|one| one.denies()));
    }

    #[test]
    fn so_many_friends_of_a_giver_count_and_no_more() {
        let with = |friends| FriendFacts {
            friends_of_giver: friends,
            ..FriendFacts::default()
        };
        assert_eq!(objections(&with(2), LIMIT), []);
        assert_eq!(objections(&with(3), LIMIT), [Objection::GiverLimit]);
    }
}

//! For whom a campaign is: every condition with the value that was seen.

use crate::config::campaign::{Condition, CountRange, MoneyRange, TagRule};
use crate::model::{Abc, ClientFacts, DealStatus, RhythmState, Xyz};

/// One condition of an audience, with what was seen on this client.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// The key of the condition: `purchases`, `tags`.
    pub condition: String,
    /// What is asked for: `at least 3`.
    pub wanted: String,
    /// What the client has: `2`.
    pub value: String,
    /// Whether the condition holds.
    pub holds: bool,
}

/// What conditions look at, beside the facts of the client: values that rules have derived.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    /// Days since the last purchase.
    pub days_silent: Option<i32>,
    /// The usual gap in days.
    pub usual_gap_days: Option<f64>,
    /// The state of the rhythm.
    pub state: Option<RhythmState>,
    /// The frequency class.
    pub xyz: Option<Xyz>,
    /// The readiness to buy; nothing where nobody has asked.
    pub abc: Option<Abc>,
    /// Whether the client is a key account.
    pub key_account: bool,
    /// What clients with such baskets also buy.
    pub hints: Vec<String>,
    /// What such clients went over to or took more of next.
    pub upsell: Vec<String>,
}

/// Looks at every condition, in the order in which they are documented; all are reported, so that
/// `explain` can show what else would have to change.
pub fn look(condition: &Condition, facts: &ClientFacts, derived: &Derived) -> Vec<Seen> {
    let mut seen = Vec::new();
    look_at_purchases(condition, facts, derived, &mut seen);
    look_at_rhythm(condition, derived, &mut seen);
    look_at_client(condition, facts, &mut seen);
    if let Some(choices) = &condition.any {
        seen.push(any(choices, facts, derived));
    }
    if let Some(inner) = &condition.not {
        seen.push(not(inner, facts, derived));
    }
    seen
}

fn look_at_purchases(
    condition: &Condition,
    facts: &ClientFacts,
    derived: &Derived,
    seen: &mut Vec<Seen>,
) {
    if let Some(range) = condition.purchases {
        seen.push(count(
            "purchases",
            range,
            Some(f64::from(facts.purchase_days())),
        ));
    }
    if let Some(range) = condition.turnover {
        seen.push(money("turnover", range, facts.totals.year));
    }
    if let Some(range) = condition.average_receipt {
        seen.push(money("average_receipt", range, facts.usual_spend()));
    }
    if let Some(range) = condition.silent_days {
        seen.push(count(
            "silent_days",
            range,
            derived.days_silent.map(f64::from),
        ));
    }
    if let Some(range) = condition.usual_gap_days {
        seen.push(count("usual_gap_days", range, derived.usual_gap_days));
    }
    if let Some(wanted) = condition.open_deal {
        let open = facts
            .deals
            .iter()
            .any(|deal| deal.status == DealStatus::Open);
        seen.push(truth("open_deal", wanted, open));
    }
}

fn look_at_rhythm(condition: &Condition, derived: &Derived, seen: &mut Vec<Seen>) {
    if let Some(states) = &condition.state {
        seen.push(one_of("state", states, derived.state));
    }
    if let Some(classes) = &condition.xyz {
        seen.push(one_of("xyz", classes, derived.xyz));
    }
    if let Some(classes) = &condition.abc {
        seen.push(Seen {
            value: derived
                .abc
                .map_or_else(|| "not asked yet".to_owned(), |class| class.to_string()),
            ..one_of("abc", classes, derived.abc)
        });
    }
    if let Some(wanted) = condition.key_account {
        seen.push(truth("key_account", wanted, derived.key_account));
    }
    if let Some(wanted) = &condition.hint {
        seen.push(among("hint", wanted, &derived.hints));
    }
    if let Some(wanted) = &condition.upsell {
        seen.push(among("upsell", wanted, &derived.upsell));
    }
}

/// Whether one of the wanted items is among those that could be offered.
fn among(name: &str, wanted: &[String], offered: &[String]) -> Seen {
    Seen {
        condition: name.to_owned(),
        wanted: wanted.join(" or "),
        value: if offered.is_empty() {
            "no hints".to_owned()
        } else {
            offered.join(", ")
        },
        holds: wanted.iter().any(|item| offered.contains(item)),
    }
}

fn look_at_client(condition: &Condition, facts: &ClientFacts, seen: &mut Vec<Seen>) {
    let client = &facts.client;
    if let Some(rule) = &condition.tags {
        seen.push(tags(rule, &client.tags));
    }
    for (key, wanted) in condition.attributes.iter().flatten() {
        let value = client.attributes.get(key).map(String::as_str);
        seen.push(Seen {
            condition: format!("attributes.{key}"),
            wanted: wanted.join(" or "),
            value: value.unwrap_or("absent").to_owned(),
            holds: value.is_some_and(|value| wanted.iter().any(|word| word == value)),
        });
    }
    for (key, range) in condition.numbers.iter().flatten() {
        let value = client.attributes.get(key);
        let seen_number = count(
            &format!("numbers.{key}"),
            *range,
            value.and_then(|text| number(text)),
        );
        seen.push(Seen {
            value: value.cloned().unwrap_or_else(|| "absent".to_owned()),
            ..seen_number
        });
    }
    if let Some(wanted) = &condition.attended {
        let came = |campaign: &String| facts.seats.iter().any(|seat| seat.came_to(campaign));
        seen.push(truth(
            &format!("attended {}", wanted.join(" or ")),
            true,
            wanted.iter().any(came),
        ));
    }
    if let Some(wanted) = &condition.manager {
        let manager = client.manager.as_deref();
        seen.push(Seen {
            condition: "manager".to_owned(),
            wanted: wanted.join(" or "),
            value: manager.unwrap_or("nobody").to_owned(),
            holds: manager.is_some_and(|manager| wanted.iter().any(|word| word == manager)),
        });
    }
    if let Some(wanted) = condition.company {
        seen.push(truth("company", wanted, client.company.is_some()));
    }
}

/// A number as people and programs write it: `1 240`, `1240,50`.
fn number(text: &str) -> Option<f64> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{a0}')
        .collect();
    let number: f64 = digits.replace(',', ".").parse().ok()?;
    number.is_finite().then_some(number)
}

fn count(name: &str, range: CountRange, value: Option<f64>) -> Seen {
    let holds = value.is_some_and(|value| {
        range.at_least.is_none_or(|least| value >= f64::from(least))
            && range.at_most.is_none_or(|most| value <= f64::from(most))
    });
    let ends = [
        range.at_least.map(|least| format!("at least {least}")),
        range.at_most.map(|most| format!("at most {most}")),
    ];
    Seen {
        condition: name.to_owned(),
        wanted: joined(ends),
        value: value.map_or_else(
            || "never bought".to_owned(),
            |value| format!("{}", value.round()),
        ),
        holds,
    }
}

fn money(name: &str, range: MoneyRange, minor: i64) -> Seen {
    let holds = range.at_least.is_none_or(|least| minor >= least.minor)
        && range.at_most.is_none_or(|most| minor <= most.minor);
    let currency = range.at_least.or(range.at_most).map(|money| money.currency);
    let ends = [
        range.at_least.map(|least| format!("at least {least}")),
        range.at_most.map(|most| format!("at most {most}")),
    ];
    let value = currency.map(|currency| crate::model::Money::new(minor, currency).to_string());
    Seen {
        condition: name.to_owned(),
        wanted: joined(ends),
        value: value.unwrap_or_else(|| minor.to_string()),
        holds,
    }
}

fn joined(ends: [Option<String>; 2]) -> String {
    let ends: Vec<String> = ends.into_iter().flatten().collect();
    if ends.is_empty() {
        "any".to_owned()
    } else {
        ends.join(", ")
    }
}

fn truth(name: &str, wanted: bool, value: bool) -> Seen {
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    Seen {
        condition: name.to_owned(),
        wanted: word(wanted),
        value: word(value),
        holds: wanted == value,
    }
}

fn one_of<T: PartialEq + ToString>(name: &str, wanted: &[T], value: Option<T>) -> Seen {
    let words: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    Seen {
        condition: name.to_owned(),
        wanted: words.join(" or "),
        holds: value.as_ref().is_some_and(|value| wanted.contains(value)),
        value: value.map_or_else(|| "never bought".to_owned(), |value| value.to_string()),
    }
}

fn tags(rule: &TagRule, tags: &[String]) -> Seen {
    let has = |tag: &String| tags.contains(tag);
    let mut wanted = Vec::new();
    if !rule.any_of.is_empty() {
        wanted.push(format!("any of {}", rule.any_of.join(", ")));
    }
    if !rule.all_of.is_empty() {
        wanted.push(format!("all of {}", rule.all_of.join(", ")));
    }
    if !rule.none_of.is_empty() {
        wanted.push(format!("none of {}", rule.none_of.join(", ")));
    }
    Seen {
        condition: "tags".to_owned(),
        wanted: wanted.join("; "),
        value: if tags.is_empty() {
            "no tags".to_owned()
        } else {
            tags.join(", ")
        },
        holds: (rule.any_of.is_empty() || rule.any_of.iter().any(has))
            && rule.all_of.iter().all(has)
            && !rule.none_of.iter().any(has),
    }
}

fn any(choices: &[Condition], facts: &ClientFacts, derived: &Derived) -> Seen {
    let looked: Vec<Vec<Seen>> = choices
        .iter()
        .map(|choice| look(choice, facts, derived))
        .collect();
    Seen {
        condition: "any".to_owned(),
        wanted: looked
            .iter()
            .map(|seen| wanted_words(seen))
            .collect::<Vec<_>>()
            .join(" | "),
        value: looked
            .iter()
            .map(|seen| value_words(seen))
            .collect::<Vec<_>>()
            .join(" | "),
        holds: looked.iter().any(|seen| seen.iter().all(|one| one.holds)),
    }
}

fn not(inner: &Condition, facts: &ClientFacts, derived: &Derived) -> Seen {
    let looked = look(inner, facts, derived);
    Seen {
        condition: "not".to_owned(),
        wanted: wanted_words(&looked),
        value: value_words(&looked),
        holds: !looked.iter().all(|one| one.holds),
    }
}

fn wanted_words(seen: &[Seen]) -> String {
    let words: Vec<String> = seen
        .iter()
        .map(|one| format!("{} {}", one.condition, one.wanted))
        .collect();
    words.join(" and ")
}

fn value_words(seen: &[Seen]) -> String {
    let words: Vec<String> = seen
        .iter()
        .map(|one| format!("{} {}", one.condition, one.value))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Client;

    fn holds(toml: &str, facts: &ClientFacts, derived: &Derived) -> bool {
        let condition: Condition = toml::from_str(toml).unwrap();
        look(&condition, facts, derived)
            .iter()
            .all(|seen| seen.holds)
    }

    #[test]
    fn each_condition_is_met_by_its_value_and_by_nothing_else() {
        let facts = ClientFacts {
            client: Client {
                tags: vec!["vip".to_owned()],
                company: Some("Ромашка".to_owned()),
                manager: Some("m1".to_owned()),
                attributes: [("city".to_owned(), "Kazan".to_owned())].into(),
                ..Client::default()
            },
            ..ClientFacts::default()
        };
        let derived = Derived {
            days_silent: Some(16),
            usual_gap_days: Some(7.4),
            state: Some(RhythmState::Missed),
            xyz: Some(Xyz::X),
            abc: Some(Abc::B),
            key_account: false,
            hints: vec!["paper".to_owned(), "ink".to_owned()],
            upsell: vec!["laser".to_owned()],
        };
        for (toml, expected) in [
            ("", true),
            ("purchases = { at_least = 1 }", false),
            ("silent_days = { at_least = 16, at_most = 16 }", true),
            ("usual_gap_days = { at_most = 7 }", false),
            ("state = [\"missed\", \"asleep\"]", true),
            ("xyz = [\"Y\", \"Z\"]", false),
            ("abc = [\"A\", \"B\"]", true),
            ("abc = [\"C\"]", false),
            ("key_account = false", true),
            ("hint = [\"lamp\", \"ink\"]", true),
            ("hint = [\"lamp\"]", false),
            ("upsell = [\"laser\", \"lamp\"]", true),
            ("upsell = [\"ink\"]", false),
            (
                "tags = { any_of = [\"vip\"], none_of = [\"frozen\"] }",
                true,
            ),
            ("tags = { all_of = [\"vip\", \"b2b\"] }", false),
            ("attributes = { city = [\"Kazan\", \"Ufa\"] }", true),
            ("attributes = { region = [\"16\"] }", false),
            ("manager = [\"m1\"]", true),
            ("company = false", false),
            ("open_deal = false", true),
            ("any = [{ xyz = [\"Z\"] }, { company = true }]", true),
            ("any = [{ xyz = [\"Z\"] }, { company = false }]", false),
            ("not = { xyz = [\"X\"], company = true }", false),
            ("not = { xyz = [\"X\"], company = false }", true),
            ("turnover = { at_least = \"1 RUB\" }", false),
        ] {
            assert_eq!(holds(toml, &facts, &derived), expected, "{toml}");
        }
    }

    #[test]
    fn who_never_bought_meets_no_condition_on_the_rhythm() {
        for toml in [
            "xyz = [\"X\"]",
            "abc = [\"A\", \"B\", \"C\"]",
            "state = [\"active\"]",
            "silent_days = { at_least = 0 }",
            "hint = [\"paper\"]",
            "upsell = [\"paper\"]",
        ] {
            assert!(
                !holds(toml, &ClientFacts::default(), &Derived::default()),
                "{toml}"
            );
        }
    }
}

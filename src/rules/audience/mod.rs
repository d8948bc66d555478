//! For whom a campaign is: every condition with the value that was seen.

mod seen;

pub use seen::{Asked, Missing, Seen};

use crate::config::campaign::{Condition, CountRange, MoneyRange, TagRule};
use crate::model::{Abc, ClientFacts, DealStatus, RhythmState, Xyz};

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
        seen.push(one_of("state", states, derived.state, Missing::NeverBought));
    }
    if let Some(classes) = &condition.xyz {
        seen.push(one_of("xyz", classes, derived.xyz, Missing::NeverBought));
    }
    if let Some(classes) = &condition.abc {
        seen.push(one_of("abc", classes, derived.abc, Missing::NotAsked));
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
        asked: Asked::Among {
            wanted: wanted.to_vec(),
            has: offered.to_vec(),
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
        let value = client.attributes.get(key).cloned();
        let name = format!("attributes.{key}");
        seen.push(one_of(&name, wanted, value, Missing::Absent));
    }
    for (key, range) in condition.numbers.iter().flatten() {
        let value = client.attributes.get(key).cloned();
        let as_number = value.as_deref().and_then(number);
        seen.push(Seen {
            condition: format!("numbers.{key}"),
            asked: Asked::Written {
                range: *range,
                value,
            },
            holds: fits(*range, as_number),
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
        let manager = client.manager.clone();
        seen.push(one_of("manager", wanted, manager, Missing::Nobody));
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

fn fits(range: CountRange, value: Option<f64>) -> bool {
    value.is_some_and(|value| {
        range.at_least.is_none_or(|least| value >= f64::from(least))
            && range.at_most.is_none_or(|most| value <= f64::from(most))
    })
}

fn count(name: &str, range: CountRange, value: Option<f64>) -> Seen {
    Seen {
        condition: name.to_owned(),
        asked: Asked::Count {
            range,
            value,
            missing: Missing::NeverBought,
        },
        holds: fits(range, value),
    }
}

fn money(name: &str, range: MoneyRange, minor: i64) -> Seen {
    let holds = range.at_least.is_none_or(|least| minor >= least.minor)
        && range.at_most.is_none_or(|most| minor <= most.minor);
    Seen {
        condition: name.to_owned(),
        asked: Asked::Money { range, minor },
        holds,
    }
}

fn truth(name: &str, wanted: bool, value: bool) -> Seen {
    Seen {
        condition: name.to_owned(),
        asked: Asked::Truth { wanted, value },
        holds: wanted == value,
    }
}

fn one_of<T: PartialEq + ToString>(
    name: &str,
    wanted: &[T],
    value: Option<T>,
    missing: Missing,
) -> Seen {
    Seen {
        condition: name.to_owned(),
        holds: value.as_ref().is_some_and(|value| wanted.contains(value)),
        asked: Asked::OneOf {
            wanted: wanted.iter().map(ToString::to_string).collect(),
            value: value.map(|value| value.to_string()),
            missing,
        },
    }
}

fn tags(rule: &TagRule, tags: &[String]) -> Seen {
    let has = |tag: &String| tags.contains(tag);
    Seen {
        condition: "tags".to_owned(),
        asked: Asked::Tags {
            rule: rule.clone(),
            tags: tags.to_vec(),
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
        holds: looked.iter().any(|seen| seen.iter().all(|one| one.holds)),
        asked: Asked::Any(looked),
    }
}

fn not(inner: &Condition, facts: &ClientFacts, derived: &Derived) -> Seen {
    let looked = look(inner, facts, derived);
    Seen {
        condition: "not".to_owned(),
        holds: !looked.iter().all(|one| one.holds),
        asked: Asked::Not(looked),
    }
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

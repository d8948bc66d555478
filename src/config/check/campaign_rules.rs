//! What a campaign cannot mean as a whole; its steps are looked at in [`super::step_rules`].
//!
//! Each rule is a small function, all are run, all report.

use std::path::Path;

use super::super::campaign::{Condition, CountRange, MissedLevel, MoneyRange, Trigger};
use super::super::values::{Days, Share};
use super::super::{Campaign, KnownTemplates, Settings};
use super::Checked;
use super::certificate_rules;
use super::document::KeyPath;
use super::findings::Finding;
use super::nearest;
use super::settings_rules::{known_managers, manager_hint, unknown_manager};
use super::{content_rules, step_rules};
use crate::model::{Currency, Money};

/// What the settings say that campaigns rest on; absent where the settings are broken themselves.
#[derive(Debug, Default)]
pub(super) struct Surroundings<'s> {
    /// The currency of the company.
    pub(super) currency: Option<Currency>,
    /// The ids of all managers, when no source can bring more of them.
    pub(super) managers: Option<Vec<&'s str>>,
    /// Whether WhatsApp may be used for anybody.
    pub(super) whatsapp: Option<bool>,
    /// How late a message may leave.
    pub(super) expires_after: Option<Days>,
}

impl<'s> Surroundings<'s> {
    /// Takes what can be relied on.
    pub(super) fn of(checked: &'s Checked<'_, Settings>) -> Self {
        let at = |table: &str, key: &str| KeyPath::root().key(table).key(key);
        let settings = |path: KeyPath| checked.trusted(&path);
        let managers = settings(KeyPath::root().key("manager"))
            .and_then(|_| settings(KeyPath::root().key("source")))
            .and_then(known_managers);
        Self {
            currency: settings(at("company", "currency")).map(|s| s.company.currency),
            managers,
            whatsapp: settings(at("delivery", "whatsapp_countries"))
                .map(|s| !s.delivery.whatsapp_countries.is_empty()),
            expires_after: settings(at("delivery", "expires_after"))
                .map(|s| s.delivery.expires_after),
        }
    }
}

/// One rule over a campaign.
type Rule = fn(&Campaign) -> Vec<Finding>;

/// What must hold for every campaign.
const RULES: &[Rule] = &[
    ends_after_it_starts,
    lead_needs_level_due,
    reasons_are_among_those_asked_for,
    second_purchase_is_for_one_time_buyers,
    handover_has_a_measure,
    news_that_answer_name_reasons,
    ranges_have_an_order,
    attributes_name_values,
    holdout_leaves_somebody,
    goal_has_time,
    step_rules::ids_differ,
    step_rules::message_or_task,
    step_rules::tasks_carry_no_message_parts,
    step_rules::steps_go_forward_in_time,
    step_rules::fallback_is_another_letter,
    step_rules::no_letter_twice,
    content_rules::variants_make_a_whole,
    content_rules::texts_can_be_sent,
    content_rules::pictures_are_described,
    content_rules::invited_to_something,
];

/// What a draft may still lack.
const UNFINISHED: &[Rule] = &[has_steps, news_has_its_items];

/// Runs every rule over the campaign of `file`; `is_draft` makes what is unfinished a warning.
pub(super) fn all(
    campaign: &Campaign,
    file: &str,
    company: Surroundings<'_>,
    known: &KnownTemplates,
    is_draft: bool,
) -> Vec<Finding> {
    let rules = RULES.iter().chain(certificate_rules::RULES);
    let mut findings: Vec<Finding> = rules.flat_map(|rule| rule(campaign)).collect();
    findings.extend(id_is_the_file_name(campaign, file));
    findings.extend(
        company
            .currency
            .map(|currency| money_is_the_companys(campaign, currency))
            .unwrap_or_default(),
    );
    findings.extend(
        company
            .managers
            .map(|managers| managers_are_known(campaign, &managers))
            .unwrap_or_default(),
    );
    findings.extend(
        company
            .whatsapp
            .map(|on| step_rules::whatsapp_reaches_somebody(campaign, on))
            .unwrap_or_default(),
    );
    findings.extend(
        company
            .expires_after
            .map(|late| certificate_rules::outlives_its_message(campaign, late))
            .unwrap_or_default(),
    );
    let mut unfinished: Vec<Finding> = UNFINISHED.iter().flat_map(|rule| rule(campaign)).collect();
    unfinished.extend(step_rules::templates_exist(campaign, known));
    unfinished.extend(certificate_rules::pictures_exist(campaign, known));
    unfinished.extend(content_rules::letters_have_their_parts(campaign, known));
    if is_draft {
        unfinished = unfinished.into_iter().map(Finding::into_warning).collect();
    }
    findings.extend(unfinished);
    findings
}

fn top(key: &str) -> KeyPath {
    KeyPath::root().key(key)
}

fn id_is_the_file_name(campaign: &Campaign, file: &str) -> Option<Finding> {
    let stem = Path::new(file).file_stem()?.to_str()?;
    let message = format!("the id \"{}\" is not the name of the file", campaign.id);
    let hint = format!(
        "call the file {}.toml, so that it is found by its id",
        campaign.id
    );
    (stem != campaign.id).then(|| Finding::warning(top("id"), message, hint))
}

fn ends_after_it_starts(campaign: &Campaign) -> Vec<Finding> {
    match (campaign.starts, campaign.ends) {
        (Some(starts), Some(ends)) if ends < starts => {
            let message = format!("the campaign ends on {ends}, before it starts on {starts}");
            let finding =
                Finding::error(top("ends"), message, "write a later day, or take ends out");
            vec![finding.given(top("starts"))]
        }
        _ => Vec::new(),
    }
}

fn lead_needs_level_due(campaign: &Campaign) -> Vec<Finding> {
    let Trigger::MissedCycle {
        level,
        lead: Some(_),
    } = campaign.trigger
    else {
        return Vec::new();
    };
    if level == MissedLevel::Due {
        return Vec::new();
    }
    let message =
        "\"lead\" looks ahead of the day a purchase is due, and this campaign waits until later";
    let hint = "write level = \"due\", or take lead out";
    let finding = Finding::error(top("trigger").key("lead"), message, hint);
    vec![
        finding
            .given(top("trigger").key("level"))
            .given(top("trigger").key("on")),
    ]
}

fn reasons_are_among_those_asked_for(campaign: &Campaign) -> Vec<Finding> {
    let Trigger::Rejection {
        reasons,
        after_by_reason,
        ..
    } = &campaign.trigger
    else {
        return Vec::new();
    };
    let unused = after_by_reason
        .keys()
        .filter(|reason| !reasons.is_empty() && !reasons.contains(reason));
    let findings = unused.map(|reason| {
        let at = top("trigger").key("after_by_reason").key(reason);
        let message = format!("\"{reason}\" is not among the reasons of this campaign");
        let hint = match nearest::word(reason, reasons.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "add it to reasons, or take it out here".to_owned(),
        };
        Finding::warning(at, message, hint).given(top("trigger").key("reasons"))
    });
    findings.collect()
}

fn second_purchase_is_for_one_time_buyers(campaign: &Campaign) -> Vec<Finding> {
    let at_least = campaign.audience.purchases.and_then(|range| range.at_least);
    if !matches!(campaign.trigger, Trigger::SecondPurchase {}) || at_least.is_none_or(|n| n <= 1) {
        return Vec::new();
    }
    let at = top("audience").key("purchases");
    let message = "\"second_purchase\" is for clients with one purchase: nobody fits";
    let finding = Finding::error(
        at,
        message,
        "take purchases out, or use on = \"missed_cycle\"",
    );
    vec![finding.given(top("trigger").key("on"))]
}

/// Calls `look` for every condition of the audience with its path.
fn each_condition(condition: &Condition, at: &KeyPath, look: &mut dyn FnMut(&Condition, &KeyPath)) {
    look(condition, at);
    for (n, inner) in condition.any.iter().flatten().enumerate() {
        each_condition(inner, &at.key("any").index(n), look);
    }
    if let Some(inner) = &condition.not {
        each_condition(inner, &at.key("not"), look);
    }
}

fn ranges_have_an_order(campaign: &Campaign) -> Vec<Finding> {
    let mut findings = Vec::new();
    each_condition(
        &campaign.audience,
        &top("audience"),
        &mut |condition, at| {
            let counts = [
                ("purchases", condition.purchases),
                ("silent_days", condition.silent_days),
                ("usual_gap_days", condition.usual_gap_days),
            ];
            for (key, range) in counts {
                findings.extend(range.and_then(|range| wrong_count(range, at.key(key))));
            }
            let amounts = [
                ("turnover", condition.turnover),
                ("average_receipt", condition.average_receipt),
            ];
            for (key, range) in amounts {
                findings.extend(range.and_then(|range| wrong_amount(range, at.key(key))));
            }
        },
    );
    findings
}

fn wrong_count(range: CountRange, at: KeyPath) -> Option<Finding> {
    wrong_range(range.at_least, range.at_most, at, |a, b| a > b)
}

fn wrong_amount(range: MoneyRange, at: KeyPath) -> Option<Finding> {
    let turned = |a: &Money, b: &Money| a.currency == b.currency && a.minor > b.minor;
    wrong_range(range.at_least, range.at_most, at, turned)
}

fn wrong_range<T: std::fmt::Display>(
    at_least: Option<T>,
    at_most: Option<T>,
    at: KeyPath,
    turned: impl Fn(&T, &T) -> bool,
) -> Option<Finding> {
    match (at_least, at_most) {
        (None, None) => {
            let message = format!("\"{}\" names neither at_least nor at_most", at.name());
            let hint = format!("write {} = {{ at_least = … }}, or take it out", at.name());
            Some(Finding::error(at, message, hint))
        }
        (Some(low), Some(high)) if turned(&low, &high) => {
            let message = format!("at_least {low} is more than at_most {high}: nobody fits");
            Some(Finding::error(at, message, "swap the two"))
        }
        _ => None,
    }
}

fn attributes_name_values(campaign: &Campaign) -> Vec<Finding> {
    let mut findings = Vec::new();
    each_condition(
        &campaign.audience,
        &top("audience"),
        &mut |condition, at| {
            for (name, values) in condition.attributes.iter().flatten() {
                if values.is_empty() {
                    let message = format!("\"{name}\" is an empty list: nobody fits");
                    let hint = "name at least one value, or take the line out";
                    findings.push(Finding::error(
                        at.key("attributes").key(name),
                        message,
                        hint,
                    ));
                }
            }
        },
    );
    findings
}

fn money_is_the_companys(campaign: &Campaign, currency: Currency) -> Vec<Finding> {
    let mut amounts: Vec<(Money, KeyPath)> = Vec::new();
    each_condition(
        &campaign.audience,
        &top("audience"),
        &mut |condition, at| {
            let ranges = [
                ("turnover", condition.turnover),
                ("average_receipt", condition.average_receipt),
            ];
            for (key, range) in ranges {
                let ends =
                    range.map(|range| [("at_least", range.at_least), ("at_most", range.at_most)]);
                for (end, amount) in ends.into_iter().flatten() {
                    amounts.extend(amount.map(|amount| (amount, at.key(key).key(end))));
                }
            }
        },
    );
    amounts.extend(certificate_rules::amounts(campaign));
    let foreign = amounts
        .into_iter()
        .filter(|(amount, _)| amount.currency != currency);
    let findings = foreign.map(|(amount, at)| {
        let message = format!("{amount} is not in {currency}, the currency of the company");
        Finding::error(at, message, format!("write the amount in {currency}"))
    });
    findings.collect()
}

fn managers_are_known(campaign: &Campaign, known: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    each_condition(
        &campaign.audience,
        &top("audience"),
        &mut |condition, at| {
            for (n, id) in condition.manager.iter().flatten().enumerate() {
                if !known.contains(&id.as_str()) {
                    let at = at.key("manager").index(n);
                    findings.push(Finding::warning(
                        at,
                        unknown_manager(id),
                        manager_hint(id, known),
                    ));
                }
            }
        },
    );
    findings
}

fn holdout_leaves_somebody(campaign: &Campaign) -> Vec<Finding> {
    if campaign.limits.holdout < Share::percent(100.0) {
        return Vec::new();
    }
    let at = top("limits").key("holdout");
    let message = "a holdout of 100% leaves nobody to write to";
    vec![Finding::error(
        at,
        message,
        "10% is usual; to stop the campaign write status = \"paused\"",
    )]
}

fn goal_has_time(campaign: &Campaign) -> Vec<Finding> {
    if campaign.goal.within > Days(0) {
        return Vec::new();
    }
    let at = top("goal").key("within");
    vec![Finding::error(
        at,
        "the goal can never be reached within 0 days",
        "write within = \"30d\"",
    )]
}

/// A hand-over begins somewhere, and leads from one role to another.
fn handover_has_a_measure(campaign: &Campaign) -> Vec<Finding> {
    let Trigger::Handover {
        from,
        to,
        purchases,
        turnover,
        items,
    } = &campaign.trigger
    else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if purchases.is_none() && turnover.is_none() && items.is_empty() {
        let hint = "add purchases = 3, turnover = \"100000 RUB\", or items = [\"…\"]";
        let message = "nothing says when a client is handed over";
        findings.push(Finding::error(top("trigger").key("on"), message, hint));
    }
    if from == to {
        let message = format!("a client is handed over from {from} to {to}: nothing changes");
        let finding = Finding::error(top("trigger").key("to"), message, "name another role");
        findings.push(finding.given(top("trigger").key("from")));
    }
    findings
}

/// News that answer rejections say which.
fn news_that_answer_name_reasons(campaign: &Campaign) -> Vec<Finding> {
    if !matches!(campaign.trigger, Trigger::RejectionAnswered { .. }) {
        return Vec::new();
    }
    let on = top("trigger").key("on");
    let mut items = campaign.news.iter().flat_map(|news| &news.items);
    if items.any(|item| !item.answers.is_empty()) {
        return Vec::new();
    }
    let message = "no piece of news says which reasons it answers: nobody hears of it";
    let hint = "add answers = [\"price\"] to a [[news.item]]";
    vec![Finding::error(on.clone(), message, hint).given(top("news"))]
}

fn has_steps(campaign: &Campaign) -> Vec<Finding> {
    if !campaign.steps.is_empty() {
        return Vec::new();
    }
    let hint = "add a [[step]] with channel and template, or with task and script";
    vec![Finding::error(
        top("step"),
        "the campaign has no steps: nothing would happen",
        hint,
    )]
}

fn news_has_its_items(campaign: &Campaign) -> Vec<Finding> {
    let is_news = matches!(
        campaign.trigger,
        Trigger::News { .. } | Trigger::RejectionAnswered { .. }
    );
    let on = top("trigger").key("on");
    let finding = match (&campaign.news, is_news) {
        (None, true) => Finding::error(
            on.clone(),
            "the news itself is missing",
            "add [news] with a title, and a [[news.item]] with title and text for each piece",
        ),
        (Some(news), true) if news.items.is_empty() => Finding::error(
            top("news"),
            "the news has no items",
            "add a [[news.item]] with title and text for each piece",
        ),
        _ => return Vec::new(),
    };
    vec![finding.given(on)]
}

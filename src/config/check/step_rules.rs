//! What the steps of a campaign cannot mean.

use std::collections::{BTreeMap, BTreeSet};

use super::super::campaign::Step;
use super::super::values::{Days, Span};
use super::super::{Campaign, KnownTemplates};
use super::document::KeyPath;
use super::findings::Finding;
use super::nearest;
use crate::model::Channel;

fn step(n: usize) -> KeyPath {
    KeyPath::root().key("step").index(n)
}

/// Findings of a rule that looks at each step alone.
fn each(campaign: &Campaign, look: impl Fn(&Step, KeyPath) -> Option<Finding>) -> Vec<Finding> {
    let steps = campaign.steps.iter().enumerate();
    steps
        .filter_map(|(n, found)| look(found, step(n)))
        .collect()
}

pub(super) fn ids_differ(campaign: &Campaign) -> Vec<Finding> {
    let mut seen = BTreeMap::new();
    let mut findings = Vec::new();
    for (n, found) in campaign.steps.iter().enumerate() {
        let id = found.id.as_str();
        let replaced = id.strip_suffix("-fallback").and_then(|of| seen.get(of));
        if let Some(first) = seen.get(id) {
            let message = format!("two steps have the id \"{id}\"");
            let hint = "give each step an id of its own: by it a letter is never sent twice";
            let finding = Finding::error(step(n).key("id"), message, hint);
            findings.push(finding.given(step(*first).key("id")));
        } else if let Some(of) = replaced {
            let message = format!("\"{id}\" is the name of the fallback of another step");
            let finding = Finding::error(step(n).key("id"), message, "give the step another id");
            findings.push(finding.given(step(*of).key("id")));
        } else {
            seen.insert(id, n);
        }
    }
    findings
}

/// The messages of a campaign with the place of their template, fallbacks included.
fn messages(campaign: &Campaign) -> Vec<(Channel, &str, KeyPath)> {
    let mut messages = Vec::new();
    for (n, found) in campaign.steps.iter().enumerate() {
        if let (Some(channel), Some(template)) = (found.channel, &found.template) {
            messages.push((channel, template.as_str(), step(n).key("template")));
        }
        for (v, variant) in found.variants.iter().enumerate() {
            if let (Some(channel), Some(template)) = (found.channel, &variant.template) {
                let at = step(n).key("variant").index(v).key("template");
                messages.push((channel, template.as_str(), at));
            }
        }
        if let Some(fallback) = &found.fallback {
            let at = step(n).key("fallback").key("template");
            messages.push((fallback.channel, fallback.template.as_str(), at));
        }
    }
    messages
}

pub(super) fn no_letter_twice(campaign: &Campaign) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let repeated = messages(campaign)
        .into_iter()
        .filter(|(channel, template, _)| !seen.insert((*channel, *template)));
    let findings = repeated.map(|(_, template, at)| {
        let message = format!("\"{template}\" is sent by another step of this campaign as well");
        Finding::warning(
            at,
            message,
            "write a template of its own: nobody likes to read a letter twice",
        )
    });
    findings.collect()
}

pub(super) fn message_or_task(campaign: &Campaign) -> Vec<Finding> {
    each(campaign, |step, at| {
        let is = |what: bool| what;
        let parts = (
            is(step.channel.is_some()),
            is(step.template.is_some()),
            is(step.task.is_some()),
            is(step.script.is_some()),
        );
        let id = &step.id;
        let (message, hint) = match parts {
            (true, true, false, false) | (false, false, true, true) => return None,
            (false, false, false, false) => (
                format!("step \"{id}\" does nothing"),
                "add channel and template for a message, or task and script for a person",
            ),
            (true, false, false, false) => (
                format!("step \"{id}\" has a channel and no template"),
                "add template = \"…\"",
            ),
            (false, true, false, false) => (
                format!("step \"{id}\" has a template and no channel"),
                "add channel = \"email\" or \"whatsapp\"",
            ),
            (false, false, true, false) => (
                format!("step \"{id}\" has a task and no script"),
                "add script = \"…\": what the manager says",
            ),
            (false, false, false, true) => (
                format!("step \"{id}\" has a script and no task"),
                "add task = \"call\", \"write\", \"gift\" or \"visit\"",
            ),
            _ => (
                format!("step \"{id}\" is a message and a task at once"),
                "make two steps of it, each with an id of its own",
            ),
        };
        Some(Finding::error(at, message, hint))
    })
}

pub(super) fn tasks_carry_no_message_parts(campaign: &Campaign) -> Vec<Finding> {
    each(campaign, |step, at| {
        let parts = [
            ("fallback", step.fallback.is_some()),
            ("certificate", step.certificate.is_some()),
            ("class", step.class.is_some()),
        ];
        let (key, _) = parts.into_iter().find(|(_, there)| *there)?;
        let is_task = step.task.is_some() && step.channel.is_none();
        let message = format!(
            "\"{key}\" belongs to a message, and step \"{}\" is a task",
            step.id
        );
        let hint = "take it out, or make a message of the step";
        is_task.then(|| Finding::error(at.key(key), message, hint).given(at))
    })
}

pub(super) fn steps_go_forward_in_time(campaign: &Campaign) -> Vec<Finding> {
    let start = Span::Days(Days(0));
    let mut findings = Vec::new();
    for (n, pair) in campaign.steps.windows(2).enumerate() {
        let (earlier, later) = (
            pair[0].after.unwrap_or(start),
            pair[1].after.unwrap_or(start),
        );
        let turned = match (earlier, later) {
            (Span::Days(a), Span::Days(b)) => b < a,
            (Span::Cycles(a), Span::Cycles(b)) => b < a,
            // Days and cycles differ from client to client: only nothing is before everything.
            (Span::Cycles(a), Span::Days(Days(0))) => a > 0.0,
            _ => false,
        };
        if turned {
            let message = format!(
                "step \"{}\" comes after step \"{}\" and would be taken before it ({later} < {earlier})",
                pair[1].id, pair[0].id
            );
            let hint = "after counts from the day the client entered, not from the step before";
            let finding = Finding::error(step(n + 1).key("after"), message, hint);
            findings.push(finding.given(step(n).key("after")));
        }
    }
    findings
}

pub(super) fn fallback_is_another_letter(campaign: &Campaign) -> Vec<Finding> {
    each(campaign, |step, at| {
        let (fallback, at) = (step.fallback.as_ref()?, at.key("fallback"));
        if step.channel == Some(fallback.channel) {
            let message = format!("the fallback uses {} again", fallback.channel);
            let hint =
                "a fallback goes by another channel, where the first cannot reach the client";
            return Some(Finding::error(at.key("channel"), message, hint));
        }
        let same = step.template.as_ref() == Some(&fallback.template);
        let message = format!(
            "the fallback sends the template \"{}\" again",
            fallback.template
        );
        let hint = "write a template of its own: letters and WhatsApp messages are different files";
        same.then(|| Finding::error(at.key("template"), message, hint))
    })
}

pub(super) fn whatsapp_reaches_somebody(campaign: &Campaign, is_on: bool) -> Vec<Finding> {
    each(campaign, |step, at| {
        let alone = step.channel == Some(Channel::Whatsapp) && step.fallback.is_none();
        let message = "WhatsApp reaches nobody: delivery.whatsapp_countries is empty";
        let hint = "name the countries in the settings, or add a fallback by e-mail";
        (alone && !is_on).then(|| Finding::warning(at.key("channel"), message, hint))
    })
}

pub(super) fn templates_exist(campaign: &Campaign, known: &KnownTemplates) -> Vec<Finding> {
    let messages = messages(campaign).into_iter();
    let messages = messages.map(|(channel, name, at)| (Kind::of(channel), name, at));
    let scripts = campaign.steps.iter().enumerate();
    let scripts = scripts.filter_map(|(n, found)| {
        let script = found.script.as_deref()?;
        Some((Kind::Script, script, step(n).key("script")))
    });
    let named = messages.chain(scripts);
    let findings = named.filter_map(|(kind, name, at)| {
        let names = kind.names(known);
        let unknown = !names.is_empty() && !names.contains(name);
        unknown.then(|| {
            let message = format!("there is no {} \"{name}\"", kind.title());
            Finding::error(at, message, kind.hint(name, known))
        })
    });
    findings.collect()
}

/// What a step names: each kind of template has a folder of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Whatsapp,
    Script,
}

impl Kind {
    fn of(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Letter,
            Channel::Whatsapp => Self::Whatsapp,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::Whatsapp => "WhatsApp template",
            Self::Script => "script",
        }
    }

    fn names(self, known: &KnownTemplates) -> &BTreeSet<String> {
        match self {
            Self::Letter => &known.letters,
            Self::Whatsapp => &known.whatsapp,
            Self::Script => &known.scripts,
        }
    }

    fn hint(self, name: &str, known: &KnownTemplates) -> String {
        let names = self.names(known);
        if let Some(meant) = nearest::word(name, names.iter().map(String::as_str)) {
            return format!("did you mean \"{meant}\"?");
        }
        let others = [Self::Letter, Self::Whatsapp, Self::Script];
        let mut others = others.into_iter().filter(|other| *other != self);
        if let Some(other) = others.find(|other| other.names(known).contains(name)) {
            return format!("\"{name}\" is a {}", other.title());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("there are {}", names.join(", "))
    }
}

//! The plan as people and programs read it: the same value is the dry run, the snapshot in the
//! tests and the page in the browser.

use std::fmt;

use serde::Serialize;

use crate::config::campaign::CampaignStatus;
use crate::model::{Channel, Class, Currency, Day, Money};
use crate::rules::rhythm::FitMethod;

use super::day::CampaignCounts;

/// A whole day, nothing applied.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The day that is planned.
    pub date: Day,
    /// The currency of every amount.
    pub currency: Currency,
    /// What the dates of the clients rest on.
    pub base: BaseLine,
    /// How many clients each channel can lawfully reach.
    pub reach: Vec<Reach>,
    /// Each campaign in numbers.
    pub campaigns: Vec<CampaignCounts>,
    /// The campaigns that a person has paused or ended: they do nothing on this day.
    pub resting: Vec<Resting>,
    /// The messages, in the order of clients.
    pub messages: Vec<MessageLine>,
    /// The managers' lists: new tasks and those that wait from earlier days, by place.
    pub tasks: Vec<TaskLine>,
}

/// A campaign that a person has paused or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resting {
    /// The campaign.
    pub id: String,
    /// The name that people see.
    pub title: String,
    /// `paused` or `cancelled`.
    pub state: &'static str,
    /// Why, and who said so.
    pub because: String,
}

/// What the dates of the clients rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseLine {
    /// Nothing dated later was used for the parameters.
    pub fitted_on: Day,
    /// How they were found.
    pub method: FitMethod,
    /// Gaps between purchases that they rest on.
    pub gaps: u64,
    /// The version under which they are kept; absent when they were made for this plan only.
    pub version: Option<i64>,
}

/// How many clients a channel can lawfully reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// The channel.
    pub channel: Channel,
    /// The class of messages.
    pub class: Class,
    /// Clients with an address, a basis, and no word against it.
    pub clients: u64,
    /// All clients.
    pub of: u64,
}

/// A message that would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageLine {
    /// The id of the client in the source.
    pub client: String,
    /// What lists call the client.
    pub name: String,
    /// The campaign.
    pub campaign: String,
    /// The occasion.
    pub episode: String,
    /// The step, or its fallback.
    pub step: String,
    /// The way it goes.
    pub channel: Channel,
    /// The template.
    pub template: String,
    /// Which form of the step, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Why, in one sentence.
    pub why: String,
}

/// A task on a manager's list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskLine {
    /// The manager; empty when nobody is named.
    pub manager: String,
    /// The id of the client in the source.
    pub client: String,
    /// What lists call the client.
    pub name: String,
    /// The campaign.
    pub campaign: String,
    /// The place on the list, from 1; absent when it waits for another day.
    pub rank: Option<u32>,
    /// What is lost in a year if the client stays away, in units of the currency.
    pub value_at_risk: f64,
    /// Why, in one sentence.
    pub why: String,
    /// What to say: a template in `scripts`.
    pub script: String,
    /// The day since which it waits: the day of the plan for a new one.
    pub since: Day,
}

/// How many lines of each kind the text shows before it only counts.
const SHOWN: usize = 20;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Plan for {}", self.date)?;
        writeln!(f, "  {}", self.base)?;
        for reach in &self.reach {
            writeln!(
                f,
                "  may get {} by {}: {} of {} clients",
                reach.class, reach.channel, reach.clients, reach.of
            )?;
        }
        self.write_campaigns(f)?;
        self.write_resting(f)?;
        self.write_messages(f)?;
        self.write_tasks(f)
    }
}

impl Plan {
    /// Leaves what one campaign does.
    pub fn keep_only(&mut self, campaign: &str) {
        self.campaigns.retain(|one| one.id == campaign);
        self.resting.retain(|one| one.id == campaign);
        self.messages.retain(|line| line.campaign == campaign);
        self.tasks.retain(|line| line.campaign == campaign);
    }

    fn write_campaigns(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.campaigns.is_empty() && !self.resting.is_empty() {
            return Ok(());
        }
        if self.campaigns.is_empty() {
            return writeln!(
                f,
                "\nNo campaign is live. `rekindle init` writes ready ones."
            );
        }
        writeln!(
            f,
            "\n{:<24} {:>8} {:>8} {:>6} {:>8} {:>6} {:>8}",
            "Campaign", "entered", "messages", "tasks", "held out", "left", "backlog"
        )?;
        for one in &self.campaigns {
            writeln!(
                f,
                "{:<24} {:>8} {:>8} {:>6} {:>8} {:>6} {:>8}",
                one.id,
                one.entered,
                one.messages,
                one.tasks,
                one.holdout,
                one.left,
                one.backlog_waiting
            )?;
            if one.status == CampaignStatus::Paused {
                writeln!(f, "    paused: its file says so")?;
            }
            for (reason, clients) in &one.skipped {
                writeln!(f, "    skipped {clients:>7}  {reason}")?;
            }
        }
        Ok(())
    }

    fn write_resting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.resting.is_empty() {
            writeln!(f)?;
        }
        for one in &self.resting {
            writeln!(f, "{:<24} {}: {}", one.id, one.state, one.because)?;
        }
        Ok(())
    }

    fn write_messages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nMessages: {}", self.messages.len())?;
        for line in self.messages.iter().take(SHOWN) {
            writeln!(
                f,
                "  {} {}/{} by {}: {}{}\n      {}",
                who(&line.name, &line.client),
                line.campaign,
                line.step,
                line.channel,
                line.template,
                line.variant
                    .as_ref()
                    .map(|variant| format!(", variant {variant}"))
                    .unwrap_or_default(),
                line.why
            )?;
        }
        more(f, self.messages.len())
    }

    fn write_tasks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nTasks: {}", self.tasks.len())?;
        for line in self.tasks.iter().take(SHOWN) {
            let place = line
                .rank
                .map_or_else(|| "waits".to_owned(), |rank| format!("{rank}."));
            let manager = if line.manager.is_empty() {
                "nobody"
            } else {
                &line.manager
            };
            writeln!(
                f,
                "  {manager} {place} {} {}: {} {} at stake\n      {}",
                who(&line.name, &line.client),
                line.campaign,
                grouped(line.value_at_risk),
                self.currency,
                line.why
            )?;
        }
        more(f, self.tasks.len())
    }
}

impl fmt::Display for BaseLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rhythm of the base: fitted on {} from {} gaps ({})",
            self.fitted_on,
            self.gaps,
            method_words(self.method)
        )
    }
}

fn method_words(method: FitMethod) -> &'static str {
    match method {
        FitMethod::Likelihood => "by likelihood",
        FitMethod::Moments => "by moments: the likelihood found no end",
        FitMethod::Default => "too few to learn from: defaults of other trades",
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
    match all.saturating_sub(SHOWN) {
        0 => Ok(()),
        rest => writeln!(f, "  ... and {rest} more (--format json shows all)"),
    }
}

/// What people call the client, with the id, which stands alone where there is no name.
pub fn who(name: &str, client: &str) -> String {
    if name == client {
        client.to_owned()
    } else {
        format!("{name} ({client})")
    }
}

/// An amount in whole units, with spaces between the thousands: 1 234 567.
pub fn grouped(units: f64) -> String {
    let digits = format!("{:.0}", units.abs());
    let mut text = String::new();
    if units < -0.5 {
        text.push('-');
    }
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Minor units as units of the currency, for programs.
pub fn in_units(minor: i64, currency: Currency) -> f64 {
    Money::new(minor, currency).major()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_at_a_glance() {
        for (units, text) in [
            (0.0, "0"),
            (999.4, "999"),
            (1_000.0, "1 000"),
            (4_150_239.0, "4 150 239"),
            (-12_000.6, "-12 001"),
        ] {
            assert_eq!(grouped(units), text);
        }
    }

    #[test]
    fn who_has_no_name_is_named_once() {
        assert_eq!(who("K-7", "K-7"), "K-7");
        assert_eq!(who("Anna", "K-7"), "Anna (K-7)");
    }
}

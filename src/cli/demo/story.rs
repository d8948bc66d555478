//! What a newcomer reads: what happened, what the last day brought, and what to try next.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use super::ahead::Quiet;
use super::replay::Replay;
use super::views::View;
use crate::app::App;
use crate::cli::counted;
use crate::db::TaskRow;
use crate::jobs::day::ManagerList;
use crate::model::Locale;
use crate::render::TaskPart;
use crate::rules::plan::{Plan, who};
use crate::rules::wording;

/// How many tasks of each list are told.
const TOLD: usize = 3;

/// All that there is to tell.
#[derive(Debug)]
pub(super) struct Story<'a> {
    /// Where the demo is, as it was named.
    pub(super) dir: &'a Path,
    /// How this program was called.
    pub(super) program: String,
    /// The weeks.
    pub(super) replay: Replay,
    /// Campaigns that had nothing to do.
    pub(super) quiet: Vec<Quiet>,
    /// Letters as pages.
    pub(super) letters: Vec<View>,
    /// The managers' lists of the last day.
    pub(super) lists: Vec<ManagerList>,
    /// The same as pages.
    pub(super) list_pages: Vec<View>,
    /// The tasks on the lists, by their number.
    pub(super) tasks: BTreeMap<i64, TaskRow>,
    /// Whether clients of some country may be written to by WhatsApp.
    pub(super) whatsapp: bool,
    /// The next working day, as it would be.
    pub(super) next_day: Plan,
}

/// Who the company is.
pub(super) fn beginning(app: &App, dir: &Path) -> String {
    format!(
        "«{}» supplies coffee, tea and gifts, and does not exist. Its purchases have the days \
         and\namounts of a public data set, the rest is invented, and nobody is written to.\nAll of \
         it lies in {}\n\n",
        app.settings.company.name,
        dir.display()
    )
}

impl Story<'_> {
    /// Everything after the import.
    pub(super) fn tell(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        self.weeks(&mut text)?;
        heading(
            &mut text,
            &format!("The last day, Friday {}", self.replay.last),
        )?;
        text.push_str(&self.replay.plan.to_string());
        heading(&mut text, "What the managers got that morning")?;
        for (n, list) in self.lists.iter().enumerate() {
            if n > 0 {
                text.push('\n');
            }
            self.list(&mut text, list)?;
        }
        heading(&mut text, "Where the letters lie")?;
        self.places(&mut text)?;
        heading(&mut text, "What to type next")?;
        self.next(&mut text)?;
        Ok(text)
    }

    fn weeks(&self, text: &mut String) -> fmt::Result {
        let replay = &self.replay;
        let days = replay.last.days_since(replay.first) + 1;
        heading(
            text,
            &format!(
                "{days} days, one after the other: {} to {}",
                replay.first, replay.last
            ),
        )?;
        writeln!(
            text,
            "Every day was planned with what was known on it, and run; then managers called, and \
             clients bought\nas they really did. Held out: get nothing, so that the effect can be \
             measured. The last three say\nwhy clients left a campaign: they bought, they answered \
             a manager, or all steps were done.\n"
        )?;
        writeln!(
            text,
            "{:<18}{:>9}{:>9}{:>7}{:>10}{:>10}{:>10}{:>8}",
            "Campaign", "entered", "letters", "tasks", "held out", "bought", "answered", "ended"
        )?;
        for one in &replay.campaigns {
            writeln!(
                text,
                "{:<18}{:>9}{:>9}{:>7}{:>10}{:>10}{:>10}{:>8}",
                one.id,
                one.entered,
                one.messages,
                one.tasks,
                one.holdout,
                one.by_goal,
                one.by_outcome,
                one.finished
            )?;
        }
        let outcomes: u64 = replay.outcomes.values().sum();
        let each = replay
            .outcomes
            .iter()
            .map(|(kind, n)| format!("{kind} {n}"));
        let each: Vec<String> = each.collect();
        writeln!(
            text,
            "\n{} letters are in the sandbox. Managers recorded {outcomes} outcomes: {}.",
            replay.letters,
            each.join(", ")
        )?;
        for (day, why) in &replay.held {
            writeln!(text, "The run of {day} waited for a person: {why}")?;
        }
        for failure in &replay.failed {
            writeln!(text, "Not made: {failure}")?;
        }
        if !self.quiet.is_empty() {
            writeln!(text, "\nStill to come:")?;
        }
        for one in &self.quiet {
            writeln!(text, "  {:<16}{}", one.campaign, one.why)?;
        }
        Ok(())
    }

    fn list(&self, text: &mut String, list: &ManagerList) -> fmt::Result {
        let context = &list.context;
        let stake = context
            .total_at_risk
            .map(|money| wording::money_whole(Locale::Ru, money))
            .unwrap_or_default();
        let role = list
            .manager
            .as_ref()
            .map_or("nobody", |manager| manager.role.word());
        let waiting = match context.waiting {
            0 => String::new(),
            n => format!(", {n} more wait"),
        };
        writeln!(
            text,
            "{}, {role}: {}{waiting}; {stake} at stake",
            context.manager.name,
            counted(context.tasks.len(), "task")
        )?;
        for task in context.tasks.iter().take(TOLD) {
            self.task(text, task)?;
        }
        match context.tasks.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => writeln!(text, "  ... and {more} more"),
        }
    }

    fn task(&self, text: &mut String, task: &TaskPart) -> fmt::Result {
        let id = task
            .id
            .parse()
            .ok()
            .and_then(|id: i64| self.tasks.get(&id))
            .map(|row| row.client.as_str())
            .unwrap_or_default();
        let phone = task.client.phone.as_deref().map(wording::phone);
        writeln!(
            text,
            "  {}. #{} {}, {}, {}",
            task.rank,
            task.id,
            who(
                task.client.company.as_deref().unwrap_or(&task.client.name),
                id
            ),
            phone.as_deref().unwrap_or("no phone"),
            task.campaign,
        )?;
        writeln!(text, "     {}", task.why)?;
        let Some(rhythm) = &task.rhythm else {
            return Ok(());
        };
        if let Some(money) = rhythm.average_receipt {
            let receipt = wording::money_whole(Locale::Ru, money);
            write!(text, "     usually {receipt} at a time")?;
            match rhythm.usual_items.as_slice() {
                [] => writeln!(text)?,
                items => writeln!(text, ": {}", items.join("; "))?,
            }
        }
        Ok(())
    }

    fn places(&self, text: &mut String) -> fmt::Result {
        let of_missed = self.letters.iter().filter(|view| view.of == "missed-cycle");
        let newest = of_missed.max_by_key(|view| view.day);
        let newest = newest.or_else(|| self.letters.iter().max_by_key(|view| view.day));
        if let Some(eml) = newest.and_then(|view| view.eml.as_ref()) {
            let eml = self.dir.join(eml);
            writeln!(
                text,
                "Each letter is an .eml file, as a mail program opens it:\n  {}\n",
                eml.display()
            )?;
        }
        if !self.whatsapp {
            let rules = self.dir.join("config/campaigns/missed-cycle.toml");
            writeln!(
                text,
                "No WhatsApp nudge is among them: no country is allowed. It stands ready behind a # \
                 in\n  {}\n",
                rules.display()
            )?;
        }
        writeln!(
            text,
            "The last letter of every step, and the lists of the day, as pages for a browser:"
        )?;
        let views: Vec<(String, &str)> = self
            .letters
            .iter()
            .chain(&self.list_pages)
            .map(|view| {
                let page = self.dir.join(&view.page);
                (page.display().to_string(), view.subject.as_str())
            })
            .collect();
        let wide = views.iter().map(|(page, _)| page.chars().count()).max();
        let wide = wide.unwrap_or_default();
        for (page, subject) in &views {
            writeln!(text, "  {page:<wide$}  {subject}")?;
        }
        Ok(())
    }

    fn next(&self, text: &mut String) -> fmt::Result {
        let set = if cfg!(windows) { "set" } else { "export" };
        let config = self.dir.join("config");
        let settings = config.join("rekindle.toml");
        writeln!(text, "{set} REKINDLE_CONFIG={}\n", settings.display())?;
        for (command, what) in self.commands() {
            writeln!(text, "{} {command}\n    {what}", self.program)?;
        }
        let rules = config.join("campaigns");
        writeln!(
            text,
            "\nThe rules are in {}: change `level` or `after` in one of them, then\n`{} check` and \
             `{} plan --as-of {}`.",
            rules.display(),
            self.program,
            self.program,
            self.next_day.date
        )
    }

    fn commands(&self) -> Vec<(String, String)> {
        let (last, next) = (self.replay.last, self.next_day.date);
        let mut commands = Vec::new();
        if let Some((client, why)) = self.of_interest() {
            commands.push((format!("explain {client} --as-of {next}"), why));
        }
        commands.push((
            format!("plan --as-of {next}"),
            "Monday as it would be; nothing is applied".to_owned(),
        ));
        if let Some(task) = self.tasks.keys().next() {
            commands.push((
                format!("tasks outcome {task} interested --on {last}"),
                "what a manager records: the campaign ends for this client".to_owned(),
            ));
        }
        commands.push((
            format!("report --to {last} --by reason"),
            "both funnels: sales that were repeated, rejections that were turned".to_owned(),
        ));
        if let Some(view) = self.letters.iter().find(|view| view.of == "missed-cycle") {
            commands.push((
                format!(
                    "preview friend-certificate --client {} --as-of {last}",
                    view.to
                ),
                "a letter as this client would see it".to_owned(),
            ));
        }
        commands.push((
            format!("clients --as-of {last}"),
            "every client with his rhythm in numbers, as CSV".to_owned(),
        ));
        commands.push((
            format!("run --once --as-of {next}"),
            "Monday, done: its letters and lists are added".to_owned(),
        ));
        commands
    }

    /// A client for whom something begins on the next day, with the reason to look at him.
    fn of_interest(&self) -> Option<(&str, String)> {
        let messages = &self.next_day.messages;
        let missed = messages
            .iter()
            .find(|line| line.step == "letter" && line.campaign == "missed-cycle");
        missed.or(messages.first()).map(|line| {
            (
                line.client.as_str(),
                format!("why {} gets {} on Monday", line.name, line.template),
            )
        })
    }
}

fn heading(text: &mut String, title: &str) -> fmt::Result {
    writeln!(text, "\n== {title} ==\n")
}

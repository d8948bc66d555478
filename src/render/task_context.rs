//! What the lists of managers are rendered from.

use serde::{Deserialize, Serialize};

use super::context::{ClientPart, CompanyPart, DealPart, ManagerPart, RhythmPart};
use crate::model::{Day, Money};

/// What a manager's list of the day is rendered from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskListContext {
    /// The company of the manager.
    pub company: CompanyPart,
    /// Whose list it is.
    pub manager: ManagerPart,
    /// The day of the list.
    pub today: Day,
    /// The tasks, in the order in which to do them; of a long list the first ones.
    pub tasks: Vec<TaskPart>,
    /// How many tasks are on the list.
    #[serde(default)]
    pub in_all: u32,
    /// How many of them are not among `tasks`.
    #[serde(default)]
    pub more: u32,
    /// Tasks that did not fit into the day.
    #[serde(default)]
    pub waiting: u32,
    /// The value at risk of all tasks together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_at_risk: Option<Money>,
    /// The page with the same list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// For the head: tasks of others that have waited too long; of many the first ones.
    #[serde(default)]
    pub overdue: Vec<OverduePart>,
    /// How many more have.
    #[serde(default)]
    pub overdue_more: u32,
}

impl TaskListContext {
    /// What of a list goes into a letter: no more than mail programs show, the rest as numbers.
    #[must_use]
    pub fn for_a_letter(mut self) -> Self {
        self.more = (self.tasks.len().saturating_sub(IN_A_LETTER)) as u32;
        self.tasks.truncate(IN_A_LETTER);
        self.overdue_more = (self.overdue.len().saturating_sub(OVERDUE_IN_A_LETTER)) as u32;
        self.overdue.truncate(OVERDUE_IN_A_LETTER);
        self
    }
}

/// How many tasks a letter tells in full: with their scripts in Russian so many stay below
/// [`CLIPPED_AT`](super::source::CLIPPED_AT).
const IN_A_LETTER: usize = 18;

/// How many tasks of others a letter to the head tells.
const OVERDUE_IN_A_LETTER: usize = 40;

/// A task that has waited too long, as the head reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverduePart {
    /// The id of the task.
    pub id: String,
    /// What lists call the client.
    pub client: String,
    /// On whose list it stands.
    pub manager: String,
    /// Since when.
    pub since: Day,
}

/// One task of a manager's list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskPart {
    /// The place in the list, from 1.
    pub rank: u32,
    /// The id by which the outcome is recorded.
    pub id: String,
    /// The client to call.
    pub client: ClientPart,
    /// Why now, in one sentence.
    pub why: String,
    /// The campaign's title.
    pub campaign: String,
    /// What the client buys, and how often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<RhythmPart>,
    /// What is lost in a year if the client does not come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_at_risk: Option<Money>,
    /// What to say, rendered from the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The last word of the client to a manager, and its day, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<String>,
    /// The deals that are open: title, amount, and the day since which nothing has changed.
    #[serde(default)]
    pub open_deals: Vec<DealPart>,
    /// Whose client it is, where whoever reads the list stands in for him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_in_for: Option<String>,
    /// The card of the client in the company's CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm_url: Option<String>,
    /// The page on which the outcome is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

//! What follows from the outcome of a task, beside what becomes of the letters.

use crate::config::Settings;
use crate::config::campaign::CertificateOffer;
use crate::config::outcomes::Then;
use crate::model::{Abc, Client, ManagerRole, Outcome, OutcomeKind};

use super::plan::{AfterOutcome, after_outcome};
use super::staff::Staff;

/// The task that an outcome is about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who was asked.
    pub manager: &'a str,
    /// Of a hand-over: who takes the client.
    pub taker: Option<&'a str>,
    /// How often it has been tried, this time included.
    pub attempts: u16,
}

/// What an outcome does to the client's deals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DealChange {
    /// One is opened, where none is open.
    Open,
    /// The one that was opened here is won.
    Won,
    /// The one that was opened here is lost; where there is none, a rejection is written down.
    Lost {
        /// Why.
        reason: Option<String>,
    },
    /// The one that was opened here is lost; where there is none, nothing is written down: the
    /// rejection is known already.
    Closed,
}

/// Everything that follows from an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowUp {
    /// What becomes of the task.
    pub task: AfterOutcome,
    /// What becomes of the client's deals.
    pub deal: Option<DealChange>,
    /// Who gets a task for the same client on the same day.
    pub pass_to: Option<String>,
    /// Who has the client from now on.
    pub owner: Option<String>,
    /// Whether every address of the client is suppressed.
    pub suppress: bool,
    /// The certificate that he gets to pass on to the friend whom he named.
    pub certificate: Option<CertificateOffer>,
}

/// Decides what follows from an outcome; `note` is what the client said, in the manager's words.
pub fn follow_up(
    outcome: &Outcome,
    note: Option<&str>,
    asked: &Asked<'_>,
    client: &Client,
    staff: &Staff,
    settings: &Settings,
) -> FollowUp {
    let kind = outcome.kind;
    let deal = match kind {
        OutcomeKind::Interested => Some(DealChange::Open),
        OutcomeKind::Bought => Some(DealChange::Won),
        OutcomeKind::Rejection => Some(DealChange::Lost {
            reason: reason_said(outcome, note, settings),
        }),
        OutcomeKind::FriendNamed | OutcomeKind::CardSent => Some(DealChange::Closed),
        _ => None,
    };
    FollowUp {
        task: after_outcome(outcome, asked.attempts, &settings.tasks),
        deal,
        pass_to: is_for_the_expert(outcome, asked, staff, settings)
            .then(|| staff.expert_for(client, asked.manager, outcome.day))
            .flatten(),
        owner: (kind == OutcomeKind::Accepted)
            .then(|| asked.taker.map(str::to_owned))
            .flatten(),
        suppress: kind == OutcomeKind::DoNotContact,
        certificate: (kind == OutcomeKind::FriendNamed)
            .then(|| settings.certificates.friend_named.clone())
            .flatten(),
    }
}

/// The reason of a rejection: as it was named, else the note where the dictionary knows its words.
fn reason_said(outcome: &Outcome, note: Option<&str>, settings: &Settings) -> Option<String> {
    let known = |note: &&str| settings.reasons.meant(note).is_some();
    let of_note = note.filter(known).map(str::to_owned);
    outcome.reason.clone().or(of_note)
}

/// An interested client goes to the expert where the company wants it so, and where a trainee has
/// found him; so does whoever turns out to be ready to buy.
fn is_for_the_expert(
    outcome: &Outcome,
    asked: &Asked<'_>,
    staff: &Staff,
    settings: &Settings,
) -> bool {
    let trainee = staff.role(asked.manager) == Some(ManagerRole::Trainee);
    let ready = outcome.readiness.class() == Some(Abc::A);
    match outcome.kind {
        OutcomeKind::Interested => trainee || settings.tasks.interested == Then::Expert,
        OutcomeKind::ComeBack => trainee && ready,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Day, Manager, Readiness};

    fn after(settings: &str, by: &str, outcome: &Outcome, note: Option<&str>) -> FollowUp {
        let text = format!("[company]\nname = \"T\"\n{settings}");
        let settings: Settings = toml::from_str(&text).unwrap();
        let people = [
            Manager::with_role("anna", ManagerRole::Farmer),
            Manager::with_role("vera", ManagerRole::Trainee),
        ];
        let staff = Staff::new(people, &settings.tasks);
        let client = Client {
            manager: Some("anna".to_owned()),
            ..Client::default()
        };
        let asked = Asked {
            manager: by,
            taker: Some("anna"),
            attempts: 1,
        };
        follow_up(outcome, note, &asked, &client, &staff, &settings)
    }

    const DAY: Day = Day::from_epoch(100);

    #[test]
    fn interest_opens_a_deal_and_a_trainee_passes_it_on() {
        let interested = Outcome::new(OutcomeKind::Interested, DAY);
        let own = after("", "anna", &interested, None);
        assert_eq!((own.deal, own.pass_to), (Some(DealChange::Open), None));
        let passed = after("", "vera", &interested, None);
        assert_eq!(passed.pass_to.as_deref(), Some("anna"));
        let written = "[tasks]\nexpert = \"olga\"\ninterested = \"expert\"\n";
        let to_expert = after(written, "anna", &interested, None);
        assert_eq!(to_expert.pass_to.as_deref(), Some("olga"));
    }

    #[test]
    fn a_rejection_is_written_down_with_its_reason() {
        let rejection = Outcome::new(OutcomeKind::Rejection, DAY);
        let lost = |reason: Option<&str>| {
            Some(DealChange::Lost {
                reason: reason.map(str::to_owned),
            })
        };
        let said = |note| after("", "anna", &rejection, note).deal;
        assert_eq!(said(Some("говорит, дорого")), lost(Some("говорит, дорого")));
        assert_eq!(said(Some("перезвонит дочь")), lost(None));
        let named = Outcome {
            reason: Some("no-budget".to_owned()),
            ..rejection
        };
        let named = after("", "anna", &named, Some("дорого")).deal;
        assert_eq!(named, lost(Some("no-budget")));
    }

    #[test]
    fn whoever_names_a_friend_gets_a_certificate_to_pass_on_where_the_company_gives_one() {
        let named = Outcome::new(OutcomeKind::FriendNamed, DAY);
        assert_eq!(after("", "anna", &named, None).certificate, None);
        let written = "[certificates]\n\
                       friend_named = { kind = \"friend\", discount = \"10%\", valid = \"60d\" }\n";
        let given = after(written, "anna", &named, None).certificate;
        assert_eq!(given.map(|offer| offer.valid.count()), Some(60));
        let other = Outcome::new(OutcomeKind::CardSent, DAY);
        assert_eq!(after(written, "anna", &other, None).certificate, None);
    }

    #[test]
    fn whoever_is_ready_leaves_the_trainee_and_a_hand_over_changes_the_owner() {
        let ready = Outcome {
            readiness: Readiness {
                need: Some(true),
                money: Some(true),
                urgency: Some(true),
            },
            until: Some(DAY.plus(9)),
            ..Outcome::new(OutcomeKind::ComeBack, DAY)
        };
        let passed = after("", "vera", &ready, None);
        assert_eq!(passed.pass_to.as_deref(), Some("anna"));
        assert_eq!(passed.task, AfterOutcome::Again(DAY.plus(9)));
        let accepted = Outcome::new(OutcomeKind::Accepted, DAY);
        let owner = after("", "anna", &accepted, None).owner;
        assert_eq!(owner.as_deref(), Some("anna"));
        let gone = Outcome::new(OutcomeKind::DoNotContact, DAY);
        assert!(after("", "anna", &gone, None).suppress);
    }
}

//! What the clients of the demo say when they are called: a fixed rule instead of chance, so that
//! every demo tells the same story.

use sha2::{Digest, Sha256};

use crate::db::{Friend, TaskRow};
use crate::model::{Day, Outcome, OutcomeKind};

/// What a manager records after a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The outcome.
    pub(super) outcome: Outcome,
    /// What the client said.
    pub(super) note: Option<&'static str>,
    /// Whom he named.
    pub(super) friend: Option<Friend>,
}

/// How often each outcome comes, in percent; what is left to 100 is not called on the day.
const SHARES: [(OutcomeKind, u32); 7] = [
    (OutcomeKind::Interested, 24),
    (OutcomeKind::Rejection, 19),
    (OutcomeKind::NoAnswer, 22),
    (OutcomeKind::ComeBack, 14),
    (OutcomeKind::FriendNamed, 6),
    (OutcomeKind::WrongNumber, 2),
    (OutcomeKind::DoNotContact, 1),
];

/// The same for key accounts, who know their manager well.
const SHARES_OF_KEY_ACCOUNTS: [(OutcomeKind, u32); 3] = [
    (OutcomeKind::Interested, 30),
    (OutcomeKind::NoAnswer, 15),
    (OutcomeKind::ComeBack, 45),
];

/// The same where a rejection is talked about again: the script has three branches.
const SHARES_OF_REJECTIONS: [(OutcomeKind, u32); 7] = [
    (OutcomeKind::Interested, 24),
    (OutcomeKind::FriendNamed, 18),
    (OutcomeKind::CardSent, 18),
    (OutcomeKind::Rejection, 12),
    (OutcomeKind::NoAnswer, 14),
    (OutcomeKind::ComeBack, 6),
    (OutcomeKind::DoNotContact, 2),
];

/// Whom clients name. No local number begins with 0: nobody has these.
const NAMED: [(&str, &str); 3] = [
    ("Светлана, кофейня «У моста»", "+74950000701"),
    ("Игорь, офис этажом выше", "+74950000702"),
    ("Марина, магазин подарков", "+74950000703"),
];

const SAID_NO: [&str; 4] = [
    "пока есть запас",
    "дорого",
    "взяли у другого поставщика",
    "сменили формат, кофе не нужен",
];
const ASKED_TO_COME_BACK: [&str; 3] = [
    "перезвонить после зарплаты",
    "решает директор, вернётся через неделю",
    "сейчас инвентаризация",
];
const INTERESTED: [&str; 3] = [
    "просит счёт",
    "хочет новинки попробовать",
    "готовит заявку к празднику",
];
const FRIENDS: [&str; 2] = [
    "дала телефон знакомой кофейни",
    "советует нас соседям по офису",
];

/// What comes of a call on `day`; nothing when the manager does not get to it.
///
/// Whoever is going to pay the next day says so: the outcome is `bought`.
pub(super) fn answer(task: &TaskRow, day: Day, buys_next_day: bool) -> Option<Answer> {
    let draw = Draw::of(task);
    let is_key = task.campaign == "key-accounts";
    let shares: &[_] = match task.script.as_str() {
        _ if is_key => &SHARES_OF_KEY_ACCOUNTS,
        "rejection" => &SHARES_OF_REJECTIONS,
        _ => &SHARES,
    };
    let kind = if task.taker.is_some() {
        OutcomeKind::Accepted
    } else if buys_next_day {
        OutcomeKind::Bought
    } else {
        kind(shares, draw.percent)?
    };
    let at_most_later = if is_key { 6 } else { 18 };
    let until = (kind == OutcomeKind::ComeBack).then(|| day.plus(4 + draw.of_many(at_most_later)));
    Some(Answer {
        outcome: Outcome {
            until,
            ..Outcome::new(kind, day)
        },
        note: note(kind, &draw),
        friend: friend(kind, &draw),
    })
}

fn kind(shares: &[(OutcomeKind, u32)], percent: u32) -> Option<OutcomeKind> {
    let mut below = 0;
    shares.iter().find_map(|(kind, share)| {
        below += share;
        (percent < below).then_some(*kind)
    })
}

fn note(kind: OutcomeKind, draw: &Draw) -> Option<&'static str> {
    let notes: &[&str] = match kind {
        OutcomeKind::Interested => &INTERESTED,
        OutcomeKind::Rejection => &SAID_NO,
        OutcomeKind::ComeBack => &ASKED_TO_COME_BACK,
        OutcomeKind::FriendNamed => &FRIENDS,
        OutcomeKind::Bought => return Some("заказал, оплатит завтра"),
        OutcomeKind::DoNotContact => return Some("просит больше не звонить"),
        _ => return None,
    };
    notes
        .get(draw.of_many(notes.len() as i32).unsigned_abs() as usize)
        .copied()
}

fn friend(kind: OutcomeKind, draw: &Draw) -> Option<Friend> {
    let named = NAMED.get(draw.of_many(NAMED.len() as i32).unsigned_abs() as usize);
    let (name, phone) = named.filter(|_| kind == OutcomeKind::FriendNamed)?;
    Some(Friend {
        name: Some((*name).to_owned()),
        phone: Some((*phone).to_owned()),
        email: None,
    })
}

/// What belongs to one attempt at one task for ever.
struct Draw {
    /// 0..100.
    percent: u32,
    further: u32,
}

impl Draw {
    fn of(task: &TaskRow) -> Self {
        let mut hash = Sha256::new();
        for part in [&task.campaign, &task.client, &task.step] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(task.planned_on.epoch_days().to_be_bytes());
        hash.update(task.attempts.to_be_bytes());
        let digest = hash.finalize();
        let word = |at: usize| {
            let bytes = digest.iter().skip(at).take(4);
            bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
        };
        Self {
            percent: word(0) % 100,
            further: word(4),
        }
    }

    /// A number in 0..`many`.
    fn of_many(&self, many: i32) -> i32 {
        (self.further % many.unsigned_abs().max(1)).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskKind;

    fn task(client: &str, attempts: u16) -> TaskRow {
        TaskRow {
            id: 1,
            manager: "anna".to_owned(),
            client: client.to_owned(),
            client_id: crate::model::ClientId(1),
            campaign: "missed-cycle".to_owned(),
            episode: "missed:2026-01-01".to_owned(),
            step: "call".to_owned(),
            kind: TaskKind::Call,
            script: "sleeping-client".to_owned(),
            state: "open".to_owned(),
            value: 1,
            rank: Some(1),
            listed_on: None,
            planned_on: Day::from_epoch(20_000),
            not_before: Day::from_epoch(20_000),
            attempts,
            outcome: None,
            closed_on: None,
            closed_by: None,
            acting: "anna".to_owned(),
            urgent: false,
            apart: false,
            taker: None,
            first_listed_on: None,
            escalated_on: None,
            inputs: String::new(),
        }
    }

    #[test]
    fn the_same_call_has_the_same_answer_and_all_kinds_of_answers_come() {
        let day = Day::from_epoch(20_001);
        let mut kinds = std::collections::BTreeSet::new();
        for n in 0..500 {
            let task = task(&format!("K-{n}"), 0);
            let first = answer(&task, day, false);
            assert_eq!(first, answer(&task, day, false));
            kinds.extend(first.map(|answer| answer.outcome.kind));
        }
        assert_eq!(kinds.len(), SHARES.len());
        let bought = answer(&task("K-1", 0), day, true).unwrap();
        assert_eq!(bought.outcome.kind, OutcomeKind::Bought);
    }

    #[test]
    fn who_does_not_answer_may_answer_at_the_next_attempt() {
        let day = Day::from_epoch(20_001);
        let answers: Vec<_> = (0..4)
            .map(|attempts| answer(&task("K-7", attempts), day, false))
            .collect();
        assert!(
            answers.iter().any(|one| *one != answers[0]),
            "{answers:?} should differ"
        );
    }

    #[test]
    fn a_wish_to_be_called_later_names_the_day() {
        let day = Day::from_epoch(20_001);
        let all = (0..500).filter_map(|n| answer(&task(&format!("K-{n}"), 0), day, false));
        for one in all {
            let asks = one.outcome.kind == OutcomeKind::ComeBack;
            assert_eq!(one.outcome.until.is_some_and(|until| until > day), asks);
        }
    }
}

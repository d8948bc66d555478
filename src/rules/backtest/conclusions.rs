//! What a marketer should take from a backtest, in sentences.

use std::fmt::Write as _;

use crate::config::campaign::MissedLevel;

use super::report::{AlarmReport, BacktestReport};
use super::words::{counted, percent};

/// Below so many known outcomes a share is not worth a sentence.
const ENOUGH: i64 = 20;

/// From this share on most would have come anyway; up to that one hardly anybody.
const MOST: f64 = 0.5;
const HARDLY_ANY: f64 = 0.15;

/// What a marketer should take from the numbers.
pub(super) fn conclusions(report: &BacktestReport) -> Vec<String> {
    let Some((own, yardsticks)) = report.alarms.split_first() else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    if own.chosen.episodes == 0 {
        sentences.push(
            "Nobody would have been chosen: loosen the audience, the level or the re-entry, or \
             take another period."
                .to_owned(),
        );
        return sentences;
    }
    sentences.push(volume_words(own));
    sentences.extend(lawful_words(own));
    sentences.push(came_back_words(report, own));
    sentences.extend(level_words(report, own));
    sentences.push(quality_words(report, own));
    for yardstick in yardsticks {
        sentences.extend(yardstick_words(report, own, yardstick));
    }
    if report.level.is_none() {
        sentences.push(
            "There is no yardstick beside it: the window of the second purchase is one number of \
             days for all already, taken from the base's own returns."
                .to_owned(),
        );
    }
    sentences
}

fn volume_words(own: &AlarmReport) -> String {
    let day = |messages, tasks| {
        format!(
            "{} and {}",
            counted(messages, "message"),
            counted(tasks, "task")
        )
    };
    let mut words = format!(
        "{} in all; on the day in the middle {}, on the fullest {}.",
        day(own.messages.total, own.tasks.total),
        day(own.messages.median, own.tasks.median),
        day(own.messages.most, own.tasks.most)
    );
    if own.backlog_left > 0 {
        let _ = write!(
            words,
            " {} clients of the backlog had not had their turn by the end: raise backlog_per_day, \
             or leave them in peace.",
            own.backlog_left
        );
    }
    words
}

fn lawful_words(own: &AlarmReport) -> Option<String> {
    let lawful: i64 = own.channels.iter().map(|one| one.lawful_today).sum();
    let all = own.messages.total;
    (lawful < all).then(|| {
        format!(
            "Of the {all} messages {lawful} could lawfully be sent today; the others lack an \
             address or a consent, and only count here to judge the rule."
        )
    })
}

fn came_back_words(report: &BacktestReport, own: &AlarmReport) -> String {
    let chosen = &own.chosen;
    let days = report.goal_within_days;
    let Some(share) = chosen.share_came_back else {
        return format!(
            "How many of those chosen came back by themselves is not known: the data ends on {}, \
             before the {days} days of the goal were over. Choose an earlier end of the period.",
            report.data_until
        );
    };
    let mut words = format!(
        "Of {} chosen, {} bought again within {days} days by themselves: nobody wrote to them. \
         Only what a campaign brings beyond that is its own; measure it with the hold-out.",
        chosen.known,
        percent(Some(share))
    );
    if chosen.really_touched > 0 {
        let _ = write!(
            words,
            " (With {} of them a campaign really did something in that time, so their return is \
             not wholly their own.)",
            chosen.really_touched
        );
    }
    if chosen.had_bought > 0 {
        let _ = write!(
            words,
            " {} of them had bought already, which was recorded too late to be seen.",
            chosen.had_bought
        );
    }
    words
}

/// What the share that came back says about the level.
fn level_words(report: &BacktestReport, own: &AlarmReport) -> Option<String> {
    let share = own
        .fresh
        .share_came_back
        .filter(|_| own.fresh.known >= ENOUGH)?;
    let fresh = percent(Some(share));
    match report.level {
        Some(MissedLevel::Due) => Some(
            "A call when a purchase is due reaches people who will mostly buy anyway: judge it by \
             how much they order, not by how many return."
                .to_owned(),
        ),
        Some(MissedLevel::Missed) if share >= MOST => Some(format!(
            "{fresh} of those whose silence had just become unusual returned by themselves: keep \
             to reminders here, and make offers at level = \"asleep\"."
        )),
        Some(MissedLevel::Asleep) if share >= MOST => Some(format!(
            "{fresh} of those who had just fallen asleep returned by themselves: raise asleep_at \
             before you pay for offers."
        )),
        Some(MissedLevel::Asleep | MissedLevel::Lost) if share <= HARDLY_ANY => Some(format!(
            "Only {fresh} of those who had just reached this level returned by themselves: an \
             offer wastes little here; try level = \"missed\" to act sooner."
        )),
        _ => None,
    }
}

fn quality_words(report: &BacktestReport, own: &AlarmReport) -> String {
    let pauses = &own.pauses;
    let known = pauses.ended + pauses.lapsed;
    if known < ENOUGH {
        return "Too few pauses of the period have ended or lapsed to judge the alarm itself: it \
                takes an earlier period, or a longer one."
            .to_owned();
    }
    let spoke = percent(pauses.share_false);
    let mut words = if report.is_reminder() {
        format!("{spoke} of the pauses that ended by themselves did so after it had spoken")
    } else {
        format!("Of the pauses that ended by themselves {spoke} had raised the alarm")
    };
    if let Some(cycles) = pauses.cycles_before {
        let _ = write!(
            words,
            "; for those who stayed away it spoke after {cycles:.1} of their own cycles"
        );
    }
    words.push('.');
    if pauses.still_open * 5 > known {
        let _ = write!(
            words,
            " {} are still open, most of them of slow buyers, so this share is understated: an \
             earlier end of the period shows more.",
            counted(pauses.still_open, "pause")
        );
    }
    words
}

fn yardstick_words(
    report: &BacktestReport,
    own: &AlarmReport,
    other: &AlarmReport,
) -> Option<String> {
    let judged = |one: &AlarmReport| one.pauses.ended + one.pauses.lapsed >= ENOUGH;
    if !judged(own) {
        return None;
    }
    let name = &other.name;
    let mut words = format!(
        "{name}, tuned on the time before to as many alarms, would have chosen {} instead of {}; \
         {} {} against {}",
        counted(other.chosen.episodes, "time"),
        own.chosen.episodes,
        if report.is_reminder() {
            "spoken before a return"
        } else {
            "false alarms"
        },
        percent(other.pauses.share_false),
        percent(own.pauses.share_false)
    );
    let class = |one: &AlarmReport, class: usize| one.pauses.share_false_by_class[class].1;
    if let (Some(fast), Some(slow)) = (class(other, 1), class(other, 3)) {
        let _ = write!(
            words,
            " ({} of the frequent and {} of the rare buyers, against {} and {})",
            percent(Some(fast)),
            percent(Some(slow)),
            percent(class(own, 1)),
            percent(class(own, 3))
        );
    }
    if let (Some(mine), Some(theirs)) = (own.pauses.cycles_before, other.pauses.cycles_before) {
        let _ = write!(
            words,
            ", an alarm after {theirs:.1} own cycles against {mine:.1}"
        );
    }
    let missed = other.pauses.missed;
    if missed > 0 {
        let _ = write!(
            words,
            ", and {missed} of {} lapses unnoticed until the client was lost",
            other.pauses.lapsed
        );
    }
    words.push('.');
    Some(words)
}

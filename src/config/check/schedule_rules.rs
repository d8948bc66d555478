//! What `[schedule]` cannot mean.

use super::super::Settings;
use super::super::schedule::CatchUp;
use super::document::KeyPath;
use super::findings::Finding;

/// Every rule that needs nothing but the settings.
pub(super) const RULES: &[fn(&Settings) -> Vec<Finding>] =
    &[of_its_day_only, lists_come_after_the_plan];

fn at(schedule: &str, key: &str) -> KeyPath {
    KeyPath::root().key("schedule").key(schedule).key(key)
}

/// A day is planned once and never afterwards; so are its lists.
fn of_its_day_only(settings: &Settings) -> Vec<Finding> {
    let schedule = &settings.schedule;
    let mut findings = Vec::new();
    for (name, table) in [("daily", &schedule.daily), ("digests", &schedule.digests)] {
        if !table.at.is_once_a_day() {
            let message = format!("\"{}\" is due several times a day", table.at);
            let hint = "name one hour and one minute: a day is planned once, and has one list";
            findings.push(Finding::error(at(name, "at"), message, hint));
        }
        if table.catch_up == CatchUp::All {
            let message = "a day that is over is not planned any more, and nobody needs its list";
            let hint = "write catch_up = \"latest\" or \"skip\"; the next day takes everybody in";
            findings.push(Finding::error(at(name, "catch_up"), message, hint));
        }
    }
    findings
}

/// Managers who get their lists before the day is planned get none.
fn lists_come_after_the_plan(settings: &Settings) -> Vec<Finding> {
    let schedule = &settings.schedule;
    let minute = |when: &super::super::schedule::When| match when {
        super::super::schedule::When::At(cron) if when.is_once_a_day() => {
            let (hours, minutes) = (cron.pattern.hours.values(), cron.pattern.minutes.values());
            Some(hours.first()? * 60 + minutes.first()?)
        }
        _ => None,
    };
    let (Some(plan), Some(lists)) = (minute(&schedule.daily.at), minute(&schedule.digests.at))
    else {
        return Vec::new();
    };
    if lists > plan {
        return Vec::new();
    }
    let message = "the lists come before the day is planned: they wait for it";
    let hint = "let digests come later than daily";
    let daily = at("daily", "at");
    vec![Finding::warning(at("digests", "at"), message, hint).given(daily)]
}

//! The triggers of the calendar: dates, birthdays, anniversaries, news.

use crate::config::campaign::{DateRule, DayOff, NewsTime, Trigger};
use crate::config::values::Days;
use crate::model::{ClientFacts, Day};

use super::calendar::{self, Dating};
use super::delivery::hours;
use super::evidence::Evidence;
use super::no_occasion::NoOccasion;
use super::trigger::{Episode, NotYet, Sight, never_bought};

/// How old people get, in years.
const OLDEST_YEARS: i32 = 120;

/// How long ago a client may have bought for the first time, in years.
const LONGEST_YEARS: i32 = 80;

/// How long news stay new.
const NEWS_DAYS: i32 = 14;

/// What days of the calendar bring.
pub(super) fn of_the_calendar(sight: &Sight<'_>, value: i64) -> Result<Vec<Episode>, NotYet> {
    let (facts, day) = (sight.facts, sight.day);
    let holidays = &sight.settings.hours.holidays;
    match &sight.campaign.trigger {
        Trigger::Date {
            day: rule,
            lead,
            on_day_off,
        } => dates(*rule, &dating(*lead, *on_day_off, holidays), value, day),
        Trigger::Birthday { lead, on_day_off } => {
            let dating = dating(*lead, *on_day_off, holidays);
            birthdays(facts.client.birthday, &dating, value, day)
        }
        Trigger::Anniversary { lead, on_day_off } => {
            let dating = dating(*lead, *on_day_off, holidays);
            anniversaries(facts, &dating, value, day)
        }
        Trigger::News { day: on, when } => {
            let ahead = *when == NewsTime::Morning && is_ahead(sight, *on);
            news(*on, ahead, value, day)
        }
        _ => Ok(Vec::new()),
    }
}

/// The episode of a day of the calendar.
fn dated(
    days: Vec<Day>,
    dating: &Dating<'_>,
    day: Day,
    tell: impl Fn(Day) -> (String, Evidence),
    value: i64,
) -> Result<Vec<Episode>, NotYet> {
    let dated = dating.today(days.into_iter(), day).map_err(|on| NotYet {
        because: NoOccasion::NotTheDay,
        on,
    })?;
    let (key, evidence) = tell(dated.day);
    Ok(vec![Episode {
        key,
        began_on: dated.from,
        last_entry: Some(dated.to),
        evidence,
        value,
    }])
}

fn dates(
    rule: DateRule,
    dating: &Dating<'_>,
    value: i64,
    day: Day,
) -> Result<Vec<Episode>, NotYet> {
    let tell = |on| (format!("date:{on}"), Evidence::Date { day: on });
    dated(calendar::days_of(rule, day), dating, day, tell, value)
}

fn birthdays(
    born: Option<Day>,
    dating: &Dating<'_>,
    value: i64,
    day: Day,
) -> Result<Vec<Episode>, NotYet> {
    let born = born.ok_or(NotYet::for_good(NoOccasion::NoBirthday))?;
    let tell = |on| (format!("birthday:{on}"), Evidence::Birthday { day: on });
    dated(calendar::returns_of(born, day), dating, day, tell, value)
}

fn anniversaries(
    facts: &ClientFacts,
    dating: &Dating<'_>,
    value: i64,
    day: Day,
) -> Result<Vec<Episode>, NotYet> {
    let (rhythm, _) = facts.rhythm.ok_or_else(never_bought)?;
    let tell = |on| {
        let years = calendar::years_between(rhythm.first, on).unwrap_or_default();
        let evidence = Evidence::Anniversary { day: on, years };
        (format!("anniversary:{on}"), evidence)
    };
    dated(
        calendar::returns_of(rhythm.first, day),
        dating,
        day,
        tell,
        value,
    )
}

/// How a trigger of the calendar looks at its day.
fn dating(lead: Days, on_day_off: DayOff, holidays: &[Day]) -> Dating<'_> {
    Dating {
        lead,
        on_day_off,
        holidays,
    }
}

/// The days of birth, or of first purchases, with which a client may have an occasion today; nothing
/// for other triggers.
pub fn origins(trigger: &Trigger, day: Day) -> Option<Vec<Day>> {
    let (lead, on_day_off, years) = match trigger {
        Trigger::Birthday { lead, on_day_off } => (*lead, *on_day_off, OLDEST_YEARS),
        Trigger::Anniversary { lead, on_day_off } => (*lead, *on_day_off, LONGEST_YEARS),
        _ => return None,
    };
    let reach = dating(lead, on_day_off, &[]).reach();
    Some(calendar::origins(day, reach, years))
}

/// Whether the morning of the news is over for a client when that day is run: he lives so far to the
/// east that his letter has to be planned on the day before.
fn is_ahead(sight: &Sight<'_>, on: Day) -> bool {
    let (client, settings) = (&sight.facts.client, sight.settings);
    let Some(run) = settings.schedule.daily.at.time_of_day() else {
        return false;
    };
    let company = settings.company.time_zone.0;
    let zone = hours::zone_of(
        client.time_zone,
        client.country.as_deref(),
        sight.facts.phone(),
        company,
    );
    let run = hours::instant(on.date().and_time(run), company);
    hours::is_morning_over(run, on.date(), zone, &settings.hours)
}

/// `ahead`: whoever has the morning of the news before that day is run enters on the day before.
fn news(on: Day, ahead: bool, value: i64, day: Day) -> Result<Vec<Episode>, NotYet> {
    let from = on.plus(-i32::from(ahead));
    if from > day {
        return Err(NotYet::before(NoOccasion::NewsToCome, from));
    }
    if day.days_since(on) > NEWS_DAYS {
        return Err(NotYet::for_good(NoOccasion::NewsOld));
    }
    Ok(vec![Episode {
        key: format!("news:{on}"),
        began_on: from,
        last_entry: Some(on.plus(NEWS_DAYS)),
        evidence: Evidence::News { day: on },
        value,
    }])
}

/// Whether a day is one on which news or a date of the calendar concern the whole base.
pub fn is_day_of(trigger: &Trigger, holidays: &[Day], day: Day) -> bool {
    match trigger {
        Trigger::Date {
            day: rule,
            lead,
            on_day_off,
        } => dates(*rule, &dating(*lead, *on_day_off, holidays), 0, day).is_ok(),
        Trigger::News { day: on, when } => news(*on, *when == NewsTime::Morning, 0, day).is_ok(),
        _ => false,
    }
}

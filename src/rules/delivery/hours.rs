//! When a message may leave: the client's own time zone and the hours of the company.

use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;

use crate::config::settings::{Hours, Stretch};
use crate::model::Day;
use crate::rules::plan::country_of;

/// How many days ahead an open hour is looked for; beyond that there is none.
const DAYS_AHEAD: u16 = 30;

/// How long a morning lasts, from the first open hour on.
const MORNING: TimeDelta = TimeDelta::hours(3);

/// Countries that have one time zone, by their two letters.
///
/// Source: IANA time zone database, `zone1970.tab` of 2024b; Kazakhstan has had one zone since
/// 2024-03-01. Russia, the United States and others with several zones are left out on purpose.
const ONE_ZONE: &[(&str, Tz)] = &[
    ("KZ", Tz::Asia__Almaty),
    ("BY", Tz::Europe__Minsk),
    ("AM", Tz::Asia__Yerevan),
    ("AZ", Tz::Asia__Baku),
    ("GE", Tz::Asia__Tbilisi),
    ("KG", Tz::Asia__Bishkek),
    ("UZ", Tz::Asia__Tashkent),
    ("TJ", Tz::Asia__Dushanbe),
    ("TM", Tz::Asia__Ashgabat),
    ("MD", Tz::Europe__Chisinau),
    ("AE", Tz::Asia__Dubai),
    ("TR", Tz::Europe__Istanbul),
    ("IL", Tz::Asia__Jerusalem),
    ("IN", Tz::Asia__Kolkata),
    ("GB", Tz::Europe__London),
    ("DE", Tz::Europe__Berlin),
    ("FR", Tz::Europe__Paris),
    ("IT", Tz::Europe__Rome),
    ("NL", Tz::Europe__Amsterdam),
    ("BE", Tz::Europe__Brussels),
    ("AT", Tz::Europe__Vienna),
    ("CH", Tz::Europe__Zurich),
    ("PL", Tz::Europe__Warsaw),
    ("CZ", Tz::Europe__Prague),
    ("SK", Tz::Europe__Bratislava),
    ("IE", Tz::Europe__Dublin),
    ("FI", Tz::Europe__Helsinki),
    ("SE", Tz::Europe__Stockholm),
    ("NO", Tz::Europe__Oslo),
    ("DK", Tz::Europe__Copenhagen),
    ("EE", Tz::Europe__Tallinn),
    ("LV", Tz::Europe__Riga),
    ("LT", Tz::Europe__Vilnius),
    ("RO", Tz::Europe__Bucharest),
    ("BG", Tz::Europe__Sofia),
    ("GR", Tz::Europe__Athens),
    ("HU", Tz::Europe__Budapest),
    ("RS", Tz::Europe__Belgrade),
    ("HR", Tz::Europe__Zagreb),
    ("SI", Tz::Europe__Ljubljana),
];

/// The time zone in which a client is left in peace: his own, that of his country where it has
/// only one, or the company's.
pub fn zone_of(own: Option<Tz>, country: Option<&str>, phone: Option<&str>, company: Tz) -> Tz {
    let of_country = |country: &str| {
        let mut zones = ONE_ZONE.iter();
        zones
            .find(|(code, _)| code.eq_ignore_ascii_case(country))
            .map(|(_, zone)| *zone)
    };
    let country = country.or_else(|| phone.and_then(country_of));
    own.or_else(|| country.and_then(of_country))
        .unwrap_or(company)
}

/// The first instant from `now` on in which the hours are open in `zone`; nothing where they never
/// are.
pub fn next_open(now: DateTime<Utc>, zone: Tz, hours: &Hours) -> Option<DateTime<Utc>> {
    let today = now.with_timezone(&zone).date_naive();
    let dates = today.iter_days().take(usize::from(DAYS_AHEAD));
    dates
        .filter_map(|date| stretch_of(date, zone, hours))
        .find(|(_, close)| now < *close)
        .map(|(open, _)| now.max(open))
}

/// The first instant from `now` on in the morning of a day in `zone`: the first open hours of it;
/// nothing where they never are.
pub fn next_morning(now: DateTime<Utc>, zone: Tz, hours: &Hours) -> Option<DateTime<Utc>> {
    let today = now.with_timezone(&zone).date_naive();
    let dates = today.iter_days().take(usize::from(DAYS_AHEAD));
    dates
        .filter_map(|date| stretch_of(date, zone, hours))
        .map(|(open, close)| (open, close.min(open + MORNING)))
        .find(|(_, over)| now < *over)
        .map(|(open, _)| now.max(open))
}

/// Whether the morning of a date in `zone` is over at an instant. Where nothing is open on that date,
/// there is no morning that could be missed.
pub fn is_morning_over(at: DateTime<Utc>, date: NaiveDate, zone: Tz, hours: &Hours) -> bool {
    stretch_of(date, zone, hours).is_some_and(|(open, close)| at >= close.min(open + MORNING))
}

/// The open hours of a date as instants.
fn stretch_of(date: NaiveDate, zone: Tz, hours: &Hours) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
        || hours.holidays.contains(&Day::from_date(date));
    let stretch = if weekend {
        hours.weekends
    } else {
        hours.weekdays
    };
    match stretch {
        Stretch::Closed => None,
        Stretch::Open(from, to) => Some((
            instant(date.and_time(from), zone),
            instant(date.and_time(to), zone),
        )),
    }
}

/// The instant of a local time; one that the clocks skip begins when they go on.
pub fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let mut at = local;
    loop {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => {
                return found.with_timezone(&Utc);
            }
            // No zone has ever skipped more than a day: the loop ends.
            LocalResult::None => at += TimeDelta::minutes(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_message_waits_for_the_morning_of_its_reader() {
        let hours = Hours::default();
        for (now, zone, open) in [
            // Inside: at once.
            (
                "2026-11-23T09:00:00Z",
                Tz::Europe__Moscow,
                "2026-11-23T09:00:00Z",
            ),
            // 05:00 in Moscow: at nine.
            (
                "2026-11-23T02:00:00Z",
                Tz::Europe__Moscow,
                "2026-11-23T06:00:00Z",
            ),
            // 21:00 on a Friday in Moscow: at ten on Saturday.
            (
                "2026-11-27T18:00:00Z",
                Tz::Europe__Moscow,
                "2026-11-28T07:00:00Z",
            ),
            // The same instant is Saturday 04:00 in Vladivostok.
            (
                "2026-11-27T18:00:00Z",
                Tz::Asia__Vladivostok,
                "2026-11-28T00:00:00Z",
            ),
        ] {
            assert_eq!(
                next_open(at(now), zone, &hours),
                Some(at(open)),
                "{now} {zone}"
            );
        }
    }

    #[test]
    fn working_days_only_skips_weekends_and_holidays() {
        let hours = Hours {
            weekends: Stretch::Closed,
            holidays: vec!["2026-11-30".parse().unwrap()],
            ..Hours::default()
        };
        // Friday evening; Monday is a holiday.
        assert_eq!(
            next_open(at("2026-11-27T22:00:00Z"), Tz::UTC, &hours),
            Some(at("2026-12-01T09:00:00Z"))
        );
        let never = Hours {
            weekdays: Stretch::Closed,
            ..hours
        };
        assert_eq!(next_open(at("2026-11-27T22:00:00Z"), Tz::UTC, &never), None);
    }

    #[test]
    fn an_hour_that_the_clocks_skip_opens_when_they_go_on() {
        let hours = Hours {
            weekends: "02:30-04:00".parse().unwrap(),
            ..Hours::default()
        };
        // Berlin, 29 March 2026: 02:00 becomes 03:00, which is 01:00 UTC.
        let open = next_open(at("2026-03-29T00:00:00Z"), Tz::Europe__Berlin, &hours);
        assert_eq!(open, Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn the_zone_is_the_clients_then_his_countrys_then_the_companys() {
        let company = Tz::Europe__Moscow;
        let own = Some(Tz::Asia__Tokyo);
        assert_eq!(zone_of(own, Some("KZ"), None, company), Tz::Asia__Tokyo);
        assert_eq!(zone_of(None, Some("kz"), None, company), Tz::Asia__Almaty);
        assert_eq!(
            zone_of(None, None, Some("+77011234567"), company),
            Tz::Asia__Almaty
        );
        assert_eq!(zone_of(None, None, Some("+79131234567"), company), company);
        assert_eq!(zone_of(None, None, None, company), company);
    }
}

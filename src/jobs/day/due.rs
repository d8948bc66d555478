//! When the messages of a run fall due: news in the morning of each reader, and a campaign with a
//! steady rate one after the other.

use std::collections::HashMap;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::config::campaign::{Campaign, NewsTime, Trigger};
use crate::config::settings::Settings;
use crate::model::{ClientFacts, Day};
use crate::rules::delivery::hours::{instant, next_morning, next_open, zone_of};

/// Gives out the instants of one run.
pub(super) struct DueTimes<'a> {
    settings: &'a Settings,
    now: DateTime<Utc>,
    /// How many messages of a campaign have got a place after the same instant.
    given: HashMap<(String, i64), i64>,
}

impl<'a> DueTimes<'a> {
    pub(super) fn new(settings: &'a Settings, now: DateTime<Utc>) -> Self {
        Self {
            settings,
            now,
            given: HashMap::new(),
        }
    }

    /// The instant before which a message to a client does not leave, in unix milliseconds; 0 for one
    /// that may leave at once.
    pub(super) fn next(&mut self, campaign: &Campaign, facts: &ClientFacts) -> i64 {
        let morning = match campaign.trigger {
            Trigger::News {
                day,
                when: NewsTime::Morning,
            } => self.morning(facts, day),
            _ => None,
        };
        let Some(interval) = interval_ms(campaign) else {
            return morning.map_or(0, |at| at.timestamp_millis());
        };
        let open = || next_open(self.now, self.zone_of(facts), &self.settings.hours);
        let from = morning.or_else(open).unwrap_or(self.now);
        let from = from.timestamp_millis();
        let place = self.given.entry((campaign.id.clone(), from)).or_default();
        let at = from + *place * interval;
        *place += 1;
        at
    }

    /// The next morning of a client, and none before that of the news.
    fn morning(&self, facts: &ClientFacts, day: Day) -> Option<DateTime<Utc>> {
        let zone = self.zone_of(facts);
        let begins = instant(day.date().and_time(NaiveTime::MIN), zone);
        next_morning(self.now.max(begins), zone, &self.settings.hours)
    }

    fn zone_of(&self, facts: &ClientFacts) -> Tz {
        let client = &facts.client;
        zone_of(
            client.time_zone,
            client.country.as_deref(),
            facts.phone(),
            self.settings.company.time_zone.0,
        )
    }
}

/// The distance between two messages of a campaign with a steady rate, in milliseconds.
pub(crate) fn interval_ms(campaign: &Campaign) -> Option<i64> {
    const HOUR: i64 = 3_600_000;
    let per_hour = campaign.limits.per_hour?;
    Some(HOUR / i64::from(per_hour.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Client;

    fn campaign(limits: &str) -> Campaign {
        toml::from_str(&format!(
            "id = \"news\"\ntitle = \"N\"\n[trigger]\non = \"news\"\nday = 2026-12-03\n{limits}"
        ))
        .unwrap()
    }

    fn client(zone: &str) -> ClientFacts {
        ClientFacts {
            client: Client {
                time_zone: zone.parse().ok(),
                ..Client::default()
            },
            ..ClientFacts::default()
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn news_wait_for_the_morning_of_each_reader_and_follow_each_other() {
        let settings: Settings =
            toml::from_str("[company]\nname = \"T\"\ntime_zone = \"Europe/Moscow\"\n").unwrap();
        // 09:30 on a Thursday in Moscow, 16:30 in Vladivostok, 08:30 in Kaliningrad.
        let now = at("2026-12-03T06:30:00Z");
        let mut due = DueTimes::new(&settings, now);
        let plain = campaign("");
        for (zone, expected) in [
            ("Europe/Moscow", "2026-12-03T06:30:00Z"),
            ("Europe/Kaliningrad", "2026-12-03T07:00:00Z"),
            ("Asia/Vladivostok", "2026-12-03T23:00:00Z"),
        ] {
            let given = due.next(&plain, &client(zone));
            assert_eq!(given, at(expected).timestamp_millis(), "{zone}");
        }
        // On the day before they wait for the morning of their day.
        let mut ahead = DueTimes::new(&settings, at("2026-12-02T03:00:00Z"));
        for (zone, expected) in [
            ("Asia/Vladivostok", "2026-12-02T23:00:00Z"),
            ("Europe/Moscow", "2026-12-03T06:00:00Z"),
        ] {
            let given = ahead.next(&plain, &client(zone));
            assert_eq!(given, at(expected).timestamp_millis(), "{zone}");
        }
        let steady = campaign("[limits]\nper_hour = 1800");
        let times: Vec<i64> = (0..3)
            .map(|_| due.next(&steady, &client("Europe/Moscow")) - now.timestamp_millis())
            .collect();
        assert_eq!(times, [0, 2_000, 4_000]);
        // Another morning has a row of its own.
        let other = due.next(&steady, &client("Europe/Kaliningrad"));
        assert_eq!(other, at("2026-12-03T07:00:00Z").timestamp_millis());
    }
}

//! The file that puts an event into a calendar.
//!
//! Instants are written in UTC, so that no zone has to be described; the same event gives the same
//! bytes, and a second file of it takes the place of the first.
//!
//! Source: RFC 5545 §3.1 (lines of at most 75 octets), §3.3.11 (text), §3.6.1 (events); RFC 5546
//! §3.2.1 (`PUBLISH`).

use std::fmt::Write;

use chrono::{DateTime, Utc};

/// The kind of the file.
pub const MEDIA_TYPE: &str = "text/calendar; charset=utf-8; method=PUBLISH";

/// An event of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarEvent {
    /// Identifies the event for ever.
    pub uid: String,
    /// When the file was written; the same at every attempt.
    pub written_at: DateTime<Utc>,
    /// When it begins.
    pub starts: DateTime<Utc>,
    /// When it ends.
    pub ends: DateTime<Utc>,
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub place: Option<String>,
    /// What it is about, as plain text.
    pub about: Option<String>,
    /// Where to read on or to join.
    pub link: Option<String>,
}

impl CalendarEvent {
    /// The file.
    pub fn file(&self) -> Vec<u8> {
        let mut out = String::new();
        let instant = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
        let mut lines = vec![
            "BEGIN:VCALENDAR".to_owned(),
            "VERSION:2.0".to_owned(),
            "PRODID:-//rekindle//letters//EN".to_owned(),
            "METHOD:PUBLISH".to_owned(),
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}", text(&self.uid)),
            format!("DTSTAMP:{}", instant(self.written_at)),
            format!("DTSTART:{}", instant(self.starts)),
            format!("DTEND:{}", instant(self.ends)),
            format!("SUMMARY:{}", text(&self.title)),
        ];
        let optional = [
            ("LOCATION", &self.place),
            ("DESCRIPTION", &self.about),
            ("URL", &self.link),
        ];
        for (name, value) in optional {
            // An address is no text: nothing in it is escaped, and nothing may end its line.
            let written = |value: &String| match name {
                "URL" => value.chars().filter(|c| !c.is_control()).collect(),
                _ => text(value),
            };
            lines.extend(
                value
                    .as_ref()
                    .map(|value| format!("{name}:{}", written(value))),
            );
        }
        lines.push("END:VEVENT".to_owned());
        lines.push("END:VCALENDAR".to_owned());
        for line in lines {
            fold(&line, &mut out);
        }
        out.into_bytes()
    }
}

/// A text without what would end it.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.trim().chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Writes a line in pieces of at most 75 octets, never within a character.
fn fold(line: &str, out: &mut String) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            length = 1;
        }
        length += c.len_utf8();
        let _ = out.write_char(c);
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_as_calendars_read_it() {
        let event = CalendarEvent {
            uid: "seminar@example.org".to_owned(),
            written_at: "2026-11-25T07:00:00Z".parse().unwrap(),
            starts: "2026-12-10T11:30:00Z".parse().unwrap(),
            ends: "2026-12-10T13:00:00Z".parse().unwrap(),
            title: "Кофе: где теряются деньги; разбор, часть 1".to_owned(),
            place: Some("ул. Примерная, 12".to_owned()),
            about: Some("Первое.\n\nВторое \\ третье.\r\nATTENDEE:x".to_owned()),
            link: Some("https://example.org/a;b\r\nX:1".to_owned()),
        };
        let file = String::from_utf8(event.file()).unwrap();
        assert!(file.lines().all(|line| line.len() <= 75), "{file}");
        assert!(file.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"));
        let unfolded = file.replace("\r\n ", "");
        for line in [
            "DTSTART:20261210T113000Z",
            "SUMMARY:Кофе: где теряются деньги\\; разбор\\, часть 1",
            "LOCATION:ул. Примерная\\, 12",
            "DESCRIPTION:Первое.\\n\\nВторое \\\\ третье.\\nATTENDEE:x",
            "URL:https://example.org/a;bX:1",
        ] {
            assert!(
                unfolded.split("\r\n").any(|one| one == line),
                "{line}\n{unfolded}"
            );
        }
    }
}

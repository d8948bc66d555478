//! The service as processes: two at once, killed in the middle, and campaigns taken up while it runs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use rekindle::clock::Clock;

use super::ticks::{THANKS, shop};
use crate::world::{World, write};

/// Everything is due as soon as the service starts: midnight is over, and it was known yesterday.
const DUE_AT_ONCE: &str = "[schedule]\nimport = { at = \"0 0 * * *\" }\n\
    daily = { at = \"0 0 * * *\" }\ndigests = { at = \"0 0 * * *\" }\n\
    tidy = { at = \"0 0 * * *\" }\nbackup = { at = \"0 0 * * *\" }\n";

/// How long something may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// A running service and what it says.
pub(super) struct Service {
    child: Child,
    said: Receiver<String>,
    heard: Vec<String>,
}

impl Service {
    pub(super) fn start(world: &World, args: &[&str]) -> Self {
        Self::start_with(world, args, &[("REKINDLE_LOG", "rekindle=info")])
    }

    fn start_with(world: &World, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
        command
            .arg("--config")
            .arg(world.config_file())
            .arg("run")
            .args(args);
        command
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stderr = child.stderr.take().expect("a pipe");
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            said,
            heard: Vec::new(),
        }
    }

    /// Waits until it says something.
    pub(super) fn hear(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.said.recv_timeout(left) else {
                panic!("it never said {words:?}: {:#?}", self.heard);
            };
            let found = line.contains(words);
            self.heard.push(line);
            if found {
                return;
            }
        }
    }

    pub(super) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    pub(super) fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("an end");
    }

    /// Ends it as service managers do.
    pub(super) fn stop(mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill").success());
        let status = self.child.wait().expect("an end");
        assert_eq!(status.code(), Some(0), "{:#?}", self.heard);
    }
}

/// Makes the schedules known since two days ago, as those of an older service.
fn known_before(world: &mut World) {
    for name in ["import", "daily", "digests", "tidy", "backup"] {
        let since = (Clock::System.now() - TimeDelta::days(2)).timestamp_millis();
        world.rows(&format!(
            "INSERT INTO schedules (name, since) VALUES ('{name}', {since}) RETURNING name"
        ));
    }
}

/// Waits until everything of today is done.
pub(super) fn all_done(world: &mut World) {
    let until = Instant::now() + PATIENCE;
    loop {
        let rows = world.rows("SELECT status, count(*) FROM schedule_runs GROUP BY status");
        let counts: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        if counts
            .iter()
            .any(|(status, count)| status == "done" && *count == 5)
        {
            return;
        }
        assert!(Instant::now() < until, "not done: {counts:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A shop whose purchases are of these days: the service looks at the clock of the machine.
pub(super) fn shop_of_today() -> World {
    let mut world = shop(DUE_AT_ONCE);
    world.write();
    world.app();
    known_before(&mut world);
    world
}

pub(super) fn once(world: &mut World) {
    let twice = "SELECT count(*) FROM (SELECT schedule FROM schedule_runs
                 WHERE status = 'done' GROUP BY schedule, logical_date HAVING count(*) > 1) AS twice";
    assert_eq!(world.count(twice), 0);
    assert_eq!(
        world.count("SELECT count(*) FROM runs WHERE schedule = 'daily'"),
        1
    );
    let backups = std::fs::read_dir(world.home().join("backup")).expect("a folder");
    let whole = backups
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("rekindle-"));
    assert!(whole.count() >= 1);
}

#[test]
fn of_two_services_one_leads_and_each_thing_is_done_once() {
    let mut world = shop_of_today();
    let mut one = Service::start(&world, &["--only", "schedule"]);
    one.hear("keeping the schedules");
    let mut other = Service::start(&world, &["--only", "schedule"]);
    other.hear("standing by");
    all_done(&mut world);
    once(&mut world);
    one.stop();
    other.hear("keeping the schedules");
    other.stop();
    once(&mut world);
    world.finish();
}

#[test]
fn a_service_that_is_killed_again_and_again_does_each_thing_once() {
    let mut world = shop_of_today();
    for n in 0..8_u64 {
        let mut service = Service::start(&world, &["--only", "schedule"]);
        service.hear("keeping the schedules");
        std::thread::sleep(Duration::from_millis(n * 40));
        service.kill();
    }
    let mut last = Service::start(&world, &["--only", "schedule"]);
    last.hear("keeping the schedules");
    all_done(&mut world);
    last.stop();
    once(&mut world);
    world.finish();
}

#[test]
fn changed_campaigns_are_taken_up_and_broken_ones_are_not() {
    let mut world = shop("[operator]\nemail = \"ops@example.org\"\n");
    world.write();
    world.app();
    let mut service = Service::start(&world, &["--only", "schedule"]);
    service.hear("keeping the schedules");
    let file = world.home().join("config/campaigns/thanks.toml");
    write(
        &file,
        &THANKS.replace("template = \"thank-you\"", "template = \"thank-yu\""),
    );
    service.hear("the changed configuration is not taken up");
    let noted = "SELECT note FROM heartbeats WHERE part = 'configuration'";
    let note = world.texts(noted);
    assert!(note[0].contains("thank-yu"), "{note:?}");
    write(
        &file,
        &THANKS.replace("title = \"T\"", "title = \"Thanks\""),
    );
    service.hear("changed campaigns are taken up");
    service.hear("keeping the schedules");
    service.stop();
    assert_eq!(world.texts(noted), [""]);
    world.finish();
}

/// What a service answers on its staff listener.
pub(super) fn answer(address: &str, path: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).expect("a listener");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("a status"), text)
}

#[test]
fn the_service_tells_how_it_is_doing_and_its_log_names_nobody() {
    let mut world = shop(DUE_AT_ONCE);
    let yesterday = Clock::System.today(chrono_tz::UTC).plus(-1).to_string();
    world.client("c01").bought(&[&yesterday]);
    world.also("[web]\npublic = \"127.0.0.1:0\"\nstaff = \"127.0.0.1:0\"\n");
    world.write();
    world.app();
    known_before(&mut world);
    let mut service = Service::start_with(
        &world,
        &[],
        &[
            ("REKINDLE_LOG", "rekindle=trace"),
            ("REKINDLE_LOG_FORMAT", "json"),
        ],
    );
    service.hear("listening");
    let line = service.heard.last().expect("a line").clone();
    let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let staff = said["staff"].as_str().expect("an address").to_owned();
    all_done(&mut world);
    service.hear("digests");
    let (status, text) = answer(&staff, "/readyz");
    assert_eq!(status, 200, "{text}");
    assert_eq!(answer(&staff, "/healthz").0, 200);
    let (status, text) = answer(&staff, "/metrics");
    assert_eq!(status, 200, "{text}");
    for metric in [
        "rekindle_messages{channel=\"email\",state=\"accepted\"}",
        "rekindle_schedule_duration_seconds{schedule=\"daily\"}",
        "rekindle_schedule_open{schedule=\"import\"} 0",
        "rekindle_alive_seconds_ago{part=\"schedule\"}",
        "rekindle_processes{part=\"schedule\",state=\"alive\"} 1",
        "rekindle_open_messages{state=\"unknown\"} 0",
        "rekindle_configuration_valid 1",
        "rekindle_source_age_seconds{source=\"shop\"}",
    ] {
        assert!(text.contains(metric), "{metric}: {text}");
    }
    // Somebody who died without a word: the part is there and is silent.
    world.rows(
        "INSERT INTO heartbeats (part, owner, since, at)
         VALUES ('worker', 'x', 1000, 1000) RETURNING part",
    );
    let (status, text) = answer(&staff, "/readyz");
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("worker has not told"), "{text}");
    world.rows("DELETE FROM heartbeats WHERE part = 'worker' RETURNING part");
    let heard = service.heard.clone();
    service.stop();
    for line in &heard {
        let told: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(told["level"].is_string(), "{line}");
        for personal in ["@example.org", "Client c", "thank-you for", "c01"] {
            assert!(!line.contains(personal), "{personal}: {line}");
        }
    }
    world.finish();
}

/// A service with everything in it, in the folder of a company; its log lies in a file.
pub(super) struct Serving {
    child: Child,
    log: PathBuf,
}

impl Serving {
    pub(super) fn start(home: &Path, args: &[&str]) -> Self {
        let log = home.join("service.log");
        let file = std::fs::File::create(&log).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
        command
            .args(args)
            .current_dir(home)
            .env_remove("REKINDLE_CONFIG")
            .env("REKINDLE_LOG", "rekindle=info")
            .env("REKINDLE_LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file);
        let child = command.spawn().expect("the binary starts");
        Self { child, log }
    }

    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where it listens to clients, and to the company's own people.
    pub(super) fn addresses(&self) -> (String, String) {
        let until = Instant::now() + PATIENCE;
        loop {
            let text = self.said();
            let lines = text.lines();
            let mut lines = lines.filter_map(|line| serde_json::from_str(line).ok());
            let found = lines.find_map(|line: serde_json::Value| {
                let (public, staff) = (line["public"].as_str()?, line["staff"].as_str()?);
                Some((public.to_owned(), staff.to_owned()))
            });
            if let Some(found) = found {
                return found;
            }
            assert!(Instant::now() < until, "it never listened:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as service managers do.
    pub(super) fn stop(mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill").success());
        let status = self.child.wait().expect("an end");
        assert_eq!(status.code(), Some(0), "{}", self.said());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

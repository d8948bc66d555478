//! The service as processes: two at once, killed in the middle, and campaigns taken up while it runs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use sqlx::Row;

use super::ticks::{THANKS, shop};
use crate::world::{World, write};

/// Everything is due as soon as the service starts: midnight is over, and it was known yesterday.
const DUE_AT_ONCE: &str = "[schedule]\nimport = { at = \"0 0 * * *\" }\n\
    daily = { at = \"0 0 * * *\" }\ndigests = { at = \"0 0 * * *\" }\n\
    tidy = { at = \"0 0 * * *\" }\nbackup = { at = \"0 0 * * *\" }\n";

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running service and what it says.
struct Service {
    child: Child,
    said: Receiver<String>,
    heard: Vec<String>,
}

impl Service {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
        command
            .arg("--config")
            .arg(world.config_file())
            .arg("run")
            .args(args);
        command
            .env("REKINDLE_LOG", "rekindle=info")
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
    fn hear(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) => {
                    let found = line.contains(words);
                    self.heard.push(line);
                    if found {
                        return;
                    }
                }
                Err(_) => panic!("it never said {words:?}: {:#?}", self.heard),
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("an end");
    }

    /// Ends it as service managers do.
    fn stop(mut self) {
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
        let since = "CAST(strftime('%s', 'now', '-2 days') AS INTEGER) * 1000";
        world.rows(&format!(
            "INSERT INTO schedules (name, since) VALUES ('{name}', {since}) RETURNING name"
        ));
    }
}

/// Waits until everything of today is done.
fn all_done(world: &mut World) {
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
fn shop_of_today() -> World {
    let mut world = shop(DUE_AT_ONCE);
    world.write();
    world.app();
    known_before(&mut world);
    world
}

fn once(world: &mut World) {
    let twice = "SELECT count(*) FROM (SELECT schedule FROM schedule_runs
                 WHERE status = 'done' GROUP BY schedule, logical_date HAVING count(*) > 1)";
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
    let last = Service::start(&world, &["--only", "schedule"]);
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

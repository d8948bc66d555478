//! Runs: once a day whatever happens, approved where a person must look, the same after a kill.

use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use rekindle::config::{self, KnownTemplates};
use rekindle::jobs::day::{RunOutcome, approve};

use super::{COMPANY, World, day};
use crate::database;

const MISSED: &str = r#"id = "missed"
title = "M"
status = "live"
starts = 2026-01-01
trigger = { on = "missed_cycle" }
limits = { holdout = "10%" }
step = [
  { id = "letter", channel = "email", template = "missed-cycle" },
  { id = "call", after = "3d", task = "call", script = "sleeping-client" },
  { id = "gift", after = "6d", channel = "email", template = "friend-certificate", certificate = { kind = "friend", discount = "10%", valid = "60d" } },
]
"#;

/// `clients` who bought every few days until February, some of them a few days longer.
fn silent(clients: i32) -> World {
    let mut world = World::with(COMPANY);
    world.campaign(MISSED);
    for n in 0..clients {
        let last = day("2026-02-01").plus(n % 23).to_string();
        let client = world.client(&format!("c{n:05}"));
        client
            .manager(&format!("m{}", n % 7))
            .bought_every(5 + n % 6, 8, &last);
    }
    world
}

fn rekindle(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.arg("--config").arg(world.config_file()).args(args);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run_of(world: &World, on: &str) -> Child {
    let mut command = rekindle(world, &["run", "--once", "--as-of", on]);
    command.spawn().expect("the binary starts")
}

fn ended(child: Child) -> Output {
    child.wait_with_output().expect("the process ends")
}

fn assert_done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn running_a_day_twice_adds_nothing() {
    let mut world = silent(60);
    world.run("2026-03-01");
    let (story, sandbox) = (world.story(), world.sandbox());
    assert!(story.len() > 20 && sandbox.len() > 10);
    let again = world.run("2026-03-01");
    assert!(matches!(again, RunOutcome::Before { .. }));
    world.run_with(World::as_of(day("2026-03-01")));
    assert_eq!(world.story(), story);
    assert_eq!(world.sandbox(), sandbox);
    world.finish();
}

#[test]
fn the_run_does_exactly_what_the_plan_showed() {
    let mut world = silent(80);
    let mut on = day("2026-03-01");
    while on < day("2026-03-12") {
        let plan = world.plan(&on.to_string());
        let RunOutcome::Done(summary) = world.run(&on.to_string()) else {
            panic!("a sandbox run is not held");
        };
        assert_eq!(plan.campaigns, summary.campaigns);
        let planned: Vec<String> = plan
            .messages
            .iter()
            .map(|line| format!("{} {} {}", line.client, line.episode, line.step))
            .collect();
        let sent = world.messages().into_iter();
        let sent: Vec<String> = sent
            .filter(|one| one.planned_on == on && one.state == "accepted")
            .map(|one| format!("{} {} {}", one.client, one.episode, one.step))
            .collect();
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all
        };
        assert_eq!(sorted(planned), sorted(sent));
        let listed: Vec<(String, String, Option<i64>)> = world
            .tasks()
            .into_iter()
            .map(|task| (task.manager, task.client, task.rank))
            .collect();
        let shown: Vec<(String, String, Option<i64>)> = plan
            .tasks
            .into_iter()
            .map(|line| (line.manager, line.client, line.rank.map(i64::from)))
            .collect();
        let ranked = |all: Vec<(String, String, Option<i64>)>| {
            let mut all: Vec<_> = all.into_iter().filter(|one| one.2.is_some()).collect();
            all.sort();
            all
        };
        assert_eq!(ranked(shown), ranked(listed));
        on = on.plus(1);
    }
    assert!(world.messages().len() > 40);
    world.finish();
}

#[test]
fn two_processes_at_once_add_nothing() {
    let mut alone = silent(300);
    alone.write();
    assert_done(&ended(run_of(&alone, "2026-03-01")));

    let mut world = silent(300);
    world.write();
    // Both find no database yet: they make it, import, and run the same day.
    let both: Vec<Child> = (0..2).map(|_| run_of(&world, "2026-03-01")).collect();
    let outputs: Vec<Output> = both.into_iter().map(ended).collect();
    outputs.iter().for_each(assert_done);
    let said: Vec<String> = outputs
        .iter()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .collect();
    let before = said
        .iter()
        .filter(|text| text.contains("has been run before"));
    assert_eq!(before.count(), 1, "{said:?}");
    let count = "SELECT count(*) FROM messages";
    assert_eq!(world.count(count), alone.count(count));
    assert!(world.count(count) > 50);
    assert_eq!(world.letters().len(), alone.letters().len());
    alone.finish();
    world.finish();
}

/// Copies a home that was imported and run on the first of March, key and database included: both
/// then make the same hashes and codes. A schema is not copied like a file; there the same is done
/// anew with the copied key.
fn twin_of(world: &World) -> World {
    if database::on_a_server() {
        return second_of(world);
    }
    let twin = World::with(COMPANY);
    let mut ahead = vec![world.home().to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let inside = path.strip_prefix(world.home()).expect("inside");
            let to = twin.home().join(inside);
            if path.is_dir() {
                std::fs::create_dir_all(&to).expect("a folder");
                ahead.push(path);
            } else {
                std::fs::copy(&path, &to).expect("a copy");
            }
        }
    }
    twin
}

/// On a server, where a database is not copied with its file: the same days once more, with the same
/// key.
fn second_of(world: &World) -> World {
    let twin = silent(400);
    twin.write();
    let key = |world: &World| {
        let loaded = config::load(&world.config_file(), &KnownTemplates::default());
        loaded.expect("a configuration").key_file()
    };
    std::fs::copy(key(world), key(&twin)).expect("the key");
    let import = rekindle(&twin, &["import"]).spawn();
    assert_done(&ended(import.expect("the binary starts")));
    assert_done(&ended(run_of(&twin, "2026-03-01")));
    twin
}

/// A twin is read only: what lies in its home is not written again.
fn story_of(world: &mut World) -> (Vec<String>, Vec<std::path::PathBuf>) {
    let story = world.story().into_iter();
    let story = story.map(|line| without_task_numbers(&line)).collect();
    (story, world.sandbox().into_keys().collect())
}

/// The letters; on a server without the lists of managers, which name tasks by their numbers.
fn without_lists(
    mut letters: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>,
) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    letters
        .retain(|path, _| !database::on_a_server() || !path.iter().any(|part| part == "managers"));
    letters
}

/// A line without the numbers of the tasks that a manager's list names: a server never draws a number
/// again that was drawn in a transaction that a kill has undone.
fn without_task_numbers(line: &str) -> String {
    const NUMBER: &str = "\"id\":\"";
    if !database::on_a_server() {
        return line.to_owned();
    }
    let mut parts = line.split(NUMBER);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| {
        line + NUMBER + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn a_killed_run_that_is_started_again_ends_like_an_undisturbed_one() {
    let base = silent(400);
    base.write();
    assert_done(&ended(
        rekindle(&base, &["import"])
            .spawn()
            .expect("the binary starts"),
    ));
    assert_done(&ended(run_of(&base, "2026-03-01")));

    let undisturbed = twin_of(&base);
    let began = Instant::now();
    assert_done(&ended(run_of(&undisturbed, "2026-03-04")));
    let took = began.elapsed();
    let (expected, files) = {
        let mut undisturbed = undisturbed;
        let seen = (story_of(&mut undisturbed), undisturbed.sandbox());
        undisturbed.finish();
        seen
    };
    assert!(expected.0.len() > 300);

    let mut killed = 0;
    for n in 1..=12_u32 {
        let mut world = twin_of(&base);
        let delay = took * n / 13;
        let mut child = run_of(&world, "2026-03-04");
        thread::sleep(delay);
        let was_running = child.try_wait().expect("a process").is_none();
        child.kill().expect("SIGKILL");
        ended(child);
        killed += u32::from(was_running);
        assert_done(&ended(run_of(&world, "2026-03-04")));
        let (story, names) = story_of(&mut world);
        assert_eq!(
            names, expected.1,
            "files after a kill at {delay:?} of {took:?}"
        );
        for (one, other) in story.iter().zip(&expected.0) {
            assert_eq!(one, other, "after a kill at {delay:?} of {took:?}");
        }
        assert_eq!(story.len(), expected.0.len());
        assert!(
            without_lists(world.sandbox()) == without_lists(files.clone()),
            "the bytes of the letters are the same"
        );
        world.finish();
    }
    assert!(killed >= 6, "only {killed} were killed while they ran");
    base.finish();
}

#[test]
fn a_day_that_was_killed_and_never_run_again_hides_nobody() {
    let mut disturbed = silent(60);
    let mut undisturbed = silent(60);
    for world in [&mut disturbed, &mut undisturbed] {
        world.also("[rhythm]\nrefit_after = \"1d\"\n");
    }
    for world in [&mut disturbed, &mut undisturbed] {
        world.run("2026-03-01");
    }
    disturbed.half_run("2026-03-02");
    for world in [&mut disturbed, &mut undisturbed] {
        world.at(day("2026-03-05"));
    }
    let shown = |world: &mut World| serde_json::json!(world.plan("2026-03-05"));
    assert_eq!(
        shown(&mut disturbed)["messages"],
        shown(&mut undisturbed)["messages"]
    );
    for world in [&mut disturbed, &mut undisturbed] {
        world.run_days("2026-03-05", "2026-03-12");
    }
    let sent = |world: &mut World| world.messages();
    assert_eq!(sent(&mut disturbed), sent(&mut undisturbed));
    disturbed.finish();
    undisturbed.finish();
}

const LIVE: &str = r#"
[delivery]
mode = "live"
from_email = "hello@bakery.test"
public_url = "https://bakery.test/r"
"#;

#[test]
fn the_first_live_run_waits_for_approval_and_delivers_nothing() {
    let mut world = silent(40);
    world.also(LIVE);
    let held = world.run("2026-03-01");
    let RunOutcome::AwaitingApproval(summary) = held else {
        panic!("the first live run waits: {held:?}");
    };
    assert!(
        summary
            .held_because
            .is_some_and(|why| why.contains("missed"))
    );
    assert_eq!(world.tasks(), []);
    let again = world.run("2026-03-01");
    let waits = RunOutcome::Before {
        date: day("2026-03-01"),
        awaiting_approval: true,
    };
    assert_eq!(again, waits);

    assert!(world.approve("2026-03-01"));
    assert!(!world.approve("2026-03-01"), "once is enough");
    let sealed = "SELECT count(*) FROM runs WHERE status = 'sealed' AND approved_by = 'test'";
    assert_eq!(world.count(sealed), 1);
    let next = world.run("2026-03-02");
    assert!(
        matches!(next, RunOutcome::Done(_)),
        "the second one goes by itself"
    );
    assert_eq!(world.sandbox().len(), 0);
    assert_eq!(
        world.count("SELECT count(*) FROM messages WHERE state = 'accepted'"),
        0
    );
    world.finish();
}

#[test]
fn an_approved_day_has_its_lists() {
    let mut world = World::new();
    world.also(LIVE);
    world.campaign(
        r#"id = "rejected"
title = "R"
status = "live"
starts = 2026-01-01
trigger = { on = "rejection", after = "1d" }
limits = { holdout = "0%" }
step = [{ id = "call", task = "call", script = "rejection" }]
"#,
    );
    world.client("anna");
    world.deal("d1", "anna", "lost,2026-02-01,2026-02-20,price,500");
    world.run("2026-03-01");
    assert_eq!(world.tasks(), []);
    assert!(world.approve("2026-03-01"));
    assert_eq!(world.tasks()[0].rank, Some(1));
    world.finish();
}

#[test]
fn a_past_day_is_refused_in_live_mode() {
    let mut world = silent(5);
    world.also(LIVE);
    world.write();
    let output = ended(run_of(&world, "2026-03-01"));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot be run in live mode"), "{said}");
    assert_eq!(world.count("SELECT count(*) FROM runs"), 0);
    world.finish();
}

#[test]
fn the_lists_of_a_day_come_with_the_next_start_when_the_process_died_before_them() {
    let mut world = silent(40);
    world.run_days("2026-03-01", "2026-03-04");
    let whole = world.sandbox();
    let lists: Vec<_> = whole
        .keys()
        .filter(|path| path.iter().any(|part| part == "managers"))
        .collect();
    assert!(!lists.is_empty());
    let lost = lists.last().expect("a list");
    std::fs::remove_file(world.home().join("sandbox").join(lost)).expect("removed");
    let day = day("2026-03-04").epoch_days();
    let list = format!("client_id = 0 AND planned_on = {day}");
    world.rows(&format!(
        "DELETE FROM message_events WHERE message_id IN (SELECT id FROM messages WHERE {list})"
    ));
    world.rows(&format!("DELETE FROM messages WHERE {list}"));
    world.run("2026-03-04");
    assert!(world.sandbox() == whole);
    world.finish();
}

impl World {
    pub(crate) fn approve(&mut self, on: &str) -> bool {
        self.app();
        let app = self.app.as_ref().expect("opened");
        self.wait(approve(app, day(on), "test"))
            .expect("an approval")
    }

    /// Leaves a day as a process does that dies before the seal: the run and all its rows written,
    /// nothing visible.
    fn half_run(&mut self, on: &str) {
        self.run(on);
        let number = day(on).epoch_days();
        self.rows(&format!(
            "UPDATE runs SET status = 'planning', sealed_at = NULL WHERE logical_date = {number}"
        ));
        // The lists come after the seal, and what has left stays as it is: such a process had
        // neither.
        let lets = self.database().either(
            "DROP TRIGGER messages_stay_final",
            "DROP TRIGGER messages_stay_final ON messages",
        );
        self.rows(lets);
        self.rows(
            "DELETE FROM message_events WHERE message_id IN (
                       SELECT m.id FROM messages m JOIN runs r ON r.id = m.run_id
                       WHERE r.status = 'planning')",
        );
        self.rows(
            "DELETE FROM messages WHERE client_id = 0
                   AND run_id IN (SELECT id FROM runs WHERE status = 'planning')",
        );
        self.rows("UPDATE messages SET state = 'planned', accepted_at = NULL, receipt = NULL
                   WHERE state = 'accepted' AND run_id IN (SELECT id FROM runs WHERE status = 'planning')");
        self.rows("DELETE FROM message_events");
        self.rows("UPDATE tasks SET state = 'waiting', rank = NULL, listed_on = NULL
                   WHERE state = 'open' AND run_id IN (SELECT id FROM runs WHERE status = 'planning')");
    }
}

//! Who keeps the schedules of a base on a server, when sessions end that hold its lock.

use std::process::Command;
use std::time::{Duration, Instant};

use super::processes::{PATIENCE, Service, all_done, once, shop_of_today};
use crate::database;
use crate::world::World;

/// The server's processes that hold the lock of the schedules of this company.
fn leaders(world: &mut World) -> Vec<i64> {
    let rows = world.rows(
        "SELECT CAST(pid AS BIGINT) FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND classid = x'00726b03'::int::oid
           AND CAST(objid AS BIGINT) = CAST(hashtext(current_schema()) AS BIGINT) & 4294967295
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    rows.iter().map(|row| row.get(0)).collect()
}

/// Waits until somebody else leads.
fn another_than(world: &mut World, before: i64) -> i64 {
    let until = Instant::now() + PATIENCE;
    loop {
        let now = leaders(world);
        assert!(now.len() <= 1, "two leaders: {now:?}");
        if let Some(leader) = now.first().filter(|leader| **leader != before) {
            return *leader;
        }
        assert!(Instant::now() < until, "nobody took over: {now:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn on_a_server() -> bool {
    let yes = database::server().is_some();
    if !yes {
        println!("not tried: REKINDLE_TEST_DATABASE names no server");
    }
    yes
}

#[test]
fn a_leader_whose_session_is_ended_stands_by_and_everything_is_done_once() {
    if !on_a_server() {
        return;
    }
    let mut world = shop_of_today();
    let mut one = Service::start(&world, &["--only", "schedule"]);
    one.hear("keeping the schedules");
    let mut other = Service::start(&world, &["--only", "schedule"]);
    other.hear("standing by");
    // In the middle of whatever is being done, again and again.
    let mut leader = leaders(&mut world)[0];
    for _ in 0..3 {
        world.rows(&format!("SELECT pg_terminate_backend({leader})"));
        leader = another_than(&mut world, leader);
    }
    one.hear("the lock of schedules is lost");
    all_done(&mut world);
    once(&mut world);
    one.stop();
    other.stop();
    once(&mut world);
    world.finish();
}

#[test]
fn a_leader_that_is_killed_or_frozen_is_followed_by_another() {
    if !on_a_server() {
        return;
    }
    let mut world = shop_of_today();
    let mut killed = Service::start(&world, &["--only", "schedule"]);
    killed.hear("keeping the schedules");
    let mut frozen = Service::start(&world, &["--only", "schedule"]);
    frozen.hear("standing by");
    killed.kill();
    frozen.hear("keeping the schedules");
    all_done(&mut world);
    let mut last = Service::start(&world, &["--only", "schedule"]);
    last.hear("standing by");
    let signal = |service: &Service, name: &str| {
        let sent = Command::new("kill").args([name, &service.pid()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    };
    signal(&frozen, "-STOP");
    // The server ends the session of a process that says nothing any more.
    last.hear("keeping the schedules");
    signal(&frozen, "-CONT");
    frozen.hear("the lock of schedules is lost");
    frozen.hear("standing by");
    assert_eq!(leaders(&mut world).len(), 1);
    last.stop();
    frozen.hear("keeping the schedules");
    frozen.stop();
    once(&mut world);
    world.finish();
}

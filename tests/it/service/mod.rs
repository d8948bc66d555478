//! The service that nobody watches: schedules, letters to the operator, backups, erasure, reload.

mod backups;
mod dumps;
mod leaders;
mod operator;
mod processes;
mod rights;
mod tasks_hook;
mod ticks;

use rekindle::jobs::import::import_everything;
use rekindle::jobs::{day, deliver};

use crate::world::{World, day as date};

/// Runs a day as the service does: rows of days to come wait for theirs.
fn run_day(world: &mut World, on: &str) {
    world.at(date(on));
    world.app();
    let app = world.open();
    world.wait(async {
        let reading = import_everything(&app).await.expect("an import");
        assert_eq!(reading.problems, Vec::<String>::new());
        day::run(&app, World::today(date(on)), &|_| ())
            .await
            .expect("a run");
        day::write_lists(&app, date(on)).await.expect("lists");
        let delivered = deliver::deliver(&app, &|_| ()).await.expect("delivery");
        assert_eq!(delivered.failed, Vec::<String>::new());
    });
}

/// Runs every day of a stretch, both ends included.
fn run_days(world: &mut World, from: &str, to: &str) {
    let mut on = date(from);
    while on <= date(to) {
        run_day(world, &on.to_string());
        on = on.plus(1);
    }
}

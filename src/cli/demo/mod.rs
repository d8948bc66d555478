//! `rekindle demo`: the whole main job on a company that does not exist, in a folder of its own.
//!
//! Writes a configuration with the ready campaigns and a sample base, imports it, replays five
//! weeks day by day with the real run, and tells what came of it. The base is real in its rhythm
//! and invented in everything else; every demo is the same to the byte.

mod ahead;
mod answers;
mod files;
mod lines;
mod replay;
mod story;
mod views;

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use self::files::Occupied;
use self::replay::Replay;
use self::story::Story;
use super::{Exit, import, open, show_problems};
use crate::app::App;
use crate::clock::Clock;
use crate::db::TaskFilter;
use crate::jobs::day::{self, manager_lists};
use crate::model::Day;

/// The last day of the sample base, a Friday: "today" for the demo.
const LAST_DAY: Day = Day::from_epoch(20_777);

/// Arguments of `rekindle demo`.
#[derive(Clone, Debug, Args)]
pub(super) struct DemoArgs {
    /// The folder to make it in
    #[arg(value_name = "DIR", default_value = "demo")]
    dir: PathBuf,
    /// Take away an earlier demo in that folder
    #[arg(long)]
    again: bool,
    /// How many days to replay
    #[arg(long, default_value_t = 33, value_parser = clap::value_parser!(u16).range(1..=90))]
    days: u16,
}

/// Makes the demo and tells what came of it.
pub(super) async fn run(args: &DemoArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Err(occupied) = files::make_room(&args.dir, args.again)? {
        say_occupied(args, &occupied)?;
        return Ok(Exit::Wrong);
    }
    let config = files::write(&args.dir)?;
    let clock = Clock::manual(LAST_DAY.date().and_time(chrono::NaiveTime::MIN).and_utc());
    // Whatever the environment names: the demo has a database of its own.
    let config = open::Configuration {
        file: config,
        database: None,
    };
    let app = match open::app(&config, clock).await? {
        Ok(app) => app,
        Err(problems) => return Ok(show_problems(&problems)),
    };
    let done = make(&app, args, out).await;
    app.store.close().await;
    done
}

async fn make(app: &App, args: &DemoArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let beginning = story::beginning(app, &args.dir);
    write!(out, "{}", lines::short(&beginning))?;
    let mut imported = Vec::new();
    import::run(app, &import::ImportArgs::default(), &mut imported).await?;
    write!(out, "{}", lines::short(&String::from_utf8_lossy(&imported)))?;
    let replay = replay::replay(app, LAST_DAY, args.days).await?;
    let story = story(app, args, replay).await?;
    write!(out, "{}", lines::short(&story.tell()?))?;
    Ok(if story.replay.failed.is_empty() {
        Exit::Done
    } else {
        Exit::NeedsPerson
    })
}

async fn story<'a>(app: &App, args: &'a DemoArgs, replay: Replay) -> anyhow::Result<Story<'a>> {
    let lists = manager_lists(app, replay.last).await?;
    let listed = TaskFilter {
        listed_on: Some(replay.last),
        ..TaskFilter::default()
    };
    let tasks = app.store.tasks(&listed).await?;
    Ok(Story {
        dir: &args.dir,
        program: env::args().next().unwrap_or_else(|| "rekindle".to_owned()),
        quiet: ahead::look(app, &replay).await?,
        letters: views::letters(app).await?,
        list_pages: views::lists(app, &lists, replay.last)?,
        lists,
        tasks: tasks.into_iter().map(|task| (task.id, task)).collect(),
        whatsapp: !app.settings.delivery.whatsapp_countries.is_empty(),
        next_day: day::plan(app, replay::options(LAST_DAY.plus(3))).await?,
        replay,
    })
}

fn say_occupied(args: &DemoArgs, occupied: &Occupied) -> io::Result<()> {
    let dir = args.dir.display();
    let mut stderr = io::stderr();
    match occupied {
        Occupied::ByOthers => writeln!(
            stderr,
            "{dir} holds files that are no demo: name an empty folder, as in `rekindle demo coffee`"
        ),
        Occupied::ByDemo => writeln!(
            stderr,
            "{dir} holds an earlier demo: look at it, make it anew with `rekindle demo {dir} --again`,\n\
             or name another folder"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_the_friday_on_which_the_sample_base_ends() {
        assert_eq!(LAST_DAY.to_string(), "2026-11-20");
        assert_eq!(LAST_DAY.weekday(), chrono::Weekday::Fri);
    }
}

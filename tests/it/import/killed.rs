//! The real program killed without warning, at many moments of an import.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use super::program::{command, run};
use super::shop::{SNAPSHOT, Shop, test_data};
use crate::database::{self, Database};

/// Rows of the real history that are imported: enough to be killed in the middle, many times.
const ROWS: usize = 6_000;

/// When to kill.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// As soon as the program says this.
    Said(&'static str),
    /// As soon as so much is written: in a file the log of the database has grown by so many bytes,
    /// which it does while the commit is written, and again while the rhythms are; on a server a
    /// table is being written.
    Written(u64, &'static str),
}

/// Starts an import and ends it by SIGKILL: no handler runs. False when it was done before.
async fn killed(shop: &Shop, moment: Moment) -> bool {
    let database = Database::of(shop.path()).await;
    let log = shop.path().join("rekindle.db-wal");
    let before = size(&log);
    let mut import = command(shop.path());
    import.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut import = import.spawn().unwrap();
    // Kept open to the end: a closed pipe would be another way to end the program.
    let mut said = BufReader::new(import.stderr.take().unwrap()).lines();
    match moment {
        Moment::Said(what) => {
            assert!(said.any(|line| line.unwrap().contains(what)), "{what}");
        }
        Moment::Written(bytes, table) => {
            let written = async || match &database {
                Database::Sqlite(_) => size(&log) >= before + bytes,
                Database::Postgres(_) => being_written(&database, table).await,
            };
            while !written().await {
                if import.try_wait().unwrap().is_some() {
                    return false;
                }
                std::thread::yield_now();
            }
        }
    }
    import.kill().unwrap();
    import.wait().unwrap().code().is_none()
}

/// Whether somebody is writing a table of the company.
async fn being_written(database: &Database, table: &str) -> bool {
    let lock = format!(
        "SELECT count(*) FROM pg_locks l
         WHERE l.relation = '{table}'::regclass AND l.mode = 'RowExclusiveLock'"
    );
    database.one::<i64>(&lock).await > 0
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// The beginning of a real history.
fn history() -> String {
    let text = fs::read_to_string(test_data("online_retail.csv")).unwrap();
    let lines: Vec<&str> = text.lines().take(1 + ROWS).collect();
    lines.join("\n") + "\n"
}

/// A shop with that history in its folder, and nothing of it in the database.
async fn begun() -> Shop {
    let shop = Shop::of("GBP", "Europe/London", "GB", SNAPSHOT).await;
    shop.file("purchases.csv", history());
    shop
}

#[tokio::test]
async fn a_kill_at_any_moment_leaves_nothing_half_done_and_the_next_import_does_the_whole() {
    let whole = begun().await;
    assert_eq!(run(command(whole.path())).code, Some(0));
    let expected = whole.dump().await;
    let mut kills = 0;
    for moment in [
        Moment::Said("reading purchases.csv"),
        Moment::Said("writing 6000 purchases"),
        Moment::Written(1, "imports"),
        Moment::Written(100_000, "purchases"),
        Moment::Written(400_000, "stale_rhythms"),
        Moment::Written(700_000, "rhythms"),
    ] {
        let shop = begun().await;
        kills += u32::from(killed(&shop, moment).await);
        let rows = shop.rows("SELECT count(*) FROM purchases").await;
        assert!(
            rows == ["0"] || rows == ["6000"],
            "half an import: {rows:?}"
        );
        let said = run(command(shop.path()));
        assert_eq!(said.code, Some(0), "{}", said.text);
        assert!(shop.dump().await == expected, "killed at {moment:?}");
    }
    assert!(
        kills >= 4,
        "the imports were too fast to be killed: {kills}"
    );
}

/// The history as it might have been before: each eighth row not there yet, each ninth with
/// another amount, and some that will be gone.
fn earlier() -> String {
    let mut earlier = String::new();
    for (number, line) in history().lines().enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        match number {
            0 => writeln!(earlier, "{line}").unwrap(),
            _ if number % 8 == 0 => {}
            _ if number % 9 == 0 => writeln!(earlier, "{},{},7.77", fields[0], fields[1]).unwrap(),
            _ => writeln!(earlier, "{line}").unwrap(),
        }
        if number % 50 == 1 {
            writeln!(earlier, "gone{number},{},1.00", fields[1]).unwrap();
        }
    }
    earlier
}

/// A shop that has imported the earlier history and finds the later one in its folder.
async fn changed() -> Shop {
    let shop = begun().await;
    shop.file("purchases.csv", earlier());
    let said = run(command(shop.path()));
    assert_eq!(said.code, Some(0), "{}", said.text);
    shop.file("purchases.csv", history());
    // What is written from here on makes the log grow.
    if !database::on_a_server() {
        shop.rows("PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
    shop
}

#[tokio::test]
async fn a_kill_while_a_changed_snapshot_is_merged_leaves_the_old_purchases_or_the_new_ones() {
    const PURCHASES: &str = "
        SELECT c.ext_id, p.day, p.key, p.amount
        FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY 1, 2, 3";
    let whole = changed().await;
    let old = whole.rows(PURCHASES).await;
    assert_eq!(run(command(whole.path())).code, Some(0));
    let (new, expected) = (whole.rows(PURCHASES).await, whole.dump().await);
    assert!(old != new, "nothing has changed");
    let mut kills = 0;
    for moment in [
        Moment::Said("reading purchases.csv"),
        Moment::Said("writing 6000 purchases"),
        // The announcement is written by itself.
        Moment::Written(1, "imports"),
        Moment::Written(50_000, "purchases"),
        Moment::Written(400_000, "rhythms"),
    ] {
        let shop = changed().await;
        kills += u32::from(killed(&shop, moment).await);
        let seen = shop.rows(PURCHASES).await;
        assert!(seen == old || seen == new, "half a merge at {moment:?}");
        let said = run(command(shop.path()));
        assert_eq!(said.code, Some(0), "{}", said.text);
        assert!(shop.dump().await == expected, "killed at {moment:?}");
    }
    assert!(
        kills >= 3,
        "the imports were too fast to be killed: {kills}"
    );
}

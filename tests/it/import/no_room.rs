//! No room: on the disk for the database, for the rejected rows, for sorting; in memory for a line.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use super::program::{command, limited, retail, run};
use super::shop::{SNAPSHOT, Shop};
use crate::database;

/// No file may grow beyond so many blocks, which is what a full disk looks like to a program.
fn blocks(most: u32) -> String {
    format!("trap '' XFSZ; ulimit -f {most}")
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_loses_nothing() {
    if database::only_sqlite("the disk of a server is not ours to fill") {
        return;
    }
    let shop = retail().await;
    let said = run(limited(shop.path(), &blocks(1_500)));
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("disk"), "{}", said.text);
    assert!(said.text.contains("nothing is lost"), "{}", said.text);
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["0"]);
    assert_eq!(shop.rows("PRAGMA integrity_check").await, ["ok"]);
    assert_eq!(run(command(shop.path())).code, Some(0));
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["22190"]);
}

#[tokio::test]
async fn rejected_rows_that_find_no_room_stop_their_source_with_the_name_of_the_list() {
    let shop = Shop::new(SNAPSHOT).await;
    // The list of the rejected grows far beyond the database, which has to find its room.
    let mut text = String::from("client,date,amount\nA,2026-05-01,10\n");
    for number in 0..40_000 {
        writeln!(text, "A,2026-05-01,a lot of {number}").unwrap();
    }
    shop.file("purchases.csv", text);
    let said = run(limited(shop.path(), &blocks(1_200)));
    assert_eq!(said.code, Some(1), "{}", said.text);
    for part in [
        "crm: nothing was applied: ",
        "rejects/crm-purchases.csv cannot be written: ",
        "free some space there, or give paths.rejects another folder",
    ] {
        assert!(said.text.contains(part), "{}", said.text);
    }
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["0"]);
    let said = run(command(shop.path()));
    assert!(said.text.contains("40,000 rejected"), "{}", said.text);
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["1"]);
}

#[tokio::test]
async fn sorting_that_finds_no_room_stops_its_source_with_the_way_out() {
    let shop = Shop::new(SNAPSHOT).await;
    // Few long rows: more than is sorted in memory.
    let code = "P".repeat(4_000);
    let mut text = String::from("client,date,amount,promo\n");
    for number in 0..13_000 {
        writeln!(text, "A,2026-05-01,{number},{code}").unwrap();
    }
    shop.file("purchases.csv", text);
    let said = run(limited(shop.path(), &blocks(20_000)));
    assert_eq!(said.code, Some(1), "{}", said.text);
    for part in [
        "crm: nothing was applied: temporary files cannot be written: ",
        "free some space there, or set TMPDIR",
    ] {
        assert!(said.text.contains(part), "{}", said.text);
    }
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["0"]);
}

#[tokio::test]
async fn a_line_of_a_gigabyte_costs_its_own_row_and_little_memory() {
    let shop = Shop::new(SNAPSHOT).await;
    let path = shop.file(
        "purchases.csv",
        format!(
            "client,date,amount,note\nA,2026-05-01,10,fine\nA,2026-05-02,10,{}",
            "x".repeat(1024 * 1024)
        ),
    );
    let mut file = File::options().write(true).open(path).unwrap();
    // A hole reads as zeros and costs no disk.
    file.seek(SeekFrom::Start(1024 * 1024 * 1024)).unwrap();
    file.write_all(b"\nA,2026-05-03,10,fine\n").unwrap();
    // Whoever reads the line as a whole finds no memory for it. In KiB, threads included.
    let said = run(limited(shop.path(), "ulimit -v 800000"));
    assert_eq!(said.code, Some(0), "{}", said.text);
    let expected = "line 3: row rejected: the row is longer than a megabyte";
    assert!(said.text.contains(expected), "{}", said.text);
    let seen = shop
        .rows("SELECT count(*), sum(amount) FROM purchases")
        .await;
    assert_eq!(seen, ["2|2000"]);
}

//! The same facts again: twice, shuffled, in pieces, changed and gone.

use std::fmt::Write as _;
use std::fs;

use rekindle::db::Changes;
use rekindle::jobs::import::{ImportOptions, ImportResult};

use super::shop::{APPEND, SNAPSHOT, Shop, only_file, test_data};

const AGAIN: ImportOptions = ImportOptions {
    accept_shrink: false,
    again: true,
    rhythms_later: false,
};

/// The lines of a file with the lines below the header in another order, the same every time.
fn shuffled(text: &str, seed: u64) -> String {
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    let mut state = seed;
    for last in (1..rows.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        rows.swap(last, (state >> 33) as usize % (last + 1));
    }
    format!("{header}\n{}\n", rows.join("\n"))
}

#[tokio::test]
async fn a_real_history_imported_twice_and_shuffled_gives_the_same_tables() {
    let text = fs::read_to_string(test_data("online_retail.csv")).unwrap();
    let mut dumps = Vec::new();
    for order in [text.clone(), shuffled(&text, 1), shuffled(&text, 2)] {
        let shop = Shop::of("GBP", "Europe/London", "GB", SNAPSHOT).await;
        shop.file("purchases.csv", order);
        let summary = shop.import().await;
        assert_eq!(only_file(&summary).changes.new, 22_190);
        assert_eq!(summary.implied_clients, 4_372);
        dumps.push(shop.dump().await);
        shop.file("purchases.csv", shuffled(&text, 3));
        let summary = shop.import().await;
        assert_eq!(
            only_file(&summary).changes,
            Changes::default(),
            "{summary:?}"
        );
        dumps.push(shop.dump().await);
    }
    for dump in &dumps[1..] {
        assert!(*dump == dumps[0], "the tables differ");
    }
}

#[tokio::test]
async fn identical_rows_without_ids_are_kept_apart_by_number() {
    let shop = Shop::of("GBP", "Europe/London", "GB", SNAPSHOT).await;
    shop.data("online_retail.csv", "purchases.csv");
    shop.import().await;
    let repeated = shop
        .rows("SELECT count(*) FROM purchases WHERE key LIKE '~%~2'")
        .await;
    assert_ne!(repeated, ["0"], "the file has identical rows");
    let total = shop.rows("SELECT sum(amount) FROM purchases").await;
    assert_eq!(total, ["830006581"]);
}

#[tokio::test]
async fn unchanged_files_are_not_read_again_unless_asked() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file("purchases.csv", "client,date,amount\nA,2026-05-01,10\n");
    assert_eq!(shop.import().await.result, ImportResult::Done);
    assert_eq!(shop.import().await.result, ImportResult::Unchanged);
    let summary = shop.try_import(AGAIN).await.unwrap();
    assert_eq!(
        (summary.result, only_file(&summary).changes),
        (ImportResult::Done, Changes::default())
    );
    // The same bytes may mean something else under another mapping.
    let imports = shop.rows("SELECT status FROM imports").await;
    assert_eq!(imports, ["done", "done"]);
}

#[tokio::test]
async fn a_snapshot_deletes_what_is_gone_and_writes_only_what_has_changed() {
    let shop = Shop::new(SNAPSHOT).await;
    let mut text = String::from("id,client,date,amount\n");
    for number in 1..=10 {
        writeln!(text, "{number},C{},2026-05-{number:02},100", number % 3).unwrap();
    }
    shop.file("purchases.csv", &text);
    shop.import().await;
    let text = text
        .replace("2,C2,2026-05-02,100\n", "")
        .replace("3,C0,2026-05-03,100", "3,C0,2026-05-03,250")
        .replace("4,C1,2026-05-04,100", "4,C2,2026-05-04,100")
        + "11,C1,2026-05-11,100\n";
    shop.file("purchases.csv", &text);
    let summary = shop.import().await;
    // Number 4 went from one client to another: gone there and new here.
    let expected = Changes {
        new: 2,
        changed: 1,
        deleted: 2,
    };
    assert_eq!(only_file(&summary).changes, expected);
    assert_eq!(
        shop.rows("SELECT key, amount, last_import - first_import FROM purchases WHERE last_import = 2 ORDER BY key").await,
        ["11|10000|0", "3|25000|1", "4|10000|0"]
    );
    let fresh = Shop::new(SNAPSHOT).await;
    fresh.file("purchases.csv", &text);
    fresh.import().await;
    assert!(
        shop.dump().await == fresh.dump().await,
        "the tables differ from a first import"
    );
}

#[tokio::test]
async fn a_source_that_appends_keeps_what_is_not_in_the_file_and_moves_what_has_moved() {
    let shop = Shop::new(APPEND).await;
    shop.file(
        "purchases.csv",
        "id,client,date,amount\n1,A,2026-05-01,10\n2,A,2026-05-02,20\n",
    );
    shop.import().await;
    shop.file(
        "purchases.csv",
        "id,client,date,amount\n2,B,2026-05-03,20\n3,A,2026-05-04,30\n",
    );
    let summary = shop.import().await;
    let expected = Changes {
        new: 1,
        changed: 1,
        deleted: 0,
    };
    assert_eq!(only_file(&summary).changes, expected);
    assert_eq!(
        shop.rows(
            "SELECT p.key, c.ext_id, date(p.day * 86400, 'unixepoch'), p.amount
             FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY 1"
        )
        .await,
        [
            "1|A|2026-05-01|1000",
            "2|B|2026-05-03|2000",
            "3|A|2026-05-04|3000"
        ]
    );
}

#[tokio::test]
async fn a_snapshot_with_half_its_rows_is_held_until_a_person_accepts_it() {
    let shop = Shop::new(SNAPSHOT).await;
    let rows = |count: u32| {
        (0..count).fold(
            String::from("id,client,date,amount\n"),
            |mut text, number| {
                writeln!(text, "{number},C{number},2026-05-01,10").unwrap();
                text
            },
        )
    };
    shop.file("purchases.csv", rows(100));
    shop.import().await;
    let before = shop.dump().await;
    shop.file("purchases.csv", rows(50));
    let summary = shop.import().await;
    assert_eq!(summary.result, ImportResult::Held);
    let shrunk = summary.shrunk[0];
    assert_eq!((shrunk.before, shrunk.now), (100, 50));
    assert!(shop.dump().await == before, "a held import changes nothing");
    assert_eq!(
        shop.rows("SELECT status FROM imports").await,
        ["done", "held"]
    );
    let accepted = ImportOptions {
        accept_shrink: true,
        ..ImportOptions::default()
    };
    let summary = shop.try_import(accepted).await.unwrap();
    assert_eq!(only_file(&summary).changes.deleted, 50);
    assert_eq!(
        shop.rows("SELECT count(*) FROM clients WHERE deleted_on IS NULL")
            .await,
        ["50"]
    );
    // A fifth less is within the guard of 30 %.
    shop.file("purchases.csv", rows(40));
    assert_eq!(shop.import().await.result, ImportResult::Done);
}

#[tokio::test]
async fn a_file_with_nothing_but_a_header_does_not_empty_a_snapshot() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file(
        "purchases.csv",
        "id,client,date,amount\n1,A,2026-05-01,10\n",
    );
    shop.import().await;
    shop.file("purchases.csv", "id,client,date,amount\n");
    assert_eq!(shop.import().await.result, ImportResult::Held);
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["1"]);
}

#[tokio::test]
async fn a_file_that_is_missing_from_a_snapshot_leaves_its_facts_alone() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file("clients.csv", "id,name\nA,Anna\n");
    let purchases = shop.file("purchases.csv", "client,date,amount\nA,2026-05-01,10\n");
    shop.import().await;
    fs::remove_file(purchases).unwrap();
    let summary = shop.import().await;
    assert!(
        summary.notes[0].contains("purchases.csv is missing"),
        "{:?}",
        summary.notes
    );
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["1"]);
}

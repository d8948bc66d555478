//! The rhythms after an import: the same whichever way the purchases came in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use rekindle::jobs::import::ImportOptions;
use rekindle::jobs::{base, rhythms};
use rekindle::model::{Day, RhythmState};
use rekindle::rules::base_facts::BaseFacts;
use tokio::sync::OnceCell;

use super::shop::{APPEND, SNAPSHOT, Shop, test_data};
use crate::database;

/// The base facts of a shop that nobody has bought from, so that all shops of a test have the same.
async fn base_facts() -> BaseFacts {
    let shop = Shop::new(APPEND).await;
    base::of_day(&shop.app, shop.app.today(), false)
        .await
        .unwrap()
        .facts
}

async fn refresh(shop: &Shop, facts: &BaseFacts) -> u64 {
    shop.app
        .store
        .refresh_rhythms(facts, 1, &|_| ())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_import_leaves_every_rhythm_up_to_date_with_its_dates() {
    let shop = Shop::of("GBP", "Europe/London", "GB", SNAPSHOT).await;
    shop.data("online_retail.csv", "purchases.csv");
    shop.import().await;
    let kept = rhythms::keep_up(&shop.app, &|_| ()).await.unwrap();
    assert_eq!(kept.refreshed, 4_372);
    assert_eq!(kept.data_until, Some("2011-12-09".parse().unwrap()));
    assert_eq!(
        shop.rows(
            "SELECT count(*), sum(purchase_days), count(*) FILTER (WHERE due_on <= missed_on),
                    count(*) FILTER (WHERE missed_on <= lost_on) FROM rhythms"
        )
        .await,
        ["4338|16763|4338|4338"]
    );
    // Who only ever gave things back has no rhythm, and counts once he buys.
    assert_eq!(shop.app.store.stale_rhythms().await.unwrap(), 0);
    let again = rhythms::keep_up(&shop.app, &|_| ()).await.unwrap();
    assert_eq!((again.refreshed, again.dated_anew), (0, 0));
}

#[tokio::test]
async fn a_history_in_pieces_gives_the_rhythms_of_the_whole() {
    let text = fs::read_to_string(test_data("online_retail.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let whole = Shop::of("GBP", "Europe/London", "GB", APPEND).await;
    whole.file("purchases.csv", &text);
    whole.import().await;
    let facts = base_facts().await;
    refresh(&whole, &facts).await;

    let pieces = Shop::of("GBP", "Europe/London", "GB", APPEND).await;
    for (from, to) in [
        ("2010", "2011-03"),
        ("2011-03", "2011-09"),
        ("2011-09", "2012"),
    ] {
        let within = |row: &&str| {
            let date = row.split(',').nth(1).unwrap();
            date >= from && date < to
        };
        let piece: Vec<&str> = rows.lines().filter(within).collect();
        pieces.file("purchases.csv", format!("{header}\n{}\n", piece.join("\n")));
        pieces.import().await;
        refresh(&pieces, &facts).await;
    }
    let rhythms =
        "SELECT c.ext_id, r.* FROM rhythms r JOIN clients c ON c.id = r.client_id ORDER BY 1";
    let numbered = |rows: Vec<String>| -> Vec<String> {
        // Clients are numbered in the order in which they come.
        let without = |row: String| {
            let mut parts: Vec<String> = row.split('|').map(str::to_owned).collect();
            parts.remove(1);
            parts.join("|")
        };
        rows.into_iter().map(without).collect()
    };
    assert!(
        numbered(pieces.rows(rhythms).await) == numbered(whole.rows(rhythms).await),
        "the rhythms differ"
    );
}

#[tokio::test]
async fn a_purchase_that_is_taken_back_is_no_purchase_day_and_one_that_is_not_stays_one() {
    let shop = Shop::new(APPEND).await;
    shop.file(
        "purchases.csv",
        "id,client,date,amount,cancels\n\
         1,A,2026-01-01,100,\n2,A,2026-02-01,100,\n3,A,2026-03-01,100,\n4,A,2026-03-01,50,\n\
         5,B,2026-01-01,100,\n",
    );
    shop.import().await;
    let facts = base_facts().await;
    refresh(&shop, &facts).await;
    let seen =
        "SELECT c.ext_id, purchase_days, date(last_day * 86400, 'unixepoch'), turnover, spent
                FROM rhythms r JOIN clients c ON c.id = r.client_id ORDER BY 1";
    assert_eq!(
        shop.rows(seen).await,
        ["A|3|2026-03-01|35000|35000", "B|1|2026-01-01|10000|10000"]
    );
    // A return lowers the turnover. Only what names a purchase takes its day away, and only when
    // nothing else was bought on it.
    shop.file(
        "purchases.csv",
        "id,client,date,amount,cancels\n\
         6,A,2026-03-05,-30,\n7,A,2026-03-06,-100,3\n8,A,2026-03-07,-100,2\n9,B,2026-03-07,-100,5\n",
    );
    shop.import().await;
    assert_eq!(refresh(&shop, &facts).await, 2);
    assert_eq!(shop.rows(seen).await, ["A|2|2026-03-01|12000|15000"]);
    // As of a day before it came back, it was a purchase.
    let ids = shop.app.store.clients_called("A").await.unwrap();
    let day: Day = "2026-03-06".parse().unwrap();
    let history = shop.app.store.histories(&ids, day).await.unwrap();
    assert_eq!(
        history[0].days[1].undone_on,
        Some("2026-03-07".parse().unwrap())
    );
}

#[tokio::test]
async fn the_next_date_leads_to_everybody_who_reaches_a_state() {
    let shop = Shop::of("GBP", "Europe/London", "GB", SNAPSHOT).await;
    shop.data("online_retail.csv", "purchases.csv");
    shop.import().await;
    let until = rhythms::keep_up(&shop.app, &|_| ())
        .await
        .unwrap()
        .data_until
        .unwrap();
    let store = &shop.app.store;
    for (state, column) in [
        (RhythmState::Due, "due_on"),
        (RhythmState::Missed, ""),
        (RhythmState::Asleep, "asleep_on"),
        (RhythmState::Lost, "lost_on"),
    ] {
        // The last stretch begins before what the index knows: the whole table is read.
        for (from, to) in [(-30, 0), (-30, 3), (-3, 40), (5, 400), (-200, 0)] {
            let (from, to) = (until.plus(from), until.plus(to));
            let found = store.clients_reaching(state, from, to).await.unwrap();
            let found: Vec<i64> = found.into_iter().map(|client| client.0).collect();
            let within = format!("BETWEEN {} AND {}", from.epoch_days(), to.epoch_days());
            let reached = match state {
                RhythmState::Missed => format!("missed_on {within} OR asleep_on {within}"),
                _ => format!("{column} {within}"),
            };
            let all = format!("SELECT client_id FROM rhythms WHERE {reached} ORDER BY 1");
            let all: Vec<i64> = shop
                .rows(&all)
                .await
                .iter()
                .map(|id| id.parse().unwrap())
                .collect();
            assert!(!all.is_empty(), "nobody is {state} from {from} to {to}");
            assert_eq!(found, all, "{state} from {from} to {to}");
        }
    }
    if database::only_sqlite("plans of queries are told in words of SQLite") {
        return;
    }
    // And it is by the index that they are found, not by reading everybody.
    let plan = "EXPLAIN QUERY PLAN SELECT client_id FROM rhythms
                WHERE next_on <= 20000 AND asleep_on BETWEEN 19990 AND 20000
                ORDER BY +client_id";
    let plan = shop.rows(plan).await.join(" ");
    assert!(plan.contains("USING INDEX rhythms_by_next"), "{plan}");
}

/// Purchases of a few clients by id: client, day, amount, what it takes back.
type Book = BTreeMap<u8, (u8, u16, i32, Option<u8>)>;

fn csv(book: &Book) -> String {
    let mut text = String::from("id,client,date,amount,cancels\n");
    for (id, (client, day, amount, cancels)) in book {
        let date = Day::from_epoch(20_000 + i32::from(*day));
        let cancels = cancels.map(|id| format!("P{id}")).unwrap_or_default();
        writeln!(text, "P{id},C{client},{date},{amount},{cancels}").unwrap();
    }
    text
}

fn books() -> impl Strategy<Value = Vec<Book>> {
    let row = (
        0_u8..4,
        0_u16..300,
        -50_i32..200,
        proptest::option::weighted(0.2, 0_u8..30),
    );
    let book = proptest::collection::btree_map(0_u8..30, row, 1..30);
    proptest::collection::vec(book, 2..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_snapshots_come_the_tables_are_those_of_the_last_one(books in books()) {
        static FACTS: OnceCell<BaseFacts> = OnceCell::const_new();
        let facts = &FACTS;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let accept = SNAPSHOT.replace("snapshot\"", "snapshot\"\nshrink_guard = \"100%\"");
            let (shop, fresh) = (Shop::new(&accept).await, Shop::new(&accept).await);
            fresh.file("purchases.csv", csv(books.last().unwrap()));
            fresh.import().await;
            let facts = facts.get_or_init(base_facts).await;
            refresh(&fresh, facts).await;
            for book in &books {
                shop.file("purchases.csv", csv(book));
                shop.import().await;
                refresh(&shop, facts).await;
            }
            let seen = "SELECT c.ext_id, p.day, p.key, p.amount, p.cancels, p.cancelled_on
                        FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY 1, 2, 3";
            assert_eq!(shop.rows(seen).await, fresh.rows(seen).await);
            let seen = "SELECT c.ext_id, purchase_days, first_day, last_day, weight, sum_log, sum_sq,
                               turnover, spent, due_on, missed_on, asleep_on, lost_on, next_on
                        FROM rhythms r JOIN clients c ON c.id = r.client_id ORDER BY 1";
            assert_eq!(shop.rows(seen).await, fresh.rows(seen).await);
        });
    }

    #[test]
    fn rhythms_of_purchases_that_pass_by_are_those_read_from_the_table(
        book in books().prop_map(|mut books| books.remove(0)),
        merged in proptest::option::weighted(0.5, (0_u8..4, 0_u8..4)),
        later in books().prop_map(|mut books| books.remove(0)),
        in_between in any::<bool>(),
    ) {
        static FACTS: OnceCell<BaseFacts> = OnceCell::const_new();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (passing, reading) = (Shop::new(APPEND).await, Shop::new(APPEND).await);
            let facts = FACTS.get_or_init(base_facts).await;
            let mut clients = String::from("id,merged_into\n");
            for client in 0..4 {
                let into = merged.filter(|(from, _)| *from == client).map(|(_, into)| into);
                let into = into.map(|into| format!("C{into}")).unwrap_or_default();
                writeln!(clients, "C{client},{into}").unwrap();
            }
            for (shop, rhythms_later) in [(&passing, false), (&reading, true)] {
                shop.file("clients.csv", &clients);
                shop.file("purchases.csv", csv(&book));
                let options = ImportOptions { rhythms_later, ..ImportOptions::default() };
                shop.try_import(options).await.unwrap();
                let unread = shop.rows("SELECT count(*) FROM stale_rhythms WHERE from_day = 1000000");
                prop_assert!(!rhythms_later || unread.await == ["0"]);
                // A second import may come before the rhythms are looked at.
                if in_between {
                    shop.file("purchases.csv", csv(&later));
                    shop.import().await;
                }
                refresh(shop, facts).await;
            }
            let seen = "SELECT c.ext_id, r.* FROM rhythms r JOIN clients c ON c.id = r.client_id
                        ORDER BY 1";
            prop_assert_eq!(passing.rows(seen).await, reading.rows(seen).await);
            let today = passing.app.today();
            let last = passing.app.store.last_purchase_day(today).await.unwrap();
            prop_assert_eq!(last, reading.app.store.last_purchase_day(today).await.unwrap());
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_last_purchase_day_is_known_before_the_rhythms_are_dated() {
    for rhythms_later in [false, true] {
        let shop = Shop::new(APPEND).await;
        shop.file(
            "purchases.csv",
            "id,client,date,amount,cancels\n1,A,2026-01-01,100,\n2,A,2026-02-01,100,\n\
             3,B,2026-01-15,100,\n4,A,2026-02-10,-100,2\n",
        );
        let options = ImportOptions {
            rhythms_later,
            ..ImportOptions::default()
        };
        shop.try_import(options).await.unwrap();
        for (today, last) in [
            ("2026-11-21", Some("2026-01-15")),
            ("2026-01-10", Some("2026-01-01")),
            ("2025-12-31", None),
        ] {
            let known = shop.app.store.last_purchase_day(today.parse().unwrap());
            let expected: Option<Day> = last.map(|day| day.parse().unwrap());
            assert_eq!(known.await.unwrap(), expected, "on {today}");
        }
    }
}

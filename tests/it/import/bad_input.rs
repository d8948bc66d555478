//! Input that cannot be taken: each a clear error with its place, and the rest goes in.

use std::fmt::Write as _;
use std::fs;

use chrono::TimeDelta;
use rekindle::jobs::import::{ImportOptions, ImportResult, ImportSummary};

use super::program::{command, run};
use super::shop::{APPEND, SNAPSHOT, Shop, only_file};

/// Imports a good list of clients and `contents` as purchases.
async fn with_purchases(contents: impl AsRef<[u8]>) -> (Shop, ImportSummary) {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file("clients.csv", "id,name\nA,Anna\n");
    shop.file("purchases.csv", contents);
    let summary = shop.import().await;
    (shop, summary)
}

#[tokio::test]
async fn a_file_that_is_no_table_is_named_for_what_it_is_and_the_others_go_in() {
    for (contents, word) in [
        (&b""[..], "the file is empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "the file is empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0", "binary"),
        (b"PK\x03\x04\x14\0\x06\0", "workbook"),
        (b"\xff\xfec\0l\0i\0", "UTF-16"),
        (
            b"<html><body><table><tr><td>1</td></tr></table>",
            "web page",
        ),
        (b"one\ntwo\nthree\n", "there is no column \"client\""),
        (
            b"Datum;Kunde;Betrag\n1;2;3\n",
            "there is no column \"amount\"",
        ),
    ] {
        let (shop, summary) = with_purchases(contents).await;
        assert_eq!(summary.result, ImportResult::Failed);
        let problem = &summary.problems[0];
        assert_eq!(problem.file, "purchases.csv");
        let all: String = summary
            .problems
            .iter()
            .map(|problem| problem.problem.as_str())
            .collect();
        assert!(all.contains(word), "{all}");
        assert_eq!(shop.rows("SELECT name FROM clients").await, ["Anna"]);
        // It is not forgotten: the next import looks again.
        assert_eq!(shop.import().await.result, ImportResult::Failed);
    }
}

#[tokio::test]
async fn a_header_without_rows_is_said_so() {
    let (_shop, summary) = with_purchases("client,date,amount\n").await;
    assert_eq!(summary.result, ImportResult::Done);
    assert_eq!(summary.notes, ["purchases.csv has a header and no rows"]);
}

#[tokio::test]
async fn bad_rows_are_rejected_with_line_column_and_reason_and_the_good_ones_go_in() {
    let text = "id,client,date,amount,currency\n\
                1,A,2026-05-01,100,\n\
                2,,2026-05-01,100,\n\
                3,A,01/05/2026,100,\n\
                4,A,2026-05-01,a lot,\n\
                5,A,2026-05-01,100,EUR\n\
                6,A,0001-01-01,100,\n\
                7,A,2026-05-01,100,,extra\n\
                8,A\u{1},2026-05-01,100,\n\
                9,A,2026-05-02,1.234,\n\
                10,A,2026-05-02,200,rub\n";
    let (shop, summary) = with_purchases(text).await;
    let file = &summary.files[1];
    assert_eq!(
        (file.rows, file.changes.new, file.rejected.rows),
        (10, 2, 8)
    );
    let rejects = fs::read_to_string(file.rejects.as_ref().unwrap()).unwrap();
    let lines: Vec<&str> = rejects.lines().collect();
    for (line, starts) in [
        "\"purchases.csv\",\"3\",\"client\",\"\",\"is empty\"",
        "\"purchases.csv\",\"4\",\"date\",\"01/05/2026\",\"can be read in two ways",
        "\"purchases.csv\",\"5\",\"amount\",\"a lot\",\"is not a number\"",
        "\"purchases.csv\",\"6\",\"currency\",\"EUR\",\"is not RUB\"",
        "\"purchases.csv\",\"7\",\"date\",\"0001-01-01\",\"is before 1900\"",
        "\"purchases.csv\",\"8\",\"\",\"\",\"the row has 6 fields and the header 5\"",
        "\"purchases.csv\",\"9\",\"client\",\"A \",\"holds a control character\"",
        "\"purchases.csv\",\"10\",\"amount\",\"1.234\",\"can be read in two ways",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(
            lines[line + 1].starts_with(starts),
            "{} is not {starts}",
            lines[line + 1]
        );
    }
    assert_eq!(file.examples.len(), 5);
    assert_eq!(
        shop.rows("SELECT sum(amount) FROM purchases").await,
        ["30000"]
    );
}

#[tokio::test]
async fn a_bad_optional_value_costs_itself_and_not_the_row() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file(
        "clients.csv",
        "id,name,email,phone,locale,country,birthday\n\
         A,Anna,anna@localhost,12345,klingon,Atlantis,31.02.1990\n",
    );
    let summary = shop.import().await;
    let file = only_file(&summary);
    assert_eq!(
        (file.changes.new, file.rejected.rows, file.rejected.values),
        (1, 0, 5)
    );
    assert_eq!(
        shop.rows("SELECT name, email, phone, locale, country, birthday FROM clients")
            .await,
        ["Anna|-|-|-|-|-"]
    );
}

#[tokio::test]
async fn a_day_in_the_future_waits_until_it_has_come() {
    let (shop, summary) =
        with_purchases("client,date,amount\nA,2026-11-22,10\nA,2026-11-23,20\nA,2126-11-21,30\n")
            .await;
    let file = &summary.files[1];
    assert_eq!(
        (
            file.changes.new,
            file.rejected.rows,
            file.rejected.in_the_future
        ),
        (1, 2, 2)
    );
    assert_eq!(file.examples[0].reason, "is in the future");
    shop.app.clock.advance(TimeDelta::days(1));
    let summary = shop.import().await;
    assert_eq!(
        summary.files[1].changes.new, 1,
        "the same files are looked at again"
    );
}

#[tokio::test]
async fn of_rows_with_one_id_the_last_counts_and_the_others_are_reported() {
    let (shop, summary) = with_purchases(
        "id,client,date,amount\n1,A,2026-05-01,10\n2,A,2026-05-02,20\n1,B,2026-05-03,30\n",
    )
    .await;
    let file = &summary.files[1];
    assert_eq!((file.changes.new, file.rejected.rows), (2, 1));
    let example = &file.examples[0];
    assert_eq!((example.line, example.value.as_str()), (2, "1"));
    assert!(example.reason.contains("line 4"), "{}", example.reason);
    assert_eq!(
        shop.rows("SELECT key, amount FROM purchases ORDER BY key")
            .await,
        ["1|3000", "2|2000"]
    );
    shop.file("clients.csv", "id,name\nA,Anna\nB,Boris\nA,Anastasia\n");
    let summary = shop.import().await;
    assert_eq!(summary.files[0].examples[0].line, 2);
    assert_eq!(
        shop.rows("SELECT name FROM clients ORDER BY 1").await,
        ["Anastasia", "Boris"]
    );
}

#[tokio::test]
async fn a_huge_line_and_an_open_quote_cost_their_own_lines() {
    let mut text = String::from("client,date,amount,note\nA,2026-05-01,10,fine\nA,2026-05-02,10,");
    text.push_str(&"x".repeat(8 * 1024 * 1024));
    text.push_str("\nA,2026-05-03,\"10\nA,2026-05-04,10,fine\n\"B\nC\",2026-05-05,10,two lines\n");
    for number in 0..40_000 {
        writeln!(text, "C{number},2026-05-06,10,fine").unwrap();
    }
    let (shop, summary) = with_purchases(&text).await;
    let file = &summary.files[1];
    assert_eq!(file.examples[0].line, 3);
    assert_eq!(file.examples[1].line, 4, "{:?}", file.examples);
    let days = shop
        .rows("SELECT count(*) FROM purchases WHERE day >= 20577")
        .await;
    assert_eq!(
        days,
        ["40001"],
        "the rows behind the quote: {:?}",
        file.examples
    );
}

#[tokio::test]
async fn a_broken_letter_costs_its_own_row_and_not_the_encoding_of_the_file() {
    let mut bytes = "client;name;date;amount\n".to_owned().into_bytes();
    for _ in 0..20 {
        bytes.extend_from_slice("Ромашка;Анна;01.05.2026;10\n".as_bytes());
    }
    bytes.extend_from_slice(b"Rom\xd0;Anna;01.05.2026;10\n");
    let (shop, summary) = with_purchases(bytes).await;
    let file = &summary.files[1];
    assert_eq!((file.changes.new, file.rejected.rows), (20, 1));
    assert_eq!(file.examples[0].reason, "the row is not valid UTF-8");
    let clients = shop
        .rows("SELECT ext_id FROM clients WHERE implied = 1")
        .await;
    assert_eq!(clients, ["Ромашка"]);
}

#[tokio::test]
async fn a_source_that_is_not_there_is_an_error_with_the_way_out() {
    let shop = Shop::new(APPEND).await;
    let error = shop
        .try_import(ImportOptions::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("does not exist: check source.path"),
        "{error}"
    );
    shop.file("orders.csv", "client,date,amount\n");
    let error = shop
        .try_import(ImportOptions::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("none of the files that are read"), "{error}");
    shop.file("clients.csv", "id\nA\n");
    let summary = shop.import().await;
    assert_eq!(
        summary.notes,
        ["orders.csv is not read: rename it to purchases.csv if it holds them"]
    );
}

#[tokio::test]
async fn a_mapping_that_names_no_column_of_the_file_is_an_error_with_the_nearest() {
    let shop = Shop::new(
        "[[source]]\nname = \"till\"\npath = \"data/till.csv\"\n\
         columns = { client = \"Kunde\", amount = \"Betrag\" }\n",
    )
    .await;
    shop.file("till.csv", "Kunden;date;Betrag\nA;01.05.2026;10\n");
    let summary = shop.import().await;
    assert_eq!(summary.result, ImportResult::Failed);
    let problem = &summary.problems[0].problem;
    assert!(
        problem.contains("client = \"Kunde\"") && problem.contains("\"Kunden\""),
        "{problem}"
    );
}

#[tokio::test]
async fn of_several_sources_the_good_ones_go_in_and_each_bad_one_is_named() {
    let shop = Shop::new(
        "[[source]]\nname = \"gone\"\npath = \"nowhere\"\n\
         [[source]]\nname = \"crm\"\npath = \"data/crm.csv\"\nmode = \"snapshot\"\n\
         [[source]]\nname = \"photo\"\npath = \"data/photo.csv\"\n\
         [[source]]\nname = \"till\"\npath = \"data/till.csv\"\n",
    )
    .await;
    let row = |day: u32| format!("A,2026-05-{day:02},10\n");
    let header = "client,date,amount\n".to_owned();
    shop.file(
        "crm.csv",
        header.clone() + &(1..=10).map(row).collect::<String>(),
    );
    shop.file("photo.csv", b"\xff\xd8\xff\xe0\0\x10JFIF\0");
    run(command(shop.path()));
    shop.file(
        "crm.csv",
        header.clone() + &(1..=5).map(row).collect::<String>(),
    );
    shop.file("till.csv", header + &row(20));
    let said = run(command(shop.path()));
    assert_eq!(
        said.code,
        Some(3),
        "something needs a person: {}",
        said.text
    );
    for part in [
        "nowhere does not exist: check source.path in the configuration",
        "crm: held, nothing was applied",
        "purchases.csv has 5 of 10 rows left: if that is right, import with --accept-shrink",
        "photo.csv: the file is binary and not a text",
        "till.csv                     1 rows: 1 new, 0 changed, 0 gone",
    ] {
        assert!(said.text.contains(part), "no {part:?} in {}", said.text);
    }
    let seen = "SELECT s.name, count(*) FROM purchases p JOIN sources s ON s.id = p.source_id
                GROUP BY 1 ORDER BY 1";
    assert_eq!(shop.rows(seen).await, ["crm|10", "till|1"]);
}

#[tokio::test]
async fn a_character_that_no_database_keeps_costs_its_value_or_its_row_and_not_the_import() {
    let shop = Shop::new(SNAPSHOT).await;
    // In its first lines it makes a file a binary one.
    let clients = (0..1_000).fold(String::from("id,name,company,comment\n"), |text, n| {
        text + &format!("c{n},Somebody,,\n")
    });
    let bad = "A,An\0na,Tea,so\0so\nB\0,Boris,,\nC,Clara,Ltd,fine\n";
    shop.file("clients.csv", clients + bad);
    let purchases = String::from("id,client,date,amount,item,promo\n");
    let purchases = (0..1_000).fold(purchases, |text, n| {
        text + &format!("p{n},c{n},2026-05-01,10,,\n")
    });
    let bad = "1,A,2026-05-01,10,te\0a,\n2\0,A,2026-05-02,10,,\n3,C\0,2026-05-02,10,,\n\
               4,C,2026-05-03,10,tea,GIFT\0\n";
    shop.file("purchases.csv", purchases + bad);
    let summary = shop.import().await;
    assert_eq!(summary.result, ImportResult::Done, "{summary:?}");
    let said = |file: usize| {
        let rejected = &summary.files[file].rejected;
        (rejected.rows, rejected.values)
    };
    assert_eq!((said(0), said(1)), ((1, 2), (3, 1)), "{summary:?}");
    assert_eq!(
        shop.rows(
            "SELECT ext_id, name, company, attributes FROM clients
             WHERE ext_id IN ('A', 'B', 'C') ORDER BY 1"
        )
        .await,
        ["A|-|Tea|{}", "C|Clara|Ltd|{\"comment\":\"fine\"}"]
    );
    assert_eq!(
        shop.rows("SELECT key, promo FROM purchases WHERE key NOT LIKE 'p%' ORDER BY 1")
            .await,
        ["4|-"]
    );
}

//! Hints for a larger receipt, from the rows of the receipts to the people who read them.

use std::fmt::Write;

use rekindle::render::RhythmPart;

use super::Shop;

/// Printers go with paper: six clients bought both, the paper of all in the autumn; the client
/// `new` has a printer only. Bags are bought by everybody else.
fn receipts() -> String {
    let mut text = "client,date,amount,item\n".to_owned();
    for client in 0..6 {
        writeln!(text, "p{client},2026-06-01,100,printer").unwrap();
        writeln!(text, "p{client},2026-10-01,20,paper").unwrap();
    }
    for client in 0..40 {
        writeln!(text, "b{client},2026-06-02,10,bag").unwrap();
        writeln!(text, "b{client},2026-08-02,10,bag").unwrap();
    }
    text.push_str("new,2026-07-01,100,printer\nnew,2026-09-01,100,printer\n");
    text
}

const CAMPAIGN: &str = r#"
id = "paper"
title = "Paper for printers"
status = "live"
from = "company"
[trigger]
on = "missed_cycle"
level = "due"
[audience]
hint = ["paper", "ink"]
[[step]]
id = "call"
task = "call"
script = "usual-order"
"#;

#[tokio::test]
async fn a_client_is_offered_what_goes_with_his_basket() {
    let shop = Shop::open("", &[]).await;
    shop.write("purchases.csv", &receipts());
    shop.import().await;
    let row = shop.row("new", shop.today()).await;
    assert_eq!(row.hints, ["paper"]);
    let none: [&str; 0] = [];
    assert_eq!(shop.row("p1", shop.today()).await.hints, none);
    assert_eq!(shop.row("b1", shop.today()).await.hints, none);
    let explained = shop.explain("new", shop.today()).await;
    assert_eq!(explained.hints[0].because_of, "printer");
    let said = "clients with such baskets also buy: paper (86 % of those who buy printer)";
    let text = explained.to_string();
    assert!(text.contains(said), "{text}");
}

#[tokio::test]
async fn the_hints_of_a_past_day_know_nothing_of_later_receipts() {
    let shop = Shop::open("", &[]).await;
    shop.write("purchases.csv", &receipts());
    shop.import().await;
    let before = shop.row("new", Shop::on("2026-09-30")).await;
    assert!(before.hints.is_empty(), "{:?}", before.hints);
    let after = shop.row("new", Shop::on("2026-10-01")).await;
    assert_eq!(after.hints, ["paper"]);
}

#[tokio::test]
async fn a_campaign_can_be_for_those_with_a_hint() {
    let shop = Shop::open("", &[("paper.toml", CAMPAIGN)]).await;
    shop.write("purchases.csv", &receipts());
    shop.import().await;
    for (client, holds, value) in [("new", true, "paper"), ("b1", false, "no hints")] {
        let explained = shop.explain(client, shop.today()).await;
        let seen = explained.campaigns[0].conditions.clone();
        let hint = seen.iter().find(|one| one.condition == "hint");
        if let Some(hint) = hint {
            assert_eq!(
                (hint.holds, hint.value.as_str()),
                (holds, value),
                "{client}"
            );
        } else {
            panic!("{client}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn receipts_without_items_give_no_hints() {
    let shop = Shop::open("", &[]).await;
    shop.write("purchases.csv", "client,date,amount\na,2026-06-01,5\n");
    shop.import().await;
    assert!(shop.row("a", shop.today()).await.hints.is_empty());
}

#[test]
fn inputs_that_were_frozen_without_hints_are_still_read() {
    let frozen = r#"{"purchases": 3, "last_purchase": "2026-11-02", "days_silent": 4}"#;
    let part: RhythmPart = serde_json::from_str(frozen).unwrap();
    assert!(part.hints.is_empty());
}

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

/// Eight of twelve who bought the small roast regularly went over to the large one; of those who
/// took two filters half took six the next time. The client `new` buys small and takes two.
fn steps() -> String {
    let mut text = "client,date,amount,item,quantity\n".to_owned();
    let mut row = |client: &str, date: &str, price: i32, item: &str, quantity: i32| {
        let amount = price * quantity;
        writeln!(text, "{client},{date},{amount},{item},{quantity}").unwrap();
    };
    for n in 0..12 {
        let client = format!("c{n}");
        row(&client, "2026-05-01", 100, "small roast", 1);
        row(&client, "2026-06-01", 100, "small roast", 1);
        let next = if n < 8 {
            (250, "large roast")
        } else {
            (100, "small roast")
        };
        row(&client, "2026-09-01", next.0, next.1, 1);
        row(&client, "2026-10-01", next.0, next.1, 1);
        row(&client, "2026-05-02", 10, "filters", 2);
        row(
            &client,
            "2026-07-02",
            10,
            "filters",
            if n % 2 == 0 { 6 } else { 2 },
        );
    }
    row("new", "2026-08-01", 100, "small roast", 1);
    row("new", "2026-08-02", 10, "filters", 2);
    text
}

#[tokio::test]
async fn a_client_is_offered_what_such_clients_went_over_to_or_took_more_of() {
    let shop = Shop::open("", &[("roast.toml", ROAST)]).await;
    shop.write("purchases.csv", &steps());
    shop.import().await;
    let row = shop.row("new", shop.today()).await;
    let offered: Vec<&str> = row.upsell.iter().map(|step| step.item().as_str()).collect();
    assert_eq!(offered, ["large roast", "filters"]);
    let explained = shop.explain("new", shop.today()).await;
    let text = explained.to_string();
    for said in [
        "for a larger receipt: large roast (instead of small roast), 2.5 times the price (8 of 12 \
         regular buyers went over)",
        "for a larger receipt: filters: 6 instead of 2 (6 of 12 who took so many took more the \
         next time)",
    ] {
        assert!(text.contains(said), "{text}");
    }
    let seen = explained.campaigns[0].conditions.iter();
    let upsell: Vec<_> = seen.filter(|one| one.condition == "upsell").collect();
    assert!(upsell.len() == 1 && upsell[0].holds, "{upsell:?}");
    let has_it = shop.explain("c1", shop.today()).await;
    assert!(
        has_it
            .upsell
            .iter()
            .all(|step| step.item() != "large roast")
    );
    // On a day before anybody went over nobody is offered it.
    let before = shop.row("new", Shop::on("2026-08-31")).await;
    assert_eq!(before.upsell.len(), 1, "{:?}", before.upsell);
}

const ROAST: &str = r#"
id = "roast"
title = "The larger roast"
status = "live"
from = "company"
[trigger]
on = "missed_cycle"
level = "lost"
[audience]
upsell = ["large roast"]
[[step]]
id = "call"
task = "call"
script = "usual-order"
"#;

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

//! Retail and wholesale in one base: each is measured by its own kind.

use std::fmt::Write;

use rekindle::jobs::clients::ClientRow;
use rekindle::model::Day;

use super::Shop;

const CLASSES: &str = "[rhythm]\nclasses = [\"wholesale\", \"rare\"]\n";

/// Sixty people who buy about every week, and sixty companies that buy about every quarter.
///
/// Of each kind the last one has bought twice only: what he is told by is the kind.
fn files() -> (String, String) {
    let mut clients = "id,tags\n".to_owned();
    let mut purchases = "client,date,amount\n".to_owned();
    let today: Day = "2026-11-25".parse().unwrap();
    for (name, tags, gap, count) in [("r", "vip", 7, 40), ("w", "wholesale;vip", 91, 9)] {
        for n in 0..60 {
            writeln!(clients, "{name}{n},{tags}").unwrap();
            let count = if n == 59 { 2 } else { count };
            for back in 0..count {
                // Some early, some late, nobody by chance.
                let off = (n * 5 + back * 3) % (gap / 2) - gap / 4;
                let day = today.plus(-(3 + n % 3) - back * gap + off.min(0));
                writeln!(purchases, "{name}{n},{day},10").unwrap();
            }
        }
    }
    (clients, purchases)
}

async fn shop(settings: &str) -> Shop {
    let shop = Shop::open(settings, &[]).await;
    let (clients, purchases) = files();
    shop.write("clients.csv", &clients);
    shop.write("purchases.csv", &purchases);
    shop.import().await;
    shop
}

/// Days from the last purchase to the day on which the cycle counts as missed.
fn missed_after(row: &ClientRow) -> i32 {
    row.missed_on - row.last_purchase
}

#[tokio::test]
async fn each_kind_gets_its_own_dates_and_everybody_else_those_of_the_base() {
    let (mixed, parted) = (shop("").await, shop(CLASSES).await);
    let today = parted.today();
    let wholesale = parted.row("w59", today).await;
    let as_all = mixed.row("w59", today).await;
    // Two purchases a quarter apart: the whole base thinks of weeks, the class of quarters.
    assert!(
        wholesale.usual_gap_days > as_all.usual_gap_days + 3.0,
        "{} {}",
        wholesale.usual_gap_days,
        as_all.usual_gap_days
    );
    assert_ne!(missed_after(&wholesale), missed_after(&as_all));
    for other in ["r1", "r59"] {
        let (own, base) = (
            parted.row(other, today).await,
            mixed.row(other, today).await,
        );
        assert_eq!(own.missed_on, base.missed_on, "{other}");
        assert_eq!(own.lost_on, base.lost_on, "{other}");
    }
    let explained = parted.explain("w59", today).await;
    let rhythm = explained.rhythm.as_ref().unwrap();
    assert_eq!(rhythm.class.as_deref(), Some("wholesale"));
    assert!(explained.to_string().contains("rhythms of wholesale"));
    let explained = parted.explain("r59", today).await;
    assert_eq!(explained.rhythm.unwrap().class, None);
}

#[tokio::test]
async fn a_class_with_few_gaps_or_an_unknown_tag_is_measured_by_the_whole_base() {
    let (mixed, parted) = (
        shop("").await,
        shop("[rhythm]\nclasses = [\"rare\"]\n").await,
    );
    let (clients, purchases) = files();
    for shop in [&mixed, &parted] {
        shop.write("clients.csv", &clients.replace("w59,wholesale", "w59,rare"));
        shop.write("purchases.csv", &purchases);
        shop.import().await;
    }
    let today = parted.today();
    let (own, base) = (
        parted.row("w59", today).await,
        mixed.row("w59", today).await,
    );
    assert_eq!(own.missed_on, base.missed_on);
    let explained = parted.explain("w59", today).await;
    assert_eq!(explained.rhythm.unwrap().class, None);
}

#[tokio::test]
async fn the_stored_dates_are_those_of_the_class_and_follow_its_tag() {
    let shop = shop(CLASSES).await;
    let stored = |client: &'static str| {
        let shop = &shop;
        async move { shop.facts(client).await.unwrap().rhythm.unwrap().1 }
    };
    let today = shop.today();
    let row = shop.row("w59", today).await;
    assert_eq!(stored("w59").await.missed, row.missed_on);
    let (clients, _) = files();
    shop.write(
        "clients.csv",
        &clients.replace("w59,wholesale;vip", "w59,vip"),
    );
    shop.import().await;
    let row_without = shop.row("w59", today).await;
    assert_ne!(row_without.missed_on, row.missed_on);
    assert_eq!(stored("w59").await.missed, row_without.missed_on);
}

#[tokio::test]
async fn a_past_day_is_seen_the_same_way_every_time() {
    let shop = shop(CLASSES).await;
    let seen = || async {
        let rows = shop.clients(Shop::on("2026-06-30")).await;
        serde_json::to_string(&rows).unwrap()
    };
    let first = seen().await;
    assert!(first.contains("\"w5\""));
    let mut later = files().1;
    later.push_str("w5,2026-11-20,10\n");
    shop.write("purchases.csv", &later);
    shop.import().await;
    assert_eq!(seen().await, first);
}

//! One base for every view of a day, and the same whatever was stored before.

use std::fmt::Write;

use rekindle::jobs::day::plan;
use rekindle::jobs::{base, frequency};
use rekindle::model::Day;

use super::Shop;

const DROP: &str = r#"
id = "less"
title = "Buys less"
status = "live"
from = "company"
[trigger]
on = "volume_drop"
[[step]]
id = "call"
task = "call"
script = "usual-order"
"#;

/// Forty clients with gaps of their own; the last purchase of anybody is on 10 November, two weeks
/// before the present day, and one of them was taken back after it.
fn purchases() -> String {
    let mut text = "id,client,date,amount,cancels\n".to_owned();
    let last: Day = "2026-11-10".parse().unwrap();
    for n in 0..40 {
        for back in 0..8 {
            let day = last.plus(-n - back * (5 + n) - (n * 7 + back * 3) % 4 * i32::from(n > 0));
            writeln!(text, "{n}-{back},c{n},{day},10,").unwrap();
        }
    }
    text.push_str("late,c1,2026-11-12,10,\nback,c1,2026-11-14,-10,late\n");
    text
}

#[tokio::test]
async fn whoever_asks_about_a_day_gets_the_base_of_the_last_purchase_before_it() {
    let shop = Shop::open("", &[]).await;
    shop.write("purchases.csv", &purchases());
    shop.import().await;
    let data_until: Day = "2026-11-10".parse().unwrap();
    let (now, past) = (shop.today(), Shop::on("2026-11-25"));
    for options in [now, past] {
        let planned = plan(&shop.app, options).await.unwrap();
        assert_eq!(planned.base.fitted_on, data_until);
        assert!(planned.base.version.is_some(), "the stored one answers");
        let (report, _) = frequency::report(&shop.app, options, false).await.unwrap();
        assert_eq!(report.base, planned.base);
    }
    let rows = |rows| serde_json::to_string::<Vec<_>>(&rows).unwrap();
    assert_eq!(
        rows(shop.clients(now).await),
        rows(shop.clients(past).await)
    );
    for client in ["c0", "c7", "c39"] {
        let facts = shop.facts(client).await.unwrap();
        let (_, stored) = facts.rhythm.unwrap();
        let explained = shop.explain(client, past).await.rhythm.unwrap();
        let stored = [stored.due, stored.missed, stored.asleep, stored.lost];
        assert_eq!(explained.dates, stored, "{client}");
    }
    // On the day between purchase and cancellation the purchase stood.
    let between = plan(&shop.app, Shop::on("2026-11-13")).await.unwrap();
    assert_eq!(between.base.fitted_on.to_string(), "2026-11-12");
}

#[tokio::test]
async fn a_first_import_that_was_a_trial_does_not_set_the_parameters_of_the_real_one() {
    let shop = Shop::open("", &[]).await;
    shop.write(
        "purchases.csv",
        "client,date,amount\na,2026-11-01,5\na,2026-11-10,5\n",
    );
    shop.import().await;
    shop.write("purchases.csv", &purchases());
    shop.import().await;
    let base = base::of_day(&shop.app, shop.app.today(), false)
        .await
        .unwrap();
    assert_eq!(base.facts.fit.closed_gaps, 40 * 7);
    assert!(base.version.is_some());
}

#[tokio::test]
async fn facts_that_other_settings_made_do_not_answer() {
    let mut shop = Shop::open("", &[]).await;
    shop.write("purchases.csv", &purchases());
    shop.import().await;
    let today = shop.app.today();
    let lost = |base: &base::Base| base.facts.fit.parameters.smallest_lost_days;
    let before = base::of_day(&shop.app, today, false).await.unwrap();
    shop.app.settings.rhythm.smallest_lost = Some("200d".parse().unwrap());
    let wide = base::of_day(&shop.app, today, false).await.unwrap();
    assert!((lost(&wide) - 200.0).abs() < 1e-9 && wide.version.is_none());
    shop.app.settings.rhythm.smallest_lost = None;
    let after = base::of_day(&shop.app, today, false).await.unwrap();
    assert_eq!(
        (after.version, &after.facts),
        (before.version, &before.facts)
    );
}

#[tokio::test]
async fn who_buys_less_is_the_same_whatever_was_stored_before() {
    let data = include_str!("../../data/online_retail.csv");
    let day: Day = "2011-10-10".parse().unwrap();
    let mut found = Vec::new();
    for stored_before in [&["2011-06-01", "2011-09-20"][..], &[]] {
        let shop = Shop::open("", &[("less.toml", DROP)]).await;
        shop.write("purchases.csv", &data.replace("client_id", "client"));
        shop.import().await;
        for earlier in stored_before {
            let base = base::as_of(&shop.app, earlier.parse().unwrap()).await;
            base::keep(&shop.app, base.unwrap()).await.unwrap();
        }
        let base = base::as_of(&shop.app, day).await.unwrap();
        found.push(base.facts.volume.unwrap());
    }
    assert!(found[0].dip_z.is_some() && !found[0].drops.is_empty());
    assert_eq!(found[0], found[1]);
}

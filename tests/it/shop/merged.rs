//! Second cards of a client: what they bought counts for the one who stays, until they are parted.

use rekindle::db::TaskFilter;
use rekindle::jobs::day::{RunOutcome, plan, run};
use rekindle::jobs::import::ImportSummary;

use super::Shop;

/// On the second of May both cards have a receipt of the same amount and none has an id.
const PURCHASES: &str = "client,date,amount,item
a,2026-04-01,100,bread
a,2026-05-02,100,bread
a,2026-06-01,100,bread
b,2026-05-02,100,milk
b,2026-07-01,250,milk
c,2026-05-05,10,salt
";
const DEALS: &str = "id,client,title,status,opened
1,a,Big order,open,2026-11-01
2,b,Bigger order,open,2026-11-02
";
const VISITS: &str = "client,date,page
a,2026-11-01,/price
b,2026-11-01,/price
";
const APART: &str = "id,name,email,merged_into
a,Anna,anna@example.org,
b,Anna S.,anna2@example.org,
c,Carl,carl@example.org,
";
const MERGED: &str = "id,name,email,merged_into
a,Anna,anna@example.org,
b,Anna S.,anna2@example.org,a
c,Carl,carl@example.org,
";

/// What is known of the three: who is in the rows, with purchase days and turnover, and how many
/// items and deals each has.
async fn known(shop: &Shop) -> Vec<(String, u32, i64, usize, usize)> {
    let mut known = Vec::new();
    for row in shop.clients(shop.today()).await {
        let facts = shop.facts(&row.client).await.unwrap();
        let turnover = facts.totals.turnover;
        let (items, deals) = (facts.items.len(), facts.deals.len());
        known.push((row.client, row.purchases, turnover, items, deals));
    }
    known
}

fn one(client: &str, days: u32, turnover: i64, items: usize, deals: usize) -> Known {
    (client.to_owned(), days, turnover * 100, items, deals)
}

type Known = (String, u32, i64, usize, usize);

fn apart() -> Vec<Known> {
    vec![
        one("a", 3, 300, 1, 1),
        one("b", 2, 350, 1, 1),
        one("c", 1, 10, 1, 0),
    ]
}

fn together() -> Vec<Known> {
    vec![one("a", 4, 650, 2, 2), one("c", 1, 10, 1, 0)]
}

async fn shop(mode: &str, clients: &str) -> Shop {
    let shop = Shop::open_as(mode, "", &[("call.toml", CAMPAIGN)]).await;
    shop.write("clients.csv", clients);
    shop.write("purchases.csv", PURCHASES);
    shop.write("deals.csv", DEALS);
    shop.write("visits.csv", VISITS);
    shop.import().await;
    shop
}

const CAMPAIGN: &str = r#"
id = "call"
title = "A call to everybody"
status = "live"
from = "company"
[trigger]
on = "date"
day = "11-25"
[[step]]
id = "call"
task = "call"
script = "usual-order"
"#;

#[tokio::test]
async fn a_merged_client_counts_for_the_one_who_stays_and_can_be_parted_again() {
    for mode in ["snapshot", "append"] {
        let shop = shop(mode, APART).await;
        assert_eq!(known(&shop).await, apart(), "{mode}");
        for _ in 0..2 {
            shop.write("clients.csv", MERGED);
            shop.import().await;
            assert_eq!(known(&shop).await[0], together()[0], "{mode}");
            // A further import with other purchases does the same merge again.
            shop.write(
                "purchases.csv",
                &format!("{PURCHASES}c,2026-05-05,1,salt\n"),
            );
            shop.import().await;
            assert_eq!(known(&shop).await[0], together()[0], "{mode}");
            shop.write("purchases.csv", PURCHASES);
            shop.write("clients.csv", APART);
            shop.import().await;
            assert_eq!(known(&shop).await[..2], apart()[..2], "{mode}");
        }
    }
}

#[tokio::test]
async fn a_merge_in_the_first_import_is_the_same_as_a_later_one() {
    let shop = shop("snapshot", MERGED).await;
    assert_eq!(known(&shop).await, together());
}

#[tokio::test]
async fn files_that_only_add_move_what_came_before() {
    let shop = shop("append", APART).await;
    shop.write(
        "purchases.csv",
        "client,date,amount,item\nb,2026-08-01,1,milk\n",
    );
    shop.write("clients.csv", "id,merged_into\nb,a\n");
    shop.import().await;
    assert_eq!(known(&shop).await[0], one("a", 5, 651, 2, 2));
    shop.write(
        "purchases.csv",
        "client,date,amount,item\nb,2026-09-01,1,milk\n",
    );
    shop.write("clients.csv", "id,merged_into\nb,\n");
    shop.import().await;
    assert_eq!(known(&shop).await[0], one("a", 3, 300, 1, 1));
    assert_eq!(known(&shop).await[1], one("b", 4, 352, 1, 1));
}

#[tokio::test]
async fn nothing_is_planned_for_a_merged_client_and_explain_says_who_he_is_now() {
    let shop = shop("snapshot", MERGED).await;
    let planned = plan(&shop.app, shop.today()).await.unwrap();
    assert!(planned.reach.iter().all(|reach| reach.of == 2));
    let called: Vec<&str> = planned.tasks.iter().map(|task| &*task.client).collect();
    assert_eq!(called, ["a", "c"]);
    let explained = shop.explain("b", shop.today()).await;
    assert_eq!(explained.merged_into.as_deref(), Some("a"));
    let text = explained.to_string();
    assert!(text.contains("merged into a"), "{text}");
}

#[tokio::test]
async fn what_was_open_under_the_second_card_is_closed_and_its_story_stays() {
    let shop = shop("snapshot", APART).await;
    let outcome = run(&shop.app, shop.today(), &|_| {}).await.unwrap();
    assert!(matches!(outcome, RunOutcome::Done(_)), "{outcome:?}");
    let waiting = || async {
        let tasks = shop.app.store.tasks(&TaskFilter::default()).await.unwrap();
        let mut clients: Vec<String> = tasks.into_iter().map(|task| task.client).collect();
        clients.sort();
        clients
    };
    assert_eq!(waiting().await, ["a", "b", "c"]);
    shop.write("clients.csv", MERGED);
    shop.import().await;
    assert_eq!(waiting().await, ["a", "c"]);
    shop.write("clients.csv", APART);
    shop.import().await;
    for (client, closed) in [("a", false), ("b", true)] {
        let facts = shop.facts(client).await.unwrap();
        let enrollments = facts.enrollments;
        assert_eq!(enrollments.len(), 1, "{client}");
        assert_eq!(enrollments[0].closed_on.is_some(), closed, "{client}");
    }
}

fn rejected(summary: &ImportSummary) -> Vec<(u64, &str)> {
    let file = summary.files.iter().find(|file| file.file == "clients.csv");
    let examples = file.unwrap().examples.iter();
    examples
        .map(|one| (one.line, one.reason.as_str()))
        .collect()
}

#[tokio::test]
async fn chains_and_circles_are_rejected_with_their_lines() {
    let shop = Shop::open("", &[]).await;
    shop.write(
        "clients.csv",
        "id,merged_into\nself,self\nleft,right\nright,left\nfirst,middle\nmiddle,last\nlast,\n",
    );
    shop.write(
        "purchases.csv",
        "client,date,amount\nfirst,2026-01-01,1\nmiddle,2026-02-01,1\n",
    );
    let summary = shop.import().await;
    let mut found = rejected(&summary);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (2, "is the client himself"),
            (3, "is merged himself, into left"),
            (4, "is merged himself, into right"),
            (5, "is merged himself, into last"),
        ]
    );
    let clients: Vec<String> = known(&shop).await.into_iter().map(|one| one.0).collect();
    assert_eq!(clients, ["last", "first"]);
}

#[tokio::test]
async fn who_is_merged_into_nobody_we_know_stands_for_himself() {
    let shop = shop(
        "snapshot",
        &MERGED.replace("b,Anna S.,anna2@example.org,a", "b,,,x"),
    )
    .await;
    assert_eq!(known(&shop).await, apart());
    shop.write("clients.csv", &MERGED.replace("org,a", "org,nobody"));
    let notes = shop.import().await.notes;
    assert!(
        notes.iter().any(|note| note.contains("not known")),
        "{notes:?}"
    );
}

#[tokio::test]
async fn what_was_taken_back_under_a_second_card_binds_the_client_who_stays() {
    let mail = |planned: &rekindle::rules::plan::Plan| {
        let advertising = planned.reach.iter().find(|reach| {
            reach.channel.to_string() == "email" && reach.class.to_string() == "advertising"
        });
        advertising.unwrap().clients
    };
    // Anna agreed under her own card, later than she said no under the second one.
    let consents = "client,channel,class,basis,given,withdrawn
a,email,advertising,consent,2026-06-01,
b,email,advertising,consent,2026-01-01,2026-02-01
";
    for (clients, reached) in [(APART, 1), (MERGED, 0), (APART, 1)] {
        let shop = shop("snapshot", clients).await;
        shop.write("consents.csv", consents);
        shop.import().await;
        let planned = plan(&shop.app, shop.today()).await.unwrap();
        assert_eq!(mail(&planned), reached, "{clients}");
    }
    // What she gave under either card is given; what comes after a withdrawal under the same card
    // takes it back.
    let shop = shop("snapshot", MERGED).await;
    shop.write(
        "consents.csv",
        &format!("{consents}b,email,advertising,consent,2026-07-01,\n"),
    );
    shop.import().await;
    let planned = plan(&shop.app, shop.today()).await.unwrap();
    assert_eq!(mail(&planned), 1);
}

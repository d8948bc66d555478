//! The figures of the owner: what the page shows is what the tables hold.

use reqwest::StatusCode;

use super::Firm;

#[tokio::test]
async fn the_health_of_the_base_is_counted_once_a_week_and_adds_up() {
    let firm = Firm::open().await;
    let owner = firm.sign_in("owner@example.org").await;
    let page = owner.read("/figures").await;
    assert!(
        page.contains("/figures/health.svg") && page.contains("Ольга Петрова"),
        "{page}"
    );
    let csv = owner.read("/figures/health.csv").await;
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("day,manager,from,to,clients"));
    let counted: i64 = lines
        .map(|line| line.rsplit(',').next().unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(counted, firm.number("SELECT count(*) FROM clients").await);
    firm.pass(chrono::TimeDelta::days(3));
    firm.run_the_day().await;
    assert_eq!(
        firm.number("SELECT count(DISTINCT day) FROM base_weeks")
            .await,
        1
    );
    firm.pass(chrono::TimeDelta::days(4));
    firm.run_the_day().await;
    assert_eq!(
        firm.number("SELECT count(DISTINCT day) FROM base_weeks")
            .await,
        2
    );
}

#[tokio::test]
async fn the_funnel_of_rejections_follows_what_managers_record() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let task = firm.task_about("c1").await;
    let fields = "attempt=0&kind=friend_named&friend_name=Anna&friend_phone=%2B79130001122";
    let told = olga.send(&format!("/tasks/{task}"), fields).await;
    assert_eq!(told.status(), StatusCode::SEE_OTHER);
    let head = firm.sign_in("head@example.org").await;
    let csv = head
        .read("/figures/rejections.csv?from=2026-08-01&to=2026-11-30")
        .await;
    let mut table = csv::Reader::from_reader(csv.as_bytes());
    let heads = table.headers().unwrap().clone();
    let at = |name: &str| heads.iter().position(|one| one == name).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let sum = |name: &str| {
        rows.iter()
            .map(|row| row[at(name)].parse::<i64>().unwrap())
            .sum::<i64>()
    };
    assert_eq!(
        sum("rejected"),
        firm.number("SELECT count(*) FROM deals WHERE status = 'lost'")
            .await
    );
    assert_eq!((sum("reached"), sum("friend_named")), (1, 1), "{csv}");
    let page = head
        .read("/figures?from=2026-08-01&to=2026-11-30&by=reason")
        .await;
    assert!(
        page.contains("Named a friend") || page.contains("Friend named"),
        "{page}"
    );
    for file in ["health.svg", "repeat-sales.svg", "rejections.svg"] {
        let picture = head.get(&format!("/figures/{file}")).await;
        assert_eq!(picture.headers()["content-type"], "image/svg+xml", "{file}");
    }
    for file in ["repeat-sales.csv", "second-purchases.csv"] {
        assert!(
            head.read(&format!("/figures/{file}")).await.contains(','),
            "{file}"
        );
    }
    assert_eq!(
        head.status("/figures/nothing.csv").await,
        StatusCode::NOT_FOUND
    );
}

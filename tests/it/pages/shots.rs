//! Pictures of every page to be looked at: `cargo test --test it pages::shots -- --ignored` writes
//! them into `target/pages/`, light and dark, as wide as a phone and as a desk.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::browser::Chromium;
use super::gift::{FRIEND, GIFT};
use super::{CLIENTS, DEALS, Firm, PURCHASES};

/// The longest picture in pixels: five hundred tasks are much longer.
const LONGEST: u32 = 3_200;

#[tokio::test]
#[ignore = "writes pictures for people"]
async fn every_page_is_drawn_for_people_to_look_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    fs::create_dir_all(&folder).unwrap();
    let (clients, deals) = many(500);
    let firm = Firm::set_up(GIFT, &clients, PURCHASES, &deals).await;
    a_friend_is_named(&firm).await;
    for (width, height) in [(390, 844), (1280, 900)] {
        let Some(browser) = Chromium::start(width, height).await else {
            return;
        };
        let pages = pages(&firm).await;
        let mut last = "";
        for (person, name, path) in &pages {
            if *person != last {
                enter(&firm, &browser, person).await;
                last = person;
            }
            browser.go(&firm.page(path)).await;
            for dark in [false, true] {
                browser.prefer_dark(dark).await;
                let scheme = if dark { "dark" } else { "light" };
                let picture = browser.picture(LONGEST).await;
                fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), picture).unwrap();
            }
            let wide = browser
                .run("return document.documentElement.scrollWidth")
                .await;
            assert!(
                wide.as_u64().unwrap() <= width.into(),
                "{path} is {wide} wide"
            );
        }
    }
}

/// Something has come of a task, so that there is a certificate to be sent.
async fn a_friend_is_named(firm: &Firm) {
    let olga = firm.sign_in("olga@example.org").await;
    let task = format!("/tasks/{}", firm.task_about("c3").await);
    olga.send(&task, FRIEND).await;
}

async fn enter(firm: &Firm, browser: &Chromium, person: &str) {
    browser
        .devtools("Network.clearBrowserCookies", &serde_json::json!({}))
        .await;
    if !person.is_empty() {
        browser.go(&firm.page(&firm.link_for(person).await)).await;
        browser.tap("main button").await;
        browser.see("header nav").await;
    }
    firm.pass(chrono::TimeDelta::minutes(4));
}

/// Whose page, what its picture is called, and where it is.
async fn pages(firm: &Firm) -> Vec<(&'static str, &'static str, String)> {
    let (task, client) = (firm.task_about("c1").await, firm.client("c1").await);
    let (gift, long) = (firm.task_about("c3").await, firm.task_about("m7").await);
    let (long_card, english) = (firm.client("m7").await, firm.client("c4").await);
    let list = firm
        .number("SELECT id FROM messages WHERE step = 'list-john'")
        .await;
    let long_list = firm
        .number("SELECT id FROM messages WHERE step = 'list-olga'")
        .await;
    let letter = firm
        .number("SELECT id FROM messages WHERE template = 'thank-you'")
        .await;
    vec![
        ("", "sign-in", "/sign-in".to_owned()),
        ("olga@example.org", "today", "/today".to_owned()),
        ("olga@example.org", "task", format!("/tasks/{task}")),
        ("olga@example.org", "card", format!("/clients/{client}")),
        ("olga@example.org", "task-long", format!("/tasks/{long}")),
        ("olga@example.org", "gift", format!("/tasks/{gift}")),
        (
            "olga@example.org",
            "card-long",
            format!("/clients/{long_card}"),
        ),
        (
            "olga@example.org",
            "search",
            "/clients?q=%D0%90%D0%BD%D0%BD%D0%B0".to_owned(),
        ),
        (
            "olga@example.org",
            "search-many",
            "/clients?q=7913".to_owned(),
        ),
        (
            "olga@example.org",
            "search-none",
            "/clients?q=%D1%8D%D1%8E%D1%8F".to_owned(),
        ),
        ("olga@example.org", "nothing", "/nothing".to_owned()),
        ("john@example.org", "today-en", "/today".to_owned()),
        ("john@example.org", "card-en", format!("/clients/{english}")),
        ("empty@example.org", "empty", "/today".to_owned()),
        ("head@example.org", "team", "/today".to_owned()),
        ("owner@example.org", "campaigns", "/campaigns".to_owned()),
        ("owner@example.org", "plan", "/plan".to_owned()),
        ("owner@example.org", "letters", "/letters".to_owned()),
        (
            "owner@example.org",
            "letter",
            "/letters/letters/thank-you".to_owned(),
        ),
        ("owner@example.org", "outbox", "/outbox".to_owned()),
        ("owner@example.org", "sent", format!("/outbox/{letter}")),
        (
            "owner@example.org",
            "list-letter",
            format!("/outbox/{list}/body"),
        ),
        (
            "owner@example.org",
            "list-long",
            format!("/outbox/{long_list}"),
        ),
        ("owner@example.org", "figures", "/figures".to_owned()),
    ]
}

/// The clients and deals of the firm, and so many more with long names, all of one manager.
pub(super) fn many(n: usize) -> (String, String) {
    let (mut clients, mut deals) = (CLIENTS.to_owned(), DEALS.to_owned());
    for i in 0..n {
        let _ = writeln!(
            clients,
            "m{i},Константин Вениаминович Рождественский-Преображенский {i},\
             ООО «Научно-производственное объединение Сельхозпромэлектромашкомплектация-{i}»,\
             konstantin.rozhdestvensky-preobrazhensky-{i}@very-long-domain-name.example.org,\
             +7913555{i:04},olga,"
        );
        let _ = writeln!(
            deals,
            "n{i},m{i},Поставка оборудования для кофейни на улице Двадцати шести Бакинских Комиссаров,\
             lost,Отказ,{},2026-08-01,2026-08-2{},дорого,olga",
            100_000 + i * 1_000,
            i % 5
        );
    }
    (clients, deals)
}

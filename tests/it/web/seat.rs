//! The page of an event: a seat is taken and given back by a signed link, and no more are given than
//! there are.

use rekindle::model::Channel;
use rekindle::rules::delivery::token::{self, Purpose};
use reqwest::StatusCode;

use super::{Company, key};

impl Company {
    fn seat_link(&self, n: i64) -> String {
        let token = token::make(&self.app.key, Purpose::Event, &key(n));
        format!("{}/e/{token}", self.public)
    }

    async fn choose(&self, link: &str, what: &str) -> (StatusCode, String) {
        let form = self.http.post(link).body(format!("do={what}"));
        let answer = form.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn taken(&self) -> i64 {
        self.number("SELECT count(*) FROM seats WHERE taken = 1")
            .await
    }
}

#[tokio::test]
async fn a_seat_is_taken_kept_and_given_back() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let link = company.seat_link(1);
    for _ in 0..5 {
        let page = company.http.get(&link).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let html = page.text().await.unwrap();
        assert!(
            html.contains("Тесто &lt;b&gt;") && html.contains("18:30"),
            "{html}"
        );
    }
    assert_eq!(company.taken().await, 0, "looking takes no seat");
    for _ in 0..3 {
        let (status, html) = company.choose(&link, "register").await;
        assert_eq!(status, StatusCode::OK);
        assert!(html.contains("Вы записаны"), "{html}");
    }
    assert_eq!(company.taken().await, 1);
    let (_, html) = company.choose(&link, "cancel").await;
    assert!(html.contains("Место свободно"), "{html}");
    assert_eq!(company.taken().await, 0);
    assert_eq!(company.choose(&link, "x").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn no_more_seats_are_given_than_there_are_however_many_ask_at_once() {
    let company = Company::open().await;
    for n in 1..=12 {
        company.message(n, Channel::Email, "accepted").await;
    }
    let links: Vec<String> = (1..=12).map(|n| company.seat_link(n)).collect();
    let asked = links.iter().map(|link| company.choose(link, "register"));
    let answers = futures::future::join_all(asked).await;
    assert_eq!(company.taken().await, 3);
    let full = answers
        .iter()
        .filter(|(_, html)| html.contains("Мест больше нет"));
    assert_eq!(full.count(), 9);
}

#[tokio::test]
async fn a_link_for_another_purpose_opens_no_page_of_an_event() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    for purpose in [Purpose::Unsubscribe, Purpose::Preferences] {
        let token = token::make(&company.app.key, purpose, &key(1));
        let link = format!("{}/e/{token}", company.public);
        let (status, _) = company.choose(&link, "register").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    assert_eq!(company.taken().await, 0);
}

//! The page of a certificate, and the page for the till.

use reqwest::StatusCode;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};

use super::{Company, secret};
use crate::certificates::code_of;

const PIN: &str = "4711";

async fn company(settings: &str) -> (Company, String) {
    let company = Company::open_with(settings).await;
    company
        .message(1, rekindle::model::Channel::Email, "accepted")
        .await;
    let code = code_of(1);
    company
        .sql(&format!(
            "INSERT INTO certificates (code, campaign, client_id, episode, step, kind, discount, gift,
                                       issued_on, valid_until, run_id)
             VALUES ('{code}', 'winback', 1, 'e', 's', 'friend', '10%', 'a cup <b>', 20700, 20900, 1)"
        ))
        .await;
    (company, code)
}

impl Company {
    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self
            .http
            .get(format!("{}{path}", self.public))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn the_page_shows_the_certificate_and_nobody() {
    let (company, code) = company("").await;
    let answer = company
        .http
        .get(format!("{}/c/{}", company.public, code.to_lowercase()))
        .header("accept-language", "en")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["x-robots-tag"], "noindex");
    let html = answer.text().await.unwrap();
    assert!(html.contains(&code) && html.contains("is valid") && html.contains("noindex"));
    assert!(html.contains("a cup &lt;b&gt;"), "{html}");
    for personal in ["Anna", "anna1", "7701", "winback"] {
        assert!(!html.contains(personal), "{personal}");
    }
    let (_, russian) = {
        let asked = company.http.get(format!("{}/c/{code}", company.public));
        let answer = asked.header("accept-language", "ru").send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert!(russian.contains("Сертификат действует"), "{russian}");
    company
        .sql(&format!(
            "UPDATE certificates SET valid_until = 20701 WHERE code = '{code}'"
        ))
        .await;
    let (_, html) = company.get(&format!("/c/{code}")).await;
    assert!(
        html.contains("expired") && !html.contains("Download"),
        "{html}"
    );
}

#[tokio::test]
async fn the_picture_and_the_sheet_are_files() {
    let (company, code) = company("").await;
    for (end, media, magic) in [
        ("png", "image/png", &b"\x89PNG"[..]),
        ("pdf", "application/pdf", &b"%PDF"[..]),
    ] {
        for _ in 0..2 {
            let asked = company
                .http
                .get(format!("{}/c/{code}.{end}", company.public));
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["content-type"], media);
            assert!(answer.bytes().await.unwrap().starts_with(magic), "{end}");
        }
    }
    let (status, _) = company.get(&format!("/c/{}.png", code_of(2))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_guesses_is_soon_answered_nothing_at_all() {
    let (company, code) = company("").await;
    assert_eq!(company.get(&format!("/c/{code}")).await.0, StatusCode::OK);
    for n in 0..5 {
        let guess = if n % 2 == 0 {
            code_of(500 + n)
        } else {
            format!("nonsense-{n}")
        };
        assert_eq!(
            company.get(&format!("/c/{guess}")).await.0,
            StatusCode::NOT_FOUND,
            "{n}"
        );
    }
    let (status, _) = company.get(&format!("/c/{}", code_of(9))).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    // A good guess tells him nothing either.
    let (status, html) = company.get(&format!("/c/{code}")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!html.contains(&code));
}

#[tokio::test]
async fn without_a_pin_there_is_no_till() {
    let (company, _) = company("").await;
    let answer = company
        .http
        .get(format!("{}/till", company.staff))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let on_public = company
        .http
        .get(format!("{}/till", company.public))
        .send()
        .await
        .unwrap();
    assert_eq!(on_public.status(), StatusCode::NOT_FOUND);
}

/// A company whose till is open, and the cookie of whoever has given the PIN.
async fn open_till() -> (Company, String, String) {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("secrets")).unwrap();
    secret(home.path(), "till", PIN);
    let file = home.path().join("secrets/till");
    let settings = format!("[certificates]\ntill_pin_file = \"{}\"", file.display());
    let (company, code) = company(&settings).await;
    let entered = company
        .post("/till/enter", &format!("pin={PIN}"), None)
        .await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    assert_eq!(entered.headers()[LOCATION], "/till");
    let cookie = entered.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    assert!(!cookie.contains(PIN));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (company, code, cookie)
}

impl Company {
    async fn post(&self, path: &str, body: &str, cookie: Option<&str>) -> reqwest::Response {
        let mut request = self
            .http
            .post(format!("{}{path}", self.staff))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept-language", "en")
            .body(body.to_owned());
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.send().await.unwrap()
    }

    async fn till(&self, body: &str, cookie: &str) -> String {
        self.post("/till", body, Some(cookie))
            .await
            .text()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn the_till_looks_redeems_once_and_denies_the_giver() {
    let (company, code, cookie) = open_till().await;
    let seen = company.till(&format!("do=look&code={code}"), &cookie).await;
    assert!(seen.contains("Valid") && seen.contains("10"), "{seen}");
    let cheat = format!("do=redeem&code={code}&receipt=1&contact=anna1%40example.org");
    let denied = company.till(&cheat, &cookie).await;
    assert!(
        denied.contains("Not redeemed") && denied.contains("giver"),
        "{denied}"
    );
    let good = format!("do=redeem&code={code}&receipt=1&contact=new%40example.org&cashier=Olga");
    let done = company.till(&good, &cookie).await;
    assert!(
        done.contains("Redeemed.") && done.contains("a cup &lt;b&gt;"),
        "{done}"
    );
    let again = company.till(&good, &cookie).await;
    assert!(again.contains("before by this very receipt"), "{again}");
    let other = company
        .till(&good.replace("receipt=1", "receipt=2"), &cookie)
        .await;
    assert!(
        other.contains("has been used") && other.contains("till: Olga"),
        "{other}"
    );
    assert_eq!(company.number("SELECT count(*) FROM redemptions").await, 1);
    let russian = company.http.post(format!("{}/till", company.staff));
    let russian = russian
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept-language", "ru")
        .header(COOKIE, &cookie)
        .body(good.replace("receipt=1", "receipt=3"));
    let russian = russian.send().await.unwrap().text().await.unwrap();
    assert!(russian.contains("Сертификат уже использован."), "{russian}");
    let mistyped = company.till("do=look&code=MC-1", &cookie).await;
    assert!(mistyped.contains("Check what was typed"), "{mistyped}");
}

#[tokio::test]
async fn nothing_is_redeemed_without_the_pin_and_it_cannot_be_guessed_for_long() {
    let (company, code, cookie) = open_till().await;
    let body = format!("do=redeem&code={code}&receipt=1");
    for bad in [None, Some("till=0"), Some("other=1")] {
        let answer = company.post("/till", &body, bad).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(company.number("SELECT count(*) FROM redemptions").await, 0);
    for n in 0..5 {
        let answer = company.post("/till/enter", &format!("pin={n}"), None).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    let answer = company
        .post("/till/enter", &format!("pin={PIN}"), None)
        .await;
    assert_eq!(
        answer.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "even the right one waits"
    );
    let inside = company.post("/till", &body, Some(&cookie)).await;
    assert_eq!(inside.status(), StatusCode::OK, "who is inside goes on");
}

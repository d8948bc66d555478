//! The door: who comes in, by what, and for how long.

use chrono::TimeDelta;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, StatusCode};

use super::{Firm, location};

/// Every page behind the door.
async fn pages(firm: &Firm) -> Vec<String> {
    let (task, client) = (firm.task_about("c1").await, firm.client("c1").await);
    let mut pages: Vec<String> = [
        "/",
        "/today",
        "/campaigns",
        "/plan",
        "/letters",
        "/outbox",
        "/figures",
        "/clients?q=anna",
        "/no-such-page",
        "/today?manager=olga",
        "/letters/letters/thank-you",
        "/letters/letters/thank-you/body",
    ]
    .map(str::to_owned)
    .into();
    pages.extend([
        format!("/tasks/{task}"),
        format!("/clients/{client}"),
        format!("/clients/{client}/rhythm.svg"),
        "/outbox/1".to_owned(),
        "/outbox/1/body".to_owned(),
        "/tasks/999999".to_owned(),
    ]);
    pages
}

#[tokio::test]
async fn a_stranger_without_the_link_sees_nothing() {
    let firm = Firm::open().await;
    for page in pages(&firm).await {
        let answer = firm.get(&page).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{page}");
        let door = location(&answer);
        let to = door.strip_prefix("/sign-in").unwrap();
        assert!(to.is_empty() || to.starts_with("?to=%2f"), "{page}: {door}");
        assert_eq!(answer.text().await.unwrap(), "", "{page}");
        for cookie in [
            "rekindle=x",
            "rekindle=",
            "rekindle=../../etc",
            "__Host-rekindle=x",
        ] {
            let request = firm.http.get(firm.page(&page)).header(COOKIE, cookie);
            assert_eq!(
                request.send().await.unwrap().status(),
                StatusCode::SEE_OTHER
            );
        }
    }
    let task = firm.task_about("c1").await;
    let posted = firm
        .post(&format!("/tasks/{task}"), "kind=bought&attempt=0")
        .await;
    assert_eq!(posted.status(), StatusCode::SEE_OTHER);
    assert_eq!(firm.number("SELECT count(*) FROM outcomes").await, 0);
    let door = firm.get("/sign-in").await.text().await.unwrap();
    for secret in ["Ромашка", "Петрова", "olga", "1234567"] {
        assert!(!door.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn asking_says_the_same_to_those_whom_nobody_knows() {
    let firm = Firm::open().await;
    let known = firm.post("/sign-in", "email=olga%40example.org").await;
    let unknown = firm.post("/sign-in", "email=mallory%40example.org").await;
    assert_eq!(known.status(), unknown.status());
    assert_eq!(known.text().await.unwrap(), unknown.text().await.unwrap());
    let letters = firm.links_in_the_sandbox();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].0, "olga@example.org");
    // What is in the database is not enough to make the link.
    let token = letters[0].1.rsplit('/').next().unwrap().to_owned();
    let all = firm
        .text("SELECT string_agg(inputs || key, ',') FROM messages")
        .await;
    assert!(!all.contains(&token), "the link stands in the database");
}

#[tokio::test]
async fn a_prefetching_scanner_changes_nothing_and_the_link_is_good_once() {
    let firm = Firm::open().await;
    let link = firm.link_for("olga@example.org").await;
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        for _ in 0..3 {
            let answer = firm
                .http
                .request(method.clone(), firm.page(&link))
                .send()
                .await
                .unwrap();
            assert!(answer.headers().get(SET_COOKIE).is_none(), "{method}");
        }
    }
    assert_eq!(firm.number("SELECT count(*) FROM sessions").await, 0);
    assert_eq!(
        firm.number("SELECT count(*) FROM sign_ins WHERE used_at IS NOT NULL")
            .await,
        0
    );
    let entered = firm.post(&link, "").await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    let cookie = entered.headers()[SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let again = firm.post(&link, "").await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
    assert!(again.headers().get(SET_COOKIE).is_none());
    // The cookie is kept as a hash only.
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    assert_eq!(firm.number("SELECT count(*) FROM sessions").await, 1);
    let kept = firm
        .text("SELECT hex(token_hash) || person FROM sessions")
        .await;
    assert!(!kept.contains(secret));
    assert_eq!(
        firm.number("SELECT count(*) FROM audit WHERE what = 'signed in'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_link_is_good_for_a_quarter_of_an_hour_and_a_forged_one_never() {
    let firm = Firm::open().await;
    let link = firm.link_for("olga@example.org").await;
    let forged = format!("{}A", &link[..link.len() - 1]);
    let other = link.replace("/sign-in/v1.", "/sign-in/v2.");
    for bad in [forged.as_str(), &other, "/sign-in/x", "/sign-in/%00"] {
        if bad != link {
            assert_eq!(firm.get(bad).await.status(), StatusCode::NOT_FOUND, "{bad}");
            assert_eq!(
                firm.post(bad, "").await.status(),
                StatusCode::NOT_FOUND,
                "{bad}"
            );
        }
    }
    firm.pass(TimeDelta::minutes(16));
    assert_eq!(firm.get(&link).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(firm.post(&link, "").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(firm.number("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn whoever_signs_in_lands_on_the_page_that_he_asked_for() {
    let firm = Firm::open().await;
    let task = firm.task_about("c1").await;
    let asked = firm.get(&format!("/tasks/{task}")).await;
    let door = location(&asked);
    let page = firm.get(&door).await.text().await.unwrap();
    let hidden = format!("name=\"to\" value=\"/tasks/{task}\"");
    assert!(page.contains(&hidden), "{page}");
    let sent = firm
        .post(
            "/sign-in",
            &format!("email=olga%40example.org&to=%2Ftasks%2F{task}"),
        )
        .await;
    assert_eq!(sent.status(), StatusCode::OK);
    // The link may be opened in another browser: the page goes with it.
    let link = firm.links_in_the_sandbox().remove(0).1;
    let entered = firm.post(&link, "").await;
    assert_eq!(location(&entered), format!("/tasks/{task}"));
    let cookie = entered.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let again = firm.http.get(firm.page(&door)).header(COOKIE, cookie);
    let again = again.send().await.unwrap();
    assert_eq!(
        location(&again),
        format!("/tasks/{task}"),
        "he is in already"
    );
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_through_our_door() {
    let firm = Firm::open().await;
    for elsewhere in [
        "https%3A%2F%2Fevil.example.org",
        "%2F%2Fevil.example.org",
        "%2F%5Cevil.example.org",
        "javascript%3Aalert(1)",
        "%2Fsign-out",
    ] {
        let page = firm.get(&format!("/sign-in?to={elsewhere}")).await;
        let page = page.text().await.unwrap();
        assert!(!page.contains("name=\"to\""), "{elsewhere}\n{page}");
        firm.pass(TimeDelta::minutes(20));
        let known = firm.links_in_the_sandbox().len();
        let form = format!("email=olga%40example.org&to={elsewhere}");
        firm.post("/sign-in", &form).await;
        assert_eq!(firm.links_in_the_sandbox().len(), known + 1);
        let entered = firm
            .post(&firm.newest_link("olga@example.org").await, "")
            .await;
        assert_eq!(location(&entered), "/", "{elsewhere}");
    }
}

#[tokio::test]
async fn a_session_ends_unused_after_a_while_and_by_hand() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    for _ in 0..5 {
        firm.pass(TimeDelta::hours(11));
        assert_eq!(olga.status("/today").await, StatusCode::OK);
    }
    firm.pass(TimeDelta::hours(13));
    assert_eq!(olga.status("/today").await, StatusCode::SEE_OTHER);
    let olga = firm.sign_in("olga@example.org").await;
    let out = olga.send("/sign-out", "").await;
    assert_eq!(location(&out), "/sign-in");
    assert_eq!(olga.status("/today").await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_stays_in_for_more_than_two_weeks() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    for _ in 0..33 {
        firm.pass(TimeDelta::hours(10));
        assert_eq!(olga.status("/today").await, StatusCode::OK);
    }
    firm.pass(TimeDelta::hours(10));
    assert_eq!(olga.status("/today").await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let john = firm.sign_in("john@example.org").await;
    let path = format!("/tasks/{}", firm.task_about("c1").await);
    let of_john = john.csrf().await;
    for body in [
        "kind=bought&attempt=0".to_owned(),
        "csrf=&kind=bought&attempt=0".to_owned(),
        format!("csrf={of_john}&kind=bought&attempt=0"),
    ] {
        assert_eq!(
            olga.post(&path, &body).await.status(),
            StatusCode::FORBIDDEN,
            "{body}"
        );
    }
    let csrf = olga.csrf().await;
    let request = firm
        .http
        .post(firm.page(&path))
        .header(COOKIE, &olga.cookie);
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(format!("csrf={csrf}&kind=bought&attempt=0"));
    assert_eq!(
        request.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(firm.number("SELECT count(*) FROM outcomes").await, 0);
    assert_eq!(olga.get(&path).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn whoever_asks_too_often_waits() {
    let firm = Firm::open().await;
    for _ in 0..8 {
        firm.post("/sign-in", "email=olga%40example.org").await;
    }
    assert_eq!(
        firm.links_in_the_sandbox().len(),
        5,
        "so many links in a quarter of an hour"
    );
    let mut last = StatusCode::OK;
    for n in 0..20 {
        last = firm
            .post("/sign-in", &format!("email=a{n}%40example.org"))
            .await
            .status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    firm.pass(TimeDelta::minutes(2));
    let later = firm.post("/sign-in", "email=john%40example.org").await;
    assert_eq!(later.status(), StatusCode::OK);
}

#[tokio::test]
async fn everybody_sees_his_own_and_nothing_else_exists_for_him() {
    let firm = Firm::open().await;
    let (hers, his) = (firm.task_about("c1").await, firm.task_about("c4").await);
    let (anna, carol) = (firm.client("c1").await, firm.client("c4").await);
    let olga = firm.sign_in("olga@example.org").await;
    for (path, expected) in [
        (format!("/tasks/{hers}"), StatusCode::OK),
        (format!("/tasks/{his}"), StatusCode::NOT_FOUND),
        (format!("/clients/{anna}"), StatusCode::OK),
        (format!("/clients/{carol}"), StatusCode::NOT_FOUND),
        (
            format!("/clients/{carol}/rhythm.svg"),
            StatusCode::NOT_FOUND,
        ),
        ("/today?manager=john".to_owned(), StatusCode::NOT_FOUND),
        ("/campaigns".to_owned(), StatusCode::NOT_FOUND),
        ("/plan".to_owned(), StatusCode::NOT_FOUND),
        ("/outbox".to_owned(), StatusCode::NOT_FOUND),
        ("/letters".to_owned(), StatusCode::NOT_FOUND),
        ("/figures".to_owned(), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(olga.status(&path).await, expected, "{path}");
    }
    // What is not hers cannot be told from what does not exist.
    let hidden = olga
        .get(&format!("/clients/{carol}"))
        .await
        .text()
        .await
        .unwrap();
    let nobody = olga.get("/clients/999999").await.text().await.unwrap();
    assert_eq!(hidden, nobody);
    let posted = olga
        .send(&format!("/tasks/{his}"), "kind=bought&attempt=0")
        .await;
    assert_eq!(posted.status(), StatusCode::NOT_FOUND);
    assert_eq!(firm.number("SELECT count(*) FROM outcomes").await, 0);
    let head = firm.sign_in("head@example.org").await;
    let marketing = firm.sign_in("marketing@example.org").await;
    let owner = firm.sign_in("owner@example.org").await;
    for (page, by_head, by_marketing, by_owner) in [
        ("/today?manager=olga", true, false, true),
        ("/campaigns", false, true, true),
        ("/plan", false, true, true),
        ("/letters", false, true, true),
        ("/outbox", false, true, true),
        ("/figures", true, false, true),
    ] {
        for (browser, sees) in [
            (&head, by_head),
            (&marketing, by_marketing),
            (&owner, by_owner),
        ] {
            let expected = if sees {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(
                browser.status(page).await,
                expected,
                "{page} {}",
                browser.cookie
            );
        }
    }
    assert_eq!(
        marketing.status(&format!("/clients/{carol}")).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_pages_are_kept_nowhere_and_run_nothing() {
    let firm = Firm::open().await;
    let owner = firm.sign_in("owner@example.org").await;
    for page in pages(&firm).await {
        let answer = owner.get(&page).await;
        let heads = answer.headers().clone();
        assert!(
            heads["cache-control"]
                .to_str()
                .unwrap()
                .contains("no-store"),
            "{page}"
        );
        let policy = heads["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("script-src"),
            "{page}"
        );
        let html = answer.text().await.unwrap();
        assert!(
            !html.contains("<script") && !html.contains("onerror=alert(1)>"),
            "{page}: {html}"
        );
        assert!(
            !html.contains("style=\"") || page.ends_with("/body"),
            "{page}"
        );
    }
}

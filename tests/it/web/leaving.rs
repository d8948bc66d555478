//! Pages for leaving: looking changes nothing, one click works without anything else.

use rekindle::model::Channel;
use reqwest::{Method, StatusCode};

use super::{Company, key};

#[tokio::test]
async fn looking_at_a_link_changes_nothing() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let before = company.picture().await;
    let (unsubscribe, preferences) = company.links(1);
    for link in [&unsubscribe, &preferences] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            for _ in 0..20 {
                let request = company.http.request(method.clone(), link.as_str());
                let status = request.send().await.unwrap().status();
                let expected = match method {
                    Method::OPTIONS => StatusCode::METHOD_NOT_ALLOWED,
                    _ => StatusCode::OK,
                };
                assert_eq!(status, expected, "{method} {link}");
            }
        }
        let odd = company
            .http
            .put(link.as_str())
            .body("do=stop-all")
            .send()
            .await;
        assert_eq!(odd.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(company.picture().await, before);
}

#[tokio::test]
async fn the_pages_say_little_and_run_nothing() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let (unsubscribe, preferences) = company.links(1);
    for link in [&unsubscribe, &preferences] {
        let page = company.http.get(link.as_str()).send().await.unwrap();
        let heads = page.headers().clone();
        for (name, part) in [
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert!(heads[name].to_str().unwrap().contains(part), "{name}");
        }
        assert!(heads.get("set-cookie").is_none());
        let html = page.text().await.unwrap();
        assert!(
            html.contains("a…@example.org") && !html.contains("anna1@"),
            "{html}"
        );
        assert!(!html.contains("7701"), "{html}");
        assert!(
            html.contains("Bakery &lt;b&gt;") && html.contains("lang=\"ru\""),
            "{html}"
        );
        assert!(!html.contains("<script") && html.contains("method=\"post\""));
    }
}

/// The page behind a link as its reader sees it, without its style.
async fn page(company: &Company, request: reqwest::RequestBuilder) -> String {
    let html = request.send().await.unwrap().text().await.unwrap();
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let page = format!("{before}{after}").replace(&company.public, "https://u.example.org");
    let lines = page.lines().map(str::trim_end);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[tokio::test]
async fn the_pages_for_leaving_and_choosing_are_as_they_were_approved() {
    let company = Company::open().await;
    for (n, locale) in [(1, "ru"), (2, "en")] {
        company.message(n, Channel::Email, "accepted").await;
        company
            .sql(&format!(
                "UPDATE messages SET inputs = replace(inputs, '\"locale\":\"ru\"', '\"locale\":\"{locale}\"')
                 WHERE id = {n}"
            ))
            .await;
        let (unsubscribe, preferences) = company.links(n);
        let get = |link: &str| company.http.get(link);
        let shown = [
            ("unsubscribe", page(&company, get(&unsubscribe)).await),
            ("preferences", page(&company, get(&preferences)).await),
            (
                "unsubscribed",
                page(
                    &company,
                    company
                        .http
                        .post(&unsubscribe)
                        .body("List-Unsubscribe=One-Click"),
                )
                .await,
            ),
            (
                "unsubscribed-before",
                page(&company, get(&unsubscribe)).await,
            ),
            (
                "everything-stopped",
                page(
                    &company,
                    company.http.post(&preferences).body("do=stop-all"),
                )
                .await,
            ),
        ];
        for (name, html) in shown {
            insta::assert_snapshot!(format!("{name}.{locale}"), html);
        }
    }
    let nowhere = company.http.get(format!("{}/nowhere", company.public));
    insta::assert_snapshot!("nowhere.en", page(&company, nowhere).await);
}

#[tokio::test]
async fn one_click_works_in_both_forms_without_cookies_and_twice() {
    let company = Company::open().await;
    for (n, kind, body) in [
        (
            1,
            "application/x-www-form-urlencoded",
            "List-Unsubscribe=One-Click",
        ),
        (
            2,
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
             One-Click\r\n--b--\r\n",
        ),
    ] {
        company.message(n, Channel::Email, "accepted").await;
        let (link, _) = company.links(n);
        let mut pictures = Vec::new();
        for _ in 0..3 {
            let request = company
                .http
                .post(link.as_str())
                .header("content-type", kind);
            let answer = request.body(body).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(answer.headers().get("location").is_none());
            pictures.push(company.picture().await);
        }
        assert!(pictures.windows(2).all(|two| two[0] == two[1]));
        assert_eq!(
            company.suppressed(n).await,
            ["email advertising unsubscribe"]
        );
    }
    let consents = company.number("SELECT count(*) FROM consents WHERE withdrawn_on IS NULL");
    assert_eq!(consents.await, 2);
    let said = company.http.get(company.links(1).0).send().await.unwrap();
    assert!(said.text().await.unwrap().contains("больше не пишем"));
    company.message(3, Channel::Email, "accepted").await;
    let empty = company.http.post(company.links(3).0).send().await.unwrap();
    assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
    assert!(company.suppressed(3).await.is_empty());
}

#[tokio::test]
async fn a_client_chooses_and_takes_it_back_and_nobody_elses_stop() {
    let company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let (_, link) = company.links(1);
    let choose = async |choice: &str| {
        let form = company
            .http
            .post(link.as_str())
            .body(format!("do={choice}"));
        form.send().await.unwrap().status()
    };
    assert_eq!(choose("stop-letters").await, StatusCode::OK);
    assert_eq!(
        company.suppressed(1).await,
        ["email advertising unsubscribe"]
    );
    assert_eq!(choose("stop-all").await, StatusCode::OK);
    assert_eq!(company.suppressed(1).await.len(), 3);
    assert_eq!(choose("allow-letters").await, StatusCode::OK);
    assert_eq!(company.suppressed(1).await, ["whatsapp all unsubscribe"]);
    assert_eq!(choose("allow-whatsapp").await, StatusCode::OK);
    assert!(company.suppressed(1).await.is_empty());
    assert_eq!(choose("nonsense").await, StatusCode::BAD_REQUEST);
    // A complaint stays, although the client had left by the page before.
    assert_eq!(choose("stop-letters").await, StatusCode::OK);
    let hash = company.app.key.hash(Channel::Email, &super::email(1));
    let (scope, reason) = ("advertising".parse().unwrap(), "complaint".parse().unwrap());
    let today = company.app.today();
    let store = &company.app.store;
    store
        .suppress(&hash, Channel::Email, scope, reason, today, "test")
        .await
        .unwrap();
    assert_eq!(choose("allow-letters").await, StatusCode::OK);
    assert_eq!(company.suppressed(1).await, ["email advertising complaint"]);
    let page = company.http.get(link.as_str()).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("напишите нам"));
    assert_eq!(company.number("SELECT count(*) FROM audit").await, 2);
}

#[tokio::test]
async fn no_mutated_token_is_accepted_and_guessers_are_slowed() {
    let company = Company::open_with("").await;
    company.message(1, Channel::Email, "accepted").await;
    let before = company.picture().await;
    let (unsubscribe, preferences) = company.links(1);
    let mut slowed = 0;
    for link in [&unsubscribe, &preferences] {
        let (page, token) = link.rsplit_once('/').unwrap();
        for place in 0..token.len() {
            let mut mutated = token.to_owned().into_bytes();
            mutated[place] = if mutated[place] == b'x' { b'y' } else { b'x' };
            let mutated = String::from_utf8(mutated).unwrap();
            let post = company.http.post(format!("{page}/{mutated}"));
            let body = "List-Unsubscribe=One-Click&do=stop-all";
            let status = post.body(body).send().await.unwrap().status();
            slowed += u32::from(status == StatusCode::TOO_MANY_REQUESTS);
            assert!(status.is_client_error(), "{mutated}: {status}");
        }
        // What was made for one page opens no other.
        let crossed = link
            .replace("/u/", "/x/")
            .replace("/p/", "/u/")
            .replace("/x/", "/p/");
        let post = company
            .http
            .post(crossed)
            .body("List-Unsubscribe=One-Click&do=stop-all");
        assert!(post.send().await.unwrap().status().is_client_error());
    }
    assert!(slowed > 0);
    assert_eq!(company.picture().await, before);
    // Whoever shares the guesser's address can still leave.
    let post = company
        .http
        .post(unsubscribe)
        .body("List-Unsubscribe=One-Click");
    assert_eq!(post.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(company.suppressed(1).await.len(), 1);
}

#[tokio::test]
async fn everything_else_is_nowhere_and_the_company_has_its_own_address() {
    let company = Company::open().await;
    for path in ["/", "/u", "/u/", "/p/x/y", "/admin", "/tasks", "/u/%ff"] {
        let request = company.http.get(format!("{}{path}", company.public));
        let answer = request
            .header("accept-language", "ru-RU,en")
            .send()
            .await
            .unwrap();
        let (status, html) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_client_error(), "{path}: {status}");
        if status == StatusCode::NOT_FOUND {
            assert!(html.contains("Такой страницы нет"), "{path}");
        }
    }
    let large = company
        .http
        .post(company.links(9).0)
        .body("x".repeat(100_000));
    assert!(large.send().await.unwrap().status().is_client_error());
    for server in [&company.public, &company.staff] {
        let answer = company.http.get(format!("{server}/healthz")).send().await;
        assert_eq!(answer.unwrap().text().await.unwrap(), "ok\n");
    }
    let link = company.links(1).0.replace(&company.public, &company.staff);
    let inside = company.http.get(link).send().await.unwrap();
    // Inside there is only the door for the company's own people.
    assert_eq!(inside.status(), StatusCode::SEE_OTHER);
    assert_eq!(inside.headers()["location"], "/sign-in");
    assert_eq!(key(1).len(), 20);
}

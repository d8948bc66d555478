//! The bounds of the public server: time, number, guessers; and how it ends.

use std::time::{Duration, Instant};

use rekindle::model::Channel;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Company;

/// The head of a request whose body comes later.
async fn begun(company: &Company) -> TcpStream {
    let address = company.public.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: u.example.org\r\nContent-Length: 26\r\n\r\nList-Unsub",
        company.links(1).0.strip_prefix(&company.public).unwrap()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What comes until the other side closes or the answer is whole.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut piece));
        match read.await.expect("an answer in time") {
            Ok(0) | Err(_) => break,
            Ok(read) => text.extend_from_slice(&piece[..read]),
        }
        let so_far = String::from_utf8_lossy(&text);
        if so_far.contains("</html>") || so_far.contains("moment.\n") {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

async fn healthy(company: &Company) -> reqwest::Response {
    let url = format!("{}/healthz", company.public);
    company.http.get(url).send().await.unwrap()
}

#[tokio::test]
async fn a_request_that_does_not_come_to_its_end_is_answered_when_its_time_is_over() {
    let company = Company::open_with("timeout = \"200ms\"").await;
    company.message(1, Channel::Email, "accepted").await;
    let asked = Instant::now();
    let mut stream = begun(&company).await;
    let said = answer(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert!(said.contains("retry-after: 5"), "{said}");
    assert!(asked.elapsed() >= Duration::from_millis(200));
    assert!(company.suppressed(1).await.is_empty());
}

#[tokio::test]
async fn more_requests_than_may_be_worked_on_are_asked_to_come_again() {
    let company = Company::open_with("at_once = 2").await;
    company.message(1, Channel::Email, "accepted").await;
    let mut two = [begun(&company).await, begun(&company).await];
    // Both have a place as soon as the server has read their heads.
    let turned_away = loop {
        let answered = healthy(&company).await;
        if answered.status() != StatusCode::OK {
            break answered;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(turned_away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(turned_away.headers()["retry-after"], "5");
    two[0].write_all(b"scribe=One-Click").await.unwrap();
    assert!(answer(&mut two[0]).await.starts_with("HTTP/1.1 200 "));
    while healthy(&company).await.status() != StatusCode::OK {
        tokio::task::yield_now().await;
    }
    assert_eq!(company.suppressed(1).await.len(), 1);
}

#[tokio::test]
async fn guessers_are_told_apart_by_the_web_server_in_front_and_by_nothing_a_visitor_writes() {
    for behind_proxy in [true, false] {
        let web = format!("behind_proxy = {behind_proxy}\nbad_links_per_minute = 2");
        let company = Company::open_with(&web).await;
        let guess = async |forwarded: &str| {
            let get = company.http.get(format!("{}/u/guessed", company.public));
            let get = get.header("X-Forwarded-For", forwarded);
            get.send().await.unwrap().status()
        };
        for _ in 0..2 {
            assert_eq!(guess("203.0.113.9").await, StatusCode::NOT_FOUND);
        }
        assert_eq!(guess("203.0.113.9").await, StatusCode::TOO_MANY_REQUESTS);
        let another = guess("203.0.113.9, 198.51.100.1").await;
        if behind_proxy {
            // The last address is the one that our own web server has seen.
            assert_eq!(another, StatusCode::NOT_FOUND);
            let written = guess("198.51.100.7, 203.0.113.9").await;
            assert_eq!(written, StatusCode::TOO_MANY_REQUESTS);
        } else {
            assert_eq!(
                another,
                StatusCode::TOO_MANY_REQUESTS,
                "all are one visitor"
            );
        }
    }
}

#[tokio::test]
async fn whoever_is_being_answered_when_the_service_stops_is_answered() {
    let mut company = Company::open().await;
    company.message(1, Channel::Email, "accepted").await;
    let mut stream = begun(&company).await;
    // The server has read the head: it holds a place.
    tokio::task::yield_now().await;
    assert_eq!(healthy(&company).await.status(), StatusCode::OK);
    company.stop.cancel();
    // Nobody new is let in any more.
    let address = company.public.strip_prefix("http://").unwrap().to_owned();
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"scribe=One-Click").await.unwrap();
    let said = answer(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    assert_eq!(company.suppressed(1).await.len(), 1);
    drop(stream);
    (&mut company.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_never_ends_his_request_keeps_nobody_from_stopping() {
    let mut company = Company::open_with("timeout = \"200ms\"").await;
    let address = company.public.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTT").await.unwrap();
    assert_eq!(healthy(&company).await.status(), StatusCode::OK);
    company.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(30), &mut company.serving);
    ended.await.expect("it ends").unwrap().unwrap();
    drop(stream);
}

//! Everybody reads his own language: pages, reasons, conditions, troubles, the letter with the list.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT_LANGUAGE, COOKIE};

use super::{Browser, Firm};

/// What a browser shows as text of a page, without the markup.
fn text_of(page: &str) -> String {
    let body = page.split_once("<main").map_or(page, |(_, main)| main);
    let mut text = String::new();
    let mut inside = true;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push('\n');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&nbsp;", " ").replace('\u{a0}', " ")
}

/// Lines without a single Russian letter, and with a word of three Latin ones or more.
fn foreign_lines(text: &str) -> Vec<String> {
    let is_word = |word: &str| word.len() > 2 && word.chars().all(|c| c.is_ascii_lowercase());
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .filter(|line| {
            !line
                .chars()
                .any(|c| ('а'..='я').contains(&c.to_lowercase().next().unwrap_or(c)))
        })
        .filter(|line| line.split(|c: char| !c.is_ascii_alphabetic()).any(is_word))
        .map(str::to_owned)
        .collect()
}

/// What stands on the pages that no language changes: names, ids, addresses, templates.
const OWN: [&str; 14] = [
    "example.org",
    "alert(",
    "{{reason}}",
    "WhatsApp",
    "CRM",
    "CSV",
    "vip",
    "John",
    "Carol",
    "Jones",
    "Tea for",
    "Head of",
    "bold",
    "№",
];

fn own(line: &str) -> bool {
    OWN.iter().any(|word| line.contains(word))
}

async fn assert_russian(browser: &Browser<'_>, path: &str) {
    let page = browser.read(path).await;
    assert!(page.contains("lang=\"ru\""), "{path}");
    let mut foreign = foreign_lines(&text_of(&page));
    foreign.retain(|line| !own(line));
    assert_eq!(foreign, Vec::<String>::new(), "{path}");
}

#[test]
fn a_foreign_line_is_seen() {
    let page = "<main><p>Почему</p><p>step <b>call</b> is taken</p><code>xyz</code> 12 </main>";
    assert_eq!(
        foreign_lines(&text_of(page)),
        ["step", "call", "is taken", "xyz"]
    );
}

#[tokio::test]
async fn a_russian_manager_reads_no_english() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let mut paths = vec!["/today".to_owned(), "/clients?q=%D0%B0%D0%BD".to_owned()];
    for client in ["c1", "c2", "c3", "c5"] {
        paths.push(format!("/clients/{}", firm.client(client).await));
    }
    for client in ["c1", "c3"] {
        paths.push(format!("/tasks/{}", firm.task_about(client).await));
    }
    for path in &paths {
        assert_russian(&olga, path).await;
    }
    // And after something came of a task.
    let task = format!("/tasks/{}", firm.task_about("c1").await);
    olga.send(&task, "attempt=0&kind=rejection&reason=price")
        .await;
    for path in &paths {
        assert_russian(&olga, path).await;
    }
}

#[tokio::test]
async fn why_a_client_is_in_a_campaign_is_told_in_the_language_of_the_reader() {
    let firm = Firm::open().await;
    let (anna, carol) = (firm.client("c1").await, firm.client("c4").await);
    let olga = firm.sign_in("olga@example.org").await;
    let page = olga
        .read(&format!("/clients/{anna}"))
        .await
        .replace('\u{a0}', " ");
    for said in ["сегодня шагов нет", "в последние дни ничего не купил"]
    {
        assert!(page.contains(said), "{said}\n{page}");
    }
    let john = firm.sign_in("john@example.org").await;
    let page = john.read(&format!("/clients/{carol}")).await;
    for said in ["no step is due", "no purchase in the last days"] {
        assert!(page.contains(said), "{said}\n{page}");
    }
}

#[tokio::test]
async fn a_task_says_why_in_the_language_of_whoever_reads_it() {
    let firm = Firm::open().await;
    let his = firm.task_about("c4").await;
    let john = firm.sign_in("john@example.org").await;
    let owner = firm.sign_in("owner@example.org").await;
    for path in [format!("/tasks/{his}"), "/today".to_owned()] {
        let page = john.read(&path).await.replace('\u{a0}', " ");
        assert!(
            page.contains("Rejection &quot;Tea for the office&quot;"),
            "{page}"
        );
        assert!(!page.contains("Отказ «Tea"), "{page}");
    }
    let page = owner
        .read(&format!("/tasks/{his}"))
        .await
        .replace('\u{a0}', " ");
    assert!(page.contains("Отказ «Tea for the office»"), "{page}");
    // So does the letter with the list of the day.
    let letter = firm.letter_to("john@example.org");
    assert!(
        letter.contains("ejection \"Tea for the office\"") && !letter.contains("Отказ «"),
        "{letter}"
    );
    let letter = firm.letter_to("olga@example.org");
    assert!(letter.contains("тказ «Поставка чая»"), "{letter}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_words_that_people_read() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    for odd in [
        "/tasks/abc",
        "/tasks/-1",
        "/clients/abc",
        "/tasks/99999999999999999999",
        "/clients/1/x",
    ] {
        let answer = olga.get(odd).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{odd}");
        assert!(
            answer.text().await.unwrap().contains("Такой страницы нет"),
            "{odd}"
        );
    }
    let task = format!("/tasks/{}", firm.task_about("c1").await);
    let huge = format!("csrf={}&note={}", olga.csrf().await, "x".repeat(20_000));
    let request = firm
        .http
        .post(firm.page(&task))
        .header(COOKIE, &olga.cookie);
    let request = request.header(ACCEPT_LANGUAGE, "ru");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(huge).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let said = answer.text().await.unwrap();
    assert!(
        said.contains("Так не получится") && said.contains("<main"),
        "{said}"
    );
    // In the other language by the browser of whoever asks.
    let request = firm
        .http
        .put(firm.page("/sign-in"))
        .header(ACCEPT_LANGUAGE, "en-GB,en");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.text().await.unwrap().contains("That does not work"));
    assert_eq!(firm.number("SELECT count(*) FROM outcomes").await, 0);
}

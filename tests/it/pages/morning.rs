//! A manager's day: the list, a task, an outcome, a card.

use reqwest::StatusCode;

use super::shots::many;
use super::{Firm, PURCHASES, location};

#[tokio::test]
async fn a_list_says_whom_to_call_and_why_and_escapes_everything() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let page = olga.read("/today").await;
    for part in [
        "ООО «Ромашка»",
        "href=\"tel:+79131230000\"",
        "https://wa.me/79131230000",
        "Новый заказ",
        "70 000",
        "lang=\"ru\"",
        "3 задачи",
    ] {
        assert!(page.replace('\u{a0}', " ").contains(part), "{part}\n{page}");
    }
    assert!(page.contains("&lt;img src=x onerror") || page.contains("&lt;script&gt;"));
    assert!(!page.contains("Jones"), "John's client is not on her list");
    let john = firm.sign_in("john@example.org").await;
    let page = john.read("/today").await;
    assert!(page.contains("lang=\"en\"") && page.contains("1 task,") && page.contains("Jones"));
}

#[tokio::test]
async fn a_task_shows_the_story_and_the_script_by_its_branches() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let task = firm.task_about("c1").await;
    let page = olga.read(&format!("/tasks/{task}")).await;
    for part in [
        "Нет, уже не нужно",
        "Порекомендовать некого",
        "Семён Ильич",
        "решает «как жена скажет»",
        "Чай улун",
        "Новый заказ",
        "mailto:",
        "name=\"friend_name\"",
        "value=\"2026-11-26\"",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let script = &page[page.find("id=\"script\"").unwrap()..page.find("id=\"outcomes\"").unwrap()];
    for outcome in [
        "interested",
        "friend_named",
        "card_sent",
        "come_back",
        "do_not_contact",
    ] {
        assert!(
            script.contains(&format!("name=\"kind\" value=\"{outcome}\"")),
            "{outcome}"
        );
    }
}

#[tokio::test]
async fn an_outcome_is_recorded_once_however_often_the_button_is_tapped() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let task = firm.task_about("c1").await;
    let path = format!("/tasks/{task}");
    let csrf = olga.csrf().await;
    let body = format!("csrf={csrf}&attempt=0&kind=no_answer&note=никто+не+взял");
    let taps = (0..6).map(|_| olga.post(&path, &body));
    for answer in futures::future::join_all(taps).await {
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(location(&answer), path);
    }
    assert_eq!(firm.number("SELECT count(*) FROM outcomes").await, 1);
    assert_eq!(
        firm.number("SELECT attempts FROM tasks ORDER BY attempts DESC LIMIT 1")
            .await,
        1
    );
    assert_eq!(
        firm.text("SELECT recorded_by FROM outcomes").await,
        "olga@example.org"
    );
    assert_eq!(
        firm.text("SELECT note FROM outcomes").await,
        "никто не взял"
    );
    let audit =
        "SELECT count(*) FROM audit WHERE what = 'outcome recorded' AND by = 'olga@example.org'";
    assert_eq!(firm.number(audit).await, 1);
    let page = olga.read(&path).await;
    assert!(
        page.contains("вернётся в список") && !page.contains("name=\"attempt\""),
        "{page}"
    );
    assert!(page.contains("Дальше: "), "{page}");
    let list = olga.read("/today").await;
    assert!(
        list.contains("2 задачи") && list.contains("Записана 1"),
        "{list}"
    );
}

#[tokio::test]
async fn a_form_that_says_too_little_records_nothing_and_says_what_is_missing() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let path = format!("/tasks/{}", firm.task_about("c1").await);
    for fields in [
        "attempt=0",
        "attempt=0&kind=nonsense",
        "attempt=0&kind=come_back",
        "attempt=0&kind=come_back&until=2026-11-25",
        "attempt=0&kind=come_back&until=31.12.2026",
    ] {
        let answer = olga.send(&path, fields).await;
        assert_eq!(
            answer.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{fields}"
        );
        assert!(answer.text().await.unwrap().contains("role=\"alert\""));
    }
    assert_eq!(firm.number("SELECT count(*) FROM outcomes").await, 0);
    let stale = olga.send(&path, "attempt=7&kind=bought").await;
    assert_eq!(stale.status(), StatusCode::SEE_OTHER);
    assert_eq!(firm.number("SELECT count(*) FROM outcomes").await, 0);
}

#[tokio::test]
async fn a_card_tells_the_story_and_draws_the_rhythm() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let client = firm.client("c1").await;
    let page = olga
        .read(&format!("/clients/{client}"))
        .await
        .replace('\u{a0}', " ");
    for part in [
        "Пуэр",
        "15 000",
        "Поставка чая",
        "дорого",
        "Отказ: спросить снова",
        "vip",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let picture = olga.get(&format!("/clients/{client}/rhythm.svg")).await;
    assert_eq!(picture.headers()["content-type"], "image/svg+xml");
    let svg = picture.text().await.unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("Ромашка"));
    let hostile = firm.client("c2").await;
    let page = olga.read(&format!("/clients/{hostile}")).await;
    assert!(
        !page.contains("<script") && !page.contains("<b>bold</b>"),
        "{page}"
    );
}

#[tokio::test]
async fn a_list_of_five_hundred_is_a_page_and_a_letter_that_mail_programs_show_whole() {
    let (clients, deals) = many(500);
    let firm = Firm::open_with(&clients, PURCHASES, &deals).await;
    let olga = firm.sign_in("olga@example.org").await;
    let page = olga.read("/today").await;
    assert!(page.contains("503 задачи"), "{}", page.len());
    assert_eq!(page.matches("<li class=\"task\"").count(), 503);
    let letter = firm.letter_to("olga@example.org");
    for said in ["На списке ещё 485 задач", "Ольга Петрова"] {
        assert!(letter.contains(said), "{said}\n{letter}");
    }
    // Gmail shows 102 kB of a letter.
    let html = firm.html_to("olga@example.org");
    assert!(html.len() < 102 * 1024, "{} bytes", html.len());
    assert!(html.contains("485") && html.trim_end().ends_with("</html>"));
}

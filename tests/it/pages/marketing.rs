//! What marketing sees: campaigns, the plan, letters, the sandbox.

use reqwest::StatusCode;

use super::Firm;

#[tokio::test]
async fn campaigns_are_counted_and_the_plan_is_the_one_of_the_command() {
    let firm = Firm::open().await;
    let marketing = firm.sign_in("marketing@example.org").await;
    let page = marketing.read("/campaigns").await;
    assert!(page.contains("Отказ: спросить снова") && page.contains("Спасибо за покупку"));
    assert!(page.contains("0 сделано, 4 открыто"), "{page}");
    let plan = rekindle::jobs::day::plan(&firm.app, firm.today())
        .await
        .unwrap();
    let page = marketing.read("/plan").await;
    assert!(!plan.tasks.is_empty());
    for line in &plan.tasks {
        let mut campaigns = firm.app.campaigns.iter();
        let campaign = campaigns.find(|one| one.id == line.campaign).unwrap();
        assert!(page.contains(&campaign.title), "{page}");
    }
    assert_eq!(
        page.matches(" · <a href=\"/letters/").count(),
        plan.messages.len()
    );
}

#[tokio::test]
async fn letters_are_shown_in_frames_that_can_do_nothing() {
    let firm = Firm::open().await;
    let marketing = firm.sign_in("marketing@example.org").await;
    let list = marketing.read("/letters").await;
    assert!(
        list.contains("/letters/letters/thank-you") && list.contains("/letters/scripts/rejection")
    );
    let page = marketing
        .read("/letters/letters/thank-you?locale=en&client=c3")
        .await;
    assert!(
        page.contains("sandbox title=") && page.contains("client&#x3D;c3"),
        "{page}"
    );
    let script = marketing.read("/letters/scripts/rejection").await;
    assert!(script.contains("<pre>") && !script.contains("<iframe"));
    let body = marketing
        .get("/letters/letters/thank-you/body?client=c2")
        .await;
    let heads = body.headers().clone();
    let policy = heads["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("sandbox; default-src 'none'"),
        "{policy}"
    );
    assert_eq!(heads["x-frame-options"], "SAMEORIGIN");
    assert!(!body.text().await.unwrap().contains("<script"));
    for path in [
        "/letters/letters/nothing",
        "/letters/pages/preferences",
        "/letters/x/thank-you",
    ] {
        assert_eq!(
            marketing.status(path).await,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let unknown = marketing
        .read("/letters/letters/thank-you?client=nobody")
        .await;
    assert!(unknown.contains("role=\"alert\""));
}

#[tokio::test]
async fn the_sandbox_can_be_read_but_for_links_to_sign_in() {
    let firm = Firm::open().await;
    firm.link_for("owner@example.org").await;
    let marketing = firm.sign_in("marketing@example.org").await;
    let page = marketing.read("/outbox").await;
    assert!(
        page.contains("Дарья Белова") && page.contains("Списки менеджеров"),
        "{page}"
    );
    let letter = firm
        .number("SELECT id FROM messages WHERE template = 'thank-you'")
        .await;
    let page = marketing.read(&format!("/outbox/{letter}")).await;
    assert!(
        page.contains("darya@example.org") && page.contains("<iframe"),
        "{page}"
    );
    let body = marketing.get(&format!("/outbox/{letter}/body")).await;
    let heads = body.headers().clone();
    assert!(
        heads["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("sandbox;")
    );
    assert!(body.text().await.unwrap().contains("<table"));
    let links = "SELECT id FROM messages WHERE template = 'sign-in' ORDER BY id LIMIT 1";
    let link = firm.number(links).await;
    for path in [format!("/outbox/{link}"), format!("/outbox/{link}/body")] {
        assert_eq!(
            marketing.status(&path).await,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert!(!page.contains("/sign-in/v1"));
    // A receipt that leads out of the folder is not followed.
    let lets = firm.database.either(
        "DROP TRIGGER messages_stay_final",
        "DROP TRIGGER messages_stay_final ON messages",
    );
    firm.database.run(lets).await;
    let out = format!("UPDATE messages SET receipt = 'config/rekindle.toml' WHERE id = {letter}");
    firm.database.run(&out).await;
    let page = marketing.read(&format!("/outbox/{letter}")).await;
    assert!(page.contains("role=\"alert\"") && !page.contains("[company]"));
}

//! The walk of a manager in a real browser, on a window of the size of a phone.

use chrono::TimeDelta;

use super::Firm;
use super::browser::Chromium;
use super::gift::GIFT;

#[tokio::test]
async fn a_manager_signs_in_walks_the_script_and_the_next_plan_changes() {
    let firm = Firm::open_also(GIFT).await;
    let Some(phone) = Chromium::start(390, 844).await else {
        return;
    };
    come_in(&firm, &phone).await;

    // The first: nobody needs anything, but there is a friend.
    let anna = firm.task_about("c1").await;
    phone.tap(&format!("#task-{anna} h3 a")).await;
    phone.see("#script").await;
    assert_eq!(phone.path().await, format!("/tasks/{anna}"));
    fits(&phone).await;
    phone.tap(&answer("Нет, уже не нужно")).await;
    assert!(phone.text().await.contains("А кому из ваших знакомых"));
    phone.tap(&answer("Назвал знакомого")).await;
    let form = ".script details[open] details[open] form:has([value=friend_named])";
    phone
        .write(&format!("{form} [name=friend_name]"), "Пётр Знакомый")
        .await;
    phone
        .write(&format!("{form} [name=friend_phone]"), "8 913 000-11-22")
        .await;
    phone.tap(&format!("{form} button")).await;
    phone.see("p.said").await;
    let said = phone.text().await;
    assert!(said.contains("Назвали знакомого"), "{said}");
    assert_eq!(firm.text("SELECT kind FROM outcomes").await, "friend_named");
    let friend =
        "SELECT c.name || ' ' || c.phone FROM friends f JOIN clients c ON c.id = f.client_id";
    assert_eq!(firm.text(friend).await, "Пётр Знакомый +79130001122");
    // The certificate for him is there to be sent: its picture is drawn, its link stands beside it.
    let drawn =
        "const p = document.querySelector('.gift img'); return p.complete && p.naturalWidth > 100";
    assert_eq!(phone.run(drawn).await, true);
    let code = firm.text("SELECT code FROM certificates").await;
    let sent = phone
        .run("return document.querySelector('.gift a.first').href")
        .await;
    let sent = sent.as_str().unwrap();
    assert!(
        sent.starts_with("https://wa.me/79131230000?text=") && sent.contains(&code),
        "{sent}"
    );
    fits(&phone).await;

    // The next one wants to be called in a week: one tap on the day.
    let boris = firm.task_about("c3").await;
    phone.go(&firm.page(&format!("/tasks/{boris}"))).await;
    come_back_in_a_week(&phone).await;
    phone.see("p.said").await;
    assert!(phone.text().await.contains("вернётся в список: 2 декабря"));
    assert_eq!(
        firm.text("SELECT kind FROM outcomes ORDER BY id DESC LIMIT 1")
            .await,
        "come_back"
    );

    the_next_days_follow(&firm, &phone).await;
}

/// From the door to the list: nothing is seen without the link, and looking at it changes nothing.
async fn come_in(firm: &Firm, phone: &Chromium) {
    // A stranger sees the door, whatever he asks for.
    let asked = format!("/tasks/{}", firm.task_about("c1").await);
    phone.go(&firm.page(&asked)).await;
    assert!(phone.path().await.starts_with("/sign-in?to="));
    assert!(!phone.text().await.contains("Ромашка"));

    phone.write("#email", "olga@example.org").await;
    phone.tap("main button").await;
    phone.see("a[href='/sign-in']").await;
    assert!(phone.text().await.contains("Проверьте почту"));
    let links = firm.links_in_the_sandbox();
    phone.go(&firm.page(&links[0].1)).await;
    assert_eq!(
        firm.number("SELECT count(*) FROM sessions").await,
        0,
        "looking changes nothing"
    );
    phone.tap("main button").await;
    // He lands where he wanted to go; his list is one tap away.
    phone.see("#script").await;
    assert_eq!(phone.path().await, asked);
    phone.tap("nav a[href='/today']").await;
    phone.see("ol.tasks").await;
    assert_eq!(phone.path().await, "/today");
    let list = phone.text().await;
    assert!(
        list.contains("3 задачи") && list.contains("Ромашка"),
        "{list}"
    );
}

/// What was recorded steers the plans of the days after.
async fn the_next_days_follow(firm: &Firm, phone: &Chromium) {
    // The next day the plan has neither of them, and the hostile name is still there.
    firm.pass(TimeDelta::days(1));
    let plan = rekindle::jobs::day::plan(&firm.app, firm.today())
        .await
        .unwrap();
    let of_olga = plan.tasks.iter().filter(|task| task.manager == "olga");
    let clients: Vec<&str> = of_olga.map(|task| task.client.as_str()).collect();
    assert_eq!(clients, ["c2"]);
    firm.run_the_day().await;
    phone.go(&firm.page("/today")).await;
    assert!(
        phone.path().await.starts_with("/sign-in"),
        "a night is longer than a session"
    );
    let olga = firm.sign_in("olga@example.org").await;
    let list = olga.read("/today").await;
    assert!(
        list.contains("1 задача") && !list.contains("Борис"),
        "{list}"
    );

    // A week later Boris is back, with what he said.
    firm.pass(TimeDelta::days(6));
    firm.run_the_day().await;
    let olga = firm.sign_in("olga@example.org").await;
    let list = olga.read("/today").await;
    assert!(
        list.contains("Борис") && list.contains("Просят вернуться"),
        "{list}"
    );
}

/// That the page is no wider than the window.
async fn fits(phone: &Chromium) {
    let wide = phone
        .run("return document.documentElement.scrollWidth")
        .await;
    assert!(
        wide.as_u64().unwrap() <= 390,
        "the page is wider than the phone: {wide}"
    );
}

/// An answer of the client in the script.
fn answer(words: &str) -> String {
    format!("//section[contains(@class, 'script')]//summary[normalize-space() = '{words}']")
}

async fn come_back_in_a_week(phone: &Chromium) {
    let form = "#outcomes form:has([value=come_back]):not(:has([type=date]))";
    phone
        .tap("#outcomes details:has([name=kind][value=come_back]) > summary")
        .await;
    phone.tap(&format!("{form} button:nth-of-type(2)")).await;
}

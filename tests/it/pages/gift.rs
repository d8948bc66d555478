//! The certificate for a friend: given with the outcome, shown to be sent, taken by nobody else.

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;

use super::Firm;

pub(super) const GIFT: &str = "[certificates]\n\
    friend_named = { kind = \"friend\", discount = \"10%\", valid = \"60d\", prefix = \"FR\" }\n";

pub(super) const FRIEND: &str =
    "attempt=0&kind=friend_named&friend_name=%D0%9F%D1%91%D1%82%D1%80&friend_phone=%2B79130001122";

#[tokio::test]
async fn whoever_names_a_friend_gets_a_certificate_that_the_manager_sends_by_whatsapp() {
    let firm = Firm::open_also(GIFT).await;
    let olga = firm.sign_in("olga@example.org").await;
    let task = firm.task_about("c1").await;
    let path = format!("/tasks/{task}");
    assert!(!olga.read(&path).await.contains("certificate.png"));
    for _ in 0..3 {
        let told = olga.send(&path, FRIEND).await;
        assert_eq!(told.status(), StatusCode::SEE_OTHER);
    }
    let issued =
        "SELECT string_agg(kind || ' ' || discount || ' ' || (valid_until - issued_on), ', ')
         FROM certificates t JOIN clients c ON c.id = t.client_id AND c.ext_id = 'c1'";
    assert_eq!(firm.text(issued).await, "friend 10% 60");
    let code = firm.text("SELECT code FROM certificates").await;
    assert!(code.starts_with("FR-"), "{code}");
    let page = olga.read(&path).await;
    for part in [
        code.as_str(),
        "24\u{a0}января",
        &format!("/tasks/{task}/certificate.png"),
        // Семён is who decides: what is written goes to him.
        "https://wa.me/79131230000?text&#x3D;",
        "mailto:",
        &format!("/c/{code}"),
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    for (file, kind, begins) in [
        ("certificate.png", "image/png", &b"\x89PNG"[..]),
        ("certificate.pdf", "application/pdf", b"%PDF"),
    ] {
        let picture = olga.get(&format!("{path}/{file}")).await;
        assert_eq!(picture.headers()[CONTENT_TYPE], kind);
        assert!(picture.bytes().await.unwrap().starts_with(begins), "{file}");
    }
    // The friend opens the link without signing in.
    let public = firm.http.get(format!("{}/c/{code}", firm.public));
    assert_eq!(public.send().await.unwrap().status(), StatusCode::OK);
    // The friend is a client who was named by another one, and whom nothing allows to write to.
    let friend =
        "SELECT r.ext_id || ' ' || c.phone FROM friends f JOIN clients c ON c.id = f.client_id
                  JOIN clients r ON r.id = f.referrer_id";
    assert_eq!(firm.text(friend).await, "c1 +79130001122");
    assert_eq!(firm.number("SELECT count(*) FROM consents").await, 0);
}

#[tokio::test]
async fn the_picture_is_for_those_who_may_see_the_task() {
    let firm = Firm::open_also(GIFT).await;
    let olga = firm.sign_in("olga@example.org").await;
    let path = format!("/tasks/{}", firm.task_about("c1").await);
    olga.send(&path, FRIEND).await;
    let file = format!("{path}/certificate.png");
    assert_eq!(olga.status(&file).await, StatusCode::OK);
    let john = firm.sign_in("john@example.org").await;
    assert_eq!(john.status(&file).await, StatusCode::NOT_FOUND);
    assert_eq!(firm.get(&file).await.status(), StatusCode::SEE_OTHER);
    for odd in [format!("{path}/certificate.gif"), format!("{path}/x")] {
        assert_eq!(olga.status(&odd).await, StatusCode::NOT_FOUND, "{odd}");
    }
    let other = format!("/tasks/{}/certificate.png", firm.task_about("c2").await);
    assert_eq!(olga.status(&other).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_word_in_the_settings_nothing_is_given() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    let path = format!("/tasks/{}", firm.task_about("c1").await);
    olga.send(&path, FRIEND).await;
    assert_eq!(firm.number("SELECT count(*) FROM certificates").await, 0);
    assert!(!olga.read(&path).await.contains("certificate.png"));
}

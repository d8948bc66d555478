//! Looking for a client: everybody finds whom he may see, and nobody else.

use std::fmt::Write;

use reqwest::StatusCode;

use super::{CLIENTS, DEALS, Firm, PURCHASES};

/// How many results a page shows.
fn found(page: &str) -> usize {
    page.matches("<li class=\"card\">").count()
}

#[tokio::test]
async fn a_manager_finds_his_own_clients_by_what_he_remembers() {
    let firm = Firm::open().await;
    let olga = firm.sign_in("olga@example.org").await;
    for (typed, label) in [
        ("ромашка", "ООО «Ромашка»"),
        ("РОМАШКА", "ООО «Ромашка»"),
        ("петрова анна", "ООО «Ромашка»"),
        ("Семен", "ООО «Ромашка»"),
        ("8 (913) 123-45-67", "ООО «Ромашка»"),
        ("+79131230000", "ООО «Ромашка»"),
        ("4569", "Борис Иванов"),
        ("Boris@example.org", "Борис Иванов"),
        ("c3", "Борис Иванов"),
    ] {
        let query = super::encoded(typed);
        let page = olga.read(&format!("/clients?q={query}")).await;
        assert_eq!(found(&page), 1, "{typed}\n{page}");
        assert!(page.contains(label), "{typed}\n{page}");
    }
    for nobody in [
        "Jones",
        "Carol",
        "447700900123",
        "carol@example.org",
        "c4",
        "нет такого",
        "%",
        "'",
    ] {
        let query = super::encoded(nobody);
        let page = olga.read(&format!("/clients?q={query}")).await;
        assert_eq!(found(&page), 0, "{nobody}\n{page}");
    }
    let page = olga.read("/clients?q=%3Cscript").await;
    assert!(!page.contains("<script"), "{page}");
    let page = olga.read("/clients").await;
    assert!(
        found(&page) == 0 && page.contains("type=\"search\""),
        "{page}"
    );
}

#[tokio::test]
async fn the_head_finds_everybody_and_sees_whose_he_is() {
    let firm = Firm::open().await;
    for person in [
        "head@example.org",
        "marketing@example.org",
        "owner@example.org",
    ] {
        let browser = firm.sign_in(person).await;
        let page = browser.read("/clients?q=jones").await;
        assert!(found(&page) == 1 && page.contains("John Smith"), "{page}");
    }
    let stranger = firm.get("/clients?q=jones").await;
    assert_eq!(stranger.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_carries_the_base_away_through_it() {
    let mut clients = CLIENTS.to_owned();
    for n in 0..80 {
        let _ = writeln!(clients, "x{n},Иванова {n},,x{n}@example.org,,olga,");
    }
    let firm = Firm::open_with(&clients, PURCHASES, DEALS).await;
    let head = firm.sign_in("head@example.org").await;
    let page = head
        .read(&format!("/clients?q={}", super::encoded("иванова")))
        .await;
    assert_eq!(found(&page), 30, "{page}");
    for more in ["&page=2", "&limit=1000", "&format=csv"] {
        let path = format!("/clients?q={}{more}", super::encoded("иванова"));
        assert_eq!(found(&head.read(&path).await), 30, "{more}");
    }
}

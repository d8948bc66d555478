//! Who tries to cheat, and what comes of it; and the thank-you when nobody does.

use std::fs;

use rekindle::certificates::till::Wish;
use rekindle::db::ReviewDecision;

use super::{Shop, denied, is_redeemed};
use crate::world::day;

/// The giver, and people around her.
const PEOPLE: [&str; 4] = [
    "anna,Anna Petrova,anna.petrova@gmail.com,+79131234567,4300-17,Lenina 5",
    "old,Oleg Old,old@example.org,+79130000002,,",
    "maria,Maria Ivanova,maria@example.org,+79137654321,4300-99,Mira 1",
    "twin,Petrova Anna,twin@example.org,+79130000009,,",
];

const BEFORE: &str = "p1,anna,2026-02-01,100,,\np2,old,2011-03-01,100,,";

fn shop() -> Shop {
    let mut shop = Shop::new(&PEOPLE);
    shop.import(&[BEFORE]);
    shop
}

#[test]
fn a_new_client_is_tied_to_the_giver_once_the_import_knows_him() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    let done = shop.redeem(&code, "r-7", Some("8 913 765-43-21"));
    assert!(is_redeemed(&done), "{done:?}");
    assert_eq!(shop.friends(), ["counts maria"]);
    // The same purchase comes by import, with the code: one redemption, one friend.
    let bought = format!("r-7,maria,2026-03-01,350,{code},");
    shop.import(&[BEFORE, &bought]);
    assert_eq!(shop.world.count("SELECT count(*) FROM redemptions"), 1);
    let tied = "SELECT count(*) FROM redemptions WHERE purchase_id IS NOT NULL AND amount = 35000";
    assert_eq!(shop.world.count(tied), 1);
    assert_eq!(shop.friends(), ["counts maria"]);
    assert_eq!(shop.doubts(), Vec::<String>::new());
    shop.world.finish();
}

#[test]
fn a_stranger_waits_until_an_import_brings_him() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    assert!(is_redeemed(&shop.redeem(
        &code,
        "77",
        Some("new@example.org")
    )));
    assert_eq!(shop.friends(), ["waiting"]);
    let mut people = PEOPLE.to_vec();
    people.push("nina,Nina New,new@example.org,,,");
    shop.clients(&people);
    shop.import(&[BEFORE, "x9,nina,2026-03-02,200,,"]);
    assert_eq!(shop.friends(), ["counts nina"]);
    shop.world.finish();
}

#[test]
fn the_giver_himself_is_turned_away_by_phone_mailbox_card_and_as_a_client() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    for (contact, word) in [
        ("8 (913) 123-45-67", "same_phone"),
        ("Anna.Petrova+gift@gmail.com", "same_email"),
        ("annapetrova@gmail.com", "same_email"),
    ] {
        let done = shop.redeem(&code, "r-1", Some(contact));
        assert!(denied(&done).contains(&word), "{contact}: {done:?}");
    }
    let as_client = Wish {
        code: &code,
        receipt: "r-1",
        client: Some("anna"),
        ..Wish::default()
    };
    let done = shop.wish(&as_client);
    assert!(denied(&done).contains(&"same_client"), "{done:?}");
    // A second account of hers, with another phone and address, but the same discount card.
    let mut people = PEOPLE.to_vec();
    people.push("anna2,A. P.,other@example.org,+79139999999,430017,");
    shop.clients(&people);
    shop.import(&[BEFORE]);
    let done = shop.redeem(&code, "r-1", Some("other@example.org"));
    assert!(denied(&done).contains(&"same_card"), "{done:?}");
    assert_eq!(shop.world.count("SELECT count(*) FROM redemptions"), 0);
    shop.world.finish();
}

#[test]
fn who_bought_before_is_no_friend_however_long_ago_and_under_whatever_account() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    let done = shop.redeem(&code, "r-1", Some("old@example.org"));
    assert_eq!(denied(&done), ["bought_before"]);
    // A fresh account with the phone of the old one.
    let mut people = PEOPLE.to_vec();
    people.push("fresh,Oleg Again,fresh@example.org,+79130000002,,");
    shop.clients(&people);
    shop.import(&[BEFORE]);
    let done = shop.redeem(&code, "r-1", Some("fresh@example.org"));
    assert_eq!(denied(&done), ["bought_before"]);
    shop.world.finish();
}

#[test]
fn who_bought_before_is_recognised_by_a_card_and_a_mailbox_however_they_are_written() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    let mut people = PEOPLE.to_vec();
    people.push("lena,Lena Gold,lena.gold@gmail.com,+79130000044,7700-12,");
    // Fresh accounts of hers: another phone and mailbox with her card, another spelling of the mailbox.
    people.push("card,L. G.,fresh1@example.org,+79130000051,77 0012,");
    people.push("mail,L. G.,le.nagold+2@gmail.com,+79130000052,,");
    shop.clients(&people);
    let before = "p1,anna,2026-02-01,100,,\np3,lena,2012-03-01,100,,";
    shop.import(&[before]);
    for contact in [
        "fresh1@example.org",
        "8 913 000 00 52",
        "lenagold@gmail.com",
        "Lena.Gold+new@googlemail.com",
    ] {
        let done = shop.redeem(&code, "r-1", Some(contact));
        assert_eq!(denied(&done), ["bought_before"], "{contact}");
    }
    // The card is moved to another attribute: what was known by the old one is forgotten.
    shop.world
        .also("\n[certificates]\ncard_attributes = [\"address\"]\n");
    let done = shop.redeem(&code, "r-1", Some("fresh1@example.org"));
    assert!(is_redeemed(&done), "{done:?}");
    shop.world.finish();
}

#[test]
fn a_stranger_with_a_tag_behind_his_mailbox_is_new_once() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[("uses", "5")]);
    let other = shop.issue("friend", "old", &[]);
    assert!(is_redeemed(&shop.redeem(
        &code,
        "r-1",
        Some("nobody+1@example.org")
    )));
    for (code, contact) in [
        (&code, "nobody+2@example.org"),
        (&other, "NoBody@example.org"),
    ] {
        let done = shop.redeem(code, "r-2", Some(contact));
        assert_eq!(denied(&done), ["came_before"], "{contact}");
    }
    shop.world.finish();
}

#[test]
fn nobody_is_new_twice() {
    let mut shop = shop();
    let (one, other) = (
        shop.issue("friend", "anna", &[]),
        shop.issue("friend", "old", &[]),
    );
    assert!(is_redeemed(&shop.redeem(
        &one,
        "r-1",
        Some("new@example.org")
    )));
    let done = shop.redeem(&other, "r-2", Some("new@example.org"));
    assert_eq!(denied(&done), ["came_before"]);
    assert!(is_redeemed(&shop.redeem(
        &other,
        "r-3",
        Some("maria@example.org")
    )));
    shop.world.finish();
}

#[test]
fn a_giver_who_publishes_his_code_brings_no_more_than_the_limit() {
    let mut shop = shop();
    shop.world
        .also("\n[certificates]\nfriends_per_giver = 2\ngiver_period = \"30d\"\n");
    let code = shop.issue("friend", "anna", &[("uses", "50")]);
    for n in 0..2 {
        let friend = format!("friend{n}@example.org");
        assert!(is_redeemed(&shop.redeem(
            &code,
            &format!("r-{n}"),
            Some(&friend)
        )));
    }
    let done = shop.redeem(&code, "r-9", Some("friend9@example.org"));
    assert_eq!(denied(&done), ["giver_limit"]);
    // A month later the next ones may come.
    shop.world.at(day("2026-04-02"));
    assert!(is_redeemed(&shop.redeem(
        &code,
        "r-9",
        Some("friend9@example.org")
    )));
    shop.world.finish();
}

#[test]
fn a_namesake_is_looked_at_by_a_person_before_anybody_is_thanked() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    shop.redeem(&code, "r-1", Some("twin@example.org"));
    assert_eq!(shop.doubts(), ["r-1 [\"same_name\"]"]);
    assert_eq!(shop.friends(), ["review twin"]);
    let app = shop.world.open();
    let reviews = shop.world.wait(app.store.reviews(false, 10)).unwrap();
    let today = day("2026-03-05");
    let decide = |id| {
        app.store
            .decide_review(id, ReviewDecision::Approved, "boss", None, today, 1)
    };
    assert!(shop.world.wait(decide(reviews[0].id)).unwrap());
    assert!(
        !shop.world.wait(decide(reviews[0].id)).unwrap(),
        "decided once"
    );
    assert_eq!(shop.friends(), ["counts twin"]);
    let counts_on = "SELECT counts_on FROM referrals";
    assert_eq!(shop.world.count(counts_on), i64::from(today.epoch_days()));
    shop.world.finish();
}

#[test]
fn a_cheat_that_only_the_import_sees_is_given_nothing_more() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    // No till asked: the shop's own site took the code of the giver herself.
    let own = format!("w1,anna,2026-03-02,900,{},", code.to_lowercase());
    shop.import(&[BEFORE, &own]);
    let doubts = shop.doubts();
    assert_eq!(doubts.len(), 1);
    assert!(doubts[0].contains("same_client") && doubts[0].contains("bought_before"));
    assert_eq!(shop.friends(), ["review anna"]);
    let app = shop.world.open();
    let reviews = shop.world.wait(app.store.reviews(false, 10)).unwrap();
    let reject = app.store.decide_review(
        reviews[0].id,
        ReviewDecision::Rejected,
        "boss",
        Some("herself"),
        day("2026-03-03"),
        1,
    );
    assert!(shop.world.wait(reject).unwrap());
    assert_eq!(shop.friends(), ["rejected anna"]);
    shop.world.finish();
}

#[test]
fn when_the_friend_has_bought_the_giver_is_thanked_once_with_the_reward() {
    let mut shop = shop();
    shop.world.campaign(
        r#"id = "thanks"
title = "T"
status = "live"
starts = 2026-01-01
class = "service"
trigger = { on = "friend_bought" }
limits = { holdout = "0%", reentry = "0d" }
goal = { event = "none" }
step = [{ id = "letter", channel = "email", template = "friend-thanks", certificate = { kind = "own", discount = "10%", valid = "90d" } }]
"#,
    );
    let code = shop.issue("friend", "anna", &[("uses", "3")]);
    let first = format!("w1,maria,2026-03-02,900,{code},");
    let files =
        |rows: &[&str]| format!("id,client,date,amount,promo,cancels\n{}\n", rows.join("\n"));
    let path = shop.world.home().join("data/purchases.csv");
    fs::write(&path, files(&[BEFORE, &first])).unwrap();
    for on in ["2026-03-03", "2026-03-04", "2026-03-05"] {
        shop.world.run(on);
    }
    assert_eq!(shop.world.got("anna"), ["2026-03-03 thanks/letter"]);
    let reward = "SELECT code FROM certificates WHERE campaign = 'thanks' AND kind = 'own'";
    let reward = shop.world.texts(reward);
    assert_eq!(reward.len(), 1);
    let letters = shop.world.letters();
    let named = |end: &str| {
        let mut found = letters.iter();
        let found = found.find(|(path, _)| path.extension().is_some_and(|of| of == end));
        found.unwrap().1.clone()
    };
    let letter = mail_parser::MessageParser::default()
        .parse(&named("eml"))
        .unwrap()
        .into_owned();
    let text = letter.body_text(0).unwrap().into_owned();
    assert!(
        text.contains(&reward[0]) && !text.contains("Maria"),
        "{text}"
    );
    assert!(
        named("png").starts_with(b"\x89PNG"),
        "the picture lies beside the letter"
    );
    assert!(letter.body_html(0).unwrap().contains("cid:certificate"));
    // A second friend is a second occasion.
    let second = format!("w2,twin,2026-03-06,900,{code},");
    fs::write(&path, files(&[BEFORE, &first, &second])).unwrap();
    shop.world.run("2026-03-07");
    // The twin is called like the giver: nobody is thanked before a person has looked.
    assert_eq!(shop.world.got("anna").len(), 1);
    shop.world.finish();
}

#[test]
fn a_purchase_that_is_taken_back_gives_the_use_back_and_the_friend_counts_no_more() {
    let mut shop = shop();
    let code = shop.issue("friend", "anna", &[]);
    let bought = format!("w1,maria,2026-03-02,900,{code},");
    shop.import(&[BEFORE, &bought]);
    assert_eq!(shop.friends(), ["counts maria"]);
    shop.world.at(day("2026-03-09"));
    shop.import(&[BEFORE, &bought, "w2,maria,2026-03-08,-900,,w1"]);
    assert_eq!(shop.friends(), ["undone maria"]);
    let left = "SELECT count(*) FROM redemptions WHERE undone_at IS NULL";
    assert_eq!(shop.world.count(left), 0);
    // Once more: nothing changes.
    shop.import(&[
        BEFORE,
        &bought,
        "w2,maria,2026-03-08,-900,,w1",
        "w3,old,2026-03-08,5,,",
    ]);
    assert_eq!(shop.friends(), ["undone maria"]);
    shop.world.finish();
}

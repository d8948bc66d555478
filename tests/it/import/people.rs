//! Clients, contacts, managers, consents and suppressions.

use chrono::TimeDelta;
use rekindle::model::Channel;

use super::shop::{APPEND, SNAPSHOT, Shop};

#[tokio::test]
async fn a_client_gone_from_a_snapshot_is_marked_and_comes_back_as_the_same() {
    let shop =
        Shop::new(&SNAPSHOT.replace("snapshot\"", "snapshot\"\nshrink_guard = \"60%\"")).await;
    let both = "id,name\nA,Anna\nB,Boris\n";
    shop.file("clients.csv", both);
    shop.file(
        "purchases.csv",
        "client,date,amount\nA,2026-05-01,10\nB,2026-05-01,10\n",
    );
    shop.import().await;
    shop.file("clients.csv", "id,name\nA,Anna\n");
    shop.import().await;
    assert_eq!(
        shop.rows("SELECT ext_id, date(deleted_on * 86400, 'unixepoch') FROM clients ORDER BY 1")
            .await,
        ["A|-", "B|2026-11-21"]
    );
    assert_eq!(
        shop.rows("SELECT count(*) FROM purchases").await,
        ["2"],
        "purchases stay"
    );
    shop.file("clients.csv", both);
    shop.import().await;
    assert_eq!(
        shop.rows("SELECT id, ext_id, deleted_on FROM clients ORDER BY 2")
            .await,
        ["1|A|-", "2|B|-"]
    );
}

#[tokio::test]
async fn a_client_made_from_purchases_takes_their_word_until_a_list_knows_better() {
    let shop = Shop::new(APPEND).await;
    shop.file(
        "purchases.csv",
        "client,date,amount,client_name,email\nA,2026-05-01,10,Anna,old@example.org\n\
         A,2026-06-01,10,,new@example.org\n",
    );
    shop.import().await;
    let seen = "SELECT name, email, implied FROM clients";
    assert_eq!(shop.rows(seen).await, ["Anna|new@example.org|1"]);
    shop.file(
        "clients.csv",
        "id,name,email\nA,Anna Stone,anna@example.org\n",
    );
    shop.import().await;
    assert_eq!(shop.rows(seen).await, ["Anna Stone|anna@example.org|0"]);
    let before = shop.dump().await;
    shop.file(
        "purchases.csv",
        "client,date,amount,client_name\nA,2026-05-01,10,Somebody\n",
    );
    shop.import().await;
    assert_eq!(shop.rows(seen).await, ["Anna Stone|anna@example.org|0"]);
    assert!(shop.dump().await == before);
}

#[tokio::test]
async fn two_clients_with_one_phone_are_both_kept_and_noted() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file(
        "clients.csv",
        "id;name;phone\nA;Anna;8 913 123-45-67\nB;Boris;+7 (913) 1234567\nC;Clara;\n",
    );
    let summary = shop.import().await;
    assert_eq!(shop.rows("SELECT count(*) FROM clients").await, ["3"]);
    assert!(
        summary.notes[0].starts_with("1 phone numbers belong to several"),
        "{:?}",
        summary.notes
    );
}

#[tokio::test]
async fn managers_are_known_by_id_or_by_name() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file(
        "managers.csv",
        "id;name;email;role;capacity\nm1;Пётр Сидоров;petr@example.org;farmer;12\n",
    );
    shop.file(
        "clients.csv",
        "id;Имя;Ответственный\nA;Анна;Пётр Сидоров\nB;Борис;m1\nC;Вера;Мария\n",
    );
    shop.import().await;
    assert_eq!(
        shop.rows("SELECT ext_id, manager FROM clients ORDER BY 1")
            .await,
        ["A|m1", "B|m1", "C|Мария"]
    );
    assert_eq!(
        shop.rows("SELECT ext_id, name, role, capacity FROM managers")
            .await,
        ["m1|Пётр Сидоров|farmer|12"]
    );
}

#[tokio::test]
async fn contacts_belong_to_their_client_and_leave_with_the_file() {
    let shop =
        Shop::new(&SNAPSHOT.replace("snapshot\"", "snapshot\"\nshrink_guard = \"90%\"")).await;
    shop.file("clients.csv", "id,company\nA,Tea Ltd\n");
    shop.file(
        "contacts.csv",
        "client,name,role,email,primary\nA,Anna,buyer,anna@example.org,yes\nA,Boris,decides,boris@example.org,no\nA,,,,\n",
    );
    let summary = shop.import().await;
    assert_eq!(summary.files[1].rejected.rows, 1, "{summary:?}");
    assert_eq!(
        shop.rows("SELECT name, role, is_primary FROM contacts ORDER BY 1")
            .await,
        ["Anna|buyer|1", "Boris|decides|0"]
    );
    shop.file(
        "contacts.csv",
        "client,name,role,email,primary\nA,Anna,owner,anna@example.org,yes\n",
    );
    shop.import().await;
    assert_eq!(
        shop.rows("SELECT name, role FROM contacts").await,
        ["Anna|owner"]
    );
}

#[tokio::test]
async fn a_consent_that_was_taken_back_stays_so_until_it_is_given_again() {
    let shop = Shop::new(APPEND).await;
    let seen = "SELECT channel, basis, date(given_on * 86400, 'unixepoch'),
                       date(withdrawn_on * 86400, 'unixepoch') FROM consents ORDER BY id";
    shop.file("clients.csv", "id,name,consent_email\nA,Anna,yes\n");
    shop.import().await;
    assert_eq!(shop.rows(seen).await, ["email|consent|-|-"]);
    shop.app.clock.advance(TimeDelta::days(1));
    shop.file("clients.csv", "id,name,consent_email\nA,Anna,no\n");
    shop.import().await;
    assert_eq!(shop.rows(seen).await, ["email|consent|-|2026-11-22"]);
    shop.app.clock.advance(TimeDelta::days(1));
    shop.file("clients.csv", "id,name,note,consent_email\nA,Anna,x,no\n");
    shop.import().await;
    assert_eq!(
        shop.rows(seen).await,
        ["email|consent|-|2026-11-22"],
        "the first day counts"
    );
    shop.file("clients.csv", "id,name,consent_email\nA,Anna,yes\n");
    shop.import().await;
    assert_eq!(
        shop.rows(seen).await,
        ["email|consent|-|2026-11-22", "email|consent|2026-11-23|-"]
    );
}

#[tokio::test]
async fn a_list_of_consents_is_taken_once_and_a_withdrawal_is_never_undone_by_it() {
    let shop = Shop::new(APPEND).await;
    let list = "client,channel,class,basis,given,withdrawn,proof\n\
                A,email,advertising,consent,2026-01-10,,form 7\n\
                A,whatsapp,service,contract,,,\n\
                A,pigeon,advertising,consent,2026-01-10,,\n";
    shop.file("consents.csv", list);
    let summary = shop.import().await;
    assert_eq!(
        summary.files[0].rejected.rows, 1,
        "a misread consent is none"
    );
    let seen = "SELECT channel, class, basis, date(given_on * 86400, 'unixepoch'),
                       date(withdrawn_on * 86400, 'unixepoch'), proof FROM consents ORDER BY 1";
    let given = [
        "email|advertising|consent|2026-01-10|-|form 7",
        "whatsapp|service|contract|-|-|-",
    ];
    assert_eq!(shop.rows(seen).await, given);
    shop.file(
        "consents.csv",
        list.replace("2026-01-10,,form", "2026-01-10,2026-03-01,form"),
    );
    shop.import().await;
    let withdrawn = [
        "email|advertising|consent|2026-01-10|2026-03-01|form 7",
        "whatsapp|service|contract|-|-|-",
    ];
    assert_eq!(shop.rows(seen).await, withdrawn);
    shop.file("consents.csv", list);
    shop.import().await;
    assert_eq!(shop.rows(seen).await, withdrawn);
}

#[tokio::test]
async fn suppressed_addresses_are_kept_by_hash_alone() {
    let shop = Shop::new(APPEND).await;
    shop.file(
        "suppressions.csv",
        "email,phone,scope,reason,since\nAnna@Example.org,,all,unsubscribed,2026-02-01\n\
         ,8 913 123-45-67,advertising,,\nbroken,,,,\n",
    );
    let summary = shop.import().await;
    assert_eq!(
        (summary.files[0].changes.new, summary.files[0].rejected.rows),
        (2, 1)
    );
    let hash = |channel, address| rekindle::model::hex(&shop.app.key.hash(channel, address));
    let mut expected = vec![
        format!(
            "{}|email|all|unsubscribe|2026-02-01",
            hash(Channel::Email, "anna@example.org")
        ),
        format!(
            "{}|whatsapp|advertising|manual|2026-11-21",
            hash(Channel::Whatsapp, "+79131234567")
        ),
    ];
    expected.sort();
    assert_eq!(
        shop.rows(
            "SELECT lower(hex(address_hash)), channel, scope, reason,
                    date(since * 86400, 'unixepoch') FROM suppressions ORDER BY 1"
        )
        .await,
        expected
    );
    assert!(!shop.dump().await.contains("example.org"));
}

#[tokio::test]
async fn visits_make_clients_and_are_counted_once() {
    let shop = Shop::new(SNAPSHOT).await;
    let visits = "client,date,page\nV,2026-11-01 10:00:00,/tea\nV,2026-11-01 10:05:00,/tea\nV,2026-11-02,/mugs\n";
    shop.file("visits.csv", visits);
    let summary = shop.import().await;
    assert_eq!(
        (summary.implied_clients, summary.files[0].changes.new),
        (1, 3)
    );
    let before = shop.dump().await;
    shop.file("visits.csv", format!("{visits}\n"));
    shop.import().await;
    assert!(shop.dump().await == before);
}

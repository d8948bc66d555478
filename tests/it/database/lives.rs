//! That a company really lives where the tests are to run, and leaves nothing behind.

use rekindle::db::{Place, Store};

use super::{Database, Folder, address, server, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_company_lives_where_the_environment_says_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let home = folder.path().to_owned();
    std::fs::create_dir(home.join("config")).expect("a folder");
    std::fs::write(home.join("config/rekindle.toml"), settings(&home)).expect("a file");
    let address = address(&home);
    let url = match server() {
        Some(_) => address.clone(),
        None => "sqlite://rekindle.db".to_owned(),
    };
    let store = Store::open(&url, &home).await.expect("a database");
    let on_a_server = matches!(store.place(), Place::Server { .. });
    assert_eq!(on_a_server, server().is_some());
    let database = Database::of(&home).await;
    let audit = "INSERT INTO audit (at, by, what, about, reason)
                 VALUES (1, 'a test', 'tried', '', '')";
    database.run(audit).await;
    let seen: i64 = database.one("SELECT count(*) FROM audit").await;
    assert_eq!(seen, 1);
    let sum = "SELECT hex(unhex('0aFF')) || date(86400, 'unixepoch') || ('{\"a\":\"b\"}' ->> 'a')";
    let said: String = database.one(sum).await;
    assert_eq!(said, "0AFF1970-01-02b");
    // Whoever still holds something has no test any more.
    let held = database.hold_writing().await.expect("a lock");
    drop(folder);
    drop(held);
    if server().is_some() {
        let again = Database::open(&address).await.expect("the server");
        let left = "SELECT count(*) FROM pg_namespace WHERE nspname = current_schema()";
        let left: i64 = again.one(left).await;
        assert_eq!(left, 0);
    } else {
        assert!(!home.exists());
    }
}

//! Imports that cannot end: dropped, locked out, on a database that may not be written. Nothing is
//! half done, and the next import does the whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use futures::FutureExt;
use rekindle::jobs::import::ImportResult;

use super::program::{command, retail, run};
use super::shop::{SNAPSHOT, Shop, only_file};
use crate::database::{self, Database};

#[tokio::test]
async fn an_import_that_is_dropped_in_the_middle_has_not_happened() {
    let shop = retail().await;
    let before = shop.dump().await;
    for polls in [1, 5, 20, 60] {
        let mut import = Box::pin(shop.import());
        for _ in 0..polls {
            if import.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let after = shop.dump().await;
    assert_eq!(
        after.replace("sources: 1 rows\n1 'crm'\n", "sources: 0 rows\n\n"),
        before
    );
    assert_eq!(only_file(&shop.import().await).changes.new, 22_190);
}

#[tokio::test]
async fn an_import_waits_for_another_writer() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.file("purchases.csv", "client,date,amount\nA,2026-05-01,10\n");
    let database = Database::of(shop.path()).await;
    let other = database.hold_writing().await.unwrap();
    let mut import = Box::pin(shop.import());
    for _ in 0..200 {
        assert!(
            import.as_mut().now_or_never().is_none(),
            "the lock was not respected"
        );
        tokio::task::yield_now().await;
    }
    other.release().await.unwrap();
    assert_eq!(import.await.result, ImportResult::Done);
}

#[tokio::test]
async fn a_database_that_stays_locked_says_who_holds_it() {
    let shop = Shop::new(&format!("[database]\nwait_seconds = 0\n{SNAPSHOT}")).await;
    shop.file("purchases.csv", "client,date,amount\nA,2026-05-01,10\n");
    let database = Database::of(shop.path()).await;
    let other = database.hold_writing().await.unwrap();
    let said = run(command(shop.path()));
    assert_eq!(said.code, Some(1), "{}", said.text);
    let expected = database.either(
        "crm: nothing was applied: the database refused: error returned from database: \
         (code: 5) database is locked (another process is writing: wait for it, or stop it)",
        "canceling statement due to lock timeout",
    );
    assert!(said.text.contains(expected), "{}", said.text);
    other.release().await.unwrap();
    // On a server the steps of one import may wait for each other for a moment.
    let config = shop.path().join("config/rekindle.toml");
    let patient = fs::read_to_string(&config).unwrap();
    let patient = patient.replace("wait_seconds = 0", "wait_seconds = 30");
    fs::write(&config, patient).unwrap();
    let said = run(command(shop.path()));
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["1"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_that_may_not_be_written_says_so() {
    if database::only_sqlite("a server has no file that is read-only") {
        return;
    }
    let shop = retail().await;
    shop.app.store.close().await;
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let database = shop.path().join("rekindle.db");
    fs::write(shop.path().join("rekindle.key"), "07".repeat(32)).unwrap();
    for path in [&database, &shop.path().join("rekindle.key")] {
        allow(path, 0o444);
    }
    allow(shop.path(), 0o555);
    // The superuser may write everything, so the import runs as somebody else where one is at hand.
    let superuser = fs::OpenOptions::new().append(true).open(&database).is_ok();
    let output = if superuser {
        let mut somebody = Command::new("setpriv");
        somebody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        let program = shop.path().join("rekindle");
        allow(shop.path(), 0o755);
        fs::copy(env!("CARGO_BIN_EXE_rekindle"), &program).unwrap();
        allow(&program, 0o755);
        allow(shop.path(), 0o555);
        somebody
            .arg(&program)
            .arg("import")
            .current_dir(shop.path());
        somebody.output()
    } else {
        command(shop.path()).output()
    };
    allow(shop.path(), 0o755);
    let Ok(output) = output else {
        eprintln!("not shown here: the superuser may write everything, and setpriv is missing");
        return;
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("read-only"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

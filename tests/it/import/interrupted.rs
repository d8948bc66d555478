//! Imports that cannot end: killed, locked out, on a full disk, on a database that may not be
//! written. Nothing is half done, and the next import does the whole.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use futures::FutureExt;
use rekindle::db::StoreError;
use rekindle::jobs::import::ImportResult;
use sqlx::Executor;

use super::shop::{SNAPSHOT, Shop, connection, dump, only_file};

/// `rekindle import` in the folder of a shop.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command
        .arg("import")
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

/// A shop with the real history in its folder, and no database yet.
async fn retail() -> Shop {
    let shop = Shop::of("GBP", "Europe/London", "GB", SNAPSHOT).await;
    shop.data("online_retail.csv", "purchases.csv");
    shop
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Kills `child` without warning as soon as `moment` has come; false when it ended before.
fn kill_at(mut child: Child, moment: impl Fn() -> bool) -> bool {
    while !moment() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    // SIGKILL on Unix: no handler runs.
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

#[tokio::test]
async fn a_kill_at_any_moment_leaves_nothing_half_done_and_the_next_import_does_the_whole() {
    let whole = retail().await;
    assert!(run(command(whole.path())).status.success());
    let expected = whole.dump().await;
    let mut killed = 0;
    // The log grows while the commit is written, and again while the rhythms are.
    for log_size in [1, 300_000, 1_000_000, 2_000_000] {
        let shop = retail().await;
        let log = shop.path().join("rekindle.db-wal");
        let grown = size(&log) + log_size;
        let quiet = command(shop.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        killed += u32::from(kill_at(quiet.unwrap(), || size(&log) >= grown));
        let rows = shop.rows("SELECT count(*) FROM purchases").await;
        assert!(
            rows == ["0"] || rows == ["22190"],
            "half an import: {rows:?}"
        );
        let output = run(command(shop.path()));
        assert!(output.status.success(), "{output:?}");
        assert!(
            dump(shop.path()).await == expected,
            "killed at {log_size} bytes of the log"
        );
    }
    assert!(
        killed >= 2,
        "the imports were too fast to be killed: {killed}"
    );
}

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
    let mut other = connection(shop.path()).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut import = Box::pin(shop.import());
    for _ in 0..200 {
        assert!(
            import.as_mut().now_or_never().is_none(),
            "the lock was not respected"
        );
        tokio::task::yield_now().await;
    }
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(import.await.result, ImportResult::Done);
}

#[tokio::test]
async fn a_database_that_stays_locked_says_who_holds_it() {
    let shop = Shop::new(SNAPSHOT).await;
    let (mut one, mut two) = (connection(shop.path()).await, connection(shop.path()).await);
    one.execute("BEGIN IMMEDIATE").await.unwrap();
    two.execute("PRAGMA busy_timeout = 0").await.unwrap();
    let error = two.execute("BEGIN IMMEDIATE").await.unwrap_err();
    let text = StoreError::from(error).to_string();
    assert!(text.contains("another process is writing"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_is_an_error_that_loses_nothing() {
    let shop = retail().await;
    // No file may grow beyond the limit, which is what a full disk looks like to the database.
    let script = "trap '' XFSZ; ulimit -f 1500; exec \"$0\" import";
    let mut limited = Command::new("sh");
    limited.args(["-c", script, env!("CARGO_BIN_EXE_rekindle")]);
    limited.current_dir(shop.path()).stdin(Stdio::null());
    let output = run(limited);
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("disk"), "{text}");
    assert!(text.contains("nothing is lost"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["0"]);
    assert_eq!(shop.rows("PRAGMA integrity_check").await, ["ok"]);
    assert!(run(command(shop.path())).status.success());
    assert_eq!(shop.rows("SELECT count(*) FROM purchases").await, ["22190"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_that_may_not_be_written_says_so() {
    use std::os::unix::fs::PermissionsExt;

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

//! A base that moves from SQLite to PostgreSQL, by the real program: every row of it arrives, the same
//! day is planned on both sides, and the old one sends nothing any more.
//!
//! Needs a server: `REKINDLE_TEST_DATABASE=postgres://...`, whose user may make databases.

mod company;
mod server;

use std::collections::BTreeMap;
use std::fs;

use company::{Company, PLANNED, said};
pub(crate) use server::Fresh;

/// A company with a base of its own and an empty database beside it; nothing where there is no server.
fn company_and_target() -> Option<(Company, Fresh)> {
    let Some(target) = Fresh::make() else {
        eprintln!("not tried: REKINDLE_TEST_DATABASE names no server");
        return None;
    };
    Some((Company::with_a_story(), target))
}

#[test]
fn every_row_moves_and_both_sides_plan_the_same() {
    let Some((company, target)) = company_and_target() else {
        return;
    };
    let (old, new) = (Company::FILE, target.url());
    let plan = company.printed(old, &["plan", "--as-of", PLANNED, "--format", "json"]);
    let explained = |url: &str| -> Vec<String> {
        let clients = ["12748", "shop-7", "shop-12"];
        let one = |client| company.printed(url, &["explain", client, "--as-of", PLANNED]);
        clients.into_iter().map(one).collect()
    };
    let explanations = explained(old);
    let before = company.rows();

    let moved = company.done(old, &["migrate-to", &new, "--format", "json"]);
    let moved: serde_json::Value = serde_json::from_str(&moved).expect("JSON");
    let rows: BTreeMap<String, u64> = moved["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .map(|one| {
            let name = one["table"].as_str().expect("a name").to_owned();
            (name, one["rows"].as_u64().expect("a number"))
        })
        .collect();
    let after = target.rows();
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    for (table, rows_before) in &before {
        assert_eq!(rows_before, &after[table], "{table}");
        assert_eq!(rows[table], rows_before.len() as u64, "{table}");
    }
    for table in [
        "purchases",
        "messages",
        "message_events",
        "tasks",
        "enrollments",
        "rhythms",
        "suppressions",
        "erasures",
        "audit",
    ] {
        assert!(rows[table] > 0, "nothing of {table} was there to be moved");
    }

    assert_eq!(
        company.printed(&new, &["plan", "--as-of", PLANNED, "--format", "json"]),
        plan
    );
    assert_eq!(explained(&new), explanations);
    // Numbers go on behind the largest one, and what was watched over is watched over again.
    company.done(&new, &["suppress", "add", "another@example.org"]);
    let run = ["run", "--once", "--as-of", "2011-09-18"];
    company.done(&new, &run);
    let count = |table: &str| target.rows()[table].len();
    assert!(count("tasks") > before["tasks"].len());
    assert!(count("message_events") > before["message_events"].len());
    assert!(target.refuses("UPDATE audit SET reason = 'x'"));
    assert!(target.refuses("DELETE FROM audit"));
    // Who is forgotten stays so, also when an old backup comes back.
    let proofs = |name: &str| fs::read_to_string(company.home().join(name)).expect("proofs");
    assert_eq!(proofs("rekindle.erased"), proofs("rekindle.db.erased"));
    target.drop();
}

#[test]
fn the_old_base_can_be_read_and_nothing_else_until_it_is_taken_back() {
    let Some((company, target)) = company_and_target() else {
        return;
    };
    let (old, new) = (Company::FILE, target.url());
    let text = company.done(old, &["migrate-to", &new]);
    assert!(text.contains("every one was read back"), "{text}");
    assert!(
        text.contains("database.url") || text.contains("[database]"),
        "{text}"
    );

    for command in [&["run"][..], &["run", "--once"], &["import"]] {
        let output = company.run(old, command);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains("was moved to postgres://"), "{said}");
    }
    for command in [
        &["suppress", "add", "late@example.org"][..],
        &["messages", "hold", "--reason", "x", "--by", "ann"],
        &[
            "client", "forget", "shop-9", "--by", "ann", "--reason", "asked",
        ],
    ] {
        let output = company.run(old, command);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains("this base was moved"), "{said}");
    }
    let runs = company.run(old, &["runs"]);
    assert_eq!(runs.status.code(), Some(0), "{}", said(&runs));

    // A second time: the new base is not empty any more, and the words say what that means.
    let again = company.run(old, &["migrate-to", &new]);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(said(&again).contains("is not empty"), "{}", said(&again));
    assert!(
        said(&again).contains("marked as moved already"),
        "{}",
        said(&again)
    );

    let release = [
        "runs", "release", "moved", "--by", "ann", "--reason", "back",
    ];
    let released = company.run(old, &release);
    assert_eq!(released.status.code(), Some(3), "{}", said(&released));
    assert_eq!(
        company.count("SELECT count(*) FROM messages WHERE state = 'planned'"),
        0
    );
    assert!(company.count("SELECT count(*) FROM messages WHERE state = 'held'") > 0);
    assert_eq!(
        company.count("SELECT count(*) FROM holds WHERE name = 'restore'"),
        1
    );
    company.done(old, &["suppress", "add", "late@example.org"]);
    assert_eq!(company.run(old, &release).status.code(), Some(2));
    target.drop();
}

#[test]
fn a_move_that_was_cut_off_before_its_end_is_simply_done_again() {
    let Some((company, target)) = company_and_target() else {
        return;
    };
    let (old, new) = (Company::FILE, target.url());
    // Looked at beforehand, as a careful operator does: the tables are there, and empty.
    company.run(&new, &["doctor"]);
    // A text that PostgreSQL cannot keep stops the move, and nothing is left of it.
    company.change("UPDATE clients SET company = 'a' || char(0) || 'b' WHERE ext_id = 'shop-3'");
    let stopped = company.run(old, &["migrate-to", &new]);
    assert_eq!(stopped.status.code(), Some(1), "{}", said(&stopped));
    assert!(
        said(&stopped).contains("table clients, column company"),
        "{}",
        said(&stopped)
    );
    // Nothing of it is left there, but what the doctor has noted.
    let left = target.rows();
    let full = left
        .iter()
        .find(|(table, rows)| *table != "checkups" && !rows.is_empty());
    assert!(full.is_none(), "{full:?}");
    assert_eq!(
        company.count("SELECT count(*) FROM holds"),
        0,
        "it is not marked"
    );
    company.change("UPDATE clients SET company = 'a b' WHERE ext_id = 'shop-3'");
    // Marked, and killed before the last word to the server: as if it had never been.
    let words = "the process ended here";
    company.change(&format!(
        "INSERT INTO holds (name, since, reason) VALUES ('moved', 1, '{words}')"
    ));
    company.done(old, &["migrate-to", &new]);
    assert_eq!(
        company.count(
            "SELECT count(*) FROM holds WHERE reason LIKE 'this base was moved to postgres%'"
        ),
        1
    );
    assert!(target.rows()["holds"].is_empty(), "the mark stays behind");
    target.drop();
}

#[test]
fn a_base_that_is_used_and_a_target_that_is_not_empty_are_refused() {
    let Some((company, target)) = company_and_target() else {
        return;
    };
    let (old, new) = (Company::FILE, target.url());
    let wrong = company.run(old, &["migrate-to", "sqlite://other.db"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    let backwards = company.run(&new, &["migrate-to", &new]);
    assert_eq!(backwards.status.code(), Some(2), "{}", said(&backwards));

    let mut service = company.serve(old, "keeping the schedules");
    let busy = company.run(old, &["migrate-to", &new]);
    assert_eq!(busy.status.code(), Some(1), "{}", said(&busy));
    assert!(
        said(&busy).contains("another process is using"),
        "{}",
        said(&busy)
    );
    service.stop();

    target.change("CREATE TABLE somebody_elses (n INT)");
    let other = Fresh::make().expect("a server");
    other.change("CREATE TABLE guests (n INT)");
    let foreign = company.run(old, &["migrate-to", &other.url()]);
    assert_eq!(foreign.status.code(), Some(1), "{}", said(&foreign));
    assert!(
        said(&foreign).contains("it has the tables guests"),
        "{}",
        said(&foreign)
    );
    other.drop();
    let missing = format!("{new}_that_is_not_there");
    let missing = company.run(old, &["migrate-to", &missing]);
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
    assert!(said(&missing).contains("createdb"), "{}", said(&missing));
    assert_eq!(
        company.count("SELECT count(*) FROM holds"),
        0,
        "it is not marked"
    );
    target.drop();
}

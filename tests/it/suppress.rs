//! `rekindle suppress`: addresses that must not be written to, entered, asked for and taken back.
#![expect(
    clippy::unwrap_used,
    reason = "a home that cannot be made fails the test as it should"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::database::{self, Database, Folder};

const SETTINGS: &str = "[company]\nname = \"Bakery\"\nlocale = \"en\"\ncountry = \"KZ\"\n";

fn home() -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().join("config/campaigns")).unwrap();
    let settings = SETTINGS.to_owned() + &database::settings(folder.path());
    fs::write(folder.path().join("config/rekindle.toml"), settings).unwrap();
    folder
}

fn suppress(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.current_dir(home).arg("suppress").args(args);
    command.env_remove("REKINDLE_CONFIG").output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn listed(home: &Path, args: &[&str]) -> Value {
    let mut all = vec!["list"];
    all.extend(args);
    all.extend(["--format", "json"]);
    serde_json::from_slice(&suppress(home, &all).stdout).unwrap()
}

/// Channel, scope, reason and source of what is suppressed, without hashes and days.
fn rows(listed: &Value) -> Vec<String> {
    let rows = listed["suppressions"].as_array().unwrap().iter();
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let mut rows: Vec<String> = rows
        .map(|row| {
            ["channel", "scope", "reason", "source"]
                .map(|name| word(row, name))
                .join(" ")
        })
        .collect();
    rows.sort();
    rows
}

/// What the audit says: who, what, why; never an address.
fn audit(home: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = Database::of(home).await;
        let lines =
            "SELECT by || ': ' || what || ', ' || reason || ' ' || about FROM audit ORDER BY id";
        let rows = database.rows(lines).await;
        rows.iter().map(|row| row.get(0)).collect()
    })
}

/// All that a thief of the database would have: the file, or every row of every table.
fn everything(home: &Path) -> Vec<u8> {
    let address = database::address(home);
    if !address.starts_with("postgres") {
        return fs::read(address).unwrap();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = Database::of(home).await;
        let tables = "SELECT relname FROM pg_class
                      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";
        let mut whole = String::new();
        for table in database.rows(tables).await {
            let rows = format!("SELECT * FROM {}", table.get::<&str, _>(0));
            let rows = database.rows(&rows).await;
            whole.extend(rows.iter().map(ToString::to_string));
        }
        assert!(whole.contains("suppression added"), "{whole}");
        whole.into_bytes()
    })
}

#[test]
fn an_address_is_entered_however_it_is_written_and_once() {
    let home = home();
    let home = home.path();
    let add = [
        "add",
        "Anna@Example.org",
        "--reason",
        "complaint",
        "--by",
        "support",
    ];
    let (code, out, _) = said(&suppress(home, &add));
    assert_eq!(code, Some(0));
    assert!(out.contains("written to no more (email, all)"), "{out}");
    let (code, out, _) = said(&suppress(home, &["add", " anna@example.ORG "]));
    assert!(
        code == Some(0) && out.contains("nothing has changed"),
        "{out}"
    );
    // A phone as people write it; advertising only.
    let phone = [
        "add",
        "8 701 123-45-67",
        "--scope",
        "advertising",
        "--reason",
        "stop",
    ];
    assert_eq!(said(&suppress(home, &phone)).0, Some(0));
    for same in ["+77011234567", "7 (701) 123 45 67", "8-701-123-45-67"] {
        assert_eq!(listed(home, &[same])["suppressed"], true, "{same}");
    }
    // A domain in both of its forms.
    assert_eq!(said(&suppress(home, &["add", "иван@пример.рф"])).0, Some(0));
    assert_eq!(
        listed(home, &["иван@xn--e1afmkfd.xn--p1ai"])["suppressed"],
        true
    );
    assert_eq!(listed(home, &["boris@example.org"])["suppressed"], false);
    assert_eq!(
        rows(&listed(home, &[])),
        [
            "email all complaint support",
            "email all manual command line",
            "whatsapp advertising stop command line",
        ]
    );
    let lines = audit(home);
    assert_eq!(
        lines.len(),
        3,
        "what changed nothing is no event: {lines:?}"
    );
    assert!(lines[0].starts_with("support: suppression added, complaint "));
    let whole = everything(home);
    for address in ["anna@example", "7011234567"] {
        let found = whole
            .windows(address.len())
            .any(|bytes| bytes == address.as_bytes());
        assert!(!found, "{address} can be read out of the database");
    }
}

#[test]
fn a_file_is_taken_line_by_line_and_a_wrong_line_is_named_with_its_number() {
    let home = home();
    let home = home.path();
    let file = "\u{feff}# left by letter in 2025\r\nanna@example.org\r\n\r\n  boris@example.org  \n\
                not an address\n+7 701 123 45 67\nclara@example\nanna@example.org\n12345\n";
    fs::write(home.join("stop.txt"), file).unwrap();
    let import = [
        "import",
        "stop.txt",
        "--reason",
        "unsubscribe",
        "--by",
        "old system",
    ];
    let (code, out, err) = said(&suppress(home, &import));
    assert_eq!(
        code,
        Some(3),
        "somebody has to look at the wrong lines: {err}"
    );
    assert!(
        out.contains("3 suppressed, 1 were before, 3 cannot be read"),
        "{out}"
    );
    let places: Vec<&str> = err.lines().collect();
    assert_eq!(places.len(), 3, "{err}");
    for (line, place) in places
        .iter()
        .zip(["stop.txt:5: ", "stop.txt:7: ", "stop.txt:9: "])
    {
        assert!(line.contains(place), "{line}");
    }
    assert!(
        places[0].contains("write it with"),
        "the way out: {}",
        places[0]
    );
    assert_eq!(
        rows(&listed(home, &[])),
        [
            "email all unsubscribe old system",
            "email all unsubscribe old system",
            "whatsapp all unsubscribe old system",
        ]
    );
    assert_eq!(audit(home).len(), 3);
    // The same file again, without its wrong lines: nothing new, and nothing to look at.
    fs::write(
        home.join("stop.txt"),
        "anna@example.org\nboris@example.org\n",
    )
    .unwrap();
    let (code, out, _) = said(&suppress(home, &import));
    assert!(
        code == Some(0) && out.contains("0 suppressed, 2 were before, 0 cannot"),
        "{out}"
    );
    let (code, _, err) = said(&suppress(home, &["import", "nowhere.txt"]));
    assert!(code == Some(1) && err.contains("nowhere.txt"), "{err}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_entered() {
    let home = home();
    let home = home.path();
    for (args, hint) in [
        (&["add", "anna"][..], "phone number"),
        (&["add", "anna@"], "anna@example.org"),
        (
            &["add", "anna@example.org", "--channel", "whatsapp"],
            "phone number",
        ),
        (
            &["add", "anna@example.org", "--reason", "because"],
            "because",
        ),
        (&["add", "anna@example.org", "--scope", "some"], "some"),
        (&["list", "nobody at all"], "phone number"),
        (
            &["remove", "anna@example.org", "--reason", "a mistake"],
            "was not suppressed",
        ),
    ] {
        let (code, _, err) = said(&suppress(home, args));
        assert_eq!(code, Some(2), "{args:?}: {err}");
        assert!(err.contains(hint), "{args:?}: {err}");
    }
    assert_eq!(rows(&listed(home, &[])), Vec::<String>::new());
}

#[test]
fn taking_back_wants_a_reason_and_the_audit_keeps_it() {
    let home = home();
    let home = home.path();
    suppress(home, &["add", "anna@example.org"]);
    suppress(home, &["add", "anna@example.org", "--scope", "advertising"]);
    let (code, _, err) = said(&suppress(
        home,
        &["remove", "anna@example.org", "--reason", " "],
    ));
    assert!(
        code == Some(2) && err.contains("--reason must say why"),
        "{err}"
    );
    assert_eq!(
        said(&suppress(home, &["remove", "anna@example.org"])).0,
        Some(2)
    );
    assert_eq!(rows(&listed(home, &[])).len(), 2);
    let remove = [
        "remove",
        "anna@example.org",
        "--reason",
        "she asked on the phone",
        "--by",
        "olga",
    ];
    assert_eq!(said(&suppress(home, &remove)).0, Some(0));
    assert_eq!(listed(home, &["anna@example.org"])["suppressed"], false);
    let lines = audit(home);
    let last = lines.last().unwrap();
    assert!(
        last.starts_with("olga: suppression removed, she asked on the phone ")
            && !last.contains('@'),
        "{last}"
    );
}

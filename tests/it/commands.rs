//! The commands as an operator and his scripts meet them: exit codes, documents, bad surroundings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::database::{self, Database, Folder};

const SETTINGS: &str = "[company]\nname = \"Bakery\"\nlocale = \"en\"\n\
    [[source]]\nname = \"shop\"\npath = \"data\"\n\
    consent = { basis = \"consent\", channels = [\"email\"], classes = [\"advertising\"] }\n";

const NEWS: &str = "id = \"news\"\ntitle = \"N\"\nstatus = \"live\"\n\
    trigger = { on = \"news\", day = 2026-03-02 }\ngoal = { event = \"none\" }\n\
    limits = { holdout = \"0%\" }\n\
    news = { title = \"New ovens\", item = [{ title = \"Bread\", text = \"Fresh.\" }] }\n\
    step = [{ id = \"letter\", channel = \"email\", template = \"news\" },\n\
    { id = \"call\", after = \"1d\", task = \"call\", script = \"sleeping-client\" }]\n";

/// The home of a company, gone at the end of the test.
struct Home {
    _folder: Folder,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        Self::named("home")
    }

    fn named(name: &str) -> Self {
        let folder = Folder::new();
        let path = folder.path().join(name);
        let home = Self {
            _folder: folder,
            path,
        };
        home.settings("");
        home.write("config/campaigns/news.toml", NEWS);
        let mut clients = vec!["id,name,email".to_owned()];
        let mut purchases = vec!["client,date,amount".to_owned()];
        for n in 0..40 {
            clients.push(format!("c{n},Client {n},c{n}@example.org"));
            purchases.extend((1..9).map(|day| format!("c{n},2026-01-0{day},100")));
        }
        home.write("data/clients.csv", &clients.join("\n"));
        home.write("data/purchases.csv", &purchases.join("\n"));
        home
    }

    /// Writes the settings, and more of them.
    fn settings(&self, more: &str) {
        let settings = format!("{SETTINGS}{more}{}", database::settings(&self.path));
        self.write("config/rekindle.toml", &settings);
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
        command
            .args(args)
            .current_dir(&self.path)
            .stdin(Stdio::null());
        command
            .env_remove("REKINDLE_CONFIG")
            .env_remove("REKINDLE_LOG");
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        self.command(args)
            .output()
            .expect("the binary starts")
            .into()
    }

    fn json(&self, args: &[&str]) -> Value {
        let said = self.run(&[args, &["--format", "json"]].concat());
        assert_eq!(said.code, 0, "{said:?}");
        serde_json::from_str(&said.out).expect("one JSON document on standard output")
    }
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("commands print UTF-8");
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

#[track_caller]
fn assert_fields(value: &Value, fields: &[&str]) {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("an object: {value}"));
    for field in fields {
        assert!(object.contains_key(*field), "no {field} in {value}");
    }
}

#[test]
fn the_documents_of_a_day_have_the_documented_fields() {
    let home = Home::new();
    let plan = home.json(&["plan", "--as-of", "2026-03-02"]);
    assert_fields(
        &plan,
        &[
            "date",
            "currency",
            "base",
            "reach",
            "campaigns",
            "messages",
            "tasks",
        ],
    );
    assert_fields(&plan["base"], &["fitted_on", "method", "gaps", "version"]);
    assert_fields(&plan["reach"][0], &["channel", "class", "clients", "of"]);
    let counted = [
        "id",
        "title",
        "status",
        "entered",
        "left",
        "messages",
        "tasks",
        "holdout",
        "backlog_waiting",
        "skipped",
    ];
    assert_fields(&plan["campaigns"][0], &counted);
    let message = [
        "client", "name", "campaign", "episode", "step", "channel", "template", "why",
    ];
    assert_fields(&plan["messages"][0], &message);

    let run = home.json(&["run", "--once", "--as-of", "2026-03-02"]);
    assert_fields(
        &run,
        &["outcome", "date", "campaigns", "held_because", "delivered"],
    );
    assert_eq!(run["outcome"], "done");
    assert_fields(
        &run["delivered"],
        &["letters", "whatsapp", "lists", "failed"],
    );
    assert_eq!(run["delivered"]["letters"], 40);
    let again = home.json(&["run", "--once", "--as-of", "2026-03-02"]);
    assert_eq!(again["outcome"], "before");
    assert_eq!(again["date"], "2026-03-02");
    assert_eq!(again["delivered"]["letters"], 0);
}

#[test]
fn the_documents_about_tasks_and_runs_have_the_documented_fields() {
    let home = Home::new();
    home.json(&["run", "--once", "--as-of", "2026-03-02"]);
    let plan = home.json(&["plan", "--as-of", "2026-03-03"]);
    let line = [
        "manager",
        "client",
        "name",
        "campaign",
        "rank",
        "value_at_risk",
        "why",
        "script",
        "since",
    ];
    assert_fields(&plan["tasks"][0], &line);
    home.json(&["run", "--once", "--as-of", "2026-03-03"]);
    let task = [
        "id",
        "manager",
        "client",
        "name",
        "phone",
        "campaign",
        "kind",
        "state",
        "rank",
        "value_at_risk",
        "why",
        "usual_items",
        "average_receipt",
        "script",
        "since",
        "not_before",
        "outcome",
        "closed_on",
        "closed_by",
    ];
    assert_fields(&home.json(&["tasks"])[0], &task);
    let runs = [
        "date",
        "mode",
        "status",
        "messages",
        "tasks",
        "held_because",
        "approved_by",
    ];
    assert_fields(&home.json(&["runs"])[0], &runs);
}

#[test]
fn the_documents_about_clients_have_the_documented_fields() {
    let home = Home::new();
    let explained = home.json(&["explain", "c1", "--as-of", "2026-03-03"]);
    assert_fields(
        &explained,
        &[
            "client",
            "name",
            "date",
            "rhythm",
            "hints",
            "tasks",
            "campaigns",
        ],
    );
    let verdict = [
        "campaign",
        "verdict",
        "because",
        "changes_on",
        "why",
        "conditions",
    ];
    assert_fields(&explained["campaigns"][0], &verdict);
    let client = [
        "client",
        "purchases",
        "last_purchase",
        "days_silent",
        "usual_gap_days",
        "overdue_p",
        "away",
        "p_return",
        "due_on",
        "missed_on",
        "asleep_on",
        "lost_on",
        "state",
        "xyz",
        "turnover",
    ];
    assert_fields(
        &home.json(&["clients", "--as-of", "2026-03-03"])[0],
        &client,
    );
}

#[test]
fn clients_of_an_empty_database_are_one_command() {
    let home = Home::new();
    let said = home.run(&[
        "clients",
        "--as-of",
        "2026-03-01",
        "--horizon",
        "60d",
        "--format",
        "csv",
    ]);
    assert_eq!(said.code, 0, "{said:?}");
    let mut lines = said.out.lines();
    assert_eq!(
        lines.next(),
        Some(
            "client,purchases,last_purchase,days_silent,usual_gap_days,overdue_p,away,p_return,\
             due_on,missed_on,asleep_on,lost_on,state,xyz,turnover"
        )
    );
    assert_eq!(lines.count(), 40);
}

#[test]
fn exit_codes_tell_scripts_what_happened() {
    let home = Home::new();
    assert_eq!(home.run(&["plan", "--as-of", "2026-03-01"]).code, 0);
    assert_eq!(home.run(&["plan", "--as-of", "yesterday"]).code, 2);
    assert_eq!(home.run(&["fly"]).code, 2);
    assert_eq!(home.run(&["--config", "nowhere.toml", "plan"]).code, 2);
    home.write(
        "config/campaigns/news.toml",
        &NEWS.replace("title", "titel"),
    );
    let said = home.run(&["plan", "--as-of", "2026-03-01"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("news.toml:2:1") && said.out.is_empty(),
        "{said:?}"
    );
    home.write("config/campaigns/news.toml", NEWS);
    home.write("data/purchases.csv", "client,date\nc1,2026-01-01\n");
    let said = home.run(&["run", "--once", "--as-of", "2026-03-01"]);
    assert_eq!(
        said.code, 3,
        "a source that cannot be read needs a person: {said:?}"
    );
    assert!(said.err.contains("nothing was run"), "{said:?}");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_one() {
    let home = Home::new();
    for (args, nearest) in [
        (["plan", "--campaign", "nesw"].as_slice(), "news"),
        (&["explain", "Client 1"], "c1"),
        (&["preview", "missed-cicle"], "missed-cycle"),
        (&["import", "shpo"], "shop"),
    ] {
        let said = home.run(args);
        assert_eq!(said.code, 2, "{args:?}: {said:?}");
        assert!(said.err.contains(nearest), "{args:?}: {said:?}");
        assert!(
            said.out.is_empty(),
            "documents only on standard output: {said:?}"
        );
    }
}

#[test]
fn outcomes_are_checked_before_they_are_recorded() {
    let home = Home::new();
    home.run(&["run", "--once", "--as-of", "2026-03-02"]);
    home.run(&["run", "--once", "--as-of", "2026-03-03"]);
    assert_eq!(home.run(&["tasks", "outcome", "999", "rejection"]).code, 2);
    assert_eq!(home.run(&["tasks", "outcome", "1", "perhaps"]).code, 2);
    assert_eq!(home.run(&["tasks", "outcome", "1", "come_back"]).code, 2);
    let said = home.run(&["tasks", "outcome", "1", "rejection", "--on", "2026-03-03"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        home.run(&["runs", "approve", "2026-03-02", "--by", "Olga"])
            .code,
        2
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = Home::new();
    home.run(&["import"]);
    for args in [
        ["plan", "--as-of", "2026-03-02", "--format", "json"].as_slice(),
        &["plan", "--as-of", "2026-03-02"],
        &["clients", "--as-of", "2026-03-02"],
        &["clients", "--as-of", "2026-03-02", "--format", "json"],
        &["explain", "c1", "--as-of", "2026-03-02"],
        &["check"],
        &["runs"],
    ] {
        let mut command = home.command(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // The reader is gone before the first line.
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
        assert_eq!(said, "", "{args:?}");
    }
}

#[test]
fn a_pipe_that_took_errors_as_well_may_close_too() {
    for args in [
        ["plan", "--as-of", "2026-03-02"].as_slice(),
        &["import", "--again"],
        &["run", "--once", "--as-of", "2026-03-02"],
    ] {
        let home = Home::new();
        let mut command = home.command(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        drop((child.stdout.take(), child.stderr.take()));
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{args:?}");
    }
}

/// The first line of what is said of a database that cannot be used.
fn said_of(home: &Home) -> String {
    let said = home.run(&["plan", "--as-of", "2026-03-01"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.is_empty(), "{said:?}");
    assert!(said.err.starts_with("error: "), "{said:?}");
    said.err
}

#[test]
fn a_database_that_is_no_database_is_named_with_a_way_out() {
    if database::only_sqlite("what can be wrong with a file") {
        return;
    }
    let home = Home::new();
    home.write("rekindle.db", &"these are no tables ".repeat(500));
    let said = said_of(&home);
    assert!(
        said.contains("rekindle.db") && said.contains("is no database"),
        "{said}"
    );
    let folder = Home::new();
    fs::create_dir(folder.path.join("rekindle.db")).expect("a folder");
    assert!(said_of(&folder).contains("rekindle.db"));
    let nowhere = Home::new();
    let settings = format!("{SETTINGS}[database]\nurl = \"sqlite://no/such/folder/r.db\"\n");
    nowhere.write("config/rekindle.toml", &settings);
    let said = said_of(&nowhere);
    assert!(
        said.contains("no/such/folder/r.db") && said.contains("does not exist"),
        "{said}"
    );
}

/// Whether this process may write whatever a file says: then nothing is read-only for it.
#[cfg(unix)]
fn writes_everywhere(folder: &Path) -> bool {
    fs::write(folder.join("probe"), "").is_ok()
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// The output of a plan of somebody who may not write: nobody, where the tests run as root.
#[cfg(unix)]
fn plan_without_rights(home: &Home) -> Said {
    use std::os::unix::process::CommandExt;
    let mut command = home.command(&["plan", "--as-of", "2026-03-01"]);
    if writes_everywhere(&home.path) {
        fs::remove_file(home.path.join("probe")).expect("just written");
        command.uid(65_534).gid(65_534);
    }
    command.output().expect("the binary starts").into()
}

#[cfg(unix)]
#[test]
fn a_read_only_database_or_folder_is_named_with_a_way_out() {
    if database::only_sqlite("a server has no file that is read-only") {
        return;
    }
    let home = Home::new();
    assert_eq!(home.run(&["import"]).code, 0);
    let parent = home.path.parent().expect("a parent");
    set_mode(parent, 0o755);
    for entry in fs::read_dir(&home.path).expect("a folder") {
        let path = entry.expect("an entry").path();
        set_mode(&path, if path.is_dir() { 0o555 } else { 0o444 });
    }
    set_mode(&home.path, 0o555);
    let said = plan_without_rights(&home);
    set_mode(&home.path, 0o755);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("rekindle.db"), "{said:?}");
    assert!(
        said.err.contains("read-only") || said.err.contains("may not be written"),
        "{said:?}"
    );
}

#[test]
fn a_writer_that_holds_the_database_for_a_while_is_waited_for() {
    let home = Home::new();
    assert_eq!(home.run(&["import"]).code, 0);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut command = home.command(&["run", "--once", "--as-of", "2026-03-02"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = runtime.block_on(async {
        let database = Database::of(&home.path).await;
        let held = database.hold_writing().await.expect("the write lock");
        let mut child = command.spawn().expect("the binary starts");
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert!(child.try_wait().expect("a process").is_none(), "it waits");
        held.release().await.expect("let go");
        database.close().await;
        child
    });
    let said: Said = child.wait_with_output().expect("it ends").into();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("40 letters"), "{said:?}");
}

#[test]
fn a_home_with_spaces_and_cyrillic_works_from_another_folder() {
    let home = Home::named("Моя компания, склад 1");
    let config = home.path.join("config/rekindle.toml");
    let config = config.to_str().expect("UTF-8");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut command = home.command(&["run", "--once", "--as-of", "2026-03-02", "--config", config]);
    let said: Said = command
        .current_dir(elsewhere.path())
        .output()
        .expect("the binary starts")
        .into();
    assert_eq!(said.code, 0, "{said:?}");
    let file = home.path.join("rekindle.db");
    assert!(database::address(&home.path).starts_with("postgres") || file.exists());
    assert!(home.path.join("sandbox/2026-03-02/news").is_dir());
    let left = fs::read_dir(elsewhere.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing lands where the command was started");
}

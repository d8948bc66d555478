//! The main job as a newcomer does it: the ready campaigns, files of a company, and the commands of
//! the README, by the real binary in an empty folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rekindle::model::Day;
use serde_json::Value;

use crate::database::{self, Folder};
use crate::sandbox;

/// The ready English campaigns in an empty folder, with a source added as the README says.
struct Newcomer {
    folder: Folder,
}

impl Newcomer {
    fn with(settings: &str) -> Self {
        let newcomer = Self {
            folder: Folder::new(),
        };
        newcomer.done(&["init", "--locale", "en"]);
        let file = newcomer.home().join("config/rekindle.toml");
        let text = fs::read_to_string(&file).expect("init wrote it");
        let text = database::named_in(&text, newcomer.home());
        fs::write(&file, format!("{text}\n{settings}")).expect("written");
        newcomer
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.home().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_rekindle"))
            .args(args)
            .current_dir(self.home())
            .stdin(Stdio::null())
            .env_remove("REKINDLE_CONFIG")
            .output()
            .expect("the binary starts")
    }

    /// What a command printed that has to be done.
    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("commands print UTF-8")
    }

    fn json(&self, args: &[&str]) -> Value {
        let printed = self.done(&[args, &["--format", "json"]].concat());
        serde_json::from_str(&printed).expect("one document")
    }

    /// The files of the sandbox with their texts.
    fn sandbox(&self) -> BTreeMap<PathBuf, String> {
        let files = sandbox::files(self.home()).into_iter();
        let texts = files.map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()));
        texts.collect()
    }
}

/// Purchases every ten days, the last one on the given day of 2026.
fn purchases(client: &str, last: &str) -> String {
    let last: Day = last.parse().expect("a date of a test");
    let days = (0..12).rev().map(|n| last.plus(-10 * n));
    let rows: Vec<String> = days.map(|day| format!("{client},{day},100\n")).collect();
    rows.concat()
}

#[test]
fn a_year_of_online_retail_is_planned_and_applied_once() {
    let newcomer = Newcomer::with(
        "[[source]]\nname = \"retail\"\npath = \"online_retail.csv\"\n\
         columns = { client = \"client_id\", date = \"date\", amount = \"amount\" }\n",
    );
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/online_retail.csv");
    fs::copy(data, newcomer.home().join("online_retail.csv")).expect("copied");

    let plan = ["plan", "--as-of", "2011-09-15", "--format", "json"];
    let first = newcomer.done(&plan);
    assert_eq!(first, newcomer.done(&plan), "the same twice, byte for byte");
    let planned: Value = serde_json::from_str(&first).expect("one document");
    assert_eq!(planned["date"], "2011-09-15");
    let tasks = planned["tasks"].as_array().expect("tasks");
    assert!(tasks.len() > 5, "{}", tasks.len());
    let of_key_account = tasks.iter().any(|task| task["rank"] == 1);
    assert!(of_key_account, "somebody is to be called first");
    let campaigns = planned["campaigns"].as_array().expect("campaigns");
    let missed = campaigns.iter().find(|one| one["id"] == "missed-cycle");
    let skipped = &missed.expect("a ready campaign")["skipped"];
    assert!(
        skipped["audience.purchases"].as_u64() > Some(0),
        "{skipped}"
    );

    let day = ["run", "--once", "--as-of", "2011-09-15"];
    assert_eq!(newcomer.json(&day)["outcome"], "done");
    let (tasks, sandbox) = (newcomer.json(&["tasks"]), newcomer.sandbox());
    assert!(tasks.as_array().is_some_and(|tasks| !tasks.is_empty()));
    assert_eq!(newcomer.json(&day)["outcome"], "before");
    assert_eq!(newcomer.json(&["tasks"]), tasks);
    assert_eq!(newcomer.sandbox(), sandbox);
}

/// Agreed to letters and WhatsApp.
const AGREED: &str = "[[source]]\nname = \"shop\"\npath = \"data\"\n\
    [source.consent]\nbasis = \"consent\"\nchannels = [\"email\", \"whatsapp\"]\n\
    classes = [\"advertising\", \"service\"]\nproof = \"a form\"\n";

#[test]
fn a_nudge_goes_by_whatsapp_where_the_country_is_allowed_and_as_a_letter_elsewhere() {
    let newcomer = Newcomer::with(AGREED);
    let file = newcomer.home().join("config/rekindle.toml");
    let text = fs::read_to_string(&file).expect("settings");
    let opened = text.replace(
        "#whatsapp_countries = [\"KZ\", \"AM\"]",
        "whatsapp_countries = [\"KZ\"]",
    );
    assert_ne!(text, opened, "the line stands in the ready settings");
    fs::write(&file, opened).expect("written");
    newcomer.write(
        "data/clients.csv",
        "id,name,email,phone\nastana,Aigul,aigul@example.org,+77011234567\n\
         kazan,Olga,olga@example.org,+79161234567\n",
    );
    let mut rows = "client,date,amount\n".to_owned();
    for client in ["astana", "kazan"] {
        rows += &purchases(client, "2026-03-01");
    }
    // A crowd that buys on, so that nobody is a key account.
    for n in 0..30 {
        rows += &purchases(&format!("crowd{n}"), "2026-04-20");
    }
    newcomer.write("data/purchases.csv", &rows);

    let mut day: Day = "2026-03-05".parse().expect("a date");
    let is_nudge = |path: &PathBuf| path.to_string_lossy().contains("nudge");
    while !newcomer.sandbox().keys().any(is_nudge) && day < "2026-05-01".parse().expect("a date") {
        newcomer.json(&["run", "--once", "--as-of", &day.to_string()]);
        day = day.plus(1);
    }
    let files = newcomer.sandbox();
    let nudges: BTreeMap<&PathBuf, &String> =
        files.iter().filter(|(path, _)| is_nudge(path)).collect();
    let of = |client: &str| {
        let mut of_client = nudges
            .iter()
            .filter(|(path, _)| path.to_string_lossy().contains(client));
        let found = of_client
            .next()
            .map(|(path, text)| (path.extension(), *text));
        assert!(of_client.next().is_none(), "one nudge for {client}");
        found.unwrap_or_else(|| panic!("a nudge for {client} in {:?}", files.keys()))
    };
    let (form, request) = of("astana");
    assert_eq!(form.and_then(|form| form.to_str()), Some("json"));
    let request: Value = serde_json::from_str(request).expect("the exact JSON of the request");
    assert_eq!(request["messaging_product"], "whatsapp");
    assert_eq!(request["to"], "77011234567");
    assert_eq!(request["type"], "template");
    assert_eq!(request["template"]["name"], "missed_cycle_short");
    assert_eq!(request["template"]["language"]["code"], "en");
    let parameters = &request["template"]["components"][0]["parameters"];
    assert_eq!(parameters[1]["text"], "1\u{a0}March");

    let (form, letter) = of("kazan");
    assert_eq!(form.and_then(|form| form.to_str()), Some("eml"));
    assert!(letter.contains("Subject: One short question"), "{letter}");
}

#[test]
fn an_approved_run_hands_over_its_letters_and_lists() {
    let newcomer = Newcomer::with(AGREED);
    let mut clients = vec!["id,name,email".to_owned()];
    let mut rows = "client,date,amount\n".to_owned();
    for n in 0..60 {
        clients.push(format!("c{n},Client {n},c{n}@example.org"));
        rows += &purchases(&format!("c{n}"), "2026-03-01");
    }
    newcomer.write("data/clients.csv", &clients.join("\n"));
    newcomer.write("data/purchases.csv", &rows);
    let known = newcomer.json(&["clients", "--as-of", "2026-03-02"]);
    let missed: Day = known[0]["missed_on"]
        .as_str()
        .and_then(|day| day.parse().ok())
        .expect("a day");
    for before in (1..=8).rev() {
        let day = missed.plus(-before).to_string();
        newcomer.json(&["run", "--once", "--as-of", &day]);
    }
    // Everybody misses the cycle on one day: the run is held.
    let day = missed.to_string();
    let held = newcomer.run(&["run", "--once", "--as-of", &day]);
    assert_eq!(held.status.code(), Some(3), "{held:?}");
    let of_day = |newcomer: &Newcomer| -> Vec<String> {
        let files = newcomer.sandbox().into_keys();
        let files = files.map(|path| path.to_string_lossy().into_owned());
        files.filter(|path| path.starts_with(&day)).collect()
    };
    assert_eq!(of_day(&newcomer), [""; 0]);

    let said = newcomer.done(&["runs", "approve", &day, "--by", "Olga"]);
    assert!(said.contains("approved by Olga"), "{said}");
    let files = of_day(&newcomer);
    assert!(
        files.iter().any(|path| path.contains("missed-cycle")),
        "{files:?}"
    );
    assert!(
        files.iter().any(|path| path.contains("managers")),
        "{files:?}"
    );
    let again = newcomer.run(&["runs", "approve", &day, "--by", "Olga"]);
    assert_eq!(again.status.code(), Some(2), "once is enough");
}

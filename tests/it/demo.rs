//! `rekindle demo`: the whole main job on the sample base, as a newcomer sees it.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be read fails the test as it should"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mail_parser::{Address, MessageParser};

use crate::database::{self, Database};

/// Days of the short replay: enough for second letters and for purchases in between.
const DAYS: &str = "12";

fn demo(dir: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.arg("demo").arg(dir).args(["--days", DAYS]);
    command.args(more).env_remove("REKINDLE_CONFIG");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Every file below a folder, by its path from there.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(next) = ahead.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let inside = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(inside, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What stands in a text before and after each `@`.
fn addresses(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
    let words = text.split(|c: char| !is_part(c));
    let words = words.filter(|word| {
        let parts: Vec<&str> = word.split('@').collect();
        parts.len() == 2 && parts.iter().all(|part| !part.is_empty())
    });
    words
        .map(|word| word.trim_matches('.').to_owned())
        .collect()
}

fn is_nobodys(address: &str) -> bool {
    let domain = address.rsplit('@').next().unwrap();
    ["example.org", "example.com", "example.net"].contains(&domain)
}

/// The table of the campaigns: entered, letters, tasks, held out, bought, answered, ended.
fn campaigns(told: &str) -> BTreeMap<String, Vec<u64>> {
    let rows = told
        .lines()
        .skip_while(|line| !line.starts_with("Campaign"))
        .skip(1)
        .take_while(|line| !line.is_empty());
    rows.map(|row| {
        let mut cells = row.split_whitespace();
        let id = cells.next().unwrap().to_owned();
        (id, cells.map(|cell| cell.parse().unwrap()).collect())
    })
    .collect()
}

fn header_addresses(address: Option<&Address<'_>>) -> Vec<String> {
    let list = address.into_iter().flat_map(Address::iter);
    list.filter_map(|one| one.address().map(str::to_owned))
        .collect()
}

#[test]
fn the_demo_does_the_whole_main_job_and_is_the_same_every_time() {
    if database::only_sqlite("the demo keeps its base in a file") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    let run = demo(&first, &[]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let told = text(&run.stdout);

    every_campaign_did_something_or_says_why_not(&told);
    the_lines_are_short_enough(&told, home.path());
    let letters = files(&first.join("sandbox"));
    every_letter_can_be_read_and_reaches_nobody(&letters);
    no_address_of_the_base_is_anybodys(&first.join("data"));
    the_pages_are_whole(&first.join("letters"));
    every_branch_of_a_rejection_can_be_seen(&first.join("rekindle.db"));

    let again = demo(&second, &[]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    let same = files(&second.join("sandbox"));
    assert_eq!(
        letters.keys().collect::<Vec<_>>(),
        same.keys().collect::<Vec<_>>()
    );
    for (path, bytes) in &letters {
        assert!(same[path] == *bytes, "{} differs", path.display());
    }
    the_next_steps_work_as_they_are_printed(&told, home.path());
}

fn every_campaign_did_something_or_says_why_not(told: &str) {
    let campaigns = campaigns(told);
    assert_eq!(campaigns.len(), 21, "{campaigns:?}");
    for (id, counts) in &campaigns {
        let touches: u64 = counts[1..4].iter().sum();
        let says_why = told
            .lines()
            .skip_while(|line| *line != "Still to come:")
            .take_while(|line| !line.starts_with("=="))
            .any(|line| line.trim_start().starts_with(id.as_str()));
        assert!((touches > 0) != says_why, "{id} {counts:?}\n{told}");
    }
    let sum = |column: usize| campaigns.values().map(|counts| counts[column]).sum::<u64>();
    assert!(sum(1) > 50, "letters");
    assert!(sum(2) > 30, "tasks");
    assert!(sum(3) > 0, "held out");
    assert!(sum(4) > 0, "nobody bought");
    assert!(sum(5) > 0, "nobody answered a manager");
    assert!(told.contains("outcomes: "), "{told}");
}

fn the_lines_are_short_enough(told: &str, home: &Path) {
    let home = home.to_str().unwrap();
    for line in told.lines().filter(|line| !line.contains(home)) {
        let width = line.chars().count();
        // Commands name the program, whose path is long here.
        assert!(width <= 100 || line.contains("rekindle"), "{width}: {line}");
    }
}

fn every_letter_can_be_read_and_reaches_nobody(letters: &BTreeMap<PathBuf, Vec<u8>>) {
    let parser = MessageParser::default();
    let mut lists = 0;
    let is_letter = |path: &Path| path.extension().is_some_and(|extension| extension == "eml");
    for (path, bytes) in letters.iter().filter(|(path, _)| is_letter(path)) {
        let letter = parser.parse(bytes).unwrap();
        let path = path.display();
        let body = letter.body_text(0).unwrap();
        let html = letter.body_html(0).unwrap();
        let subject = letter.subject().unwrap();
        for part in [&*body, &*html, subject] {
            assert!(!part.trim().is_empty() && !part.contains("{{"), "{path}");
        }
        let mut known = header_addresses(letter.to());
        assert_eq!(known.len(), 1, "{path}");
        known.extend(header_addresses(letter.from()));
        known.extend(header_addresses(letter.reply_to()));
        known.extend(addresses(&body));
        known.extend(addresses(&html));
        let foreign: Vec<_> = known.iter().filter(|one| !is_nobodys(one)).collect();
        assert!(foreign.is_empty(), "{path}: {foreign:?}");
        lists += u32::from(letter.header_raw("List-Unsubscribe").is_none());
    }
    assert!(lists > 0, "the managers got no list");
}

fn no_address_of_the_base_is_anybodys(data: &Path) {
    let mut seen = 0;
    for (path, bytes) in files(data) {
        for address in addresses(&text(&bytes)) {
            assert!(is_nobodys(&address), "{}: {address}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen}");
}

/// All three branches of the script, the campaign that answers rejections, the certificate of whoever
/// named a friend: each is there in what was done, and in what can be done next.
fn every_branch_of_a_rejection_can_be_seen(database: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let counted = runtime.block_on(async {
        let database = Database::open(database.to_str().unwrap()).await.unwrap();
        let of_script = |kind: &str| {
            format!(
                "SELECT count(*) FROM outcomes o JOIN tasks t ON t.id = o.task_id
                 WHERE t.script = 'rejection' AND o.kind = '{kind}'"
            )
        };
        let mut counted = BTreeMap::new();
        for (name, query) in [
            ("still interested", of_script("interested")),
            ("named a friend", of_script("friend_named")),
            ("knows nobody, card sent", of_script("card_sent")),
            (
                "letters that answer a rejection",
                "SELECT count(*) FROM messages
                 WHERE campaign = 'rejection-answered' AND state = 'accepted'"
                    .to_owned(),
            ),
            (
                "tasks of rejections to do today",
                "SELECT count(*) FROM tasks WHERE script = 'rejection' AND state = 'open'"
                    .to_owned(),
            ),
            (
                "friends with a certificate to be sent",
                "SELECT count(*) FROM friends f JOIN outcomes o ON o.id = f.outcome_id
                 JOIN tasks t ON t.id = o.task_id
                 JOIN certificates c ON c.client_id = t.client_id AND c.campaign = t.campaign
                  AND c.step = t.step || '-friend' AND c.kind = 'friend'"
                    .to_owned(),
            ),
        ] {
            let count: i64 = database.one(&query).await;
            counted.insert(name, count);
        }
        counted
    });
    assert!(counted.values().all(|count| *count > 0), "{counted:?}");
}

fn the_pages_are_whole(folder: &Path) {
    let pages = files(folder);
    assert!(pages.len() >= 8, "{:?}", pages.keys());
    for (path, bytes) in pages {
        let page = text(&bytes);
        assert!(page.trim_end().ends_with("</html>"), "{}", path.display());
        for picture in page.split("src=\"").skip(1) {
            let source = picture.split('"').next().unwrap();
            assert!(folder.join(source).exists(), "{}: {source}", path.display());
        }
    }
}

/// Every command that the demo proposes is run as it stands.
fn the_next_steps_work_as_they_are_printed(told: &str, elsewhere: &Path) {
    let steps = told
        .lines()
        .skip_while(|line| !line.contains("What to type next"))
        .collect::<Vec<_>>();
    let config = steps
        .iter()
        .find_map(|line| line.split_once("REKINDLE_CONFIG="))
        .unwrap()
        .1;
    let program = env!("CARGO_BIN_EXE_rekindle");
    let commands: Vec<&str> = steps
        .iter()
        .filter_map(|line| line.strip_prefix(program))
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let run = Command::new(program)
            .args(command.split_whitespace())
            .env("REKINDLE_CONFIG", config)
            .current_dir(elsewhere)
            .output()
            .unwrap();
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(0), "rekindle{command}: {said}");
        assert!(!run.stdout.is_empty(), "rekindle{command}");
    }
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("letter.txt"), "mine").unwrap();
    for more in [&[][..], &["--again"][..]] {
        let run = demo(home.path(), more);
        assert_eq!(run.status.code(), Some(2));
        assert!(text(&run.stderr).contains("name an empty folder"));
    }
    assert_eq!(files(home.path()).len(), 1);
}

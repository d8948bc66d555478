//! Issuing: everybody one, the same after every kill, and no code twice.

use std::process::{Command, Stdio};
use std::time::Duration;

use rekindle::jobs::day;
use rekindle::render::CertificatePart;

use crate::world::{World, day as the_day};

/// How many clients get a certificate.
const CLIENTS: usize = 10_000;

const CAMPAIGN: &str = r#"id = "gift"
title = "G"
status = "live"
starts = 2026-01-01
trigger = { on = "news", day = 2026-03-01 }
news = { title = "N", item = [{ title = "A", text = "B" }] }
limits = { holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "friend-certificate", certificate = { kind = "friend", discount = "10%", valid = "60d", prefix = "NY26" } }]
"#;

/// Starts the program on the day, and ends it by SIGKILL once so many certificates lie in the
/// database. False when it was done before.
fn killed_after(world: &mut World, certificates: i64) -> bool {
    let mut run = Command::new(env!("CARGO_BIN_EXE_rekindle"))
        .args(["run", "--once", "--as-of", "2026-03-01"])
        .current_dir(world.home())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    loop {
        if run.try_wait().unwrap().is_some() {
            return false;
        }
        let planning = "SELECT count(*) FROM runs WHERE status = 'planning'";
        if world.count("SELECT count(*) FROM certificates") >= certificates
            && world.count(planning) == 1
        {
            run.kill().unwrap();
            return run.wait().unwrap().code().is_none();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn kills_while_issuing_ten_thousand_leave_nobody_with_two_codes() {
    let mut world = World::new();
    world.campaign(CAMPAIGN);
    for n in 0..CLIENTS {
        world.client(&format!("c{n}"));
    }
    // So many that none of them is a key account, who gets no mailing.
    for n in 0..20 {
        world.client(&format!("c{n}")).bought(&["2026-01-15"]);
    }
    world.at(the_day("2026-03-01"));
    world.import();
    let mut first: Vec<(String, String)> = Vec::new();
    let mut kills = 0;
    for certificates in [1, 3_000, 6_000, 9_000] {
        if killed_after(&mut world, certificates) {
            kills += 1;
        }
        let seen = codes(&mut world);
        if seen.len() > first.len() {
            first = seen;
        }
    }
    assert!(kills >= 3, "killed {kills} times");
    let app = world.open();
    let planned = day::run(&app, World::as_of(the_day("2026-03-01")), &|_| ());
    world.wait(planned).unwrap();
    let all = codes(&mut world);
    assert_eq!(all.len(), CLIENTS);
    let distinct =
        "SELECT count(DISTINCT code) * 100000 + count(DISTINCT client_id) FROM certificates";
    assert_eq!(world.count(distinct), (CLIENTS * 100_000 + CLIENTS) as i64);
    // Whoever had a code before a kill has the same one now.
    let now: std::collections::HashMap<_, _> = all.into_iter().collect();
    assert!(!first.is_empty());
    assert!(first.iter().all(|(client, code)| now[client] == *code));
    // The letter says what the table says.
    let rows = world.rows(
        "SELECT m.inputs, c.code FROM messages m JOIN certificates c
         ON (c.campaign, c.client_id, c.episode, c.step)
            = (m.campaign, m.client_id, m.episode, m.step)",
    );
    assert_eq!(rows.len(), CLIENTS);
    for row in &rows {
        let inputs: serde_json::Value = serde_json::from_str(row.get(0)).unwrap();
        let part: CertificatePart = serde_json::from_value(inputs["certificate"].clone()).unwrap();
        assert_eq!(part.code, row.get::<String, _>(1));
        assert!(part.code.starts_with("NY26-"));
    }
    // Nobody waits for ten thousand letters here.
    world.finish_held();
}

/// Clients with their codes, those of runs that are not sealed included.
fn codes(world: &mut World) -> Vec<(String, String)> {
    let rows = world
        .rows("SELECT c.ext_id, t.code FROM certificates t JOIN clients c ON c.id = t.client_id");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn a_code_that_somebody_has_is_not_given_to_another() {
    let code = |world: &mut World| world.texts("SELECT code FROM certificates WHERE client_id = 1");
    let mut world = World::new();
    world.campaign(CAMPAIGN);
    world.client("anna");
    world.run("2026-03-01");
    let usual = code(&mut world);
    assert_eq!(usual.len(), 1);
    // The same company once more, in which somebody has that very code from long ago.
    let mut other = World::new();
    other.campaign(CAMPAIGN);
    std::fs::copy(
        world.home().join("rekindle.key"),
        other.home().join("rekindle.key"),
    )
    .unwrap();
    other.client("anna");
    other.import();
    other.rows(
        "INSERT INTO runs (id, schedule, logical_date, mode, status, started_at)
         VALUES (9, 'test', 20000, 'sandbox', 'sealed', 0)",
    );
    other.rows(&format!(
        "INSERT INTO certificates (code, campaign, client_id, episode, step, kind, discount,
                                   issued_on, valid_until, run_id)
         VALUES ('{}', 'old', 77, 'e', 's', 'own', '5%', 20000, 20100, 9)",
        usual[0]
    ));
    other.run("2026-03-01");
    let given = code(&mut other);
    assert_eq!(given.len(), 1);
    assert_ne!(given, usual);
    assert_eq!(other.count("SELECT count(*) FROM certificates"), 2);
    other.finish();
    world.finish();
}

#[test]
fn a_nudge_shows_the_picture_of_its_certificate_by_the_link_of_its_page() {
    let mut world = World::new();
    world.also(
        "\n[delivery]\nwhatsapp_countries = [\"KZ\"]\npublic_url = \"https://bakery.test/post\"\n",
    );
    world.campaign(
        &CAMPAIGN
            .replace("channel = \"email\"", "channel = \"whatsapp\"")
            .replace("\"friend-certificate\"", "\"friend-certificate-short\""),
    );
    world.client("anna").phone("+77011234567");
    world.run("2026-03-01");
    let code = world.texts("SELECT code FROM certificates").remove(0);
    let files = world.letters();
    let mut requests = files
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "json"));
    let request: serde_json::Value = serde_json::from_slice(requests.next().unwrap().1).unwrap();
    let components = request["template"]["components"].as_array().unwrap();
    let of = |kind: &str| components.iter().find(|one| one["type"] == kind).unwrap();
    assert_eq!(
        of("header")["parameters"][0]["image"]["link"],
        format!("https://bakery.test/post/c/{code}.png")
    );
    assert_eq!(of("body")["parameters"][3]["text"], code.as_str());
    world.finish();
}

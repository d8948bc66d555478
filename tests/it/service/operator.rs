//! Letters to the operator of a live service: they leave over SMTP as all letters do, while the same
//! process keeps the schedules, delivers and serves its pages.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use rekindle::clock::Clock;

use super::processes::{Serving, answer};
use crate::database::{self, Database, Folder};
use crate::smtp::sink::{At, Fault, Manners, Script, Sink};

/// It is looked for occasions every half minute, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

const CLIENTS: u32 = 12;

fn write(home: &Path, mail_port: u16) {
    let put = |file: &str, text: &str| {
        let path = home.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    put(
        "config/rekindle.toml",
        &format!(
            "[company]\nname = \"Bakery\"\nlocale = \"en\"\ntime_zone = \"UTC\"\n\
             email = \"desk@bakery.test\"\n\
             [hours]\nweekdays = \"00:00-24:00\"\nweekends = \"00:00-24:00\"\n\
             [delivery]\nmode = \"live\"\nfrom_email = \"desk@bakery.test\"\n\
             public_url = \"https://bakery.test/post\"\nletters_per_domain = 100000\n\
             [smtp]\nhost = \"127.0.0.1\"\nport = {mail_port}\ntls = \"none\"\n\
             [operator]\nemail = \"ops@bakery.test\"\n\
             [schedule]\nimport = {{ at = \"0 0 * * *\" }}\ndaily = {{ at = \"0 0 * * *\" }}\n\
             digests = {{ at = \"never\" }}\ntidy = {{ at = \"0 0 * * *\" }}\nbackup = {{ at = \"never\" }}\n\
             [web]\npublic = \"127.0.0.1:0\"\nstaff = \"127.0.0.1:0\"\n\
             [[source]]\nname = \"shop\"\nkind = \"csv\"\npath = \"data\"\n\
             [source.consent]\nbasis = \"consent\"\nchannels = [\"email\"]\n\
             classes = [\"advertising\"]\n{}",
            database::settings(home)
        ),
    );
    put(
        "config/campaigns/news.toml",
        &format!(
            "id = \"news\"\ntitle = \"News\"\nstatus = \"live\"\nfrom = \"company\"\n\
             [trigger]\non = \"news\"\nday = {}\nwhen = \"any_hour\"\n\
             [limits]\nholdout = \"0%\"\n\
             [news]\ntitle = \"News\"\nintro = \"Something is new.\"\n\
             [[news.item]]\ntitle = \"One\"\ntext = \"Something.\"\n\
             [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"news\"\n",
            Clock::System.today(chrono_tz::UTC)
        ),
    );
    let mut clients = "id,name,email\n".to_owned();
    for n in 0..CLIENTS {
        writeln!(clients, "c{n},Client {n},c{n}@example.org").expect("a text grows");
    }
    put("data/clients.csv", &clients);
}

fn rekindle(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.args(args).current_dir(home);
    command.env_remove("REKINDLE_CONFIG");
    command.output().expect("the binary starts")
}

/// Letters to the operator: their texts, whatever their lines.
fn to_operator(sink: &Sink) -> Vec<String> {
    let received = sink.received().into_iter();
    let taken = received.filter(|one| one.recipient == "ops@bakery.test");
    taken
        .map(|one| String::from_utf8_lossy(&one.data).replace("=\r\n", ""))
        .collect()
}

async fn hears(sink: &Sink, words: &[&str], service: &Serving) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let letters = to_operator(sink);
        let found = letters
            .iter()
            .find(|text| words.iter().all(|word| text.contains(word)));
        if let Some(text) = found {
            return text.clone();
        }
        assert!(
            Instant::now() < until,
            "nothing of {words:?}: {letters:#?}\n{}",
            service.said()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_service_writes_to_its_operator_over_smtp() {
    let folder = Folder::new();
    let home = folder.path();
    // The first letter is taken, and nobody hears of it.
    let manners = Manners {
        scripts: vec![Script {
            at: At::EndOfData,
            fault: Fault::Rst,
        }],
        most_faults: Some(1),
        ..Manners::default()
    };
    let sink = Sink::start(0, None, manners).await.expect("a mail server");
    write(home, sink.address.port());
    let today = Clock::System.today(chrono_tz::UTC).to_string();
    for (args, code) in [
        (&["import"][..], 0),
        (&["run", "--once"], 3),
        (&["runs", "approve", &today, "--by", "operator"], 0),
        (&["run", "--once"], 0),
    ] {
        let output = rekindle(home, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    }
    // Known for two days; and from now on one source cannot be read.
    let base = Database::of(home).await;
    let since = (Clock::System.now() - TimeDelta::days(2)).timestamp_millis();
    for name in ["import", "daily", "tidy"] {
        base.run(&format!(
            "INSERT INTO schedules (name, since) VALUES ('{name}', {since})"
        ))
        .await;
    }
    fs::rename(home.join("data"), home.join("data-is-gone")).expect("moved away");

    let service = Serving::start(home, &["run"]);
    let (_, staff) = service.addresses();
    // The import: late, with what is wrong with it.
    let late = hears(&sink, &["import", "is late"], &service).await;
    assert!(
        late.contains("To: ") && late.contains("ops@bakery.test"),
        "{late}"
    );
    // And the letter of which nobody heard.
    let unknown = hears(&sink, &["1 messages of", "are unknown"], &service).await;
    assert!(
        unknown.contains("rekindle messages --state unknown"),
        "{unknown}"
    );
    let states = "SELECT count(*) FROM messages WHERE client_id <> 0 AND state = 'accepted'";
    let accepted: i64 = base.one(states).await;
    assert_eq!(accepted, i64::from(CLIENTS) - 1);
    let (status, text) = answer(&staff, "/readyz");
    assert_eq!(status, 200, "{text}");
    let (_, text) = answer(&staff, "/metrics");
    assert!(
        text.contains("rekindle_open_messages{state=\"unknown\"} 1"),
        "{text}"
    );
    for part in ["schedule", "worker", "web"] {
        let alive = format!("rekindle_alive_seconds_ago{{part=\"{part}\"}}");
        assert!(text.contains(&alive), "{part}: {text}");
    }
    // One letter for each occasion, and none of them to anybody else.
    let letters = to_operator(&sink);
    let of = |words: &str| letters.iter().filter(|text| text.contains(words)).count();
    assert_eq!(of("are unknown"), 1);
    service.stop();
    base.close().await;
}

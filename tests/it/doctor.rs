//! `rekindle doctor` against a real mail server and a real name server, both on this machine.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::database::{self, Folder};
use crate::smtp::sink::{Manners, Sink};

/// A name server that knows some texts; stops when it is dropped.
struct NameServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl NameServer {
    fn start(texts: &[(&str, &str)]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("an address");
        let pause = Some(Duration::from_millis(50));
        socket.set_read_timeout(pause).expect("a timeout");
        let stop = Arc::new(AtomicBool::new(false));
        let known: HashMap<String, String> = texts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            let mut question = [0; 1_500];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut question) {
                    let answer = answer(&question[..length], &known);
                    socket.send_to(&answer, from).expect("an answer");
                }
            }
        });
        Self { address, stop }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The answer to a question with the text of its name. Source: RFC 1035 §4.
fn answer(question: &[u8], known: &HashMap<String, String>) -> Vec<u8> {
    let mut name = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let length = usize::from(question[at]);
        let label = &question[at + 1..=at + length];
        name.push(String::from_utf8_lossy(label).to_lowercase());
        at += length + 1;
    }
    let end = at + 5;
    let text = known.get(&name.join("."));
    let mut answer = question[..2].to_vec();
    // An answer to a recursive question, without error; one question, one answer or none.
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(text.is_some()), 0, 0, 0, 0]);
    answer.extend(&question[12..end]);
    if let Some(text) = text {
        let pieces: Vec<u8> = text
            .as_bytes()
            .chunks(255)
            .flat_map(|piece| [&[piece.len() as u8][..], piece].concat())
            .collect();
        // The name of the question, TXT, IN, a minute.
        answer.extend([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60]);
        answer.extend((pieces.len() as u16).to_be_bytes());
        answer.extend(pieces);
    }
    answer
}

fn home(settings: &str) -> Folder {
    let folder = Folder::new();
    let config = folder.path().join("config");
    fs::create_dir_all(config.join("campaigns")).expect("a folder");
    let company = "[company]\nname = \"Bakery\"\nlocale = \"en\"\n";
    let database = database::settings(folder.path());
    let text = format!("{company}{settings}{database}");
    fs::write(config.join("rekindle.toml"), text).expect("a file");
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/smtp/tls");
    let key = folder.path().join("dkim.key");
    fs::copy(keys.join("dkim-rsa.key"), &key).expect("a key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    folder
}

fn doctor(home: &Path, names: SocketAddr) -> (Output, HashMap<String, Vec<Value>>) {
    let output = Command::new(env!("CARGO_BIN_EXE_rekindle"))
        .current_dir(home)
        .args([
            "doctor",
            "--format",
            "json",
            "--name-server",
            &names.to_string(),
        ])
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect(&said);
    let mut by_check: HashMap<String, Vec<Value>> = HashMap::new();
    for finding in findings {
        let check = finding["check"].as_str().expect("a check").to_owned();
        by_check.entry(check).or_default().push(finding);
    }
    (output, by_check)
}

fn live(port: u16) -> String {
    format!(
        "[delivery]\nmode = \"live\"\nfrom_email = \"hello@bakery-of-ours.org\"\n\
         public_url = \"https://bakery-of-ours.org/r\"\n\
         [smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n\
         [smtp.deadlines]\nconnect = \"2s\"\ngreeting = \"2s\"\n\
         [smtp.dkim]\nselector = \"rk1\"\nkey_file = \"dkim.key\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_ready_passes_and_a_wrong_key_names_the_right_record() {
    let sink = Sink::start(0, None, Manners::default())
        .await
        .expect("a sink");
    let home = home(&live(sink.address.port()));
    let spf = ("bakery-of-ours.org", "v=spf1 ip4:127.0.0.1 -all");
    let dmarc = ("_dmarc.bakery-of-ours.org", "v=DMARC1; p=none");
    let at = "rk1._domainkey.bakery-of-ours.org";
    let wrong = NameServer::start(&[spf, dmarc, (at, "v=DKIM1; k=rsa; p=QUJD")]);
    let (output, found) = doctor(home.path(), wrong.address);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(found["dkim"][0]["health"], "failure");
    let mend = found["dkim"][0]["mend"].as_str().expect("a way out");
    let record = mend.split('"').nth(1).expect("the record").to_owned();
    // Made of the same private key by another program.
    let public = include_str!("smtp/tls/dkim-rsa.pub");
    let public: String = public
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert_eq!(record, format!("v=DKIM1; k=rsa; p={public}"));
    assert_eq!(found["spf"][0]["health"], "good");

    // Publishing exactly what it asks for mends it.
    let right = NameServer::start(&[spf, dmarc, (at, &record)]);
    let (output, found) = doctor(home.path(), right.address);
    assert_eq!(output.status.code(), Some(0), "{found:?}");
    for check in [
        "database", "disk", "clock", "smtp", "spf", "dmarc", "dkim", "public",
    ] {
        assert_eq!(found[check][0]["health"], "good", "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_mail_server_does_not_answer() {
    // A port that nobody listens on: it was free a moment ago.
    let port = UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a port")
        .port();
    let home = home(&live(port));
    let names = NameServer::start(&[]);
    let (output, found) = doctor(home.path(), names.address);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(found["smtp"][0]["health"], "failure");
    for check in ["spf", "dmarc", "dkim"] {
        assert_eq!(found[check][0]["health"], "failure", "{check}");
    }
    let served = Command::new(env!("CARGO_BIN_EXE_rekindle"))
        .current_dir(home.path())
        .arg("run")
        .output()
        .expect("the program");
    assert_eq!(served.status.code(), Some(3));
    let said = String::from_utf8_lossy(&served.stderr);
    assert!(said.contains("FAIL smtp"), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("NOT LIVE: nothing is sent before this is mended: ")
            && last.contains("smtp"),
        "{said}"
    );
    // The day is planned all the same, and cron hears that somebody is needed.
    let once = Command::new(env!("CARGO_BIN_EXE_rekindle"))
        .current_dir(home.path())
        .args(["run", "--once"])
        .output()
        .expect("the program");
    assert_eq!(once.status.code(), Some(3));
    let said = String::from_utf8_lossy(&once.stdout);
    assert!(
        said.contains("Nothing leaves: the doctor found failures"),
        "{said}"
    );
}

#[test]
fn in_the_sandbox_nothing_fails() {
    let home = home("");
    let names = NameServer::start(&[]);
    let (output, found) = doctor(home.path(), names.address);
    assert_eq!(output.status.code(), Some(0), "{found:?}");
    assert_eq!(found["mode"][0]["health"], "warning");
}

#[test]
fn a_server_is_looked_at_and_what_is_wrong_with_it_is_said_in_words() {
    let Some(server) = database::server() else {
        println!("not tried: REKINDLE_TEST_DATABASE names no server");
        return;
    };
    let home = home("");
    let names = NameServer::start(&[]);
    let (output, found) = doctor(home.path(), names.address);
    assert_eq!(output.status.code(), Some(0), "{found:?}");
    let about = found["server"][0]["what"].as_str().expect("words");
    assert!(
        about.contains("PostgreSQL") && about.contains("connections in use"),
        "{about}"
    );
    let clocks = found["clock"].iter();
    let same = clocks.filter(|one| one["what"] == "the server has the same time");
    assert_eq!(same.count(), 1, "{found:?}");
    // What cannot be reached: no such database, nobody there.
    let said = |url: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
        let command = command.current_dir(home.path()).arg("doctor");
        let output = command
            .args(["--database", url])
            .output()
            .expect("the program");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let mut missing = server.parse::<reqwest::Url>().expect("an address");
    missing.set_path("there_is_no_such_database");
    missing.set_query(None);
    let text = said(missing.as_str());
    assert!(text.contains("createdb"), "{text}");
    let text = said("postgres://rekindle@127.0.0.1:1/nobody");
    assert!(text.contains("is it running"), "{text}");
    let text = said("mysql://anna:secret@127.0.0.1/x");
    assert!(
        text.contains("postgres://") && !text.contains("secret"),
        "{text}"
    );
}

/// A WhatsApp account that answers questions about itself, until it is dropped.
fn account(templates: &'static str) -> std::net::SocketAddr {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).expect("a request");
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let is_ours = request
                .to_lowercase()
                .contains("authorization: bearer t0ken");
            let (status, body) = match request.split_whitespace().nth(1) {
                _ if !is_ours => (
                    "401 Unauthorized",
                    r#"{"error":{"message":"Invalid token","code":190}}"#,
                ),
                Some(path) if path.contains("/10229/message_templates?") => ("200 OK", templates),
                _ => (
                    "200 OK",
                    r#"{"verified_name":"Bakery","display_phone_number":"+7 701"}"#,
                ),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).expect("a head");
            stream.write_all(body.as_bytes()).expect("a body");
        }
    });
    address
}

#[test]
fn templates_that_campaigns_use_must_be_approved_as_we_fill_them() {
    let address = account(
        r#"{"data":[
        {"name":"missed_cycle_short","language":"ru","status":"APPROVED",
         "components":[{"type":"BODY","text":"{{1}} {{2}}"}]},
        {"name":"missed_cycle_short","language":"en","status":"PAUSED",
         "components":[{"type":"BODY","text":"{{1}} {{2}}"}]}]}"#,
    );
    let home = home(&format!(
        "[delivery]\nwhatsapp_countries = [\"KZ\"]\n[whatsapp]\nphone_number_id = \"1065\"\n\
         business_account_id = \"10229\"\nbase_url = \"http://{address}\"\n\
         token_env = \"REKINDLE_TEST_TOKEN\"\napp_secret_env = \"REKINDLE_TEST_TOKEN\"\n\
         verify_token_env = \"REKINDLE_TEST_TOKEN\"\n"
    ));
    fs::write(
        home.path().join("config/campaigns/wake.toml"),
        "id = \"wake\"\ntitle = \"W\"\nstatus = \"live\"\ntrigger = { on = \"missed_cycle\" }\n\
         step = [{ id = \"nudge\", channel = \"whatsapp\", template = \"missed-cycle-short\" }]\n",
    )
    .expect("a campaign");
    let names = NameServer::start(&[]);
    let ask = |token: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_rekindle"))
            .current_dir(home.path())
            .env("REKINDLE_TEST_TOKEN", token)
            .args(["doctor", "--name-server", &names.address.to_string()])
            .output()
            .expect("the program");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = ask("t0ken");
    assert!(
        said.contains("the token is good for Bakery, +7 701"),
        "{said}"
    );
    assert!(
        said.contains("template missed_cycle_short (ru) is approved"),
        "{said}"
    );
    assert!(
        said.contains("FAIL whatsapp   template missed_cycle_short (en) is paused"),
        "{said}"
    );
    let said = ask("another");
    assert!(
        said.contains("the account refuses: Invalid token (code 190)"),
        "{said}"
    );
    assert!(!said.contains("another"), "the token is shown to nobody");
}

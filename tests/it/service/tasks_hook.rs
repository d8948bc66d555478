//! Tasks and outcomes over HTTP, as the running service does it: it tells a program of each task, and
//! takes what that program answers.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rekindle::channels::task_hook::{SIGNATURE_HEADER, sign};
use rekindle::clock::Clock;
use rekindle::config::secrets::SecretString;
use serde_json::Value;

use crate::database::{self, Folder};
use crate::smtp::sink::{Manners, Sink};

/// What both sides know.
const SECRET: &str = "s3cret-of-tasks";

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The CRM of the company: answers every request with 200 and hands it on.
fn crm() -> (String, Receiver<(String, String)>) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/tasks", server.local_addr().expect("an address"));
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for socket in server.incoming().map_while(Result::ok) {
            if !answered(socket, &sender) {
                return;
            }
        }
    });
    (address, heard)
}

fn answered(mut socket: TcpStream, heard: &Sender<(String, String)>) -> bool {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let n = socket.read(&mut part).unwrap_or_default();
        request.extend_from_slice(&part[..n]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let lower = head.to_lowercase();
        let length = lower.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        if length == Some(body.len()) {
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = socket.write_all(answer.as_bytes());
            return heard.send((head.to_owned(), body.to_owned())).is_ok();
        }
        if n == 0 {
            return true;
        }
    }
}

/// The next thing that the CRM is told, its signature checked.
fn next(heard: &Receiver<(String, String)>, said: &dyn Fn() -> String) -> Value {
    let Ok((head, body)) = heard.recv_timeout(PATIENCE) else {
        panic!("nothing was told:\n{}", said());
    };
    let signed = sign(body.as_bytes(), &SecretString::from(SECRET));
    assert!(head.to_lowercase().contains(&signed), "{head}");
    serde_json::from_str(&body).expect("JSON")
}

fn write(folder: &Path, hook: &str, mail_port: u16) {
    let put = |file: &str, text: &str| {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let lost_on = Clock::System.today(chrono_tz::UTC).plus(-10);
    put(
        "config/rekindle.toml",
        &format!(
            "[company]\nname = \"Bakery\"\nlocale = \"en\"\ntime_zone = \"UTC\"\n\
             email = \"desk@example.org\"\n\
             [delivery]\nmode = \"live\"\nfrom_email = \"desk@bakery.test\"\n\
             public_url = \"https://bakery.test/post\"\n\
             [smtp]\nhost = \"127.0.0.1\"\nport = {mail_port}\ntls = \"none\"\n\
             [web]\npublic = \"127.0.0.1:0\"\nstaff = \"127.0.0.1:0\"\n\
             [tasks.hook]\nurl = \"{hook}\"\nsecret_file = \"secret\"\n\
             [[manager]]\nid = \"olga\"\nname = \"Olga\"\nemail = \"olga@bakery.test\"\n\
             [[source]]\nname = \"shop\"\nkind = \"csv\"\npath = \"data\"\n{}",
            database::settings(folder)
        ),
    );
    put(
        "config/campaigns/rejected.toml",
        "id = \"rejected\"\ntitle = \"R\"\nstatus = \"live\"\nstarts = 2020-01-01\n\
         trigger = { on = \"rejection\", after = \"5d\" }\ngoal = { event = \"none\" }\n\
         limits = { holdout = \"0%\" }\n\
         step = [{ id = \"call\", task = \"call\", script = \"rejection\" }]\n",
    );
    put(
        "data/clients.csv",
        "id,name,email,phone,manager\nanna,Anna,anna@example.org,+79160000001,olga\n",
    );
    put(
        "data/deals.csv",
        &format!("id,client,status,closed,reason,amount\nd1,anna,lost,{lost_on},price,500\n"),
    );
    put("secret", SECRET);
    let only_ours = Command::new("chmod")
        .args(["600", "secret"])
        .current_dir(folder)
        .status();
    assert!(only_ours.is_ok_and(|status| status.success()));
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("program.log"))
        .expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("REKINDLE_CONFIG")
        .env("REKINDLE_LOG", "rekindle=info")
        .env("REKINDLE_LOG_FORMAT", "json")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log);
    command
}

/// A running service; killed when dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the service listens to the world.
fn public_address(said: &dyn Fn() -> String) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = said();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut listening = lines.filter_map(|line| Some(line["public"].as_str()?.to_owned()));
        if let Some(address) = listening.next() {
            return address;
        }
        assert!(Instant::now() < until, "it never listened:\n{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn post(address: &str, body: &str) -> String {
    let signature = sign(body.as_bytes(), &SecretString::from(SECRET));
    let mut stream = TcpStream::connect(address).expect("a listener");
    let request = format!(
        "POST /hooks/outcomes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         {SIGNATURE_HEADER}: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_tells_tasks_and_takes_outcomes() {
    let folder = Folder::new();
    let home = folder.path().to_owned();
    let sink = Sink::start(0, None, Manners::default()).await;
    let sink = sink.expect("a mail server");
    let (hook, heard) = crm();
    write(&home, &hook, sink.address.port());
    let log = home.join("program.log");
    let said = move || fs::read_to_string(&log).unwrap_or_default();
    let today = Clock::System.today(chrono_tz::UTC).to_string();
    for (arguments, code) in [
        (&["import"][..], 0),
        // The first live run waits for a person.
        (&["run", "--once"], 3),
        (&["runs", "approve", &today, "--by", "operator"], 0),
    ] {
        let status = program(&home, arguments).status().expect("the program");
        assert_eq!(status.code(), Some(code), "{arguments:?}\n{}", said());
    }
    assert!(heard.try_recv().is_err(), "nothing was let go before");
    let _service = Service(program(&home, &["run"]).spawn().expect("the program"));
    let listed = next(&heard, &said);
    assert_eq!(listed["event"], "task.listed");
    assert_eq!(listed["task"]["client"], "anna");
    let task = listed["task"]["id"].as_i64().expect("a number");
    let body = format!(
        "{{\"outcomes\": [{{\"id\": \"e1\", \"task\": {task}, \"outcome\": \"interested\"}}]}}"
    );
    let address = public_address(&said);
    for _ in 0..2 {
        let answer = post(&address, &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let closed = next(&heard, &said);
    assert_eq!(closed["event"], "task.closed");
    assert_eq!(closed["task"]["outcome"], "interested");
    assert_ne!(closed["id"], listed["id"]);
}

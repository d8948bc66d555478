//! A mailing of the real program: a base of clients, news for today, and a server that takes them.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rekindle::clock::Clock;

use crate::database::{self, Database};

/// The way of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Letters,
    Nudges,
}

/// What is mailed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Mailing {
    /// The real program.
    pub(crate) program: PathBuf,
    /// Where everything lies.
    pub(crate) folder: PathBuf,
    pub(crate) way: Way,
    /// `at_most_once` or `at_least_once`.
    pub(crate) policy: &'static str,
    pub(crate) messages: u32,
    pub(crate) connections: u16,
    /// Where the server listens: a port, or an address for HTTP.
    pub(crate) server: String,
    /// The address of the database, where it is not to be that of the tests.
    pub(crate) database: Option<String>,
}

/// How long what a worker has taken in hand is his on PostgreSQL, with a second to spare: as long as
/// it may wait, as a letter may take (5 s for the content, 5 s for the answer), and a margin.
pub(crate) const LEASE: Duration = Duration::from_secs(15);

impl Mailing {
    /// The file of the database, or its address on a server.
    pub(crate) fn database(&self) -> String {
        database::address(&self.folder)
    }

    /// Writes the files of the company and plans and approves the mailing.
    pub(crate) fn begin(&self) {
        self.write();
        self.must(&["import"], &[0]);
        // The first live run waits for a person.
        self.must(&["run", "--once"], &[3]);
        let today = Clock::System.today(chrono_tz::UTC).to_string();
        self.must(&["runs", "approve", &today, "--by", "operator"], &[0]);
    }

    /// The same, dying at every named point on the way.
    #[cfg(feature = "crash-points")]
    pub(crate) fn begin_dying(&self) {
        self.write();
        self.dies("before-import", &["import"], &[0]);
        for point in ["before-staged", "staged", "before-seal"] {
            let mut dying = self.command(&["run", "--once"]);
            let status = dying.env("FAILPOINTS", format!("{point}=return")).status();
            assert_eq!(status.expect("the program").code(), None, "{point}");
        }
        self.dies("sealed", &["run", "--once"], &[3]);
        let today = Clock::System.today(chrono_tz::UTC).to_string();
        self.must(&["runs", "approve", &today, "--by", "operator"], &[0]);
    }

    fn write(&self) {
        let config = self.folder.join("config/campaigns");
        fs::create_dir_all(&config).expect("a folder");
        fs::create_dir_all(self.folder.join("data")).expect("a folder");
        let put = |file: &str, text: &str| {
            fs::write(self.folder.join(file), text).expect("a file");
        };
        put("config/rekindle.toml", &self.settings());
        put("config/campaigns/news.toml", &self.campaign());
        put("token", "EAAG-test-token");
        let mut only_ours = Command::new("chmod");
        only_ours.args(["600", "token"]).current_dir(&self.folder);
        assert!(only_ours.status().is_ok_and(|status| status.success()));
        let mut clients = "id,name,email,phone\n".to_owned();
        for n in 0..self.messages {
            let _ = writeln!(
                clients,
                "c{n},Client {n},c{n}@example.org,+7701{:07}",
                1_000_000 + n
            );
        }
        put("data/clients.csv", &clients);
    }

    fn settings(&self) -> String {
        let database = match &self.database {
            Some(url) => format!("\n[database]\nurl = \"{url}\"\n"),
            None => database::settings(&self.folder),
        };
        // Where one process delivers it takes over at its start, without waiting for anybody.
        let (patience, lease) = if database.is_empty() {
            ("end_of_data = \"20s\"", "")
        } else {
            (
                "content = \"5s\", end_of_data = \"5s\"",
                "take_over_after = \"3s\"\n",
            )
        };
        let server = match self.way {
            Way::Letters => format!(
                "[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nconnections = {}\n\
                 deadlines = {{ {patience} }}\n",
                self.server, self.connections
            ),
            Way::Nudges => format!(
                "[whatsapp]\nbase_url = \"{}\"\nphone_number_id = \"106540352242922\"\n\
                 token_file = \"token\"\napp_secret_file = \"token\"\n\
                 verify_token_file = \"token\"\nper_second = 1000\ntimeout = \"{}\"\n",
                self.server,
                if database.is_empty() { "20s" } else { "10s" },
            ),
        };
        let countries = match self.way {
            Way::Letters => "",
            Way::Nudges => "whatsapp_countries = [\"KZ\"]\n",
        };
        format!(
            "[company]\nname = \"Bakery\"\nlocale = \"en\"\ntime_zone = \"UTC\"\n\
             email = \"desk@example.org\"\n\
             [hours]\nweekdays = \"00:00-24:00\"\nweekends = \"00:00-24:00\"\n\
             [delivery]\nmode = \"live\"\nfrom_email = \"desk@bakery.test\"\n\
             public_url = \"https://bakery.test/post\"\n{countries}\
             letters_per_second = 1000000\nletters_per_domain = 4000000000\nresend_after = \"1ms\"\n\
             {lease}{server}\
             [[source]]\nname = \"shop\"\nkind = \"csv\"\npath = \"data\"\n\
             [source.consent]\nbasis = \"consent\"\nchannels = [\"email\", \"whatsapp\"]\n\
             classes = [\"advertising\"]\n{database}"
        )
    }

    fn campaign(&self) -> String {
        let today = Clock::System.today(chrono_tz::UTC);
        let (channel, template) = match self.way {
            Way::Letters => ("email", "news"),
            Way::Nudges => ("whatsapp", "thank-you-short"),
        };
        let policy = self.policy;
        format!(
            "id = \"news\"\ntitle = \"News\"\nstatus = \"live\"\nfrom = \"company\"\n\
             [trigger]\non = \"news\"\nday = {today}\nwhen = \"any_hour\"\n\
             [limits]\nholdout = \"0%\"\n\
             [news]\ntitle = \"News\"\nintro = \"Something is new.\"\n\
             [[news.item]]\ntitle = \"One\"\ntext = \"Something.\"\n\
             [[step]]\nid = \"message\"\nchannel = \"{channel}\"\ntemplate = \"{template}\"\n\
             on_unknown = \"{policy}\"\n"
        )
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut log = OpenOptions::new();
        let log = log.create(true).append(true);
        let log = log.open(self.folder.join("program.log")).expect("a log");
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("REKINDLE_CONFIG")
            .env("REKINDLE_LOG", "info")
            .env_remove("FAILPOINTS")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn must(&self, arguments: &[&str], codes: &[i32]) {
        let status = self.command(arguments).status().expect("the program");
        let expected = status.code().is_some_and(|code| codes.contains(&code));
        assert!(expected, "{arguments:?}: {status}\n{}", self.said());
    }

    /// Runs a command that dies at a named point, and then again to its end.
    #[cfg(feature = "crash-points")]
    pub(crate) fn dies(&self, point: &str, arguments: &[&str], codes: &[i32]) {
        let mut dying = self.command(arguments);
        let status = dying.env("FAILPOINTS", format!("{point}=return")).status();
        let status = status.expect("the program");
        assert_eq!(status.code(), None, "{arguments:?} lives past {point}");
        self.must(arguments, codes);
    }

    /// Starts the service.
    pub(crate) fn serve(&self) -> Service {
        let child = self.command(&["run", "--only", "worker"]).spawn();
        Service(child.expect("the program"))
    }

    /// Lets nothing leave any more, until it is resumed.
    pub(crate) fn pause(&self) {
        let words = ["campaign", "pause", "news", "--reason", "a wrong price"];
        self.must(&words, &[0]);
    }

    /// Lets the mailing go on.
    pub(crate) fn resume(&self) {
        self.must(&["campaign", "resume", "news"], &[0]);
    }

    /// Starts the service, to die when it has come to a named point so often and comes once more.
    #[cfg(feature = "crash-points")]
    pub(crate) fn serve_until(&self, point: &str, times: u32) -> Service {
        let mut command = self.command(&["run", "--only", "worker"]);
        command.env("FAILPOINTS", format!("{point}={times}*off->return"));
        Service(command.spawn().expect("the program"))
    }

    /// What the program said last.
    pub(crate) fn said(&self) -> String {
        let text = fs::read_to_string(self.folder.join("program.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The number that a statement counts, past the program.
    pub(crate) async fn count(&self, statement: &str) -> i64 {
        let database = Database::of(&self.folder).await;
        let number = database.one(statement).await;
        database.close().await;
        number
    }

    /// What SQLite says about the file; a server looks after its own files.
    pub(crate) async fn integrity(&self) -> String {
        let database = Database::of(&self.folder).await;
        let asked = database.either("PRAGMA integrity_check", "SELECT 'ok'");
        let said = database.one(asked).await;
        database.close().await;
        said
    }

    /// Messages that are still on their way, or will be sent once more.
    pub(crate) async fn open(&self) -> i64 {
        self.count(
            "SELECT count(*) FROM messages
             WHERE state IN ('planned', 'queued', 'claimed', 'sending', 'retry')
                OR state = 'unknown' AND on_unknown = 'at_least_once' AND resends = 0",
        )
        .await
    }

    /// How long nothing happens while somebody still may have something in hand.
    fn patience(&self) -> Duration {
        match self.database().split_once("://") {
            Some(_) => LEASE * 2,
            None => Duration::from_secs(8),
        }
    }

    /// Serves until nothing is on its way any more, and stops as an operator would.
    pub(crate) async fn finish(&self) {
        let deadline = Instant::now() + Duration::from_hours(1);
        let mut open = self.open().await;
        while open > 0 {
            let mut service = self.serve();
            let mut quiet = Instant::now();
            // Unknown ones are looked at when the service starts, so a start that does nothing more
            // makes room for the next.
            while open > 0 && quiet.elapsed() < self.patience() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let now = self.open().await;
                if now != open {
                    (open, quiet) = (now, Instant::now());
                }
                assert!(service.lives(), "the service ended\n{}", self.said());
            }
            service.stop().await;
            open = self.open().await;
            assert!(Instant::now() < deadline, "not done\n{}", self.said());
        }
    }
}

/// A running service; killed when dropped.
pub(crate) struct Service(Child);

impl Service {
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends it at once, as a power cut of the process would.
    pub(crate) fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops it in the middle of whatever it does, until it is thawed.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let signal = format!("kill -{name} {}", self.0.id());
        let told = Command::new("sh").args(["-c", &signal]).status();
        assert!(told.is_ok_and(|status| status.success()), "it had ended");
    }

    /// Asks it to end; it has thirty seconds for what is under way. Returns how long it took.
    pub(crate) async fn stop(self) -> Duration {
        let begun = Instant::now();
        let ended = self.told_to_end().await;
        assert!(
            ended.is_some_and(|status| status.success()),
            "a graceful end within thirty seconds: {ended:?}"
        );
        begun.elapsed()
    }

    /// Asks it to end, and says how it has ended within thirty seconds.
    pub(crate) async fn told_to_end(mut self) -> Option<ExitStatus> {
        self.signal("TERM");
        self.ended(Duration::from_secs(30)).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of a log.
pub(crate) fn lines(log: &Path) -> u64 {
    use std::io::Read;
    let Ok(mut file) = File::open(log) else {
        return 0;
    };
    let mut bytes = Vec::new();
    let _ = file.read_to_end(&mut bytes);
    memchr::memchr_iter(b'\n', &bytes).count() as u64
}

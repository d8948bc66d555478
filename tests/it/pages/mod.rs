//! The pages of the company's own people, over real HTTP on this machine and in a real browser.
#![expect(
    clippy::unwrap_used,
    reason = "a firm that cannot be set up or read fails the test as it should"
)]

mod browser;
mod door;
mod figures;
mod gift;
mod languages;
mod marketing;
mod morning;
mod outcomes_hook;
mod search;
mod shots;
mod walk;

use std::fs;
use std::sync::Arc;

use chrono::TimeDelta;
use mail_parser::MessageParser;
use rekindle::app::App;
use rekindle::jobs::base_weeks;
use rekindle::jobs::day::{self, DayOptions};
use rekindle::jobs::deliver;
use rekindle::jobs::import::{ImportOptions, import_source};
use rekindle::jobs::rhythms::keep_up;
use rekindle::web::Web;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Response, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::database::{self, Database, Folder};
use crate::opened;

/// Ten in the morning of the day on which every test begins.
const MORNING: &str = "2026-11-25T10:00:00Z";

/// A firm with a manager, a head, marketing and an owner, whose day has been run.
struct Firm {
    folder: Folder,
    app: Arc<App>,
    database: Database,
    staff: String,
    public: String,
    stop: CancellationToken,
    http: reqwest::Client,
}

impl Drop for Firm {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A browser that is signed in, as far as HTTP goes.
struct Browser<'f> {
    firm: &'f Firm,
    cookie: String,
}

impl Firm {
    /// The firm with the clients of [`CLIENTS`].
    async fn open() -> Self {
        Self::open_with(CLIENTS, PURCHASES, DEALS).await
    }

    /// The same with further settings.
    async fn open_also(settings: &str) -> Self {
        Self::set_up(settings, CLIENTS, PURCHASES, DEALS).await
    }

    async fn open_with(clients: &str, purchases: &str, deals: &str) -> Self {
        Self::set_up("", clients, purchases, deals).await
    }

    async fn set_up(settings: &str, clients: &str, purchases: &str, deals: &str) -> Self {
        let log = tracing_subscriber::fmt().with_test_writer();
        let _ = log.with_max_level(tracing::Level::WARN).try_init();
        let folder = opened::folder();
        let home = folder.path();
        fs::create_dir_all(home.join("config/campaigns")).unwrap();
        fs::create_dir_all(home.join("data")).unwrap();
        fs::create_dir_all(home.join("secrets")).unwrap();
        let settings = format!("{SETTINGS}{settings}{}", database::settings(home));
        fs::write(home.join("config/rekindle.toml"), settings).unwrap();
        crate::web::secret(home, "tasks", TASKS_SECRET);
        fs::write(home.join("config/campaigns/rejection.toml"), CAMPAIGN).unwrap();
        fs::write(home.join("config/campaigns/thanks.toml"), LETTERS).unwrap();
        for (file, text) in [
            ("clients.csv", clients),
            ("purchases.csv", purchases),
            ("deals.csv", deals),
            ("contacts.csv", CONTACTS),
        ] {
            fs::write(home.join("data").join(file), text).unwrap();
        }
        let app = Arc::new(opened::app(home, MORNING).await);
        let database = opened::database(&app).await;
        let source = &app.settings.sources[0];
        let silent = Arc::new(|_| {});
        import_source(&app, source, ImportOptions::default(), silent)
            .await
            .unwrap();
        keep_up(&app, &|_| {}).await.unwrap();
        let stop = CancellationToken::new();
        let web = Web::bind(app.clone()).await.unwrap();
        let staff = format!("http://{}", web.staff_address().unwrap());
        let public = format!("http://{}", web.public_address().unwrap());
        tokio::spawn(web.run(stop.clone()));
        let firm = Self {
            folder,
            app,
            database,
            staff,
            public,
            stop,
            http: crate::web::http(),
        };
        firm.run_the_day().await;
        firm
    }

    /// What every morning brings: the plan of the day is applied, its letters go to the sandbox.
    async fn run_the_day(&self) {
        let options = self.today();
        day::run(&self.app, options, &|_| {}).await.unwrap();
        day::write_lists(&self.app, options.day).await.unwrap();
        base_weeks::keep(&self.app, options).await.unwrap();
        deliver::deliver(&self.app, &|_| {}).await.unwrap();
    }

    fn today(&self) -> DayOptions<'static> {
        DayOptions {
            day: self.app.today(),
            as_of: false,
            also: None,
        }
    }

    fn pass(&self, time: TimeDelta) {
        self.app.clock.advance(time);
    }

    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.staff)
    }

    /// What a stranger gets.
    async fn get(&self, path: &str) -> Response {
        self.http.get(self.page(path)).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &str) -> Response {
        let request = self.http.post(self.page(path)).body(body.to_owned());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.send().await.unwrap()
    }

    /// Asks for a link and takes it out of the letter: its path.
    async fn link_for(&self, email: &str) -> String {
        let answer = self
            .post("/sign-in", &format!("email={}", email.replace('@', "%40")))
            .await;
        assert_eq!(answer.status(), StatusCode::OK);
        self.newest_link(email).await
    }

    /// The last link that somebody got: its path.
    async fn newest_link(&self, email: &str) -> String {
        let links = self.links_in_the_sandbox();
        let sent: Vec<String> = links
            .into_iter()
            .filter(|(to, _)| to == email)
            .map(|(_, link)| link)
            .collect();
        for link in &sent {
            let token = link.rsplit('/').next().unwrap();
            let key = token.split('.').nth(2).unwrap();
            let newest = format!(
                "SELECT message_key FROM sign_ins WHERE person = '{email}'
                 ORDER BY used_at IS NOT NULL, asked_at DESC LIMIT 1"
            );
            let newest: String = self.database.one(&newest).await;
            if key == newest {
                return link.clone();
            }
        }
        panic!("no link came to {email}");
    }

    /// Every letter with a link: to whom, and the path of the link.
    fn links_in_the_sandbox(&self) -> Vec<(String, String)> {
        let letters = self.letters_to_managers().into_iter();
        let found = letters.filter_map(|(to, text)| {
            let at = text.find("/sign-in/")?;
            let end = text[at..].find(char::is_whitespace);
            let end = end.unwrap_or(text.len() - at);
            Some((to, text[at..at + end].to_owned()))
        });
        found.collect()
    }

    /// The text of the list that somebody got today.
    fn letter_to(&self, email: &str) -> String {
        let letters = self.letters_to_managers().into_iter();
        let mut lists = letters.filter(|(to, text)| to == email && !text.contains("/sign-in/"));
        let (_, text) = lists.next().unwrap();
        text.replace('\u{a0}', " ")
    }

    /// The HTML of the list that somebody got today.
    fn html_to(&self, email: &str) -> String {
        let day = self.app.today().to_string();
        let folder = self.folder.path().join("sandbox").join(day);
        let files = fs::read_dir(folder.join("managers")).unwrap();
        let mut letters = files.map(|file| fs::read(file.unwrap().path()).unwrap());
        let of_him = |bytes: &Vec<u8>| {
            let mail = MessageParser::default().parse(bytes).unwrap();
            let to = mail.to().unwrap().first().unwrap().address().unwrap();
            let html = mail.body_html(0).unwrap_or_default();
            to == email && !html.contains("/sign-in/")
        };
        let bytes = letters.find(of_him).unwrap();
        let mail = MessageParser::default().parse(&bytes).unwrap();
        mail.body_html(0).unwrap().into_owned()
    }

    /// Every letter of today to the company's own people: to whom, and its text.
    fn letters_to_managers(&self) -> Vec<(String, String)> {
        let day = self.app.today().to_string();
        let sandbox = self.folder.path().join("sandbox");
        let files = fs::read_dir(sandbox.join(day).join("managers"));
        let letters = files.into_iter().flatten().map(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            let mail = MessageParser::default().parse(&bytes).unwrap();
            let to = mail.to().unwrap().first().unwrap().address().unwrap();
            (to.to_owned(), mail.body_text(0).unwrap().into_owned())
        });
        letters.collect()
    }

    async fn sign_in(&self, email: &str) -> Browser<'_> {
        let link = self.link_for(email).await;
        let entered = self.post(&link, "").await;
        assert_eq!(entered.status(), StatusCode::SEE_OTHER);
        let cookie = entered.headers()[SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Browser { firm: self, cookie }
    }

    async fn number(&self, query: &str) -> i64 {
        self.database.one(query).await
    }

    async fn text(&self, query: &str) -> String {
        let text: Option<String> = self.database.one(query).await;
        text.unwrap_or_default()
    }

    /// The number of the task about a client.
    async fn task_about(&self, client: &str) -> i64 {
        self.number(&format!(
            "SELECT t.id FROM tasks t JOIN clients c ON c.id = t.client_id WHERE c.ext_id = '{client}'"
        ))
        .await
    }

    async fn client(&self, client: &str) -> i64 {
        self.number(&format!("SELECT id FROM clients WHERE ext_id = '{client}'"))
            .await
    }
}

impl Browser<'_> {
    async fn get(&self, path: &str) -> Response {
        let request = self
            .firm
            .http
            .get(self.firm.page(path))
            .header(COOKIE, &self.cookie);
        request.send().await.unwrap()
    }

    /// The text of a page that is there.
    async fn read(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    async fn status(&self, path: &str) -> StatusCode {
        self.get(path).await.status()
    }

    async fn post(&self, path: &str, body: &str) -> Response {
        let request = self
            .firm
            .http
            .post(self.firm.page(path))
            .header(COOKIE, &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body.to_owned()).send().await.unwrap()
    }

    /// The token that every form of this browser brings back.
    async fn csrf(&self) -> String {
        let page = self.read(&location(&self.get("/").await)).await;
        let at = page.find("name=\"csrf\" value=\"").unwrap() + "name=\"csrf\" value=\"".len();
        page[at..].split('"').next().unwrap().to_owned()
    }

    /// Sends a form as the page would.
    async fn send(&self, path: &str, fields: &str) -> Response {
        let csrf = self.csrf().await;
        self.post(path, &format!("csrf={csrf}&{fields}")).await
    }
}

/// A value of a query, with everything but letters and digits encoded.
fn encoded(text: &str) -> String {
    let bytes = text.bytes();
    bytes
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Where an answer leads.
fn location(answer: &Response) -> String {
    let location = answer.headers().get(LOCATION);
    location
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

/// The secret of tasks and outcomes.
const TASKS_SECRET: &str = "s3cret-of-tasks";

const SETTINGS: &str = r#"
[company]
name = "Чайная «Полдень» & Ко"
locale = "ru"
time_zone = "UTC"
[web]
public = "127.0.0.1:0"
staff = "127.0.0.1:0"
[[source]]
name = "crm"
path = "data"
mode = "snapshot"
consent = { basis = "consent", channels = ["email"], classes = ["advertising", "service"], proof = "form" }
[[manager]]
id = "olga"
name = "Ольга Петрова"
email = "olga@example.org"
capacity = 600
[[manager]]
id = "john"
name = "John Smith"
email = "john@example.org"
locale = "en"
[[manager]]
id = "empty"
name = "Новый менеджер"
email = "empty@example.org"
[[staff]]
name = "Марина"
email = "marketing@example.org"
role = "marketing"
[[staff]]
name = "Head of sales"
email = "head@example.org"
role = "head"
locale = "en"
[[staff]]
name = "Олег Владимирович"
email = "owner@example.org"
role = "owner"
"#;

const CAMPAIGN: &str = r#"
id = "rejection"
title = "Отказ: спросить снова"
status = "live"
starts = 2026-11-01
from = "manager"
[trigger]
on = "rejection"
after = "90d"
[limits]
holdout = "0%"
[[step]]
id = "call"
task = "call"
script = "rejection"
"#;

const LETTERS: &str = r#"
id = "thanks"
title = "Спасибо за покупку"
status = "live"
class = "service"
starts = 2026-11-01
[trigger]
on = "purchase"
[limits]
holdout = "0%"
[[step]]
id = "letter"
channel = "email"
template = "thank-you"
"#;

const CLIENTS: &str = "\
id,name,company,email,phone,manager,tags
c1,Анна Сергеевна Петрова,ООО «Ромашка»,anna@example.org,+79131234567,olga,vip
c2,<script>alert('x')</script>,\"\"\"><img src=x onerror=alert(1)>\",evil@example.org,+79131234568,olga,
c3,Борис Иванов,,boris@example.org,+79131234569,olga,
c4,Carol Jones,Jones Ltd,carol@example.org,+447700900123,john,
c5,Дарья Белова,,darya@example.org,+79131234570,olga,
";

const PURCHASES: &str = "\
id,client,date,amount,item
p1,c1,2026-03-02,12000,Чай улун
p2,c1,2026-04-01,15000,Чай улун
p3,c1,2026-05-03,9000,Пуэр
p4,c3,2026-11-20,3000,Чашки
p5,c5,2026-11-25,4500,Чашки
";

const DEALS: &str = "\
id,client,title,status,stage,amount,opened,closed,reason,manager
d1,c1,Поставка чая,lost,Отказ,150000,2026-08-01,2026-08-24,дорого,olga
d2,c2,\"<b>bold</b>\",lost,Отказ,90000,2026-08-01,2026-08-23,{{reason}},olga
d3,c3,Чашки для кафе,lost,Отказ,20000,2026-08-01,2026-08-22,дорого,olga
d4,c4,Tea for the office,lost,Lost,5000,2026-08-01,2026-08-21,price,john
d5,c1,Новый заказ,open,Коммерческое предложение,70000,2026-11-20,,,olga
";

const CONTACTS: &str = "\
client,name,role,email,phone
c1,Семён Ильич,решает «как жена скажет»,semen@example.org,+79131230000
";

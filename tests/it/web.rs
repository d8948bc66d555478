//! What comes back, over real HTTP on this machine: pages for leaving, hooks, the maildir, and the
//! race between a client who leaves and a message that is about to.
#![expect(
    clippy::unwrap_used,
    reason = "a company that cannot be set up or read fails the test as it should"
)]

mod bounds;
mod certificate;
mod hooks;
mod leaving;
mod links;
mod mail;
mod race;
mod reports;
mod seat;
mod storm;
mod watch;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rekindle::app::App;
use rekindle::config::settings::DeliveryMode;
use rekindle::jobs::{inputs, intake};
use rekindle::model::Channel;
use rekindle::web::{Web, WebError};
use tokio_util::sync::CancellationToken;

use crate::database::{self, Database, Folder};
use crate::opened;

/// Noon of the day on which every test is played.
const NOON: &str = "2026-11-25T12:00:00Z";

/// The word of the hook of mail.
const MAIL_WORD: &str = "mail-word";

/// The app secret of the hook of WhatsApp.
const APP_SECRET: &str = "app-secret";

/// A company that has written to people, listening on this machine.
struct Company {
    folder: Folder,
    app: Arc<App>,
    database: Database,
    public: String,
    staff: String,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), WebError>>,
    http: reqwest::Client,
}

impl Drop for Company {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Company {
    async fn open() -> Self {
        Self::open_with("").await
    }

    /// The same with further settings of `[web]`.
    async fn open_with(web: &str) -> Self {
        Self::open_inbound(web, "").await
    }

    /// The same with further settings of `[web]` and of `[inbound]`.
    async fn open_inbound(web: &str, inbound: &str) -> Self {
        let folder = opened::folder();
        write_company(folder.path(), web, inbound);
        let mut app = opened::app(folder.path(), NOON).await;
        // A company that is being tried out leaves its mail alone.
        app.settings.delivery.mode = DeliveryMode::Live;
        let app = Arc::new(app);
        let database = opened::database(&app).await;
        let stop = CancellationToken::new();
        let web = Web::bind(app.clone()).await.unwrap();
        let public = format!("http://{}", web.public_address().unwrap());
        let staff = format!("http://{}", web.staff_address().unwrap());
        let serving = tokio::spawn(web.run(stop.clone()));
        let company = Self {
            folder,
            app,
            database,
            public,
            staff,
            stop,
            serving,
            http: http(),
        };
        company
            .sql(
                "INSERT INTO sources (id, name) VALUES (1, 'crm');
                 INSERT INTO runs (id, schedule, logical_date, mode, status, started_at)
                 VALUES (1, 'daily', 20700, 'live', 'sealed', 0)",
            )
            .await;
        company
    }

    async fn sql(&self, statement: &str) {
        self.database.run(statement).await;
    }

    /// A client with an e-mail address and a phone to whom a message is in `state`; its number.
    async fn message(&self, n: i64, channel: Channel, state: &str) -> i64 {
        let (email, phone) = (email(n), phone(n));
        let address = match channel {
            Channel::Email => &email,
            Channel::Whatsapp => &phone,
        };
        let hash = rekindle::model::hex(&self.app.key.hash(channel, address));
        let (sent, owner) = match state {
            "planned" | "queued" => ("0, NULL, NULL, NULL", "NULL, NULL"),
            "accepted" => ("1, 1, 1, 'receipt'", "NULL, NULL"),
            "sending" => ("1, 1, NULL, NULL", "'w', 9"),
            _ => ("1, 1, NULL, NULL", "NULL, NULL"),
        };
        self.sql(&format!(
            "INSERT INTO clients (id, source_id, ext_id, name, email, phone, manager, first_import,
                                  last_import)
             VALUES ({n}, 1, 'c{n}', 'Anna', '{email}', '{phone}', 'boss', 1, 1);
             INSERT INTO consents (client_id, channel, class, basis, source_id, first_import,
                                   last_import)
             VALUES ({n}, '{channel}', 'advertising', 'consent', 1, 1, 1);
             INSERT INTO enrollments (campaign, client_id, episode, began_on, entered_on, arm,
                                      evidence, run_id)
             VALUES ('winback', {n}, 'missed:2026-11-20', 20700, 20700, 'treated', '{{}}', 1);
             INSERT INTO messages (key, run_id, campaign, client_id, episode, step, channel,
                                   template, class, address_hash, state, planned_on, inputs,
                                   attempts, sent_at, accepted_at, receipt, owner, lease_until)
             VALUES ('{}', 1, 'winback', {n}, 'missed:2026-11-20', 'letter', '{channel}',
                     'missed-cycle', 'advertising', unhex('{hash}'), '{state}', 20700,
                     '{{\"label\":\"Anna\",\"locale\":\"ru\",\"why\":\"late\",\"today\":\"2026-11-20\",
                        \"client\":{{\"name\":\"Anna\",\"email\":\"{email}\",\"phone\":\"{phone}\"}}}}',
                     {sent}, {owner})",
            key(n)
        ))
        .await;
        self.number(&format!("SELECT id FROM messages WHERE key = '{}'", key(n)))
            .await
    }

    /// Looks at everything that has come in.
    async fn look(&self) -> intake::Processed {
        let done = intake::process(&self.app).await.unwrap();
        let outcomes = "SELECT string_agg(outcome, ',') FROM inbound_events";
        let outcomes: Option<String> = self.database.one(outcomes).await;
        assert_eq!(done.failed, 0, "{outcomes:?}");
        done
    }

    async fn number(&self, query: &str) -> i64 {
        self.database.one(query).await
    }

    /// Everything that a test could change, as text: equal before and after means nothing changed.
    async fn picture(&self) -> String {
        let mut picture = String::new();
        for query in [
            "SELECT address_hash, channel, scope, reason FROM suppressions ORDER BY 1, 2, 3, 4",
            "SELECT key, state, evidence, provider_id FROM messages ORDER BY 1",
            "SELECT campaign, client_id, closed_by FROM enrollments ORDER BY 1, 2, 3",
            "SELECT client_id, step, script, state, inputs, manager FROM tasks
             ORDER BY 1, 2, 3, 4, 5, 6",
            "SELECT kind, address_hash FROM address_faults ORDER BY 1, 2",
            "SELECT kind, name FROM stops ORDER BY 1, 2",
            "SELECT 'audit', count(*) FROM audit",
        ] {
            for row in self.database.rows(query).await {
                picture.push_str(&row.to_string());
                picture.push('\n');
            }
        }
        picture
    }

    /// The reasons for which the addresses of a client are suppressed.
    async fn suppressed(&self, n: i64) -> Vec<String> {
        let hashes = [
            self.app.key.hash(Channel::Email, &email(n)),
            self.app.key.hash(Channel::Whatsapp, &phone(n)),
        ];
        let rows = self.app.store.suppressions_of(&hashes).await.unwrap();
        let rows = rows.into_iter();
        rows.map(|row| format!("{} {} {}", row.channel, row.scope, row.reason))
            .collect()
    }

    /// The paths of the two links of a client's message.
    fn links(&self, n: i64) -> (String, String) {
        let links = inputs::links(&self.app, &key(n));
        let path = |link: &str| {
            let rest = link.strip_prefix("https://u.example.org").unwrap();
            format!("{}{rest}", self.public)
        };
        (path(&links.unsubscribe), path(&links.preferences.unwrap()))
    }
}

/// A client of HTTP that follows nothing and remembers nothing.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let policy = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(policy).build().unwrap()
}

/// Writes the files of the company: its configuration, its secrets, its mailbox.
fn write_company(home: &Path, web: &str, inbound: &str) {
    for inside in [
        "config/campaigns",
        "data",
        "mail/new",
        "mail/cur",
        "secrets",
    ] {
        fs::create_dir_all(home.join(inside)).unwrap();
    }
    secret(home, "mail", MAIL_WORD);
    secret(home, "app", APP_SECRET);
    secret(home, "verify", "our-word");
    let text = format!(
        "[company]\nname = \"Bakery <b>\"\nlocale = \"en\"\ntime_zone = \"UTC\"\n\
         [delivery]\npublic_url = \"https://u.example.org/\"\n\
         [smtp]\nbounce_domain = \"b.example.org\"\n\
         [web]\npublic = \"127.0.0.1:0\"\nstaff = \"127.0.0.1:0\"\n{web}\n\
         [inbound]\nmaildir = \"mail\"\ntoken_file = \"secrets/mail\"\n{inbound}\n\
         [whatsapp]\nphone_number_id = \"1\"\napp_secret_file = \"secrets/app\"\n\
         verify_token_file = \"secrets/verify\"\n"
    );
    let text = text + &database::settings(home);
    fs::write(home.join("config/rekindle.toml"), text).unwrap();
    fs::write(home.join("config/campaigns/winback.toml"), CAMPAIGN).unwrap();
}

pub(crate) fn secret(home: &Path, name: &str, value: &str) {
    let path = home.join("secrets").join(name);
    fs::write(&path, value).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn email(n: i64) -> String {
    format!("anna{n}@example.org")
}

fn phone(n: i64) -> String {
    format!("+7701{n:07}")
}

fn key(n: i64) -> String {
    format!("key{n:017}")
}

const CAMPAIGN: &str = "
id = \"winback\"
title = \"Winback\"
status = \"live\"
[trigger]
on = \"missed_cycle\"
[event]
title = \"Тесто <b>\"
day = 2026-12-10
time = \"18:30\"
seats = 3
[[step]]
id = \"letter\"
channel = \"email\"
template = \"missed-cycle\"
[[step]]
id = \"nudge\"
after = \"4d\"
channel = \"whatsapp\"
template = \"missed-cycle-short\"
fallback = { channel = \"email\", template = \"missed-cycle-second\" }
[[step]]
id = \"thanks\"
after = \"5d\"
channel = \"whatsapp\"
template = \"thank-you-short\"
";

//! One company twice, in a file and on a server: the same files leave the same rows, and the daily
//! scan finds the same clients and reads the same facts of them.
//!
//! Left out where no server is named: there is nothing to compare with.

use std::fmt::Write as _;
use std::fs;

use rekindle::db::{Store, Wanted};
use rekindle::jobs::rhythms;
use rekindle::model::{AddressKey, ClientId, Day, DealStatus, RhythmState};

use super::shop::{SNAPSHOT, Shop, test_data};
use crate::database::{self, Cell, Database};

/// What is compared, and how a row is told from the others without our numbers: those of PostgreSQL
/// have gaps.
const TABLES: [(&str, &str); 14] = [
    ("sources", "SELECT name FROM sources"),
    (
        "imports",
        "SELECT id AS number, status, rows_read, rows_rejected FROM imports",
    ),
    ("managers", "SELECT * FROM managers"),
    ("clients", "SELECT id AS number, clients.* FROM clients"),
    ("contacts", "SELECT * FROM contacts"),
    ("purchases", "SELECT * FROM purchases"),
    ("purchase_items", "SELECT * FROM purchase_items"),
    ("purchases_with_code", "SELECT * FROM purchases_with_code"),
    ("deals", "SELECT * FROM deals"),
    (
        "deal_stages",
        "SELECT d.ext_id, s.day, s.stage FROM deal_stages s JOIN deals d ON d.id = s.deal_id",
    ),
    ("visits", "SELECT * FROM visits"),
    ("consents", "SELECT * FROM consents"),
    ("suppressions", "SELECT * FROM suppressions"),
    ("rhythms", "SELECT * FROM rhythms"),
];

/// The company in a file and the same on a server.
struct Both {
    file: Shop,
    server: Shop,
}

impl Both {
    async fn new() -> Self {
        let settings = format!("{SNAPSHOT}shrink_guard = \"60%\"\n");
        Self {
            file: Shop::in_file("GBP", "Europe/London", "GB", &settings).await,
            server: Shop::of("GBP", "Europe/London", "GB", &settings).await,
        }
    }

    fn files(&self, name: &str, contents: &str) {
        for shop in [&self.file, &self.server] {
            shop.file(name, contents);
        }
    }

    /// Imports the same files on both sides; what is said of it is the same.
    async fn import(&self) {
        let mut said = Vec::new();
        for shop in [&self.file, &self.server] {
            let summary = shop.import().await;
            let kept = rhythms::keep_up(&shop.app, &|_| ()).await.unwrap();
            let said_here = format!("{summary:?} {} {}", kept.refreshed, kept.dated_anew);
            said.push(said_here.replace(&*shop.path().to_string_lossy(), ""));
        }
        assert_eq!(said[0], said[1]);
        self.compare().await;
    }

    async fn compare(&self) {
        let file = Database::of(self.file.path()).await;
        let server = Database::of(self.server.path()).await;
        for (table, statement) in TABLES {
            let (in_file, on_server) = (
                lines(&file, statement).await,
                lines(&server, statement).await,
            );
            same(table, &in_file, &on_server);
            let filled = statement.contains("* FROM") || table == "deal_stages";
            assert!(filled || !in_file.is_empty(), "{table} is compared");
        }
        file.close().await;
        server.close().await;
    }
}

async fn lines(database: &Database, statement: &str) -> Vec<String> {
    let rows = database.rows(statement).await;
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.cells().filter(|(name, _)| *name != "id");
            let texts = cells.map(|(name, cell)| match cell {
                Cell::Text(text) => format!("{name}='{text}'"),
                other => format!("{name}={other}"),
            });
            texts.collect::<Vec<_>>().join(" ")
        })
        .collect();
    lines.sort_unstable();
    lines
}

/// Says where two lists part instead of printing both.
fn same(what: &str, one: &[String], other: &[String]) {
    let parted = one.iter().zip(other).find(|(one, other)| one != other);
    assert!(parted.is_none(), "{what}: {parted:#?}");
    assert_eq!(one.len(), other.len(), "{what}");
}

/// Everybody who bought, with much that has to be quoted somewhere.
fn people(purchases: &str) -> String {
    let mut ids: Vec<&str> = purchases
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut text = String::from(
        "id,name,email,manager,tags,birthday,consent_email,merged_into,Заметка \\ \"note\"\n",
    );
    let notes = [
        "C:\\new\\table",
        "\"\"quoted\"\" \\N",
        "наш 老客户 🍵 \\.",
        "' OR 1 -- $1 ?",
    ];
    for (n, id) in ids.iter().enumerate() {
        let consent = ["yes", "no", "", "2011-03-04"][n % 4];
        let birthday = if n % 3 == 0 { "1980-05-17" } else { "" };
        let into = if n % 500 == 499 { ids[n - 1] } else { "" };
        let tags = ["", "vip", "vip;опт\\роз"][n % 3];
        let note = notes[n % 4];
        writeln!(
            text,
            "{id},Name {n},c{n}@example.org,m{},{tags},{birthday},{consent},{into},\"{note}\"",
            n % 7
        )
        .unwrap();
    }
    text
}

/// The files of the other kinds.
fn others(both: &Both, ids: &[&str]) {
    let (mut deals, mut visits) = (
        String::from("id,client,status,stage,opened,closed,reason,amount,need,money,urgency\n"),
        String::from("client,date,page\n"),
    );
    let (mut contacts, mut consents) = (
        String::from("client,id,name,role,email,primary\n"),
        String::from("client,channel,class,basis,given,withdrawn,proof\n"),
    );
    for (n, id) in ids.iter().enumerate() {
        let (status, closed) = [("open", ""), ("won", "2011-10-03"), ("lost", "2011-11-20")][n % 3];
        let reason = if status == "lost" {
            "price \\ too high"
        } else {
            ""
        };
        let answer = ["yes", "no", ""][n % 3];
        writeln!(
            deals,
            "d{n},{id},{status},stage {},2011-08-0{},{closed},{reason},{n}00,{answer},,no",
            n % 4,
            n % 9 + 1
        )
        .unwrap();
        writeln!(visits, "{id},2011-11-{:02},/page\\{n}", n % 28 + 1).unwrap();
        writeln!(visits, "new{},2011-11-{:02},/first", n % 5, n % 28 + 1).unwrap();
        writeln!(
            contacts,
            "{id},k{n},Person {n},buyer,k{n}@example.org,{}",
            n % 2
        )
        .unwrap();
        writeln!(
            consents,
            "{id},email,advertising,consent,2011-01-0{},,form",
            n % 9 + 1
        )
        .unwrap();
        // The same consent twice, the second time with its end.
        writeln!(
            consents,
            "{id},email,advertising,consent,2011-01-0{},2011-06-01,",
            n % 9 + 1
        )
        .unwrap();
    }
    both.files("deals.csv", &deals);
    both.files("visits.csv", &visits);
    both.files("contacts.csv", &contacts);
    both.files("consents.csv", &consents);
    both.files(
        "managers.csv",
        "id,name,email,role,capacity\nm1,Anna,anna@example.org,farmer,5\nm2,Boris,,hunter,\n",
    );
    // One address three times: the first day holds.
    both.files(
        "suppressions.csv",
        "email,since,reason\nc5@example.org,2011-05-05,complaint\nc5@example.org,2011-04-04,\n\
         c5@example.org,2011-06-06,\nc6@example.org,,\n",
    );
}

/// What a day asks of the base, in words.
async fn scan(store: &Store, day: Day) -> Vec<(&'static str, String)> {
    let (recent, ahead) = (day.plus(-60), day.plus(7));
    let mut found = Vec::new();
    for state in [
        RhythmState::Due,
        RhythmState::Missed,
        RhythmState::Asleep,
        RhythmState::Lost,
    ] {
        let reaching = store.clients_reaching(state, recent, ahead).await.unwrap();
        found.push(("reaching a state", format!("{state} {reaching:?}")));
        let backlog = store
            .backlog("missed", state, recent, 200, 10)
            .await
            .unwrap();
        found.push(("backlog", format!("{state} {backlog:?}")));
    }
    let sorted = |mut ids: Vec<ClientId>| {
        ids.sort_unstable();
        format!("{ids:?}")
    };
    let due = store.clients_due_since(recent, day).await.unwrap();
    found.push(("due since", sorted(due)));
    let once = store
        .clients_who_bought_last(recent, day, true)
        .await
        .unwrap();
    found.push(("bought once", sorted(once)));
    let lost = store.clients_with_closed_deals(DealStatus::Lost, recent, day);
    found.push(("lost deals", sorted(lost.await.unwrap())));
    found.push((
        "open deals",
        sorted(store.clients_with_open_deals().await.unwrap()),
    ));
    let silent = store.visitors_who_never_bought(recent, day).await.unwrap();
    found.push(("visitors", sorted(silent)));
    found.push((
        "buyers",
        sorted(store.buyers_of(&["m1", "m3"]).await.unwrap()),
    ));
    let born = store
        .clients_born_on(&["1980-05-17".parse().unwrap()])
        .await
        .unwrap();
    found.push(("born", sorted(born)));
    let everybody = store
        .clients_known_after(ClientId(0), 5_000, day)
        .await
        .unwrap();
    found.push(("everybody", format!("{everybody:?}")));
    facts(store, &everybody, day, &mut found).await;
    found
}

/// All that is read of some clients.
async fn facts(store: &Store, ids: &[ClientId], day: Day, found: &mut Vec<(&'static str, String)>) {
    let key = AddressKey::new([7; 32]);
    let facts = store.facts(ids, day, Wanted::ALL, &key).await.unwrap();
    assert!(facts.iter().any(|one| !one.deals.is_empty()));
    found.extend(facts.iter().map(|one| ("facts", format!("{one:?}"))));
    let reach = store.reach_facts(ids, day, &key).await.unwrap();
    found.extend(reach.iter().map(|one| ("reach", format!("{one:?}"))));
    let histories = store.histories(ids, day).await.unwrap();
    found.extend(histories.iter().map(|one| ("history", format!("{one:?}"))));
    let page = store.histories_after(ClientId(100), 50, day).await.unwrap();
    found.push(("page of histories", format!("{page:?}")));
    let details = store.details(ids, day).await.unwrap();
    found.extend(
        ids.iter()
            .map(|id| ("details", format!("{:?}", details.get(id)))),
    );
    let mut after = ClientId(0);
    let lines = store.lines_after(&mut after, 500, day).await.unwrap();
    found.push(("lines", format!("{lines:?} {after:?}")));
    let later = store
        .clients_with_later_money(ids, day.plus(-30))
        .await
        .unwrap();
    let mut later: Vec<i64> = later.iter().map(|id| id.0).collect();
    later.sort_unstable();
    found.push(("later money", format!("{later:?}")));
    let spoken = store.clients_like("NAME 1", 20).await.unwrap();
    found.push(("like", format!("{spoken:?}")));
}

#[tokio::test]
async fn the_same_files_leave_the_same_rows_and_facts_in_either_database() {
    if !database::on_a_server() {
        println!("no server is named: nothing to compare with");
        return;
    }
    let both = Both::new().await;
    let retail = fs::read_to_string(test_data("online_retail.csv")).unwrap();
    let (header, rows) = retail.split_once('\n').unwrap();
    let clients = people(&retail);
    let ids: Vec<&str> = clients
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').next())
        .collect();

    // First a base of clients with their purchases, then everything, then much of it otherwise.
    both.files("clients.csv", &clients);
    both.files("purchases.csv", &retail);
    both.import().await;

    let promised: Vec<String> = rows
        .lines()
        .enumerate()
        .filter(|(n, _)| n % 10 != 3)
        .map(|(n, row)| match n % 50 {
            0 => format!("{row},tea \\ n{},2,R1", n % 7),
            _ => format!("{row},,,"),
        })
        .collect();
    let text = format!("{header},item,quantity,promo\n{}\n", promised.join("\n"));
    both.files("purchases.csv", &text);
    others(&both, &ids[..900]);
    both.import().await;

    let fewer: Vec<&str> = clients
        .lines()
        .enumerate()
        .filter(|(n, _)| n % 20 != 7)
        .map(|(_, row)| row)
        .collect();
    both.files("clients.csv", &fewer.join("\n"));
    others(&both, &ids[300..1_300]);
    both.import().await;

    for day in ["2011-12-09", "2011-11-15"] {
        let day: Day = day.parse().unwrap();
        let in_file = scan(&both.file.app.store, day).await;
        let on_server = scan(&both.server.app.store, day).await;
        for (one, other) in in_file.iter().zip(&on_server) {
            assert!(one == other, "{day}: {one:?}\n{other:?}");
        }
        assert_eq!(in_file.len(), on_server.len());
        assert!(in_file.len() > 10_000, "{}", in_file.len());
    }
}

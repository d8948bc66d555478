//! Certificate pictures against the bare SVG renderer on the same picture; a million codes issued.
//!
//! Run with `cargo bench --bench certificates`, or `-- 1000000` to issue as many certificates as well.
//! Ours renders the ready template with the values of the sample (the QR code is made anew each time),
//! then draws it. Bare is resvg alone: the SVG text as it was rendered once, parsed, drawn and encoded
//! with the same fonts. The sides take turns, and the median of the rounds is compared.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rekindle::db::{NewCertificate, Staged, Store};
use rekindle::model::{AddressKey, ClientId, Day, Locale};
use rekindle::pictures::CertificateArtist;
use rekindle::render::{CertificateContext, LetterContext, Templates};
use rekindle::rules::certificate::code;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

const ROUNDS: usize = 11;
const PICTURES: u32 = 20;
const CHUNK: u32 = 1_000;

fn main() {
    pictures();
    let many = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse::<u32>().ok());
    if let Some(many) = many {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(issue(many));
    }
}

fn pictures() {
    let (templates, problems) = Templates::load(None);
    assert!(problems.is_empty(), "the ready templates are whole");
    let artist = CertificateArtist::new(None);
    let letter = LetterContext::sample(Locale::Ru);
    let part = letter.certificate.expect("the sample has a certificate");
    let page = part.url.clone().expect("with a page");
    let svg = || {
        let context = CertificateContext::new(letter.company.clone(), part.clone(), &page);
        let context = context.expect("a short address");
        let svg = templates.render_certificate("certificate", Locale::Ru, &context);
        svg.expect("the ready picture renders")
    };
    let ours = || artist.png(&svg()).expect("a picture").len();
    let bare = Bare::new();
    let same = svg();
    let alone = || bare.png(&same).len();
    println!("one picture: {} bytes of PNG, bare {}", ours(), alone());
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.0.push(time(ours));
        times.1.push(time(alone));
    }
    let (ours, alone) = (median(times.0), median(times.1));
    let per_second = |time: Duration| f64::from(PICTURES) / time.as_secs_f64();
    println!("ours        {:>7.1} pictures/s", per_second(ours));
    println!("bare resvg  {:>7.1} pictures/s", per_second(alone));
    println!(
        "ratio of times: {:.3}",
        ours.as_secs_f64() / alone.as_secs_f64()
    );
    let sheet = Instant::now();
    for _ in 0..PICTURES {
        black_box(artist.pdf(&same).expect("a sheet"));
    }
    println!("PDF         {:>7.1} sheets/s", per_second(sheet.elapsed()));
}

/// resvg with the same fonts and nothing of ours.
struct Bare {
    options: Options<'static>,
}

impl Bare {
    fn new() -> Self {
        let mut fonts = fontdb::Database::new();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pictures/fonts");
        fonts.load_fonts_dir(folder);
        let options = Options {
            fontdb: Arc::new(fonts),
            ..Options::default()
        };
        Self { options }
    }

    fn png(&self, svg: &str) -> Vec<u8> {
        let tree = Tree::from_str(svg, &self.options).expect("an SVG");
        let size = tree.size().to_int_size();
        let mut pixels = Pixmap::new(size.width(), size.height()).expect("room");
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        pixels.encode_png().expect("a PNG")
    }
}

fn time<T>(work: impl Fn() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..PICTURES {
        black_box(work());
    }
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Issues so many certificates into a database, chunk by chunk as the daily run does.
async fn issue(many: u32) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open("sqlite://rekindle.db", folder.path()).await;
    let store = store.expect("a database");
    let key = AddressKey::new([7; 32]);
    let day: Day = "2026-12-01".parse().expect("a date");
    let mode = rekindle::config::settings::DeliveryMode::Sandbox;
    let begun = store.begin_run(day, mode, &[], 0).await.expect("a run");
    let rekindle::db::Begun::New(run) = begun else {
        panic!("a new database has no run")
    };
    let start = Instant::now();
    for from in (0..many).step_by(CHUNK as usize) {
        let certificates = (from..(from + CHUNK).min(many)).map(|n| NewCertificate {
            code: code("NY26", &key.mac("certificate", &n.to_string()), 0),
            campaign: "new-year".to_owned(),
            client: ClientId(i64::from(n)),
            episode: "date:2026-12-20".to_owned(),
            step: "letter".to_owned(),
            kind: "own",
            discount: Some("10%".to_owned()),
            gift: None,
            min_receipt: None,
            products: "[]".to_owned(),
            uses: 1,
            picture: "certificate".to_owned(),
            locale: "ru",
            valid_until: day.plus(90).epoch_days(),
        });
        let staged = Staged {
            certificates: certificates.collect(),
            ..Staged::default()
        };
        // A code that somebody has already would be refused here: the table knows each once.
        store.stage(run, day, &staged).await.expect("no code twice");
    }
    println!(
        "issued {many} certificates in {:.1} s, each code once; most resident {} MB",
        start.elapsed().as_secs_f64(),
        resident_mb()
    );
    store.close().await;
}

/// The most memory that the process has held, in megabytes; Linux only.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

//! A believable base of any size, the same for the same seed: for benches and for trying out.
//!
//! Every client has an own rhythm: a usual gap (log-normal over the base, 30 days in the middle),
//! an own spread around it, a usual receipt, a first day somewhere in the years, and a chance at
//! every purchase that it was the last. December is busier, Sundays are closed, two of a hundred
//! purchases come back, half of those with the id of what they take back.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rekindle::model::Day;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    /// Decides everything.
    pub(crate) seed: u64,
    /// How many clients.
    pub(crate) clients: u32,
    /// Purchases for each client, on the average and about.
    pub(crate) purchases_each: f64,
    /// The last day of the data.
    pub(crate) until: Day,
}

/// What was made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Made {
    /// Rows of `clients.csv`.
    pub(crate) clients: u64,
    /// Rows of `purchases.csv`, returns among them.
    pub(crate) purchases: u64,
}

/// Days that the data spans.
const SPAN_DAYS: i32 = 1_460;

/// One row of money.
#[derive(Clone, Copy)]
struct Row {
    day: i32,
    client: u32,
    /// Minor units.
    amount: i64,
    /// The place of the row that this one takes back, in the order of making.
    cancels: Option<u32>,
}

impl Base {
    /// The base of a bench: this many clients with ten purchases each.
    pub(crate) fn of_clients(clients: u32) -> Self {
        Self {
            seed: 20_261_121,
            clients,
            purchases_each: 10.0,
            // 2026-10-31
            until: Day::from_epoch(20_757),
        }
    }

    /// Writes `purchases.csv` and, if asked, `clients.csv` into `folder`.
    pub(crate) fn write(&self, folder: &Path, with_clients: bool) -> io::Result<Made> {
        fs::create_dir_all(folder)?;
        let mut made = Made::default();
        if with_clients {
            made.clients = self.write_clients(&folder.join("clients.csv"))?;
        }
        made.purchases = self.write_purchases(&folder.join("purchases.csv"))?;
        Ok(made)
    }

    fn write_clients(&self, path: &Path) -> io::Result<u64> {
        const FIRST: [&str; 8] = [
            "Anna", "Boris", "Clara", "Denis", "Elena", "Felix", "Greta", "Igor",
        ];
        const LAST: [&str; 8] = [
            "Stone", "Rivers", "Baker", "Winter", "Fields", "Marsh", "Lane", "Hill",
        ];
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "id,name,email,manager,tags")?;
        for client in 0..self.clients {
            let mut random = Random::of(self.seed ^ 0xc11e, client);
            let (first, last) = (random.below(8), random.below(8));
            let tag = ["", "vip", "wholesale", "retail"][random.below(4)];
            writeln!(
                file,
                "C{client:07},{} {},client{client}@example.org,m{},{tag}",
                FIRST[first],
                LAST[last],
                random.below(20)
            )?;
        }
        file.flush()?;
        Ok(u64::from(self.clients))
    }

    fn write_purchases(&self, path: &Path) -> io::Result<u64> {
        let mut rows = Vec::with_capacity((f64::from(self.clients) * self.purchases_each) as usize);
        for client in 0..self.clients {
            self.history(client, &mut rows);
        }
        // The order in which a shop has written them down: day after day, clients mixed.
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_cached_key(|place| {
            (
                rows[*place as usize].day,
                mixed(self.seed ^ u64::from(*place)),
            )
        });
        let mut ids = vec![0_u32; rows.len()];
        for (id, place) in order.iter().enumerate() {
            ids[*place as usize] = id as u32 + 1;
        }
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        writeln!(file, "id,client,date,amount,cancels")?;
        let (mut day, mut date) = (i32::MIN, String::new());
        for place in order {
            let row = rows[place as usize];
            if row.day != day {
                day = row.day;
                date = Day::from_epoch(day).to_string();
            }
            let sign = if row.amount < 0 { "-" } else { "" };
            let (whole, cents) = (row.amount.abs() / 100, row.amount.abs() % 100);
            let (id, client) = (ids[place as usize], row.client);
            write!(file, "{id},C{client:07},{date},{sign}{whole}.{cents:02},")?;
            match row.cancels {
                Some(cancels) => writeln!(file, "{}", ids[cancels as usize])?,
                None => writeln!(file)?,
            }
        }
        file.flush()?;
        Ok(rows.len() as u64)
    }

    /// Adds all rows of one client.
    fn history(&self, client: u32, rows: &mut Vec<Row>) {
        let mut random = Random::of(self.seed, client);
        // The factor makes the average number of purchases come out as asked.
        let usual_gap = (30_f64.ln() + 0.8 * random.normal()).exp() * 7.0 / self.purchases_each;
        let spread = 0.2 + 0.6 * random.uniform();
        let usual_receipt = (8.0 + 0.9 * random.normal()).exp();
        let first = self.until.epoch_days() - SPAN_DAYS;
        let mut day = f64::from(first) + random.uniform().powf(0.8) * f64::from(SPAN_DAYS);
        let mut n_purchases = 0_u32;
        while day <= f64::from(self.until.epoch_days()) {
            let bought_on = open_day(day as i32).min(self.until.epoch_days());
            let amount = (usual_receipt * (0.5 * random.normal()).exp()).clamp(100.0, 1e9) as i64;
            rows.push(Row {
                day: bought_on,
                client,
                amount,
                cancels: None,
            });
            self.maybe_returned(&mut random, rows);
            n_purchases += 1;
            let was_the_last = 0.02 + 0.25 / f64::from(n_purchases);
            if random.uniform() < was_the_last {
                return;
            }
            let gap = usual_gap * (spread * random.normal()).exp() / season(bought_on);
            day = f64::from(bought_on) + gap.max(1.0);
        }
    }

    /// Now and then the last purchase comes back within two weeks.
    fn maybe_returned(&self, random: &mut Random, rows: &mut Vec<Row>) {
        let Some(&bought) = rows.last() else { return };
        let place = rows.len() as u32 - 1;
        let back_on = bought.day + random.below(14) as i32;
        let comes_back = random.uniform() < 0.02 && back_on <= self.until.epoch_days();
        let named = random.uniform() < 0.5;
        if comes_back {
            rows.push(Row {
                day: back_on,
                amount: -bought.amount,
                cancels: named.then_some(place),
                ..bought
            });
        }
    }
}

/// How busy the time of the year is: December half as much again, summer a little less.
fn season(day: i32) -> f64 {
    match (day.rem_euclid(365)) / 30 {
        11 => 1.5,
        6 | 7 => 0.85,
        _ => 1.0,
    }
}

/// The day itself, or the Monday after a Sunday.
fn open_day(day: i32) -> i32 {
    // 1970-01-01 was a Thursday.
    if (day + 3).rem_euclid(7) == 6 {
        day + 1
    } else {
        day
    }
}

/// Numbers that look random and are the same for the same client.
struct Random(u64);

impl Random {
    fn of(seed: u64, client: u32) -> Self {
        Self(mixed(seed ^ (u64::from(client) << 20)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// Between 0 and 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.uniform() * limit as f64) as usize
    }

    /// Normal with mean 0 and deviation 1, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().max(1e-300).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Source: the finaliser of SplitMix64.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

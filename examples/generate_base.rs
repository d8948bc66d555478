//! Writes a believable base of any size: `cargo run --release --example generate_base -- FOLDER
//! [CLIENTS] [SEED]`. The same arguments give the same bytes.

#[path = "../benches/base/mod.rs"]
mod base;

use std::path::PathBuf;

use base::Base;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: generate_base FOLDER [CLIENTS] [SEED]");
        std::process::exit(2);
    };
    let mut number = |otherwise: u64| {
        let given = arguments.next().and_then(|text| text.parse().ok());
        given.unwrap_or(otherwise)
    };
    let mut base = Base::of_clients(number(10_000) as u32);
    base.seed = number(base.seed);
    let made = base.write(&folder, true)?;
    println!(
        "{}: {} clients, {} purchases up to {}",
        folder.display(),
        made.clients,
        made.purchases,
        base.until
    );
    Ok(())
}

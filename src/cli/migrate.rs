//! `rekindle migrate-to`: the base moves from a file into a database of PostgreSQL.

use std::io::Write;

use clap::Args;

use super::plan::json;
use super::{Exit, Format, counted, progress, tell};
use crate::app::App;
use crate::db::{Access, MOVED, MoveError};
use crate::jobs::moving::{self, Moved, MovingError};

/// How many digits of a digest a person compares.
const SHOWN: usize = 16;

/// Arguments of `rekindle migrate-to`.
#[derive(Clone, Debug, Args)]
pub(super) struct MigrateArgs {
    /// An empty database: postgres://USER@HOST:PORT/NAME; the password comes from
    /// database.password_file, PGPASSWORD or ~/.pgpass
    #[arg(value_name = "URL")]
    url: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Moves the base, and says what to write into the configuration.
pub(super) async fn run(
    app: &App,
    args: &MigrateArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let password = app.database_password()?;
    let access = Access {
        url: &args.url,
        ..app.database_access(password.as_ref())
    };
    let bar = progress::rows();
    let moved = moving::move_base(app, &access, &mut |step| bar.at(step)).await;
    bar.finish();
    let moved = match moved {
        Ok(moved) => moved,
        Err(error @ MovingError::Move(MoveError::Direction { .. })) => {
            tell(error);
            return Ok(Exit::Wrong);
        }
        Err(error) => return Err(error.into()),
    };
    match args.format {
        Format::Json => json(out, &moved)?,
        Format::Text => told(out, &moved)?,
    }
    Ok(Exit::Done)
}

fn told(out: &mut dyn Write, moved: &Moved) -> anyhow::Result<()> {
    writeln!(out, "{:<22} {:>10}  SHA-256 of all rows", "Table", "Rows")?;
    let (full, empty): (Vec<_>, Vec<_>) = moved.tables.iter().partition(|one| one.rows > 0);
    for one in full {
        let digest = one.digest.get(..SHOWN).unwrap_or(&one.digest);
        writeln!(out, "{:<22} {:>10}  {digest}", one.table, one.rows)?;
    }
    if !empty.is_empty() {
        writeln!(out, "{} are empty", counted(empty.len() as u64, "table"))?;
    }
    writeln!(
        out,
        "{} rows are in {}: every one was read back and is the same",
        moved.rows, moved.to
    )?;
    writeln!(
        out,
        "\n{} refuses every change from now on. Write into the configuration\n\n\
         [database]\nurl = \"{}\"\n\n\
         then run `rekindle doctor` and start the service. A password stays out of that file: \
         database.password_file, PGPASSWORD or ~/.pgpass.\n\
         To go back: `rekindle runs release {MOVED} --by NAME --reason TEXT` in the old base holds \
         everything that had not left.",
        moved.from.display(),
        moved.to,
    )?;
    Ok(())
}

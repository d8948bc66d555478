//! `rekindle init`: a configuration to start with. Never touches a file that is there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::config::ready;
use crate::model::Locale;

/// Arguments of `rekindle init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// The language of the campaigns and of the letters: ru or en
    #[arg(long, value_name = "LANGUAGE", default_value_t = Locale::En)]
    pub locale: Locale,
    /// The folder to write into [default: the present one]
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub dir: PathBuf,
}

/// Writes the configuration, says what was written and what to do next.
///
/// # Errors
///
/// A folder or file that cannot be written; what was written before it stays.
pub fn run(args: &InitArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let config = args.dir.join("config");
    let settings = config.join("rekindle.toml");
    let campaigns = config.join("campaigns");
    if settings.exists() && has_files(&campaigns) {
        // A campaign that was deleted on purpose must not come back to life.
        writeln!(out, "kept   {} as it is", shown(&campaigns))?;
    } else {
        for (name, text) in ready::campaigns(args.locale) {
            write_new(&campaigns.join(name), text, out)?;
        }
    }
    for (name, text) in ready::schemas() {
        write_new(&config.join("schema").join(name), &text, out)?;
    }
    // The settings come last: while they are missing, a second `init` goes on where this one broke.
    write_new(&settings, &ready::settings(args.locale), out)?;
    write_next_steps(args, out).context("print what to do next")
}

fn has_files(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Writes a file unless one of its name is there.
fn write_new(path: &Path, text: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("make the folder {}", shown(folder)))?;
    match File::create_new(path) {
        Ok(mut file) => {
            let written = file
                .write_all(text.as_bytes())
                .and_then(|()| file.sync_all());
            if written.is_err() {
                // Half a file would be kept for ever by the next attempt.
                let _ = fs::remove_file(path);
            }
            written.with_context(|| format!("write {}", shown(path)))?;
            writeln!(out, "wrote  {}", shown(path))?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            writeln!(out, "kept   {}, it was there", shown(path))?;
        }
        Err(error) => return Err(error).with_context(|| format!("write {}", shown(path))),
    }
    Ok(())
}

fn write_next_steps(args: &InitArgs, out: &mut dyn Write) -> io::Result<()> {
    let here = args.dir == Path::new(".");
    writeln!(out, "\nNext:")?;
    if !here {
        writeln!(out, "  cd {}", args.dir.display())?;
    }
    writeln!(
        out,
        "  1. config/rekindle.toml: write your company, and a [[source]] with your data\n  \
           2. rekindle check    every mistake at once, with its line\n  \
           3. rekindle import   reads your data\n  \
           4. rekindle plan     what today would do; nothing is sent\n\n\
         Letters and scripts are built in; a file of the same name in templates/ takes their place.\n\
         Delivery is \"sandbox\": nothing reaches anybody until you write mode = \"live\"."
    )
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

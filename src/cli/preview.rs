//! `rekindle preview TEMPLATE`: a letter as it would look.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{DayArgs, Exit};
use crate::app::App;
use crate::jobs::preview::{Rendered, preview};
use crate::model::Locale;

/// Arguments of `rekindle preview`.
#[derive(Clone, Debug, Args)]
pub(super) struct PreviewArgs {
    /// The template: a letter, a script, a WhatsApp message or the picture of a certificate
    template: String,
    /// With the facts of this client; without it with a sample
    #[arg(long, value_name = "ID")]
    pub(super) client: Option<String>,
    #[command(flatten)]
    day: DayArgs,
    /// In this language
    #[arg(long)]
    locale: Option<Locale>,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = "preview")]
    to: PathBuf,
}

/// Renders, writes the files and shows the text.
pub(super) async fn run(
    app: &App,
    args: &PreviewArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let client = match &args.client {
        None => None,
        Some(id) => match super::explain::find(app, id).await? {
            Some(client) => Some(client),
            None => return Ok(Exit::Wrong),
        },
    };
    let options = args.day.options(app, None);
    let rendered = match preview(app, None, &args.template, client, args.locale, options).await? {
        Ok(rendered) => rendered,
        Err(problem) => {
            super::tell(format_args!("{problem}"));
            return Ok(Exit::Wrong);
        }
    };
    let folder = app.path(&args.to);
    fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    let file = |end: &str| folder.join(format!("{}.{end}", args.template));
    let write = |path: PathBuf, text: &str| {
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    };
    match &rendered {
        Rendered::Letter(letter, picture) => {
            let beside = folder.join("certificate.png");
            if let Some(png) = picture {
                fs::write(&beside, png).with_context(|| format!("write {}", beside.display()))?;
            }
            // What goes along with the letter lies beside it here.
            let html = letter.html.replace("cid:certificate", "certificate.png");
            write(file("html"), &html)?;
            write(file("txt"), &letter.text)?;
            writeln!(out, "Subject: {}\n\n{}\n", letter.subject, letter.text)?;
            writeln!(
                out,
                "{} and {}",
                file("html").display(),
                file("txt").display()
            )?;
        }
        Rendered::Certificate(png, pdf) => {
            for (end, bytes) in [("png", png), ("pdf", pdf)] {
                let path = file(end);
                fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
                writeln!(out, "{}", path.display())?;
            }
        }
        Rendered::Text(text) => {
            write(file("txt"), text)?;
            writeln!(out, "{text}\n\n{}", file("txt").display())?;
        }
    }
    Ok(Exit::Done)
}

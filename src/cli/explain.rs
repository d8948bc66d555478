//! `rekindle explain CLIENT`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::plan::json;
use super::{DayArgs, Exit, Format, picture};
use crate::app::App;
use crate::jobs::explain::{explain, picture as timeline};
use crate::model::{ClientId, Locale};

/// Arguments of `rekindle explain`.
#[derive(Clone, Debug, Args)]
pub(super) struct ExplainArgs {
    /// The client, by the id of the source (or SOURCE/ID where two sources use the same id)
    client: String,
    #[command(flatten)]
    day: DayArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Draw the client's purchases and the present silence as SVG into this file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// Explains one client.
pub(super) async fn run(
    app: &App,
    args: &ExplainArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(client) = find(app, &args.client).await? else {
        return Ok(Exit::Wrong);
    };
    let options = args.day.options(app, None);
    // The terminal speaks English; the picture is for people, in the language of the company.
    let Some(explanation) = explain(app, client, options, Locale::En).await? else {
        super::tell(format_args!(
            "{} was not known on {}",
            args.client, options.day
        ));
        return Ok(Exit::Wrong);
    };
    if let Some(file) = &args.picture {
        match timeline(app, client, &explanation, app.locale()).await? {
            Some(svg) => picture::write(file, &svg)?,
            None => super::tell(format_args!(
                "{} has never bought: there is nothing to draw",
                args.client
            )),
        }
    }
    match args.format {
        Format::Text => write!(out, "{explanation}")?,
        Format::Json => json(out, &explanation)?,
    }
    Ok(Exit::Done)
}

/// The client of an id; says what else could be meant when it is nobody's or of several sources.
pub(super) async fn find(app: &App, id: &str) -> anyhow::Result<Option<ClientId>> {
    match app.store.clients_called(id).await?.as_slice() {
        [client] => Ok(Some(*client)),
        [] => {
            let like = app.store.clients_like(id, 5).await?;
            let hint = if like.is_empty() {
                String::new()
            } else {
                format!("; perhaps {}", like.join(", "))
            };
            super::tell(format_args!("no client has the id \"{id}\"{hint}"));
            Ok(None)
        }
        _ => {
            super::tell(format_args!(
                "several sources have a client \"{id}\"; write SOURCE/{id}"
            ));
            Ok(None)
        }
    }
}

//! Letters and lists as pages: a newcomer opens one in a browser before he looks into an `.eml`.

use std::path::{Path, PathBuf};

use super::files::write_one;
use crate::app::App;
use crate::certificates::picture;
use crate::jobs::day::ManagerList;
use crate::jobs::deliver;
use crate::model::Day;

/// A letter that can be looked at.
#[derive(Debug)]
pub(super) struct View {
    /// The campaign, or the manager of a list.
    pub(super) of: String,
    /// The client, or the manager.
    pub(super) to: String,
    /// The day.
    pub(super) day: Day,
    /// The subject.
    pub(super) subject: String,
    /// The page, in the folder of the demo.
    pub(super) page: PathBuf,
    /// The `.eml`, where it is known.
    pub(super) eml: Option<PathBuf>,
}

/// Writes the last letter of every step of every campaign as a page.
pub(super) async fn letters(app: &App) -> anyhow::Result<Vec<View>> {
    let mut views = Vec::new();
    for (message, receipt) in app.store.last_messages().await? {
        let letter = deliver::letter(app, &message).map_err(anyhow::Error::msg)?;
        let name = format!("{}-{}.html", message.campaign, message.step);
        let page = Path::new("letters").join(name);
        write_one(&app.path(&page), &with_picture(app, letter.html, &receipt))?;
        views.push(View {
            of: message.campaign,
            to: message.client,
            day: message.day,
            subject: letter.subject,
            page,
            eml: Some(receipt.into()),
        });
    }
    Ok(views)
}

/// A page with the picture of the certificate that lies beside the `.eml`: no browser looks into that.
fn with_picture(app: &App, html: String, eml: &str) -> String {
    let png = Path::new(eml).with_extension("png");
    if !app.path(&png).exists() {
        return html;
    }
    let beside = format!("../{}", png.display());
    html.replace(&format!("cid:{}", picture::ENCLOSED), &beside)
}

/// Writes the managers' lists as pages.
pub(super) fn lists(app: &App, lists: &[ManagerList], day: Day) -> anyhow::Result<Vec<View>> {
    let mut views = Vec::new();
    for list in lists {
        let letter = deliver::list_letter(app, list).map_err(anyhow::Error::msg)?;
        let page = Path::new("letters").join(format!("list-{}.html", list.manager_id));
        write_one(&app.path(&page), &letter.html)?;
        views.push(View {
            of: list.manager_id.clone(),
            to: list.context.manager.name.clone(),
            day,
            subject: letter.subject,
            page,
            eml: None,
        });
    }
    Ok(views)
}

//! The line of a client's time: his purchases, the present silence, and when it counts as what.

use super::{Explanation, RhythmLines};
use crate::app::App;
use crate::db::{History, StoreError};
use crate::model::{ClientId, Day, Locale, RhythmDates};
use crate::pictures::{PictureError, Timeline, timeline};
use crate::rules::wording;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum NoPicture {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be drawn.
    #[error(transparent)]
    Drawing(#[from] PictureError),
}

/// Draws what was explained about a client, as SVG; nothing for one who has never bought.
///
/// # Errors
///
/// The database, or a day that no calendar has.
pub async fn picture(
    app: &App,
    client: ClientId,
    explained: &Explanation,
    locale: Locale,
) -> Result<Option<String>, NoPicture> {
    let Some(rhythm) = &explained.rhythm else {
        return Ok(None);
    };
    let days = purchase_days(app, client, explained.date).await?;
    let [due, missed, asleep, lost] = rhythm.dates;
    let drawn = timeline(&Timeline {
        name: &explained.name,
        purchases: &days,
        dates: RhythmDates {
            due,
            missed,
            asleep,
            lost,
        },
        usual_gap_days: rhythm.usual_gap_days,
        today: explained.date,
        sentence: &sentence(rhythm, locale),
        locale,
    });
    Ok(Some(drawn?))
}

/// The purchase days of a client up to a day, rising.
async fn purchase_days(app: &App, client: ClientId, up_to: Day) -> Result<Vec<Day>, StoreError> {
    let histories = app.store.histories(&[client], up_to).await?;
    Ok(histories.iter().flat_map(History::purchase_days).collect())
}

/// What the silence means.
fn sentence(rhythm: &RhythmLines, locale: Locale) -> String {
    let phrase = wording::rhythm_sentence(
        locale,
        rhythm.usual_gap_days,
        rhythm.days_silent,
        rhythm.overdue_p,
        Some(rhythm.return_30),
    );
    wording::sentence(&phrase)
}

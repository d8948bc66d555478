//! Outcomes that another program tells by `POST /hooks/outcomes`.

use serde::Deserialize;
use tracing::warn;

use super::Effect;
use crate::app::App;
use crate::db::{InboundEvent, StoreError};
use crate::jobs::told::{Became, Row, take};

/// Who says it, where nobody is named.
const HOOK: &str = "hook";

/// The body of the webhook.
#[derive(Debug, Deserialize)]
struct Body {
    outcomes: Vec<Row>,
}

/// Whether a body can be read at all; each of its rows is looked at later.
///
/// # Errors
///
/// It cannot, or a row has no id, without which it could be counted twice.
pub fn check(raw: &[u8]) -> Result<usize, String> {
    let body: Body = serde_json::from_slice(raw).map_err(|error| error.to_string())?;
    let nameless = body.outcomes.iter().position(|row| row.id.is_none());
    match nameless {
        Some(n) => Err(format!("outcome {n} has no id")),
        None => Ok(body.outcomes.len()),
    }
}

pub(super) async fn take_in(app: &App, event: &InboundEvent) -> Result<Vec<Effect>, StoreError> {
    let Ok(body) = serde_json::from_slice::<Body>(&event.body) else {
        return Ok(vec![Effect::Nothing("no outcomes")]);
    };
    let mut effects = Vec::new();
    for row in &body.outcomes {
        let key = format!("hook:{}", row.id.as_deref().unwrap_or_default());
        effects.push(match take(app, row, &key, HOOK).await? {
            Became::Counted => Effect::Counted,
            Became::Before => Effect::Before,
            Became::Bad(why) => {
                warn!(
                    event = event.id,
                    task = row.task,
                    why,
                    "an outcome was not recorded"
                );
                Effect::Nothing("not recorded: the log says why")
            }
        });
    }
    Ok(effects)
}

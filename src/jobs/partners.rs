//! The codes of partners: taken up from their file, and given out once each.

use std::collections::HashMap;
use std::fs;

use tracing::warn;

use crate::app::App;
use crate::config::campaign::Partner;
use crate::db::StoreError;
use crate::rules::plan::{Action, Touched};

use super::inputs;
use crate::model::ClientFacts;

/// The longest code that is taken, in characters.
const LONGEST: usize = 100;

/// The name of the file, under which its codes are kept.
pub fn pool(partner: &Partner) -> String {
    partner.codes.display().to_string()
}

/// Takes up the codes of a partner's file that are not known yet; returns how many are left. A file
/// that cannot be read adds none.
pub async fn take_up(app: &App, partner: &Partner) -> Result<u64, StoreError> {
    let path = app.path(&partner.codes);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
            let codes: Vec<String> = lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .filter(|line| line.chars().count() <= LONGEST)
                .map(str::to_owned)
                .collect();
            app.store.add_partner_codes(&pool(partner), &codes).await?;
        }
        Err(error) => {
            warn!(file = %path.display(), %error, "the codes of a partner cannot be read");
        }
    }
    app.store.partner_codes_left(&pool(partner)).await
}

/// The codes of the messages among some touches, by the key of the message. Where none is left the
/// message has none.
pub(super) async fn codes<'t>(
    app: &App,
    touches: impl Iterator<Item = (&'t ClientFacts, &'t Touched)>,
) -> Result<HashMap<String, String>, StoreError> {
    let mut codes = HashMap::new();
    let mut taken_up = Vec::new();
    for (facts, touch) in touches {
        let campaign = app.campaign(&touch.campaign);
        let partner = campaign.and_then(|campaign| campaign.partner.as_ref());
        let (Some(partner), Action::Message(_)) = (partner, &touch.action) else {
            continue;
        };
        // Nobody gets a code on paper only.
        if touch.arm == crate::model::Arm::Holdout {
            continue;
        }
        let pool = pool(partner);
        if !taken_up.contains(&pool) {
            take_up(app, partner).await?;
            taken_up.push(pool.clone());
        }
        let key = inputs::key_of(touch, &facts.client);
        let code = app.store.partner_code(&pool, &key, app.now_ms()).await?;
        if code.is_none() {
            warn!(file = pool, "no code of the partner is left");
        }
        codes.extend(code.map(|code| (key, code)));
    }
    Ok(codes)
}

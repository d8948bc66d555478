//! What no campaign can see alone: two campaigns with one id.

use std::collections::BTreeMap;

use super::super::Campaign;
use super::Checked;
use super::document::KeyPath;
use super::findings::Finding;

/// Adds to each campaign what is wrong between it and the ones before it.
pub(in super::super) fn across(campaigns: &mut [Checked<'_, Campaign>]) {
    let at = KeyPath::root().key("id");
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for checked in campaigns {
        let Some(id) = checked.trusted(&at).map(|campaign| campaign.id.clone()) else {
            continue;
        };
        if let Some(first) = seen.get(&id) {
            let message = format!("{first} has the id \"{id}\" as well");
            let hint = "give each campaign an id of its own; a copy of a campaign is a new one";
            checked.add(vec![Finding::error(at.clone(), message, hint)]);
        } else {
            seen.insert(id, checked.document.file().to_owned());
        }
    }
}

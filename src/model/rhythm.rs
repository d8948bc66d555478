//! The rhythm of a client.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the silence of a client has come.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RhythmState {
    /// Not yet due.
    Active,
    /// Due by the usual gap.
    Due,
    /// The cycle is missed.
    Missed,
    /// More likely than not he stays away.
    Asleep,
    /// Counts as lost.
    Lost,
}

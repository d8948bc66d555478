//! The golden figures: what an independent program reached on the same data.

use std::collections::BTreeMap;

use rekindle::model::Day;
use serde::Deserialize;

/// The figures of all sets, by the name of the set; the data of `name` is in `name.csv`.
pub(crate) type Golden = BTreeMap<String, Set>;

/// The figures of one data set.
#[derive(Deserialize)]
pub(crate) struct Set {
    /// The horizon of the forecast: no purchase within so many days.
    #[serde(rename = "H")]
    pub(crate) horizon_days: u32,
    /// The silence after which a pause counts as lapsed.
    #[serde(rename = "R_label")]
    pub(crate) lapsed_days: u32,
    /// The shortest silence that can count as lost.
    #[serde(rename = "R_min")]
    pub(crate) smallest_lost_days: f64,
    /// Half of the grid of the dates, in days.
    #[serde(rename = "cell")]
    pub(crate) grid_half_days: f64,
    /// The past days from which was forecast.
    pub(crate) cuts: Vec<Cut>,
}

/// The figures of one past day.
#[derive(Deserialize)]
pub(crate) struct Cut {
    /// The day; parameters know the data up to it only.
    #[serde(rename = "cut")]
    pub(crate) day: Day,
    /// Clients who had bought by then.
    pub(crate) clients: usize,
    /// Clients with three purchase days or more by then.
    pub(crate) n3: usize,
    /// m0, k0, a0, b0, A, B.
    pub(crate) params: [f64; 6],
    /// mu1, s1, nu1, pi1.
    pub(crate) first: [f64; 4],
    /// The share of clients who did not buy within the horizon.
    pub(crate) share_no_return: f64,
    /// Area under the curve, all clients.
    pub(crate) auc_all: f64,
    /// Area under the curve, clients with three purchase days or more.
    pub(crate) auc_n3: f64,
    /// Mean squared error, all clients.
    pub(crate) brier_all: f64,
    /// Mean squared error, clients with three purchase days or more.
    pub(crate) brier_n3: f64,
    /// Mean foreseen chance of no purchase, all clients.
    pub(crate) mean_p: f64,
    /// Clients whose silence is longer than 90 % of their gaps.
    pub(crate) overdue10: usize,
    /// Clients who are due and will rather stay away than come.
    pub(crate) wake50: usize,
}

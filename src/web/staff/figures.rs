//! The figures of the owner: the health of the base by weeks, both funnels, and who won those who
//! bought again. Their pictures, and the numbers behind them, are in [`super::figure_files`].

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Serialize;

use super::desk::{Answer, Desk, Failure};
use super::door::Signed;
use super::parts::{campaign_title, said};
use crate::db::WeekRow;
use crate::jobs::base_weeks::Week;
use crate::jobs::funnels::{Funnels, funnels};
use crate::jobs::managers::Managers;
use crate::model::{Day, Money};
use crate::pictures::WeekColumn;
use crate::rules::funnel::{GroupedBy, Rejections, RepeatSales};

/// As many weeks are shown.
const WEEKS: i32 = 26;

/// The stretch of days of the funnels where none is asked for.
const USUAL_DAYS: i32 = 90;

/// The page of the figures.
#[derive(Serialize)]
struct Figures {
    from: Day,
    to: Day,
    /// The part by which the funnels are grouped: `campaign`, `manager`, `reason` or `month`.
    by: &'static str,
    groupings: [&'static str; 4],
    /// The last week that was counted.
    week: Option<WeekPart>,
    by_manager: Vec<WeekPart>,
    repeat_sales: FunnelPart,
    rejections: FunnelPart,
    second: Vec<SecondPart>,
}

/// How the clients of somebody stand.
#[derive(Serialize)]
struct WeekPart {
    name: String,
    day: Day,
    clients: u64,
    active: u64,
    due: u64,
    missed: u64,
    asleep: u64,
    lost: u64,
    woken: u64,
    fell_silent: u64,
    new_buyers: u64,
}

/// A funnel as a table.
#[derive(Serialize)]
struct FunnelPart {
    /// The stages: keys of the words.
    stages: Vec<&'static str>,
    rows: Vec<FunnelLine>,
    total: FunnelLine,
}

#[derive(Serialize)]
struct FunnelLine {
    name: String,
    counts: Vec<u64>,
    paid: Money,
}

#[derive(Serialize)]
struct SecondPart {
    name: String,
    won: u64,
    again: u64,
    share: f64,
    later: Money,
}

pub(super) const SALES: [&str; 5] = ["base", "request", "quote", "invoice", "paid"];

pub(super) const TURNED: [&str; 7] = [
    "rejected",
    "reached",
    "interested",
    "friend_named",
    "card_sent",
    "deal",
    "paid",
];

const GROUPINGS: [&str; 4] = ["campaign", "manager", "reason", "month"];

/// What is asked for: `?from=2026-09-01&to=2026-11-25&by=month`.
pub(super) struct Asked {
    pub(super) from: Day,
    pub(super) to: Day,
    by: &'static str,
}

impl Asked {
    pub(super) fn read(desk: &Desk, query: &BTreeMap<String, String>) -> Self {
        let day = |name: &str| query.get(name).and_then(|text| text.parse::<Day>().ok());
        let to = day("to").unwrap_or(desk.app().today());
        let from = day("from").filter(|from| *from <= to);
        let by = query.get("by").map_or("campaign", String::as_str);
        Self {
            from: from.unwrap_or(to.plus(-USUAL_DAYS)),
            to,
            by: GROUPINGS
                .into_iter()
                .find(|one| *one == by)
                .unwrap_or("campaign"),
        }
    }

    fn grouped_by(&self) -> GroupedBy {
        match self.by {
            "manager" => GroupedBy::Manager,
            "reason" => GroupedBy::Reason,
            "month" => GroupedBy::Month,
            _ => GroupedBy::Campaign,
        }
    }
}

/// `GET /figures`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    if !signed.person.sees_figures() {
        return Ok(desk.nothing(&signed));
    }
    let (app, asked) = (desk.app(), Asked::read(&desk, &query));
    let counted = funnels(app, asked.from, asked.to).await?;
    let names = Names::read(&desk, &signed).await?;
    let rows = weeks(&desk).await?;
    let last = rows.iter().map(|row| row.day).max();
    let of_last = rows.iter().filter(|row| Some(row.day) == last);
    let by_manager = by_manager(of_last);
    let all = week_of(rows.iter().filter(|row| Some(row.day) == last));
    let body = Figures {
        from: asked.from,
        to: asked.to,
        by: asked.by,
        groupings: GROUPINGS,
        week: last.map(|_| week_part(String::new(), &all)),
        by_manager: by_manager
            .iter()
            .map(|(id, week)| week_part(names.manager(id), week))
            .collect(),
        repeat_sales: sales_part(&counted, &asked, &names),
        rejections: turned_part(&counted, &asked, &names),
        second: second_parts(&counted, &names),
    };
    Ok(desk.good("figures", "figures.title", &signed, &body))
}

pub(super) fn sales(counts: &RepeatSales) -> [u64; 5] {
    [
        counts.base,
        counts.request,
        counts.quote,
        counts.invoice,
        counts.paid,
    ]
}

pub(super) fn turned(counts: &Rejections) -> [u64; 7] {
    [
        counts.rejected,
        counts.reached,
        counts.interested,
        counts.friend_named,
        counts.card_sent,
        counts.deal,
        counts.paid,
    ]
}

/// What managers, campaigns and reasons are called.
struct Names<'d> {
    desk: &'d Desk,
    managers: Managers,
    nobody: String,
    none: String,
    locale: crate::model::Locale,
}

impl<'d> Names<'d> {
    async fn read(desk: &'d Desk, signed: &Signed) -> Result<Self, Failure> {
        Ok(Self {
            managers: Managers::read(desk.app()).await?,
            nobody: said(desk, &signed.person, "today.nobody"),
            none: said(desk, &signed.person, "figures.none"),
            locale: signed.person.locale,
            desk,
        })
    }

    fn manager(&self, id: &str) -> String {
        if id.is_empty() {
            return self.nobody.clone();
        }
        let name = self.managers.get(id).map(|manager| manager.name.clone());
        name.unwrap_or_else(|| id.to_owned())
    }

    fn of(&self, by: GroupedBy, name: &str) -> String {
        match by {
            GroupedBy::Manager => self.manager(name),
            _ if name.is_empty() => self.none.clone(),
            GroupedBy::Campaign => campaign_title(self.desk.app(), name),
            GroupedBy::Reason => {
                let reasons = &self.desk.app().settings.reasons;
                let titled = reasons
                    .get(name)
                    .map(|one| one.title(self.locale).to_owned());
                titled.unwrap_or_else(|| name.to_owned())
            }
            GroupedBy::Month => name.to_owned(),
        }
    }
}

fn sales_part(counted: &Funnels, asked: &Asked, names: &Names<'_>) -> FunnelPart {
    // A sale that is repeated has no reason: it is grouped by campaign then.
    let by = match asked.grouped_by() {
        GroupedBy::Reason => GroupedBy::Campaign,
        by => by,
    };
    let line = |name, counts: &RepeatSales| FunnelLine {
        name,
        counts: sales(counts).to_vec(),
        paid: Money::new(counts.paid_minor, counted.currency),
    };
    let rows = counted.repeat_sales.by(by);
    FunnelPart {
        stages: SALES.to_vec(),
        rows: rows
            .iter()
            .map(|(name, counts)| line(names.of(by, name), counts))
            .collect(),
        total: line(String::new(), &counted.repeat_sales.total),
    }
}

fn turned_part(counted: &Funnels, asked: &Asked, names: &Names<'_>) -> FunnelPart {
    let by = asked.grouped_by();
    let line = |name, counts: &Rejections| FunnelLine {
        name,
        counts: turned(counts).to_vec(),
        paid: Money::new(counts.paid_minor, counted.currency),
    };
    let rows = counted.rejections.by(by);
    FunnelPart {
        stages: TURNED.to_vec(),
        rows: rows
            .iter()
            .map(|(name, counts)| line(names.of(by, name), counts))
            .collect(),
        total: line(String::new(), &counted.rejections.total),
    }
}

fn second_parts(counted: &Funnels, names: &Names<'_>) -> Vec<SecondPart> {
    let parts = counted.second_purchases.iter().map(|one| SecondPart {
        name: names.manager(&one.manager),
        won: one.first_purchases,
        again: one.second_purchases,
        share: one.second_purchases as f64 / one.first_purchases.max(1) as f64,
        later: Money::new(one.later_minor, counted.currency),
    });
    parts.collect()
}

pub(super) async fn weeks(desk: &Desk) -> Result<Vec<WeekRow>, Failure> {
    let since = desk.app().today().plus(-7 * WEEKS);
    Ok(desk.app().store.weeks_since(since).await?)
}

fn week_of<'r>(rows: impl Iterator<Item = &'r WeekRow>) -> Week {
    let mut week = Week::default();
    rows.for_each(|row| week.add(row));
    week
}

fn by_manager<'r>(rows: impl Iterator<Item = &'r WeekRow>) -> BTreeMap<String, Week> {
    let mut weeks: BTreeMap<String, Week> = BTreeMap::new();
    for row in rows {
        weeks.entry(row.manager.clone()).or_default().add(row);
    }
    weeks
}

pub(super) fn columns(rows: &[WeekRow]) -> Vec<WeekColumn> {
    let mut weeks: BTreeMap<Day, Week> = BTreeMap::new();
    for row in rows {
        weeks.entry(row.day).or_default().add(row);
    }
    let columns = weeks.into_iter().map(|(day, week)| {
        let [active, due, missed, asleep, lost, _] = week.stand;
        (day, [active, due, missed, asleep, lost])
    });
    columns.collect()
}

fn week_part(name: String, week: &Week) -> WeekPart {
    let [active, due, missed, asleep, lost, _] = week.stand;
    WeekPart {
        name,
        day: week.day,
        clients: week.buyers(),
        active,
        due,
        missed,
        asleep,
        lost,
        woken: week.woken,
        fell_silent: week.fell_silent,
        new_buyers: week.new_buyers,
    }
}

//! The pictures of the figures, drawn here, and the numbers behind them as CSV.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::desk::{Answer, Desk, Failure};
use super::door::Signed;
use super::figures::{Asked, SALES, TURNED, columns, sales, turned, weeks};
use super::parts::said;
use crate::jobs::funnels::{Funnels, funnels};
use crate::model::Money;
use crate::pictures::{self, FunnelPicture, PictureError};
use crate::rules::funnel::FunnelKey;
use crate::rules::wording::{self, DateStyle};

/// `GET /figures/FILE`: a picture, or the numbers behind it.
pub(super) async fn file(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path(file): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    if !signed.person.sees_figures() {
        return Ok(desk.nothing(&signed));
    }
    let asked = Asked::read(&desk, &query);
    match file.as_str() {
        "health.svg" => {
            let rows = weeks(&desk).await?;
            picture(pictures::weeks(&columns(&rows), signed.person.locale))
        }
        "health.csv" => health(&desk).await,
        _ => {
            let counted = funnels(desk.app(), asked.from, asked.to).await?;
            of_funnels(&desk, &signed, &asked, &file, &counted)
        }
    }
}

async fn health(desk: &Desk) -> Answer {
    let rows = weeks(desk).await?;
    let lines = rows.into_iter().map(|row| {
        let (day, clients) = (row.day.to_string(), row.clients.to_string());
        vec![day, row.manager, row.from, row.to, clients]
    });
    csv(
        "health",
        &["day", "manager", "from", "to", "clients"],
        lines,
    )
}

fn of_funnels(
    desk: &Desk,
    signed: &Signed,
    asked: &Asked,
    file: &str,
    counted: &Funnels,
) -> Answer {
    match file {
        "repeat-sales.svg" => {
            let counts = sales(&counted.repeat_sales.total);
            drawn(desk, signed, asked, "sales", &SALES, &counts)
        }
        "rejections.svg" => {
            let counts = turned(&counted.rejections.total);
            drawn(desk, signed, asked, "turned", &TURNED, &counts)
        }
        "repeat-sales.csv" => {
            let rows = counted.repeat_sales.rows.iter();
            let lines =
                rows.map(|row| (&row.key, sales(&row.counts).to_vec(), row.counts.paid_minor));
            funnel_csv("repeat-sales", &SALES, counted, lines)
        }
        "rejections.csv" => {
            let rows = counted.rejections.rows.iter();
            let lines = rows.map(|row| {
                (
                    &row.key,
                    turned(&row.counts).to_vec(),
                    row.counts.paid_minor,
                )
            });
            funnel_csv("rejections", &TURNED, counted, lines)
        }
        "second-purchases.csv" => second_purchases(counted),
        _ => Ok(desk.nothing(signed)),
    }
}

fn second_purchases(counted: &Funnels) -> Answer {
    let head = ["manager", "first_purchases", "second_purchases", "later"];
    let lines = counted.second_purchases.iter().map(|one| {
        let (first, second) = (one.first_purchases, one.second_purchases);
        let later = Money::new(one.later_minor, counted.currency).to_string();
        vec![
            one.manager.clone(),
            first.to_string(),
            second.to_string(),
            later,
        ]
    });
    csv("second-purchases", &head, lines)
}

fn drawn(
    desk: &Desk,
    signed: &Signed,
    asked: &Asked,
    funnel: &str,
    stages: &[&str],
    counts: &[u64],
) -> Answer {
    let said = |key: String| said(desk, &signed.person, &key);
    let day = |day| wording::date(signed.person.locale, day, DateStyle::Short);
    let named = stages.iter().map(|stage| said(format!("stage.{stage}")));
    let stages: Vec<(String, u64)> = named.zip(counts.iter().copied()).collect();
    picture(pictures::funnel(&FunnelPicture {
        title: &said(format!("figures.{funnel}")),
        below: &format!("{} – {}", day(asked.from), day(asked.to)),
        stages: &stages,
    }))
}

fn picture(drawn: Result<String, PictureError>) -> Answer {
    let svg = drawn.map_err(|error| Failure::Made(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

fn funnel_csv<'f>(
    name: &str,
    stages: &[&str],
    counted: &Funnels,
    rows: impl Iterator<Item = (&'f FunnelKey, Vec<u64>, i64)>,
) -> Answer {
    let head: Vec<&str> = ["campaign", "manager", "reason", "month"]
        .into_iter()
        .chain(stages.iter().copied())
        .chain(["paid_amount"])
        .collect();
    let lines = rows.map(|(key, counts, paid)| {
        let mut line = vec![
            key.campaign.clone(),
            key.manager.clone(),
            key.reason.clone().unwrap_or_default(),
            key.month.clone(),
        ];
        line.extend(counts.iter().map(u64::to_string));
        line.push(Money::new(paid, counted.currency).to_string());
        line
    });
    csv(name, &head, lines)
}

/// A table for spreadsheets, which take no cell of it for a formula.
fn csv(name: &str, head: &[&str], lines: impl Iterator<Item = Vec<String>>) -> Answer {
    let made = |error: &dyn std::fmt::Display| Failure::Made(error.to_string());
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(head).map_err(|error| made(&error))?;
    for line in lines {
        let safe = line.iter().map(|cell| {
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            if formula {
                format!("'{cell}")
            } else {
                cell.clone()
            }
        });
        table.write_record(safe).map_err(|error| made(&error))?;
    }
    let bytes = table.into_inner().map_err(|error| made(&error))?;
    let file = format!("attachment; filename=\"{name}.csv\"");
    let heads = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, file),
    ];
    Ok::<Response, Failure>((heads, bytes).into_response())
}

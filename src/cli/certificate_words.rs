//! What `rekindle certificate` says about a certificate and about a wish to redeem it.

use std::io::Write;

use serde::Serialize;

use super::certificate::Shown;
use crate::db::{CertificateRow, Redeemed, RedemptionRow};
use crate::rules::certificate::Objection;

/// What became of a wish to redeem, for programs.
#[derive(Serialize)]
pub(super) struct Answer {
    outcome: &'static str,
    code: Option<String>,
    left: Option<u32>,
    because: Vec<Objection>,
    redemption: Option<RedemptionRow>,
}

pub(super) fn show_text(shown: &Shown, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = &shown.row;
    writeln!(out, "{}  {}", row.code, shown.state.word())?;
    writeln!(out, "  gives       {}", gives(row))?;
    let whose = match row.kind {
        crate::model::CertificateKind::Own => "own, of",
        crate::model::CertificateKind::Friend => "for a friend of",
    };
    writeln!(out, "  whose       {whose} {} ({})", row.name, row.client)?;
    writeln!(out, "  campaign    {}", row.campaign)?;
    writeln!(
        out,
        "  valid       {} to {}",
        row.issued_on, row.valid_until
    )?;
    writeln!(out, "  used        {} of {}", row.used, row.uses)?;
    if let Some(least) = shown.min_receipt {
        writeln!(out, "  receipt     from {least}")?;
    }
    if !row.products.is_empty() {
        writeln!(out, "  products    {}", row.products.join(", "))?;
    }
    if let Some(why) = &row.void {
        writeln!(out, "  void        {why}")?;
    }
    writeln!(out, "  page        {}", shown.url)?;
    for redemption in &shown.redemptions {
        let undone = redemption.undone.as_ref();
        let undone = undone.map(|why| format!(", undone: {why}"));
        writeln!(
            out,
            "  redeemed    {} on purchase {} by {}{}{}",
            redemption.day,
            redemption.receipt,
            redemption.by,
            client_words(redemption),
            undone.unwrap_or_default()
        )?;
    }
    for (state, count) in &shown.friends {
        writeln!(out, "  friends     {count} {state}")?;
    }
    Ok(())
}

pub(super) fn client_words(redemption: &RedemptionRow) -> String {
    let client = redemption.client.as_ref();
    client.map_or_else(String::new, |client| format!(", client {client}"))
}

pub(super) fn gives(row: &CertificateRow) -> String {
    let discount = row.discount.clone();
    let gift = row.gift.as_ref().map(|gift| format!("a gift: {gift}"));
    let both: Vec<String> = discount.into_iter().chain(gift).collect();
    both.join(" and ")
}

pub(super) fn outcome(done: Redeemed) -> Answer {
    let mut outcome = Answer {
        outcome: "unknown",
        code: None,
        left: None,
        because: Vec::new(),
        redemption: None,
    };
    let row = match done {
        Redeemed::Now {
            certificate,
            doubts,
        } => {
            outcome.outcome = "redeemed";
            outcome.because = doubts;
            certificate
        }
        Redeemed::Before {
            certificate,
            redemption,
        } => {
            outcome.outcome = "redeemed_before";
            outcome.redemption = Some(redemption);
            certificate
        }
        Redeemed::Denied {
            certificate,
            because,
            last,
        } => {
            outcome.outcome = "denied";
            outcome.because = because;
            outcome.redemption = last;
            certificate
        }
        Redeemed::Unknown => return outcome,
    };
    outcome.left = Some(row.uses.saturating_sub(row.used));
    outcome.code = Some(row.code);
    outcome
}

pub(super) fn taken_text(done: &Redeemed, out: &mut dyn Write) -> anyhow::Result<()> {
    match done {
        Redeemed::Now {
            certificate,
            doubts,
        } => {
            writeln!(
                out,
                "Redeemed {}: give {}",
                certificate.code,
                gives(certificate)
            )?;
            for doubt in doubts {
                writeln!(out, "  doubtful: {}", doubt.sentence())?;
            }
            if !doubts.is_empty() {
                writeln!(out, "  a person decides: rekindle certificate review")?;
            }
        }
        Redeemed::Before { redemption, .. } => writeln!(
            out,
            "Redeemed before by this very purchase, on {} by {}: it does not count twice",
            redemption.day, redemption.by
        )?,
        Redeemed::Denied {
            certificate,
            because,
            last,
        } => {
            writeln!(out, "Not redeemed: {}", certificate.code)?;
            for one in because {
                writeln!(out, "  {}", one.sentence())?;
            }
            if let Some(last) = last {
                let words = format!("purchase {} by {}", last.receipt, last.by);
                writeln!(out, "  used on {}: {words}", last.day)?;
            }
        }
        Redeemed::Unknown => writeln!(out, "Nobody has a certificate with this code")?,
    }
    Ok(())
}

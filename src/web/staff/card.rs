//! The card of a client: who, the line of his time, what he bought, what was done with him, and why
//! he is in or out of each campaign.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;

use super::desk::{Answer, Desk, Failure};
use super::door::Signed;
use super::parts::{OutcomePart, Ways, campaign_title, said};
use super::task::{ContactPart, contact_part};
use crate::app::App;
use crate::db::{CARD_LISTS, CardDeal, CardHead, CardMessage, CardPurchase};
use crate::jobs::day::DayOptions;
use crate::jobs::explain::{self, CampaignLines, Explanation, RhythmLines, TaskLines};
use crate::jobs::managers::Managers;
use crate::jobs::staff::Person;
use crate::model::{Channel, ClientId, Day, DealStatus, MessageState, Money};
use crate::rules::plan::Reason;
use crate::rules::wording;

/// The page of a client.
#[derive(Serialize)]
struct Card {
    id: i64,
    ext_id: String,
    label: String,
    person: Option<String>,
    ways: Ways,
    manager: Option<String>,
    tags: Vec<String>,
    attributes: BTreeMap<String, String>,
    contacts: Vec<ContactPart>,
    crm: Option<String>,
    merged_into: Option<String>,
    rhythm: Option<RhythmPart>,
    hints: Vec<String>,
    upsell: Vec<String>,
    purchases: Vec<PurchasePart>,
    turnover: Option<Money>,
    deals: Vec<DealPart>,
    messages: Vec<MessagePart>,
    tasks: Vec<TaskPart>,
    outcomes: Vec<OutcomePart>,
    campaigns: Vec<CampaignPart>,
}

#[derive(Serialize)]
struct RhythmPart {
    state: String,
    purchases: u32,
    last_purchase: Day,
    days_silent: u32,
    usual_gap_days: u32,
    return_30: f64,
    xyz: String,
    key_account: bool,
    due: Day,
    missed: Day,
    asleep: Day,
    lost: Day,
}

#[derive(Serialize)]
struct PurchasePart {
    day: Day,
    amount: Money,
    items: Option<String>,
}

#[derive(Serialize)]
struct DealPart {
    title: Option<String>,
    status: DealStatus,
    stage: Option<String>,
    amount: Option<Money>,
    day: Option<Day>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct MessagePart {
    day: Day,
    campaign: String,
    step: String,
    channel: Channel,
    state: MessageState,
    reason: Option<String>,
}

#[derive(Serialize)]
struct TaskPart {
    title: String,
    #[serde(flatten)]
    lines: TaskLines,
}

#[derive(Serialize)]
struct CampaignPart {
    title: String,
    #[serde(flatten)]
    lines: CampaignLines,
}

/// `GET /clients/ID`.
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Answer {
    let client = client_of(&id);
    let Some(head) = seen(&desk, &signed, client).await? else {
        return Ok(desk.nothing(&signed));
    };
    let (app, locale) = (desk.app(), signed.person.locale);
    let Some(explained) = explain::explain(app, client, today(app), locale).await? else {
        return Ok(desk.nothing(&signed));
    };
    let card = card(&desk, &signed.person, client, head, explained).await?;
    let title = card.label.clone();
    Ok(desk.good("card", &title, &signed, &card))
}

/// `GET /clients/ID/rhythm.svg`: the line of the client's time.
pub(super) async fn rhythm(
    State(desk): State<Arc<Desk>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Answer {
    let (app, client, locale) = (desk.app(), client_of(&id), signed.person.locale);
    if seen(&desk, &signed, client).await?.is_none() {
        return Ok(desk.nothing(&signed));
    }
    let explained = explain::explain(app, client, today(app), locale).await?;
    let drawn = match &explained {
        Some(explained) => explain::picture(app, client, explained, locale).await,
        None => Ok(None),
    };
    let drawn = drawn.map_err(|error| Failure::Made(error.to_string()))?;
    let Some(svg) = drawn else {
        return Ok(desk.nothing(&signed));
    };
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

/// The client of a number in a path; nobody for what is none.
fn client_of(id: &str) -> ClientId {
    ClientId(id.parse().unwrap_or_default())
}

fn today(app: &App) -> DayOptions<'static> {
    DayOptions {
        day: app.today(),
        as_of: false,
        also: None,
    }
}

/// Who the client is, when the reader may see him.
async fn seen(desk: &Desk, signed: &Signed, client: ClientId) -> Result<Option<CardHead>, Failure> {
    let (store, person) = (&desk.app().store, &signed.person);
    let may = match &person.manager {
        _ if person.sees_all_clients() => true,
        Some(manager) => store.is_client_of(client, manager).await?,
        None => false,
    };
    Ok(if may {
        store.card_head(client).await?
    } else {
        None
    })
}

async fn card(
    desk: &Desk,
    person: &Person,
    client: ClientId,
    head: CardHead,
    explained: Explanation,
) -> Result<Card, Failure> {
    let (app, locale) = (desk.app(), person.locale);
    let store = &app.store;
    let managers = Managers::read(app).await?;
    let manager = head.manager.map(|id| {
        let name = managers.get(&id).map(|manager| manager.name.clone());
        name.unwrap_or(id)
    });
    let money = |minor| Money::new(minor, app.currency());
    let purchases = store.purchases_of(client).await?;
    let all_of_them = purchases.len() < CARD_LISTS;
    let turnover: i64 = purchases.iter().map(|one| one.amount).sum();
    let deals = store.deals_of(client).await?;
    let messages = store.messages_to(client).await?;
    let contacts = store.contacts_of(client).await?;
    let outcomes = store.outcomes_about(client).await?;
    let upsell = explained
        .upsell
        .iter()
        .map(|step| wording::step_up(locale, step));
    Ok(Card {
        id: client.0,
        ways: Ways::of(head.phone.as_deref(), head.email.as_deref()),
        person: head.name.filter(|name| *name != explained.name),
        label: explained.name,
        manager,
        tags: serde_json::from_str(&head.tags).unwrap_or_default(),
        attributes: serde_json::from_str(&head.attributes).unwrap_or_default(),
        contacts: contacts.into_iter().map(contact_part).collect(),
        crm: app.settings.tasks.crm_link(&head.ext_id),
        ext_id: head.ext_id,
        merged_into: explained.merged_into,
        rhythm: explained.rhythm.map(rhythm_part),
        hints: explained.hints.into_iter().map(|hint| hint.item).collect(),
        upsell: upsell.collect(),
        turnover: (turnover != 0 && all_of_them).then(|| money(turnover)),
        purchases: purchases
            .into_iter()
            .map(|one| purchase_part(app, one))
            .collect(),
        deals: deals.into_iter().map(|one| deal_part(app, one)).collect(),
        messages: messages
            .into_iter()
            .map(|one| message_part(desk, person, one))
            .collect(),
        tasks: explained
            .tasks
            .into_iter()
            .map(|lines| TaskPart {
                title: campaign_title(app, &lines.campaign),
                lines,
            })
            .collect(),
        outcomes: outcomes
            .into_iter()
            .map(|past| OutcomePart::of(app, locale, past))
            .collect(),
        campaigns: explained
            .campaigns
            .into_iter()
            .map(|lines| campaign_part(app, lines))
            .collect(),
    })
}

fn rhythm_part(lines: RhythmLines) -> RhythmPart {
    let [due, missed, asleep, lost] = lines.dates;
    RhythmPart {
        state: lines.state,
        purchases: lines.purchases,
        last_purchase: lines.last_purchase,
        days_silent: lines.days_silent.max(0).unsigned_abs(),
        usual_gap_days: lines.usual_gap_days.round() as u32,
        return_30: lines.return_30,
        xyz: lines.xyz,
        key_account: lines.key_account,
        due,
        missed,
        asleep,
        lost,
    }
}

fn purchase_part(app: &App, purchase: CardPurchase) -> PurchasePart {
    PurchasePart {
        day: purchase.day,
        amount: Money::new(purchase.amount, app.currency()),
        items: purchase.items,
    }
}

fn deal_part(app: &App, deal: CardDeal) -> DealPart {
    DealPart {
        title: deal.title,
        status: deal.status,
        stage: deal.stage,
        amount: deal.amount.map(|minor| Money::new(minor, app.currency())),
        day: deal.closed_on.or(deal.opened_on),
        reason: deal.reason,
    }
}

fn message_part(desk: &Desk, person: &Person, message: CardMessage) -> MessagePart {
    let app = desk.app();
    let reason = message.reason.as_deref();
    MessagePart {
        day: message.day,
        campaign: campaign_title(app, &message.campaign),
        step: message.step,
        channel: message.channel,
        state: message.state,
        reason: reason.and_then(|reason| why_not(desk, person, reason)),
    }
}

/// Why a message has become what it is, in the words of the reader. What a mail server has said is
/// for those who look after the mail: `rekindle messages` shows it.
fn why_not(desk: &Desk, person: &Person, reason: &str) -> Option<String> {
    if let Some(known) = Reason::of_word(reason) {
        return Some(known.phrase(person.locale));
    }
    let key = format!("because.{reason}");
    let told = said(desk, person, &key);
    (told != key).then_some(told)
}

fn campaign_part(app: &App, lines: CampaignLines) -> CampaignPart {
    CampaignPart {
        title: campaign_title(app, &lines.campaign),
        lines,
    }
}

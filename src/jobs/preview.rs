//! A template as one client would read it, or as the sample client does.

use crate::app::App;
use crate::certificates::picture::{self, Easel, Form};
use crate::config::campaign::CertificateOffer;
use crate::db::{StoreError, Wanted};
use crate::model::{Arm, ClientId, Day, Locale, Money};
use crate::render::{
    CertificatePart, Kind, Letter, LetterContext, PageContext, RenderError, TaskListContext,
};
use crate::rules::evidence::Evidence;
use crate::rules::plan::{Action, PlannedTask, Touched};
use crate::rules::standing::{RETURN_HORIZON_DAYS, Standing};

use super::day::{DayOptions, Ground};
use super::inputs;
use super::managers::Managers;

/// A rendered template.
#[derive(Clone, Debug)]
pub enum Rendered {
    /// A letter with subject, text and HTML, and the picture that goes along with it.
    Letter(Letter, Option<Vec<u8>>),
    /// A certificate: the picture as PNG, and the sheet for printing as PDF.
    Certificate(Vec<u8>, Vec<u8>),
    /// A script or a WhatsApp message.
    Text(String),
}

/// Renders `template` for a client, or for the sample; of several kinds with this name the first one,
/// where none is asked for.
pub async fn preview(
    app: &App,
    kind: Option<Kind>,
    template: &str,
    client: Option<ClientId>,
    locale: Option<Locale>,
    options: DayOptions<'_>,
) -> Result<Result<Rendered, String>, StoreError> {
    let locale = locale.unwrap_or(app.locale());
    let mut context = LetterContext::sample(locale);
    context.company = inputs::company_part(app);
    if let Some(offer) = offer_of(app, template) {
        let code = context.certificate.map(|sample| sample.code);
        let valid_until = context.today.plus(offer.valid.count());
        let code = code.unwrap_or_default();
        context.certificate = Some(picture::of_offer(app, offer, &code, valid_until));
    }
    if let Some(client) = client {
        match of_client(app, client, options, &context).await? {
            Some(own) => context = own,
            None => return Ok(Err(format!("the client was not known on {}", options.day))),
        }
    }
    let kinds: Vec<Kind> = app
        .templates
        .templates()
        .into_iter()
        .filter(|info| info.name == template)
        .map(|info| info.kind)
        .collect();
    let kind = kind.or(kinds.first().copied()).unwrap_or(Kind::Letter);
    Ok(render(app, kind, template, locale, context))
}

/// What the first campaign that sends a template gives with it; nothing where none gives anything.
fn offer_of<'a>(app: &'a App, template: &str) -> Option<&'a CertificateOffer> {
    let steps = app.campaigns.iter().flat_map(|campaign| &campaign.steps);
    let mut of_template = steps.filter(|step| step.template.as_deref() == Some(template));
    of_template.find_map(|step| step.certificate.as_ref())
}

fn render(
    app: &App,
    kind: Kind,
    template: &str,
    locale: Locale,
    mut context: LetterContext,
) -> Result<Rendered, String> {
    let (templates, easel) = (&app.templates, Easel::of(app));
    let rendered = match kind {
        Kind::Letter => {
            let part = context.certificate.take();
            let part = part.map(|part| app_part(app, part));
            let png = part
                .as_ref()
                .and_then(|part| easel.draw(&context.company, part, locale, Form::Png).ok());
            context.certificate = part;
            let letter = templates.render_letter(template, locale, &context);
            letter.map(|letter| {
                let shown = letter.html.contains(&format!("cid:{}", picture::ENCLOSED));
                Rendered::Letter(letter, png.filter(|_| shown))
            })
        }
        Kind::Certificate => {
            let part = context.certificate.ok_or("the sample has no certificate")?;
            let part = CertificatePart {
                template: Some(template.to_owned()),
                ..app_part(app, part)
            };
            let wrong = |error: picture::NoPicture| error.to_string();
            let drawn = |form| easel.draw(&context.company, &part, locale, form);
            let png = drawn(Form::Png).map_err(wrong)?;
            let pdf = drawn(Form::Pdf).map_err(wrong)?;
            return Ok(Rendered::Certificate(png, pdf));
        }
        Kind::Manager => {
            let sample = TaskListContext::sample(locale);
            templates
                .render_task_list(template, locale, &sample)
                .map(|letter| Rendered::Letter(letter, None))
        }
        Kind::Script => {
            let script = templates.render_script(template, locale, &context);
            script.map(|script| Rendered::Text(script.text))
        }
        Kind::Page => {
            let sample = PageContext::sample(locale);
            templates
                .render_page(template, locale, &sample)
                .map(Rendered::Text)
        }
        Kind::WhatsApp => {
            let nudge = templates.render_whatsapp(template, locale, &context);
            nudge.map(|nudge| Rendered::Text(nudge.preview))
        }
    };
    rendered.map_err(|error: RenderError| error.to_string())
}

/// The certificate of the sample as if this company had given it, in its own money.
fn app_part(app: &App, part: CertificatePart) -> CertificatePart {
    let page = picture::page_of(app, &part.code);
    CertificatePart {
        min_receipt: part.min_receipt.map(|least| Money {
            currency: app.currency(),
            ..least
        }),
        picture: Some(format!("cid:{}", picture::ENCLOSED)),
        picture_url: format!("{page}.png"),
        url: Some(page),
        ..part
    }
}

/// The context of a client as of a day; what only an episode could give is taken from the sample.
async fn of_client(
    app: &App,
    client: ClientId,
    options: DayOptions<'_>,
    sample: &LetterContext,
) -> Result<Option<LetterContext>, StoreError> {
    let ground = Ground::read(app, options).await?;
    let facts = ground.facts(&[client], Wanted::ALL).await?;
    let Some(facts) = facts.first() else {
        return Ok(None);
    };
    let standing = Standing::of_facts(facts, ground.base(), options.day);
    let details = app
        .store
        .details(&[client], options.day)
        .await?
        .remove(&client);
    let managers = Managers::read(app).await?;
    let manager = facts
        .client
        .manager
        .as_deref()
        .and_then(|id| managers.get(id));
    let touch = silence(standing.as_ref(), options.day);
    let details = details.unwrap_or_default();
    let frozen = inputs::freeze(&ground, facts, &details, manager, &touch.evidence);
    let mut context = inputs::context(app, None, frozen, "preview");
    context.deal = context.deal.or_else(|| sample.deal.clone());
    context.certificate.clone_from(&sample.certificate);
    context.news.clone_from(&sample.news);
    context.rhythm = context.rhythm.or_else(|| sample.rhythm.clone());
    Ok(Some(context))
}

/// A touch that stands for whatever campaign would use the template.
fn silence(standing: Option<&Standing>, day: Day) -> Touched {
    let evidence = standing.map_or(Evidence::Date { day }, |standing| Evidence::Silence {
        state: standing.state,
        usual_gap_days: standing.law.usual_gap_days(),
        days_silent: standing.days_silent,
        overdue_p: standing.overdue_p(),
        return_30: standing.returns_within(RETURN_HORIZON_DAYS),
    });
    let task = PlannedTask {
        manager: String::new(),
        kind: crate::model::TaskKind::Call,
        script: String::new(),
        urgent: false,
        from: None,
    };
    Touched {
        campaign: "preview".to_owned(),
        episode: "preview".to_owned(),
        step: "preview".to_owned(),
        arm: Arm::Treated,
        evidence,
        value: 0,
        action: Action::Task(task),
    }
}

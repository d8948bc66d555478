//! The picture of a certificate, from its template to the bytes.

use crate::app::App;
use crate::config::campaign::CertificateOffer;
use crate::db::CertificateRow;
use crate::model::{Day, Locale, Money};
use crate::pictures::{CertificateArtist, PictureError};
use crate::render::{CertificateContext, CertificatePart, CompanyPart, RenderError, Templates};

/// The template of a picture that names none.
pub const USUAL: &str = "certificate";

/// The id by which a letter shows the picture that goes along with it.
pub const ENCLOSED: &str = "certificate";

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum NoPicture {
    /// The template does not render.
    #[error(transparent)]
    Template(#[from] RenderError),
    /// What it renders cannot be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// The page of a certificate.
pub fn page_of(app: &App, code: &str) -> String {
    let page = app.settings.delivery.public_url.trim_end_matches('/');
    format!("{page}/c/{code}")
}

/// A certificate as letters and pictures show it, from what a step offers.
pub fn of_offer(
    app: &App,
    offer: &CertificateOffer,
    code: &str,
    valid_until: Day,
) -> CertificatePart {
    let page = page_of(app, code);
    CertificatePart {
        kind: offer.kind,
        code: code.to_owned(),
        valid_until,
        discount: offer.discount.map(|discount| discount.to_string()),
        gift: offer.gift.clone(),
        min_receipt: offer.min_receipt,
        products: offer.products.clone(),
        uses: offer.uses.into(),
        picture: None,
        picture_url: format!("{page}.png"),
        template: Some(offer.picture.clone()),
        url: Some(page),
    }
}

/// A certificate as pages and pictures show it, from what was issued.
pub fn of_row(app: &App, row: &CertificateRow) -> CertificatePart {
    let page = page_of(app, &row.code);
    CertificatePart {
        kind: row.kind,
        code: row.code.clone(),
        valid_until: row.valid_until,
        discount: row.discount.clone(),
        gift: row.gift.clone(),
        min_receipt: row
            .min_receipt
            .map(|minor| Money::new(minor, app.currency())),
        products: row.products.clone(),
        uses: row.uses,
        picture: Some(format!("{page}.png")),
        picture_url: format!("{page}.png"),
        template: Some(row.picture.clone()),
        url: Some(page),
    }
}

/// Which of its two forms a certificate is drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The picture for letters, screens and WhatsApp.
    Png,
    /// The sheet for printing: the template whose name ends in `-print`, or the picture itself.
    Pdf,
}

/// What certificates are drawn with: templates, and the fonts and pictures of the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Easel<'a> {
    /// The templates of the pictures.
    pub templates: &'a Templates,
    /// Who draws them.
    pub artist: &'a CertificateArtist,
}

impl<'a> Easel<'a> {
    /// What certificates are drawn with now.
    pub const fn of(app: &'a App) -> Self {
        Self {
            templates: &app.templates,
            artist: &app.artist,
        }
    }

    /// Draws a certificate in the colours of the company.
    ///
    /// # Errors
    ///
    /// The template of the company does not render, or what it renders is no picture.
    pub fn draw(
        self,
        company: &CompanyPart,
        part: &CertificatePart,
        locale: Locale,
        form: Form,
    ) -> Result<Vec<u8>, NoPicture> {
        let page = part.url.as_ref().unwrap_or(&part.code);
        let context = CertificateContext::new(company.clone(), part.clone(), page)?;
        let name = self.template(part, form);
        let svg = self.templates.render_certificate(&name, locale, &context)?;
        let drawn = match form {
            Form::Png => self.artist.png(&svg),
            Form::Pdf => self.artist.pdf(&svg),
        };
        Ok(drawn?)
    }

    /// The template of a form. A certificate whose picture was taken away since is drawn by the ready
    /// one.
    fn template(self, part: &CertificatePart, form: Form) -> String {
        let named = part.template.as_deref().unwrap_or(USUAL);
        let name = if self.templates.has_certificate(named) {
            named
        } else {
            USUAL
        };
        let sheet = format!("{name}-print");
        if form == Form::Pdf && self.templates.has_certificate(&sheet) {
            sheet
        } else {
            name.to_owned()
        }
    }
}

//! The picture and the sheet: what stands on them, and that an independent reader reads the code.

use std::ops::Range;
use std::path::Path;
use std::process::Command;

use rekindle::model::Locale;
use rekindle::pictures::CertificateArtist;
use rekindle::render::{CertificateContext, LetterContext, Templates};
use resvg::tiny_skia::Pixmap;

/// The certificate of the sample, with its page.
fn context(locale: Locale) -> (CertificateContext, String) {
    let letter = LetterContext::sample(locale);
    let part = letter.certificate.unwrap();
    let page = part.url.clone().unwrap();
    let context = CertificateContext::new(letter.company, part, &page).unwrap();
    (context, page)
}

fn svg(name: &str, locale: Locale, context: &CertificateContext) -> String {
    let (templates, problems) = Templates::load(None);
    assert_eq!(problems, []);
    templates.render_certificate(name, locale, context).unwrap()
}

/// What an independent reader finds in a picture.
fn qr_of(png: &[u8]) -> Vec<String> {
    let picture = Pixmap::decode_png(png).unwrap();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut grey = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        let pixel = picture.pixel(x as u32, y as u32).unwrap();
        let sum = u32::from(pixel.red()) + u32::from(pixel.green()) + u32::from(pixel.blue());
        (sum / 3) as u8
    });
    let grids = grey.detect_grids();
    grids.iter().map(|grid| grid.decode().unwrap().1).collect()
}

#[test]
fn the_qr_code_of_the_picture_leads_to_the_page() {
    let artist = CertificateArtist::new(None);
    for locale in Locale::ALL {
        let (context, page) = context(locale);
        let png = artist.png(&svg("certificate", locale, &context)).unwrap();
        assert_eq!(qr_of(&png), [page]);
        assert!(png.len() < 250_000, "{} bytes for a letter", png.len());
    }
}

#[test]
fn the_qr_code_is_read_on_every_accent_and_from_a_small_screen() {
    let artist = CertificateArtist::new(None);
    for accent in ["#0b6e4f", "#ffd400", "#ffffff", "#000000", "#d0021b"] {
        let (mut context, page) = context(Locale::En);
        context.company.accent = accent.parse().unwrap();
        let large = svg("certificate", Locale::En, &context);
        // As a phone shows it: 390 points wide, two pixels each.
        let phone = large.replacen(
            "width=\"1200\" height=\"630\"",
            "width=\"780\" height=\"410\"",
            1,
        );
        assert_eq!(qr_of(&artist.png(&phone).unwrap()), [page], "{accent}");
    }
}

#[test]
fn the_qr_code_of_the_printed_sheet_is_read_after_another_program_has_drawn_it() {
    let (context, page) = context(Locale::Ru);
    let artist = CertificateArtist::new(None);
    let pdf = artist
        .pdf(&svg("certificate-print", Locale::Ru, &context))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sheet.pdf"), &pdf).unwrap();
    let drawn = Command::new("pdftoppm")
        .args(["-r", "150", "-png", "-singlefile", "sheet.pdf", "sheet"])
        .current_dir(folder.path())
        .output();
    match drawn {
        Ok(done) if done.status.success() => {}
        Ok(done) => panic!("pdftoppm: {}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => return not_shown(&error),
    }
    let png = std::fs::read(folder.path().join("sheet.png")).unwrap();
    let sheet = Pixmap::decode_png(&png).unwrap();
    // A5 across at 150 dots an inch.
    assert!((1238..=1242).contains(&sheet.width()), "{}", sheet.width());
    assert!((872..=876).contains(&sheet.height()), "{}", sheet.height());
    assert_eq!(qr_of(&png), [page]);
    assert_eq!(
        text_of(folder.path()),
        Some(true),
        "letters stay letters in the PDF"
    );
}

/// Whether another program finds the code of the certificate as text.
fn text_of(folder: &Path) -> Option<bool> {
    let text = Command::new("pdftotext")
        .args(["sheet.pdf", "-"])
        .current_dir(folder)
        .output();
    let text = String::from_utf8_lossy(&text.ok()?.stdout).into_owned();
    // The heading is set wide, so its letters come out with spaces between them.
    let letters: String = text.split_whitespace().collect();
    Some(text.contains("MC-7K4M-Q2XD-90TR-K") && letters.contains("СЕРТИФИКАТ"))
}

/// On a machine without poppler the sheet cannot be looked at; there it is said, in CI it fails.
fn not_shown(error: &std::io::Error) {
    let ci = std::process::Command::new("sh")
        .args(["-c", "test \"$CI\" = true"])
        .status();
    assert!(
        !ci.is_ok_and(|status| status.success()),
        "pdftoppm is missing in CI: {error}; .ci/run installs poppler-utils"
    );
    eprintln!(
        "NOT SHOWN: pdftoppm is missing ({error}); install poppler-utils to read the PDF back"
    );
}

#[test]
fn values_are_escaped_and_a_gift_alone_is_a_picture_too() {
    let (mut context, page) = context(Locale::Ru);
    context.company.name = "Рога <&> \"Копыта\"".to_owned();
    let mut part = context.certificate.clone();
    part.discount = None;
    part.gift =
        Some("</text><script>набор & ещё \"что-то\" очень длинное, что не влезет".to_owned());
    part.products = Vec::new();
    part.min_receipt = None;
    let context = CertificateContext::new(context.company, part, &page).unwrap();
    let artist = CertificateArtist::new(None);
    for name in ["certificate", "certificate-print"] {
        let svg = svg(name, Locale::Ru, &context);
        assert!(!svg.contains("<script"), "{svg}");
        assert_eq!(
            qr_of(&artist.png(&svg).unwrap()),
            std::slice::from_ref(&page)
        );
    }
}

/// The first and the last column in which something dark stands, within a part of a picture.
fn ink(png: &[u8], columns: Range<u32>, rows: Range<u32>) -> (u32, u32) {
    let picture = Pixmap::decode_png(png).unwrap();
    let dark = |x: u32| {
        rows.clone().any(|y| {
            let pixel = picture.pixel(x, y).unwrap();
            u32::from(pixel.red()) + u32::from(pixel.green()) + u32::from(pixel.blue()) < 330
        })
    };
    let mut columns = columns.filter(|x| dark(*x));
    let first = columns.next().unwrap();
    (first, columns.next_back().unwrap_or(first))
}

#[test]
fn nothing_runs_out_of_its_place_however_long_it_is() {
    let artist = CertificateArtist::new(None);
    for locale in Locale::ALL {
        let (mut context, _) = context(locale);
        context.company.name =
            "ООО «Сибирская торгово-производственная компания кофейного оборудования»".to_owned();
        let mut part = context.certificate.clone();
        part.code = "WWMMWW-7K4M-Q2XD-90TR-K".to_owned();
        part.discount = Some("12500.50 RUB".to_owned());
        part.min_receipt = Some("1250000 RUB".parse().unwrap());
        part.uses = 12;
        part.products = vec![
            "кофе в зёрнах «Эспрессо» тёмной обжарки".to_owned();
            9
        ];
        let page = format!("https://certificates.example.org/c/{}", part.code);
        let context = CertificateContext::new(context.company, part, &page).unwrap();
        // Left of the dark panel, which begins at 812: the name, the discount, what it asks for.
        let picture = svg("certificate", locale, &context).replace("#0b6e69", "#ffffff");
        let png = artist.png(&picture).unwrap();
        for rows in [70..112, 180..310, 515..570] {
            let (from, to) = ink(&png, 0..812, rows.clone());
            assert!(from >= 76 && to <= 790, "{locale} {rows:?}: {from}..{to}");
        }
        let sheet = svg("certificate-print", locale, &context);
        // In millimetres as it is printed, so in pixels of its own units.
        let sheet = sheet.replacen(
            "width=\"210mm\" height=\"148mm\"",
            "width=\"1050\" height=\"740\"",
            1,
        );
        let png = artist.png(&sheet).unwrap();
        let (from, to) = ink(&png, 600..1050, 408..430);
        // The code, between the dotted line at 644 and the frame at 1010, with room on both sides.
        assert!(
            from >= 670 && to <= 985,
            "{locale}: the code is at {from}..{to}"
        );
        assert_eq!(qr_of(&png), [page.as_str()]);
    }
}

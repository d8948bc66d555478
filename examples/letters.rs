//! Writes every letter and page with its example into a folder, to be looked at.
//!
//! `cargo run --example letters -- FOLDER`: for each letter in each language `NAME.LANG.html`,
//! `NAME.LANG.txt` (subject, preheader, text), for each page `page-NAME.LANG.html`, for each WhatsApp
//! text `whatsapp-NAME.LANG.txt`, for each certificate `NAME.LANG.png` and `.pdf`, also over an amount, with a
//! gift alone, and with everything as long as can be. The pictures that the examples name are drawn here, so that nothing
//! is fetched. `tests/letters_pictures.sh` makes pictures of them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rekindle::model::{CertificateKind, Locale};
use rekindle::pictures::CertificateArtist;
use rekindle::render::{
    CertificateContext, Kind, Letter, LetterContext, PageContext, TaskListContext, Templates,
};

fn main() -> anyhow::Result<()> {
    let folder: PathBuf = match env::args_os().nth(1) {
        Some(folder) => folder.into(),
        None => bail!("name the folder to write to"),
    };
    fs::create_dir_all(&folder).context("make the folder")?;
    let (templates, problems) = Templates::load(None);
    if let Some(problem) = problems.first() {
        bail!("{problem}");
    }
    let artist = CertificateArtist::new(None);
    let mut written = 0;
    for info in templates.templates() {
        for locale in info.locales {
            let name = format!("{}.{locale}", info.name);
            match info.kind {
                Kind::Letter => {
                    let mut context = LetterContext::sample(locale);
                    if let Some(part) = &mut context.certificate
                        && info.name != "friend-certificate"
                    {
                        part.kind = CertificateKind::Own;
                    }
                    let letter = templates.render_letter(&info.name, locale, &context)?;
                    letter_files(&folder, &name, &letter, locale)?;
                }
                Kind::Manager => {
                    let context = TaskListContext::sample(locale);
                    let letter = templates.render_task_list(&info.name, locale, &context)?;
                    letter_files(&folder, &format!("manager-{name}"), &letter, locale)?;
                }
                Kind::Page => page_files(&templates, &folder, &info.name, locale)?,
                Kind::WhatsApp => {
                    let context = LetterContext::sample(locale);
                    let nudge = templates.render_whatsapp(&info.name, locale, &context)?;
                    fs::write(folder.join(format!("whatsapp-{name}.txt")), nudge.preview)?;
                }
                Kind::Certificate => {
                    for (end, context) in certificates(locale)? {
                        let svg = templates.render_certificate(&info.name, locale, &context)?;
                        let name = format!("{}{end}.{locale}", info.name);
                        fs::write(folder.join(format!("{name}.png")), artist.png(&svg)?)?;
                        fs::write(folder.join(format!("{name}.pdf")), artist.pdf(&svg)?)?;
                    }
                }
                Kind::Script => continue,
            }
            written += 1;
        }
    }
    println!(
        "{written} letters, pages and WhatsApp texts in {}",
        folder.display()
    );
    Ok(())
}

/// The certificate of the sample, one over an amount, a gift alone, and one on which all is long.
fn certificates(locale: Locale) -> anyhow::Result<Vec<(&'static str, CertificateContext)>> {
    let sample = CertificateContext::sample(locale);
    let made = |change: &dyn Fn(&mut CertificateContext)| {
        let mut changed = sample.clone();
        change(&mut changed);
        let page = changed.certificate.url.clone().unwrap_or_default();
        CertificateContext::new(changed.company, changed.certificate, &page)
    };
    let own = made(&|one| one.certificate.kind = CertificateKind::Own)?;
    let amount = made(&|one| {
        one.certificate.kind = CertificateKind::Own;
        one.certificate.discount = Some("1500 RUB".to_owned());
        one.certificate.gift = None;
        one.certificate.products.clear();
        one.certificate.uses = 3;
    })?;
    let gift = made(&|one| {
        one.certificate.discount = None;
        one.certificate.min_receipt = None;
        one.certificate.products.clear();
    })?;
    let long = made(&|one| {
        let words = [
            "Сибирская торгово-производственная компания",
            "International Coffee Trading and Roasting Company",
        ];
        one.company.name = words[usize::from(locale == Locale::En)].repeat(2);
        "WWMMWW-7K4M-Q2XD-90TR-K".clone_into(&mut one.certificate.code);
        one.certificate.discount = Some("125000.50 RUB".to_owned());
        let gift = one.certificate.gift.clone().unwrap_or_default();
        one.certificate.gift = Some(format!("{gift}, {gift}, {gift}"));
        let products = one.certificate.products.clone();
        one.certificate.products = products.iter().cycle().take(12).cloned().collect();
        one.certificate.uses = 12;
    })?;
    Ok(vec![
        ("", sample),
        ("-own", own),
        ("-amount", amount),
        ("-gift", gift),
        ("-long", long),
    ])
}

fn letter_files(folder: &Path, name: &str, letter: &Letter, locale: Locale) -> anyhow::Result<()> {
    let text = format!(
        "Subject: {}\nPreheader: {}\n\n{}",
        letter.subject, letter.preheader, letter.text
    );
    fs::write(folder.join(format!("{name}.txt")), text)?;
    let for_friend = name.starts_with("friend-certificate");
    let end = if for_friend { "" } else { "-own" };
    fs::write(
        folder.join(format!("{name}.html")),
        with_pictures(&letter.html)
            .replace("cid:certificate", &format!("certificate{end}.{locale}.png")),
    )?;
    Ok(())
}

fn page_files(
    templates: &Templates,
    folder: &Path,
    name: &str,
    locale: Locale,
) -> anyhow::Result<()> {
    let full = PageContext::sample(locale);
    let fresh = PageContext {
        changed: false,
        registered: false,
        full: false,
        over: false,
        ..full.clone()
    };
    let done = PageContext {
        over: false,
        ..full
    };
    for (end, context) in [("", fresh), ("-done", done)] {
        let page = templates.render_page(name, locale, &context)?;
        let page = page.replace("cid:certificate", &format!("certificate.{locale}.png"));
        fs::write(folder.join(format!("page-{name}{end}.{locale}.html")), page)?;
    }
    Ok(())
}

/// The letter with drawings in place of the pictures of the examples.
fn with_pictures(html: &str) -> String {
    let mut out = html.to_owned();
    for (address, svg) in [
        ("https://example.org/logo.png", logo("#1c1d1e")),
        ("https://example.org/logo-dark.png", logo("#ece9e4")),
        ("https://example.org/igor.png", portrait()),
        ("https://example.org/tom.png", portrait()),
        ("https://example.org/machine.jpg", machine()),
    ] {
        out = out.replace(
            &format!("src=\"{address}\""),
            &format!("src=\"{}\"", data(&svg)),
        );
    }
    out
}

/// A drawing as an address of its own.
fn data(svg: &str) -> String {
    let mut address = "data:image/svg+xml,".to_owned();
    for byte in svg.bytes() {
        if byte.is_ascii_alphanumeric() {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02x}");
        }
    }
    address
}

fn logo(ink: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='132' height='36' viewBox='0 0 132 36'>\
         <circle cx='18' cy='18' r='16' fill='#0b6e69'/><path d='M18 8v10l7 5' stroke='#fff' \
         stroke-width='3' fill='none' stroke-linecap='round'/><rect x='44' y='10' width='84' \
         height='7' rx='3' fill='{ink}'/><rect x='44' y='22' width='56' height='5' rx='2' \
         fill='{ink}' opacity='.55'/></svg>"
    )
}

fn portrait() -> String {
    "<svg xmlns='http://www.w3.org/2000/svg' width='52' height='52' viewBox='0 0 52 52'>\
     <rect width='52' height='52' fill='#cfd8d3'/><circle cx='26' cy='21' r='9' fill='#6d7f78'/>\
     <path d='M8 52c2-14 10-19 18-19s16 5 18 19z' fill='#6d7f78'/></svg>"
        .to_owned()
}

fn machine() -> String {
    "<svg xmlns='http://www.w3.org/2000/svg' width='1024' height='520' viewBox='0 0 1024 520'>\
     <rect width='1024' height='520' fill='#dfe7e2'/><rect y='400' width='1024' height='120' \
     fill='#b98d63'/><rect x='330' y='130' width='360' height='270' rx='20' fill='#3a4a45'/>\
     <rect x='370' y='180' width='280' height='60' rx='8' fill='#0b6e69'/><rect x='480' y='250' \
     width='60' height='50' fill='#1e2725'/><path d='M470 330h80v50a20 20 0 0 1-20 20h-40a20 20 0 \
     0 1-20-20z' fill='#fff'/><path d='M500 312c-8-14 8-20 0-34M522 312c-8-14 8-20 0-34' \
     stroke='#fff' stroke-width='5' fill='none' opacity='.7'/></svg>"
        .to_owned()
}

//! Where templates lie and what each file is.
//!
//! The ready templates are built into the program; a file of the company's own folder with the
//! same path takes the place of the ready one, every other ready file stays. Nothing is parsed
//! here.
//!
//! ```text
//! letters/ru/missed-cycle.txt.hbs     Subject:, Preheader:, an empty line, then the plain text
//! letters/ru/missed-cycle.html.hbs    the same letter as HTML, without head and footer
//! managers/ru/task-list.{txt,html}.hbs  letters to managers
//! scripts/ru/sleeping-client.txt.hbs  what to say on the phone
//! whatsapp/ru/missed-cycle-short.toml the approved template and its parameters
//! pages/ru/preferences.html.hbs       a page for clients, as a whole
//! certificates/ru/certificate.svg.hbs the picture of a certificate
//! layout/letter.{txt,html}.hbs        head and footer around every letter
//! layout/letter.css                   how the letters with this layout look
//! partials/button.html.hbs            pieces for all languages; partials/ru/… for one
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rust_embed::RustEmbed;

use super::problem::{TemplateProblem, most_similar};
use crate::model::Locale;

/// Longest template and longest result, in bytes. Mail programs clip letters far below it.
pub(super) const SIZE_LIMIT: usize = 256 * 1024;

/// Gmail shows no more of a letter, in bytes: the way out would be cut off. Source: Gmail help,
/// "message clipped".
pub(super) const CLIPPED_AT: usize = 102 * 1024;

/// Folders inside folders: `partials/ru/` is the deepest that has a meaning.
const FOLDER_DEPTH: usize = 3;

/// Files in a folder; more is a mistake such as a path to the whole disk.
const FILE_LIMIT: usize = 2_000;

/// The pages of the company's own people: a part of the program ([`super::staff`]), not templates
/// that a company has over its own.
const STAFF: &str = "staff/";

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Ready;

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A letter to a client.
    Letter,
    /// A letter to a manager.
    Manager,
    /// What a manager says on the phone.
    Script,
    /// A WhatsApp template with its parameters.
    WhatsApp,
    /// A page that clients see.
    Page,
    /// The picture of a certificate, as SVG.
    Certificate,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Letter,
        Self::Manager,
        Self::Script,
        Self::WhatsApp,
        Self::Page,
        Self::Certificate,
    ];

    /// The folder that templates of this kind lie in.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Letter => "letters",
            Self::Manager => "managers",
            Self::Script => "scripts",
            Self::WhatsApp => "whatsapp",
            Self::Page => "pages",
            Self::Certificate => "certificates",
        }
    }

    /// What one of them is called in a message.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::Manager => "letter to managers",
            Self::Script => "script",
            Self::WhatsApp => "WhatsApp template",
            Self::Page => "page",
            Self::Certificate => "picture of a certificate",
        }
    }
}

/// In which of its two forms a piece of a letter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Format {
    Text,
    Html,
}

/// What one file is, as its path says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Layout {
        name: String,
        format: Format,
    },
    /// How the letters with a layout look.
    Sheet {
        name: String,
    },
    /// A partial; without a locale it serves every language.
    Partial {
        locale: Option<Locale>,
        name: String,
        format: Format,
    },
    Page {
        kind: Kind,
        locale: Locale,
        name: String,
        format: Format,
    },
}

impl Slot {
    /// The path of the file that fills the slot, as [`slot_of`] reads it.
    pub(super) fn path(&self) -> String {
        let end = |format: &Format| match format {
            Format::Text => "txt.hbs",
            Format::Html => "html.hbs",
        };
        match self {
            Self::Layout { name, format } => format!("layout/{name}.{}", end(format)),
            Self::Sheet { name } => format!("layout/{name}.css"),
            Self::Partial {
                locale: None,
                name,
                format,
            } => format!("partials/{name}.{}", end(format)),
            Self::Partial {
                locale: Some(locale),
                name,
                format,
            } => format!("partials/{}/{name}.{}", locale.code(), end(format)),
            Self::Page {
                kind,
                locale,
                name,
                format,
            } => {
                let end = match kind {
                    Kind::WhatsApp => "toml",
                    Kind::Certificate => "svg.hbs",
                    _ => end(format),
                };
                format!("{}/{}/{name}.{end}", kind.folder(), locale.code())
            }
        }
    }
}

/// The text of one template file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The file, as the person who edits it would name it.
    pub(super) file: String,
    /// Whether it is built in and not the company's.
    pub(super) ready: bool,
    pub(super) text: String,
}

/// The sources that were kept of one template: texts by their paths. What has no meaning as a path
/// any more is left out.
pub(super) fn kept(texts: &BTreeMap<String, String>) -> BTreeMap<Slot, Source> {
    let slots = texts.iter().filter_map(|(path, text)| {
        let source = Source {
            file: path.clone(),
            ready: false,
            text: text.clone(),
        };
        Some((slot_of(path).ok()?, source))
    });
    slots.collect()
}

/// Reads the ready templates and the company's own over them.
pub(super) fn read_all(folder: Option<&Path>) -> (BTreeMap<Slot, Source>, Vec<TemplateProblem>) {
    let mut sources = BTreeMap::new();
    let mut problems = Vec::new();
    for path in Ready::iter().filter(|path| !path.starts_with(STAFF)) {
        let Some(file) = Ready::get(&path) else {
            continue;
        };
        let shown = format!("templates/{path} (built in)");
        take(&path, &shown, &file.data, true, &mut sources)
            .unwrap_or_else(|problem| problems.push(*problem));
    }
    if let Some(folder) = folder {
        let mut files = Vec::new();
        find_files(folder, "", &mut files, &mut problems);
        for path in files {
            let shown = folder.join(&path).display().to_string();
            let taken = read_file(folder, &path, &shown)
                .and_then(|bytes| take(&path, &shown, &bytes, false, &mut sources));
            taken.unwrap_or_else(|problem| problems.push(*problem));
        }
    }
    (sources, problems)
}

fn read_file(folder: &Path, path: &str, shown: &str) -> Result<Vec<u8>, Box<TemplateProblem>> {
    let full = folder.join(path);
    let unreadable = |error: std::io::Error| {
        Box::new(TemplateProblem::of_file(
            shown,
            format!("the file cannot be read: {error}"),
        ))
    };
    let size = fs::metadata(&full).map_err(unreadable)?.len();
    if size > SIZE_LIMIT as u64 {
        let what = format!("the file has {size} bytes, a template may have {SIZE_LIMIT}");
        return Err(Box::new(TemplateProblem::of_file(shown, what)));
    }
    fs::read(&full).map_err(unreadable)
}

/// Puts a file into its slot, over the ready one.
fn take(
    path: &str,
    shown: &str,
    bytes: &[u8],
    ready: bool,
    sources: &mut BTreeMap<Slot, Source>,
) -> Result<(), Box<TemplateProblem>> {
    if is_ignored(path) {
        return Ok(());
    }
    let slot = slot_of(path)
        .map_err(|(what, hint)| Box::new(TemplateProblem::of_file(shown, what).mend(hint)))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|b| *b == b'\n').count();
        let mut problem = TemplateProblem::of_file(shown, "this line is not UTF-8 text");
        problem.line = Some(line);
        Box::new(problem.mend("save the file in the encoding UTF-8"))
    })?;
    sources.insert(
        slot,
        Source {
            file: shown.to_owned(),
            ready,
            text: text.replace("\r\n", "\n"),
        },
    );
    Ok(())
}

/// Lists the files below `folder` in a fixed order, with `/` between the parts of each path.
fn find_files(
    folder: &Path,
    below: &str,
    files: &mut Vec<String>,
    problems: &mut Vec<TemplateProblem>,
) {
    let here = folder.join(below);
    let listed = fs::read_dir(&here).and_then(|entries| {
        entries
            .map(|entry| entry.map(|e| (e.file_name().to_string_lossy().into_owned(), e.path())))
            .collect::<Result<Vec<_>, _>>()
    });
    let mut entries = match listed {
        Ok(entries) => entries,
        Err(error) => {
            let shown = here.display().to_string();
            let what = format!("the folder of templates cannot be read: {error}");
            problems.push(TemplateProblem::of_file(&shown, what));
            return;
        }
    };
    entries.sort();
    for (name, path) in entries {
        let inner = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if files.len() >= FILE_LIMIT || is_ignored(&inner) {
            continue;
        }
        if !path.is_dir() {
            files.push(inner);
        } else if inner.split('/').count() < FOLDER_DEPTH {
            find_files(folder, &inner, files, problems);
        } else {
            let shown = path.display().to_string();
            problems.push(TemplateProblem::of_file(&shown, "templates lie less deep"));
        }
    }
}

/// Hidden files, notes and what editors leave behind; fonts, and pictures beside certificates.
fn is_ignored(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |end: &str| name.to_ascii_lowercase().ends_with(end);
    let is_of_pictures = ["certificates/", "fonts/"]
        .into_iter()
        .any(|folder| path.starts_with(folder) && !ends(".hbs"));
    name.starts_with(['.', '#'])
        || path == "fonts"
        || is_of_pictures && path.contains('.')
        || ["~", ".md", ".bak", ".swp"].into_iter().any(ends)
}

/// What a file is by its path; otherwise what is wrong with the path and how to mend it.
fn slot_of(path: &str) -> Result<Slot, (String, String)> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["layout", file] if file.strip_suffix(".css").is_some() => Ok(Slot::Sheet {
            name: named(file, ".css")?,
        }),
        ["layout", file] => {
            let (name, format) = page_file(file)?;
            Ok(Slot::Layout { name, format })
        }
        ["partials", file] => {
            let (name, format) = page_file(file)?;
            let locale = None;
            Ok(Slot::Partial {
                locale,
                name,
                format,
            })
        }
        ["partials", language, file] => {
            let locale = Some(language_folder(language)?);
            let (name, format) = page_file(file)?;
            Ok(Slot::Partial {
                locale,
                name,
                format,
            })
        }
        [folder, language, file] => page(folder, language, file),
        [folder, ..] => Err(strange_folder(folder)),
        [] => Err(strange_folder("")),
    }
}

fn page(folder: &str, language: &str, file: &str) -> Result<Slot, (String, String)> {
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.folder() == folder)
        .ok_or_else(|| strange_folder(folder))?;
    let locale = language_folder(language)?;
    let (name, format) = match kind {
        Kind::WhatsApp => (named(file, ".toml")?, Format::Text),
        Kind::Certificate => (named(file, ".svg.hbs")?, Format::Html),
        _ => page_file(file)?,
    };
    if kind == Kind::Script && format == Format::Html {
        let what = "scripts are plain text".to_owned();
        return Err((what, format!("name the file {name}.txt.hbs")));
    }
    if kind == Kind::Page && format == Format::Text {
        let what = "pages are HTML".to_owned();
        return Err((what, format!("name the file {name}.html.hbs")));
    }
    Ok(Slot::Page {
        kind,
        locale,
        name,
        format,
    })
}

fn strange_folder(folder: &str) -> (String, String) {
    let folders = [
        "letters",
        "managers",
        "scripts",
        "whatsapp",
        "pages",
        "certificates",
        "layout",
        "partials",
    ];
    let hint = match most_similar(folder, folders.into_iter()) {
        Some(near) => format!("did you mean {near}/ru/… or {near}/en/…?"),
        None => {
            "templates lie in letters/ru/, managers/ru/, scripts/ru/, whatsapp/ru/, pages/ru/, \
                 certificates/ru/ (or en/), layout/ and partials/"
                .to_owned()
        }
    };
    ("no template is looked for here".to_owned(), hint)
}

fn language_folder(language: &str) -> Result<Locale, (String, String)> {
    Locale::ALL
        .into_iter()
        .find(|locale| locale.code() == language)
        .ok_or_else(|| {
            let what = format!("\"{language}\" is no folder of a language");
            (what, "the folders are ru and en".to_owned())
        })
}

fn page_file(file: &str) -> Result<(String, Format), (String, String)> {
    if file.ends_with(".html.hbs") {
        return Ok((named(file, ".html.hbs")?, Format::Html));
    }
    Ok((named(file, ".txt.hbs")?, Format::Text))
}

fn named(file: &str, end: &str) -> Result<String, (String, String)> {
    let name = file.strip_suffix(end).ok_or_else(|| {
        let what = "no template has a name like this".to_owned();
        let ends = match end {
            ".toml" | ".css" | ".svg.hbs" => end,
            _ => ".txt.hbs or .html.hbs",
        };
        (what, format!("the name must end in {ends}"))
    })?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(good) {
        let what = format!("\"{name}\" is no name for a template");
        let hint = "use small Latin letters, digits and hyphens: missed-cycle".to_owned();
        return Err((what, hint));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_file_says_what_it_is() {
        assert_eq!(
            slot_of("letters/ru/missed-cycle.html.hbs"),
            Ok(Slot::Page {
                kind: Kind::Letter,
                locale: Locale::Ru,
                name: "missed-cycle".to_owned(),
                format: Format::Html,
            })
        );
        assert!(slot_of("partials/button.html.hbs").is_ok());
        assert!(slot_of("partials/en/footer.txt.hbs").is_ok());
        assert!(slot_of("whatsapp/en/thank-you-short.toml").is_ok());
    }

    #[test]
    fn every_ready_file_lies_where_its_slot_says() {
        let (sources, problems) = read_all(None);
        assert!(problems.is_empty() && sources.len() > 50);
        for (slot, source) in sources {
            let path = slot.path();
            assert_eq!(source.file, format!("templates/{path} (built in)"));
            assert_eq!(slot_of(&path), Ok(slot));
        }
    }

    #[test]
    fn a_file_in_the_wrong_place_says_where_it_belongs() {
        for (path, hint) in [
            ("leters/ru/a.txt.hbs", "letters/ru/"),
            ("letters/fr/a.txt.hbs", "ru and en"),
            ("letters/ru/a.hbs", ".txt.hbs or .html.hbs"),
            ("letters/ru/Моё письмо.txt.hbs", "small Latin letters"),
            ("whatsapp/ru/a.txt.hbs", ".toml"),
            ("scripts/ru/a.html.hbs", "a.txt.hbs"),
            ("a.txt.hbs", "templates lie in"),
        ] {
            let (_, given) = slot_of(path).unwrap_err();
            assert!(given.contains(hint), "{path}: {given}");
        }
    }
}

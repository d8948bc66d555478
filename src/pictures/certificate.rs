//! A certificate drawn: its SVG as PNG for letters and screens, and as PDF for printing.
//!
//! The fonts are compiled in, so that the same SVG gives the same picture on every machine; a
//! company adds its own in `templates/fonts`. Pictures beside the template (`logo.png`) come from
//! `templates/certificates`, nothing from anywhere else. Both are read once: a message that is tried
//! again is drawn with those of its first attempt.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, ImageHrefResolver, ImageKind, Options, Tree, fontdb};

use super::PictureError;

/// The fonts that are always there; see `fonts/README.md`.
const FONTS: [&[u8]; 3] = [
    include_bytes!("fonts/Inter-Regular.otf"),
    include_bytes!("fonts/Inter-SemiBold.otf"),
    include_bytes!("fonts/NotoSerifDisplay-Bold.ttf"),
];

/// The largest picture, in pixels of one side: beyond it somebody has mistaken the unit.
const LARGEST: f32 = 4_000.0;

/// The largest font or picture of a company, in bytes.
const LARGEST_FILE: u64 = 5 * 1024 * 1024;

/// Where the fonts of a company lie, below its folder of templates.
const OF_FONTS: &str = "fonts/";

/// Where the pictures lie that its certificates show.
const OF_PICTURES: &str = "certificates/";

/// Pixels of an SVG in an inch, where it says millimetres. Source: CSS Values 3, absolute lengths.
const DPI: f32 = 96.0;

/// The company's own fonts and pictures, as they are at one moment: bytes by their paths below the
/// folder of templates.
pub type Materials = BTreeMap<String, Arc<Vec<u8>>>;

/// Draws certificates.
#[derive(Debug)]
pub struct CertificateArtist {
    materials: Materials,
    options: Options<'static>,
}

impl CertificateArtist {
    /// An artist with the fonts that are compiled in; with `templates`, the company's own folder of
    /// templates, also with the fonts and pictures in it, read now.
    pub fn new(templates: Option<&Path>) -> Self {
        Self::with(templates.map(materials).unwrap_or_default())
    }

    /// An artist with the fonts that are compiled in, and with what another one had.
    pub fn with(materials: Materials) -> Self {
        let mut fonts = fontdb::Database::new();
        for font in FONTS {
            fonts.load_font_data(font.to_vec());
        }
        for (_, font) in materials
            .iter()
            .filter(|(path, _)| path.starts_with(OF_FONTS))
        {
            fonts.load_font_source(fontdb::Source::Binary(Arc::<Vec<u8>>::clone(font)));
        }
        fonts.set_sans_serif_family("Inter");
        fonts.set_serif_family("Noto Serif Display");
        fonts.set_monospace_family("Inter");
        let pictures = materials.clone();
        let resolver = ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(move |name, _| {
                picture(name, pictures.get(&format!("{OF_PICTURES}{name}"))?)
            }),
        };
        let options = Options {
            dpi: DPI,
            font_family: "Inter".to_owned(),
            image_href_resolver: resolver,
            fontdb: Arc::new(fonts),
            ..Options::default()
        };
        Self { materials, options }
    }

    /// What the company has put beside its templates: with the same materials the same SVG gives the
    /// same picture.
    pub const fn materials(&self) -> &Materials {
        &self.materials
    }

    /// Draws an SVG as PNG, in the size that it names.
    ///
    /// # Errors
    ///
    /// It is no SVG, or too large.
    pub fn png(&self, svg: &str) -> Result<Vec<u8>, PictureError> {
        let tree = self.tree(svg)?;
        let size = tree.size().to_int_size();
        let mut pixels = Pixmap::new(size.width(), size.height())
            .ok_or_else(|| PictureError("there is no room for it".to_owned()))?;
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        pixels
            .encode_png()
            .map_err(|error| PictureError(error.to_string()))
    }

    /// Draws an SVG as a PDF of one page, in the size that it names; letters stay letters.
    ///
    /// # Errors
    ///
    /// It is no SVG, or too large.
    pub fn pdf(&self, svg: &str) -> Result<Vec<u8>, PictureError> {
        let tree = self.tree(svg)?;
        let page = svg2pdf::PageOptions { dpi: DPI };
        svg2pdf::to_pdf(&tree, svg2pdf::ConversionOptions::default(), page)
            .map_err(|error| PictureError(error.to_string()))
    }

    fn tree(&self, svg: &str) -> Result<Tree, PictureError> {
        let tree = Tree::from_str(svg, &self.options);
        let tree = tree.map_err(|error| PictureError(error.to_string()))?;
        let size = tree.size();
        if size.width() > LARGEST || size.height() > LARGEST {
            let what = format!(
                "it is {} by {} pixels, and may be {LARGEST} by {LARGEST}",
                size.width(),
                size.height()
            );
            return Err(PictureError(what));
        }
        Ok(tree)
    }
}

/// Reads the fonts and the pictures in a folder of templates; what cannot be read is left out.
fn materials(templates: &Path) -> Materials {
    let of = |folder: &str, ends: &[&str]| {
        let listed = fs::read_dir(templates.join(folder)).into_iter().flatten();
        let found = listed.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            if !ends.contains(&end_of(&name)?.as_str()) {
                return None;
            }
            // What a link leads to counts, however small the link itself is.
            let path = entry.path();
            let is_small = fs::metadata(&path).ok()?.len() <= LARGEST_FILE;
            let bytes = is_small.then(|| fs::read(&path).ok()).flatten()?;
            Some((format!("{folder}{name}"), Arc::new(bytes)))
        });
        found.collect::<Vec<_>>()
    };
    let fonts = of(OF_FONTS, &["ttf", "otf", "ttc", "otc"]);
    let pictures = of(OF_PICTURES, &["png", "jpg", "jpeg", "svg"]);
    fonts.into_iter().chain(pictures).collect()
}

/// The end of a file's name, in small letters.
fn end_of(name: &str) -> Option<String> {
    let (_, end) = name.rsplit_once('.')?;
    Some(end.to_ascii_lowercase())
}

/// A picture of the company, read as the end of its name says.
fn picture(name: &str, bytes: &Arc<Vec<u8>>) -> Option<ImageKind> {
    match end_of(name)?.as_str() {
        "png" => Some(ImageKind::PNG(Arc::clone(bytes))),
        "jpg" | "jpeg" => Some(ImageKind::JPEG(Arc::clone(bytes))),
        "svg" => {
            let tree = Tree::from_data(bytes, &usvg::Options::default()).ok()?;
            Some(ImageKind::SVG(tree))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'>\
        <rect width='20' height='10' fill='#ff0000'/></svg>";

    fn pixels(png: &[u8]) -> Pixmap {
        Pixmap::decode_png(png).unwrap()
    }

    #[test]
    fn the_same_svg_gives_the_same_bytes() {
        let artist = CertificateArtist::new(None);
        let png = artist.png(RED).unwrap();
        assert_eq!(png, artist.png(RED).unwrap());
        let drawn = pixels(&png);
        assert_eq!((drawn.width(), drawn.height()), (20, 10));
        assert_eq!(drawn.pixel(5, 5).unwrap().red(), 255);
        assert!(artist.pdf(RED).unwrap().starts_with(b"%PDF-"));
    }

    #[test]
    fn letters_of_both_alphabets_and_the_rouble_are_drawn_without_a_font_of_the_system() {
        let artist = CertificateArtist::new(None);
        let ink = |family: &str, text: &str| {
            let svg = format!(
                "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='60'>\
                 <text x='4' y='44' font-family='{family}' font-size='40'>{text}</text></svg>"
            );
            let drawn = pixels(&artist.png(&svg).unwrap());
            drawn
                .data()
                .iter()
                .map(|byte| u64::from(*byte))
                .sum::<u64>()
        };
        for family in [
            "sans-serif",
            "serif",
            "Inter",
            "Noto Serif Display",
            "Nothing",
        ] {
            let blank = ink(family, "");
            for text in ["Ж", "ё", "Ә", "g", "₽", "%", "№", "«"] {
                assert!(ink(family, text) > blank, "{family} {text}");
            }
            // A missing letter is a box, the same for every letter.
            assert_ne!(ink(family, "Ж"), ink(family, "Щ"), "{family}");
        }
    }

    #[test]
    fn nothing_but_pictures_beside_the_template_is_read() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("certificates");
        std::fs::create_dir_all(&folder).unwrap();
        let red = CertificateArtist::new(None).png(RED).unwrap();
        std::fs::write(folder.join("logo.png"), &red).unwrap();
        std::fs::write(home.path().join("secret.png"), &red).unwrap();
        let artist = CertificateArtist::new(Some(home.path()));
        let shows = |name: &str| {
            let svg = format!(
                "<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'>\
                 <image href='{name}' width='20' height='10'/></svg>"
            );
            pixels(&artist.png(&svg).unwrap())
                .pixel(5, 5)
                .unwrap()
                .red()
                > 0
        };
        assert!(shows("logo.png"));
        assert!(!shows("../secret.png"));
        let secret = home.path().join("secret.png");
        assert!(!shows(secret.to_str().unwrap()));
        assert!(!shows("https://example.org/logo.png"));
        // What is edited later shows in a picture of an artist who begins later.
        let blue = RED.replace("#ff0000", "#0000ff");
        std::fs::write(folder.join("logo.png"), artist.png(&blue).unwrap()).unwrap();
        assert!(shows("logo.png"));
        let same = CertificateArtist::with(artist.materials().clone());
        assert_eq!(same.materials(), artist.materials());
        let later = CertificateArtist::new(Some(home.path()));
        assert_ne!(later.materials(), artist.materials());
    }

    #[test]
    fn a_picture_that_is_none_or_too_large_is_an_error() {
        let artist = CertificateArtist::new(None);
        assert!(artist.png("<svg>").is_err());
        let huge = RED.replace("width='20'", "width='90000'");
        assert!(artist.png(&huge).is_err() && artist.pdf(&huge).is_err());
    }
}

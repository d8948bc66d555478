//! A certificate drawn: its SVG as PNG for letters and screens, and as PDF for printing.
//!
//! The fonts are compiled in, so that the same SVG gives the same picture on every machine; a
//! company adds its own in `templates/fonts`. Pictures beside the template (`logo.png`) are read
//! from `templates/certificates`, nothing from anywhere else.

use std::path::{Path, PathBuf};
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

/// The largest file that a template may show, in bytes.
const LARGEST_FILE: u64 = 5 * 1024 * 1024;

/// Pixels of an SVG in an inch, where it says millimetres. Source: CSS Values 3, absolute lengths.
const DPI: f32 = 96.0;

/// Draws certificates.
#[derive(Debug)]
pub struct CertificateArtist {
    options: Options<'static>,
}

impl CertificateArtist {
    /// An artist with the fonts that are compiled in; with `templates`, the company's own folder of
    /// templates, also with the fonts and pictures in it.
    pub fn new(templates: Option<&Path>) -> Self {
        let mut fonts = fontdb::Database::new();
        for font in FONTS {
            fonts.load_font_data(font.to_vec());
        }
        if let Some(templates) = templates {
            fonts.load_fonts_dir(templates.join("fonts"));
        }
        fonts.set_sans_serif_family("Inter");
        fonts.set_serif_family("Noto Serif Display");
        fonts.set_monospace_family("Inter");
        let folder = templates.map(|templates| templates.join("certificates"));
        let inside = folder.clone();
        let resolver = ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(move |name, _| inside.as_deref().and_then(|f| file(f, name))),
        };
        let options = Options {
            resources_dir: folder,
            dpi: DPI,
            font_family: "Inter".to_owned(),
            image_href_resolver: resolver,
            fontdb: Arc::new(fonts),
            ..Options::default()
        };
        Self { options }
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

/// A picture of the company that lies beside its templates: a plain name, no path.
fn file(folder: &Path, name: &str) -> Option<ImageKind> {
    let plain = PathBuf::from(name);
    if plain.file_name()?.to_str()? != name {
        return None;
    }
    let path = folder.join(plain);
    if std::fs::metadata(&path).ok()?.len() > LARGEST_FILE {
        return None;
    }
    let bytes = Arc::new(std::fs::read(&path).ok()?);
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "png" => Some(ImageKind::PNG(bytes)),
        "jpg" | "jpeg" => Some(ImageKind::JPEG(bytes)),
        "svg" => {
            let tree = Tree::from_data(&bytes, &usvg::Options::default()).ok()?;
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
        let artist = CertificateArtist::new(Some(home.path()));
        let red = artist.png(RED).unwrap();
        std::fs::write(folder.join("logo.png"), &red).unwrap();
        std::fs::write(home.path().join("secret.png"), &red).unwrap();
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
    }

    #[test]
    fn a_picture_that_is_none_or_too_large_is_an_error() {
        let artist = CertificateArtist::new(None);
        assert!(artist.png("<svg>").is_err());
        let huge = RED.replace("width='20'", "width='90000'");
        assert!(artist.png(&huge).is_err() && artist.pdf(&huge).is_err());
    }
}

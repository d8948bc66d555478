//! Putting a picture where the user wants it.

use std::path::Path;

use anyhow::Context;

/// Writes a picture to a file, over what is there.
pub(super) fn write(file: &Path, svg: &str) -> anyhow::Result<()> {
    std::fs::write(file, svg).with_context(|| format!("write the picture {}", file.display()))
}

use super::ahead::Quiet;
use super::replay::Replay;
use super::views::View;
use crate::app::App;
use crate::jobs::day::ManagerList;
use std::io::{self, Write};
use std::path::Path;
pub(super) struct Told<'a> {
    pub(super) dir: &'a Path,
    pub(super) replay: Replay,
    pub(super) ahead: Vec<Quiet>,
    pub(super) letters: Vec<View>,
    pub(super) lists: Vec<ManagerList>,
    pub(super) lists_as_pages: Vec<View>,
}
pub(super) fn begin(_app: &App, dir: &Path, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "wrote {}", dir.display())
}
pub(super) fn tell(_app: &App, told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", told.replay.plan)?;
    for t in &told.replay.campaigns {
        writeln!(out, "{t:?}")?;
    }
    writeln!(out, "{:?}", told.replay.outcomes)?;
    writeln!(out, "{:?} {:?}", told.replay.held, told.replay.failed)?;
    writeln!(out, "{:?}", told.ahead)?;
    writeln!(out, "{:#?}", told.letters)?;
    writeln!(out, "{:#?}", told.lists_as_pages)?;
    for l in &told.lists {
        writeln!(out, "{:#?}", l)?;
    }
    Ok(())
}

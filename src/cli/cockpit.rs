//! The cockpit itself: how it looks and listens is read here, so that whatever is wrong is said before the terminal is taken.

use std::path::Path;

use super::{Common, Exit, Failure, looks};
use crate::config::{Files, Settings};
use crate::log::{self, Ring};
use crate::tui::{self, Left, Looks};
use crate::ui::theme::{self, Theme};

/// Opens the cockpit on what the configuration says.
pub fn run(common: &Common) -> Result<Exit, Failure> {
    open(&common.settings()?, common)
}

/// Opens the cockpit on these settings.
pub fn open(settings: &Settings, common: &Common) -> Result<Exit, Failure> {
    let files = common.files()?;
    let depth = looks::depth();
    let (ascii, still) = (settings.ui.ascii, settings.ui.reduced_motion);
    let read = move |files: &Files, name: &str| -> Result<Theme, Failure> {
        let mut theme = looks::theme(files, name, depth)?;
        (theme.ascii, theme.still) = (ascii, still);
        Ok(theme)
    };
    let theme = read(&files, &settings.ui.theme)?;
    let keymap = looks::keymap(&files, &settings.ui.keymap)?;
    let keymap = if ascii { keymap.in_ascii() } else { keymap };
    let mut themes = theme::BUILT_IN.map(|(name, _)| name.to_owned()).to_vec();
    themes.extend(files.themes().into_iter().filter(|name| theme::built_in(name).is_none()));
    tui::check_terminal().map_err(|error| failed(&error))?;
    let log = ring(common, &files)?;
    let load = Box::new(move |name: &str| read(&files, name).map_err(|failure| failure.to_string()));
    match tui::run(settings, Looks { keymap, theme, themes, load, log }).map_err(|error| failed(&error))? {
        Left::Asked => Ok(Exit::Done),
        Left::Signal(number) => Ok(u8::try_from(number).map_or(Exit::Refused, Exit::Signal)),
    }
}

/// A log file that was named has to be writable; without the usual one the log page still shows what is said.
fn ring(common: &Common, files: &Files) -> Result<Ring, Failure> {
    let start = |path: Option<&Path>| log::start(&common.log_level, path);
    let path = common.log_path(files);
    match start(Some(&path)) {
        Err(log::Error::File(error)) if common.log_file.is_none() => {
            let ring = start(None).map_err(|error| Failure::Usage(error.to_string()))?;
            tracing::warn!("the log is not written to a file: {error}");
            Ok(ring)
        }
        started => started.map_err(|error| Failure::Usage(error.to_string())),
    }
}

fn failed(error: &tui::Error) -> Failure {
    if error.is_usage() { Failure::Usage(error.to_string()) } else { Failure::Refused(error.to_string()) }
}

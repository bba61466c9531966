//! The cockpit itself: how it looks and listens is read here, so that whatever is wrong is said before the terminal is taken.

use super::{Common, Exit, Failure, looks};
use crate::config::Settings;
use crate::log;
use crate::tui::{self, Looks};
use crate::ui::theme;

/// Opens the cockpit on what the configuration says.
pub fn run(common: &Common) -> Result<Exit, Failure> {
    open(&common.settings()?, common)
}

/// Opens the cockpit on these settings.
pub fn open(settings: &Settings, common: &Common) -> Result<Exit, Failure> {
    let files = common.files()?;
    let depth = looks::depth();
    let ascii = settings.ui.ascii;
    let read = move |files: &crate::config::Files, name: &str| {
        looks::theme(files, name, depth).map(|mut theme| {
            theme.ascii = ascii;
            theme
        })
    };
    let theme = read(&files, &settings.ui.theme)?;
    let keymap = looks::keymap(&files, &settings.ui.keymap)?;
    let mut themes: Vec<String> = theme::BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    if !themes.contains(&settings.ui.theme) {
        themes.push(settings.ui.theme.clone());
    }
    tui::check_terminal().map_err(failed)?;
    let ring = log::start(&common.log_level, &common.log_path(&files)).map_err(|error| Failure::Usage(error.to_string()))?;
    let load = Box::new(move |name: &str| read(&files, name).map_err(|failure| failure.to_string()));
    tui::run(settings, Looks { keymap, theme, themes, load, log: ring }).map_err(failed)?;
    Ok(Exit::Done)
}

fn failed(error: tui::Error) -> Failure {
    if error.is_usage() { Failure::Usage(error.to_string()) } else { Failure::Refused(error.to_string()) }
}

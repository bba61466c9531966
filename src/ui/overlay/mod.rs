//! Windows over the screen: the help, the choice among environments, the command palette, dialogs, and the marks of an act.

mod dialog;
mod environments;
mod guard;
mod help;
mod marks;
pub mod page;
mod palette;

use ratatui::buffer::Buffer;

use super::theme::Theme;
use crate::app::{Layout, Overlay, State};

/// Draws the window that is open.
pub fn draw(state: &State, theme: &Theme, layout: &Layout, buffer: &mut Buffer) {
    let Some(area) = layout.overlay else { return };
    match (&state.overlay, &layout.page) {
        (Some(Overlay::Help), _) => help::draw(state, theme, area, buffer),
        (Some(Overlay::Environments(chosen)), _) => environments::draw(state, theme, area, *chosen, buffer),
        (Some(Overlay::Palette(open)), _) => palette::draw(state, theme, area, open, buffer),
        (Some(Overlay::Dialog(dialog)), Some(page)) => dialog::draw(state, theme, dialog, page, buffer),
        (Some(Overlay::Marks(marks)), Some(page)) => marks::draw(state, theme, *marks, page, buffer),
        (Some(Overlay::Guard(order)), Some(page)) => guard::draw(state, theme, order, page, buffer),
        (Some(Overlay::Dialog(_) | Overlay::Marks(_) | Overlay::Guard(_)), None) | (Some(Overlay::Filter) | None, _) => {}
    }
}

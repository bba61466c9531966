//! Windows over the screen: the help, the choice among environments, the command palette.

mod environments;
mod help;
mod palette;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Theme;
use crate::app::{Overlay, State};

/// Draws the window that is open.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match &state.overlay {
        Some(Overlay::Help) => help::draw(state, theme, area, buffer),
        Some(Overlay::Environments(chosen)) => environments::draw(state, theme, area, *chosen, buffer),
        Some(Overlay::Palette(open)) => palette::draw(state, theme, area, open, buffer),
        Some(Overlay::Filter) | None => {}
    }
}

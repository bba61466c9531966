//! Pure drawing: one file per screen, pane or widget, themes, export. Knows no clock, does no I/O, and builds only what is
//! visible, whatever the number of releases.

mod edges;
pub mod export;
pub mod glyph;
mod overlay;
mod pane;
pub mod pen;
pub mod phrase;
pub mod pieces;
pub mod text;
pub mod theme;
pub mod widget;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use crate::app::{Layout, Pane, Picture, State};
use glyph::Mark;
use pen::{Pen, row};
use theme::{Role, Theme};

/// Draws the whole screen.
pub fn draw(state: &State, theme: &Theme, buffer: &mut Buffer) {
    theme.ground(buffer, buffer.area);
    match state.picture() {
        Picture::Fits(layout) => screen(state, theme, &layout, buffer),
        Picture::TooSmall { wanted } => too_small(state, theme, wanted, buffer),
    }
    if theme.ascii {
        glyph::to_ascii(buffer);
    }
}

fn screen(state: &State, theme: &Theme, layout: &Layout, buffer: &mut Buffer) {
    edges::header(state, theme, layout, buffer);
    if let Some(area) = layout.banner {
        edges::banner(state, theme, area, buffer);
    }
    if let Some(area) = layout.summary {
        edges::summary(state, theme, area, buffer);
    }
    for (pane, area) in &layout.panes {
        match pane {
            Pane::Rollouts => pane::rollouts::draw(state, theme, layout, buffer),
            Pane::Release => pane::release::draw(state, theme, *area, buffer),
            Pane::Signals => pane::signals::draw(state, theme, *area, buffer),
            Pane::Chart => pane::chart::draw(state, theme, *area, buffer),
            Pane::Matrix => pane::matrix::draw(state, theme, layout, buffer),
            Pane::Alerts => pane::alerts::draw(state, theme, *area, buffer),
            Pane::Budgets => pane::budgets::draw(state, theme, *area, buffer),
            Pane::Now => pane::now::draw(state, theme, *area, buffer),
            Pane::Steps => pane::steps::draw(state, theme, *area, buffer),
            Pane::Tree => pane::tree::draw(state, theme, *area, buffer),
            Pane::Events => pane::events::draw(state, theme, *area, buffer),
            Pane::Ledger => pane::ledger::draw(state, theme, layout, buffer),
            Pane::Act => pane::act::draw(state, theme, *area, buffer),
            Pane::Contents => pane::contents::draw(state, theme, *area, buffer),
            Pane::Log => pane::log::draw(state, theme, *area, buffer),
        }
    }
    overlay::draw(state, theme, layout, buffer);
    edges::footer(state, theme, layout, buffer);
}

/// Even where nothing fits, it is said where one is.
fn too_small(state: &State, theme: &Theme, wanted: Size, buffer: &mut Buffer) {
    let area = buffer.area;
    let settings = &state.environment().settings;
    let whole = widget::tier::badge(&settings.name, settings.tier);
    let badge = if text::width(&whole) > area.width { format!(" ⬢ {} ", widget::tier::word(settings.tier)) } else { whole };
    let size = format!("{}×{}, {}×{} shows more", state.size.width, state.size.height, wanted.width, wanted.height);
    let lines = [
        (badge, widget::tier::style(theme, settings.tier)),
        ("This terminal is too small.".to_owned(), theme.mark(Mark::Warning)),
        (size, theme.style(Role::Dim)),
    ];
    let top = area.height.saturating_sub(3) / 2;
    for (line, place) in lines.iter().zip(top..) {
        let room = area.width.saturating_sub(text::width(&line.0)) / 2;
        Pen::new(buffer, row(area, place)).skip(room).put(&line.0, line.1);
    }
}

/// The part of a list that is scrolled to, when it is longer than its area.
fn scrolled(offset: usize, count: usize, height: u16) -> usize {
    offset.min(count.saturating_sub(usize::from(height)))
}

/// `3–12 of 40` for the edge of a list that is longer than its area.
fn place_words(offset: usize, count: usize, height: u16) -> Option<String> {
    let height = usize::from(height);
    (count > height && height > 0).then(|| format!("{}–{} of {count}", offset + 1, (offset + height).min(count)))
}

/// An area without so many columns at its left.
fn shift(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}

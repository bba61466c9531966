//! All keys, from the one table of commands and the keymap in use; beside them, what the marks mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::{place_words, scrolled, shift};
use crate::app::State;
use crate::app::help::{Line, lines};

/// From this width on the marks have room beside the keys.
const BESIDE: u16 = 80;

const MARKS: [(Mark, &str); 11] = [
    (Mark::Good, "healthy, passed"),
    (Mark::Running, "progressing, running"),
    (Mark::Paused, "waits for you"),
    (Mark::Waiting, "waits for time"),
    (Mark::Unknown, "no verdict yet"),
    (Mark::Warning, "needs an eye"),
    (Mark::Bad, "failed, degraded"),
    (Mark::Queued, "not begun"),
    (Mark::Skipped, "left out, taken back"),
    (Mark::Live, "source is live"),
    (Mark::Late, "source is late"),
];

/// Draws the window.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = lines(state);
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.help, lines.len(), height);
    let dim = theme.style(Role::Dim);
    let mut frame = Frame::titled(theme, "Help", true);
    frame.right.push(0, place_words(offset, lines.len(), height).unwrap_or_default(), dim);
    frame.remark.push(1, format!("theme {}: {}", theme.name, theme.description), dim);
    let inside = frame.draw(theme, buffer, area);
    let beside = inside.width >= BESIDE;
    let keys = if beside { Rect { width: inside.width - 26, ..inside } } else { inside };
    for (line, place) in lines.iter().skip(offset).zip(rows(keys)) {
        draw_line(theme, line, &mut Pen::new(buffer, place));
    }
    if beside {
        marks(state, theme, shift(inside, inside.width - 24), buffer);
    }
}

fn draw_line(theme: &Theme, line: &Line, pen: &mut Pen<'_>) {
    match line {
        Line::Title(words) => {
            pen.put(words, theme.bold(Role::Strong));
        }
        Line::Keys { keys, words } => {
            let cells = 14.min(pen.room() / 2);
            pen.column_right(keys, cells, theme.style(Role::Accent)).skip(2).put(words, theme.style(Role::Text));
        }
        Line::Words(words) => {
            pen.skip(2).put(words, theme.style(Role::Dim));
        }
        Line::Empty => {}
    }
}

fn marks(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    Pen::new(buffer, row(area, 0)).put("Marks", theme.bold(Role::Strong));
    for ((mark, words), place) in MARKS.iter().zip(1..) {
        let glyph = theme.glyph(*mark, state.now);
        Pen::new(buffer, row(area, place)).skip(1).put(glyph, theme.mark(*mark)).skip(1).put(words, theme.style(Role::Text));
    }
}

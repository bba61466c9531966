//! One act, as the ledger has it.
//!
//! ```text
//! ╭ roll back gateway · shop ──────────────────────────────── ✔ observed ╮
//! │ when     2026-03-02 14:00:02 UTC                                     │
//! │ who      dana on console-2, by a confirmed dialog                    │
//! │ reason   errors 1.8% > 1% for 3:12                                   │
//! │ plan     1 abort the canary: traffic to rev 13 at once               │
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::pieces::Pieces;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::{place_words, scrolled};
use super::focused;
use super::ledger::{mark, word};
use crate::app::act::{LABEL, Line, Tone, lines};
use crate::app::{Pane, Screen, State};

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (focused, dim) = (focused(state, Pane::Act), theme.style(Role::Dim));
    let Some(act) = state.act() else {
        let words = if matches!(state.screen, Screen::Act(_)) { "It is not among what was read." } else { "No act is selected." };
        let inside = Frame::titled(theme, "Act", focused).draw(theme, buffer, area);
        Pen::new(buffer, row(inside, 0)).put(words, dim);
        return;
    };
    let lines = lines(act, area.width.saturating_sub(4));
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.act, lines.len(), height);
    let mut frame = Frame::titled(theme, format!("{} {}", act.words(), act.object.name), focused);
    frame.title.push(2, act.object.namespace.to_string(), dim);
    let mark = mark(act.outcome.as_ref().map(|outcome| outcome.ending));
    frame.right = Pieces::new().add(0, mark.glyph(), theme.mark(mark)).after(1, 1, word(act), dim);
    frame.remark.push(0, place_words(offset, lines.len(), height).unwrap_or_default(), dim);
    let inside = frame.draw(theme, buffer, area);
    for (line, place) in lines.iter().skip(offset).zip(rows(inside)) {
        draw_line(theme, line, &mut Pen::new(buffer, place));
    }
}

fn draw_line(theme: &Theme, line: &Line, pen: &mut Pen<'_>) {
    pen.column(line.label, LABEL, theme.style(Role::Dim));
    let style = match line.tone {
        Tone::Plain => theme.style(Role::Text),
        Tone::Strong => theme.style(Role::Strong),
        Tone::Dim => theme.style(Role::Dim),
        Tone::Owed => theme.mark(Mark::Warning),
        Tone::Ending(ending) => {
            let mark = mark(ending);
            pen.put(mark.glyph(), theme.mark(mark)).skip(1);
            theme.style(Role::Strong)
        }
    };
    pen.put(&line.words, style);
}

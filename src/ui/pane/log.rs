//! What the program itself noted: connections, refusals, retries. The newest line is the lowest.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::pen::{Pen, row};
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::focused;
use crate::app::{Pane, State};
use crate::log::Line;

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let dim = theme.style(Role::Dim);
    let height = area.height.saturating_sub(2);
    let back = super::super::scrolled(state.scroll.log, state.log.len(), height);
    let end = state.log.len() - back.min(state.log.len());
    let start = end.saturating_sub(usize::from(height));
    let mut frame = Frame::titled(theme, "Log", focused(state, Pane::Log));
    frame.title.push(1, "what Pilothouse noted about itself", dim);
    frame.right.push(0, super::super::place_words(start, state.log.len(), height).unwrap_or_default(), dim);
    let inside = frame.draw(theme, buffer, area);
    if state.log.is_empty() {
        Pen::new(buffer, row(inside, 0)).put("Nothing was noted yet.", dim);
    }
    for (line, place) in state.log.get(start..end).unwrap_or_default().iter().zip(0..) {
        draw_line(theme, line, &mut Pen::new(buffer, row(inside, place)));
    }
}

fn draw_line(theme: &Theme, line: &Line, pen: &mut Pen<'_>) {
    let dim = theme.style(Role::Dim);
    // `Level` has constants and an order, but is no enum to match on.
    let (word, level, words) = match line.level.as_str() {
        "ERROR" => ("error", Role::Bad, Role::Strong),
        "WARN" => ("warn", Role::Warn, Role::Text),
        "INFO" => ("info", Role::Dim, Role::Text),
        "DEBUG" => ("debug", Role::Dim, Role::Dim),
        _ => ("trace", Role::Dim, Role::Dim),
    };
    pen.put(&text::time_of_day(line.at), dim).skip(1).column(word, 5, theme.style(level)).skip(1);
    if pen.room() > 90 {
        let target = line.target.strip_prefix("pilothouse::").unwrap_or(&line.target);
        pen.within(18, |pen| {
            pen.put(&text::fit_name(target, 18), dim);
        });
        pen.skip(1);
    }
    pen.put(&line.text, theme.style(words));
}

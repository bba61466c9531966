//! Kubernetes events of a release and of all that belongs to it, and what people did to it, in one time line, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::{place_words, scrolled};
use super::{age, focused, stale};
use crate::app::detail::{Moment, moments};
use crate::app::{Pane, State};
use crate::domain::ledger::LedgerAct;
use crate::domain::tree::EventLine;

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = state.subject().map(|key| moments(state, key)).unwrap_or_default();
    let height = area.height.saturating_sub(2);
    let offset = scrolled(state.scroll.events, lines.len(), height);
    let mut frame = Frame::titled(theme, "Events", focused(state, Pane::Events));
    frame.right.push(0, place_words(offset, lines.len(), height).unwrap_or_default(), theme.style(Role::Dim));
    frame.remark = stale(state, theme);
    let inside = frame.draw(theme, buffer, area);
    if lines.is_empty() {
        Pen::new(buffer, row(inside, 0))
            .put("The cluster keeps no events of it; they are forgotten after an hour or so.", theme.style(Role::Dim));
    }
    for (moment, line) in lines.iter().skip(offset).zip(rows(inside)) {
        let pen = &mut Pen::new(buffer, line);
        match moment {
            Moment::Event(event) => draw_event(state, theme, event, pen),
            Moment::Act(act) => draw_act(state, theme, act, pen),
        }
    }
    age(state, theme, buffer, inside);
}

/// What somebody did stands out among what happened.
fn draw_act(state: &State, theme: &Theme, act: &LedgerAct, pen: &mut Pen<'_>) {
    pen.column_right(&text::ago(act.at, state.now), 4, theme.style(Role::Dim)).skip(1);
    pen.put("▸", theme.style(Role::Accent)).skip(1).put(&act.sentence("it"), theme.style(Role::Strong));
}

fn draw_event(state: &State, theme: &Theme, event: &EventLine, pen: &mut Pen<'_>) {
    let dim = theme.style(Role::Dim);
    let when = event.at.map_or_else(String::new, |at| text::ago(at, state.cluster_time()));
    pen.column_right(&when, 4, dim).skip(1);
    if event.warning {
        pen.put(Mark::Warning.glyph(), theme.mark(Mark::Warning));
    } else {
        pen.put("·", dim);
    }
    pen.skip(1);
    let wide = pen.room() >= 90;
    if wide {
        let about = event.about.split_once(' ').map_or(&*event.about, |(_, name)| name);
        pen.within(28, |pen| {
            pen.put(&text::fit_name(about, 28), dim);
        });
        pen.skip(1);
    }
    let words = if event.message.is_empty() { &event.reason } else { &event.message };
    pen.put(words, theme.style(if event.warning { Role::Strong } else { Role::Text }));
    if event.count > 1 {
        pen.skip(1).put(&format!("×{}", event.count), dim);
    }
}

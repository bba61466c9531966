//! *Now*: alerts that fire about the selected release, what is being done from here and what is on watch, then what happened in the environment and what people did there, newest
//! first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::edges::act_line;
use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::{place_words, scrolled};
use super::{alerts, focused, stale};
use crate::app::notice::{Notice, Tone};
use crate::app::now::{self, Line};
use crate::app::{Pane, State};
use crate::domain::ledger::LedgerAct;

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = now::lines(state);
    let (acts, firing) = (state.act_lines(), state.firing());
    let above = u16::try_from(acts.len() + firing.len()).unwrap_or(u16::MAX).min(area.height.saturating_sub(2));
    let height = area.height.saturating_sub(2 + above);
    let (count, offset) = (lines.len(), scrolled(state.scroll.now, lines.len(), height));
    let mut frame = Frame::titled(theme, "Now", focused(state, Pane::Now));
    frame.right.push(0, place_words(offset, count, height).unwrap_or_default(), theme.style(Role::Dim));
    frame.remark = stale(state, theme);
    let inside = frame.draw(theme, buffer, area);
    for (alert, line) in firing.iter().zip(rows(inside)) {
        alerts::line(theme, alert, state.now).within(line.width).draw(&mut Pen::new(buffer, line));
    }
    for (act, line) in acts.iter().zip(rows(inside).skip(firing.len())) {
        act_line(state, theme, act, line.width).draw(&mut Pen::new(buffer, line));
    }
    let inside = Rect { y: inside.y + above.min(inside.height), height: inside.height.saturating_sub(above), ..inside };
    if count == 0 {
        Pen::new(buffer, row(inside, 0)).put("Nothing has happened since the start.", theme.style(Role::Dim));
    }
    let notices = state.environment().notices.lines();
    let longest = notices.filter_map(|notice| notice.about.as_ref()).map(|key| text::width(&key.name)).max().unwrap_or(0);
    let names = longest.min(inside.width / 4);
    for (line, place) in lines.iter().skip(offset).zip(rows(inside)) {
        let pen = &mut Pen::new(buffer, place);
        match line {
            Line::Notice(notice) => draw_notice(theme, notice, names, pen),
            Line::Act(act) => draw_act(theme, act, pen),
        }
    }
}

/// `13:58:02 ▸ dana promoted gateway 10→25% "gates green"`: a sentence, for it is a person's.
fn draw_act(theme: &Theme, act: &LedgerAct, pen: &mut Pen<'_>) {
    pen.put(&text::time_of_day(act.at), theme.style(Role::Dim)).skip(1).put("▸", theme.style(Role::Accent)).skip(1);
    pen.put(&act.sentence(&act.object.name), theme.style(Role::Strong));
}

fn draw_notice(theme: &Theme, notice: &Notice, names: u16, pen: &mut Pen<'_>) {
    let (mark, words) = match notice.tone {
        Tone::Good => (Mark::Good, Role::Text),
        Tone::Plain => (Mark::Queued, Role::Text),
        Tone::Warn => (Mark::Warning, Role::Strong),
        Tone::Bad => (Mark::Bad, Role::Strong),
    };
    let glyph = if notice.tone == Tone::Plain { "·" } else { mark.glyph() };
    pen.put(&text::time_of_day(notice.at), theme.style(Role::Dim)).skip(1).put(glyph, theme.mark(mark)).skip(1);
    let name = notice.about.as_ref().map_or("", |key| &*key.name);
    if names > 0 {
        pen.within(names, |pen| {
            pen.put(&text::fit_name(name, names), theme.style(words));
        });
        pen.skip(2);
    }
    pen.put(&notice.text, theme.style(words));
}

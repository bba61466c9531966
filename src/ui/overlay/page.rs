//! A window made of rows: labels in a column of their own, marks and words in the colours of their meaning.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::glyph::Mark;
use super::super::pen::{Pen, row};
use super::super::pieces::Pieces;
use super::super::shift;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::widget::tier;
use crate::app::State;
use crate::app::page::{Page, Row, Sign, Tone};
use crate::domain::id::EnvironmentId;

/// The mark of a sign.
pub fn mark(sign: Sign) -> Mark {
    match sign {
        Sign::Good => Mark::Good,
        Sign::Running => Mark::Running,
        Sign::Waiting => Mark::Waiting,
        Sign::Warning => Mark::Warning,
        Sign::Bad => Mark::Bad,
        Sign::Unknown => Mark::Unknown,
        Sign::Queued => Mark::Queued,
    }
}

/// Draws the frame with a title and the environment that it is about: nobody acts in the wrong place.
pub fn frame(state: &State, theme: &Theme, (title, environment): (&str, EnvironmentId), page: &Page, buffer: &mut Buffer) {
    let settings = state.environment_named(environment).map(|environment| &environment.settings);
    let room = page.window.width.saturating_sub(6);
    let badge = settings.map(|settings| {
        let whole = tier::badge(&settings.name, settings.tier);
        // The tier stays, however narrow it is; half of the edge is enough for the name.
        let badge = if text::width(&whole) > room / 2 { format!(" ⬢ {} ", tier::word(settings.tier)) } else { whole };
        (badge, tier::style(theme, settings.tier))
    });
    let taken = badge.as_ref().map_or(0, |(badge, _)| text::width(badge) + 2);
    let title = text::fit(title, room.saturating_sub(taken)).into_owned();
    let mut frame = Frame::titled(theme, "", true);
    frame.title = Pieces::new().add(0, title, theme.bold(Role::Strong));
    if let Some((badge, style)) = badge {
        frame.title = frame.title.after(2, 0, badge, style);
    }
    if page.hidden > 0 {
        let words = if page.hidden == 1 { "1 more line: PgDn".to_owned() } else { format!("{} more lines: PgDn", page.hidden) };
        frame.remark.push(0, words, theme.style(Role::Dim));
    }
    frame.draw(theme, buffer, page.window);
}

/// Draws one row of words.
pub fn draw_row(state: &State, theme: &Theme, page: &Page, (words, place): (&Row, u16), buffer: &mut Buffer) {
    let line = row(page.inside, place);
    if page.labels > 0 {
        Pen::new(buffer, line).column(words.label, page.labels, theme.style(Role::Dim));
    }
    let line = shift(line, page.labels);
    let right = text::width(&words.right);
    if right > 0 && right < line.width {
        let end = Rect { x: line.right() - right, width: right, ..line };
        Pen::new(buffer, end).put(&words.right, theme.style(Role::Dim));
    }
    let room = if right > 0 { line.width.saturating_sub(right + 2) } else { line.width };
    let mut pen = Pen::new(buffer, Rect { width: room, ..line });
    pen.skip(words.indent);
    if let Some(sign) = words.sign {
        let mark = mark(sign);
        pen.put(theme.glyph(mark, state.now), theme.mark(mark)).skip(1);
    }
    pen.put(&words.words, style(theme, words));
}

/// How the words of a row look.
pub fn style(theme: &Theme, row: &Row) -> Style {
    match (row.tone, row.sign.or(row.after)) {
        (Tone::Loud, Some(sign)) => theme.mark(mark(sign)),
        (Tone::Loud, None) => theme.style(Role::Bad),
        (Tone::Plain, _) => theme.style(Role::Text),
        (Tone::Strong, _) => theme.style(Role::Strong),
        (Tone::Dim, _) => theme.style(Role::Dim),
    }
}

/// Marks the cell of the cursor, also where there is no colour.
pub fn cursor(theme: &Theme, buffer: &mut Buffer, area: Rect) {
    let cell = Rect { width: 1, height: 1, ..area }.intersection(area).intersection(buffer.area);
    buffer.set_style(cell, theme.style(Role::Accent).add_modifier(Modifier::REVERSED));
}

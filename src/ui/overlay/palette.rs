//! The command palette: what is typed, and under it what that finds, each with its key, or why it cannot be done.
//!
//! ```text
//! ╭ Command ───────────────────────────────────────────────────────────────────╮
//! │ : roll gate▏                                                               │
//! │                                                                            │
//! │ ▸ roll back gateway   shop · ◷ auto→50%                                  R │
//! │   roll back gateways  it is the first deployment: …                      R │
//! ╰─ Tab completes ────────────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use super::super::glyph::Mark;
use super::super::pen::{Pen, row, rows};
use super::super::phrase;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::frame::Frame;
use super::super::widget::tier;
use crate::app::State;
use crate::app::palette::{Choice, Palette, What, refusal};
use crate::app::panes::palette_rows;
use crate::domain::id::Key;
use crate::domain::ledger::moment;
use crate::input::Command;

/// Draws the window.
pub fn draw(state: &State, theme: &Theme, area: Rect, palette: &Palette, buffer: &mut Buffer) {
    let dim = theme.style(Role::Dim);
    let mut frame = Frame::titled(theme, "Command", true);
    frame.remark.push(0, "Tab completes", dim);
    if palette.has_more() {
        frame.remark.push(1, " · there is more: type on", dim);
    }
    let inside = frame.draw(theme, buffer, area);
    let mut pen = Pen::new(buffer, row(inside, 0));
    pen.put(":", theme.style(Role::Accent)).skip(1);
    let (before, after) = palette.text().split_at_checked(palette.cursor()).unwrap_or((palette.text(), ""));
    let strong = theme.style(Role::Strong);
    pen.put(end_of(before, pen.room().saturating_sub(1)), strong).put("▏", theme.style(Role::Accent)).put(after, strong);
    let list = palette_rows(area).intersection(Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area });
    if palette.choices().is_empty() {
        Pen::new(buffer, row(list, 0)).skip(3).put("Nothing is called like that.", dim);
    }
    let height = usize::from(list.height);
    let top = palette.top(height);
    let visible = palette.choices().iter().skip(top).take(height);
    let titles = visible.clone().map(|choice| text::width(&choice.title)).max().unwrap_or(0);
    let titles = titles.clamp(12, (list.width * 3 / 5).max(12));
    for ((choice, line), place) in visible.zip(rows(list)).zip(top..) {
        let selected = place == palette.selected();
        if selected {
            theme.select(buffer, line.intersection(buffer.area));
            Pen::new(buffer, Rect { x: line.x + 1, ..line }).put("▸", theme.style(Role::Accent));
        }
        let words = Rect { x: line.x + 3, width: line.width.saturating_sub(4), ..line };
        draw_choice(state, theme, choice, titles, &mut Pen::new(buffer, words));
    }
}

/// The end of a text that is longer than its room: it is there that one types.
fn end_of(words: &str, room: u16) -> &str {
    let mut used = 0;
    for (place, letter) in words.grapheme_indices(true).rev() {
        used += text::width(letter);
        if used > room {
            return words.get(place + letter.len()..).unwrap_or_default();
        }
    }
    words
}

fn draw_choice(state: &State, theme: &Theme, choice: &Choice, titles: u16, pen: &mut Pen<'_>) {
    let dim = theme.style(Role::Dim);
    let refused = refusal(state, &choice.what);
    let key = key(state, &choice.what);
    let keys = if key.is_empty() { 0 } else { text::width(key) + 2 };
    let room = pen.room().saturating_sub(keys);
    pen.within(room, |pen| {
        pen.within(titles, |pen| title(theme, choice, refused.is_some(), pen));
        pen.skip(2);
        match refused {
            Some(reason) => {
                pen.put(&reason, dim);
            }
            None => remark(state, theme, &choice.what, pen),
        }
    });
    pen.skip(2).put(key, theme.style(if choice_is_key(&choice.what) { Role::Accent } else { Role::Dim }));
}

/// The title, with the letters that were typed.
fn title(theme: &Theme, choice: &Choice, refused: bool, pen: &mut Pen<'_>) {
    let plain = theme.style(if refused { Role::Dim } else { Role::Strong });
    let typed: Style = if refused { plain } else { theme.bold(Role::Accent) };
    let shown = text::fit_name(&choice.title, pen.room());
    if *shown != *choice.title {
        pen.put(&shown, plain);
        return;
    }
    let mut run = String::new();
    let mut marked = false;
    for (place, letter) in (0_u32..).zip(choice.title.graphemes(true)) {
        if choice.typed.binary_search(&place).is_ok() != marked {
            pen.put(&run, if marked { typed } else { plain });
            run.clear();
            marked = !marked;
        }
        run.push_str(letter);
    }
    pen.put(&run, if marked { typed } else { plain });
}

/// What one has to know of a choice, in a few words.
fn remark(state: &State, theme: &Theme, what: &What, pen: &mut Pen<'_>) {
    let dim = theme.style(Role::Dim);
    match what {
        // Of the selected one it is known how it stands.
        What::Run(command, Some(key)) if state.subject() == Some(key) => {
            pen.put(command.entry().words, dim);
        }
        What::Run(_, Some(key)) | What::Open(key) => release(state, theme, key, pen),
        What::Run(command, None) => {
            pen.put(command.entry().words, dim);
        }
        What::Environment(id) => {
            if let Some(environment) = state.environments.get(usize::from(id.0)) {
                let settings = &environment.settings;
                pen.put(&tier::badge(&settings.name, settings.tier), tier::style(theme, settings.tier)).skip(2);
                let need = environment.table.counts().need;
                if need > 0 {
                    pen.put(&phrase::need(need), theme.mark(Mark::Warning));
                }
            }
        }
        What::Theme(_) => {
            pen.put("how it looks", dim);
        }
        What::Settle { act, .. } => {
            if let Some(act) = state.ledger.view().act(act) {
                pen.put(&format!("{} · {} · {}", act.environment, act.operator.local, moment(act.at)), dim);
            }
        }
    }
}

fn release(state: &State, theme: &Theme, key: &Key, pen: &mut Pen<'_>) {
    let dim = theme.style(Role::Dim);
    pen.put(&key.namespace, dim);
    if let Some(release) = state.release(key) {
        let next = phrase::next(&release, state.cluster_time());
        pen.put(" · ", theme.style(Role::Border)).put(theme.glyph(next.mark, state.now), theme.mark(next.mark)).skip(1);
        pen.put(&next.words, dim);
    }
}

/// The key that does the same.
fn key<'s>(state: &'s State, what: &What) -> &'s str {
    let label = |command| state.keymap.label(command).map_or("", |label| &**label);
    match what {
        What::Run(command, _) => label(*command),
        What::Open(_) => label(Command::RolloutOpen),
        What::Environment(_) => label(Command::Environments),
        What::Theme(_) => label(Command::Theme),
        What::Settle { .. } => "",
    }
}

/// Whether the key does exactly that, and not only something like it.
fn choice_is_key(what: &What) -> bool {
    matches!(what, What::Run(..))
}

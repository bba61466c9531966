//! All that is measured as a matrix of releases and signals, the worst first:
//!
//! ```text
//! ╭ Signals ─────────────────────────────────── 1 over its limit · 1 without a verdict · 9 ╮
//! │   rollout    gate               p95        errors     saturation  traffic              │
//! │ ▸ gateway    ✖ errors 3:12      ✔ 412ms    ✖ 1.8%     ✔ 61%       ✔ 212/s              │
//! │   search     ? no data          ? –        ? –        ? –         ? –                  │
//! ╰────────────────────────────────────────────────────────────────────────────────────────╯
//! ```

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, rows};
use super::super::pieces::Pieces;
use super::super::place_words;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::{frame::Frame, spark};
use super::focused;
use super::says::say;
use super::signals::verdict::{mark, mark_of, short};
use super::signals::{SPARK, remark, saying};
use crate::app::{Layout, Pane, State};
use crate::domain::id::Key;
use crate::domain::signal::{Judgement, Track, Verdict};

/// Cells of a signal's column, at least: a mark and a value.
const VALUE: u16 = 11;
/// Cells of a signal's name, at most.
const LABEL: u16 = 24;
/// Cells of the number of signals that have no room.
const MORE: u16 = 3;
/// Cells of the little line beside them, where all signals have room for one.
const LINE: u16 = 10;
/// Cells of the gate's column, at least and at most.
const GATE: (u16, u16) = (14, 26);

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, layout: &Layout, buffer: &mut Buffer) {
    let (Some(area), Some(list)) = (layout.pane(Pane::Matrix), layout.rows) else { return };
    frame(state, theme, list.height).draw(theme, buffer, area);
    if state.board.counts().all == 0 {
        let above = Rect { y: list.y.saturating_sub(1), height: list.height + 1, ..list };
        return say(state, theme, &saying(state, None), above, buffer);
    }
    let keys: Vec<&Key> = state.board.window(usize::from(list.height)).collect();
    let room = list.width.saturating_sub(4);
    let columns = Columns::fitting(state, &keys, room);
    let title = Rect { x: list.x + 3, y: list.y.saturating_sub(1), width: room, height: 1 };
    columns.titles(theme, &mut Pen::new(buffer, title));
    for (key, line) in keys.into_iter().zip(rows(list)) {
        let inside = Rect { x: line.x + 3, width: room, ..line };
        columns.row(state, theme, key, &mut Pen::new(buffer, inside));
        if state.board.selected() == Some(key) {
            let role = if focused(state, Pane::Matrix) { Role::Accent } else { Role::Dim };
            Pen::new(buffer, Rect { x: line.x + 1, width: 1, ..line }).put("▸", theme.style(role));
            theme.select(buffer, line.intersection(buffer.area));
        }
    }
    if state.environment().metrics.freshness(state.now).is_some_and(|freshness| freshness.is_stale()) {
        theme.age(buffer, list.intersection(buffer.area));
    }
}

fn frame<'a>(state: &State, theme: &Theme, height: u16) -> Frame<'a> {
    let counts = state.board.counts();
    let mut frame = Frame::titled(theme, "Signals", focused(state, Pane::Matrix));
    frame.right = Pieces::separated(" · ", theme.style(Role::Border));
    if counts.breached > 0 {
        frame.right.push(0, format!("{} over a limit", counts.breached), theme.bold(Role::Bad));
    }
    if counts.unknown > 0 {
        frame.right.push(1, format!("{} without a verdict", counts.unknown), theme.style(Role::Warn));
    }
    if counts.all > 0 {
        let place = place_words(state.board.top(), counts.all, height);
        frame.right.push(2, place.unwrap_or_else(|| counts.all.to_string()), theme.style(Role::Dim));
    }
    frame.remark = remark(state, theme);
    frame
}

/// The signals that have room, and where everything stands.
struct Columns {
    name: u16,
    gate: u16,
    /// Each with the cells of its mark and value: as many as its name asks for, as far as there is room.
    signals: Vec<(Arc<str>, u16)>,
    /// Cells of a little line; 0 where there is no room.
    line: u16,
    /// Signals that have no room.
    hidden: usize,
}

impl Columns {
    fn fitting(state: &State, keys: &[&Key], room: u16) -> Self {
        let metrics = &state.environment().metrics;
        let mut signals: Vec<Arc<str>> = Vec::new();
        for key in keys {
            for signal in metrics.signals(key).iter().filter(|signal| !signals.contains(&signal.name)).collect::<Vec<_>>() {
                signals.push(Arc::clone(&signal.name));
            }
        }
        let longest = keys.iter().map(|key| text::width(&key.name)).max().unwrap_or(0);
        let name = longest.clamp(8, 30).min((room / 4).max(11));
        let left = room.saturating_sub(name + 2 + GATE.0 + 2);
        let fits = usize::from(left / (VALUE + 1));
        // How many are hidden has its room.
        let more = if signals.len() > fits { MORE } else { 0 };
        let left = left.saturating_sub(more);
        let fits = usize::from(left / (VALUE + 1));
        let hidden = signals.len().saturating_sub(fits);
        signals.truncate(fits);
        let count = u16::try_from(signals.len()).unwrap_or(0);
        let mut left = left.saturating_sub(count * (VALUE + 1));
        let signals = signals.into_iter().map(|name| {
            let more = (2 + text::width(&name).min(LABEL)).saturating_sub(VALUE).min(left);
            left -= more;
            (name, VALUE + more)
        });
        let signals = signals.collect();
        let gate = GATE.0 + left.min(GATE.1 - GATE.0);
        let left = left.saturating_sub(GATE.1 - GATE.0);
        let line = if count > 0 && left / count >= LINE { (left / count - 2).min(2 * LINE) } else { 0 };
        Self { name, gate, signals, line, hidden }
    }

    fn titles(&self, theme: &Theme, pen: &mut Pen<'_>) {
        let dim = theme.style(Role::Dim);
        pen.column("rollout", self.name, dim).skip(2).column("gate", self.gate, dim).skip(2);
        for (name, value) in &self.signals {
            let cells = if self.line > 0 { value + self.line } else { value - 2 };
            pen.skip(2).column(&text::fit(name, cells), cells, dim).skip(1);
        }
        if self.hidden > 0 {
            pen.put(&format!("+{}", self.hidden), dim);
        }
    }

    fn row(&self, state: &State, theme: &Theme, key: &Key, pen: &mut Pen<'_>) {
        let metrics = &state.environment().metrics;
        pen.within(self.name, |pen| {
            pen.put(&text::fit_name(&key.name, self.name), theme.style(Role::Strong));
        });
        pen.skip(2);
        let standing = metrics.standing(key);
        pen.within(self.gate, |pen| match standing.and_then(|standing| standing.worst()) {
            Some(worst) => gate(theme, worst, pen),
            None => hint(state, theme, key, pen),
        });
        pen.skip(2);
        for (name, cells) in &self.signals {
            let judgement = standing.and_then(|standing| standing.judgements.iter().find(|one| one.name == *name));
            pen.within(*cells, |pen| match judgement {
                Some(judgement) => value(theme, judgement, pen),
                None => glimpse(state, theme, (key, name), pen),
            });
            pen.skip(1);
            if self.line > 0 {
                pen.within(self.line, |pen| {
                    let series = judgement.and_then(|one| {
                        metrics
                            .series(key, name)
                            .iter()
                            .find(|track| track.track == one.track)
                            .map(|track| (&track.value, one.limit))
                    });
                    if let Some(series) = series {
                        spark::draw(pen, theme, series, (SPARK, state.now), self.line);
                    }
                });
                pen.skip(2);
            }
        }
    }
}

fn gate(theme: &Theme, worst: &Judgement, pen: &mut Pen<'_>) {
    let mark = mark(worst.verdict);
    let words = match worst.verdict {
        Verdict::Pass => "open".to_owned(),
        _ => format!("{} {}", worst.name, short(worst)),
    };
    let style = if worst.verdict == Verdict::Pass { theme.style(Role::Dim) } else { theme.mark(mark) };
    pen.put(mark.glyph(), theme.mark(mark)).skip(1).put(&words, style);
}

/// Of one that is not measured in full: what the grouped queries say. They have no history, so it is a hint, and opens no gate.
fn hint(state: &State, theme: &Theme, key: &Key, pen: &mut Pen<'_>) {
    let Some(worst) = state.environment().metrics.mark(key, state.now) else { return };
    let dim = theme.style(Role::Dim);
    if worst.verdict == Verdict::Pass && !worst.whole {
        pen.put("· in its limits", dim);
        return;
    }
    let mark = mark(worst.verdict);
    let words = format!("{} {}", worst.signal, worst.verdict.words());
    pen.put(mark.glyph(), theme.mark(mark)).skip(1).put(&words, dim);
}

fn value(theme: &Theme, judgement: &Judgement, pen: &mut Pen<'_>) {
    let mark = mark_of(judgement);
    let words = judgement.value.map_or_else(|| "–".to_owned(), |value| judgement.unit.show(value));
    let style = match judgement.verdict {
        Verdict::Breach => theme.bold(Role::Bad),
        Verdict::Warn => theme.style(Role::Warn),
        Verdict::NoData => theme.style(Role::Dim),
        _ => theme.style(Role::Text),
    };
    pen.put(mark.glyph(), theme.mark(mark)).skip(1).put(&words, style);
}

/// The newest value in the grouped queries, without a verdict unless it is the one that is wrong.
fn glimpse(state: &State, theme: &Theme, (key, name): (&Key, &Arc<str>), pen: &mut Pen<'_>) {
    let metrics = &state.environment().metrics;
    let tracks = [Track::Canary, Track::All, Track::Stable];
    let Some(value) = tracks.into_iter().find_map(|track| metrics.fleet_value(name, key, track)) else { return };
    let unit =
        metrics.signals(key).iter().find(|signal| signal.name == *name).map(|signal| signal.unit.clone()).unwrap_or_default();
    let wrong = metrics.mark(key, state.now).filter(|worst| worst.signal == *name && worst.verdict == Verdict::Breach);
    if wrong.is_some() {
        pen.put(Mark::Bad.glyph(), theme.mark(Mark::Bad)).skip(1).put(&unit.show(value), theme.mark(Mark::Bad));
        return;
    }
    pen.skip(2).put(&unit.show(value), theme.style(Role::Dim));
}

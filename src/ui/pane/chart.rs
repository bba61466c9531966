//! One signal of the opened release over time, canary against stable; what both were where it is read; when something happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use jiff::{SignedDuration, Timestamp};

use super::super::glyph::Mark;
use super::super::pen::{Pen, row};
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::chart::{Chart, Line, Moment};
use super::super::widget::{axis, frame::Frame};
use super::focused;
use super::signals::verdict::{mark_of, short};
use super::signals::{remark, saying};
use crate::app::chart::{self, Drawn, Known};
use crate::app::{Pane, State};
use crate::domain::id::Key;
use crate::domain::series::decimal;
use crate::domain::signal::{Judgement, Track, Verdict};

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut frame = Frame::titled(theme, "Chart", focused(state, Pane::Chart));
    let Some(key) = state.subject() else {
        frame.draw(theme, buffer, area);
        return;
    };
    let judgements = state.environment().metrics.judgements(key);
    let shown = state.chart.signal(state, key);
    let shown = shown.and_then(|name| judgements.iter().position(|one| one.name == name));
    let shown = shown.filter(|_| state.environment().metrics.measured(key).is_some());
    let Some((place, judgement)) = shown.and_then(|place| Some((place, judgements.get(place)?))) else {
        let inside = frame.draw(theme, buffer, area);
        return super::says::say(state, theme, &saying(state, Some(key)), inside, buffer);
    };
    frame.title.push(0, judgement.name.to_string(), theme.style(Role::Text));
    if judgements.len() > 1 {
        frame.title.push(2, format!("{} of {}", place + 1, judgements.len()), theme.style(Role::Dim));
    }
    frame.right = span(state, theme);
    frame.remark = remark(state, theme);
    let inside = frame.draw(theme, buffer, area);
    let drawn = chart::drawn(state, key, &judgement.name);
    if let Some(refused) = drawn.iter().find_map(|one| one.refused) {
        return self::refused(theme, refused, inside, buffer);
    }
    Opened { state, theme, key, judgement, drawn: &drawn }.draw(inside, buffer);
}

/// `last 30m`, or until when; whether more is being asked for.
fn span<'a>(state: &State, theme: &Theme) -> Pieces<'a> {
    let dim = theme.style(Role::Dim);
    let length = axis::span(SignedDuration::from_secs(state.chart.seconds().into()));
    let words = if state.chart.follows() {
        format!("last {length}")
    } else {
        format!("{length} until {}", text::time_of_day(state.chart.window(state.now).1))
    };
    let line = Pieces::separated(" · ", theme.style(Role::Border));
    match chart::known(state) {
        Known::All => line.add(0, words, dim),
        Known::Asking => {
            let glyph = theme.glyph(Mark::Running, state.now);
            line.add(1, format!("{glyph} asking"), theme.mark(Mark::Running)).add(0, words, dim)
        }
        Known::Refused(why) => {
            let why = format!("{} {}", Mark::Bad.glyph(), text::fit(why, 40));
            line.add(1, why, theme.mark(Mark::Bad)).add(0, words, dim)
        }
    }
}

/// The server's words against the query.
fn refused(theme: &Theme, said: &str, area: Rect, buffer: &mut Buffer) {
    let title = format!("{} The metrics server refuses the query.", Mark::Bad.glyph());
    Pen::new(buffer, row(area, 0)).put(&title, theme.mark(Mark::Bad));
    for (line, place) in text::wrap(said, area.width.saturating_sub(2), usize::from(area.height).saturating_sub(2)).iter().zip(1..)
    {
        Pen::new(buffer, row(area, place)).skip(2).put(line, theme.style(Role::Text));
    }
}

/// How a track is drawn: its colour, and whether as dots.
fn look(track: Track) -> (Role, bool) {
    match track {
        Track::Canary => (Role::Canary, false),
        Track::Stable => (Role::Stable, true),
        Track::All => (Role::Strong, false),
    }
}

struct Opened<'a> {
    state: &'a State,
    theme: &'a Theme,
    key: &'a Key,
    judgement: &'a Judgement,
    drawn: &'a [Drawn<'a>],
}

impl Opened<'_> {
    fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let (state, theme) = (self.state, self.theme);
        self.legend(area.width).within(area.width).draw(&mut Pen::new(buffer, row(area, 0)));
        let plot = Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area };
        let alone = self.drawn.len() == 1;
        let lines = self.drawn.iter().map(|one| {
            let (role, dotted) = look(one.track);
            Line { role, dotted: dotted && !alone, parts: one.parts.clone() }
        });
        let moments = chart::moments(state, self.key).into_iter().map(|(at, words, person)| Moment { at, words, person });
        let chart = Chart {
            lines: lines.collect(),
            limit: self.judgement.limit,
            unit: &self.judgement.unit,
            span: state.chart.window(state.now),
            moments: moments.collect(),
            cursor: state.chart.cursor(),
            breached: self.judgement.verdict == Verdict::Breach,
        };
        chart.draw(theme, plot, buffer);
        if state.environment().metrics.freshness(state.now).is_some_and(|freshness| freshness.is_stale()) {
            theme.age(buffer, area.intersection(buffer.area));
        }
    }

    /// What the lines are, and what they say where they are read.
    fn legend(&self, width: u16) -> Pieces<'static> {
        let (theme, judgement) = (self.theme, self.judgement);
        let cursor = self.state.chart.cursor();
        let mut line = Pieces::new();
        if let Some(at) = cursor {
            let ago = super::signals::clock(self.state.now.duration_since(at).as_secs().max(0));
            line = line.add(0, text::time_of_day(at), theme.style(Role::Accent)).after(
                1,
                3,
                format!("{ago} ago"),
                theme.style(Role::Dim),
            );
        }
        let alone = self.drawn.len() == 1;
        for one in self.drawn.iter().rev() {
            let (role, dotted) = look(one.track);
            let sample = match (theme.ascii, dotted && !alone) {
                (true, false) => "**",
                (true, true) => "..",
                (false, false) => "⠤⠤",
                (false, true) => "⠄⠄",
            };
            let value = value(one, cursor);
            let value = value.map_or_else(|| "–".to_owned(), |value| judgement.unit.show(value));
            let gap = if line.is_empty() { 0 } else { 3 };
            line = line.after(gap, 0, format!("{sample} {}", one.track.name()), theme.style(role));
            line = line.after(1, 0, value, theme.bold(Role::Strong));
        }
        let limit = format!("limit {} {}", judgement.limit.comparator.sign(), judgement.unit.show(judgement.limit.threshold));
        let role = if judgement.verdict == Verdict::Breach { Role::Bad } else { Role::Warn };
        if !judgement.limit.is_open() {
            line = line.after(3, 2, limit, theme.style(role));
        }
        if width >= 60 && cursor.is_none() {
            let mark = mark_of(judgement);
            line = line.after(3, 1, format!("{} {}", mark.glyph(), short(judgement)), theme.mark(mark));
        }
        line
    }
}

/// What a line says where it is read, or at its end.
fn value(one: &Drawn<'_>, cursor: Option<Timestamp>) -> Option<f64> {
    let value = match cursor {
        // The newest part knows it best.
        Some(at) => one.parts.iter().rev().find_map(|part| part.value_at(at)),
        None => one.parts.last().and_then(|part| part.last()),
    };
    value.map(decimal)
}

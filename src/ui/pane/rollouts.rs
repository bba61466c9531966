//! The list of releases:
//!
//! ```text
//! ╭ Rollouts ──────────────────────────────────── 1 needs you · 3 moving · 42 ╮
//! │   rollout     next               traffic                  step   left    │
//! │ ▸ gateway     ◷ auto→50%          25% ████▌············    4/8   4:31    │
//! │   intelgraph  ✔ healthy          100% on rev 31                          │
//! ╰───────────────────────────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph::Mark;
use super::super::pen::{Pen, rows};
use super::super::phrase;
use super::super::pieces::Pieces;
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::bar;
use super::super::widget::frame::Frame;
use super::columns::{Column, Columns, images};
use super::signals::verdict::mark;
use super::{age, focused, says, stale};
use crate::app::environment::Condition;
use crate::app::{Layout, Overlay, Pane, Sort, State};
use crate::domain::duration::clock;
use crate::domain::release::{Phase, Release, Way};
use crate::domain::signal::Verdict;

/// Draws the pane.
pub fn draw(state: &State, theme: &Theme, layout: &Layout, buffer: &mut Buffer) {
    let (Some(area), Some(list)) = (layout.pane(Pane::Rollouts), layout.rows) else { return };
    let condition = state.environment().condition();
    frame(state, theme, &condition, list.height).draw(theme, buffer, area);
    if let Some(line) = layout.filter {
        filter(state, theme, line, buffer);
    }
    let counts = state.table().counts();
    if counts.shown == 0 {
        let above = Rect { y: list.y.saturating_sub(1), height: list.height + 1, ..list };
        return says::draw(state, theme, &condition, above, buffer);
    }
    let columns = Columns::fitting(list.width.saturating_sub(4), state.environment().is_measured());
    let title = Rect { y: list.y.saturating_sub(1), height: 1, ..list };
    titles(state, theme, &columns, Rect { x: title.x + 3, width: title.width.saturating_sub(4), ..title }, buffer);
    let now = state.cluster_time();
    for (key, line) in state.table().window(usize::from(list.height)).zip(rows(list)) {
        let selected = state.table().selected() == Some(key);
        if let Some(release) = state.release(key) {
            let inside = Rect { x: line.x + 3, width: line.width.saturating_sub(4), ..line };
            let mut row = Row { state, theme, release: &release, now, selected };
            row.draw(&columns, &mut Pen::new(buffer, inside));
        }
        if selected {
            let role = if focused(state, Pane::Rollouts) { Role::Accent } else { Role::Dim };
            Pen::new(buffer, Rect { x: line.x + 1, width: 1, ..line }).put("▸", theme.style(role));
            theme.select(buffer, line.intersection(buffer.area));
        }
    }
    age(state, theme, buffer, list);
}

fn frame<'a>(state: &State, theme: &Theme, condition: &Condition, height: u16) -> Frame<'a> {
    let counts = state.table().counts();
    let dim = theme.style(Role::Dim);
    let mut frame = Frame::titled(theme, "Rollouts", focused(state, Pane::Rollouts));
    frame.right = Pieces::separated(" · ", theme.style(Role::Border));
    if counts.need > 0 {
        frame.right.push(0, phrase::need(counts.need), theme.bold(Role::Warn));
    }
    if counts.moving > 0 {
        frame.right.push(1, format!("{} moving", counts.moving), theme.style(Role::Info));
    }
    if counts.all > 0 {
        let all = match super::super::place_words(state.table().top(), counts.shown, height) {
            _ if counts.shown < counts.all => format!("{} of {}", counts.shown, counts.all),
            Some(place) => place,
            None => counts.all.to_string(),
        };
        frame.right.push(2, all, dim);
    }
    let (sort, reversed) = state.table().sort();
    if sort != Sort::Need || reversed {
        let words = format!("by {}{}", sort.word(), if reversed { ", reversed" } else { "" });
        frame.title.push(1, words, dim);
    }
    let old = stale(state, theme);
    frame.remark = if old.is_empty() && counts.shown > 0 { says::remark(theme, condition) } else { old };
    frame
}

fn titles(state: &State, theme: &Theme, columns: &Columns, line: Rect, buffer: &mut Buffer) {
    let (sort, _) = state.table().sort();
    let mut pen = Pen::new(buffer, line);
    for (column, cells) in columns.iter() {
        let sorted = matches!(
            (column, sort),
            (Column::Name, Sort::Name)
                | (Column::Namespace, Sort::Namespace)
                | (Column::Next, Sort::Phase)
                | (Column::Weight, Sort::Weight)
                | (Column::Age, Sort::Age)
        );
        let style = theme.style(if sorted { Role::Text } else { Role::Dim });
        let title = if text::width(column.title()) > cells { "" } else { column.title() };
        if column.right() {
            pen.column_right(title, cells, style)
        } else {
            pen.column(title, cells, style)
        };
        pen.skip(column.gap());
    }
}

fn filter(state: &State, theme: &Theme, line: Rect, buffer: &mut Buffer) {
    let counts = state.table().counts();
    let typing = state.overlay == Some(Overlay::Filter);
    let mut pen = Pen::new(buffer, Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line });
    let mark = if typing { Role::Accent } else { Role::Dim };
    pen.put("/", theme.style(mark)).skip(1).put(state.table().filter(), theme.style(Role::Strong));
    if typing {
        pen.put("▏", theme.style(Role::Accent));
    }
    pen.skip(2);
    let mut line = Pieces::new();
    if counts.hidden_need > 0 {
        line.push(0, format!("filter hides {} that need you", counts.hidden_need), theme.mark(Mark::Warning));
    }
    line.draw_right(&mut pen);
}

/// A row being drawn.
struct Row<'a> {
    state: &'a State,
    theme: &'a Theme,
    release: &'a Release,
    now: jiff::Timestamp,
    selected: bool,
}

impl Row<'_> {
    fn draw(&mut self, columns: &Columns, pen: &mut Pen<'_>) {
        for (column, cells) in columns.iter() {
            pen.within(cells, |pen| self.cell(column, cells, pen));
            pen.skip(column.gap());
        }
    }

    fn cell(&self, column: Column, cells: u16, pen: &mut Pen<'_>) {
        let (theme, release) = (self.theme, self.release);
        let (plain, dim) = (theme.style(Role::Text), theme.style(Role::Dim));
        match column {
            Column::Name => {
                let calm = release.phase == Phase::Healthy && !self.selected;
                let style = if calm { plain } else { theme.style(Role::Strong) };
                pen.put(&text::fit_name(&release.key.name, cells), style);
            }
            Column::Namespace => {
                pen.put(&text::fit_name(&release.key.namespace, cells), dim);
            }
            Column::Next => {
                let next = phrase::next(release, self.now);
                let style = if next.mark == Mark::Good { dim } else { plain };
                let style = if matches!(next.mark, Mark::Bad | Mark::Warning) { theme.mark(next.mark) } else { style };
                pen.put(theme.glyph(next.mark, self.state.now), theme.mark(next.mark)).skip(1).put(&next.words, style);
                if let Some(guard) = self.state.guard(self.state.environment(), &release.key) {
                    let (words, style) = match guard.left {
                        Some(left) => (format!("back in {}", clock(left)), theme.mark(Mark::Bad)),
                        None => ("guarded".to_owned(), dim),
                    };
                    if pen.room() >= text::width(&words) + 3 {
                        pen.put(" · ", dim).put(&words, style);
                    } else {
                        pen.put(" ●", style);
                    }
                }
            }
            Column::Weight => {
                if let Some(weight) = release.shown_weight {
                    let style = if release.promoted { dim } else { plain };
                    pen.column_right(&format!("{weight}%"), cells, style);
                }
            }
            Column::Gate => self.gate(cells, pen),
            Column::Bar => self.bar(cells, pen),
            Column::Step => {
                pen.column_right(&phrase::step(release).unwrap_or_default(), cells, dim);
            }
            Column::Left => {
                let left = phrase::countdown(release, self.now).unwrap_or_default();
                pen.column_right(&left, cells, plain);
            }
            Column::Images => images(theme, release, cells, pen),
            Column::Revision => {
                let revision = release.revision.map_or_else(String::new, |revision| revision.to_string());
                pen.column_right(&revision, cells, dim);
            }
            Column::Age => {
                let since = release.since.map_or_else(String::new, |since| text::ago(since, self.now));
                pen.column_right(&since, cells, dim);
            }
        }
    }

    /// The worst of what is measured, as far as it matters: of what is at rest or aborted only what is wrong. By the grouped queries alone
    /// nothing is open, it only looks well.
    fn gate(&self, cells: u16, pen: &mut Pen<'_>) {
        let theme = self.theme;
        let metrics = &self.state.environment().metrics;
        let Some(gate) = metrics.mark(&self.release.key, self.state.now) else { return };
        let wrong = matches!(gate.verdict, Verdict::Breach | Verdict::Warn);
        if (self.release.promoted || self.release.aborted) && !wrong {
            return;
        }
        let mark = mark(gate.verdict);
        let passes = gate.verdict == Verdict::Pass;
        if passes && !gate.whole {
            pen.put("·", theme.style(Role::Dim));
        } else {
            pen.put(mark.glyph(), theme.mark(mark));
        }
        if cells < 5 {
            return;
        }
        let words = match (gate.verdict, gate.value) {
            (Verdict::Pass, _) if gate.whole => "open".to_owned(),
            (Verdict::Pass, _) => "in its limits".to_owned(),
            (_, Some(value)) if wrong => format!("{} {}", gate.signal, gate.unit.show(value)),
            (verdict, _) => verdict.words().to_owned(),
        };
        let style = if passes { theme.style(Role::Dim) } else { theme.mark(mark) };
        pen.skip(1).put(&words, style);
    }

    /// A bar where traffic is being shifted; where it is not, who has it.
    fn bar(&self, cells: u16, pen: &mut Pen<'_>) {
        let (theme, release) = (self.theme, self.release);
        let dim = theme.style(Role::Dim);
        match (release.shown_weight, release.revision) {
            (_, Some(revision)) if release.promoted => {
                pen.put(&format!("on rev {revision}"), dim);
            }
            (None, Some(revision)) if release.way == Way::BlueGreen => {
                let words = format!("rev {revision} preview");
                pen.put(if text::width(&words) > cells { "preview" } else { &words }, theme.style(Role::Canary));
            }
            (Some(_), _) if release.promoted => {}
            (Some(weight), _) => bar::draw(pen, theme, weight, cells, Role::Canary),
            (None, _) => {}
        }
    }
}

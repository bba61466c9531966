//! One signal of two versions against each other over time, in dots of a quarter of a cell's height:
//!
//! ```text
//!        ▾10%          ▾25%
//!   2% ┤                 ⢀⡠⠤⠒⠒⠉⠉⠉
//! < 1% ┤⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⠒⠒ ⡔⠁⠒ ⠒⠒ ⠒⠒     the limit, dashed
//!   0% ┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡠⠊⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂     canary a line, stable dots
//!       13:50         14:00
//! ```
//!
//! A column has two values at most, each the worst of its time. The lines differ in their pattern, not in their colour alone.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::axis::{Scale, times};
use super::resample::{Span, line};
use crate::app::panes;
use crate::domain::series::Series;
use crate::domain::signal::{Limit, Unit};
use crate::ui::pen::{Pen, row};
use crate::ui::text;
use crate::ui::theme::{Role, Theme};

/// Dots of a cell, across and down.
const DOTS: (usize, usize) = (2, 4);

/// A line of the chart.
pub struct Line<'a> {
    /// Its colour.
    pub role: Role,
    /// Whether it is dots with room between instead of a line.
    pub dotted: bool,
    /// Its values: a later part goes on where the one before it ends.
    pub parts: Vec<&'a Series>,
}

/// A moment at which something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, by the clock of the series.
    pub at: Timestamp,
    /// What, in a word or two.
    pub words: String,
    /// Whether a person did it.
    pub person: bool,
}

/// What is drawn.
pub struct Chart<'a> {
    /// The lines; the last one lies above the others.
    pub lines: Vec<Line<'a>>,
    /// What values are held against.
    pub limit: Limit,
    /// What values count.
    pub unit: &'a Unit,
    /// The span that is shown.
    pub span: (Timestamp, Timestamp),
    /// What happened within it, in the order of time.
    pub moments: Vec<Moment>,
    /// Where values are read.
    pub cursor: Option<Timestamp>,
    /// Whether the newest value is over the limit.
    pub breached: bool,
}

/// Cells of the axis at the left, with its rule.
const AXIS: u16 = panes::AXIS - 2;

impl Chart<'_> {
    /// Draws it: moments, plot, times.
    pub fn draw(mut self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.width < AXIS + 6 || area.height < 4 {
            return;
        }
        let above = u16::from(area.height >= 7 && !self.moments.is_empty());
        let plot = Rect::new(area.x + AXIS, area.y + above, area.width - AXIS, area.height - 1 - above);
        self.thin_out(plot);
        let columns = usize::from(plot.width);
        let span = Span::between(self.span.0, self.span.1, columns * DOTS.0);
        let lines: Vec<_> = self.lines.iter().map(|one| line(&one.parts, span, self.limit)).collect();
        let values = lines.iter().flatten().flatten().map(|value| f64::from(*value));
        let scale = Scale::fitting(values, self.limit, (plot.height / 3).clamp(1, 6));
        let grid = Grid { theme, plot, scale };
        let mut cells = vec![Cell::default(); columns * usize::from(plot.height)];
        for (one, values) in self.lines.iter().zip(&lines) {
            grid.trace(&mut cells, one, values);
        }
        self.upright(&grid, buffer);
        if !self.limit.is_open() {
            grid.limit(self.limit, self.limit_style(theme), buffer);
        }
        grid.put(&cells, buffer);
        self.axis(&grid, area, buffer);
        if above > 0 {
            self.moments(theme, plot, Rect { height: 1, ..area }, buffer);
        }
        self.times(theme, plot, buffer);
        self.cursor(theme, plot, buffer);
    }

    /// Of what happened almost at once the last tells; what a person did always does.
    fn thin_out(&mut self, plot: Rect) {
        let mut kept: Vec<(u16, Moment)> = Vec::new();
        for moment in std::mem::take(&mut self.moments) {
            let Some(x) = self.column(plot, moment.at) else { continue };
            if kept.last().is_some_and(|(before, last)| !last.person && x.abs_diff(*before) <= 2) {
                kept.pop();
            }
            kept.push((x, moment));
        }
        self.moments = kept.into_iter().map(|(_, moment)| moment).collect();
    }

    fn limit_style(&self, theme: &Theme) -> Style {
        theme.style(if self.breached { Role::Bad } else { Role::Warn })
    }

    fn columns(&self, plot: Rect) -> Span {
        Span::between(self.span.0, self.span.1, usize::from(plot.width))
    }

    fn column(&self, plot: Rect, moment: Timestamp) -> Option<u16> {
        let column = self.columns(plot).column(moment)?;
        Some(plot.x + u16::try_from(column).ok()?)
    }

    /// A rule down the plot where something happened.
    fn upright(&self, grid: &Grid<'_>, buffer: &mut Buffer) {
        for moment in &self.moments {
            let Some(x) = self.column(grid.plot, moment.at) else { continue };
            for y in grid.plot.top()..grid.plot.bottom() {
                Pen::new(buffer, Rect::new(x, y, 1, 1)).put("┊", grid.theme.style(Role::Border));
            }
        }
    }

    fn axis(&self, grid: &Grid<'_>, area: Rect, buffer: &mut Buffer) {
        let dim = grid.theme.style(Role::Dim);
        let limit_row = grid.row(self.limit.threshold).filter(|_| !self.limit.is_open());
        let mut label = |y: u16, words: &str, style: Style| {
            let mut pen = Pen::new(buffer, Rect::new(area.x, y, AXIS, 1));
            pen.column_right(words, AXIS - 2, style).skip(1).put("┤", grid.theme.style(Role::Border));
        };
        for value in grid.scale.named() {
            let row = grid.row(value);
            // Next to the limit, its own words are enough.
            let near = limit_row.zip(row).is_some_and(|(limit, row)| limit.abs_diff(row) < 1);
            if let Some(row) = row.filter(|_| !near) {
                label(row, &self.unit.show(value), dim);
            }
        }
        if let Some(row) = limit_row {
            let words = format!("{} {}", self.limit.comparator.sign(), self.unit.show(self.limit.threshold));
            let words = if text::width(&words) > AXIS - 2 { self.unit.show(self.limit.threshold) } else { words };
            label(row, &words, self.limit_style(grid.theme));
        }
    }

    /// What happened, each above its rule as far as there is room.
    fn moments(&self, theme: &Theme, plot: Rect, line: Rect, buffer: &mut Buffer) {
        let mut places: Vec<_> =
            self.moments.iter().filter_map(|moment| self.column(plot, moment.at).map(|x| (x, moment))).collect();
        places.sort_by_key(|(x, _)| *x);
        let mut free = plot.x;
        for (place, (x, moment)) in places.iter().enumerate() {
            if *x < free {
                continue;
            }
            let next = places.get(place + 1).map_or(line.right(), |(next, _)| (*next).max(x + 1));
            let (glyph, role) = if moment.person { ("▸", Role::Accent) } else { ("▾", Role::Dim) };
            let mut pen = Pen::new(buffer, Rect::new(*x, line.y, next.saturating_sub(*x), 1));
            pen.put(glyph, theme.style(role));
            // Half a word says nothing.
            if text::width(&moment.words) < pen.room() {
                pen.put(&moment.words, theme.style(if moment.person { Role::Strong } else { Role::Dim })).skip(1);
            }
            free = pen.x();
        }
    }

    fn times(&self, theme: &Theme, plot: Rect, buffer: &mut Buffer) {
        let y = plot.bottom();
        let most = usize::from(plot.width / 13).max(1);
        let mut free = plot.x;
        for (moment, words) in times(self.span.0, self.span.1, most) {
            let width = text::width(&words);
            let Some(x) = self.column(plot, moment) else { continue };
            let x = x.saturating_sub(width / 2).max(plot.x).min(plot.right().saturating_sub(width));
            if x < free {
                continue;
            }
            Pen::new(buffer, Rect::new(x, y, width, 1)).put(&words, theme.style(Role::Dim));
            free = x + width + 2;
        }
    }

    /// Where values are read: a rule through what is free, and behind what is not.
    fn cursor(&self, theme: &Theme, plot: Rect, buffer: &mut Buffer) {
        let Some(x) = self.cursor.and_then(|cursor| self.column(plot, cursor)) else { return };
        let ground = theme.style(Role::Selection).bg;
        for y in plot.top()..plot.bottom() {
            let Some(cell) = buffer.cell_mut((x, y)) else { continue };
            if matches!(cell.symbol(), " " | "┊") {
                cell.set_symbol("│").set_style(theme.style(Role::Accent));
            }
            if let Some(ground) = ground {
                cell.set_bg(ground);
            }
        }
    }
}

/// The dots of a cell, and whose they are.
#[derive(Clone, Copy, Default)]
struct Cell {
    dots: u8,
    role: Option<Role>,
    dotted: bool,
}

struct Grid<'a> {
    theme: &'a Theme,
    plot: Rect,
    scale: Scale,
}

impl Grid<'_> {
    /// Dots from the lower edge at which a value lies; None where it is outside.
    fn height(&self, value: f64) -> Option<usize> {
        let last = usize::from(self.plot.height) * DOTS.1 - 1;
        let part = self.scale.part(value);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "dots of a screen"
        )]
        let dot = (-0.001..=1.001).contains(&part).then(|| (part.clamp(0.0, 1.0) * last as f64).round() as usize);
        dot.map(|dot| dot.min(last))
    }

    /// The row of the screen in which a value lies.
    fn row(&self, value: f64) -> Option<u16> {
        let up = u16::try_from(self.height(value)? / DOTS.1).ok()?;
        Some(self.plot.bottom().saturating_sub(1 + up))
    }

    /// Sets the dots of a line.
    fn trace(&self, cells: &mut [Cell], one: &Line<'_>, values: &[Option<f32>]) {
        let mut before = None;
        for (column, value) in values.iter().enumerate() {
            let dot = value.and_then(|value| self.height(f64::from(value)));
            if let Some(dot) = dot {
                if one.dotted {
                    if column % DOTS.0 == 0 || before.is_none() {
                        self.set(cells, one, (column, dot));
                    }
                } else {
                    // From the height of the one before, so that a steep line has no holes.
                    let from = before.unwrap_or(dot);
                    for dot in from.min(dot)..=from.max(dot) {
                        self.set(cells, one, (column, dot));
                    }
                }
            }
            before = dot;
        }
    }

    fn set(&self, cells: &mut [Cell], one: &Line<'_>, (column, dot): (usize, usize)) {
        let width = usize::from(self.plot.width);
        let row = usize::from(self.plot.height).saturating_sub(1 + dot / DOTS.1);
        if let Some(cell) = cells.get_mut(row * width + column / DOTS.0) {
            cell.dots |= braille(column % DOTS.0, dot % DOTS.1);
            (cell.role, cell.dotted) = (Some(one.role), one.dotted);
        }
    }

    /// The limit, dashed, where nothing else is.
    fn limit(&self, limit: Limit, style: Style, buffer: &mut Buffer) {
        let (Some(dot), Some(y)) = (self.height(limit.threshold), self.row(limit.threshold)) else { return };
        let dots = braille(0, dot % DOTS.1) | braille(1, dot % DOTS.1);
        let glyph = if self.theme.ascii { "-".to_owned() } else { glyph(dots).to_string() };
        for x in (self.plot.left()..self.plot.right()).filter(|x| (x - self.plot.x) % 3 != 2) {
            Pen::new(buffer, Rect::new(x, y, 1, 1)).put(&glyph, style);
        }
    }

    fn put(&self, cells: &[Cell], buffer: &mut Buffer) {
        for (place, cell) in cells.iter().enumerate() {
            let Some(role) = cell.role else { continue };
            let width = usize::from(self.plot.width);
            let at = u16::try_from(place % width).ok().zip(u16::try_from(place / width).ok());
            let Some((column, line)) = at else { continue };
            let mut letters = [0; 4];
            let symbol: &str = match (self.theme.ascii, cell.dotted) {
                (true, true) => ".",
                (true, false) => "*",
                (false, _) => glyph(cell.dots).encode_utf8(&mut letters),
            };
            let area = row(self.plot, line);
            Pen::new(buffer, Rect { x: area.x + column, width: 1, ..area }).put(symbol, self.theme.style(role));
        }
    }
}

/// The bit of a dot: columns from the left, rows from the lower edge, as Unicode numbers the dots of braille.
fn braille(column: usize, up: usize) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
    BITS.get(column).and_then(|bits| bits.get(up)).copied().unwrap_or_default()
}

/// A letter of braille with these dots.
pub fn glyph(dots: u8) -> char {
    char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::domain::signal::Comparator;

    fn at(seconds: i64) -> Timestamp {
        "2026-03-02T14:00:00Z".parse::<Timestamp>().unwrap() + seconds.seconds()
    }

    fn drawn(canary: &[f32], stable: &[f32], (width, height): (u16, u16), ascii: bool) -> String {
        let (canary, stable) = (Series::new(at(0), 10, canary.to_vec()), Series::new(at(0), 10, stable.to_vec()));
        let chart = Chart {
            lines: vec![
                Line { role: Role::Stable, dotted: true, parts: vec![&stable] },
                Line { role: Role::Canary, dotted: false, parts: vec![&canary] },
            ],
            limit: Limit { comparator: Comparator::Less, threshold: 0.01 },
            unit: &Unit::Ratio,
            span: (at(0), at(80)),
            moments: vec![Moment { at: at(40), words: "25%".to_owned(), person: false }],
            cursor: None,
            breached: true,
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let mut theme = Theme::default();
        theme.ascii = ascii;
        let area = buffer.area;
        chart.draw(&theme, area, &mut buffer);
        let text = crate::ui::export::plain(&buffer);
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_line_dots_a_limit_and_what_happened() {
        let picture = drawn(&[0.0, 0.0, 0.0, 0.0, 0.004, 0.02, 0.02, 0.02], &[0.002; 8], (33, 9), false);
        let expected = [
            "                     ▾25%",
            "     3% ┤            ┊",
            "                     ┊",
            "     2% ┤            ┊ ⢀⡖⠒⠒⠒⠒⠒⠂",
            "                     ┊ ⡼",
            "   < 1% ┤⠤⠤ ⠤⠤ ⠤⠤ ⠤⠤ ⠤⣸⠁⠤⠤ ⠤⠤ ⠤⠤",
            "                     ⣰⠃",
            "     0% ┤⣂⣂⣂⣂⣂⣂⣂⣂⣂⣢⠶⠚⠃⠂⠂⠂⠂⠂⠂⠂⠂⠂",
            "         14:00           14:01",
        ];
        assert_eq!(picture.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_gap_stays_empty_and_ascii_has_other_letters() {
        let picture = drawn(&[0.0, 0.0, f32::NAN, f32::NAN, f32::NAN, 0.02, 0.02, 0.02], &[0.005; 8], (33, 9), true);
        let expected = [
            "                     ▾25%",
            "     3% ┤            ┊",
            "                     ┊",
            "     2% ┤            ┊  *******",
            "                     ┊",
            "   < 1% ┤-- -- -- -- -- -- -- --",
            "         ......................",
            "     0% ┤****        ┊",
            "         14:00           14:01",
        ];
        assert_eq!(picture.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn any_area_will_do() {
        for width in 0..40 {
            for height in 0..12 {
                drawn(&[0.0, f32::MAX, f32::INFINITY, -1.0], &[f32::NAN; 3], (width, height), false);
            }
        }
    }
}

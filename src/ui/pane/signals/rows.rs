//! The rows of signals: value of the newest version, stable's, the limit, how it went, the verdict. What has no room goes in the order of
//! its weight; value and verdict stay.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::verdict::{long, mark_of, short};
use crate::domain::signal::{Judgement, Measured, Track, Verdict};
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::{Role, Theme};
use crate::ui::widget::spark;

/// Seconds of which the little line tells.
pub const SPARK: u32 = 1_800;

/// A row: what stands before it, and its signal.
pub struct Row<'a> {
    /// What stands at its left.
    pub label: &'a str,
    /// The verdict; None where no signal is of this kind.
    pub judgement: Option<&'a Judgement>,
}

/// Where the parts of rows stand, in cells; 0 where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    label: u16,
    value: u16,
    stable: u16,
    limit: u16,
    spark: u16,
    /// Whether verdicts have room for all of their words.
    whole: bool,
}

impl Cells {
    /// For rows in so many cells; `counted` as in [`long`].
    pub fn fitting(rows: &[Row<'_>], room: u16, counted: i64) -> Self {
        let known = || rows.iter().filter_map(|row| row.judgement);
        let widest = |width: &dyn Fn(&Judgement) -> u16| known().map(width).max().unwrap_or(0);
        let label = rows.iter().map(|row| text::width(row.label)).max().unwrap_or(0).clamp(6, 14);
        let value = widest(&|one| text::width(&value(one))).max(4);
        let stable = if known().any(|one| one.stable.is_some()) { widest(&|one| text::width(&stable(one))).max(4) } else { 0 };
        let limit = widest(&|one| text::width(&limit(one)));
        let (least, whole) = (2 + widest(&|one| text::width(&short(one))), 2 + widest(&|one| text::width(&long(one, counted))));
        // A name gives way to a verdict.
        let label = label.min(room.saturating_sub(1 + value + 2 + least).max(6));
        let mut cells = Self { label, value, stable: 0, limit: 0, spark: 0, whole: false };
        let mut left = room.saturating_sub(label + 1 + value + 2 + least);
        let mut take = |wanted: u16| {
            let fits = wanted > 0 && wanted <= left;
            left -= if fits { wanted } else { 0 };
            fits
        };
        if stable > 0 && take(stable + 3) {
            cells.stable = stable;
        }
        if take(limit + 2) {
            cells.limit = limit;
        }
        if take(8 + 2) {
            cells.spark = 8;
        }
        cells.whole = take(whole - least.min(whole)) || whole == least;
        if cells.spark > 0 {
            cells.spark += left.min(16);
        }
        cells
    }
}

impl Cells {
    /// Whether verdicts have room for all of their words.
    pub fn says_all(self) -> bool {
        self.whole
    }
}

fn value(judgement: &Judgement) -> String {
    judgement.value.map_or_else(|| "–".to_owned(), |value| judgement.unit.show(value))
}

/// The value of stable; where what is beside it is of all versions together, that.
fn stable(judgement: &Judgement) -> String {
    if judgement.track == Track::All && judgement.value.is_some() {
        return "all".to_owned();
    }
    judgement.stable.map_or_else(|| "–".to_owned(), |value| judgement.unit.show(value))
}

fn limit(judgement: &Judgement) -> String {
    if judgement.limit.is_open() {
        return String::new();
    }
    format!("{} {}", judgement.limit.comparator.sign(), judgement.unit.show(judgement.limit.threshold))
}

/// What all rows are drawn with.
pub struct Rows<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// Where the parts stand.
    pub cells: Cells,
    /// What was measured, for the little lines.
    pub measured: Option<&'a Measured>,
    /// The time, by the local clock.
    pub now: Timestamp,
    /// As in [`long`].
    pub counted: i64,
}

impl Rows<'_> {
    /// Draws a row.
    pub fn draw(&self, row: &Row<'_>, line: Rect, buffer: &mut Buffer) {
        let (theme, cells) = (self.theme, self.cells);
        let dim = theme.style(Role::Dim);
        let mut pen = Pen::new(buffer, line);
        let Some(one) = row.judgement else {
            pen.column(row.label, cells.label, dim).skip(1).put("nothing measures it", theme.style(Role::Faint));
            return;
        };
        let bad = one.verdict == Verdict::Breach;
        pen.within(cells.label, |pen| {
            pen.put(&text::fit_name(row.label, cells.label), theme.style(if bad { Role::Strong } else { Role::Text }));
        });
        let unknown = matches!(one.verdict, Verdict::NoData);
        let style = match (bad, unknown) {
            (true, _) => theme.bold(Role::Bad),
            (false, true) => dim,
            (false, false) => theme.style(Role::Strong),
        };
        pen.skip(1).column_right(&value(one), cells.value, style);
        if cells.stable > 0 {
            pen.put(" │ ", theme.style(Role::Border)).column(&stable(one), cells.stable, theme.style(Role::Text));
        }
        pen.skip(2);
        if cells.limit > 0 {
            pen.column(&limit(one), cells.limit, dim).skip(2);
        }
        if cells.spark > 0 {
            pen.within(cells.spark, |pen| self.spark(one, cells.spark, pen));
            pen.skip(2);
        }
        let mark = mark_of(one);
        let words = if cells.whole { long(one, self.counted) } else { short(one) };
        let style = if one.verdict == Verdict::Pass { dim } else { theme.mark(mark) };
        pen.put(mark.glyph(), theme.mark(mark)).skip(1).put(&words, style);
    }

    fn spark(&self, one: &Judgement, cells: u16, pen: &mut Pen<'_>) {
        let tracks = self.measured.and_then(|measured| measured.signals.iter().find(|(name, _)| *name == one.name));
        let series = tracks.and_then(|(_, tracks)| tracks.iter().find(|track| track.track == one.track));
        if let Some(series) = series {
            spark::draw(pen, self.theme, (&series.value, one.limit), (SPARK, self.now), cells);
        }
    }
}

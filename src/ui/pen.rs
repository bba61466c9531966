//! Writing into one row of a buffer from left to right. What does not fit is cut with `…`; nothing is ever written outside.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;

/// A row of cells being written.
pub struct Pen<'b> {
    buffer: &'b mut Buffer,
    x: u16,
    y: u16,
    end: u16,
}

impl<'b> Pen<'b> {
    /// Starts at the left end of the first row of an area; writes nowhere else.
    pub fn new(buffer: &'b mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buffer.area);
        let end = if area.height == 0 { area.x } else { area.right() };
        Self { buffer, x: area.x, y: area.y, end }
    }

    /// Cells that are left.
    pub fn room(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// Column of the next cell.
    pub fn x(&self) -> u16 {
        self.x
    }

    /// Writes a text, cut to the room that is left.
    pub fn put(&mut self, words: &str, style: Style) -> &mut Self {
        if self.room() > 0 && !words.is_empty() {
            let words = text::fit(words, self.room());
            (self.x, _) = self.buffer.set_stringn(self.x, self.y, &words, usize::from(self.room()), style);
        }
        self
    }

    /// Leaves cells as they are.
    pub fn skip(&mut self, cells: u16) -> &mut Self {
        self.x = self.x.saturating_add(cells).min(self.end);
        self
    }

    /// Writes a text into a column of so many cells, cut to it, and goes on behind it.
    pub fn column(&mut self, words: &str, cells: u16, style: Style) -> &mut Self {
        let cells = cells.min(self.room());
        let after = self.x + cells;
        let words = text::fit(words, cells);
        self.put(&words, style);
        self.x = after;
        self
    }

    /// As [`Pen::column`], at the right of the column.
    pub fn column_right(&mut self, words: &str, cells: u16, style: Style) -> &mut Self {
        let cells = cells.min(self.room());
        let after = self.x + cells;
        let words = text::fit(words, cells);
        self.x = after - text::width(&words).min(cells);
        self.put(&words, style);
        self.x = after;
        self
    }

    /// Fills the next cells with a glyph of one cell.
    pub fn fill(&mut self, glyph: &str, cells: u16, style: Style) -> &mut Self {
        for _ in 0..cells.min(self.room()) {
            self.buffer[(self.x, self.y)].set_symbol(glyph).set_style(style);
            self.x += 1;
        }
        self
    }

    /// Lets another pen write the next cells, and goes on behind them.
    pub fn within(&mut self, cells: u16, write: impl FnOnce(&mut Pen<'_>)) -> &mut Self {
        let cells = cells.min(self.room());
        let mut inner = Pen { buffer: self.buffer, x: self.x, y: self.y, end: self.x + cells };
        write(&mut inner);
        self.x += cells;
        self
    }
}

/// The rows of an area, from the top.
pub fn rows(area: Rect) -> impl Iterator<Item = Rect> {
    (area.y..area.bottom()).map(move |y| Rect { y, height: 1, ..area })
}

/// One row of an area, counted from its top; empty below its end.
pub fn row(area: Rect, place: u16) -> Rect {
    let height = u16::from(place < area.height);
    Rect { y: area.y.saturating_add(place.min(area.height)), height, ..area }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(buffer: &Buffer, y: u16) -> String {
        (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect()
    }

    #[test]
    fn nothing_is_written_outside() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        Pen::new(&mut buffer, Rect::new(2, 0, 6, 1)).put("gate way", Style::new());
        assert_eq!(line(&buffer, 0), "  gate…   ");
        Pen::new(&mut buffer, Rect::new(8, 1, 40, 1)).put("港口", Style::new());
        assert_eq!(line(&buffer, 1), "        … ");
        Pen::new(&mut buffer, Rect::new(0, 9, 4, 4)).put("x", Style::new());
    }

    #[test]
    fn columns_keep_their_place() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        let area = buffer.area;
        Pen::new(&mut buffer, area)
            .column("gateway", 5, Style::new())
            .skip(1)
            .column_right("25%", 5, Style::new())
            .put("|", Style::new());
        assert_eq!(line(&buffer, 0), "gate…   25%|        ");
    }
}

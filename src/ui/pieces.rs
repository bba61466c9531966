//! A line of words of which the least weighty go first where there is no room: headers, titles, summaries.

use std::borrow::Cow;

use ratatui::style::Style;

use super::pen::Pen;
use super::text;

/// A word of the line.
#[derive(Clone, Debug)]
struct Piece<'a> {
    words: Cow<'a, str>,
    style: Style,
    rank: u8,
    gap: u16,
}

/// The line.
#[derive(Clone, Debug, Default)]
pub struct Pieces<'a> {
    all: Vec<Piece<'a>>,
    separator: Option<(&'static str, Style)>,
}

impl<'a> Pieces<'a> {
    /// A line with nothing between its words but what each asks for.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line with a separator, such as ` · `, between its words.
    pub fn separated(separator: &'static str, style: Style) -> Self {
        Self { all: Vec::new(), separator: Some((separator, style)) }
    }

    /// Adds words. Those of the highest rank go first; those of rank 0 stay and are cut if need be.
    #[must_use]
    pub fn add(mut self, rank: u8, words: impl Into<Cow<'a, str>>, style: Style) -> Self {
        self.push(rank, words, style);
        self
    }

    /// As [`Pieces::add`], after so many free cells.
    #[must_use]
    pub fn after(mut self, gap: u16, rank: u8, words: impl Into<Cow<'a, str>>, style: Style) -> Self {
        self.push(rank, words, style);
        if let Some(last) = self.all.last_mut() {
            last.gap = gap;
        }
        self
    }

    /// As [`Pieces::add`], in place. Empty words are left out.
    pub fn push(&mut self, rank: u8, words: impl Into<Cow<'a, str>>, style: Style) {
        let words = words.into();
        if !words.is_empty() {
            self.all.push(Piece { words, style, rank, gap: 0 });
        }
    }

    /// Adds the words of another line.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        self.all.extend(other.all);
        self
    }

    /// Whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Cells that the line takes.
    pub fn width(&self) -> u16 {
        let between = self.separator.map_or(0, |(words, _)| text::width(words));
        let words = self.all.iter().enumerate().map(|(place, piece)| {
            let before = if place == 0 { 0 } else { between.saturating_add(piece.gap) };
            text::width(&piece.words).saturating_add(before)
        });
        words.fold(0, u16::saturating_add)
    }

    /// Drops words until the line has room, or only words of rank 0 are left.
    #[must_use]
    pub fn within(mut self, room: u16) -> Self {
        while self.width() > room {
            let heaviest = self.all.iter().map(|piece| piece.rank).max().filter(|rank| *rank > 0);
            let Some(place) = heaviest.and_then(|rank| self.all.iter().rposition(|piece| piece.rank == rank)) else { break };
            self.all.remove(place);
        }
        self
    }

    /// Writes the line.
    pub fn draw(&self, pen: &mut Pen<'_>) {
        for (place, piece) in self.all.iter().enumerate() {
            if place > 0 {
                if let Some((words, style)) = self.separator {
                    pen.put(words, style);
                }
                pen.skip(piece.gap);
            }
            pen.put(&piece.words, piece.style);
        }
    }

    /// Writes the line at the right end of the room that is left; drops what has no room.
    pub fn draw_right(self, pen: &mut Pen<'_>) {
        let line = self.within(pen.room());
        let width = line.width().min(pen.room());
        let free = pen.room() - width;
        pen.skip(free);
        line.draw(pen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_weighty_words_go_first() {
        let line = || {
            Pieces::separated(" · ", Style::new()).add(0, "gateway", Style::new()).add(2, "shop", Style::new()).add(
                1,
                "rev 14",
                Style::new(),
            )
        };
        let widths = [40, 22, 21, 15, 3].map(|room| line().within(room).width());
        assert_eq!(widths, [23, 16, 16, 7, 7]);
    }
}

//! The frame of a pane: round corners, a title at the left, a word or two at the right, a remark in the lower edge.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::pen::{Pen, row};
use crate::ui::pieces::Pieces;
use crate::ui::theme::{Role, Theme};

/// What stands in a frame's edges.
#[derive(Default)]
pub struct Frame<'a> {
    /// At the left of the upper edge.
    pub title: Pieces<'a>,
    /// At the right of the upper edge.
    pub right: Pieces<'a>,
    /// At the left of the lower edge.
    pub remark: Pieces<'a>,
    /// Whether the pane has the keys.
    pub focused: bool,
}

impl<'a> Frame<'a> {
    /// A frame with a title.
    pub fn titled(theme: &Theme, title: impl Into<std::borrow::Cow<'a, str>>, focused: bool) -> Self {
        let role = if focused { Role::Accent } else { Role::Strong };
        Self {
            title: Pieces::separated(" · ", theme.style(Role::Border)).add(0, title, theme.bold(role)),
            focused,
            ..Self::default()
        }
    }

    /// Draws the frame, empties what is inside, and gives the inside without the cell of padding at both sides.
    pub fn draw(self, theme: &Theme, buffer: &mut Buffer, area: Rect) -> Rect {
        let area = area.intersection(buffer.area);
        clear(theme, buffer, area);
        if area.width < 4 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        let border = theme.style(if self.focused { Role::BorderFocus } else { Role::Border });
        let last = row(area, area.height - 1);
        edge(buffer, area, ["╭", "╮"], border);
        edge(buffer, last, ["╰", "╯"], border);
        labels(theme, buffer, area, self.title, self.right);
        labels(theme, buffer, last, self.remark, Pieces::new());
        for place in 1..area.height - 1 {
            let line = row(area, place);
            Pen::new(buffer, line).put("│", border);
            Pen::new(buffer, Rect { x: line.right() - 1, width: 1, ..line }).put("│", border);
        }
        Rect::new(area.x + 2, area.y + 1, area.width - 4, area.height - 2)
    }
}

fn edge(buffer: &mut Buffer, line: Rect, [start, end]: [&str; 2], border: Style) {
    let mut pen = Pen::new(buffer, Rect { height: 1, ..line });
    pen.put(start, border).fill("─", line.width - 2, border).put(end, border);
}

fn labels(theme: &Theme, buffer: &mut Buffer, line: Rect, left: Pieces<'_>, right: Pieces<'_>) {
    let inside = Rect { x: line.x + 2, width: line.width.saturating_sub(4), height: 1, ..line };
    // The title comes first; what is at the right takes what is left, with two cells of edge between.
    let left = left.within(inside.width.saturating_sub(2));
    let taken = if left.is_empty() { 0 } else { (left.width() + 2).min(inside.width) };
    worded(theme, buffer, Rect { width: taken, ..inside }, &left);
    let right = right.within(inside.width.saturating_sub(taken + 4));
    let needed = right.width() + 2;
    if !right.is_empty() && needed + taken + 2 <= inside.width {
        worded(theme, buffer, Rect { x: inside.right() - needed, width: needed, ..inside }, &right);
    }
}

/// Words in an edge, with a free cell at both sides.
fn worded(theme: &Theme, buffer: &mut Buffer, area: Rect, words: &Pieces<'_>) {
    if words.is_empty() || area.width < 3 {
        return;
    }
    clear(theme, buffer, area);
    words.draw(&mut Pen::new(buffer, Rect { x: area.x + 1, width: area.width - 2, ..area }));
}

/// Empties an area, down to the background.
pub fn clear(theme: &Theme, buffer: &mut Buffer, area: Rect) {
    let area = area.intersection(buffer.area);
    for line in crate::ui::pen::rows(area) {
        for x in line.left()..line.right() {
            buffer[(x, line.y)].reset();
        }
    }
    theme.ground(buffer, area);
}

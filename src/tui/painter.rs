//! Two pictures, the one on the terminal and the next one; what is written is their difference, in one piece, inside a synchronized
//! update. Asks the terminal nothing.

use std::io;

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
const CLEAR: &[u8] = b"\x1b[0m\x1b[2J";

/// The painter.
pub(super) struct Painter {
    shown: Buffer,
    next: Buffer,
    /// Whether what is on the terminal is not known.
    forgotten: bool,
    out: Vec<u8>,
}

impl Painter {
    /// A painter for a terminal of which nothing is known.
    pub(super) fn new(size: Size) -> Self {
        let area = Rect::new(0, 0, size.width, size.height);
        Self { shown: Buffer::empty(area), next: Buffer::empty(area), forgotten: true, out: Vec::with_capacity(64 << 10) }
    }

    /// Follows the size of the terminal.
    pub(super) fn size(&mut self, size: Size) {
        let area = Rect::new(0, 0, size.width, size.height);
        if *self.next.area() != area {
            (self.shown, self.next) = (Buffer::empty(area), Buffer::empty(area));
            self.forgotten = true;
        }
    }

    /// Paints every cell anew next time.
    pub(super) fn forget(&mut self) {
        self.forgotten = true;
    }

    /// The empty picture to draw on.
    pub(super) fn canvas(&mut self) -> &mut Buffer {
        self.next.reset();
        &mut self.next
    }

    /// What has to be written so that the terminal shows the picture; nothing if it does already.
    pub(super) fn finish(&mut self) -> io::Result<&[u8]> {
        self.out.clear();
        self.out.extend_from_slice(BEGIN);
        if self.forgotten {
            self.out.extend_from_slice(CLEAR);
            self.shown.reset();
        }
        let mut changes = self.shown.diff_iter(&self.next).peekable();
        let changed = changes.peek().is_some();
        if changed {
            CrosstermBackend::new(&mut self.out).draw(changes)?;
        } else if !self.forgotten {
            return Ok(&[]);
        }
        self.forgotten = false;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.out.extend_from_slice(END);
        Ok(&self.out)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn paint(painter: &mut Painter, text: &str) -> String {
        painter.canvas().set_string(0, 0, text, Style::default());
        String::from_utf8(painter.finish().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut painter = Painter::new(Size::new(10, 2));
        let first = paint(&mut painter, "clock 1");
        assert!(first.starts_with("\x1b[?2026h\x1b[0m\x1b[2J") && first.contains("clock") && first.ends_with("\x1b[?2026l"));
        assert_eq!(paint(&mut painter, "clock 1"), "");
        let second = paint(&mut painter, "clock 2");
        assert!(second.contains('2') && !second.contains("clock") && !second.contains("\x1b[2J"), "{second:?}");
        painter.forget();
        assert!(paint(&mut painter, "clock 2").contains("clock"));
    }

    #[test]
    fn another_size_paints_everything_anew() {
        let mut painter = Painter::new(Size::new(10, 2));
        paint(&mut painter, "abc");
        painter.size(Size::new(10, 2));
        assert_eq!(paint(&mut painter, "abc"), "");
        painter.size(Size::new(12, 2));
        assert!(paint(&mut painter, "abc").contains("abc"));
    }
}

//! What a terminal would add to a buffer: its own letters, background and sixteen colours.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use crate::ui::theme::{Mode, value};

/// Plain red, green and blue.
pub type Rgb = [u8; 3];

/// The terminal that a picture pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Its letters.
    pub front: Rgb,
    /// Its background.
    pub back: Rgb,
}

impl Default for Ground {
    fn default() -> Self {
        Self { front: [0xd0, 0xd0, 0xd0], back: [0x12, 0x12, 0x12] }
    }
}

/// A calm set of the sixteen; xterm's own hurt on a page.
const SIXTEEN: [(Color, Rgb); 16] = [
    (Color::Black, [0x12, 0x12, 0x12]),
    (Color::Red, [0xb8, 0x3a, 0x36]),
    (Color::Green, [0x6f, 0xae, 0x5c]),
    (Color::Yellow, [0xc9, 0x9a, 0x2e]),
    (Color::Blue, [0x4a, 0x7f, 0xc1]),
    (Color::Magenta, [0xa8, 0x6c, 0xb8]),
    (Color::Cyan, [0x3f, 0xa6, 0xa6]),
    (Color::Gray, [0xc8, 0xc8, 0xc8]),
    (Color::DarkGray, [0x76, 0x76, 0x76]),
    (Color::LightRed, [0xf0, 0x71, 0x6b]),
    (Color::LightGreen, [0x9a, 0xd6, 0x86]),
    (Color::LightYellow, [0xef, 0xcb, 0x6b]),
    (Color::LightBlue, [0x86, 0xb3, 0xec]),
    (Color::LightMagenta, [0xd3, 0x9d, 0xe0]),
    (Color::LightCyan, [0x7c, 0xd3, 0xd3]),
    (Color::White, [0xf4, 0xf4, 0xf4]),
];

/// A cell as the eye sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Letters.
    pub front: Rgb,
    /// Background.
    pub back: Rgb,
    /// Whether letters are bold.
    pub bold: bool,
    /// Whether there is a line under them.
    pub underlined: bool,
}

impl Ground {
    /// The terminal that suits a theme of this mode.
    pub fn of(mode: Mode) -> Self {
        match mode {
            Mode::Dark => Self::default(),
            Mode::Light => Self { front: [0x20, 0x24, 0x28], back: [0xfd, 0xfd, 0xfd] },
        }
    }

    /// How a cell looks on this terminal.
    pub fn look(&self, cell: &Cell) -> Look {
        let of = |colour: Color, own: Rgb| match SIXTEEN.iter().find(|(named, _)| *named == colour) {
            Some((_, value)) => *value,
            None => value(colour).unwrap_or(own),
        };
        let (mut front, mut back) = (of(cell.fg, self.front), of(cell.bg, self.back));
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut front, &mut back);
        }
        if cell.modifier.contains(Modifier::DIM) {
            front = std::array::from_fn(|channel| middle(front[channel], back[channel]));
        }
        Look { front, back, bold: cell.modifier.contains(Modifier::BOLD), underlined: cell.modifier.contains(Modifier::UNDERLINED) }
    }
}

/// Five parts of the first, three of the second: as terminals draw faint letters.
fn middle(front: u8, back: u8) -> u8 {
    let mixed = (u16::from(front) * 5 + u16::from(back) * 3) / 8;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

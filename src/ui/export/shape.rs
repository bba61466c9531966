//! Glyphs drawn as shapes: box lines, blocks, Braille and our marks. Fonts leave gaps between lines, and lack half of the marks.

/// Width of a cell in units.
pub const WIDE: u32 = 9;
/// Height of a cell in units.
pub const HIGH: u32 = 19;

/// How a shape is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Filled.
    Fill,
    /// A line of one unit with square ends: box lines.
    Line,
    /// A line with round ends, a little thicker.
    Stroke,
}

/// The shapes of a glyph, as SVG path data from the cell's upper left corner; None if it is a letter.
pub fn shapes(glyph: &str) -> Option<Vec<(Paint, String)>> {
    let mut letters = glyph.chars();
    let (letter, None) = (letters.next()?, letters.next()) else { return None };
    if let Some(path) = line(letter) {
        return Some(vec![(Paint::Line, path.to_owned())]);
    }
    if let Some(path) = block(letter) {
        return Some(vec![(Paint::Fill, path)]);
    }
    if let Some(path) = braille(letter) {
        return Some(vec![(Paint::Fill, path)]);
    }
    mark(letter).map(|paths| paths.iter().map(|(paint, path)| (*paint, (*path).to_owned())).collect())
}

/// Box lines, through the middle of the cell.
fn line(letter: char) -> Option<&'static str> {
    Some(match letter {
        '─' => "M0 9.5H9",
        '│' => "M4.5 0V19",
        '┊' => "M4.5 1V3.5M4.5 7.5V10M4.5 14V16.5",
        '╭' => "M4.5 19V14Q4.5 9.5 9 9.5",
        '╮' => "M4.5 19V14Q4.5 9.5 0 9.5",
        '╰' => "M4.5 0V5Q4.5 9.5 9 9.5",
        '╯' => "M4.5 0V5Q4.5 9.5 0 9.5",
        '├' => "M4.5 0V19M4.5 9.5H9",
        '┤' => "M4.5 0V19M0 9.5H4.5",
        '└' => "M4.5 0V9.5H9",
        '┬' => "M0 9.5H9M4.5 9.5V19",
        '┴' => "M0 9.5H9M4.5 0V9.5",
        _ => return None,
    })
}

/// Blocks: eighths from the left or from below, and heavy lines.
fn block(letter: char) -> Option<String> {
    let code = u32::from(letter);
    Some(match letter {
        '▁'..='█' => {
            let eighths = code - 0x2580;
            let top = f64::from(HIGH) * (1.0 - f64::from(eighths) / 8.0);
            format!("M0 {top}H9V19H0Z")
        }
        '▉'..='▏' => {
            let right = f64::from(WIDE) * f64::from(0x2590 - code) / 8.0;
            format!("M0 0H{right}V19H0Z")
        }
        '▐' => "M4.5 0H9V19H4.5Z".to_owned(),
        '━' => "M0 8.5H9V10.5H0Z".to_owned(),
        '┃' => "M3.5 0H5.5V19H3.5Z".to_owned(),
        _ => return None,
    })
}

/// Braille: dots 1 to 8 are bits 0 to 7 (Unicode, block U+2800).
fn braille(letter: char) -> Option<String> {
    use std::fmt::Write as _;
    const PLACES: [(f64, f64); 8] =
        [(2.3, 3.0), (2.3, 7.3), (2.3, 11.6), (6.7, 3.0), (6.7, 7.3), (6.7, 11.6), (2.3, 16.0), (6.7, 16.0)];
    if !('\u{2800}'..='\u{28ff}').contains(&letter) {
        return None;
    }
    let bits = u32::from(letter) - 0x2800;
    let mut path = String::new();
    for (bit, (x, y)) in PLACES.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0) {
        let space = if bit == 0 { "" } else { " " };
        let _ = write!(path, "{space}M{:.1} {y}a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0 -2.4 0Z", x - 1.2);
    }
    Some(path)
}

/// A ring of radius 3.5 around the middle of the letters.
const RING: &str = "M1 9.8a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z";

/// Our marks, all of one height.
fn mark(letter: char) -> Option<&'static [(Paint, &'static str)]> {
    use Paint::{Fill, Stroke};
    Some(match letter {
        '✔' => &[(Stroke, "M1.2 10.4L3.6 13.2L8 5.8")],
        '✖' => &[(Stroke, "M1.6 6.6L7.6 13M7.6 6.6L1.6 13")],
        '⏸' => &[(Fill, "M1.8 6H3.7V13.6H1.8ZM5.3 6H7.2V13.6H5.3Z")],
        '◷' => &[(Stroke, RING), (Stroke, "M4.5 7.2V9.8H6.8")],
        '◐' => &[(Stroke, RING), (Fill, "M4.5 6.3A3.5 3.5 0 0 0 4.5 13.3Z")],
        '◑' => &[(Stroke, RING), (Fill, "M4.5 6.3A3.5 3.5 0 0 1 4.5 13.3Z")],
        '◓' => &[(Stroke, RING), (Fill, "M1 9.8A3.5 3.5 0 0 1 8 9.8Z")],
        '◒' => &[(Stroke, RING), (Fill, "M1 9.8A3.5 3.5 0 0 0 8 9.8Z")],
        '○' => &[(Stroke, RING)],
        '●' => &[(Fill, RING)],
        '◌' => &[(
            Stroke,
            "M8 9.8A3.5 3.5 0 0 1 7.2 12M5.4 13.2A3.5 3.5 0 0 1 3.1 13M1.6 11.8A3.5 3.5 0 0 1 1.1 9.2M1.9 7.5A3.5 3.5 0 0 1 3.9 6.35M5.7 6.5A3.5 3.5 0 0 1 7.5 8",
        )],
        '⊘' => &[(Stroke, RING), (Stroke, "M2.2 12.1L6.8 7.5")],
        '▲' => &[(Fill, "M4.5 5.8L8.4 13.2H0.6Z")],
        '⬢' => &[(Fill, "M4.5 5.4L8.3 7.6V12L4.5 14.2L0.7 12V7.6Z")],
        '▸' => &[(Fill, "M2.4 6.4L7 9.8L2.4 13.2Z")],
        '▾' => &[(Fill, "M1.1 7.6H7.9L4.5 12.2Z")],
        '⏎' => &[(Stroke, "M7.8 6.2V10.4H1.6M3.9 8L1.6 10.4L3.9 12.8")],
        _ => return None,
    })
}

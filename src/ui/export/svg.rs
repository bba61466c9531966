//! SVG of a buffer: backgrounds as runs, box lines joined, marks as shapes, letters as text with a position for each.

use std::fmt::{self, Write as _};

use ratatui::buffer::Buffer;

use super::ground::{Ground, Look, Rgb};
use super::shape::{HIGH, Paint, WIDE, shapes};
use crate::ui::text;

/// Font size at which a letter of Hack is as wide as a cell.
const FONT: &str = "14.95";
/// From the top of a cell to the line on which letters stand.
const BASELINE: u32 = 14;

/// A picture of a buffer on a terminal.
pub fn svg(buffer: &Buffer, ground: &Ground) -> String {
    let (wide, high) = (u32::from(buffer.area.width) * WIDE, u32::from(buffer.area.height) * HIGH);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" \
         font-family=\"Hack, ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" font-size=\"{FONT}\" \
         xml:space=\"preserve\">\n<rect width=\"{wide}\" height=\"{high}\" fill=\"{}\"/>\n",
        Hex(ground.back)
    );
    let rows: Vec<Vec<Letter<'_>>> =
        (buffer.area.top()..buffer.area.bottom()).map(|y| letters(buffer, ground, y).collect()).collect();
    for row in &rows {
        backgrounds(&mut out, row, *ground);
    }
    for row in &rows {
        let mut rest = row.as_slice();
        while let Some(first) = rest.first() {
            let count = run(rest);
            let (part, tail) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            if let Some(shapes) = first.shapes() {
                shaped(&mut out, part, &shapes);
            } else if !first.blank() {
                lettered(&mut out, part);
            }
            rest = tail;
        }
    }
    out.push_str("</svg>\n");
    out
}

/// What stands in a cell, or in two if it is wide.
struct Letter<'a> {
    symbol: &'a str,
    look: Look,
    x: u32,
    y: u32,
    cells: u32,
}

impl Letter<'_> {
    fn blank(&self) -> bool {
        self.symbol.trim().is_empty() && !self.look.underlined
    }

    fn shapes(&self) -> Option<Vec<(Paint, String)>> {
        shapes(self.symbol)
    }
}

fn letters<'a>(buffer: &'a Buffer, ground: &Ground, y: u16) -> impl Iterator<Item = Letter<'a>> {
    let (area, ground) = (buffer.area, *ground);
    let mut x = area.left();
    std::iter::from_fn(move || {
        if x >= area.right() {
            return None;
        }
        let cell = &buffer[(x, y)];
        let cells = text::width(cell.symbol()).clamp(1, area.right() - x);
        let place = (u32::from(x - area.left()) * WIDE, u32::from(y - area.top()) * HIGH);
        x += cells;
        Some(Letter { symbol: cell.symbol(), look: ground.look(cell), x: place.0, y: place.1, cells: cells.into() })
    })
}

fn backgrounds(out: &mut String, row: &[Letter<'_>], ground: Ground) {
    for part in row.chunk_by(|one, next| one.look.back == next.look.back) {
        let Some(first) = part.first().filter(|first| first.look.back != ground.back) else { continue };
        let wide: u32 = part.iter().map(|letter| letter.cells * WIDE).sum();
        let (x, y, fill) = (first.x, first.y, Hex(first.look.back));
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{HIGH}\" fill=\"{fill}\"/>");
    }
}

/// How many letters from the first on are drawn together: equal shapes, or letters of one look with single spaces between.
fn run(row: &[Letter<'_>]) -> usize {
    let Some(first) = row.first() else { return 0 };
    let same = |letter: &&Letter<'_>| letter.look.front == first.look.front && letter.look.bold == first.look.bold;
    if first.blank() {
        return row.iter().take_while(|letter| letter.blank()).count();
    }
    if first.shapes().is_some() {
        return row.iter().take_while(same).take_while(|letter| letter.symbol == first.symbol).count();
    }
    let joined = row.iter().take_while(same).take_while(|letter| letter.shapes().is_none());
    let under = |letter: &Letter<'_>| letter.look.underlined == first.look.underlined;
    let count = joined.take_while(|letter| under(letter)).count();
    // Two spaces end a run: it would only carry positions of nothing.
    let part = row.get(..count).unwrap_or(row);
    let gap = part.windows(2).position(|pair| pair.iter().all(Letter::blank));
    gap.unwrap_or(count).max(1)
}

fn shaped(out: &mut String, part: &[Letter<'_>], shapes: &[(Paint, String)]) {
    let Some(first) = part.first() else { return };
    let colour = Hex(first.look.front);
    // Neighbouring lines become one, so that no seam shows between cells.
    if first.symbol == "─" {
        let (y, wide) = (f64::from(first.y) + 9.5, u32::try_from(part.len()).unwrap_or_default() * WIDE);
        let _ = writeln!(out, "<path d=\"M{} {y}h{wide}\" stroke=\"{colour}\"/>", first.x);
        return;
    }
    for letter in part {
        for (paint, path) in shapes {
            let how = match paint {
                Paint::Fill => format!("fill=\"{colour}\""),
                Paint::Line => format!("fill=\"none\" stroke=\"{colour}\""),
                Paint::Stroke => {
                    let width = if first.look.bold { "1.7" } else { "1.35" };
                    format!(
                        "fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linecap=\"round\" stroke-linejoin=\"round\""
                    )
                }
            };
            let _ = writeln!(out, "<path transform=\"translate({} {})\" d=\"{path}\" {how}/>", letter.x, letter.y);
        }
    }
}

fn lettered(out: &mut String, part: &[Letter<'_>]) {
    let end = part.iter().rposition(|letter| !letter.blank()).map_or(0, |last| last + 1);
    let (Some(first), Some(part)) = (part.first(), part.get(..end)) else { return };
    let colour = Hex(first.look.front);
    let mut xs = String::new();
    let mut words = String::new();
    for letter in part {
        // A grapheme of several characters takes one position; the others follow it.
        let space = if xs.is_empty() { "" } else { " " };
        let _ = write!(xs, "{space}{}", letter.x);
        letter.symbol.chars().for_each(|letter| escape(&mut words, letter));
    }
    // Only one weight of the font is carried: bold is a thin line around the letters.
    let bold = if first.look.bold { format!(" stroke=\"{colour}\" stroke-width=\"0.55\"") } else { String::new() };
    let y = first.y + BASELINE;
    let _ = writeln!(out, "<text x=\"{xs}\" y=\"{y}\" fill=\"{colour}\"{bold}>{words}</text>");
    if first.look.underlined {
        let wide: u32 = part.iter().map(|letter| letter.cells * WIDE).sum();
        let _ = writeln!(out, "<path d=\"M{} {}.5h{wide}\" stroke=\"{colour}\"/>", first.x, y + 2);
    }
}

fn escape(out: &mut String, letter: char) {
    match letter {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        letter if letter.is_control() => {}
        letter => out.push(letter),
    }
}

struct Hex(Rgb);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

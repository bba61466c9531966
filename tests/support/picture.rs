//! A buffer as text that can be reviewed: the letters, then which style each cell has, then what the styles are.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::style::Style;

const NAMES: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The picture of a buffer. In the grid of styles the most frequent one is `.`.
pub fn picture(buffer: &Buffer) -> String {
    let mut out = pilothouse::ui::export::plain(buffer);
    let mut styles: Vec<(Style, usize)> = Vec::new();
    for cell in &buffer.content {
        match styles.iter_mut().find(|(style, _)| *style == cell.style()) {
            Some((_, count)) => *count += 1,
            None => styles.push((cell.style(), 1)),
        }
    }
    let most = styles.iter().max_by_key(|(_, count)| *count).map(|(style, _)| *style).unwrap_or_default();
    let others: Vec<_> = styles.iter().map(|(style, _)| *style).filter(|style| *style != most).collect();
    let name = |style: Style| {
        let place = others.iter().position(|other| *other == style);
        place.map_or('.', |place| NAMES.chars().nth(place).unwrap_or('?'))
    };
    out.push('\n');
    for y in buffer.area.top()..buffer.area.bottom() {
        let row: String = (buffer.area.left()..buffer.area.right()).map(|x| name(buffer[(x, y)].style())).collect();
        let _ = writeln!(out, "{}", row.trim_end_matches('.'));
    }
    let _ = writeln!(out, "\n. {}", words(most));
    for style in others.iter().copied() {
        let _ = writeln!(out, "{} {}", name(style), words(style));
    }
    out
}

fn words(style: Style) -> String {
    let mut words = Vec::new();
    words.extend(style.fg.map(|colour| format!("{colour}")));
    words.extend(style.bg.map(|colour| format!("on {colour}")));
    if !style.add_modifier.is_empty() {
        words.push(format!("{:?}", style.add_modifier));
    }
    words.join(" ")
}

//! Turns a drawn buffer into a picture: SVG, PNG or plain text. The same buffer gives the same bytes, on every machine: letters
//! stand at exact cell positions, everything else is drawn as shapes, and no font of the system is asked.

mod ground;
mod png;
mod shape;
mod svg;

use ratatui::buffer::Buffer;

pub use ground::Ground;
pub use png::{Error, png};
pub use svg::svg;

/// The letters of a buffer, a line for each row, without the spaces at their ends.
pub fn plain(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut x = buffer.area.left();
        let start = text.len();
        while x < buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x = x.saturating_add(super::text::width(symbol).max(1));
        }
        let end = text.trim_end_matches(' ').len().max(start);
        text.truncate(end);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier, Style};

    use super::*;
    use crate::ui::glyph::FALLBACKS;

    fn buffer(text: &str, style: Style) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(1, 0, text, style);
        buffer
    }

    #[test]
    fn plain_text_has_no_spaces_at_line_ends() {
        assert_eq!(plain(&buffer("港 ok", Style::new())), " 港 ok\n\n");
    }

    #[test]
    fn letters_stand_at_their_cells_and_backgrounds_are_runs() {
        let style = Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Rgb(4, 5, 6)).add_modifier(Modifier::BOLD);
        let picture = svg(&buffer("a<b", style), &Ground::default());
        assert!(picture.contains(r##"<rect x="9" y="0" width="27" height="19" fill="#040506"/>"##), "{picture}");
        assert!(picture.contains(r#"x="9 18 27""#) && picture.contains("a&lt;b") && picture.contains("#010203"), "{picture}");
    }

    #[test]
    fn no_glyph_of_ours_depends_on_a_font_that_may_lack_it() {
        const IN_EVERY_FONT: [&str; 8] = ["→", "←", "↑", "↓", "·", "…", "–", "×"];
        for (glyph, _) in FALLBACKS {
            let picture = svg(&buffer(glyph, Style::new()), &Ground::default());
            assert_eq!(picture.contains("<text"), IN_EVERY_FONT.contains(&glyph) || glyph == "“", "{glyph}: {picture}");
        }
        assert!(!svg(&buffer("⠿⣀", Style::new()), &Ground::default()).contains("<text"));
    }

    #[test]
    fn pictures_are_the_same_every_time() {
        let buffer = buffer("✔ ok", Style::new());
        let (one, other) = (png(&buffer, &Ground::default()), png(&buffer, &Ground::default()));
        let one = one.unwrap();
        assert_eq!(one, other.unwrap());
        assert!(one.starts_with(b"\x89PNG"));
    }
}

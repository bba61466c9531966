//! A colour as a theme file writes it: `#rrggbb`, a name of the sixteen, a number of the 256 or `terminal`, and after it
//! `bold`, `dim`, `italic`, `underline` or `reverse`.

use ratatui::style::{Color, Modifier};
use serde::de::{Deserialize, Deserializer, Error};

/// A colour and modifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// The colour; `Reset` is the terminal's own.
    pub colour: Color,
    /// What is done to the letters.
    pub modifiers: Modifier,
}

const NAMES: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

impl Paint {
    fn parse(text: &str) -> Option<Self> {
        let mut paint = Self::default();
        let mut coloured = false;
        for word in text.split_ascii_whitespace() {
            if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
                paint.modifiers |= *modifier;
            } else if coloured {
                return None;
            } else {
                paint.colour = colour(word)?;
                coloured = true;
            }
        }
        (coloured || !paint.modifiers.is_empty()).then_some(paint)
    }
}

fn colour(word: &str) -> Option<Color> {
    if word == "terminal" {
        return Some(Color::Reset);
    }
    if let Some((_, colour)) = NAMES.iter().find(|(name, _)| *name == word) {
        return Some(*colour);
    }
    let Some(digits) = word.strip_prefix('#') else {
        return word.parse().ok().map(Color::Indexed);
    };
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Color::Rgb(red, green, blue))
}

impl<'de> Deserialize<'de> for Paint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format_args!(
                "'{text}' is not a colour; write '#rrggbb', a name such as 'bright-red', a number up to 255 or 'terminal', \
                 and after it 'bold', 'dim', 'italic', 'underline' or 'reverse' if need be"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        let check = |text: &str, expected: Option<(Color, Modifier)>| {
            assert_eq!(Paint::parse(text), expected.map(|(colour, modifiers)| Paint { colour, modifiers }), "{text}");
        };
        check("#0aF1ff", Some((Color::Rgb(10, 241, 255), Modifier::empty())));
        check("bright-red bold", Some((Color::LightRed, Modifier::BOLD)));
        check("reverse", Some((Color::Reset, Modifier::REVERSED)));
        check("terminal dim", Some((Color::Reset, Modifier::DIM)));
        check("208", Some((Color::Indexed(208), Modifier::empty())));
        for wrong in ["", "#12", "#12345é", "#1234567", "256", "rot", "red green", "red loud"] {
            check(wrong, None);
        }
    }
}

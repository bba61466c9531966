//! Text of the ledger: no credential, no command to a terminal, no novel. Every text of an entry is of this type, so that none
//! gets in another way, and none gets out of a file that somebody edited.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};

use crate::config::secret::mask;

/// Longest text, in bytes.
const LONGEST: usize = 4 << 10;

/// Text with credentials masked and what could steer a terminal replaced by `�`, cut to 4 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(Box<str>);

impl Text {
    /// Takes a text as it came.
    pub fn new(text: &str) -> Self {
        Self::harmless(&mask(text))
    }

    fn harmless(text: &str) -> Self {
        Self(cut(&text.replace(is_harmful, "\u{fffd}"), LONGEST).into())
    }

    /// The text; it may have several lines.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters that move a cursor, hide or turn round what stands beside them. Line ends and tabs are text.
fn is_harmful(letter: char) -> bool {
    let turns = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    turns || letter.is_control() && letter != '\n' && letter != '\t'
}

/// The front of a text in so many bytes, with `…` where the rest was.
pub(super) fn cut(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let room = longest.saturating_sub('…'.len_utf8());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned() + "…"
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

/// On one line.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.replace(['\n', '\t'], " "))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // It was masked when it was written; doing so again for every text of every entry takes long.
        String::deserialize(from).map(|text| Self::harmless(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_get_in() {
        assert_eq!(&*Text::from("curl -H 'Authorization: Bearer abc.def' failed"), "curl -H 'Authorization: Bearer ***' failed");
    }

    #[test]
    fn nothing_steers_a_terminal_and_lines_stay_lines() {
        let text = Text::from("a\u{1b}[2Jb\u{9b}31mc\u{202e}d\r\ne\tf");
        assert_eq!(&*text, "a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}d\u{fffd}\ne\tf");
        assert_eq!(text.to_string(), "a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}d\u{fffd} e f");
        assert_eq!(&*serde_json::from_str::<Text>("\"a\u{9b}b\"").unwrap(), "a\u{fffd}b");
        assert_eq!(serde_json::to_string(&Text::from("a\nb")).unwrap(), r#""a\nb""#);
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(cut("港口港口", 12), "港口港口");
        assert_eq!(cut("港口港口", 11), "港口…");
        assert_eq!(cut("港", 2), "…");
        let long = Text::from("é".repeat(5_000));
        assert!(long.len() <= LONGEST && long.len() > LONGEST - 3 && long.ends_with("é…"));
    }
}

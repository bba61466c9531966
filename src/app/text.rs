//! Text measured in cells and cut to them: at word borders where there are words, at graphemes where there are not, and never in
//! the middle of a wide letter. What was cut says so with `…`. Here and not where it is drawn, as it decides where things are.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Cells that a text takes.
pub fn width(text: &str) -> u16 {
    // Almost everything on the screen is ASCII, where counting bytes is enough.
    let cells = if text.is_ascii() { text.len() } else { text.width() };
    u16::try_from(cells).unwrap_or(u16::MAX)
}

/// A sentence in so many cells: whole words as long as a third of the room is used, else as many letters as there is room for.
pub fn fit(text: &str, room: u16) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room == 0 {
        return Cow::Borrowed("");
    }
    let head = front(text, room - 1);
    let next = text.get(head.len()..).and_then(|rest| rest.chars().next());
    let kept = match head.rfind(' ') {
        Some(space) if next != Some(' ') && width(head.get(..space).unwrap_or_default()) * 3 >= room => head.get(..space),
        _ => Some(head),
    };
    let kept = kept.unwrap_or_default().trim_end_matches([' ', ',', ';', ':', '·', '-']);
    Cow::Owned(format!("{kept}…"))
}

/// A name in so many cells. The end of a name tells more than its middle (`intelgraph-6f4c…x2k9q`), so the middle goes.
pub fn fit_name(name: &str, room: u16) -> Cow<'_, str> {
    if width(name) <= room {
        return Cow::Borrowed(name);
    }
    if room < 9 {
        return fit(name, room);
    }
    let tail = back(name, (room - 1) / 3);
    let head = front(name, room - 1 - width(tail));
    Cow::Owned(format!("{head}…{tail}"))
}

/// As many graphemes from the front as have room.
pub fn front(text: &str, room: u16) -> &str {
    let mut used = 0;
    for (place, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > room {
            return text.get(..place).unwrap_or_default();
        }
    }
    text
}

/// As many graphemes from the back as have room.
fn back(text: &str, room: u16) -> &str {
    let mut used = 0;
    for (place, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > room {
            return text.get(place + grapheme.len()..).unwrap_or_default();
        }
    }
    text
}

/// A sentence in lines of so many cells, broken between words; a word that is longer than a line is broken where it must be.
pub fn wrap(text: &str, room: u16, most: usize) -> Vec<Cow<'_, str>> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && room > 0 {
        if lines.len() + 1 == most || width(rest) <= room {
            lines.push(fit(rest, room));
            break;
        }
        let head = front(rest, room);
        if head.is_empty() {
            break;
        }
        let whole = rest.get(head.len()..).is_some_and(|tail| tail.starts_with(' '));
        let end = if whole { head.len() } else { head.rfind(' ').filter(|space| *space > 0).unwrap_or(head.len()) };
        let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        lines.push(Cow::Borrowed(line.trim_end()));
        rest = tail.trim_start();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_cut_between_words() {
        let check = |text: &str, room: u16, expected: &str| {
            assert_eq!(fit(text, room), expected);
            assert!(width(expected) <= room);
        };
        check("waits for you", 13, "waits for you");
        check("waits for you", 12, "waits for…");
        check("waits for you", 10, "waits for…");
        check("waits for you", 9, "waits…");
        check("waits for you", 3, "wa…");
        check("waits", 1, "…");
        check("waits", 0, "");
        check("intelgraph-enterprise", 12, "intelgraph…");
    }

    #[test]
    fn wide_letters_are_never_halved() {
        assert_eq!(fit("港口港口", 8), "港口港口");
        assert_eq!(fit("港口港口", 7), "港口港…");
        assert_eq!(fit("港口港口", 6), "港口…");
        assert_eq!(fit("👩‍👩‍👧 x", 3), "👩‍👩‍👧…");
        assert_eq!(fit_name("港口港口港口港口", 9), "港口港…口");
    }

    #[test]
    fn names_keep_their_end() {
        assert_eq!(fit_name("intelgraph-6f4c7d9b8-x2k9q", 16), "intelgraph…x2k9q");
        assert_eq!(fit_name("gateway", 7), "gateway");
        assert_eq!(fit_name("gateway", 5), "gate…");
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrap("the quick brown fox", 9, 9), ["the quick", "brown fox"]);
        assert_eq!(wrap("the quick brown fox", 9, 1), ["the…"]);
        assert_eq!(wrap("abcdefghij kl", 4, 9), ["abcd", "efgh", "ij", "kl"]);
        assert!(wrap("港", 1, 9).is_empty());
        assert!(wrap("a b", 0, 9).is_empty());
    }
}

//! A text being typed: a cursor, words to delete, lines where they are allowed. A paste is text and nothing else.

use unicode_segmentation::UnicodeSegmentation;

use crate::input::{Code, KeyPress};

/// The most that a text takes, in bytes: a pasted file is no reason.
const MOST: usize = 4_000;

/// A text and where its cursor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    text: String,
    cursor: usize,
    lines: bool,
}

impl Edit {
    /// One line, with the cursor at its end.
    pub fn line(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len(), lines: false }
    }

    /// A text of several lines, with the cursor at its end.
    pub fn lines(text: &str) -> Self {
        Self { lines: true, ..Self::line(text) }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in bytes.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether nothing but white space was typed.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// A key was pressed. Says whether it meant something here.
    pub fn key(&mut self, key: KeyPress) -> bool {
        if let Some(letter) = key.text() {
            self.insert(letter.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.code, key.ctrl, key.alt) {
            (Code::Enter, false, true) | (Code::Char('j'), true, false) if self.lines => self.insert("\n"),
            (Code::Backspace, false, false) => self.delete(self.before()),
            (Code::Backspace, ..) | (Code::Char('w'), true, false) => self.delete(self.word_before()),
            (Code::Delete, false, false) => self.delete(self.after()),
            (Code::Delete, ..) | (Code::Char('d'), false, true) => self.delete(self.word_after()),
            (Code::Char('u'), true, false) => self.delete(self.line_start()),
            (Code::Char('k'), true, false) => self.delete(self.line_end()),
            (Code::Left, false, false) => self.cursor = self.before(),
            (Code::Right, false, false) => self.cursor = self.after(),
            (Code::Left, ..) | (Code::Char('b'), false, true) => self.cursor = self.word_before(),
            (Code::Right, ..) | (Code::Char('f'), false, true) => self.cursor = self.word_after(),
            (Code::Home, ..) | (Code::Char('a'), true, false) => self.cursor = self.line_start(),
            (Code::End, ..) | (Code::Char('e'), true, false) => self.cursor = self.line_end(),
            (Code::Up, false, false) => return self.move_line(-1),
            (Code::Down, false, false) => return self.move_line(1),
            _ => return false,
        }
        true
    }

    /// A text was pasted.
    pub fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
        let text = if self.lines { text.trim_end().to_owned() } else { text.trim().replace('\n', " ") };
        let clean: String = text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect();
        self.insert(&clean);
    }

    /// Adds a text at the end, after what is there.
    pub fn append(&mut self, text: &str) {
        self.cursor = self.text.len();
        if !self.is_blank() && !self.text.ends_with('\n') {
            self.insert("; ");
        }
        self.insert(text);
    }

    fn insert(&mut self, text: &str) {
        let room = MOST.saturating_sub(self.text.len());
        let end = text.char_indices().map(|(place, letter)| place + letter.len_utf8()).take_while(|end| *end <= room).last();
        let text = text.get(..end.unwrap_or(0)).unwrap_or_default();
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    /// Deletes between the cursor and a place.
    fn delete(&mut self, to: usize) {
        let (start, end) = (self.cursor.min(to), self.cursor.max(to));
        self.text.replace_range(start..end, "");
        self.cursor = start;
    }

    fn head(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn tail(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    fn before(&self) -> usize {
        self.head().grapheme_indices(true).next_back().map_or(0, |(place, _)| place)
    }

    fn after(&self) -> usize {
        self.cursor + self.tail().graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        let head = self.head().trim_end();
        head.rfind(char::is_whitespace).map_or(0, |space| space + head.get(space..).map_or(0, first_len))
    }

    fn word_after(&self) -> usize {
        let tail = self.tail();
        let word = tail.len() - tail.trim_start().len();
        let end = tail.get(word..).and_then(|rest| rest.find(char::is_whitespace));
        self.cursor + end.map_or(tail.len(), |end| word + end)
    }

    fn line_start(&self) -> usize {
        self.head().rfind('\n').map_or(0, |place| place + 1)
    }

    fn line_end(&self) -> usize {
        self.cursor + self.tail().find('\n').unwrap_or(self.tail().len())
    }

    /// To the line above or below, at the same letter; says whether there is one.
    fn move_line(&mut self, by: i8) -> bool {
        let start = self.line_start();
        let letters = self.text.get(start..self.cursor).unwrap_or_default().graphemes(true).count();
        let line = if by < 0 {
            let Some(end) = start.checked_sub(1) else { return false };
            self.text.get(..end).unwrap_or_default().rfind('\n').map_or(0, |place| place + 1)..end
        } else {
            let below = self.line_end() + 1;
            let Some(rest) = self.text.get(below..) else { return false };
            below..below + rest.find('\n').unwrap_or(rest.len())
        };
        let words = self.text.get(line.clone()).unwrap_or_default();
        self.cursor = line.start + words.grapheme_indices(true).nth(letters).map_or(words.len(), |(place, _)| place);
        true
    }
}

fn first_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(edit: &mut Edit, keys: &[&str]) {
        for key in keys {
            edit.key(key.parse().unwrap());
        }
    }

    #[test]
    fn typing_moving_and_deleting() {
        let mut edit = Edit::line("errors 1.8 % over");
        typed(&mut edit, &["ctrl-w", "ctrl-w", "backspace", "backspace", "9"]);
        assert_eq!(edit.text(), "errors 1.9");
        typed(&mut edit, &["home", "delete", "E", "alt-f", "ctrl-k"]);
        assert_eq!((edit.text(), edit.cursor()), ("Errors", 6));
        typed(&mut edit, &["left", "left", "ctrl-u"]);
        assert_eq!((edit.text(), edit.cursor()), ("rs", 0));
        assert!(!edit.key("alt-enter".parse().unwrap()) && !edit.key("up".parse().unwrap()));
    }

    #[test]
    fn lines_where_they_are_allowed() {
        let mut edit = Edit::lines("one");
        typed(&mut edit, &["alt-enter", "t", "w", "o", "ctrl-j", "3", "up", "up"]);
        assert_eq!((edit.text(), edit.cursor()), ("one\ntwo\n3", 1));
        assert!(!edit.key("up".parse().unwrap()) && edit.key("down".parse().unwrap()));
        typed(&mut edit, &["end", "down", "end"]);
        assert_eq!(edit.cursor(), 9);
        assert!(!edit.key("down".parse().unwrap()));
    }

    #[test]
    fn a_paste_is_text_and_never_too_much() {
        let mut edit = Edit::lines("");
        edit.paste("a\u{1b}[31m\tb\r\nc\n");
        assert_eq!(edit.text(), "a[31m b\nc");
        let mut line = Edit::line("INC-");
        line.paste("123\n");
        assert_eq!(line.text(), "INC-123");
        line.paste(&"港".repeat(5_000));
        assert!(line.text().len() <= MOST);
        line.append("more");
        assert!(line.text().len() <= MOST);
    }

    #[test]
    fn wide_letters_and_families_are_one_step() {
        let mut edit = Edit::line("港👩‍👩‍👧");
        typed(&mut edit, &["backspace", "left", "x"]);
        assert_eq!(edit.text(), "x港");
    }

    proptest! {
        #[test]
        fn the_cursor_stays_between_letters(text in "[a港\n ]{0,12}", lines: bool, keys in prop::collection::vec(
            prop::sample::select(vec!["left", "right", "up", "down", "home", "end", "ctrl-w", "alt-d", "ctrl-u", "ctrl-k", "backspace",
                "delete", "alt-enter", "x", "ctrl-left", "ctrl-right"]), 0..40)) {
            let mut edit = if lines { Edit::lines(&text) } else { Edit::line(&text) };
            for key in keys {
                edit.key(key.parse().unwrap());
                prop_assert!(edit.text().is_char_boundary(edit.cursor()));
            }
        }
    }
}

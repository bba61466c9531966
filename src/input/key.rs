//! A key press, independent of the terminal's library. Prints and parses as people write keys: `j`, `G`, `ctrl-d`, `shift-tab`.

use std::fmt;
use std::str::FromStr;

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character as typed: `G` is its own key, not Shift and `g`.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key, from 1.
    F(u8),
}

/// Names of keys that are not characters.
const NAMES: [(&str, Code); 16] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("space", Code::Char(' ')),
    ("minus", Code::Char('-')),
    ("plus", Code::Char('+')),
];

/// How keys are written on the screen where that is shorter or clearer.
const LABELS: [(Code, &str); 8] = [
    (Code::Enter, "⏎"),
    (Code::Up, "↑"),
    (Code::Down, "↓"),
    (Code::Left, "←"),
    (Code::Right, "→"),
    (Code::PageUp, "PgUp"),
    (Code::PageDown, "PgDn"),
    (Code::Backspace, "Bksp"),
];

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPress {
    /// The key.
    pub code: Code,
    /// Whether Ctrl was held.
    pub ctrl: bool,
    /// Whether Alt was held.
    pub alt: bool,
    /// Whether Shift was held; never set for characters, which say it themselves.
    pub shift: bool,
}

impl KeyPress {
    /// A key without modifiers.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// A character with Ctrl.
    pub const fn ctrl(letter: char) -> Self {
        Self { code: Code::Char(letter), ctrl: true, alt: false, shift: false }
    }

    /// The key in the one form in which keymaps hold it: shift goes into the character, letters with Ctrl are small.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        if let Code::Char(letter) = self.code {
            let one = |mut letters: std::char::ToUppercase| letters.next().filter(|_| letters.next().is_none());
            if self.ctrl {
                self.code = Code::Char(letter.to_ascii_lowercase());
            } else if self.shift {
                self.code = Code::Char(one(letter.to_uppercase()).unwrap_or(letter));
            }
            self.shift = false;
        }
        self
    }

    /// The character that this key types into a text; None for keys that do something.
    pub fn text(self) -> Option<char> {
        match self.code {
            Code::Char(letter) if !self.ctrl && !self.alt => Some(letter),
            _ => None,
        }
    }

    /// The key as the footer and the help show it: `^D`, `⏎`, `PgUp`.
    pub fn label(self) -> String {
        let mut label = String::new();
        if self.ctrl {
            label.push('^');
        }
        if self.alt {
            label.push_str("Alt-");
        }
        if self.shift {
            label.push_str("Shift-");
        }
        match self.code {
            Code::Char(letter) if self.ctrl => label.extend(letter.to_uppercase()),
            Code::Char(' ') => label.push_str("Space"),
            Code::Char(letter) => label.push(letter),
            Code::F(number) => label.extend([String::from("F"), number.to_string()]),
            code => {
                if let Some((_, name)) = LABELS.iter().find(|(known, _)| *known == code) {
                    label.push_str(name);
                } else {
                    let mut letters = name(code).chars();
                    label.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                    label.extend(letters);
                }
            }
        }
        label
    }
}

fn name(code: Code) -> &'static str {
    NAMES.iter().find(|(_, known)| *known == code).map_or("", |(name, _)| name)
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modifiers = [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")];
        for (_, name) in modifiers.into_iter().filter(|(held, _)| *held) {
            f.write_str(name)?;
        }
        match (self.code, name(self.code)) {
            (Code::F(number), _) => write!(f, "f{number}"),
            (Code::Char(letter), "") => write!(f, "{letter}"),
            (_, name) => f.write_str(name),
        }
    }
}

/// A text that names no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a key. Keys are written like j, G, enter, esc, f5, ctrl-d, alt-x or shift-tab.")]
pub struct UnknownKey(pub String);

impl FromStr for KeyPress {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Self, UnknownKey> {
        let unknown = || UnknownKey(text.to_owned());
        let mut press = Self::plain(Code::Esc);
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once('-').filter(|(_, tail)| !tail.is_empty()) {
            let held = match head {
                "ctrl" => &mut press.ctrl,
                "alt" => &mut press.alt,
                "shift" => &mut press.shift,
                _ => return Err(unknown()),
            };
            if std::mem::replace(held, true) {
                return Err(unknown());
            }
            rest = tail;
        }
        press.code = code(rest).ok_or_else(unknown)?;
        let canonical = press.canonical();
        // `shift-g` could mean `G`, but not on every keyboard: only what the key types is a name.
        if press.shift && matches!(press.code, Code::Char(_)) { Err(unknown()) } else { Ok(canonical) }
    }
}

fn code(text: &str) -> Option<Code> {
    let mut letters = text.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return (!letter.is_control() && !letter.is_whitespace()).then_some(Code::Char(letter));
    }
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == text) {
        return Some(*code);
    }
    let number: u8 = text.strip_prefix('f')?.parse().ok()?;
    ((1..=24).contains(&number) && !text.starts_with("f0")).then_some(Code::F(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_as_people_write_them() {
        let is = |text: &str, code, ctrl, alt, shift| {
            assert_eq!(text.parse::<KeyPress>().unwrap(), KeyPress { code, ctrl, alt, shift }, "{text}");
        };
        is("j", Code::Char('j'), false, false, false);
        is("G", Code::Char('G'), false, false, false);
        is("-", Code::Char('-'), false, false, false);
        is("ctrl--", Code::Char('-'), true, false, false);
        is("ctrl-D", Code::Char('d'), true, false, false);
        is("shift-tab", Code::Tab, false, false, true);
        is("ctrl-alt-f12", Code::F(12), true, true, false);
        for wrong in ["", "jj", "ctrl-", "ctrl-ctrl-a", "hyper-a", "f0", "f25", "f01", " ", "shift-g"] {
            assert_eq!(wrong.parse::<KeyPress>(), Err(UnknownKey(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn labels_are_short() {
        let label = |text: &str| text.parse::<KeyPress>().unwrap().label();
        let texts = ["ctrl-d", "enter", "pageup", "shift-tab", "space", "f5", "alt-x", "/"];
        assert_eq!(texts.map(label), ["^D", "⏎", "PgUp", "Shift-Tab", "Space", "F5", "Alt-x", "/"]);
    }

    #[test]
    fn shift_goes_into_the_character() {
        let shifted = KeyPress { shift: true, ..KeyPress::plain(Code::Char('g')) };
        assert_eq!(shifted.canonical(), KeyPress::plain(Code::Char('G')));
    }

    fn any_code() -> impl Strategy<Value = Code> {
        let named = prop::sample::select(NAMES.iter().map(|(_, code)| *code).collect::<Vec<_>>());
        let visible = any::<char>().prop_filter("visible", |letter| !letter.is_control() && !letter.is_whitespace());
        prop_oneof![named, (1_u8..=24).prop_map(Code::F), visible.prop_map(Code::Char)]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_parsed_back(code in any_code(), ctrl: bool, alt: bool, shift: bool) {
            let press = KeyPress { code, ctrl, alt, shift }.canonical();
            prop_assert_eq!(press.to_string().parse::<KeyPress>(), Ok(press));
        }

        #[test]
        fn any_text_is_a_key_or_an_error(text in ".{0,12}") {
            if let Ok(press) = text.parse::<KeyPress>() {
                prop_assert_eq!(press.to_string().parse::<KeyPress>(), Ok(press));
            }
        }
    }
}

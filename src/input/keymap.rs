//! Which key asks for what: the built-in keymaps, and a user's file laid over them. One key never means two things.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::command::{COMMANDS, Command};
use super::key::{KeyPress, UnknownKey};

/// The keymap that every other one is laid over.
pub const DEFAULT: &str = include_str!("../../keymaps/default.toml");

/// Built-in keymaps by name.
pub const BUILT_IN: [(&str, &str); 2] = [("default", DEFAULT), ("vim", include_str!("../../keymaps/vim.toml"))];

/// Leaves always; no keymap can take it.
pub const LEAVES: KeyPress = KeyPress::ctrl('c');

/// Keys and what they ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    commands: HashMap<KeyPress, Command>,
    keys: BTreeMap<Command, Vec<KeyPress>>,
    labels: BTreeMap<Command, Arc<str>>,
    /// Whether keys are written in ASCII.
    ascii: bool,
}

/// Keys that are shown by a glyph, and their words in ASCII.
const SPELLED: [(&str, &str); 5] = [("⏎", "Enter"), ("↑", "Up"), ("↓", "Down"), ("←", "Left"), ("→", "Right")];

/// What is wrong with a keymap's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not TOML, or not commands with lists of keys.
    #[error("line {line}: {message}. A line of a keymap is like \"list.filter\" = [\"/\", \"ctrl-s\"].")]
    Form {
        /// Line, from 1.
        line: usize,
        /// What the TOML reader said.
        message: String,
    },
    /// A command that does not exist.
    #[error("line {line}: there is no command '{id}'.{}", meant.map(|meant| format!(" Did you mean '{meant}'?")).unwrap_or_default())]
    Command {
        /// Line, from 1.
        line: usize,
        /// What was written.
        id: String,
        /// What it most likely means.
        meant: Option<&'static str>,
    },
    /// A key that does not exist.
    #[error("line {line}: {unknown}")]
    Key {
        /// Line, from 1.
        line: usize,
        /// What was written.
        unknown: UnknownKey,
    },
    /// One key on two commands.
    #[error("line {line}: the key '{key}' is on '{first}' already and cannot be on '{second}' too. Give one of them another key.")]
    Twice {
        /// Line of the second.
        line: usize,
        /// The key.
        key: KeyPress,
        /// The command that has it.
        first: &'static str,
        /// The command that wants it too.
        second: &'static str,
    },
    /// A key that moves on a command that acts, or the other way round.
    #[error("line {line}: the key '{key}' {habit} ('{has}') and cannot be on '{id}', which {does}. {mend}")]
    Habit {
        /// Line, from 1.
        line: usize,
        /// The key.
        key: KeyPress,
        /// What fingers expect of it.
        habit: &'static str,
        /// The command that has it in a built-in keymap.
        has: &'static str,
        /// The command that wants it.
        id: &'static str,
        /// What that command does.
        does: &'static str,
        /// What to do.
        mend: &'static str,
    },
    /// The key that leaves always.
    #[error("line {line}: '{LEAVES}' leaves always and cannot be on '{id}'.")]
    Reserved {
        /// Line, from 1.
        line: usize,
        /// The command that wants it.
        id: &'static str,
    },
}

type Written = BTreeMap<Spanned<String>, Vec<Spanned<String>>>;

impl Keymap {
    /// The built-in keymap of this name.
    pub fn built_in(name: &str) -> Option<Result<Self, Error>> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| Self::read(text))
    }

    /// Reads a keymap: the default one with this text laid over it. A command that the text names has the text's keys only.
    pub fn read(text: &str) -> Result<Self, Error> {
        let defaults = parse(DEFAULT)?;
        let own = parse(text)?;
        let mut keymap = Self { commands: HashMap::new(), keys: BTreeMap::new(), labels: BTreeMap::new(), ascii: false };
        let habits = habits()?;
        for (command, line, key) in &own {
            if let Some(key) = key {
                against_habit(&habits, *command, *key, *line)?;
                keymap.bind(*command, *key, *line)?;
            }
        }
        for (command, _, key) in defaults.into_iter().filter(|(command, ..)| !own.iter().any(|(named, ..)| named == command)) {
            let Some(key) = key else { continue };
            // The line to blame is the one in the text that took the key away from a command which it does not name.
            let line = own.iter().find(|(_, _, taken)| *taken == Some(key)).map_or(1, |(_, line, _)| *line);
            if let Some(taker) = keymap.commands.get(&key) {
                let (first, second) = (command.entry().id, taker.entry().id);
                return Err(Error::Twice { line, key, first, second });
            }
            keymap.bind(command, key, line)?;
        }
        keymap.write_labels();
        Ok(keymap)
    }

    /// The same keys, written in ASCII: a glyph's fallback of one cell says too little of a key.
    #[must_use]
    pub fn in_ascii(mut self) -> Self {
        self.ascii = true;
        self.write_labels();
        self
    }

    fn write_labels(&mut self) {
        let first = self.keys.iter().filter_map(|(command, keys)| Some((*command, self.written(*keys.first()?).into())));
        self.labels = first.collect();
    }

    /// A key as the screen shows it.
    pub fn written(&self, key: KeyPress) -> String {
        let label = key.label();
        let spell = |label: String, (glyph, word): &(&str, &str)| label.replace(glyph, word);
        if self.ascii { SPELLED.iter().fold(label, spell) } else { label }
    }

    /// What a key asks for.
    pub fn command(&self, key: KeyPress) -> Option<Command> {
        if key == LEAVES { Some(Command::Quit) } else { self.commands.get(&key).copied() }
    }

    /// The keys of a command, the first one first.
    pub fn keys(&self, command: Command) -> &[KeyPress] {
        self.keys.get(&command).map_or(&[], Vec::as_slice)
    }

    /// The first key of a command as the screen shows it; None if it has no key.
    pub fn label(&self, command: Command) -> Option<&Arc<str>> {
        self.labels.get(&command)
    }

    fn bind(&mut self, command: Command, key: KeyPress, line: usize) -> Result<(), Error> {
        if key == LEAVES {
            return Err(Error::Reserved { line, id: command.entry().id });
        }
        match self.commands.insert(key, command) {
            Some(first) if first != command => Err(Error::Twice { line, key, first: first.entry().id, second: command.entry().id }),
            Some(_) => Ok(()),
            None => {
                self.keys.entry(command).or_default().push(key);
                Ok(())
            }
        }
    }
}

/// What keys do in the built-in keymaps, as far as they move or act.
fn habits() -> Result<Vec<(KeyPress, Command)>, Error> {
    let mut habits = Vec::new();
    for (_, text) in BUILT_IN {
        let bindings = parse(text)?.into_iter().filter(|(command, ..)| command.moves() || command.acts());
        habits.extend(bindings.filter_map(|(command, _, key)| Some((key?, command))));
    }
    Ok(habits)
}

/// A finger that means to move must never act, in no keymap: not even on somebody else's machine.
fn against_habit(habits: &[(KeyPress, Command)], command: Command, key: KeyPress, line: usize) -> Result<(), Error> {
    let clash = |has: Command| (command.acts() && has.moves()) || (command.moves() && has.acts());
    let Some((_, has)) = habits.iter().find(|(known, has)| *known == key && clash(*has)) else { return Ok(()) };
    let (habit, does, mend) = if command.acts() {
        ("moves", "acts", "Give it a key that does not move.")
    } else {
        ("acts", "moves", "Give it a key that does not act.")
    };
    Err(Error::Habit { line, key, habit, has: has.entry().id, id: command.entry().id, does, mend })
}

/// Every binding of a text in its order, with its line; a command with an empty list once and without a key.
fn parse(text: &str) -> Result<Vec<(Command, usize, Option<KeyPress>)>, Error> {
    let line = |span: Range<usize>| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1;
    let written: Written = toml::from_str(text).map_err(|error| Error::Form {
        line: line(error.span().unwrap_or_default()),
        message: error.message().trim_end_matches('.').replace('\n', ", "),
    })?;
    let mut bindings = Vec::new();
    for (id, keys) in &written {
        let Some(command) = Command::named(id.get_ref()) else {
            let id_line = line(id.span());
            return Err(Error::Command { line: id_line, id: id.get_ref().clone(), meant: nearest(id.get_ref()) });
        };
        if keys.is_empty() {
            bindings.push((command, line(id.span()), None));
        }
        for key in keys {
            let place = line(key.span());
            let parsed = key.get_ref().parse().map_err(|unknown| Error::Key { line: place, unknown })?;
            bindings.push((command, place, Some(parsed)));
        }
    }
    bindings.sort_by_key(|(_, line, _)| *line);
    Ok(bindings)
}

fn nearest(word: &str) -> Option<&'static str> {
    let distance = |entry: &super::command::Entry| strsim::damerau_levenshtein(word, entry.id);
    COMMANDS.iter().min_by_key(|entry| distance(entry)).filter(|entry| distance(entry) <= 4).map(|entry| entry.id)
}

#[cfg(test)]
mod tests {
    use super::super::key::Code;
    use super::*;

    fn says(text: &str, message: &str) {
        assert_eq!(Keymap::read(text).unwrap_err().to_string(), message);
    }

    #[test]
    fn every_command_has_a_key_in_every_built_in_keymap() {
        for (name, _) in BUILT_IN {
            let keymap = Keymap::built_in(name).unwrap().unwrap();
            for entry in &COMMANDS {
                assert_eq!(keymap.keys(entry.command).is_empty(), entry.command.is_keyless(), "{name}: {}", entry.id);
            }
        }
        assert!(Keymap::built_in("emacs").is_none());
    }

    #[test]
    fn a_file_is_laid_over_the_default() {
        let keymap = Keymap::read("\"list.filter\" = [\"f\"]\n\"pane.zoom\" = []\n").unwrap();
        let key = |letter| KeyPress::plain(Code::Char(letter));
        assert_eq!(keymap.command(key('f')), Some(Command::Filter));
        assert_eq!(keymap.command(key('/')), None);
        assert_eq!(keymap.command(key('z')), None);
        assert_eq!(keymap.command(key('j')), Some(Command::MoveDown));
        assert_eq!(keymap.label(Command::Zoom), None);
        assert_eq!(keymap.command(LEAVES), Some(Command::Quit));
    }

    #[test]
    fn in_ascii_keys_have_words() {
        let keymap = Keymap::built_in("default").unwrap().unwrap().in_ascii();
        let labels =
            [Command::RolloutOpen, Command::MoveUp, Command::MoveRight].map(|command| keymap.label(command).unwrap().to_string());
        assert_eq!(labels, ["Enter", "Up", "Right"]);
        assert!(keymap.keys.values().flatten().all(|key| keymap.written(*key).is_ascii()));
    }

    #[test]
    fn no_key_that_moves_acts_and_no_key_that_acts_moves() {
        says(
            "\n\"act.promote\" = [\"G\"]",
            "line 2: the key 'G' moves ('move.last') and cannot be on 'act.promote', which acts. Give it a key that does not move.",
        );
        says(
            "\"move.down\" = [\"R\"]",
            "line 1: the key 'R' acts ('act.roll-back') and cannot be on 'move.down', which moves. Give it a key that does not act.",
        );
        // Also what moves in another keymap, and what goes in and out; also when the command that has it gives it up.
        for text in [
            "\"act.hold\" = [\"ctrl-w\"]",
            "\"act.retry\" = [\"enter\"]",
            "\"act.abort\" = [\"esc\"]",
            "\"move.down\" = []\n\"act.hold\" = [\"j\"]",
            "\"act.hold\" = []\n\"back\" = [\"H\"]",
        ] {
            let error = Keymap::read(text).unwrap_err();
            assert!(matches!(error, Error::Habit { .. }), "{text}: {error}");
        }
        let keymap = Keymap::read("\"act.retry\" = [\"T\"]\n\"act.hold\" = [\"ctrl-x\"]").unwrap();
        assert_eq!(keymap.command(KeyPress::plain(Code::Char('T'))), Some(Command::Retry));
        assert_eq!(keymap.command(KeyPress::plain(Code::Char('H'))), None);
    }

    #[test]
    fn a_wrong_file_says_where_and_what() {
        says("\n\"list.filtre\" = [\"f\"]", "line 2: there is no command 'list.filtre'. Did you mean 'list.filter'?");
        says(
            "\"list.filter\" = [\n  \"f\",\n  \"hyper-f\",\n]",
            "line 3: 'hyper-f' is not a key. Keys are written like j, G, enter, esc, f5, ctrl-d, alt-x or shift-tab.",
        );
        says(
            "\"list.filter\" = [\"f\"]\n\"list.sort\" = [\"f\"]",
            "line 2: the key 'f' is on 'list.filter' already and cannot be on 'list.sort' too. Give one of them another key.",
        );
        says(
            "\"list.filter\" = [\"/\"]\n\"list.sort\" = [\"j\"]",
            "line 2: the key 'j' is on 'move.down' already and cannot be on 'list.sort' too. Give one of them another key.",
        );
        says("\"list.sort\" = [\"ctrl-c\"]", "line 1: 'ctrl-c' leaves always and cannot be on 'list.sort'.");
        let error = Keymap::read("\n\"list.sort\" = 3").unwrap_err().to_string();
        assert!(error.starts_with("line 2: ") && error.contains("A line of a keymap is like"), "{error}");
    }
}

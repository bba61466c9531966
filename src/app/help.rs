//! The help: all keys, made from the one table of commands and the keymap in use.

use super::state::State;
use crate::input::{COMMANDS, Group};

/// A line of the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Title of a chapter.
    Title(&'static str),
    /// Keys and what they do.
    Keys {
        /// The keys as the screen shows them, with spaces between.
        keys: String,
        /// What they do.
        words: &'static str,
    },
    /// A sentence.
    Words(String),
    /// Nothing.
    Empty,
}

/// All lines.
pub fn lines(state: &State) -> Vec<Line> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(Line::Empty);
        }
        lines.push(Line::Title(group.title()));
        if let (Group::Acting, Some(why)) = (group, state.forbidden(state.shown)) {
            lines.push(Line::Words(format!("Nothing can be changed here: {why}.")));
            continue;
        }
        for entry in COMMANDS.iter().filter(|entry| entry.group == group) {
            let keys: Vec<_> = state.keymap.keys(entry.command).iter().map(|key| state.keymap.written(*key)).collect();
            if keys.is_empty() && !entry.command.is_keyless() {
                continue;
            }
            // What has no key is in the palette.
            let keys = if keys.is_empty() { format!(":{}", entry.short) } else { keys.join(" ") };
            lines.push(Line::Keys { keys, words: entry.words });
        }
    }
    lines
}

//! The one table of commands. Keymaps, help, footer and README are made from it, so that they cannot drift apart.
//! Which key a command has stands in `keymaps/default.toml`, never here.

/// What a key can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// One row up.
    MoveUp,
    /// One row down.
    MoveDown,
    /// To the pane on the left.
    MoveLeft,
    /// To the pane on the right.
    MoveRight,
    /// To the first row.
    MoveFirst,
    /// To the last row.
    MoveLast,
    /// One page up.
    MovePageUp,
    /// One page down.
    MovePageDown,
    /// Half a page up.
    MoveHalfUp,
    /// Half a page down.
    MoveHalfDown,
    /// Focus to the next pane.
    FocusNext,
    /// Focus to the previous pane.
    FocusPrevious,
    /// The focused pane alone, and back.
    Zoom,
    /// The detail of what is selected.
    RolloutOpen,
    /// One step back to where one came from.
    Back,
    /// Type a filter.
    Filter,
    /// The next order of the list.
    Sort,
    /// The same order the other way round.
    Reverse,
    /// Copy the name of what is selected; once more, the kubectl command that shows it.
    Copy,
    /// The Bridge.
    Bridge,
    /// The list of rollouts.
    Rollouts,
    /// Choose another environment.
    Environments,
    /// What has happened inside the program.
    Log,
    /// All keys.
    Help,
    /// The next theme.
    Theme,
    /// Connect to the environment anew.
    Reconnect,
    /// Draw everything anew.
    Redraw,
    /// Back to the shell for a while.
    Suspend,
    /// Leave.
    Quit,
}

/// What a command is about: a chapter of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Moves only. A key of this group never acts on a cluster.
    Moving,
    /// About the rollout that is selected, or the list of them.
    Rollouts,
    /// Goes somewhere else.
    Going,
    /// About the program.
    Program,
}

impl Group {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 4] = [Self::Moving, Self::Rollouts, Self::Going, Self::Program];

    /// The chapter's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Moving => "Moving",
            Self::Rollouts => "Rollouts",
            Self::Going => "Going",
            Self::Program => "Program",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The command.
    pub command: Command,
    /// Its name in keymaps.
    pub id: &'static str,
    /// One or two words for the footer.
    pub short: &'static str,
    /// What it does, for the help.
    pub words: &'static str,
    /// Its chapter.
    pub group: Group,
}

/// The table, in the order of the help.
pub const COMMANDS: [Entry; 29] = [
    entry(Command::MoveUp, "move.up", "up", "one row up", Group::Moving),
    entry(Command::MoveDown, "move.down", "down", "one row down", Group::Moving),
    entry(Command::MoveLeft, "move.left", "left", "to the pane on the left", Group::Moving),
    entry(Command::MoveRight, "move.right", "right", "to the pane on the right", Group::Moving),
    entry(Command::MoveFirst, "move.first", "first", "to the first row", Group::Moving),
    entry(Command::MoveLast, "move.last", "last", "to the last row", Group::Moving),
    entry(Command::MovePageUp, "move.page-up", "page up", "one page up", Group::Moving),
    entry(Command::MovePageDown, "move.page-down", "page down", "one page down", Group::Moving),
    entry(Command::MoveHalfUp, "move.half-up", "half up", "half a page up", Group::Moving),
    entry(Command::MoveHalfDown, "move.half-down", "half down", "half a page down", Group::Moving),
    entry(Command::FocusNext, "focus.next", "next pane", "to the next pane", Group::Moving),
    entry(Command::FocusPrevious, "focus.previous", "previous pane", "to the previous pane", Group::Moving),
    entry(Command::Zoom, "pane.zoom", "zoom", "show the focused pane alone, or all again", Group::Moving),
    entry(Command::RolloutOpen, "rollout.open", "open", "open the selected rollout", Group::Rollouts),
    entry(Command::Back, "back", "back", "back to where you came from; clear the filter", Group::Rollouts),
    entry(Command::Filter, "list.filter", "filter", "filter by namespace, name, phase or image", Group::Rollouts),
    entry(Command::Sort, "list.sort", "sort", "sort by the next column", Group::Rollouts),
    entry(Command::Reverse, "list.reverse", "reverse", "the same order the other way round", Group::Rollouts),
    entry(Command::Copy, "rollout.copy", "copy", "copy its name; once more: the kubectl command", Group::Rollouts),
    entry(Command::Bridge, "go.bridge", "Bridge", "the Bridge: all at one glance", Group::Going),
    entry(Command::Rollouts, "go.rollouts", "Rollouts", "the list of rollouts", Group::Going),
    entry(Command::Environments, "go.environments", "environment", "choose another environment", Group::Going),
    entry(Command::Log, "go.log", "log", "what the program noted: connections, refusals", Group::Going),
    entry(Command::Help, "go.help", "help", "all keys", Group::Going),
    entry(Command::Theme, "program.theme", "theme", "the next theme", Group::Program),
    entry(Command::Reconnect, "program.reconnect", "reconnect", "connect to this environment anew", Group::Program),
    entry(Command::Redraw, "program.redraw", "redraw", "draw everything anew", Group::Program),
    entry(Command::Suspend, "program.suspend", "suspend", "back to the shell; fg returns", Group::Program),
    entry(Command::Quit, "program.quit", "quit", "leave; Ctrl-C leaves always", Group::Program),
];

const fn entry(command: Command, id: &'static str, short: &'static str, words: &'static str, group: Group) -> Entry {
    Entry { command, id, short, words, group }
}

impl Command {
    /// Its row of the table.
    #[expect(clippy::indexing_slicing, reason = "a test holds the table to the order of the variants")]
    pub fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    /// The command of this name.
    pub fn named(id: &str) -> Option<Self> {
        COMMANDS.iter().find(|entry| entry.id == id).map(|entry| entry.command)
    }
}

static TABLE: [Entry; 29] = COMMANDS;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_variants() {
        for (place, entry) in COMMANDS.iter().enumerate() {
            assert_eq!(entry.command as usize, place, "{}", entry.id);
            assert_eq!(entry.command.entry().id, entry.id);
        }
    }

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: HashSet<_> = COMMANDS.iter().map(|entry| entry.id).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for entry in &COMMANDS {
            assert_eq!(Command::named(entry.id), Some(entry.command));
        }
        assert_eq!(Command::named("rollout.opens"), None);
    }
}

//! The one table of commands. Keymaps, help, footer and README are made from it, so that they cannot drift apart.
//! Which key a command has stands in `keymaps/default.toml`, never here.

use crate::domain::action::Verb;

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
    /// What is in the newest revision against stable.
    Contents,
    /// The link to its charts elsewhere.
    Browse,
    /// Golden signals, or rate, errors, duration and utilisation, saturation, errors.
    SignalView,
    /// The signal before in the chart.
    SignalPrevious,
    /// The next signal in the chart.
    SignalNext,
    /// Less time in the chart.
    ChartIn,
    /// More time in the chart.
    ChartOut,
    /// Earlier times in the chart.
    ChartEarlier,
    /// Later times in the chart.
    ChartLater,
    /// Dialog: one step on.
    Promote,
    /// Dialog: one step on in spite of what its gates say.
    Override,
    /// Dialog: to 100 %.
    PromoteFull,
    /// Dialog: stand still.
    Hold,
    /// Dialog: lift the hold.
    Resume,
    /// Dialog: traffic back to stable.
    Abort,
    /// Dialog: back to stable, or to an earlier revision.
    RollBack,
    /// Dialog: begin an aborted release anew.
    Retry,
    /// Dialog: replace the pods.
    Restart,
    /// Dialog: past a step that is under way.
    SkipStep,
    /// Dialog: release another image.
    SetImage,
    /// Dialog: end a running analysis.
    TerminateAnalysis,
    /// Dialog: arm a guard, or end one; while a countdown runs, stop it.
    Guard,
    /// The Bridge.
    Bridge,
    /// The list of rollouts.
    Rollouts,
    /// The signals of all that is measured.
    Signals,
    /// What was done, by whom, and why.
    Ledger,
    /// Type a few letters of a command or a name.
    Palette,
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
    /// Settle a ticket that is owed.
    Ticket,
    /// Draw everything anew.
    Redraw,
    /// Back to the shell for a while.
    Suspend,
    /// The cluster that the environment leads to now is the right one.
    Trust,
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
    /// About what is measured of it.
    Signals,
    /// Changes the selected rollout, each through a dialog. A key of this group never only moves.
    Acting,
    /// Goes somewhere else.
    Going,
    /// About the program.
    Program,
}

impl Group {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Moving, Self::Rollouts, Self::Signals, Self::Acting, Self::Going, Self::Program];

    /// The chapter's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Moving => "Moving",
            Self::Rollouts => "Rollouts",
            Self::Signals => "Signals and charts",
            Self::Acting => "Acting, through a dialog",
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
pub const COMMANDS: [Entry; 56] = [
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
    entry(
        Command::Contents,
        "rollout.contents",
        "what is in it",
        "what is in it: images and template against stable",
        Group::Rollouts,
    ),
    entry(Command::Browse, "rollout.browse", "link", "open its charts in Grafana", Group::Rollouts),
    entry(
        Command::SignalView,
        "signals.view",
        "RED/USE",
        "as rate, errors, duration and utilisation, or as they are",
        Group::Signals,
    ),
    entry(Command::SignalPrevious, "signals.previous", "previous signal", "the signal before in the chart", Group::Signals),
    entry(Command::SignalNext, "signals.next", "signal", "the next signal in the chart", Group::Signals),
    entry(Command::ChartIn, "chart.in", "less time", "less time in the chart", Group::Signals),
    entry(Command::ChartOut, "chart.out", "more time", "more time in the chart", Group::Signals),
    entry(Command::ChartEarlier, "chart.earlier", "earlier", "earlier times in the chart", Group::Signals),
    entry(Command::ChartLater, "chart.later", "later", "later times in the chart", Group::Signals),
    entry(Command::Promote, "act.promote", "promote", "promote one step", Group::Acting),
    entry(
        Command::Override,
        "act.override",
        "override",
        "promote one step although its gates block it, with a reason",
        Group::Acting,
    ),
    entry(Command::PromoteFull, "act.promote-full", "→100%", "promote to 100 %, leaving out its steps", Group::Acting),
    entry(Command::Hold, "act.hold", "hold", "hold it where it is", Group::Acting),
    entry(Command::Resume, "act.resume", "resume", "let what is held go on", Group::Acting),
    entry(Command::Abort, "act.abort", "abort", "abort: traffic back to stable, the template stays", Group::Acting),
    entry(Command::RollBack, "act.roll-back", "roll back", "roll back to stable, or to an earlier revision", Group::Acting),
    entry(Command::Retry, "act.retry", "retry", "begin an aborted rollout anew", Group::Acting),
    entry(Command::Restart, "act.restart", "restart", "replace its pods", Group::Acting),
    entry(Command::SkipStep, "act.skip-step", "skip step", "skip the step that is under way", Group::Acting),
    entry(Command::SetImage, "act.set-image", "set image", "release another image", Group::Acting),
    entry(Command::TerminateAnalysis, "act.terminate-analysis", "end analysis", "terminate a running analysis", Group::Acting),
    entry(Command::Guard, "act.guard", "guard", "arm a guard on it, or end one; stop its countdown", Group::Acting),
    entry(Command::Bridge, "go.bridge", "Bridge", "the Bridge: all at one glance", Group::Going),
    entry(Command::Rollouts, "go.rollouts", "Rollouts", "the list of rollouts", Group::Going),
    entry(Command::Signals, "go.signals", "Signals", "the signals of all that is measured, alerts, budgets", Group::Going),
    entry(Command::Ledger, "go.ledger", "Ledger", "the ledger: what was done, by whom and why", Group::Going),
    entry(Command::Palette, "go.palette", "command", "any command or name by a few letters", Group::Going),
    entry(Command::Environments, "go.environments", "environment", "choose another environment", Group::Going),
    entry(Command::Log, "go.log", "log", "what the program noted: connections, refusals", Group::Going),
    entry(Command::Help, "go.help", "help", "all keys", Group::Going),
    entry(Command::Theme, "program.theme", "theme", "the next theme", Group::Program),
    entry(Command::Reconnect, "program.reconnect", "reconnect", "connect to this environment anew", Group::Program),
    entry(Command::Ticket, "program.ticket", "ticket", "settle a ticket that is owed: ticket INC-123", Group::Program),
    entry(Command::Redraw, "program.redraw", "redraw", "draw everything anew", Group::Program),
    entry(Command::Suspend, "program.suspend", "suspend", "back to the shell; fg returns", Group::Program),
    entry(
        Command::Trust,
        "program.trust",
        "trust this cluster",
        "the cluster behind this environment's name is another one, and that is right",
        Group::Program,
    ),
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

    /// Whether it changes a release, through a dialog.
    pub fn acts(self) -> bool {
        self.entry().group == Group::Acting
    }

    /// Whether it only moves: within a list, in and out of things. Such a key is pressed without thinking.
    pub fn moves(self) -> bool {
        matches!(self.entry().group, Group::Moving | Group::Signals) || matches!(self, Self::RolloutOpen | Self::Back)
    }

    /// Whether it is about one release, so that the palette can say about which.
    pub fn takes_release(self) -> bool {
        self.acts() || self.entry().id.starts_with("rollout.")
    }

    /// Whether it has no key of its own, as it needs more than a key can say or is too rare for one: the palette has it.
    pub fn is_keyless(self) -> bool {
        matches!(
            self,
            Self::Retry | Self::Restart | Self::SkipStep | Self::SetImage | Self::TerminateAnalysis | Self::Ticket | Self::Trust
        )
    }

    /// What it does to a release, if it does anything.
    pub fn verb(self) -> Option<Verb> {
        Some(match self {
            Self::Promote | Self::Override => Verb::Promote,
            Self::PromoteFull => Verb::PromoteFull,
            Self::Hold => Verb::Hold,
            Self::Resume => Verb::Resume,
            Self::Abort => Verb::Abort,
            Self::RollBack => Verb::RollBack,
            Self::Retry => Verb::Retry,
            Self::Restart => Verb::Restart,
            Self::SkipStep => Verb::SkipStep,
            Self::SetImage => Verb::SetImage,
            Self::TerminateAnalysis => Verb::TerminateAnalysis,
            _ => return None,
        })
    }

    /// The command of this name.
    pub fn named(id: &str) -> Option<Self> {
        COMMANDS.iter().find(|entry| entry.id == id).map(|entry| entry.command)
    }
}

static TABLE: [Entry; 56] = COMMANDS;

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
    fn a_command_acts_if_it_is_about_a_verb_and_every_verb_has_one() {
        let verbs: HashSet<_> = COMMANDS.iter().filter_map(|entry| entry.command.verb()).collect();
        assert_eq!(verbs.len(), Verb::ALL.len());
        for entry in &COMMANDS {
            let guards = entry.command == Command::Guard;
            assert_eq!(entry.command.acts(), entry.command.verb().is_some() || guards, "{}", entry.id);
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

//! Everything that can happen to the core.

use jiff::Timestamp;

use crate::domain::action::{Report, Reviewed};
use crate::domain::contents::Contents;
use crate::domain::fact::Fact;
use crate::domain::guard::Told;
use crate::domain::ledger::LedgerView;
use crate::domain::signal::Measured;
use crate::input::KeyPress;
use crate::log::Line;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyPress),
    /// A text was pasted; never commands.
    Paste(String),
    /// The mouse did something.
    Mouse(Mouse),
    /// The terminal has this size now.
    Resize {
        /// Cells across.
        columns: u16,
        /// Cells down.
        rows: u16,
    },
    /// Sources learned something.
    Facts(Vec<Fact>),
    /// It is now this time, by the local clock.
    Tick(Timestamp),
    /// Something was heard of an act.
    Acted(Report),
    /// Something was heard of a guard that was armed here.
    Guard {
        /// Which one.
        number: u64,
        /// What.
        told: Told,
    },
    /// The guards of others were cancelled, or not: what is to be said of it, as a sentence.
    GuardCancelled(Result<String, String>),
    /// The questions of a dialog are answered.
    Reviewed {
        /// The dialog.
        number: u64,
        /// The answers.
        reviewed: Box<Reviewed>,
    },
    /// The newest lines of the program's log, oldest first.
    Log(Vec<Line>),
    /// The ledger as it is now.
    Ledger(Box<LedgerView>),
    /// A ticket was settled, or not.
    Settled {
        /// The ticket.
        ticket: String,
        /// Why not, as a sentence.
        done: Result<(), String>,
    },
    /// The cluster of an environment is taken for the right one from now on, or not: its identity, or why, as a sentence.
    Trusted(Result<String, String>),
    /// Something was written on the ledger by this program, elsewhere than in an act of its own.
    Recorded,
    /// What a rollout's signals were over a span of time.
    Charted {
        /// The number of the question.
        number: u64,
        /// What came back, or why nothing did, as a sentence.
        measured: Box<Result<Measured, String>>,
    },
    /// A page was opened, or not.
    Opened {
        /// Its address.
        page: String,
        /// The command that took it, or why none did, as a clause.
        done: Result<String, String>,
    },
    /// What is in a release.
    Inspected {
        /// The number of the question.
        number: u64,
        /// What was found, or why nothing was, as a sentence.
        contents: Box<Result<Contents, String>>,
    },
}

/// What the mouse did, and in which cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub what: MouseKind,
    /// Column, from 0.
    pub column: u16,
    /// Row, from 0.
    pub row: u16,
}

/// What a mouse can do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    /// The main button went down.
    Press,
    /// The wheel went up.
    ScrollUp,
    /// The wheel went down.
    ScrollDown,
}

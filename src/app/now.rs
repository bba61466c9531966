//! *Now*: what happened in the shown environment and what people did there in the last hour, newest first.

use jiff::{SignedDuration, Timestamp};

use super::notice::Notice;
use super::state::State;
use crate::domain::ledger::LedgerAct;

/// How long an act stays in *Now*.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A line of *Now*.
#[derive(Clone, Copy, Debug)]
pub enum Line<'a> {
    /// Something happened.
    Notice(&'a Notice),
    /// Somebody did something.
    Act(&'a LedgerAct),
}

impl Line<'_> {
    /// When, by the local clock.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Notice(notice) => notice.at,
            Self::Act(act) => act.at,
        }
    }
}

/// All lines.
pub fn lines(state: &State) -> Vec<Line<'_>> {
    let environment = state.environment();
    let name = &*environment.settings.name;
    let recent = |act: &&LedgerAct| state.now.duration_since(act.at) <= HOUR;
    let acts = state.ledger.view().acts.iter().take_while(recent).filter(|act| &*act.environment == name);
    let mut lines: Vec<_> = acts.map(Line::Act).chain(environment.notices.lines().map(Line::Notice)).collect();
    // Stable: of one moment, the act comes above what came of it.
    lines.sort_by_key(|line| std::cmp::Reverse(line.at()));
    lines
}

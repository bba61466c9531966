//! What happened: the lines of *Now*, derived from what changed. Newest first, bounded, and never a line about nothing.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::cluster::Cluster;
use crate::domain::fact::News;
use crate::domain::id::Key;

/// Lines that are kept.
const KEPT: usize = 200;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tone {
    /// Something got well.
    Good,
    /// Something moved on.
    Plain,
    /// Something waits for a person, or looks odd.
    Warn,
    /// Something broke.
    Bad,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When, by the local clock.
    pub at: Timestamp,
    /// About which release; None for the environment itself.
    pub about: Option<Key>,
    /// How much it matters.
    pub tone: Tone,
    /// What happened, without its subject: `paused at step 4 of 8: waits for you`.
    pub text: Box<str>,
}

/// The newest lines of one environment.
#[derive(Debug, Default)]
pub struct Notices {
    lines: VecDeque<Notice>,
}

impl Notices {
    /// The lines, newest first.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &Notice> {
        self.lines.iter()
    }

    /// Hears news before the cluster does, and notes what it changes.
    pub(super) fn hear(&mut self, _before: &Cluster, _news: &News, _now: Timestamp) {}

    /// Adds a line.
    pub(super) fn push(&mut self, notice: Notice) {
        self.lines.push_front(notice);
        self.lines.truncate(KEPT);
    }
}

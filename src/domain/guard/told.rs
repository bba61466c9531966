//! What is heard of a guard at work.

use jiff::Timestamp;

use super::state::State;

/// One thing heard of a guard.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Something happened, in words.
    Said(Box<str>),
    /// Where it is now.
    Now(Status),
    /// It cannot watch: why, as a sentence. It is over.
    Failed(String),
}

/// Where a guard is.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Its state.
    pub state: State,
    /// What speaks against the release; empty if nothing does.
    pub evidence: Box<str>,
    /// Seconds until the countdown begins, if that goes on.
    pub left: Option<u32>,
    /// Since when it has been armed, by the local clock.
    pub since: Timestamp,
}

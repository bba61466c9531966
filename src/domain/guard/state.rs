//! Where a guard is, how it ends, and what it wants done.

use jiff::Timestamp;

use crate::domain::action::{Outcome, Verb};

/// The word of a guard that acts just now.
pub const ACTING: &str = "acting";

/// Where a guard is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Another guard has the release; this one takes over when that one dies.
    Standby {
        /// Who has it.
        holder: Box<str>,
    },
    /// All is well, as far as there is data.
    Watching,
    /// Something is over its limit.
    Breached,
    /// It holds the release.
    Held,
    /// There is no data: it does nothing.
    Blind {
        /// Since when, by the local clock.
        since: Timestamp,
        /// Why.
        why: Box<str>,
    },
    /// It takes the release back when this is over.
    Countdown {
        /// When that is, by the local clock.
        until: Timestamp,
    },
    /// It is doing this.
    Acting(Verb),
    /// It is over.
    Ended(End),
}

/// How a guard ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The version that it watched is stable. Whether it saw nothing at the end.
    Stable {
        /// It had no data when that happened.
        blind: bool,
    },
    /// It took the release back.
    TookBack(Outcome),
    /// Somebody else took the release back.
    Back,
    /// Another version is on its way.
    Other,
    /// The release is gone.
    Gone,
    /// Somebody cancelled it: who, and how.
    Cancelled(Box<str>),
    /// Whoever armed it took it away.
    Disarmed,
}

/// What a machine wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// This, for this reason.
    Act(Verb, Box<str>),
    /// Tell people.
    Say(Box<str>),
}

impl State {
    /// Its word, as the lease and JSON say it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Standby { .. } => "standby",
            Self::Watching => "watching",
            Self::Breached => "breached",
            Self::Held => "held",
            Self::Blind { .. } => "blind",
            Self::Countdown { .. } => "countdown",
            Self::Acting(_) => ACTING,
            Self::Ended(end) => end.word(),
        }
    }
}

impl End {
    /// Its word, as the lease and JSON say it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stable { .. } => "stable",
            Self::TookBack(_) => "took-back",
            Self::Back => "back",
            Self::Other => "other-version",
            Self::Gone => "gone",
            Self::Cancelled(_) => "cancelled",
            Self::Disarmed => "disarmed",
        }
    }
}

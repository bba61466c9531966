//! What is heard of an act while it is carried out, and what it came to.

use jiff::Timestamp;

/// One thing heard of an act.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The act's number.
    pub act: u64,
    /// When, by the local clock.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What is heard of an act.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It is on the ledger, under this name.
    Recorded(String),
    /// It cannot be recorded, for this reason; it goes on because it goes back and somebody said so.
    Unrecorded(String),
    /// The request of a step was sent. Steps are counted from 0.
    Sent(usize),
    /// The server took it.
    Accepted(usize),
    /// The answer was lost after sending; the cluster is read to learn what came of it.
    Unknown(usize, String),
    /// How far the effect of a step has come, in words: `traffic 25→10 %`.
    Progress(usize, String),
    /// No progress for a while: what to look at.
    Stuck(usize, String),
    /// The effect of a step was seen.
    Observed(usize),
    /// It is over.
    Ended(Outcome),
}

/// What an act came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its effect was seen. The text says what.
    Observed(String),
    /// A dry run: the server would take it.
    WouldDo(String),
    /// The server took it, and its effect was not seen in time. The text says what is missing.
    Accepted(String),
    /// It was refused and nothing was changed by this act, or only the steps that were reported as accepted before. The text says by
    /// whom and why, and what now.
    Refused(String),
    /// It was not sent. The text says why.
    NotSent(String),
    /// It cannot be recorded, and was not sent. The text says why.
    NotRecorded(String),
    /// The cluster behind the environment's name is another one than before; nothing was sent. The text shows both.
    OtherCluster(String),
    /// The answer was lost, and reading the cluster did not show its effect.
    Undetermined(String),
}

impl Outcome {
    /// Its name on the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Observed(_) => "observed",
            Self::WouldDo(_) => "dry-run",
            Self::Accepted(_) => "accepted",
            Self::Refused(_) | Self::OtherCluster(_) => "refused",
            Self::NotSent(_) | Self::NotRecorded(_) => "failed",
            Self::Undetermined(_) => "undetermined",
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        match self {
            Self::Observed(text)
            | Self::WouldDo(text)
            | Self::Accepted(text)
            | Self::Refused(text)
            | Self::NotSent(text)
            | Self::NotRecorded(text)
            | Self::OtherCluster(text)
            | Self::Undetermined(text) => text,
        }
    }
}

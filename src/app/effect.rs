//! Everything that the core can wish for. A runner performs it; the core never does.

use super::guard::Wish;
use crate::domain::action::{Access, Act};
use crate::domain::id::{EnvironmentId, Key};
use crate::domain::signal::Target;
use jiff::Timestamp;

/// One wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Leave, with the terminal as it was.
    Quit,
    /// Stop the process and give the terminal back, until the shell continues it.
    Suspend,
    /// Look closely at these releases of this environment, and at no others of it.
    Look {
        /// Where.
        environment: EnvironmentId,
        /// What; as many as are worth a watch each.
        subjects: Vec<Subject>,
    },
    /// Measure these rollouts of this environment in full, and no others of it.
    Measure {
        /// Where.
        environment: EnvironmentId,
        /// What.
        targets: Vec<Target>,
    },
    /// Measure a rollout over a span of time once; answered by [`Msg::Charted`](super::Msg::Charted).
    Chart(Box<Chart>),
    /// Give up the connection of an environment and make a new one.
    Reconnect(EnvironmentId),
    /// Do what a confirmed dialog says. Answered by reports.
    Act(Box<Act>),
    /// Something about a guard. Arming is answered by [`Msg::Guard`](super::Msg::Guard) all the time, cancelling those of others by
    /// [`Msg::GuardCancelled`](super::Msg::GuardCancelled).
    Guard(Box<Wish>),
    /// Learn what somebody ought to know before a dialog is confirmed.
    Review(Box<Review>),
    /// Read the ledger; answered by [`Msg::Ledger`](super::Msg::Ledger).
    ReadLedger,
    /// Settle the ticket that an act owes; answered by [`Msg::Settled`](super::Msg::Settled).
    SettleTicket {
        /// Id of the act.
        act: String,
        /// The ticket.
        ticket: String,
    },
    /// Look what is in a release; answered by [`Msg::Inspected`](super::Msg::Inspected).
    Inspect {
        /// Tells the answer from those to other questions.
        number: u64,
        /// Where.
        environment: EnvironmentId,
        /// The Rollout or Canary.
        key: Key,
        /// Its uid.
        uid: Box<str>,
    },
    /// Take the cluster that an environment leads to now for the right one; answered by [`Msg::Trusted`](super::Msg::Trusted).
    Trust(EnvironmentId),
    /// Put a text on the clipboard.
    Copy(String),
    /// Open a page in the browser; answered by [`Msg::Opened`](super::Msg::Opened).
    Open(String),
    /// Take this theme.
    Theme(String),
    /// Draw every cell anew, as something else wrote over the screen.
    Redraw,
    /// Ring the terminal's bell.
    Bell,
}

/// A question about the past of a rollout's signals.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Tells the answer from those to other questions.
    pub number: u64,
    /// Where.
    pub environment: EnvironmentId,
    /// What.
    pub target: Target,
    /// From when on, by the local clock.
    pub start: Timestamp,
    /// Until when, by the local clock.
    pub end: Timestamp,
    /// Seconds between two values.
    pub step: u32,
}

/// Questions about an act that is being thought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The dialog that asks.
    pub number: u64,
    /// Where.
    pub environment: EnvironmentId,
    /// The Rollout or Canary.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// What has to be allowed.
    pub accesses: Vec<Access>,
}

/// A release to look at closely: whose pods, events and analyses are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The Rollout or Canary.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// Label selector of its pods as the API takes it; empty if it is not known.
    pub selector: String,
}

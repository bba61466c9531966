//! What a metrics server said about rollouts: facts on their way to the core. Holds answers; judges none.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Signal, Variables};
use crate::domain::id::Key;
use crate::domain::series::Series;

/// Which of the versions that share the traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Track {
    /// The new version; of a rollout at rest, the one that there is.
    #[default]
    Canary,
    /// The version to go back to.
    Stable,
    /// All of them together.
    All,
}

impl Track {
    /// As queries and people spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Stable => "stable",
            Self::All => "all",
        }
    }
}

/// A rollout whose signals are wanted in full: visible, moving or guarded.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The Rollout or Canary.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// Pod hash of the version that is judged.
    pub hash: Box<str>,
    /// Its signals.
    pub signals: Arc<[Signal]>,
    /// The tracks that are asked for, each with what the variables stand for. At rest there is one.
    pub tracks: Vec<(Track, Variables)>,
    /// Seconds of history that are wanted.
    pub span: u32,
    /// Whether burn rates are wanted too.
    pub slo: bool,
}

/// What was measured of a target in one poll. Replaces what was measured of it before.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The rollout.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// Pod hash of the version that was judged.
    pub hash: Box<str>,
    /// When it was asked, by the local clock.
    pub asked: Timestamp,
    /// For each signal of the target, in its order, and each of its tracks: what came back.
    pub signals: Vec<(Arc<str>, Vec<TrackSeries>)>,
    /// Warnings and infos of the server, each once.
    pub notes: Vec<Box<str>>,
}

/// One signal of one track.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackSeries {
    /// The track.
    pub track: Track,
    /// Its value over time, the newest last. All gaps: the server has nothing.
    pub value: Series,
    /// Requests a second over the same time; None if nobody says.
    pub traffic: Option<Series>,
    /// When the newest sample behind the value was taken, by the local clock; None if the server has none that counts.
    pub sampled: Option<Timestamp>,
    /// How many pods (or instances) the samples come from, where they say so.
    pub pods: Option<u32>,
    /// What the server said against the query, in one line; then the series is all gaps.
    pub refused: Option<Box<str>>,
}

/// One signal of all rollouts, from one grouped query. Replaces the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// The signal's name.
    pub signal: Arc<str>,
    /// When it was asked, by the local clock.
    pub asked: Timestamp,
    /// The values, ordered by namespace, rollout and track.
    pub rows: Box<[FleetRow]>,
    /// Warnings and infos of the server about it, each once.
    pub notes: Vec<Box<str>>,
}

/// One value of a grouped query.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetRow {
    /// Namespace of the rollout, shared among its rows.
    pub namespace: Arc<str>,
    /// Name of the rollout, or of the service that it is asked for by.
    pub rollout: Arc<str>,
    /// The track.
    pub track: Track,
    /// The value; NaN is none.
    pub value: f32,
}

/// How a metrics server is doing, as the polls found it.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsLink {
    /// None is configured.
    None,
    /// Not asked yet.
    Connecting,
    /// It answered.
    Up {
        /// When, by the local clock.
        at: Timestamp,
        /// How long its answers took, the slowest of the poll, in milliseconds.
        millis: u32,
        /// When the newest sample was taken that any signal rests on; None if there is none.
        sampled: Option<Timestamp>,
    },
    /// It did not.
    Down {
        /// Since when, by the local clock.
        since: Timestamp,
        /// What was said, in one line.
        reason: Box<str>,
    },
}

/// How an alert of a metrics server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertState {
    /// It calls somebody.
    Firing,
    /// It will, if it goes on like this.
    Pending,
    /// It is well.
    Inactive,
}

/// What was learned when a metrics server was asked for its alerts.
#[derive(Clone, Debug, PartialEq)]
pub enum Alerts {
    /// All of them.
    Read(Arc<[Alert]>),
    /// Some of them, and what the server warns of, in one line: that none of these fires does not mean that none does.
    Partly(Arc<[Alert]>, Box<str>),
    /// None, and why, in one line. What was known before ages.
    Unread(Box<str>),
}

/// An alert or an alerting rule of a metrics server.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its name.
    pub name: Box<str>,
    /// How it stands.
    pub state: AlertState,
    /// Since when, by the local clock.
    pub since: Option<Timestamp>,
    /// Its labels.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// What it says: its summary, else its description.
    pub summary: Option<Box<str>>,
    /// The rule's query.
    pub query: Box<str>,
    /// What is wrong with the rule itself.
    pub problem: Option<Box<str>>,
}

//! The outside world coming in: facts and health, never decisions. A source writes to the [`mailbox`] and takes [`Order`]s;
//! it never waits for whoever reads, and nothing here changes anything in a cluster.

pub mod mailbox;

pub use mailbox::Mailbox;

use crate::domain::id::{EnvironmentId, Key};

/// How many subjects of one environment are looked at closely: each costs connections.
pub const SUBJECTS: usize = 16;

/// What the core wishes of its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// These, and only these, are looked at closely in this environment: their pods, events, analysis runs and experiments are
    /// read too. The first [`SUBJECTS`] count. A subject that leaves takes its facts with it.
    Look {
        /// Where.
        environment: EnvironmentId,
        /// What.
        subjects: Vec<Subject>,
    },
    /// Give the connection up and build a new one from the kubeconfig as it is now.
    Reconnect(EnvironmentId),
}

/// A release that is looked at, or in trouble.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The Rollout or Canary.
    pub key: Key,
    /// Its uid.
    pub uid: Box<str>,
    /// Its pods, as a label selector in the API's text form, for example `app=web,tier in (a,b)`; empty means that they are unknown.
    pub selector: String,
}

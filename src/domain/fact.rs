//! What a source has learned: the only way in which the outside world reaches the core.

use std::sync::Arc;

use jiff::Timestamp;

use super::id::{EnvironmentId, Key, Kind};
use super::object::{AnalysisRun, Canary, Event, Experiment, Lease, Meta, Pod, ReplicaSet, Rollout};
use super::signal::analysis_template::Understood;
use super::signal::{Alerts, Fleet, Measured, MetricsLink, Recorded};
use super::slo::{BurnReading, Collector};

/// An object as a source decoded it. `Arc`, so that handing it on copies nothing.
#[derive(Clone, Debug)]
pub enum Object {
    /// An Argo Rollout.
    Rollout(Arc<Rollout>),
    /// A Flagger Canary.
    Canary(Arc<Canary>),
    /// A ReplicaSet of a rollout or experiment.
    ReplicaSet(Arc<ReplicaSet>),
    /// A pod of a ReplicaSet.
    Pod(Arc<Pod>),
    /// An AnalysisRun.
    AnalysisRun(Arc<AnalysisRun>),
    /// An Experiment.
    Experiment(Arc<Experiment>),
    /// A Kubernetes Event.
    Event(Arc<Event>),
    /// The Lease of a guard.
    Lease(Arc<Lease>),
}

impl Object {
    /// What kind of object it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Rollout(_) => Kind::Rollout,
            Self::Canary(_) => Kind::Canary,
            Self::ReplicaSet(_) => Kind::ReplicaSet,
            Self::Pod(_) => Kind::Pod,
            Self::AnalysisRun(_) => Kind::AnalysisRun,
            Self::Experiment(_) => Kind::Experiment,
            Self::Event(_) => Kind::Event,
            Self::Lease(_) => Kind::Lease,
        }
    }

    /// Its metadata.
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Rollout(object) => &object.metadata,
            Self::Canary(object) => &object.metadata,
            Self::ReplicaSet(object) => &object.metadata,
            Self::Pod(object) => &object.metadata,
            Self::AnalysisRun(object) => &object.metadata,
            Self::Experiment(object) => &object.metadata,
            Self::Event(object) => &object.metadata,
            Self::Lease(object) => &object.metadata,
        }
    }

    /// Its metadata, to write; None once somebody else holds the object too.
    pub fn meta_mut(&mut self) -> Option<&mut Meta> {
        match self {
            Self::Rollout(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
            Self::Canary(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
            Self::ReplicaSet(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
            Self::Pod(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
            Self::AnalysisRun(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
            Self::Experiment(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
            Self::Event(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
            Self::Lease(object) => Arc::get_mut(object).map(|object| &mut object.metadata),
        }
    }

    /// Its name; shares the texts of the metadata.
    pub fn key(&self) -> Key {
        let meta = self.meta();
        Key { kind: self.kind(), namespace: meta.namespace.clone(), name: meta.name.clone() }
    }
}

/// One thing learned about one environment.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Which environment it is about.
    pub environment: EnvironmentId,
    /// Which connection of that environment said it: an answer of an older epoch is dropped.
    pub epoch: u32,
    /// What was learned.
    pub news: News,
}

/// What a fact says.
#[derive(Clone, Debug)]
pub enum News {
    /// The object is there and looks like this now.
    Is(Object),
    /// The object is gone.
    Gone(Key),
    /// Whether a kind can be read here, and whether all of it has been.
    Reading(Kind, Reading),
    /// How the connection is doing.
    Health(Health),
    /// What a metrics server says. It is another connection, whose answers name what they were asked for: no epoch counts for them.
    Metrics(MetricsNews),
}

/// What a metrics server says.
#[derive(Clone, Debug)]
pub enum MetricsNews {
    /// How it is doing.
    Link(MetricsLink),
    /// What was measured of a rollout.
    Measured(Arc<Measured>),
    /// One signal of all rollouts.
    Fleet(Arc<Fleet>),
    /// Its alerts and alerting rules.
    Alerts(Alerts),
    /// How fast a service uses up what may fail.
    Burn(Arc<BurnReading>),
    /// How the collectors of telemetry are doing.
    Collector(Collector),
    /// The signals that its rules record, each of a service.
    Recorded(Arc<[Recorded]>),
    /// What the controller judges a rollout by: the AnalysisTemplates that it names. That is said by the cluster.
    Templates(Key, Arc<Understood>),
}

/// The state of reading one kind of object in one environment: each a different thing on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The first list is still under way.
    Loading,
    /// Everything that is there has been seen at least once; changes follow.
    Live,
    /// As `Live`, but of one namespace only, because all of them are refused. The text says which, and what was refused.
    Narrowed(String),
    /// The API has no such kind: the CRD is not installed.
    NotInstalled,
    /// The API refuses it. The text is the server's: it names user, verb, resource and namespace.
    Denied(String),
    /// It could not be read for another reason; it is being tried again.
    Failing(String),
}

/// How a connection is doing, as its probes found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// When this was found, by the local clock.
    pub at: Timestamp,
    /// What was found.
    pub state: Link,
    /// Cluster clock minus local clock in milliseconds, from the `Date` header (whole seconds, so within 1 s).
    pub clock_skew_ms: i64,
}

/// Whether a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not tried yet, or being tried for the first time.
    Connecting,
    /// It answered within the probe's limit; `millis` is how long that took.
    Up {
        /// Round trip of the probe in milliseconds.
        millis: u32,
    },
    /// The last probe went unanswered; what was known before still stands, and ages.
    Down {
        /// What the connection said, in one line.
        reason: String,
    },
}

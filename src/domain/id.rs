//! Names of things: environments and the objects in them. Never an index into a list that can be re-sorted.

use std::fmt;
use std::sync::Arc;

/// An environment of the configuration, by its place in it. The configuration does not change while the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentId(pub u16);

/// The kinds of Kubernetes objects that Pilothouse reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `argoproj.io/v1alpha1` Rollout.
    Rollout,
    /// `flagger.app/v1beta1` Canary.
    Canary,
    /// `apps/v1` ReplicaSet.
    ReplicaSet,
    /// `v1` Pod.
    Pod,
    /// `argoproj.io/v1alpha1` AnalysisRun.
    AnalysisRun,
    /// `argoproj.io/v1alpha1` Experiment.
    Experiment,
    /// `v1` Event.
    Event,
    /// `coordination.k8s.io/v1` Lease of a guard.
    Lease,
}

impl Kind {
    /// The kind's name as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rollout => "Rollout",
            Self::Canary => "Canary",
            Self::ReplicaSet => "ReplicaSet",
            Self::Pod => "Pod",
            Self::AnalysisRun => "AnalysisRun",
            Self::Experiment => "Experiment",
            Self::Event => "Event",
            Self::Lease => "Lease",
        }
    }

    /// The plural under which the API serves it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Rollout => "rollouts",
            Self::Canary => "canaries",
            Self::ReplicaSet => "replicasets",
            Self::Pod => "pods",
            Self::AnalysisRun => "analysisruns",
            Self::Experiment => "experiments",
            Self::Event => "events",
            Self::Lease => "leases",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One object of one environment: what selections, dialogs and the mailbox hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Kind of the object.
    pub kind: Kind,
    /// Namespace of the object.
    pub namespace: Arc<str>,
    /// Name of the object.
    pub name: Arc<str>,
}

impl Key {
    /// Names an object.
    pub fn new(kind: Kind, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

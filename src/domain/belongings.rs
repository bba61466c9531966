//! What belongs to a release: the objects below a Rollout or Canary, each owned by it or by something it owns.
//! Ownership goes by uid alone; names are never compared.

use std::sync::Arc;

use super::object::{AnalysisRun, Event, Experiment, Kept, Meta, Pod, ReplicaSet};

/// Label with the hash of the pod template, on ReplicaSets and pods.
pub const HASH_LABEL: &str = "rollouts-pod-template-hash";
/// Annotation with the number of a revision.
pub const REVISION: &str = "rollout.argoproj.io/revision";

/// The objects that belong to one release, its Experiments' included. In no particular order.
#[derive(Clone, Debug, Default)]
pub struct Belongings {
    /// ReplicaSets of the rollout and of its Experiments.
    pub replica_sets: Vec<Arc<ReplicaSet>>,
    /// Pods of those ReplicaSets; only there for what is looked at.
    pub pods: Vec<Arc<Pod>>,
    /// AnalysisRuns of the rollout and of its Experiments.
    pub analysis_runs: Vec<Arc<AnalysisRun>>,
    /// Experiments of the rollout.
    pub experiments: Vec<Arc<Experiment>>,
    /// Events about any of these and about the release itself.
    pub events: Vec<Arc<Event>>,
}

impl Belongings {
    /// ReplicaSets of one owner, newest revision first, then by name.
    pub fn replica_sets_of(&self, owner: &str) -> Vec<&ReplicaSet> {
        let mut owned = owned(&self.replica_sets, owner);
        owned.sort_by(|a, b| {
            let order = revision(&b.metadata).cmp(&revision(&a.metadata));
            order.then_with(|| a.metadata.name.cmp(&b.metadata.name))
        });
        owned
    }

    /// Pods of one ReplicaSet, oldest first.
    pub fn pods_of(&self, owner: &str) -> Vec<&Pod> {
        let mut owned = owned(&self.pods, owner);
        owned.sort_by(|a, b| {
            let age = a.metadata.creation_timestamp.cmp(&b.metadata.creation_timestamp);
            age.then_with(|| a.metadata.name.cmp(&b.metadata.name))
        });
        owned
    }

    /// AnalysisRuns of one owner, newest revision first and within it in the order of their creation.
    pub fn runs_of(&self, owner: &str) -> Vec<&AnalysisRun> {
        let mut owned = owned(&self.analysis_runs, owner);
        by_revision_and_age(&mut owned);
        owned
    }

    /// Experiments of one owner, newest revision first and within it in the order of their creation.
    pub fn experiments_of(&self, owner: &str) -> Vec<&Experiment> {
        let mut owned = owned(&self.experiments, owner);
        by_revision_and_age(&mut owned);
        owned
    }

    /// The ReplicaSet of one owner that has this pod hash.
    pub fn replica_set_with(&self, owner: &str, hash: &str) -> Option<&ReplicaSet> {
        let mine = |set: &&ReplicaSet| !hash.is_empty() && pod_hash(&set.metadata) == hash && owns(owner, &set.metadata);
        self.replica_sets.iter().map(|set| &**set).find(mine)
    }
}

/// The pod hash of a ReplicaSet or pod; empty if it has none.
pub fn pod_hash(meta: &Meta) -> &str {
    meta.label(HASH_LABEL).unwrap_or_default()
}

/// The revision number of an object; 0 where none is said, as the plugin counts it.
pub fn revision(meta: &Meta) -> i64 {
    meta.annotation(REVISION).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Whether an object names this uid among its owners.
pub fn owns(uid: &str, meta: &Meta) -> bool {
    !uid.is_empty() && meta.owner_references.iter().any(|owner| *owner.uid == *uid)
}

fn owned<'a, T: Kept>(all: &'a [Arc<T>], owner: &str) -> Vec<&'a T> {
    all.iter().map(|object| &**object).filter(|object| owns(owner, object.meta())).collect()
}

fn by_revision_and_age<T: Kept>(objects: &mut [&T]) {
    objects.sort_by(|a, b| {
        let (a, b) = (a.meta(), b.meta());
        let order = revision(b).cmp(&revision(a)).then(a.creation_timestamp.cmp(&b.creation_timestamp));
        order.then_with(|| a.name.cmp(&b.name))
    });
}

//! The controllers of a cluster, over the store of one environment: rollouts, experiments, analyses, ReplicaSets, pods,
//! Deployments, Flagger's canaries and Argo CD's applications. They are driven by what changed and by alarms, never by looking at everything;
//! they read no clock and ask no network.

pub(in crate::demo) mod amount;
mod analysis;
pub(in crate::demo) mod deployments;
pub(in crate::demo) mod desk;
mod experiments;
pub(in crate::demo) mod hash;
pub(in crate::demo) mod model;
mod pods;
mod replica_sets;
mod rollout;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::argocd::{self, Git};
use super::metrics::Turn;
use super::{Changed, Knob, Reconcile, Resource, Store, What, flagger};
use desk::{Alarms, controller_of};
pub(in crate::demo) use desk::{At, Desk};

/// An object that is looked at more often than this at one moment has to wait a second.
const LOOKS_AT_ONCE: u32 = 200;

/// All controllers of one environment.
#[derive(Debug, Default)]
pub struct Controller {
    alarms: Alarms,
    model: model::Model,
    git: Git,
    /// Rollouts by the workload that they take their template from.
    followers: BTreeMap<At, BTreeSet<At>>,
}

/// What is to be looked at, each object once, in the order of arrival.
#[derive(Default)]
struct Queue {
    order: VecDeque<At>,
    waiting: HashSet<At>,
}

impl Queue {
    fn push(&mut self, at: At) {
        if self.waiting.insert(at.clone()) {
            self.order.push_back(at);
        }
    }

    fn pop(&mut self) -> Option<At> {
        let at = self.order.pop_front()?;
        self.waiting.remove(&at);
        Some(at)
    }
}

impl Controller {
    /// Controllers that have seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a metric returns from now on; null forgets it. Names: the metric's own or the last part of its URL, bare or
    /// behind `namespace/` or `namespace/rollout/`.
    pub fn set_metric(&mut self, name: &str, value: Value) {
        self.model.set_metric(name, value);
    }

    /// The HTTP status that a gate answers from now on, by the last part of its URL or as with metrics.
    pub fn set_gate(&mut self, name: &str, status: u16) {
        self.model.set_gate(name, status);
    }

    /// What stands in Git, for whoever pushes.
    pub fn git(&mut self) -> &mut Git {
        &mut self.git
    }

    fn take_in(&mut self, changed: &Changed, queue: &mut Queue) {
        let (resource, object) = (changed.resource, &changed.object);
        let at = At::of(resource, object);
        let gone = changed.what == What::Deleted;
        match resource {
            Resource::Rollout if rollout::is_foreign(object) => return,
            Resource::Rollout => self.follow(&at, object, gone),
            Resource::Deployment | Resource::ReplicaSet => {
                for follower in self.followers.get(&at).into_iter().flatten() {
                    queue.push(follower.clone());
                }
            }
            _ => {}
        }
        if let Some(application) = self.git.application_of(&at) {
            queue.push(application);
        }
        if let Some((kind, name)) = controller_of(object)
            && let Some(owner) = owner(kind)
        {
            queue.push(At::new(owner, &at.namespace, name));
        }
        // A Canary only ever moves with its own clock, but for the first time, and a pod with its own but at its end.
        let own = match resource {
            Resource::Canary => changed.what == What::Created,
            Resource::Pod => !gone && object["metadata"]["deletionTimestamp"].is_string(),
            _ => !gone,
        };
        if own && is_looked_at(resource) {
            queue.push(at);
        }
    }

    /// Remembers which workload a rollout takes its template from.
    fn follow(&mut self, at: &At, rollout: &Value, gone: bool) {
        let reference = &rollout["spec"]["workloadRef"];
        let workload = match reference["kind"].as_str() {
            Some("Deployment") => Resource::Deployment,
            Some("ReplicaSet") => Resource::ReplicaSet,
            _ => return,
        };
        let target = At::new(workload, &at.namespace, reference["name"].as_str().unwrap_or_default());
        let followers = self.followers.entry(target).or_default();
        if gone {
            followers.remove(at)
        } else {
            followers.insert(at.clone())
        };
    }

    fn look(&mut self, store: &mut Store, now: Timestamp, at: &At) {
        let desk = &mut Desk { store, alarms: &mut self.alarms, model: &mut self.model, git: &mut self.git, now };
        match at.resource {
            Resource::Rollout => rollout::look(desk, at),
            Resource::ReplicaSet => replica_sets::look(desk, at),
            Resource::Pod => pods::look(desk, at),
            Resource::AnalysisRun => analysis::look(desk, at),
            Resource::Experiment => experiments::look(desk, at),
            Resource::Deployment => deployments::look(desk, at),
            Resource::Canary => flagger::look(desk, at),
            Resource::Application => argocd::look(desk, at),
            _ => {}
        }
    }
}

fn is_looked_at(resource: Resource) -> bool {
    use Resource::{AnalysisRun, Application, Canary, Deployment, Experiment, Pod, ReplicaSet, Rollout};
    matches!(resource, Rollout | ReplicaSet | Pod | AnalysisRun | Experiment | Deployment | Canary | Application)
}

/// The kinds of owners that look after what they own.
fn owner(kind: &str) -> Option<Resource> {
    [Resource::Rollout, Resource::ReplicaSet, Resource::AnalysisRun, Resource::Experiment, Resource::Deployment]
        .into_iter()
        .find(|resource| resource.about().kind == kind)
}

impl Reconcile for Controller {
    fn turn(&mut self, knob: Knob) {
        match knob {
            Knob::Metric(name, value) => self.set_metric(&name, value),
            Knob::Gate(name, status) => self.set_gate(&name, status),
        }
    }

    fn gate(&self, name: &str) -> Option<u16> {
        self.model.gate(&[name.to_owned()])
    }

    fn take_told(&mut self) -> Vec<Turn> {
        self.model.take_told().into_iter().map(|(name, value)| Turn::Analysis { name, value }).collect()
    }

    fn settle(&mut self, store: &mut Store, now: Timestamp) -> Option<Timestamp> {
        store.set_now(now);
        let mut queue = Queue::default();
        let mut looks: HashMap<At, u32> = HashMap::new();
        self.alarms.due(now).into_iter().for_each(|at| queue.push(at));
        loop {
            for changed in store.take_changes() {
                self.take_in(&changed, &mut queue);
            }
            let Some(at) = queue.pop() else { break };
            let count = looks.entry(at.clone()).or_default();
            *count += 1;
            if *count > LOOKS_AT_ONCE {
                tracing::warn!(object = ?at, "does not come to rest; looked at again in a second");
                self.alarms.set(now + SignedDuration::from_secs(1), at);
                continue;
            }
            self.look(store, now, &at);
        }
        self.alarms.next()
    }
}

//! One Rollout with everything that belongs to it, as the controller sees it during one look. Values are read once;
//! what the look decides is collected here and written at its end.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::super::desk::{At, Desk, annotation, label, stamp, text, time};
use super::super::hash;
use super::pause::Wishes;
use super::spec::{Spec, Step};
use super::status::Status;
use super::template::plain;
use crate::demo::Resource;

/// Until when a ReplicaSet without traffic keeps its pods.
pub const DEADLINE: &str = "scale-down-deadline";
/// The number of a revision.
pub const REVISION: &str = "rollout.argoproj.io/revision";
/// Numbers that a revision had before.
pub const HISTORY: &str = "rollout.argoproj.io/revision-history";
/// Wanted pods of the rollout when the ReplicaSet was last scaled.
pub const DESIRED: &str = "rollout.argoproj.io/desired-replicas";

/// A ReplicaSet of the rollout.
#[derive(Clone, Debug)]
pub struct Set {
    pub object: Arc<Value>,
    pub at: At,
    pub hash: String,
    pub revision: i64,
    /// Wanted pods.
    pub wanted: i64,
    /// Pods that are there.
    pub current: i64,
    pub ready: i64,
    pub available: i64,
    pub deadline: Option<Timestamp>,
}

impl Set {
    /// Reads a ReplicaSet.
    pub fn read(object: Arc<Value>) -> Self {
        let count = |key: &str| object["status"][key].as_i64().unwrap_or_default();
        Self {
            at: At::of(Resource::ReplicaSet, &object),
            hash: label(&object, hash::LABEL).to_owned(),
            revision: annotation(&object, REVISION).parse().unwrap_or_default(),
            wanted: object["spec"]["replicas"].as_i64().unwrap_or(1),
            current: count("replicas"),
            ready: count("readyReplicas"),
            available: count("availableReplicas"),
            deadline: time(annotation(&object, DEADLINE)),
            object,
        }
    }

    /// Pods that are available and stay wanted.
    pub fn serving(&self) -> i64 {
        self.available.min(self.wanted)
    }

    /// When it was created, as text that sorts.
    pub fn created(&self) -> &str {
        text(&self.object, "creationTimestamp")
    }
}

/// The AnalysisRuns that the status names.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    pub step: Option<Arc<Value>>,
    pub background: Option<Arc<Value>>,
    pub pre: Option<Arc<Value>>,
    pub post: Option<Arc<Value>>,
}

/// The rollout and all that belongs to it.
pub struct Scene<'d, 'a> {
    pub desk: &'d mut Desk<'a>,
    pub at: At,
    pub object: Arc<Value>,
    pub spec: Spec,
    pub steps: Vec<Step>,
    /// The status as it was found.
    pub before: Status,
    /// The status that this look arrives at.
    pub after: Status,
    pub sets: Vec<Set>,
    /// Place of the wanted template's ReplicaSet in `sets`.
    pub new: Option<usize>,
    /// Place of the stable ReplicaSet in `sets`.
    pub stable: Option<usize>,
    pub runs: Runs,
    pub experiment: Option<Arc<Value>>,
    pub wishes: Wishes,
    /// Whether the wanted template's ReplicaSet was still waiting for its end when this look began.
    pub within_delay: bool,
    pub stamp: String,
}

impl<'d, 'a> Scene<'d, 'a> {
    /// Looks at a rollout. The spec's template and selector are already resolved.
    pub fn open(desk: &'d mut Desk<'a>, object: Arc<Value>, spec: Spec) -> Self {
        let before = Status::read(&object);
        let sets: Vec<Set> = desk.owned(Resource::ReplicaSet, &object).into_iter().map(Set::read).collect();
        let steps = spec.strategy.canary.as_ref().map(super::spec::Canary::read_steps).unwrap_or_default();
        let stamp = stamp(desk.now);
        let at = At::of(Resource::Rollout, &object);
        let mut scene = Self {
            desk,
            at,
            object,
            spec,
            steps,
            after: before.clone(),
            before,
            sets,
            new: None,
            stable: None,
            runs: Runs::default(),
            experiment: None,
            wishes: Wishes::default(),
            within_delay: false,
            stamp,
        };
        scene.find_sets();
        let now = scene.desk.now;
        scene.within_delay = scene.new_set().and_then(|set| set.deadline).is_some_and(|deadline| deadline > now);
        scene.find_runs();
        scene
    }

    /// Finds the ReplicaSets of the wanted template and of stable.
    pub fn find_sets(&mut self) {
        let essence = hash::essence(self.spec.template.as_ref().unwrap_or(&Value::Null));
        let name = hash::of(&essence);
        let fits = |set: &Set| hash::essence(&plain(&set.object)) == essence;
        let by_hash = self.sets.iter().position(|set| set.hash == name && fits(set));
        self.new = by_hash.or_else(|| self.sets.iter().position(fits));
        let stable = &self.before.stable_rs;
        self.stable = if stable.is_empty() { None } else { self.sets.iter().position(|set| set.hash == *stable) };
    }

    fn find_runs(&mut self) {
        let named = |run: &Option<super::status::Run>| run.as_ref().map(|run| run.name.clone());
        let names = [
            named(&self.before.canary.current_step_analysis_run_status),
            named(&self.before.canary.current_background_analysis_run_status),
            named(&self.before.blue_green.pre_promotion_analysis_run_status),
            named(&self.before.blue_green.post_promotion_analysis_run_status),
        ];
        let mut found = names.map(|name| self.desk.get(Resource::AnalysisRun, &self.at.namespace, &name?));
        let [step, background, pre, post] = &mut found;
        self.runs = Runs { step: step.take(), background: background.take(), pre: pre.take(), post: post.take() };
        let experiment = &self.before.canary.current_experiment;
        if !experiment.is_empty() {
            self.experiment = self.desk.get(Resource::Experiment, &self.at.namespace, experiment);
        }
    }

    /// The wanted template's ReplicaSet.
    pub fn new_set(&self) -> Option<&Set> {
        self.new.and_then(|place| self.sets.get(place))
    }

    /// The stable ReplicaSet.
    pub fn stable_set(&self) -> Option<&Set> {
        self.stable.and_then(|place| self.sets.get(place))
    }

    /// Places of the ReplicaSets that are neither new nor stable, oldest first.
    pub fn others(&self) -> Vec<usize> {
        let known = [self.new, self.stable];
        let mut others: Vec<usize> = (0..self.sets.len()).filter(|place| !known.contains(&Some(*place))).collect();
        others.sort_by_key(|place| (self.sets[*place].created().to_owned(), self.sets[*place].revision));
        others
    }

    /// Whether stable is there and another one than new.
    pub fn has_two(&self) -> bool {
        self.stable.is_some() && self.stable != self.new
    }

    /// The hash of the wanted template.
    pub fn new_hash(&self) -> String {
        let computed = || hash::of_template(self.spec.template.as_ref().unwrap_or(&Value::Null));
        self.new_set().map_or_else(computed, |set| set.hash.clone())
    }

    /// Number of steps.
    pub fn step_count(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }

    /// Index of the current step; the number of steps when all are done.
    pub fn index(&self) -> i64 {
        self.before.current_step_index.unwrap_or(0).clamp(0, self.step_count())
    }

    /// The step being executed.
    pub fn step(&self) -> Option<&Step> {
        usize::try_from(self.index()).ok().and_then(|index| self.steps.get(index))
    }

    /// Whether a router shifts the traffic.
    pub fn routed(&self) -> bool {
        self.spec.strategy.canary.as_ref().is_some_and(|way| way.traffic_routing.is_some())
    }

    /// Whether stable shrinks while the canary grows.
    pub fn dynamic(&self) -> bool {
        self.routed() && self.spec.strategy.canary.as_ref().is_some_and(|way| way.dynamic_stable_scale)
    }

    /// The weight that means everything.
    pub fn max_weight(&self) -> i64 {
        self.spec.strategy.canary.as_ref().map_or(100, super::spec::Canary::max_weight)
    }

    /// Whether an abort is in force, asked for before or during this look.
    pub fn aborted(&self) -> bool {
        self.wishes.abort.is_some() || (self.before.abort && !self.wishes.unabort)
    }

    /// The number of the wanted template's revision.
    pub fn revision(&self) -> String {
        annotation(&self.object, REVISION).to_owned()
    }

    /// Re-reads a ReplicaSet after a write to it.
    pub fn reread(&mut self, place: usize) {
        let at = self.sets[place].at.clone();
        if let Some(object) = self.desk.get(at.resource, &at.namespace, &at.name) {
            self.sets[place] = Set::read(object);
        }
    }

    /// Records an event about the rollout.
    pub fn note(&mut self, reason: &str, message: &str) {
        self.desk.note(&self.object, reason, message);
    }
}

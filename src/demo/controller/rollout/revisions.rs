//! Revisions: the ReplicaSet of the wanted template, its number, and how many old ones are kept. A template that comes
//! back gets its old ReplicaSet with a new number.

use serde_json::{Value, json};

use super::super::desk::{annotation, label, owned_by};
use super::super::hash;
use super::scene::{DESIRED, HISTORY, REVISION, Scene, Set};
use super::workload;
use crate::demo::Resource;

impl Scene<'_, '_> {
    /// Sees to it that the wanted template has its ReplicaSet and that this is the newest revision.
    pub fn sync_new_set(&mut self) {
        let newest_other =
            (0..self.sets.len()).filter(|place| Some(*place) != self.new).map(|place| self.sets[place].revision).max();
        let wanted = newest_other.unwrap_or(0) + 1;
        match self.new {
            Some(place) if self.sets[place].revision < wanted => self.renumber(place, wanted),
            Some(place) => self.number_rollout(self.sets[place].revision),
            None => self.create_set(wanted),
        }
    }

    fn renumber(&mut self, place: usize, number: i64) {
        let (at, before) = (self.sets[place].at.clone(), self.sets[place].revision);
        let generation = workload::generation(self);
        self.desk.edit(&at, |set| {
            let notes = &mut set["metadata"]["annotations"];
            let history = notes[HISTORY].as_str().unwrap_or_default();
            if before > 0 {
                notes[HISTORY] = if history.is_empty() { before.to_string() } else { format!("{history},{before}") }.into();
            }
            notes[REVISION] = number.to_string().into();
            if let Some(generation) = generation {
                notes[workload::GENERATION] = generation.into();
            }
        });
        self.reread(place);
        self.renew_rule(place);
        self.number_rollout(number);
    }

    fn number_rollout(&mut self, number: i64) {
        if annotation(&self.object, REVISION) == number.to_string() {
            return;
        }
        let edited = self.desk.edit(&self.at, |rollout| {
            if !rollout["metadata"]["annotations"].is_object() {
                rollout["metadata"]["annotations"] = json!({});
            }
            rollout["metadata"]["annotations"][REVISION] = number.to_string().into();
        });
        self.object = edited.unwrap_or_else(|| self.object.clone());
        self.note("RolloutUpdated", &format!("Rollout updated to revision {number}"));
    }

    fn create_set(&mut self, number: i64) {
        let template = self.spec.template.clone().unwrap_or_default();
        let hash = hash::of_template(&template);
        let name = format!("{}-{hash}", self.at.name);
        let mut selector = self.spec.selector.clone().unwrap_or_else(|| json!({}));
        selector["matchLabels"][hash::LABEL] = hash.clone().into();
        let mut template = template;
        self.keep_off_stable(&mut template, &hash);
        template["metadata"]["labels"][hash::LABEL] = hash.clone().into();
        let mut labels = template["metadata"]["labels"].clone();
        labels[hash::LABEL] = hash.into();
        let mut annotations = json!({ REVISION: number.to_string(), DESIRED: self.spec.replicas().to_string() });
        if let Some(generation) = workload::generation(self) {
            annotations[workload::GENERATION] = generation.into();
        }
        let created = self.desk.create(
            Resource::ReplicaSet,
            json!({
                "metadata": {
                    "name": name, "namespace": self.at.namespace, "labels": labels, "annotations": annotations,
                    "ownerReferences": owned_by(&self.object),
                },
                "spec": { "replicas": 0, "selector": selector, "template": template, "minReadySeconds": self.spec.min_ready_seconds },
                "status": { "replicas": 0 },
            }),
        );
        let Some(created) = created else { return };
        self.sets.push(Set::read(created));
        self.new = Some(self.sets.len() - 1);
        self.number_rollout(number);
        self.note("NewReplicaSetCreated", &format!("Created ReplicaSet {name} (revision {number})"));
    }

    /// Deletes the oldest ReplicaSets that are empty and beyond the history limit.
    pub fn trim_history(&mut self) {
        let limit = usize::try_from(self.spec.revision_history_limit.unwrap_or(10)).unwrap_or(0);
        let mut old: Vec<usize> = self.others().into_iter().filter(|place| self.sets[*place].deadline.is_none()).collect();
        old.sort_by_key(|place| self.sets[*place].revision);
        let surplus = old.len().saturating_sub(limit);
        let empty = |set: &Set| set.wanted == 0 && set.current == 0;
        let gone: Vec<usize> = old.into_iter().take(surplus).filter(|place| empty(&self.sets[*place])).collect();
        for place in &gone {
            let at = self.sets[*place].at.clone();
            self.desk.delete(&at);
        }
        if !gone.is_empty() {
            let kept: Vec<Set> =
                self.sets.iter().enumerate().filter(|(place, _)| !gone.contains(place)).map(|(_, set)| set.clone()).collect();
            self.sets = kept;
            self.find_sets();
        }
    }

    /// Whether the wanted template is older than stable, but not by more revisions than `rollbackWindow` allows, and
    /// still has pods.
    pub fn within_rollback_window(&self) -> bool {
        let (Some(window), Some(new), Some(stable)) = (&self.spec.rollback_window, self.new_set(), self.stable_set()) else {
            return false;
        };
        if !self.has_two() || new.created() >= stable.created() || window.revisions <= 0 {
            return false;
        }
        let between = self.sets.iter().filter(|set| set.created() > new.created() && set.created() < stable.created()).count();
        i64::try_from(between).is_ok_and(|between| between < window.revisions)
    }

    /// Whether this update goes back so fast that neither pause nor analysis is asked for: to stable, within the window,
    /// or (blue-green) to a version whose pods still run.
    pub fn is_fast_rollback(&self) -> bool {
        let (Some(new), Some(stable)) = (self.new_set(), self.stable_set()) else { return false };
        if !self.has_two() {
            return true;
        }
        let delayed = self.within_delay && self.spec.strategy.blue_green.is_some();
        new.created() < stable.created() && (delayed || self.within_rollback_window())
    }

    /// Deletes finished runs beyond the limits of the spec.
    pub fn trim_runs(&mut self) {
        let limits = (self.spec.analysis.successful_run_history_limit, self.spec.analysis.unsuccessful_run_history_limit);
        let known: Vec<String> = self.sets.iter().map(|set| set.hash.clone()).collect();
        let mut good: Vec<Value> = Vec::new();
        let mut bad: Vec<Value> = Vec::new();
        for run in self.desk.owned(Resource::AnalysisRun, &self.object) {
            match run["status"]["phase"].as_str().unwrap_or_default() {
                "Successful" => good.push((*run).clone()),
                phase if super::runs::is_final(phase) => bad.push((*run).clone()),
                _ => {}
            }
        }
        for (mut runs, limit) in [(good, limits.0), (bad, limits.1)] {
            runs.sort_by_key(|run| run["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned());
            let surplus = runs.len().saturating_sub(limit.unwrap_or(5));
            let gone = runs.iter().enumerate().filter(|(place, run)| {
                let orphaned = !known.iter().any(|hash| hash == label(run, hash::LABEL));
                *place < surplus || orphaned
            });
            for (_, run) in gone {
                let at = super::super::desk::At::of(Resource::AnalysisRun, run);
                self.desk.delete(&at);
            }
        }
    }
}

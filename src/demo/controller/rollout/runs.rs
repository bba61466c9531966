//! The AnalysisRuns of a rollout: made when a step, the background or a promotion asks for one, ended when nobody does any
//! more. What a finished run says becomes a pause or an abort here.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::analysis::template::{Wanted, run_spec};
use super::super::desk::{At, label, owned_by, text};
use super::super::hash;
use super::pause::INCONCLUSIVE_RUN;
use super::scene::{REVISION, Scene};
use super::spec::{Analysis, Step};
use crate::demo::Resource;

/// Whether a run's phase is its last.
pub fn is_final(phase: &str) -> bool {
    matches!(phase, "Successful" | "Failed" | "Error" | "Inconclusive")
}

/// Phase of a run or experiment.
pub fn phase(object: &Value) -> &str {
    object["status"]["phase"].as_str().unwrap_or_default()
}

impl Scene<'_, '_> {
    /// Brings the runs to what the moment asks for.
    pub fn reconcile_runs(&mut self) {
        let over = self.aborted() || self.before.promote_full || self.before.stable_rs.is_empty();
        if over || self.before.promoted() || self.is_fast_rollback() {
            self.cancel_runs(&[]);
            let kept = std::mem::take(&mut self.runs);
            // Of a blue-green update the verdicts stay to be seen.
            (self.runs.pre, self.runs.post) = (kept.pre, kept.post);
            return;
        }
        if self.spec.strategy.canary.is_some() {
            self.reconcile_step_run();
            self.reconcile_background_run();
        } else {
            self.reconcile_promotion_runs();
        }
        let runs = &self.runs;
        let current = [&runs.step, &runs.background, &runs.pre, &runs.post];
        let current: Vec<String> = current.into_iter().flatten().map(|run| text(run, "name").to_owned()).collect();
        self.cancel_runs(&current);
        self.trim_runs();
    }

    /// Ends every unfinished run that is not among `kept`.
    fn cancel_runs(&mut self, kept: &[String]) {
        for run in self.desk.owned(Resource::AnalysisRun, &self.object) {
            let ended = is_final(phase(&run)) || run["spec"]["terminate"] == true;
            if !ended && !kept.iter().any(|name| name == text(&run, "name")) {
                self.desk.edit(&At::of(Resource::AnalysisRun, &run), |run| run["spec"]["terminate"] = true.into());
            }
        }
    }

    fn reconcile_step_run(&mut self) {
        let Some(Step::Analysis(analysis)) = self.step().cloned() else {
            self.runs.step = None;
            return;
        };
        if self.before.pauses().is_empty() && !self.spec.paused {
            let index = self.index().to_string();
            // The run of an earlier analysis step is not this one's.
            if self.runs.step.as_ref().is_some_and(|run| label(run, "step-index") != index) {
                self.runs.step = None;
            }
            if self.needs_new(self.runs.step.as_ref()) {
                self.runs.step = self.start_run(&analysis, "Step", Some(&index));
            }
        }
        self.judge(self.runs.step.clone(), "Step-based analysis");
    }

    fn reconcile_background_run(&mut self) {
        let analysis = self.spec.strategy.canary.as_ref().and_then(|way| way.analysis.clone());
        let Some(analysis) = analysis.filter(|analysis| !analysis.templates.is_empty()) else {
            self.runs.background = None;
            return;
        };
        let begun = self.index() >= analysis.starting_step.unwrap_or(0);
        if !self.has_two() || self.before.current_pod_hash.is_empty() || !begun {
            self.runs.background = None;
            return;
        }
        let halted = self.before.paused_for(INCONCLUSIVE_RUN).is_some();
        if !halted && self.needs_new(self.runs.background.as_ref()) {
            self.runs.background = self.start_run(&analysis, "Background", None);
        }
        self.judge(self.runs.background.clone(), "Background analysis");
    }

    fn reconcile_promotion_runs(&mut self) {
        let Some(way) = self.spec.strategy.blue_green.clone() else { return };
        let active = self.before.blue_green.active_selector.clone();
        let (new, saturated) = (self.new_hash(), self.new_is_saturated());
        let held = self.before.paused_for(INCONCLUSIVE_RUN).is_some();
        if let Some(analysis) = way.pre_promotion_analysis {
            let due = !active.is_empty() && active != new && (saturated || self.runs.pre.is_some());
            if due && !held && self.needs_new(self.runs.pre.as_ref()) {
                self.runs.pre = self.start_run(&analysis, "PrePromotion", None);
            }
            self.judge(self.runs.pre.clone(), "Blue/green pre-promotion analysis");
        }
        if let Some(analysis) = way.post_promotion_analysis {
            let full = self.new_set().is_some_and(|set| set.available >= self.spec.replicas());
            let due = active == new && (full || self.runs.post.is_some());
            if due && !held && self.needs_new(self.runs.post.as_ref()) {
                self.runs.post = self.start_run(&analysis, "PostPromotion", None);
            }
            self.judge(self.runs.post.clone(), "Blue/green post-promotion analysis");
        }
    }

    /// Whether a run is missing, was inconclusive and waved on by a person, or belongs to an update tried before.
    fn needs_new(&self, run: Option<&Arc<Value>>) -> bool {
        let Some(run) = run else { return true };
        let waved_on = self.before.controller_pause && self.before.pauses().is_empty() && phase(run) == "Inconclusive";
        waved_on || self.before.aborted_at.is_some()
    }

    /// What a finished run means: a pause or an abort.
    fn judge(&mut self, run: Option<Arc<Value>>, what: &str) {
        let Some(run) = run else { return };
        match phase(&run) {
            "Inconclusive" => {
                let resumed = self.before.controller_pause && self.before.pauses().is_empty();
                if self.before.paused_for(INCONCLUSIVE_RUN).is_none() && !resumed {
                    self.wishes.add.push(INCONCLUSIVE_RUN);
                }
            }
            "Failed" | "Error" => {
                let message = run["status"]["message"].as_str().filter(|message| !message.is_empty());
                let message = message.map(|message| format!(": {message}")).unwrap_or_default();
                self.abort(format!("{what} phase error/failed{message}"));
            }
            _ => {}
        }
    }

    fn start_run(&mut self, analysis: &Analysis, kind: &str, step: Option<&str>) -> Option<Arc<Value>> {
        let hash = self.new_hash();
        let mut name = format!("{}-{hash}-{}", self.at.name, self.revision());
        match (kind, step) {
            (_, Some(index)) => name = format!("{name}-{index}"),
            ("PrePromotion", None) => name.push_str("-pre"),
            ("PostPromotion", None) => name.push_str("-post"),
            _ => {}
        }
        let stable = self.stable_set().map(|set| set.hash.clone()).unwrap_or_default();
        let wanted = Wanted { analysis, rollout: &self.object, stable: &stable, latest: &hash };
        let spec = run_spec(self.desk, &self.at.namespace, &wanted);
        let mut labels =
            self.spec.selector.as_ref().map(|s| s["matchLabels"].clone()).filter(Value::is_object).unwrap_or_else(|| json!({}));
        labels[hash::LABEL] = hash.into();
        labels["rollout-type"] = kind.into();
        if let Some(index) = step {
            labels["step-index"] = index.into();
        }
        let mut annotations = json!({ REVISION: self.revision() });
        let metadata = analysis.analysis_run_metadata.clone().unwrap_or_default();
        for (part, target) in [("labels", &mut labels), ("annotations", &mut annotations)] {
            for (key, value) in metadata[part].as_object().into_iter().flatten() {
                target[key] = value.clone();
            }
        }
        let free = (0..).map(|n| if n == 0 { name.clone() } else { format!("{name}.{n}") });
        let taken = |name: &String| self.desk.get(Resource::AnalysisRun, &self.at.namespace, name).is_some();
        let name = free.take(1000).find(|name| !taken(name))?;
        let run = json!({
            "metadata": {
                "name": name, "namespace": self.at.namespace, "labels": labels, "annotations": annotations,
                "ownerReferences": owned_by(&self.object),
            },
            "spec": spec,
        });
        self.desk.create(Resource::AnalysisRun, run)
    }
}

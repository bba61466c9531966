//! The Experiment of an experiment step: made when the step begins, ended when the step is left. Experiments run by
//! themselves elsewhere; here only their outcome counts.

use serde_json::{Value, json};

use super::super::desk::{At, owned_by, text};
use super::super::hash;
use super::pause::INCONCLUSIVE_EXPERIMENT;
use super::runs::{is_final, phase};
use super::scene::{REVISION, Scene};
use super::spec::{ExperimentStep, ExperimentTemplate, Step};
use crate::demo::Resource;

impl Scene<'_, '_> {
    /// Brings the experiment to what the step asks for.
    pub fn reconcile_experiment(&mut self) {
        let over = self.aborted() || self.before.promote_full || self.before.promoted() || !self.has_two();
        let step = match self.step() {
            Some(Step::Experiment(step)) if !over => Some((**step).clone()),
            _ => None,
        };
        let prefix = format!("{}-{}-{}-{}", self.at.name, self.new_hash(), self.revision(), self.index());
        let fits = self
            .experiment
            .as_ref()
            .is_some_and(|e| text(e, "name") == prefix || text(e, "name").starts_with(&format!("{prefix}-")));
        if step.is_none() || !fits {
            self.experiment = None;
        }
        if let Some(step) = step
            && self.before.pauses().is_empty()
        {
            let again = self.experiment.as_ref().is_none_or(|_| self.before.aborted_at.is_some());
            if again && self.stable_set().is_some() {
                self.experiment = self.start_experiment(&step, &prefix);
            }
            self.judge_experiment();
        }
        let current = self.experiment.as_ref().map(|e| text(e, "name").to_owned());
        for experiment in self.desk.owned(Resource::Experiment, &self.object) {
            let ended = is_final(phase(&experiment)) || experiment["spec"]["terminate"] == true;
            if !ended && current.as_deref() != Some(text(&experiment, "name")) {
                self.desk.edit(&At::of(Resource::Experiment, &experiment), |e| e["spec"]["terminate"] = true.into());
            }
        }
    }

    fn judge_experiment(&mut self) {
        let Some(experiment) = self.experiment.clone() else { return };
        let message = experiment["status"]["message"].as_str().filter(|m| !m.is_empty()).map(|m| format!(": {m}"));
        match phase(&experiment) {
            "Failed" | "Error" => {
                self.abort(format!("Experiment analysis phase is error/failed{}", message.unwrap_or_default()));
            }
            "Inconclusive" => {
                self.wishes.add.push(INCONCLUSIVE_EXPERIMENT);
                self.experiment = None;
            }
            _ => {}
        }
    }

    fn start_experiment(&mut self, step: &ExperimentStep, prefix: &str) -> Option<std::sync::Arc<Value>> {
        let templates: Vec<Value> = step.templates.iter().map(|template| self.template_of(template)).collect();
        let analyses: Vec<Value> = step
            .analyses
            .iter()
            .map(|analysis| {
                let mut analysis = analysis.clone();
                for arg in analysis["args"].as_array_mut().into_iter().flatten() {
                    self.resolve_argument(arg);
                }
                analysis
            })
            .collect();
        let mut spec = json!({ "templates": templates });
        if !analyses.is_empty() {
            spec["analyses"] = analyses.into();
        }
        if let Some(duration) = &step.duration {
            spec["duration"] = duration.clone().into();
        }
        if let Some(seconds) = step.scale_down_delay_seconds {
            spec["scaleDownDelaySeconds"] = seconds.into();
        }
        if let Some(seconds) = self.spec.progress_deadline_seconds {
            spec["progressDeadlineSeconds"] = seconds.into();
        }
        let free = (0..1000).map(|n| if n == 0 { prefix.to_owned() } else { format!("{prefix}-{n}") });
        let taken = |name: &String| self.desk.get(Resource::Experiment, &self.at.namespace, name).is_some();
        let name = { free }.find(|name| !taken(name))?;
        let experiment = self.desk.create(
            Resource::Experiment,
            json!({
                "metadata": {
                    "name": name, "namespace": self.at.namespace, "labels": { hash::LABEL: self.new_hash() },
                    "annotations": { REVISION: self.revision() }, "ownerReferences": owned_by(&self.object),
                },
                "spec": spec,
            }),
        );
        self.note("ExperimentCreated", &format!("Created Experiment '{name}'"));
        experiment
    }

    fn template_of(&self, template: &ExperimentTemplate) -> Value {
        let set = if template.spec_ref == "stable" { self.stable_set() } else { self.new_set() };
        let mut pods = set.map(|set| set.object["spec"]["template"].clone()).unwrap_or_default();
        let mut selector = set.map(|set| set.object["spec"]["selector"].clone()).unwrap_or_default();
        if let Some(own) = &template.selector {
            selector = own.clone();
        }
        for part in ["labels", "annotations"] {
            for (key, value) in template.metadata.iter().flat_map(|m| m[part].as_object().into_iter().flatten()) {
                pods["metadata"][part][key] = value.clone();
            }
        }
        let mut made = json!({ "name": template.name, "selector": selector, "template": pods });
        if let Some(replicas) = template.replicas {
            made["replicas"] = replicas.into();
        }
        if template.service.is_some() || template.weight.is_some() {
            made["service"] = template.service.clone().unwrap_or_else(|| json!({}));
        }
        made
    }

    /// Replaces an argument's source in the rollout by the value it has.
    fn resolve_argument(&self, arg: &mut Value) {
        let stable = self.stable_set().map(|set| set.hash.clone()).unwrap_or_default();
        let value = super::super::analysis::template::argument(arg, &self.object, &stable, &self.new_hash());
        if let (Some(value), Some(arg)) = (value, arg.as_object_mut()) {
            arg.remove("valueFrom");
            arg.insert("value".to_owned(), value.into());
        }
    }
}

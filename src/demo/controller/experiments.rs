//! The experiment controller: runs the templates of Experiments side by side for a while, with their analyses. It knows
//! nothing of the rollout that asked.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::amount::duration;
use super::analysis::template;
use super::desk::{At, Desk, owned_by, stamp, time};
use super::hash;
use super::rollout::{is_final, phase};
use crate::demo::Resource;

/// Seconds that the pods live on after the end, unless the spec says otherwise.
const SCALE_DOWN_DELAY: i64 = 30;

/// One look at an Experiment.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(experiment) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    if !experiment["spec"].is_object() {
        return;
    }
    let mut work = Work { at, status: experiment["status"].clone(), experiment };
    if !work.status.is_object() {
        work.status = json!({});
    }
    if is_final(phase(&work.experiment)) {
        work.wind_down(desk);
        return;
    }
    work.run(desk);
    let status = work.status;
    desk.edit(at, |experiment| experiment["status"] = status);
}

struct Work<'a> {
    at: &'a At,
    experiment: Arc<Value>,
    status: Value,
}

impl Work<'_> {
    fn templates(&self) -> Vec<Value> {
        self.experiment["spec"]["templates"].as_array().cloned().unwrap_or_default()
    }

    fn run(&mut self, desk: &mut Desk<'_>) {
        let before = self.status["phase"].as_str().unwrap_or_default().to_owned();
        let terminated = self.experiment["spec"]["terminate"] == true;
        let statuses: Vec<Value> = self.templates().iter().map(|template| self.run_template(desk, template)).collect();
        let all = |word: &str| statuses.iter().all(|status| status["status"] == word);
        let failed = statuses.iter().find(|status| status["status"] == "Failed").cloned();
        let running = all("Running");
        self.status["templateStatuses"] = statuses.into();
        if running && self.status["availableAt"].is_null() {
            self.status["availableAt"] = desk.stamp().into();
        }
        let runs = self.run_analyses(desk, running || !self.status["availableAt"].is_null());
        let (phase, message) = self.outcome(desk, &runs, failed.as_ref(), terminated);
        let phase = phase.unwrap_or_else(|| if running { "Running".to_owned() } else { "Pending".to_owned() });
        if let Some(message) = message {
            self.status["message"] = message.into();
        }
        self.status["phase"] = phase.clone().into();
        if before != phase {
            desk.note(
                &self.experiment,
                &format!("Experiment{phase}"),
                &format!("Experiment transitioned from {before} -> {phase}"),
            );
        }
        if is_final(&phase) {
            self.end_templates(desk);
            self.end_runs(desk);
        }
        self.say_progress(&phase, &desk.stamp());
    }

    fn run_template(&self, desk: &mut Desk<'_>, template: &Value) -> Value {
        let name = template["name"].as_str().unwrap_or_default();
        let wanted = template["replicas"].as_i64().unwrap_or(1);
        let set_name = format!("{}-{name}", self.at.name);
        let hash = hash::of(&json!([self.at.name, name, hash::essence(&template["template"])]));
        let set = desk
            .get(Resource::ReplicaSet, &self.at.namespace, &set_name)
            .or_else(|| self.create_set(desk, template, &set_name, &hash));
        let count = |key: &str| set.as_ref().and_then(|set| set["status"][key].as_i64()).unwrap_or_default();
        let known = self.status["templateStatuses"].as_array().into_iter().flatten().find(|status| status["name"] == name);
        let before = known.and_then(|status| status["status"].as_str()).unwrap_or_default().to_owned();
        let since = known.and_then(|status| status["lastTransitionTime"].as_str()).map(str::to_owned);
        let since_time = since.as_deref().and_then(time).unwrap_or(desk.now);
        let limit = self.experiment["spec"]["progressDeadlineSeconds"].as_i64().unwrap_or(600);
        let late = since_time + SignedDuration::from_secs(limit);
        let state = match before.as_str() {
            "Running" | "Successful" | "Failed" | "Error" => before.as_str(),
            _ if count("availableReplicas") >= wanted => "Running",
            _ if desk.now > late => "Failed",
            _ => {
                desk.wake_after(self.at, late);
                "Progressing"
            }
        };
        let mut status = json!({
            "name": name, "status": state, "replicas": count("replicas"), "updatedReplicas": count("replicas"),
            "readyReplicas": count("readyReplicas"), "availableReplicas": count("availableReplicas"),
            "lastTransitionTime": if before == state { since.unwrap_or_else(|| desk.stamp()) } else { desk.stamp() },
        });
        if template.get("service").is_some() {
            status["serviceName"] = set_name.clone().into();
            status["podTemplateHash"] = hash.into();
        }
        if state == "Failed" {
            status["message"] = format!("Template '{name}' exceeded its progressDeadlineSeconds ({limit})").into();
        }
        if before != state {
            let message = format!("Template '{name}' transitioned from {before} -> {state}");
            desk.note(&self.experiment, &format!("Template{state}"), &message);
        }
        status
    }

    fn create_set(&self, desk: &mut Desk<'_>, template: &Value, name: &str, hash: &str) -> Option<Arc<Value>> {
        let (mut pods, mut selector) = (template["template"].clone(), template["selector"].clone());
        pods["metadata"]["labels"][hash::LABEL] = hash.into();
        if !selector.is_object() {
            selector = json!({});
        }
        selector["matchLabels"][hash::LABEL] = hash.into();
        let labels = pods["metadata"]["labels"].clone();
        if template.get("service").is_some_and(|service| !service.is_null()) {
            let metadata = json!({ "name": name, "namespace": self.at.namespace, "ownerReferences": owned_by(&self.experiment) });
            let spec = json!({ "type": "ClusterIP", "selector": selector["matchLabels"], "ports": [{ "port": 80, "protocol": "TCP", "targetPort": 8080 }] });
            desk.create(Resource::Service, json!({ "metadata": metadata, "spec": spec, "status": { "loadBalancer": {} } }));
        }
        desk.create(
            Resource::ReplicaSet,
            json!({
                "metadata": {
                    "name": name, "namespace": self.at.namespace, "labels": labels, "ownerReferences": owned_by(&self.experiment),
                    "annotations": {
                        "experiment.argoproj.io/name": self.at.name,
                        "experiment.argoproj.io/template-name": template["name"],
                    },
                },
                "spec": { "replicas": template["replicas"].as_i64().unwrap_or(1), "selector": selector, "template": pods },
                "status": { "replicas": 0 },
            }),
        )
    }

    /// Starts the analyses once the templates run; gives the phases of all, with whether each must succeed.
    fn run_analyses(&mut self, desk: &mut Desk<'_>, started: bool) -> Vec<(String, String, bool)> {
        let analyses = self.experiment["spec"]["analyses"].as_array().cloned().unwrap_or_default();
        let mut phases = Vec::new();
        let mut entries = Vec::new();
        for analysis in &analyses {
            let name = analysis["name"].as_str().unwrap_or_default();
            let run_name = format!("{}-{name}", self.at.name);
            let mut run = desk.get(Resource::AnalysisRun, &self.at.namespace, &run_name);
            if run.is_none() && started {
                run = self.start_run(desk, analysis, &run_name);
            }
            let phase = run.as_ref().map(|run| phase(run).to_owned()).unwrap_or_default();
            let message = run.as_ref().and_then(|run| run["status"]["message"].as_str()).unwrap_or_default();
            let mut entry = json!({ "name": name, "analysisRun": run.as_ref().map_or("", |_| &run_name), "phase": phase });
            if run.is_some() && phase.is_empty() {
                entry["phase"] = "Pending".into();
            }
            if !message.is_empty() {
                entry["message"] = message.into();
            }
            self.report(desk, name, entry["phase"].as_str().unwrap_or_default());
            phases.push((phase, message.to_owned(), analysis["requiredForCompletion"] == true));
            entries.push(entry);
        }
        if !entries.is_empty() {
            self.status["analysisRuns"] = entries.into();
        }
        phases
    }

    fn report(&self, desk: &mut Desk<'_>, name: &str, phase: &str) {
        let known = self.status["analysisRuns"].as_array().into_iter().flatten().find(|entry| entry["name"] == name);
        let before = known.and_then(|entry| entry["phase"].as_str()).unwrap_or_default().to_owned();
        if before != phase && !phase.is_empty() {
            let message = format!("AnalysisRun '{name}' transitioned from {before} -> {phase}");
            desk.note(&self.experiment, &format!("AnalysisRun{phase}"), &message);
        }
    }

    fn start_run(&self, desk: &mut Desk<'_>, analysis: &Value, name: &str) -> Option<Arc<Value>> {
        let templates = [(analysis["templateName"].as_str().unwrap_or_default().to_owned(), analysis["clusterScope"] == true)];
        let args = analysis["args"].as_array().into_iter().flatten();
        let given: Vec<(String, String)> =
            args.filter_map(|arg| Some((arg["name"].as_str()?.to_owned(), arg["value"].as_str()?.to_owned()))).collect();
        let spec = template::spec_of(desk, &self.at.namespace, &templates, &given);
        let metadata = json!({ "name": name, "namespace": self.at.namespace, "ownerReferences": owned_by(&self.experiment) });
        desk.create(Resource::AnalysisRun, json!({ "metadata": metadata, "spec": spec }))
    }

    /// The last phase and its message, if this is the end.
    fn outcome(
        &self,
        desk: &mut Desk<'_>,
        runs: &[(String, String, bool)],
        failed: Option<&Value>,
        terminated: bool,
    ) -> (Option<String>, Option<String>) {
        if let Some(failed) = failed {
            return (Some("Failed".to_owned()), failed["message"].as_str().map(str::to_owned));
        }
        if let Some((phase, message, _)) = runs.iter().find(|(phase, ..)| is_final(phase) && phase != "Successful") {
            return (Some(phase.clone()), (!message.is_empty()).then(|| message.clone()));
        }
        if terminated {
            return (Some("Successful".to_owned()), None);
        }
        let required = runs.iter().filter(|(.., required)| *required);
        let (mut any, mut all) = (false, true);
        required.for_each(|(phase, ..)| (any, all) = (true, all && phase == "Successful"));
        if any && all {
            return (Some("Successful".to_owned()), None);
        }
        let Some(since) = self.status["availableAt"].as_str().and_then(time) else { return (None, None) };
        let Some(span) = self.experiment["spec"]["duration"].as_str().and_then(duration) else {
            let done = !runs.is_empty() && runs.iter().all(|(phase, ..)| phase == "Successful");
            return (done.then(|| "Successful".to_owned()), None);
        };
        let end = since + span;
        if desk.now < end {
            desk.wake_after(self.at, end);
            return (None, None);
        }
        // What must succeed is waited for beyond the end.
        (all.then(|| "Successful".to_owned()), None)
    }

    fn end_templates(&mut self, desk: &mut Desk<'_>) {
        let now = desk.stamp();
        let phase = self.status["phase"].as_str().unwrap_or_default().to_owned();
        for status in self.status["templateStatuses"].as_array_mut().into_iter().flatten() {
            if status["status"] == "Running" || status["status"] == "Progressing" {
                let before = status["status"].as_str().unwrap_or_default().to_owned();
                status["status"] = "Successful".into();
                status["lastTransitionTime"] = now.clone().into();
                let message =
                    format!("Template '{}' transitioned from {before} -> Successful", status["name"].as_str().unwrap_or_default());
                desk.note(&self.experiment, "TemplateSuccessful", &message);
            }
        }
        let delay = self.experiment["spec"]["scaleDownDelaySeconds"].as_i64().unwrap_or(SCALE_DOWN_DELAY);
        let delay = if phase == "Successful" { delay } else { 0 };
        let deadline = desk.now + SignedDuration::from_secs(delay);
        for set in desk.owned(Resource::ReplicaSet, &self.experiment) {
            desk.edit(&At::of(Resource::ReplicaSet, &set), |set| {
                set["metadata"]["annotations"]["scale-down-deadline"] = stamp(deadline).into();
            });
        }
        desk.wake_after(self.at, deadline);
    }

    fn end_runs(&self, desk: &mut Desk<'_>) {
        for run in desk.owned(Resource::AnalysisRun, &self.experiment) {
            if !is_final(phase(&run)) {
                desk.edit(&At::of(Resource::AnalysisRun, &run), |run| run["spec"]["terminate"] = true.into());
            }
        }
    }

    /// After the end the pods live on for a while.
    fn wind_down(&self, desk: &mut Desk<'_>) {
        for set in desk.owned(Resource::ReplicaSet, &self.experiment) {
            let Some(deadline) = time(super::desk::annotation(&set, "scale-down-deadline")) else { continue };
            if desk.now < deadline {
                desk.wake_after(self.at, deadline);
            } else if set["spec"]["replicas"] != 0 {
                desk.edit(&At::of(Resource::ReplicaSet, &set), |set| {
                    set["spec"]["replicas"] = 0.into();
                    if let Some(notes) = set["metadata"]["annotations"].as_object_mut() {
                        notes.remove("scale-down-deadline");
                    }
                });
            }
        }
    }

    fn say_progress(&mut self, phase: &str, now: &str) {
        let name = &self.at.name;
        let (status, reason, message) = match phase {
            "Running" => ("True", "NewReplicaSetAvailable", format!("Experiment \"{name}\" is running.")),
            "Successful" => ("False", "ExperimentCompleted", format!("Experiment \"{name}\" has successfully ran and completed.")),
            phase if is_final(phase) => {
                ("False", "ExperimentCompleted", format!("Experiment \"{name}\" ended with phase {phase}."))
            }
            _ => ("True", "ReplicaSetUpdated", format!("Experiment \"{name}\" is progressing.")),
        };
        let known = &self.status["conditions"][0];
        if known["reason"] == reason && known["status"] == status {
            return;
        }
        let since = if known["status"] == status { known["lastTransitionTime"].clone() } else { now.into() };
        self.status["conditions"] = json!([{
            "type": "Progressing", "status": status, "reason": reason, "message": message,
            "lastUpdateTime": now, "lastTransitionTime": since,
        }]);
    }
}

//! Small worlds with a clock moved by hand, in which the controllers are watched.

mod analyses;
mod blue_green;
mod canary;
mod going_back;
mod people;
mod routed;
mod workloads;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Controller;
use crate::demo::{Reconcile, Resource, Store};

/// Where everything happens.
pub const NAMESPACE: &str = "shop";

/// A world with one namespace.
pub struct Stage {
    pub store: Store,
    pub controller: Controller,
    pub now: Timestamp,
}

impl Stage {
    /// An empty world.
    pub fn new() -> Self {
        let now = "2026-01-05T09:00:00Z".parse().unwrap();
        let mut store = Store::new(3, now);
        store.create(Resource::Namespace, json!({ "metadata": { "name": NAMESPACE } })).unwrap();
        Self { store, controller: Controller::new(), now }
    }

    /// A world with a rollout `web` of the first version, healthy, and its services `web-canary`, `web-stable`.
    pub fn with(spec: &Value) -> Self {
        let mut stage = Self::new();
        for service in ["web-canary", "web-stable", "web-active", "web-preview", "ping", "pong"] {
            stage.create(Resource::Service, json!({ "metadata": { "name": service }, "spec": { "selector": { "app": "web" } } }));
        }
        stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": rollout(spec) }));
        stage.pass(20);
        assert_eq!(stage.phase(), "Healthy", "{}", stage.rollout()["status"]);
        stage
    }

    /// Adds an object and lets everything react.
    pub fn create(&mut self, resource: Resource, mut object: Value) {
        object["metadata"]["namespace"] = NAMESPACE.into();
        self.store.create(resource, object).unwrap();
        self.settle();
    }

    fn settle(&mut self) -> Option<Timestamp> {
        self.store.set_now(self.now);
        self.controller.settle(&mut self.store, self.now)
    }

    /// Lets seconds pass.
    pub fn pass(&mut self, seconds: i64) {
        let target = self.now + SignedDuration::from_secs(seconds);
        while let Some(wake) = self.settle().filter(|wake| *wake <= target) {
            self.now = wake.max(self.now);
        }
        self.now = target;
        self.settle();
    }

    /// Changes the rollout, as a person does, and lets everything react.
    pub fn patch(&mut self, patch: &Value) {
        self.store.set_now(self.now);
        self.store.patch(Resource::Rollout, (NAMESPACE, "web"), patch).unwrap();
        self.settle();
    }

    /// A new version.
    pub fn set_image(&mut self, image: &str) {
        self.store.set_now(self.now);
        let change = |rollout: &mut Value| rollout["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        self.store.edit(Resource::Rollout, (NAMESPACE, "web"), change).unwrap();
        self.settle();
    }

    /// What the reference plugin's promote sends to a paused rollout.
    pub fn promote(&mut self) {
        self.patch(&json!({ "status": { "pauseConditions": null } }));
    }

    /// The rollout.
    pub fn rollout(&self) -> Value {
        Value::clone(&self.store.get(Resource::Rollout, NAMESPACE, "web").unwrap())
    }

    /// A part of the rollout's status.
    pub fn status(&self, pointer: &str) -> Value {
        self.rollout()["status"].pointer(pointer).cloned().unwrap_or_default()
    }

    /// Phase, with the message if there is one.
    pub fn phase(&self) -> String {
        let text = |key: &str| self.rollout()["status"][key].as_str().unwrap_or_default().to_owned();
        if text("message").is_empty() { text("phase") } else { format!("{}: {}", text("phase"), text("message")) }
    }

    /// Wanted pods by image, without the empty ones.
    pub fn pods(&self) -> Vec<(String, i64)> {
        let sets = self.store.list(Resource::ReplicaSet, Some(NAMESPACE));
        let counts = sets.map(|set| {
            let image = set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            (image.to_owned(), set["spec"]["replicas"].as_i64().unwrap_or_default())
        });
        let mut counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        counts.sort();
        counts
    }

    /// Reasons of the rollout's events since a version of the store, in the order in which they were said.
    pub fn reasons(&self, since: u64) -> Vec<String> {
        let history = self.store.history(Resource::Event);
        let said = history.since(since).unwrap().map(|change| serde_json::from_slice::<Value>(&change.after.body).unwrap());
        let about = said.filter(|event| event["involvedObject"]["kind"] == "Rollout");
        about.map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
    }

    /// An AnalysisTemplate with one web metric `value` of five-second interval.
    pub fn template(&mut self, name: &str, metric: Value) {
        let mut metric = metric;
        metric["name"] = "value".into();
        metric["provider"] = json!({ "web": { "url": format!("http://metrics.example.com/{name}") } });
        self.create(Resource::AnalysisTemplate, json!({ "metadata": { "name": name }, "spec": { "metrics": [metric] } }));
    }

    /// Names and phases of all runs.
    pub fn runs(&self) -> Vec<(String, String)> {
        let hash = |name: &str| name.split('-').filter(|part| !(8..=10).contains(&part.len())).collect::<Vec<_>>().join("-");
        let runs = self.store.list(Resource::AnalysisRun, Some(NAMESPACE));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        runs.map(|run| (hash(&text(&run["metadata"]["name"])), text(&run["status"]["phase"]))).collect()
    }
}

/// The spec of a rollout of version 1 with the given strategy and more.
fn rollout(more: &Value) -> Value {
    let mut spec = json!({
        "replicas": 4, "selector": { "matchLabels": { "app": "web" } },
        "template": {
            "metadata": { "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "web", "image": "web:1" }] },
        },
    });
    json_patch::merge(&mut spec, more);
    spec
}

/// A canary strategy with steps.
pub fn canary(steps: &Value) -> Value {
    json!({ "strategy": { "canary": { "steps": steps } } })
}

/// A canary strategy with steps and a router.
pub fn routed(steps: &Value, more: &Value) -> Value {
    let mut way = json!({
        "steps": steps, "canaryService": "web-canary", "stableService": "web-stable", "trafficRouting": { "plugins": { "example/router": {} } },
    });
    json_patch::merge(&mut way, more);
    json!({ "strategy": { "canary": way } })
}

/// A list of image and count, as [`Stage::pods`] gives it.
pub fn pods(wanted: &[(&str, i64)]) -> Vec<(String, i64)> {
    wanted.iter().map(|(image, count)| ((*image).to_owned(), *count)).collect()
}

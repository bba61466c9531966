//! Many rollouts that no controller looks after, to see how everything behaves at scale: made from a seed, and changed
//! in ways that a controller could have changed them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::resource::Resource;
use super::store::Store;
use super::stored::INSTANCE;

/// How many namespaces the crowd lives in.
const NAMESPACES: usize = 40;
/// What the crowd's canaries step through, in percent.
const WEIGHTS: [i64; 6] = [10, 10, 25, 25, 50, 50];

/// The rollouts of one environment's crowd.
#[derive(Debug)]
pub struct Crowd {
    size: usize,
    random: fastrand::Rng,
}

impl Crowd {
    /// Adds `size` rollouts to a store, each with `replica_sets` ReplicaSets.
    pub fn settle_in(store: &mut Store, seed: u64, size: usize, replica_sets: usize) -> Self {
        let mut crowd = Self { size, random: fastrand::Rng::with_seed(seed) };
        let namespaces = if size == 0 { 0 } else { NAMESPACES };
        for number in 0..namespaces {
            let name = format!("team-{number:02}");
            drop(store.create(
                Resource::Namespace,
                json!({ "metadata": { "name": name }, "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" } }),
            ));
        }
        for number in 0..size {
            let mut rollout = rollout(number);
            rollout["status"] = crowd.status(store.now(), number, None);
            let age = SignedDuration::from_mins(crowd.random.i64(60..400_000));
            rollout["metadata"]["creationTimestamp"] = (store.now() - age).strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
            let Ok(rollout) = store.create(Resource::Rollout, rollout) else { continue };
            for place in 0..replica_sets {
                drop(store.create(Resource::ReplicaSet, replica_set(number, place, &rollout)));
            }
        }
        crowd
    }

    /// Lets `count` of them change.
    pub fn change(&mut self, store: &mut Store, count: usize) {
        for _ in 0..count.min(count * self.size) {
            let number = self.random.usize(..self.size);
            let at = (namespace(number), name(number));
            let now = store.now();
            store.edit_status(Resource::Rollout, (&at.0, &at.1), |before| self.status(now, number, Some(before)));
        }
    }

    /// A status one move after `before`, or one to begin with.
    fn status(&mut self, now: Timestamp, number: usize, before: Option<&Value>) -> Value {
        let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let last = WEIGHTS.len();
        let begin = if self.random.u8(..4) == 0 { self.random.usize(..last) } else { last };
        let index =
            before.map_or(begin, |before| before["currentStepIndex"].as_u64().map_or(0, |i| usize::try_from(i).unwrap_or(0)));
        let paused = before.is_some_and(|before| before["phase"] == "Paused");
        // Half a step: into the pause of a step, or out of it into the next.
        let (index, paused) = match (before.is_some(), index >= last, paused) {
            (false, ..) => (index, index < last && index % 2 == 1),
            (true, true, _) => (0, false),
            (true, false, false) if index % 2 == 1 => (index, true),
            (true, false, _) => (index + 1, false),
        };
        let done = index >= last;
        let weight = if done { 0 } else { WEIGHTS[index.min(last - 1)] };
        let phase = if done {
            "Healthy"
        } else if paused {
            "Paused"
        } else {
            "Progressing"
        };
        let message = match phase {
            "Paused" => "CanaryPauseStep",
            "Progressing" => "more replicas need to be updated",
            _ => "",
        };
        let updated = if done { 5 } else { (weight * 5 + 99) / 100 };
        let ready = 5 - i64::from(!done && !paused && self.random.bool());
        let (new, old) = (hash(number, 0), hash(number, usize::from(!done)));
        let mut status = json!({
            "observedGeneration": "1", "replicas": 5, "HPAReplicas": 5, "readyReplicas": ready, "availableReplicas": ready,
            "updatedReplicas": updated, "currentStepIndex": index, "phase": phase, "message": message,
            "selector": format!("app={}", name(number)), "currentPodHash": new, "stableRS": old, "currentStepHash": "6b9f7d5c8d",
            "canary": { "weights": {
                "canary": { "podTemplateHash": new, "serviceName": "canary", "weight": weight },
                "stable": { "podTemplateHash": old, "serviceName": "stable", "weight": 100 - weight },
            } },
            "conditions": conditions(number, phase, &now),
        });
        if paused {
            status["pauseConditions"] = json!([{ "reason": "CanaryPauseStep", "startTime": now }]);
            status["controllerPause"] = true.into();
        }
        status
    }
}

fn conditions(number: usize, phase: &str, now: &str) -> Value {
    let name = name(number);
    let truth = |holds: bool| if holds { "True" } else { "False" };
    let healthy = phase == "Healthy";
    let condition = |kind: &str, status: &str, reason: &str, message: String| json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now, "lastTransitionTime": now });
    json!([
        condition("Available", "True", "AvailableReason", "Rollout has minimum availability".to_owned()),
        condition("Healthy", truth(healthy), "RolloutHealthy", format!("Rollout {name} is healthy")),
        condition("Completed", truth(healthy), "RolloutCompleted", format!("Rollout {name} completed update")),
        condition("Paused", truth(phase == "Paused"), "RolloutPaused", "Rollout is paused".to_owned()),
        condition("Progressing", "True", "ReplicaSetUpdated", format!("ReplicaSet \"{name}-{}\" is progressing.", hash(number, 0))),
    ])
}

fn rollout(number: usize) -> Value {
    let name = name(number);
    json!({
        "metadata": {
            "name": name, "namespace": namespace(number),
            "labels": { "app": name, INSTANCE: "crowd" },
            "annotations": { "rollout.argoproj.io/revision": (number % 30 + 2).to_string() },
        },
        "spec": {
            "replicas": 5, "revisionHistoryLimit": 3, "selector": { "matchLabels": { "app": name } }, "template": template(number),
            "strategy": { "canary": {
                "canaryService": "canary", "stableService": "stable", "trafficRouting": { "nginx": { "stableIngress": name } },
                "steps": [
                    { "setWeight": 10 }, { "pause": { "duration": "5m" } }, { "setWeight": 25 }, { "pause": {} },
                    { "setWeight": 50 }, { "pause": { "duration": "10m" } },
                ],
            } },
        },
    })
}

fn template(number: usize) -> Value {
    let name = name(number);
    let variables: Vec<Value> =
        (0..12).map(|k| json!({ "name": format!("SETTING_{k:02}"), "value": format!("{name}-value-{k:02}") })).collect();
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": { "containers": [{
            "name": "main", "image": format!("registry.example.com/team/{name}:v1.{}.0", number % 30), "env": variables,
            "ports": [{ "containerPort": 8080 }],
            "resources": { "requests": { "cpu": "100m", "memory": "128Mi" }, "limits": { "memory": "256Mi" } },
        }] },
    })
}

fn replica_set(number: usize, place: usize, owner: &Value) -> Value {
    let (name, hash) = (name(number), hash(number, place));
    let mut template = template(number);
    template["metadata"]["labels"]["rollouts-pod-template-hash"] = hash.clone().into();
    let replicas = if place == 0 { 5 } else { 0 };
    json!({
        "metadata": {
            "name": format!("{name}-{hash}"), "namespace": namespace(number),
            "labels": { "app": name, "rollouts-pod-template-hash": hash, INSTANCE: "crowd" },
            "annotations": { "rollout.argoproj.io/revision": (number % 30 + 2).saturating_sub(place).to_string() },
            "ownerReferences": [{
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name, "uid": owner["metadata"]["uid"],
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "replicas": replicas, "template": template,
            "selector": { "matchLabels": { "app": name, "rollouts-pod-template-hash": hash } },
        },
        "status": { "replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas, "observedGeneration": 1 },
    })
}

fn name(number: usize) -> String {
    format!("svc-{number:05}")
}

fn namespace(number: usize) -> String {
    format!("team-{:02}", number % NAMESPACES)
}

fn hash(number: usize, place: usize) -> String {
    let mixed = (number * 131 + place * 7 + 3).wrapping_mul(0x9e37_79b9) & 0xff_ffff_ffff;
    format!("{mixed:010x}")
}

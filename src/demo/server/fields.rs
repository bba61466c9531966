//! Fields that the definition of Rollouts does not know: pruned in silence, or refused when a client wants strictness.
//! Only the upper level is known here; what lies deeper is kept as it comes.

use serde_json::{Map, Value};

use super::route::Asked;
use crate::demo::resource::Resource;
use crate::demo::status::Status;

const OBJECT: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC: &[&str] = &[
    "analysis",
    "minReadySeconds",
    "paused",
    "progressDeadlineAbort",
    "progressDeadlineSeconds",
    "replicas",
    "restartAt",
    "revisionHistoryLimit",
    "rollbackWindow",
    "selector",
    "strategy",
    "template",
    "workloadRef",
];
const STATUS: &[&str] = &[
    "HPAReplicas",
    "abort",
    "abortedAt",
    "alb",
    "albs",
    "availableReplicas",
    "blueGreen",
    "canary",
    "collisionCount",
    "conditions",
    "controllerPause",
    "currentPodHash",
    "currentStepHash",
    "currentStepIndex",
    "duration",
    "message",
    "observedGeneration",
    "pauseConditions",
    "phase",
    "promoteFull",
    "readyReplicas",
    "replicas",
    "restartedAt",
    "selector",
    "stableRS",
    "updatedReplicas",
    "workloadObservedGeneration",
];

/// Removes unknown fields from a new state of an object.
///
/// # Errors
/// The refusal of a strict request, with the whole object in it as a real server puts it there.
pub fn prune(asked: &Asked, resource: Resource, object: &mut Value) -> Result<(), Status> {
    if resource != Resource::Rollout {
        return Ok(());
    }
    let as_sent = object.to_string();
    let mut unknown = Vec::new();
    for (place, known) in [("", OBJECT), ("spec", SPEC), ("status", STATUS)] {
        let fields = if place.is_empty() { object.as_object_mut() } else { object.get_mut(place).and_then(Value::as_object_mut) };
        if let Some(fields) = fields {
            remove(fields, place, known, &mut unknown);
        }
    }
    if unknown.is_empty() || asked.get("fieldValidation") != Some("Strict") {
        return Ok(());
    }
    let what = format!("strict decoding error: {}", unknown.join(", "));
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    Err(if asked.method == http::Method::PATCH {
        Status::invalid(resource, name, "patch", &format!("Invalid value: {as_sent:?}: {what}"))
    } else {
        Status::bad_request(format!("Rollout in version \"v1alpha1\" cannot be handled as a Rollout: {what}"))
    })
}

fn remove(fields: &mut Map<String, Value>, place: &str, known: &[&str], unknown: &mut Vec<String>) {
    let dot = if place.is_empty() { "" } else { "." };
    fields.retain(|key, _| {
        let keep = known.contains(&key.as_str());
        if !keep {
            unknown.push(format!("unknown field \"{place}{dot}{key}\""));
        }
        keep
    });
}

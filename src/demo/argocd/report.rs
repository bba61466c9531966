//! The status of an Application: whether it is as in Git, how its objects are, and how the last sync went.

use serde_json::{Value, json};

use super::{Compared, Source};
use crate::demo::Resource;
use crate::demo::controller::desk::{At, Desk, text};

/// Entries of the history that are kept.
const HISTORY: usize = 10;

/// Writes the status, with an operation and its results if one has just ended.
pub fn write(desk: &mut Desk<'_>, at: &At, source: &Source, compared: &[Compared], ended: Option<(Value, Vec<Value>)>) {
    let Some(application) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    let now = desk.stamp();
    let before = &application["status"];
    let mut status = if before.is_object() { before.clone() } else { json!({}) };
    let sync = if compared.iter().all(|one| one.synced) { "Synced" } else { "OutOfSync" };
    let spec = &application["spec"];
    status["sync"] = json!({
        "status": sync, "revision": source.revision,
        "comparedTo": { "destination": spec["destination"], "source": spec["source"] },
    });
    status["resources"] = compared.iter().map(resource).collect();
    let health = compared.iter().map(health).max_by_key(|(rank, _)| *rank).map_or("Healthy", |(_, health)| health);
    if status["health"]["status"] != health {
        status["health"] = json!({ "status": health, "lastTransitionTime": now });
    }
    status["summary"] = json!({ "images": images(compared) });
    status["sourceType"] = "Kustomize".into();
    status["controllerNamespace"] = at.namespace.clone().into();
    if let Some((operation, results)) = ended {
        finish(&mut status, &now, (source, spec), &operation, &results);
    }
    if status == *before && application["metadata"]["annotations"][super::REFRESH].is_null() {
        return;
    }
    status["reconciledAt"] = now.into();
    let was = before["sync"]["status"].as_str().unwrap_or_default().to_owned();
    desk.edit(at, |application| {
        application["status"] = status;
        if let Some(notes) = application["metadata"]["annotations"].as_object_mut() {
            notes.remove(super::REFRESH);
        }
    });
    if was != sync {
        let message = format!("Updated sync status: {was} -> {sync}");
        desk.record(&application, ("Normal", "argocd-application-controller"), "ResourceUpdated", &message);
    }
}

fn finish(status: &mut Value, now: &str, (source, spec): (&Source, &Value), operation: &Value, results: &[Value]) {
    let by = operation["initiatedBy"].clone();
    let new = status["operationState"]["syncResult"]["revision"] != *source.revision;
    status["operationState"] = json!({
        "phase": "Succeeded", "message": "successfully synced (all tasks run)", "startedAt": now, "finishedAt": now,
        "operation": operation,
        "syncResult": { "revision": source.revision, "source": spec["source"], "resources": results },
    });
    // Only another revision is a deployment; to undo a difference is none.
    if new {
        let mut history = status["history"].as_array().cloned().unwrap_or_default();
        let id = history.last().and_then(|last| last["id"].as_i64()).map_or(0, |id| id + 1);
        history.push(json!({
            "id": id, "revision": source.revision, "deployStartedAt": now, "deployedAt": now, "initiatedBy": by,
            "source": spec["source"],
        }));
        let surplus = history.len().saturating_sub(HISTORY);
        status["history"] = history.split_off(surplus).into();
    }
}

fn resource(one: &Compared) -> Value {
    let (resource, wanted) = &*one.manifest;
    let about = resource.about();
    let mut made = json!({
        "kind": about.kind, "version": about.version, "namespace": text(wanted, "namespace"), "name": text(wanted, "name"),
        "status": if one.synced { "Synced" } else { "OutOfSync" },
    });
    if !about.group.is_empty() {
        made["group"] = about.group.into();
    }
    made
}

/// How an object is, and how bad that is.
fn health(one: &Compared) -> (u8, &'static str) {
    let Some(live) = &one.live else { return (4, "Missing") };
    match (one.manifest.0, live["status"]["phase"].as_str()) {
        (Resource::Rollout, Some("Degraded")) => (3, "Degraded"),
        (Resource::Rollout, Some("Progressing")) => (2, "Progressing"),
        (Resource::Rollout, Some("Paused")) => (1, "Suspended"),
        _ => (0, "Healthy"),
    }
}

fn images(compared: &[Compared]) -> Vec<String> {
    let containers = |one: &Compared| {
        let live = one.live.as_deref().unwrap_or(&Value::Null);
        live["spec"]["template"]["spec"]["containers"].as_array().cloned().unwrap_or_default()
    };
    let images = compared.iter().flat_map(containers).filter_map(|container| Some(container["image"].as_str()?.to_owned()));
    let mut images: Vec<String> = images.collect();
    images.sort();
    images.dedup();
    images
}

//! The Deployment controller, as far as Flagger and `workloadRef` need one: rolling updates by ReplicaSets, and a status
//! that says how far they are.

use std::sync::Arc;

use serde_json::{Value, json};

use super::amount::{Amount, Round};
use super::desk::{At, Desk, annotation, owned_by, text};
use super::hash;
use crate::demo::Resource;

const REVISION: &str = "deployment.kubernetes.io/revision";
const LABEL: &str = "pod-template-hash";

/// One look at a Deployment.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(deployment) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    if !text(&deployment, "deletionTimestamp").is_empty() {
        return;
    }
    let template = &deployment["spec"]["template"];
    if !hash::is_template(template) || !deployment["spec"]["selector"].is_object() {
        return;
    }
    let sets = desk.owned(Resource::ReplicaSet, &deployment);
    let new = sets.iter().find(|set| hash::same_template(&set["spec"]["template"], template)).cloned();
    let Some(new) = new.or_else(|| create_set(desk, &deployment, &sets)) else { return };
    let sets = desk.owned(Resource::ReplicaSet, &deployment);
    renumber(desk, at, &new, &sets);
    if deployment["spec"]["paused"] != true {
        scale(desk, &deployment, &new, &sets);
    }
    report(desk, at, &deployment, &new);
}

fn wanted(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn available(object: &Value) -> i64 {
    object["status"]["availableReplicas"].as_i64().unwrap_or(0)
}

fn revision(set: &Value) -> i64 {
    annotation(set, REVISION).parse().unwrap_or(0)
}

fn create_set(desk: &mut Desk<'_>, deployment: &Value, sets: &[Arc<Value>]) -> Option<Arc<Value>> {
    let mut template = deployment["spec"]["template"].clone();
    let hash = hash::of_template(&template);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][LABEL] = hash.clone().into();
    template["metadata"]["labels"][LABEL] = hash.clone().into();
    let number = sets.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let metadata = json!({
        "name": format!("{}-{hash}", text(deployment, "name")), "namespace": text(deployment, "namespace"),
        "labels": template["metadata"]["labels"], "ownerReferences": owned_by(deployment),
        "annotations": { REVISION: number.to_string() },
    });
    let spec = json!({ "replicas": 0, "selector": selector, "template": template });
    desk.create(Resource::ReplicaSet, json!({ "metadata": metadata, "spec": spec, "status": { "replicas": 0 } }))
}

/// The ReplicaSet of the wanted template is the newest revision.
fn renumber(desk: &mut Desk<'_>, at: &At, new: &Value, sets: &[Arc<Value>]) {
    let others = sets.iter().filter(|set| text(set, "uid") != text(new, "uid")).map(|set| revision(set)).max().unwrap_or(0);
    let number = revision(new).max(others + 1).to_string();
    desk.edit(&At::of(Resource::ReplicaSet, new), |set| set["metadata"]["annotations"][REVISION] = number.clone().into());
    desk.edit(at, |deployment| {
        if !deployment["metadata"]["annotations"].is_object() {
            deployment["metadata"]["annotations"] = json!({});
        }
        deployment["metadata"]["annotations"][REVISION] = number.into();
    });
}

fn scale(desk: &mut Desk<'_>, deployment: &Value, new: &Value, sets: &[Arc<Value>]) {
    let replicas = wanted(deployment);
    let bound = |key: &str, round: Round| {
        let value = &deployment["spec"]["strategy"]["rollingUpdate"][key];
        let amount = value.as_i64().map(Amount::Number).or_else(|| value.as_str().map(|text| Amount::Text(text.to_owned())));
        amount.unwrap_or_else(|| Amount::Text("25%".to_owned())).of(replicas, round).unwrap_or(0)
    };
    let (surge, mut unavailable) = (bound("maxSurge", Round::Up), bound("maxUnavailable", Round::Down));
    if surge == 0 && unavailable == 0 {
        unavailable = 1;
    }
    let is_new = |set: &Value| text(set, "uid") == text(new, "uid");
    let others: Vec<&Arc<Value>> = sets.iter().filter(|set| !is_new(set) && wanted(set) > 0).collect();
    let old_total: i64 = others.iter().map(|set| wanted(set)).sum();
    let now = wanted(new);
    let room = (replicas + surge - old_total - now).max(0);
    let grown = if others.is_empty() || now > replicas { replicas } else { (now + room).min(replicas) };
    set_replicas(desk, deployment, new, grown);
    let all_available: i64 = sets.iter().map(|set| available(set)).sum();
    let mut spare = (all_available - (replicas - unavailable)).max(0);
    for set in others {
        let serving = available(set).min(wanted(set));
        let fewer = serving.min(spare) + (wanted(set) - serving);
        spare -= serving.min(spare);
        set_replicas(desk, deployment, set, wanted(set) - fewer);
    }
}

fn set_replicas(desk: &mut Desk<'_>, deployment: &Value, set: &Value, count: i64) {
    let before = wanted(set);
    if before == count {
        return;
    }
    desk.edit(&At::of(Resource::ReplicaSet, set), |set| set["spec"]["replicas"] = count.into());
    let way = if count > before { "up" } else { "down" };
    let message = format!("Scaled {way} replica set {} from {before} to {count}", text(set, "name"));
    desk.record(deployment, ("Normal", "deployment-controller"), "ScalingReplicaSet", &message);
}

fn report(desk: &mut Desk<'_>, at: &At, deployment: &Value, new: &Value) {
    let sets = desk.owned(Resource::ReplicaSet, deployment);
    let count = |set: &Value, key: &str| set["status"][key].as_i64().unwrap_or(0);
    let total = |key: &str| sets.iter().map(|set| count(set, key)).sum::<i64>();
    let (replicas, ready, available) = (total("replicas"), total("readyReplicas"), total("availableReplicas"));
    let updated = sets.iter().find(|set| text(set, "uid") == text(new, "uid")).map_or(0, |set| count(set, "replicas"));
    let (wanted, now) = (wanted(deployment), desk.stamp());
    let done = updated == wanted && available == wanted && replicas == wanted;
    let name = text(new, "name");
    let (reason, message) = if done {
        ("NewReplicaSetAvailable", format!("ReplicaSet \"{name}\" has successfully progressed."))
    } else {
        ("ReplicaSetUpdated", format!("ReplicaSet \"{name}\" is progressing."))
    };
    let enough = available >= wanted;
    let (why, said) = if enough {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let truth = if enough { "True" } else { "False" };
    let conditions = [("Available", truth, why, said), ("Progressing", "True", reason, message.as_str())];
    let known = deployment["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let conditions: Vec<Value> = conditions.iter().map(|condition| renew(&known, *condition, &now)).collect();
    let mut status = json!({ "observedGeneration": deployment["metadata"]["generation"], "conditions": conditions });
    let counts = [("replicas", replicas), ("updatedReplicas", updated), ("readyReplicas", ready), ("availableReplicas", available)];
    for (key, count) in
        counts.into_iter().chain([("unavailableReplicas", (wanted - available).max(0))]).filter(|(_, count)| *count > 0)
    {
        status[key] = count.into();
    }
    desk.edit(at, |deployment| deployment["status"] = status);
}

fn renew(known: &[Value], (kind, status, reason, message): (&str, &str, &str, &str), now: &str) -> Value {
    let before = known.iter().find(|condition| condition["type"] == kind);
    if let Some(before) = before.filter(|b| b["status"] == status && b["reason"] == reason && b["message"] == message) {
        return before.clone();
    }
    let since =
        before.filter(|before| before["status"] == status).and_then(|before| before["lastTransitionTime"].as_str()).unwrap_or(now);
    json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now, "lastTransitionTime": since })
}

/// Whether a Deployment has done what its spec says; if not, the sentence that Flagger uses.
pub fn unfinished(deployment: &Value) -> Option<String> {
    let status = |key: &str| deployment["status"][key].as_i64().unwrap_or(0);
    let wanted = wanted(deployment);
    if status("observedGeneration") < deployment["metadata"]["generation"].as_i64().unwrap_or(0) {
        Some("observed deployment generation less than desired generation".to_owned())
    } else if status("updatedReplicas") < wanted {
        Some(format!("{} out of {wanted} new replicas have been updated", status("updatedReplicas")))
    } else if status("replicas") > status("updatedReplicas") {
        Some(format!("{} old replicas are pending termination", status("replicas") - status("updatedReplicas")))
    } else if status("availableReplicas") < status("updatedReplicas") {
        Some(format!(
            "{} of {} (readyThreshold 100%) updated replicas are available",
            status("availableReplicas"),
            status("updatedReplicas")
        ))
    } else {
        None
    }
}

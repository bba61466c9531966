//! The ReplicaSet controller: as many pods as wanted, and counts of how they are. It looks at no revision.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::desk::{At, Desk, text, time};
use super::{hash, pods};
use crate::demo::Resource;

/// One look at a ReplicaSet.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(set) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    if !text(&set, "deletionTimestamp").is_empty() || super::rollout::is_foreign(&set) {
        return;
    }
    if !set["spec"].is_object() || !hash::is_template(&set["spec"]["template"]) {
        return;
    }
    let wanted = usize::try_from(set["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or(0);
    let pods = desk.pods(&set);
    for _ in pods.len()..wanted {
        pods::create(desk, &set);
    }
    if pods.len() > wanted {
        for pod in pods_to_lose(pods.clone(), pods.len() - wanted) {
            let name = text(&pod, "name").to_owned();
            desk.delete(&At::of(Resource::Pod, &pod));
            let message = format!("Deleted pod: {name}");
            desk.record(&set, ("Normal", "replicaset-controller"), "SuccessfulDelete", &message);
        }
    }
    let status = counts(desk, at, &set);
    desk.edit(at, |set| set["status"] = status);
}

/// Which pods go first: those that serve nobody, then the youngest.
fn pods_to_lose(mut pods: Vec<Arc<Value>>, count: usize) -> Vec<Arc<Value>> {
    pods.sort_by_key(|pod| (pods::is_ready(pod), std::cmp::Reverse(text(pod, "creationTimestamp").to_owned())));
    pods.truncate(count);
    pods
}

fn counts(desk: &mut Desk<'_>, at: &At, set: &Value) -> Value {
    let pods = desk.pods(set);
    let least = SignedDuration::from_secs(set["spec"]["minReadySeconds"].as_i64().unwrap_or(0));
    let (mut ready, mut available) = (0, 0);
    for pod in &pods {
        let Some(since) = pods::ready_since(pod) else { continue };
        ready += 1;
        let from = time(&since).map_or(desk.now, |since| since + least);
        if desk.now >= from || least.is_zero() {
            available += 1;
        } else {
            desk.wake_after(at, from);
        }
    }
    let count = pods.len();
    let mut status = json!({ "replicas": count, "observedGeneration": set["metadata"]["generation"] });
    for (key, count) in [("fullyLabeledReplicas", count), ("readyReplicas", ready), ("availableReplicas", available)] {
        if count > 0 {
            status[key] = count.into();
        }
    }
    status
}

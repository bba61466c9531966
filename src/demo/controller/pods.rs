//! Pods and the kubelet that runs them: they need a while to start, some images cannot be pulled, others crash or never
//! get ready. What an image does is told by its tag alone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::desk::{At, Desk, owned_by, text, time};
use crate::demo::Resource;

/// The machines of the cluster.
const NODES: [&str; 3] = ["node-0", "node-1", "node-2"];
/// How long a pod takes to end.
const ENDS_AFTER: SignedDuration = SignedDuration::from_secs(3);
/// How long a crashing container lives.
const CRASH_AFTER: i64 = 3;

/// How an image behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It starts and serves.
    Well,
    /// It takes long to serve.
    Slow,
    /// It runs and never serves.
    Unready,
    /// It ends soon after its start, again and again.
    Crashes,
    /// The registry does not have it.
    Missing,
}

fn manner(image: &str) -> Manner {
    let tag = image.rsplit('/').next().unwrap_or_default().split_once(':').map_or("", |(_, tag)| tag);
    let says = |words: &[&str]| words.iter().any(|word| tag.contains(word));
    if says(&["bad", "does-not-exist", "missing", "nonexistent", "not-found"]) {
        Manner::Missing
    } else if says(&["crash", "panic"]) {
        Manner::Crashes
    } else if says(&["unready", "never-ready"]) {
        Manner::Unready
    } else if says(&["slow"]) {
        Manner::Slow
    } else {
        Manner::Well
    }
}

/// Adds a pod to a ReplicaSet.
pub fn create(desk: &mut Desk<'_>, set: &Value) {
    let template = &set["spec"]["template"];
    let node = NODES[desk.store.random().usize(..NODES.len())];
    let mut spec = template["spec"].clone();
    for (key, value) in [("restartPolicy", json!("Always")), ("serviceAccountName", json!("default")), ("nodeName", json!(node))] {
        if spec[key].is_null() {
            spec[key] = value;
        }
    }
    let now = desk.stamp();
    let mut metadata = json!({
        "generateName": format!("{}-", text(set, "name")), "namespace": text(set, "namespace"),
        "labels": template["metadata"]["labels"], "ownerReferences": owned_by(set),
    });
    if template["metadata"]["annotations"].is_object() {
        metadata["annotations"] = template["metadata"]["annotations"].clone();
    }
    let mut pod =
        json!({ "metadata": metadata, "spec": spec, "status": { "phase": "Pending", "qosClass": "Burstable", "startTime": now } });
    let waiting = json!({ "waiting": { "reason": "ContainerCreating" } });
    pod["status"]["containerStatuses"] = containers(&pod, |_| (waiting.clone(), false, 0)).into();
    pod["status"]["conditions"] = conditions(None, &now, &now);
    let Some(pod) = desk.create(Resource::Pod, pod) else { return };
    let (namespace, name) = (text(&pod, "namespace").to_owned(), text(&pod, "name").to_owned());
    desk.record(set, ("Normal", "replicaset-controller"), "SuccessfulCreate", &format!("Created pod: {name}"));
    let message = format!("Successfully assigned {namespace}/{name} to {node}");
    desk.record(&pod, ("Normal", "default-scheduler"), "Scheduled", &message);
    let first = first_move(desk, &pod);
    desk.wake(&At::of(Resource::Pod, &pod), first);
}

/// When a pod leaves `ContainerCreating`: two to three seconds after its creation, each pod its own time.
fn first_move(desk: &Desk<'_>, pod: &Value) -> Timestamp {
    let own: u64 = text(pod, "name").bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 997);
    let images = images(pod);
    let slow = images.iter().any(|image| manner(image) == Manner::Slow);
    let wait = if slow { 45_000 } else { 1_500 + i64::try_from(own % 800).unwrap_or(0) };
    desk.now + SignedDuration::from_millis(wait)
}

/// One look at a pod.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(pod) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    let Some(end) = time(text(&pod, "deletionTimestamp")) else { return step(desk, at, &pod) };
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let gone = end - SignedDuration::from_secs(grace) + ENDS_AFTER;
    if desk.now >= gone {
        desk.delete(at);
    } else {
        desk.wake(at, gone);
    }
}

fn step(desk: &mut Desk<'_>, at: &At, pod: &Arc<Value>) {
    let state = pod["status"]["containerStatuses"][0]["state"].clone();
    let waiting = state["waiting"]["reason"].as_str().unwrap_or_default();
    let images = images(pod);
    let bad = images.iter().find(|image| manner(image) == Manner::Missing).cloned();
    let crashes = images.iter().any(|image| manner(image) == Manner::Crashes);
    match (waiting, bad) {
        ("ContainerCreating", Some(image)) => {
            fail_pull(desk, at, pod, &image, "ErrImagePull");
            desk.wake_in(at, 2);
        }
        ("ErrImagePull", Some(image)) => {
            fail_pull(desk, at, pod, &image, "ImagePullBackOff");
            desk.wake_in(at, 20);
        }
        ("ImagePullBackOff", Some(image)) => {
            let message = format!("Back-off pulling image \"{image}\"");
            desk.record(pod, ("Normal", "kubelet"), "BackOff", &message);
            desk.wake_in(at, 60);
        }
        ("ContainerCreating" | "CrashLoopBackOff", None) => start(desk, at, pod),
        ("", None) if crashes => crash(desk, at, pod),
        _ => {}
    }
}

fn start(desk: &mut Desk<'_>, at: &At, pod: &Arc<Value>) {
    let now = desk.stamp();
    let images = images(pod);
    let worst = |wanted: Manner| images.iter().any(|image| manner(image) == wanted);
    let (crashes, ready) = (worst(Manner::Crashes), !worst(Manner::Unready) && !worst(Manner::Crashes));
    let running = json!({ "running": { "startedAt": now } });
    let made = containers(pod, |known| (running.clone(), ready, known["restartCount"].as_i64().unwrap_or(0)));
    let scheduled = text(pod, "creationTimestamp").to_owned();
    let edited = desk.edit(at, |pod| {
        pod["status"]["phase"] = "Running".into();
        pod["status"]["podIP"] = address(text(pod, "name")).into();
        pod["status"]["containerStatuses"] = made.into();
        pod["status"]["conditions"] = conditions(ready.then_some(now.as_str()), &scheduled, &now);
    });
    let Some(pod) = edited else { return };
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let message = format!("Started container {}", container["name"].as_str().unwrap_or_default());
        desk.record(&pod, ("Normal", "kubelet"), "Started", &message);
    }
    if !ready && !crashes {
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        desk.record(&pod, ("Warning", "kubelet"), "Unhealthy", message);
    }
    if crashes {
        desk.wake_in(at, CRASH_AFTER);
    }
}

fn crash(desk: &mut Desk<'_>, at: &At, pod: &Arc<Value>) {
    let (now, scheduled) = (desk.stamp(), text(pod, "creationTimestamp").to_owned());
    let restarts = pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or(0) + 1;
    let wait = (10 << restarts.min(5)).min(300) / 2;
    let waiting =
        json!({ "waiting": { "reason": "CrashLoopBackOff", "message": format!("back-off {wait}s restarting failed container") } });
    let mut made = containers(pod, |_| (waiting.clone(), false, restarts));
    for status in &mut made {
        status["lastState"] = json!({ "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": now } });
    }
    desk.edit(at, |pod| {
        pod["status"]["containerStatuses"] = made.into();
        pod["status"]["conditions"] = conditions(None, &scheduled, &now);
    });
    let name = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    let message = format!("Back-off restarting failed container {name} in pod {}", text(pod, "name"));
    desk.record(pod, ("Warning", "kubelet"), "BackOff", &message);
    desk.wake_in(at, wait);
}

fn fail_pull(desk: &mut Desk<'_>, at: &At, pod: &Arc<Value>, image: &str, reason: &str) {
    let message = if reason == "ErrImagePull" {
        format!("failed to pull image \"{image}\": not found")
    } else {
        format!("Back-off pulling image \"{image}\"")
    };
    let waiting = json!({ "waiting": { "reason": reason, "message": message } });
    let made = containers(pod, |_| (waiting.clone(), false, 0));
    desk.edit(at, |pod| pod["status"]["containerStatuses"] = made.into());
    if reason == "ErrImagePull" {
        let message = format!("Failed to pull image \"{image}\": not found");
        desk.record(pod, ("Warning", "kubelet"), "Failed", &message);
    } else {
        desk.record(pod, ("Normal", "kubelet"), "BackOff", &message);
    }
}

fn images(pod: &Value) -> Vec<String> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.map(|container| container["image"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The status of each container, from (state, ready, restarts).
fn containers(pod: &Value, state: impl Fn(&Value) -> (Value, bool, i64)) -> Vec<Value> {
    let specs = pod["spec"]["containers"].as_array().into_iter().flatten();
    let made = specs.enumerate().map(|(place, container)| {
        let known = &pod["status"]["containerStatuses"][place];
        let (state, ready, restarts) = state(known);
        let last = if known["lastState"].is_object() { known["lastState"].clone() } else { json!({}) };
        json!({
            "name": container["name"], "image": container["image"], "imageID": "", "state": state, "lastState": last,
            "ready": ready, "started": ready, "restartCount": restarts,
        })
    });
    made.collect()
}

fn conditions(ready_since: Option<&str>, scheduled: &str, now: &str) -> Value {
    let condition = |kind: &str, holds: bool, since: &str| {
        let mut made = json!({ "type": kind, "status": if holds { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": since });
        if !holds {
            made["reason"] = "ContainersNotReady".into();
        }
        made
    };
    let (ready, since) = (ready_since.is_some(), ready_since.unwrap_or(now));
    json!([
        condition("Initialized", true, scheduled),
        condition("Ready", ready, since),
        condition("ContainersReady", ready, since),
        condition("PodScheduled", true, scheduled),
    ])
}

fn address(name: &str) -> String {
    let sum = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("10.42.{}.{}", (sum >> 8) % 250, sum % 250 + 2)
}

/// Since when a pod is ready; none if it is not.
pub fn ready_since(pod: &Value) -> Option<String> {
    let conditions = pod["status"]["conditions"].as_array()?;
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready" && condition["status"] == "True")?;
    ready["lastTransitionTime"].as_str().map(str::to_owned)
}

/// Whether a pod is ready.
pub fn is_ready(pod: &Value) -> bool {
    ready_since(pod).is_some()
}

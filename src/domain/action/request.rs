//! The requests of a step, with their fences: JSON Patch `test`s of what was seen, so that a race is lost at the API server and not by
//! luck. Built from the object as it was read just before; whether that is still what was seen is asked first.

use serde_json::{Map, Value, json};

use super::plan::{Do, Gate};
use super::seen::Seen;
use super::template::written;
use crate::domain::id::{Key, Kind};

/// Content type of a JSON Patch.
pub const JSON_PATCH: &str = "application/json-patch+json";
/// Content type of a merge patch.
pub const MERGE_PATCH: &str = "application/merge-patch+json";
/// Annotation with the last act of this program on an object.
pub const LAST_ACTION: &str = "pilothouse.dev/last-action";
/// Annotation that makes Flagger begin anew.
const RETRIED: &str = "pilothouse.dev/retried-at";

/// One request that writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `PATCH` or `POST`.
    pub method: &'static str,
    /// Path, without the query.
    pub path: String,
    /// Content type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Value,
    /// What the answer has to show for the write to have been taken: pointer and value; null is absence.
    pub shows: Vec<(String, Value)>,
}

/// What a step has to read before it can be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The object itself only.
    Nothing,
    /// The ReplicaSet of this name in its namespace.
    ReplicaSet(String),
    /// The workload whose template is meant: path of the object.
    Workload(String),
    /// Both.
    Both {
        /// Name of the ReplicaSet.
        set: String,
        /// Path of the workload.
        workload: String,
    },
}

/// The objects that a step is built from, as the server has them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fresh<'a> {
    /// The Rollout or Canary.
    pub object: Option<&'a Value>,
    /// See [`Need`].
    pub replica_set: Option<&'a Value>,
    /// See [`Need`].
    pub workload: Option<&'a Value>,
    /// The cluster's time, RFC 3339 with whole seconds.
    pub time: &'a str,
    /// Whether the step belongs to an act back: then it is bound to the release only, whatever it does.
    pub back: bool,
}

/// What a step has to read besides the object, given the object.
pub fn needs(does: &Do, key: &Key, object: &Value) -> Result<Need, String> {
    match does {
        Do::Restore { set, .. } => Ok(match workload_of_rollout(key, object)? {
            Some(workload) => Need::Both { set: set.to_string(), workload },
            None => Need::ReplicaSet(set.to_string()),
        }),
        Do::SetImage { .. } if key.kind == Kind::Rollout => {
            Ok(workload_of_rollout(key, object)?.map_or(Need::Nothing, Need::Workload))
        }
        Do::SetImage { .. } | Do::Touch => Ok(Need::Workload(target_of_canary(key, object)?)),
        _ => Ok(Need::Nothing),
    }
}

/// Whether a step is bound to everything that was seen. Back acts, and what follows on an act that was accepted, are bound to the release.
pub fn is_bound_to_all(does: &Do) -> bool {
    match does {
        Do::LiftPauses | Do::StepTo(_) | Do::PromoteFull | Do::Retry | Do::Promoting => true,
        Do::Hold(_)
        | Do::Abort
        | Do::Restore { .. }
        | Do::Restart
        | Do::SetImage { .. }
        | Do::Terminate { .. }
        | Do::FailChecks
        | Do::Suspend(_)
        | Do::Gate(_)
        | Do::Touch
        | Do::PauseSync { .. }
        | Do::Await(_) => false,
    }
}

/// The request of a step; None for a wait. The error says what is missing or would do nothing.
pub fn request(does: &Do, seen: &Seen, fresh: Fresh<'_>) -> Result<Option<Request>, String> {
    let key = &seen.key;
    let object = fresh.object.ok_or_else(|| format!("{key} was not read"))?;
    let status = |ops: Vec<Value>, shows: Vec<(&str, Value)>| {
        let mut all = tests(is_bound_to_all(does) && !fresh.back, seen, object);
        all.extend(ops);
        patch(path(key, "/status"), all, shows)
    };
    let spec = |field: &str, value: Value| {
        let before = object.pointer(field).cloned().unwrap_or_default();
        let ops = vec![test("/metadata/uid", &json!(seen.uid)), test(field, &before), set(field, value.clone())];
        patch(path(key, ""), ops, vec![(field, value)])
    };
    Ok(Some(match does {
        Do::Await(_) => return Ok(None),
        Do::LiftPauses => status(vec![remove("/status/pauseConditions")], vec![("/status/pauseConditions", Value::Null)]),
        Do::StepTo(index) => status(step_to(*index, object), vec![("/status/currentStepIndex", json!(index))]),
        Do::PromoteFull => status(vec![set("/status/promoteFull", json!(true))], vec![("/status/promoteFull", json!(true))]),
        Do::Abort => status(abort(), vec![("/status/abort", json!(true))]),
        Do::Retry => status(vec![set("/status/abort", json!(false))], vec![("/status/abort", json!(false))]),
        Do::Hold(held) => spec("/spec/paused", json!(held)),
        Do::Restart => spec("/spec/restartAt", json!(fresh.time)),
        Do::Restore { hash, .. } => restore(seen, hash, fresh, object)?,
        Do::SetImage { container, image } => set_image(seen, (container, image), fresh, object)?,
        Do::Terminate { run } => merge(
            format!("/apis/argoproj.io/v1alpha1/namespaces/{}/analysisruns/{run}", key.namespace),
            json!({"spec": {"terminate": true}}),
            vec![("/spec/terminate", json!(true))],
        ),
        Do::FailChecks => {
            let threshold = object.pointer("/spec/analysis/threshold").and_then(Value::as_i64).unwrap_or_default().max(1);
            status(vec![set("/status/failedChecks", json!(threshold))], vec![("/status/failedChecks", json!(threshold))])
        }
        Do::Promoting => status(vec![set("/status/phase", json!("Promoting"))], vec![("/status/phase", json!("Promoting"))]),
        Do::Suspend(suspended) => spec("/spec/suspend", json!(suspended)),
        Do::Gate(gate) => of_gate(gate, key),
        Do::Touch => touch(fresh, key, object)?,
        Do::PauseSync { namespace, application } => merge(
            format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{application}"),
            json!({"spec": {"syncPolicy": {"automated": null}}}),
            vec![("/spec/syncPolicy/automated", Value::Null)],
        ),
    }))
}

/// Path of a release, with a subresource.
pub fn path(key: &Key, part: &str) -> String {
    let (group, plural) = match key.kind {
        Kind::Canary => ("flagger.app/v1beta1", "canaries"),
        _ => ("argoproj.io/v1alpha1", "rollouts"),
    };
    format!("/apis/{group}/namespaces/{}/{plural}/{}{part}", key.namespace, key.name)
}

/// What a status write is bound to. Values are those of the object as read, whose equality with what was seen was asked before: so a
/// field that this program does not know cannot make a fence that never holds.
fn tests(all_of_it: bool, seen: &Seen, object: &Value) -> Vec<Value> {
    let mut all = vec![test("/metadata/uid", &json!(seen.uid))];
    let same = |path: &str| test(path, object.pointer(path).unwrap_or(&Value::Null));
    if seen.key.kind == Kind::Canary {
        all.push(same("/status/lastAppliedSpec"));
        // The phase decides what failed checks and promotion mean: both are bound to it.
        all.push(same("/status/phase"));
        return all;
    }
    all.extend(["/status/currentPodHash", "/status/stableRS"].map(same));
    if all_of_it {
        let position =
            ["/status/currentStepIndex", "/status/pauseConditions", "/status/abort", "/status/promoteFull", "/spec/paused"];
        all.extend(position.map(same));
    }
    all
}

fn step_to(index: i64, object: &Value) -> Vec<Value> {
    let mut ops = Vec::new();
    if object.pointer("/status/pauseConditions").is_some_and(|pauses| !pauses.is_null()) {
        ops.push(remove("/status/pauseConditions"));
    }
    if object.pointer("/status/controllerPause") == Some(&Value::Bool(true)) {
        ops.push(set("/status/controllerPause", json!(false)));
    }
    ops.push(set("/status/currentStepIndex", json!(index)));
    ops
}

/// A full promotion would wipe the abort. One may begin after the object was read, so it is ended in any case: false and absent are
/// the same to the controller.
fn abort() -> Vec<Value> {
    vec![set("/status/abort", json!(true)), set("/status/promoteFull", json!(false))]
}

/// Stable's template, or another revision's, written where it belongs.
fn restore(seen: &Seen, hash: &str, fresh: Fresh<'_>, object: &Value) -> Result<Request, String> {
    let set_object = fresh.replica_set.ok_or("the ReplicaSet to go back to was not read")?;
    let found =
        set_object.pointer("/metadata/labels").and_then(|labels| labels.get(super::template::HASH_LABEL)).and_then(Value::as_str);
    if found != Some(hash) {
        return Err(format!("the ReplicaSet to go back to is not the one of pod hash {hash} any more"));
    }
    let template = written(set_object).ok_or("the ReplicaSet to go back to has no template")?;
    let (target, path, uid) = match fresh.workload {
        Some(workload) => {
            (workload, workload_path(workload, seen)?, workload.pointer("/metadata/uid").cloned().unwrap_or_default())
        }
        None => (object, path(&seen.key, ""), json!(seen.uid)),
    };
    let field = if target.get("kind").and_then(Value::as_str) == Some("PodTemplate") { "/template" } else { "/spec/template" };
    let before = target.pointer(field).ok_or("the object to be written has no template")?;
    if same_template(before, &template) {
        return Err(ALREADY.to_owned());
    }
    let ops = vec![test("/metadata/uid", &uid), test(field, before), json!({"op": "replace", "path": field, "value": template})];
    // Servers fill in defaults, so the answer cannot be compared as a whole: the containers' images are what was meant.
    let shows = images(&template).into_iter().map(|(pointer, image)| (format!("{field}{pointer}"), image)).collect();
    Ok(Request { method: "PATCH", path, content_type: JSON_PATCH, body: Value::Array(ops), shows })
}

/// What [`request`] says when the template is there already: then the step has nothing to do.
pub const ALREADY: &str = "the template is there already";

fn same_template(a: &Value, b: &Value) -> bool {
    let clean = |template: &Value| written(&json!({"spec": {"template": template}})).unwrap_or_default();
    clean(a) == clean(b)
}

fn images(template: &Value) -> Vec<(String, Value)> {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array);
    let each = containers.into_iter().flatten().enumerate();
    each.map(|(place, container)| (format!("/spec/containers/{place}/image"), container.get("image").cloned().unwrap_or_default()))
        .collect()
}

fn set_image(seen: &Seen, (container, image): (&str, &str), fresh: Fresh<'_>, object: &Value) -> Result<Request, String> {
    let (target, path, uid) = match fresh.workload {
        Some(workload) => {
            (workload, workload_path(workload, seen)?, workload.pointer("/metadata/uid").cloned().unwrap_or_default())
        }
        None => (object, path(&seen.key, ""), json!(seen.uid)),
    };
    let field = if target.get("kind").and_then(Value::as_str) == Some("PodTemplate") { "/template" } else { "/spec/template" };
    let mut ops = vec![test("/metadata/uid", &uid)];
    let mut shows = Vec::new();
    let mut names = Vec::new();
    for list in ["initContainers", "containers"] {
        let containers = target.pointer(&format!("{field}/spec/{list}")).and_then(Value::as_array);
        for (place, one) in containers.into_iter().flatten().enumerate() {
            let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
            names.push(name.to_owned());
            let before = one.get("image").cloned().unwrap_or_default();
            if (container == "*" || container == name) && before != json!(image) {
                let at = format!("{field}/spec/{list}/{place}");
                ops.push(test(&format!("{at}/name"), &json!(name)));
                ops.push(test(&format!("{at}/image"), &before));
                ops.push(set(&format!("{at}/image"), json!(image)));
                shows.push((format!("{at}/image"), json!(image)));
            }
        }
    }
    if container != "*" && !names.iter().any(|name| name == container) {
        return Err(format!("there is no container '{container}'; there is {}", names.join(", ")));
    }
    if shows.is_empty() {
        return Err(format!("{container} has the image {image} already"));
    }
    Ok(Request { method: "PATCH", path, content_type: JSON_PATCH, body: Value::Array(ops), shows })
}

fn touch(fresh: Fresh<'_>, key: &Key, object: &Value) -> Result<Request, String> {
    let body = json!({"spec": {"template": {"metadata": {"annotations": {RETRIED: fresh.time}}}}});
    let at = format!("/spec/template/metadata/annotations/{}", RETRIED.replace('/', "~1"));
    Ok(merge(target_of_canary(key, object)?, body, vec![(at.as_str(), json!(fresh.time))]))
}

fn of_gate(gate: &Gate, key: &Key) -> Request {
    let verb = if gate.open { "open" } else { "close" };
    let path = format!("/api/v1/namespaces/{}/services/{}:{}/proxy/gate/{verb}", gate.namespace, gate.service, gate.port);
    let body = json!({"name": key.name, "namespace": key.namespace});
    Request { method: "POST", path, content_type: "application/json", body, shows: Vec::new() }
}

/// The workload that a Rollout takes its template from.
fn workload_of_rollout(key: &Key, object: &Value) -> Result<Option<String>, String> {
    let Some(reference) = object.pointer("/spec/workloadRef").and_then(Value::as_object) else { return Ok(None) };
    let text = |name: &str| reference.get(name).and_then(Value::as_str).unwrap_or_default();
    workload_at(&key.namespace, text("kind"), text("name")).map(Some)
}

/// The workload that Flagger releases.
fn target_of_canary(key: &Key, object: &Value) -> Result<String, String> {
    let text = |name: &str| {
        object.pointer("/spec/targetRef").and_then(|target| target.get(name)).and_then(Value::as_str).unwrap_or_default()
    };
    workload_at(&key.namespace, text("kind"), text("name"))
}

fn workload_at(namespace: &str, kind: &str, name: &str) -> Result<String, String> {
    let (group, plural) = match kind {
        "Deployment" => ("/apis/apps/v1", "deployments"),
        "ReplicaSet" => ("/apis/apps/v1", "replicasets"),
        "DaemonSet" => ("/apis/apps/v1", "daemonsets"),
        "PodTemplate" => ("/api/v1", "podtemplates"),
        other => return Err(format!("its template is in a {other}, which this program does not write")),
    };
    Ok(format!("{group}/namespaces/{namespace}/{plural}/{name}"))
}

fn workload_path(workload: &Value, seen: &Seen) -> Result<String, String> {
    let text = |pointer: &str| workload.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    workload_at(&seen.key.namespace, text("/kind"), text("/metadata/name"))
}

fn test(path: &str, value: &Value) -> Value {
    json!({"op": "test", "path": path, "value": value})
}

/// `add` replaces what is there and puts in what is not.
fn set(path: &str, value: Value) -> Value {
    let op = Map::from_iter([("op".to_owned(), json!("add")), ("path".to_owned(), json!(path)), ("value".to_owned(), value)]);
    Value::Object(op)
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

fn patch(path: String, ops: Vec<Value>, shows: Vec<(&str, Value)>) -> Request {
    let shows = shows.into_iter().map(|(pointer, value)| (pointer.to_owned(), value)).collect();
    Request { method: "PATCH", path, content_type: JSON_PATCH, body: Value::Array(ops), shows }
}

fn merge(path: String, body: Value, shows: Vec<(&str, Value)>) -> Request {
    let shows = shows.into_iter().map(|(pointer, value)| (pointer.to_owned(), value)).collect();
    Request { method: "PATCH", path, content_type: MERGE_PATCH, body, shows }
}

/// What of the expected effect an answer does not show: a field that the server dropped in silence. None if all is there.
pub fn missing(request: &Request, answer: &Value) -> Option<String> {
    let lacks = |(pointer, value): &&(String, Value)| {
        let found = answer.pointer(pointer).unwrap_or(&Value::Null);
        // A false that is not written is a false.
        found != value && !(found.is_null() && *value == Value::Bool(false))
    };
    request.shows.iter().find(lacks).map(|(pointer, _)| pointer.clone())
}

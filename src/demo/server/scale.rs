//! The `/scale` of an object: its wanted and its real size, as another object.

use serde_json::{Map, Value, json};

use super::reply::{self, Reply};
use super::route::{Asked, Target};
use super::{Api, patch, write};
use crate::demo::managed::Author;
use crate::demo::part::{Part, Write};
use crate::demo::status::Status;
use crate::demo::store::Store;

/// Sets the wanted size that a body names.
pub fn rescale(api: &Api, asked: &Asked, target: &Target, name: &str, body: &Value) -> Result<Reply, Status> {
    let Some(replicas) = body["spec"]["replicas"].as_u64() else {
        return Err(Status::invalid(target.resource, name, "spec.replicas", "Required value"));
    };
    let write = Write { part: Part::Scale, dry_run: write::dry_run(asked)?, author: Author::Update(patch::manager(asked)?) };
    let at = (target.namespace.as_str(), name);
    let set = |store: &mut Store| {
        let before = store.get(target.resource, at.0, at.1).ok_or_else(|| Status::not_found(target.resource, name))?;
        let mut object = Value::clone(&before);
        object["spec"]["replicas"] = replicas.into();
        store.put(target.resource, at, object, write)
    };
    let stored = api.world.with(api.place(), set)?;
    Ok(reply::json(200, &shown(&stored.value(target.resource))))
}

/// The scale of an object.
pub fn shown(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let own_labels = || {
        let labels = object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        let pairs: Vec<String> = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        pairs.join(",")
    };
    let selector = object["status"]["selector"].as_str().map_or_else(own_labels, str::to_owned);
    let replicas = object["status"]["HPAReplicas"].as_i64().or(object["status"]["replicas"].as_i64());
    let kept = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
    let kept: Map<String, Value> = kept.into_iter().map(|key| (key.to_owned(), metadata[key].clone())).collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept,
        "spec": { "replicas": object["spec"]["replicas"] }, "status": { "replicas": replicas.unwrap_or(0), "selector": selector },
    })
}

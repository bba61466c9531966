//! What a write makes of an object: which parts it may touch, what stays as it is, when the generation rises.
//! Rules only; the store keeps the objects.

use serde_json::{Map, Value, json};

use super::managed::Author;
use super::resource::Resource;

/// Which part of an object a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything, as the store's own controllers write.
    Whole,
    /// Everything but the status, if the kind has one of its own path.
    Main,
    /// The same, through its scale.
    Scale,
    /// Only the status.
    Status,
}

/// How an object is written.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// What may change.
    pub part: Part,
    /// Only the result is wanted, nothing changes.
    pub dry_run: bool,
    /// Who writes.
    pub author: Author<'a>,
}

/// What a write of `wanted` makes of `before`, with the version still the old one.
pub fn merged(resource: Resource, before: &Value, wanted: Value, part: Part) -> Value {
    let about = resource.about();
    let mut object = match (part, about.status) {
        (Part::Status, _) => {
            let mut object = before.clone();
            object["status"] = wanted.get("status").cloned().unwrap_or(Value::Null);
            object
        }
        (Part::Main | Part::Scale, true) => {
            let mut object = wanted;
            object["status"] = before.get("status").cloned().unwrap_or(Value::Null);
            object
        }
        (Part::Main | Part::Scale, false) | (Part::Whole, _) => wanted,
    };
    if object["status"].is_null()
        && let Some(object) = object.as_object_mut()
    {
        object.remove("status");
    }
    for key in ["apiVersion", "kind"] {
        object[key] = before[key].clone();
    }
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "generateName"] {
        keep(&mut object, before, key);
    }
    if before["metadata"]["deletionTimestamp"].is_string() {
        keep(&mut object, before, "deletionTimestamp");
        keep(&mut object, before, "deletionGracePeriodSeconds");
    }
    // A client that knows nothing of managers leaves them as they are.
    if !object["metadata"]["managedFields"].is_array() {
        keep(&mut object, before, "managedFields");
    }
    if about.generation && spec_changed(before, &object, about.status) {
        let generation = before["metadata"]["generation"].as_i64().unwrap_or_default() + 1;
        object["metadata"]["generation"] = generation.into();
    }
    object
}

fn keep(object: &mut Value, before: &Value, key: &str) {
    match before["metadata"].get(key) {
        Some(value) => object["metadata"][key] = value.clone(),
        None => drop(object["metadata"].as_object_mut().and_then(|metadata| metadata.remove(key))),
    }
}

fn spec_changed(before: &Value, after: &Value, own_status: bool) -> bool {
    let counts = |key: &String| key != "metadata" && !(own_status && key == "status");
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return true };
    let of = |object: &Map<String, Value>| object.keys().filter(|key| counts(key)).count();
    of(before) != of(after) || after.iter().any(|(key, value)| counts(key) && before.get(key) != Some(value))
}

//! Strategic merge: a merge patch that knows which lists are maps in disguise, and by which key.

use serde_json::Value;

/// Merges a patch into an object. Maps are merged, `null` deletes, lists with keys are merged by key, others replaced.
pub fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if patch.get("$patch").is_some_and(|directive| directive == "replace") {
        *target = patch.iter().filter(|(key, _)| *key != "$patch").map(|(key, value)| (key.clone(), value.clone())).collect();
        return;
    }
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(items), Some(gone)) = (map.get_mut(list).and_then(Value::as_array_mut), value.as_array()) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if key.starts_with('$') {
            continue;
        }
        match value {
            Value::Null => drop(map.remove(key)),
            Value::Object(_) => merge(map.entry(key.clone()).or_insert(Value::Null), value),
            Value::Array(items) => match merge_key(key, items) {
                Some(by) => merge_list(map.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new())), items, by),
                None if key == "finalizers" => unite(map.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new())), items),
                None => drop(map.insert(key.clone(), value.clone())),
            },
            other => drop(map.insert(key.clone(), other.clone())),
        }
    }
}

/// The key by which the items of a list are the same, if the list has one.
pub fn merge_key(list: &str, items: &[Value]) -> Option<&'static str> {
    let key = match list {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" => "name",
        "ports" if items.iter().any(|item| item.get("containerPort").is_some()) => "containerPort",
        "ports" => "port",
        "volumeMounts" => "mountPath",
        "conditions" => "type",
        "ownerReferences" => "uid",
        _ => return None,
    };
    items.iter().all(|item| item.get(key).is_some()).then_some(key)
}

fn merge_list(target: &mut Value, items: &[Value], by: &str) {
    let Some(list) = target.as_array_mut() else {
        *target = Value::Array(items.to_vec());
        return;
    };
    for item in items {
        let at = list.iter().position(|old| old[by] == item[by]);
        match (at, item.get("$patch").and_then(Value::as_str)) {
            (Some(at), Some("delete")) => drop(list.remove(at)),
            (None, Some("delete")) => {}
            (Some(at), _) => merge(&mut list[at], item),
            (None, _) => list.push(item.clone()),
        }
    }
}

fn unite(target: &mut Value, items: &[Value]) {
    if let Some(list) = target.as_array_mut() {
        for item in items {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_with_keys_are_merged_and_others_replaced() {
        let mut object = json!({ "spec": { "containers": [{ "name": "a", "image": "a:1" }, { "name": "b" }], "args": [1, 2] } });
        merge(&mut object, &json!({ "spec": { "containers": [{ "name": "a", "image": "a:2" }, { "name": "c" }], "args": [3] } }));
        assert_eq!(
            object,
            json!({ "spec": { "containers": [{ "name": "a", "image": "a:2" }, { "name": "b" }, { "name": "c" }], "args": [3] } })
        );
        merge(&mut object, &json!({ "spec": { "containers": [{ "name": "b", "$patch": "delete" }], "args": null } }));
        assert_eq!(object, json!({ "spec": { "containers": [{ "name": "a", "image": "a:2" }, { "name": "c" }] } }));
    }
}

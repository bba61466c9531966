//! Names for pod templates and step lists: a hash of what they mean, so that a template that comes back is recognised
//! although the API has filled in its defaults meanwhile. Hashes are for names, never for trust.

use serde_json::{Map, Value, json};

/// The label that tells the pods of two revisions apart.
pub const LABEL: &str = "rollouts-pod-template-hash";

/// The letters of hashes: no vowels, nothing that looks like another.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A short name for a value.
pub fn of(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    let sum = text.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    sum.to_string().bytes().map(|digit| char::from(SAFE[usize::from(digit) % SAFE.len()])).collect()
}

/// A short name for a pod template.
pub fn of_template(template: &Value) -> String {
    of(&essence(template))
}

/// A short name for a list of steps.
pub fn of_steps(steps: &[Value]) -> String {
    of(&Value::Array(steps.to_vec()))
}

/// Whether two pod templates mean the same pods.
pub fn same_template(one: &Value, other: &Value) -> bool {
    essence(one) == essence(other)
}

/// Whether a pod template has the shape of one: everything that is read or written of it is an object or a list where it
/// has to be. What a client applies may be anything.
pub fn is_template(template: &Value) -> bool {
    let object = |value: &Value| value.is_object() || value.is_null();
    let metadata = &template["metadata"];
    let containers = |key: &str, needed: bool| match &template["spec"][key] {
        Value::Array(list) => list.iter().all(|container| {
            let ports = container["ports"].as_array().is_none_or(|ports| ports.iter().all(Value::is_object));
            container.is_object() && ports
        }),
        other => other.is_null() && !needed,
    };
    template["spec"].is_object()
        && object(metadata)
        && object(&metadata["labels"])
        && object(&metadata["annotations"])
        && containers("containers", true)
        && containers("initContainers", false)
}

/// A template without the revision's label, without nulls and without what the API would fill in anyway.
pub fn essence(template: &Value) -> Value {
    let mut template = template.clone();
    for place in ["labels", "annotations"] {
        if let Some(labels) = template["metadata"][place].as_object_mut() {
            labels.remove(LABEL);
            labels.remove("pod-template-hash");
        }
    }
    if let Some(metadata) = template["metadata"].as_object_mut() {
        metadata.remove("creationTimestamp");
    }
    if let Some(spec) = template["spec"].as_object_mut() {
        forget(
            spec,
            &json!({
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                "schedulerName": "default-scheduler", "securityContext": {},
            }),
        );
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                plain_container(container);
            }
        }
    }
    prune(&mut template);
    template
}

fn plain_container(container: &mut Value) {
    if let Some(container) = container.as_object_mut() {
        forget(
            container,
            &json!({
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            }),
        );
    }
    for port in container["ports"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        forget(port, &json!({ "protocol": "TCP" }));
    }
}

fn forget(object: &mut Map<String, Value>, defaults: &Value) {
    for (key, value) in defaults.as_object().into_iter().flatten() {
        if object.get(key) == Some(value) {
            object.remove(key);
        }
    }
}

/// Drops nulls, empty objects and empty lists, which say nothing.
fn prune(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(prune);
            object.retain(|_, value| !says_nothing(value));
        }
        Value::Array(array) => array.iter_mut().for_each(prune),
        _ => {}
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(object) => object.is_empty(),
        Value::Array(array) => array.is_empty(),
        _ => false,
    }
}

/// JSON with sorted keys, however the map keeps them.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let mut keys: Vec<&String> = object.keys().collect();
            keys.sort();
            text.push('{');
            for key in keys {
                text.push_str(key);
                text.push(':');
                write(&object[key], text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(array) => {
            text.push('[');
            for value in array {
                write(value, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_the_revision_label_make_no_other_template() {
        let plain = json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "web:1", "ports": [{ "containerPort": 80 }] }] } });
        let mut filled = plain.clone();
        filled["metadata"]["labels"][LABEL] = "abc".into();
        filled["metadata"]["creationTimestamp"] = Value::Null;
        filled["spec"]["restartPolicy"] = "Always".into();
        filled["spec"]["containers"][0]["imagePullPolicy"] = "IfNotPresent".into();
        filled["spec"]["containers"][0]["ports"][0]["protocol"] = "TCP".into();
        filled["spec"]["containers"][0]["resources"] = json!({});
        assert!(same_template(&plain, &filled));
        assert_eq!(of_template(&plain), of_template(&filled));
        filled["spec"]["containers"][0]["image"] = "web:2".into();
        assert_ne!(of_template(&plain), of_template(&filled));
    }

    #[test]
    fn not_everything_is_a_template() {
        for odd in [
            json!(7),
            json!({}),
            json!({ "spec": { "containers": {} } }),
            json!({ "metadata": [], "spec": { "containers": [] } }),
            json!({ "spec": { "containers": ["web"] } }),
        ] {
            assert!(!is_template(&odd), "{odd}");
        }
        assert!(is_template(&json!({ "spec": { "containers": [{ "name": "web" }] } })));
    }
}

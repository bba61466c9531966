//! Whether an object is as it stands in Git. What Git does not name is nobody's difference.

use serde_json::Value;

use crate::demo::strategic::merge_key;

/// Whether everything that Git wants of an object is so.
pub fn contains(live: &Value, wanted: &Value) -> bool {
    let metadata = ["labels", "annotations"].iter().all(|key| within(key, &live["metadata"][*key], &wanted["metadata"][*key]));
    let mut rest = wanted.as_object().into_iter().flatten().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"));
    metadata && rest.all(|(key, wanted)| within(key, &live[key.as_str()], wanted))
}

/// Objects may have more than is wanted, and so may lists that are objects in disguise.
fn within(name: &str, live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (_, Value::Null) => true,
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| wanted.is_null() || live.get(key).is_some_and(|live| within(key, live, wanted)))
        }
        (Value::Array(live), Value::Array(wanted)) => match merge_key(name, wanted) {
            Some(key) => {
                let same = |wanted: &Value| live.iter().find(|live| live[key] == wanted[key]);
                wanted.iter().all(|wanted| same(wanted).is_some_and(|live| within("", live, wanted)))
            }
            None => live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| within("", live, wanted)),
        },
        _ => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_git_names_can_differ() {
        let wanted = json!({ "metadata": { "name": "web", "labels": { "app": "web" } }, "spec": { "replicas": 3, "list": [{ "a": 1 }], "env": [{ "name": "A" }] } });
        let mut live = wanted.clone();
        live["metadata"]["uid"] = "1".into();
        live["spec"]["paused"] = true.into();
        live["spec"]["list"][0]["b"] = 2.into();
        live["spec"]["env"].as_array_mut().unwrap().insert(0, json!({ "name": "B" }));
        live["status"] = json!({ "abort": true });
        assert!(contains(&live, &wanted));
        for (path, value) in [
            ("/spec/replicas", json!(4)),
            ("/spec/list/0/a", json!(2)),
            ("/spec/list", json!([])),
            ("/spec/env", json!([])),
            ("/metadata/labels", json!({})),
        ] {
            let mut other = live.clone();
            *other.pointer_mut(path).unwrap() = value;
            assert!(!contains(&other, &wanted), "{path}");
        }
    }
}

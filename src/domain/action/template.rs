//! Pod templates as they are written back: without what the controller put into them.

use serde_json::{Map, Value};

/// Label with which the controller tells pods of one template from those of another.
pub const HASH_LABEL: &str = "rollouts-pod-template-hash";
/// Annotation of a ReplicaSet with the metadata that its strategy lent to its pods.
pub const EPHEMERAL: &str = "rollout.argoproj.io/ephemeral-metadata";

/// The pod template of a ReplicaSet as a person wrote it: without the hash label, without ephemeral metadata, and without the
/// anti-affinity that the strategy injects. None if the object has no template.
pub fn written(replica_set: &Value) -> Option<Value> {
    let mut template = replica_set.pointer("/spec/template")?.clone();
    let lent = replica_set.pointer("/metadata/annotations").and_then(|annotations| annotations.get(EPHEMERAL));
    let lent: Value = lent.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for part in ["labels", "annotations"] {
        let Some(own) = template.pointer_mut(&format!("/metadata/{part}")).and_then(Value::as_object_mut) else { continue };
        for (key, value) in lent.get(part).and_then(Value::as_object).into_iter().flatten() {
            if own.get(key) == Some(value) {
                own.remove(key);
            }
        }
        own.remove(HASH_LABEL);
        if own.is_empty() {
            remove_from(&mut template, "metadata", part);
        }
    }
    // What a server writes into every object and nobody means.
    remove_from(&mut template, "metadata", "creationTimestamp");
    remove_injected_affinity(&mut template);
    Some(template)
}

fn remove_from(template: &mut Value, parent: &str, key: &str) {
    if let Some(parent) = template.get_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(key);
    }
}

/// The injected terms select pods by the hash label of another revision: nobody else writes such a term.
fn remove_injected_affinity(template: &mut Value) {
    let Some(spec) = template.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let Some(affinity) = spec.get_mut("affinity").and_then(Value::as_object_mut) else { return };
    if let Some(anti) = affinity.get_mut("podAntiAffinity").and_then(Value::as_object_mut) {
        for (list, term) in [
            ("requiredDuringSchedulingIgnoredDuringExecution", ""),
            ("preferredDuringSchedulingIgnoredDuringExecution", "/podAffinityTerm"),
        ] {
            let Some(terms) = anti.get_mut(list).and_then(Value::as_array_mut) else { continue };
            terms.retain(|one| !is_injected(one.pointer(term).unwrap_or(one)));
            if terms.is_empty() {
                anti.remove(list);
            }
        }
        drop_empty(affinity, "podAntiAffinity");
    }
    drop_empty(spec, "affinity");
}

fn is_injected(term: &Value) -> bool {
    let expressions = term.pointer("/labelSelector/matchExpressions").and_then(Value::as_array);
    expressions.into_iter().flatten().any(|rule| rule.get("key").and_then(Value::as_str) == Some(HASH_LABEL))
}

fn drop_empty(map: &mut Map<String, Value>, key: &str) {
    if map.get(key).and_then(Value::as_object).is_some_and(Map::is_empty) {
        map.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_controller_put_in_is_left_out() {
        let term = json!({"labelSelector": {"matchExpressions": [{"key": HASH_LABEL, "operator": "NotIn", "values": ["a"]}]}, "topologyKey": "zone"});
        let own = json!({"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"});
        let set = json!({
            "metadata": {"annotations": {EPHEMERAL: "{\"labels\":{\"role\":\"canary\"},\"annotations\":{\"note\":\"x\"}}"}},
            "spec": {"template": {
                "metadata": {"creationTimestamp": null, "labels": {"app": "web", "role": "canary", HASH_LABEL: "6f4c"}, "annotations": {"note": "x"}},
                "spec": {"containers": [{"name": "main", "image": "web:1"}], "affinity": {"podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [term, own],
                    "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}],
                }}},
            }},
        });
        let expected = json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": "web:1"}], "affinity": {"podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [own],
            }}},
        });
        assert_eq!(written(&set), Some(expected));
    }

    #[test]
    fn an_affinity_of_nothing_but_injected_terms_goes_whole() {
        let term = json!({"weight": 1, "podAffinityTerm": {"labelSelector": {"matchExpressions": [{"key": HASH_LABEL}]}}});
        let affinity = json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}});
        let set = json!({"spec": {"template": {"metadata": {"labels": {HASH_LABEL: "x"}}, "spec": {"affinity": affinity}}}});
        assert_eq!(written(&set), Some(json!({"metadata": {}, "spec": {}})));
    }

    #[test]
    fn another_value_than_the_one_lent_is_a_persons() {
        let set = json!({"metadata": {"annotations": {EPHEMERAL: "{\"labels\":{\"role\":\"canary\"}}"}},
            "spec": {"template": {"metadata": {"labels": {"role": "mine"}}}}});
        assert_eq!(written(&set), Some(json!({"metadata": {"labels": {"role": "mine"}}})));
    }
}

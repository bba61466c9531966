//! What differs between two pod templates: paths with the old and the new text. Lists of named things are compared by name, so that a
//! container or a variable that moved is no difference.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Difference;
use super::show::{finish, text, variable};

/// By which key the items of a list are told apart: the first that all of them have, each another.
const IDENTITIES: [&str; 7] = ["name", "mountPath", "devicePath", "containerPort", "key", "ip", "topologyKey"];
/// Lists whose items have an image of their own.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// What differs from the stable template to the newest one, by path. Images of containers are left out: they are shown by themselves.
pub fn compare(stable: &Value, newest: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    for part in ["metadata", "spec"] {
        // Nobody needs to read `spec.` forty times.
        walk(&mut found, "", stable.get(part), newest.get(part));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(found: &mut Vec<Difference>, path: &str, old: Option<&Value>, new: Option<&Value>) {
    let (old, new) = (old.filter(|value| !is_nothing(value)), new.filter(|value| !is_nothing(value)));
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => maps(found, path, old, new),
        (Some(Value::Array(old)), Some(Value::Array(new))) => lists(found, path, old, new),
        // Whole parts that came or went are told part by part as long as they have names.
        (Some(Value::Object(old)), None) if path.is_empty() => maps(found, path, old, &Map::new()),
        (None, Some(Value::Object(new))) if path.is_empty() => maps(found, path, &Map::new(), new),
        (Some(Value::Array(old)), None) if identity(old, &[]).is_some() => lists(found, path, old, &[]),
        (None, Some(Value::Array(new))) if identity(&[], new).is_some() => lists(found, path, &[], new),
        (old, new) => found.push(Difference { path: path.into(), old: old.map(text), new: new.map(text) }),
    }
}

/// An absent field, `null`, `{}` and `[]` are the same thing to the API.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn maps(found: &mut Vec<Difference>, path: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
    // `emptyDir: {}` says something by being there.
    let says = |value: &Value| *value == Value::Object(Map::new());
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let below = join(path, key);
        match (old.get(key), new.get(key)) {
            (None, Some(value)) | (Some(value), None) if says(value) && !path.is_empty() => {
                let (old, new) = (old.get(key).map(text), new.get(key).map(text));
                found.push(Difference { path: below.into(), old, new });
            }
            (old, new) => walk(found, &below, old, new),
        }
    }
}

fn lists(found: &mut Vec<Difference>, path: &str, old: &[Value], new: &[Value]) {
    if old.iter().chain(new).all(|item| !item.is_object() && !item.is_array()) {
        return scalars(found, path, old, new);
    }
    let Some(identity) = identity(old, new) else {
        for place in 0..old.len().max(new.len()) {
            walk(found, &format!("{path}[{place}]"), old.get(place), new.get(place));
        }
        return;
    };
    let last = path.rsplit('.').next().unwrap_or_default();
    let names: BTreeSet<String> = old.iter().chain(new).filter_map(|item| name(item, identity)).collect();
    for one in names {
        let find = |all: &'_ [Value]| all.iter().find(|item| name(item, identity).as_deref() == Some(&one)).cloned();
        let (mut before, mut after) = (find(old), find(new));
        let below = format!("{path}[{one}]");
        if last == "env" {
            if before != after {
                found.push(Difference {
                    path: below.into(),
                    old: before.as_ref().map(variable),
                    new: after.as_ref().map(variable),
                });
            }
            continue;
        }
        if CONTAINERS.contains(&last) {
            for item in [&mut before, &mut after].into_iter().flatten().filter_map(Value::as_object_mut) {
                item.remove("image");
            }
        }
        walk(found, &below, before.as_ref(), after.as_ref());
    }
}

/// Plain lists, such as arguments: what stands between the same beginning and the same end.
fn scalars(found: &mut Vec<Difference>, path: &str, old: &[Value], new: &[Value]) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let middle = |all: &[Value]| {
        let items = all.get(head..all.len() - tail).unwrap_or_default();
        let words: Vec<_> = items.iter().map(text).collect();
        (!words.is_empty()).then(|| finish(&words.join(" ")))
    };
    let path = if old.len() == 1 && new.len() == 1 { path.to_owned() } else { format!("{path}[{head}]") };
    found.push(Difference { path: path.into(), old: middle(old), new: middle(new) });
}

/// The key that tells the items of both lists apart.
fn identity(old: &[Value], new: &[Value]) -> Option<&'static str> {
    let tells = |key: &str, all: &[Value]| {
        let names: Option<BTreeSet<String>> = all.iter().map(|item| name(item, key)).collect();
        names.is_some_and(|names| names.len() == all.len())
    };
    IDENTITIES.into_iter().find(|key| tells(key, old) && tells(key, new) && old.len() + new.len() > 0)
}

fn name(item: &Value, key: &str) -> Option<String> {
    match item.get(key)? {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn join(path: &str, key: &str) -> String {
    let plain = key.chars().all(|letter| letter.is_alphanumeric() || letter == '-' || letter == '_');
    match (path.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key}]"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(old: &Value, new: &Value, expected: &[&str]) {
        let found: Vec<_> = compare(old, new)
            .into_iter()
            .map(|one| format!("{}: {} → {}", one.path, one.old.as_deref().unwrap_or("-"), one.new.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(found, expected);
    }

    fn container(over: &Value) -> Value {
        let mut container = json!({"name": "web", "image": "web:1"});
        container.as_object_mut().unwrap().extend(over.as_object().cloned().unwrap());
        json!({"spec": {"containers": [container]}})
    }

    #[test]
    fn resources_and_probes_by_their_path() {
        check(
            &container(&json!({"resources": {"limits": {"memory": "512Mi"}}, "readinessProbe": {"periodSeconds": 5}})),
            &container(&json!({"resources": {"limits": {"memory": "1Gi", "cpu": 2}}})),
            &[
                "containers[web].readinessProbe: periodSeconds: 5 → -",
                "containers[web].resources.limits.cpu: - → 2",
                "containers[web].resources.limits.memory: 512Mi → 1Gi",
            ],
        );
    }

    #[test]
    fn variables_by_name_and_not_by_place() {
        let env = |entries: Value| container(&json!({"env": entries}));
        check(
            &env(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "GONE", "value": "x"}])),
            &env(
                json!([{"name": "NEW", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}}, {"name": "B", "value": "3"}, {"name": "A", "value": "1"}]),
            ),
            &[
                "containers[web].env[B]: 2 → 3",
                "containers[web].env[GONE]: x → -",
                "containers[web].env[NEW]: - → from Secret db, url",
            ],
        );
        check(&env(json!([])), &env(json!([{"name": "A", "value": ""}])), &["containers[web].env[A]: - → \"\""]);
        let secret = |value: &str| env(json!([{"name": "DB_PASSWORD", "value": value}]));
        check(&secret("a"), &secret("b"), &["containers[web].env[DB_PASSWORD]: *** → ***"]);
    }

    #[test]
    fn containers_and_volumes_that_come_and_go() {
        let spec = |containers: Value, volumes: Value| json!({"spec": {"containers": containers, "volumes": volumes}});
        check(
            &spec(
                json!([{"name": "web", "image": "web:1"}]),
                json!([{"name": "old", "emptyDir": {}}, {"name": "cfg", "configMap": {"name": "a"}}]),
            ),
            &spec(
                json!([{"name": "proxy", "image": "envoy:2", "args": ["-c", "x"]}, {"name": "web", "image": "web:2"}]),
                json!([{"name": "cfg", "configMap": {"name": "b"}}, {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}]),
            ),
            &[
                "containers[proxy]: - → args: [-c, x]",
                "volumes[cache]: - → emptyDir: {sizeLimit: 1Gi}",
                "volumes[cfg].configMap.name: a → b",
                "volumes[old]: emptyDir: {} → -",
            ],
        );
    }

    #[test]
    fn mounts_of_one_volume_are_told_apart_by_their_place() {
        let mounts = |one: &str| {
            container(
                &json!({"volumeMounts": [{"name": "cfg", "mountPath": "/a", "subPath": one}, {"name": "cfg", "mountPath": "/b"}]}),
            )
        };
        check(&mounts("x"), &mounts("y"), &["containers[web].volumeMounts[/a].subPath: x → y"]);
        let port = |port: i64| container(&json!({"ports": [{"containerPort": port}, {"containerPort": 9}]}));
        check(
            &port(80),
            &port(81),
            &["containers[web].ports[80]: containerPort: 80 → -", "containers[web].ports[81]: - → containerPort: 81"],
        );
    }

    #[test]
    fn arguments_say_only_what_changed() {
        let args = |words: &str| container(&json!({"args": words.split(' ').collect::<Vec<_>>()}));
        check(&args("--a --level=1 --z"), &args("--a --level=2 --z"), &["containers[web].args[1]: --level=1 → --level=2"]);
        check(&args("--a --z"), &args("--a --b --c --z"), &["containers[web].args[1]: - → --b --c"]);
        check(&args("x"), &args("y"), &["containers[web].args: x → y"]);
        check(&container(&json!({})), &args("x y"), &["containers[web].args: - → [x, y]"]);
    }

    #[test]
    fn labels_annotations_and_the_rest() {
        check(
            &json!({"metadata": {"labels": {"app": "web"}}, "spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}}),
            &json!({"metadata": {"labels": {"app": "web", "tier": "front"}, "annotations": {"checksum/config": "ab12"}},
                "spec": {"nodeSelector": {}, "tolerations": [{"operator": "Exists"}], "serviceAccountName": "web"}}),
            &[
                "annotations: - → checksum/config: ab12",
                "labels.tier: - → front",
                "nodeSelector: kubernetes.io/os: linux → -",
                "serviceAccountName: - → web",
                "tolerations: - → [{operator: Exists}]",
            ],
        );
        check(&json!({"spec": {"a": null, "b": [], "c": {}}}), &json!({"spec": {}}), &[]);
        check(&json!(null), &json!({"spec": {"x": 1}}), &["x: - → 1"]);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..3).prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            let key = prop::sample::select(vec!["name", "env", "containers", "image", "value", "a", "b/c"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4)
                    .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself_and_both_ways_find_the_same(one in any_value(), other in any_value()) {
            let (one, other) = (json!({"spec": one}), json!({"spec": other}));
            prop_assert!(compare(&one, &one).is_empty());
            let there: Vec<_> = compare(&one, &other).into_iter().map(|found| (found.path, found.old, found.new)).collect();
            let back: Vec<_> = compare(&other, &one).into_iter().map(|found| (found.path, found.new, found.old)).collect();
            let sorted = |mut all: Vec<_>| {
                all.sort();
                all
            };
            prop_assert_eq!(sorted(there), sorted(back));
        }
    }
}

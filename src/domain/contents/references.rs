//! The ConfigMaps and Secrets that a pod template names, wherever it can name one.

use std::fmt;

use serde_json::Value;

/// Something that a template names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Which of both.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: Box<str>,
    /// Whether the pods start without it, wherever it is named.
    pub optional: bool,
}

/// A ConfigMap or a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Secret.
    Secret,
}

impl ReferenceKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ConfigMap, Self::Secret];

    /// Its name in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
        }
    }
}

impl fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        })
    }
}

use ReferenceKind::{ConfigMap, Secret};

/// What a template names, each once, by kind and name.
pub fn references(template: &Value) -> Vec<Reference> {
    let mut found = Found(Vec::new());
    let Some(spec) = template.get("spec") else { return found.0 };
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items(spec, list) {
            found.of_container(container);
        }
    }
    for volume in items(spec, "volumes") {
        found.of_volume(volume);
    }
    for secret in items(spec, "imagePullSecrets") {
        found.add(Secret, Some(secret), "name", false);
    }
    found.0.sort();
    found.0
}

fn items<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

struct Found(Vec<Reference>);

impl Found {
    fn of_container(&mut self, container: &Value) {
        for variable in items(container, "env") {
            let from = variable.get("valueFrom");
            for (field, kind) in [("configMapKeyRef", ConfigMap), ("secretKeyRef", Secret)] {
                self.add(kind, from.and_then(|from| from.get(field)), "name", false);
            }
        }
        for source in items(container, "envFrom") {
            for (field, kind) in [("configMapRef", ConfigMap), ("secretRef", Secret)] {
                self.add(kind, source.get(field), "name", false);
            }
        }
    }

    fn of_volume(&mut self, volume: &Value) {
        self.add(ConfigMap, volume.get("configMap"), "name", false);
        for source in volume.pointer("/projected/sources").and_then(Value::as_array).into_iter().flatten() {
            self.add(ConfigMap, source.get("configMap"), "name", false);
            self.add(Secret, source.get("secret"), "name", false);
        }
        // `secret` and `azureFile` name it directly; drivers of storage do it by a reference.
        for (kind, source) in volume.as_object().into_iter().flatten() {
            self.add(Secret, Some(source), "secretName", kind == "azureFile");
            for field in ["secretRef", "nodePublishSecretRef"] {
                self.add(Secret, source.get(field), "name", false);
            }
        }
    }

    /// Adds what is named, if something is. A name that is given twice is optional only if it is so both times.
    fn add(&mut self, kind: ReferenceKind, of: Option<&Value>, key: &str, optional: bool) {
        let Some(of) = of else { return };
        let Some(name) = of.get(key).and_then(Value::as_str).filter(|name| !name.is_empty()) else { return };
        let optional = optional || of.get("optional").and_then(Value::as_bool) == Some(true);
        match self.0.iter_mut().find(|known| known.kind == kind && *known.name == *name) {
            Some(known) => known.optional &= optional,
            None => self.0.push(Reference { kind, name: name.into(), optional }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(template: &Value) -> Vec<String> {
        let mark = |one: &Reference| if one.optional { "?" } else { "" };
        references(template).iter().map(|one| format!("{} {}{}", one.kind, one.name, mark(one))).collect()
    }

    #[test]
    fn everything_that_can_be_named_is_found() {
        let template = json!({"spec": {
            "imagePullSecrets": [{"name": "pull"}],
            "initContainers": [{"name": "i", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "first", "key": "a"}}}]}],
            "containers": [{"name": "m", "env": [
                    {"name": "B", "value": "plain"},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url", "optional": true}}},
                    {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ], "envFrom": [{"configMapRef": {"name": "all", "optional": true}}, {"secretRef": {"name": "all"}}]}],
            "volumes": [
                {"name": "v1", "configMap": {"name": "files"}},
                {"name": "v2", "secret": {"secretName": "tls", "optional": true}},
                {"name": "v3", "projected": {"sources": [{"configMap": {"name": "part"}}, {"secret": {"name": "part"}}, {"serviceAccountToken": {"path": "t"}}]}},
                {"name": "v4", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "csi"}}},
                {"name": "v5", "emptyDir": {}},
            ],
        }});
        let expected = [
            "ConfigMap all?",
            "ConfigMap files",
            "ConfigMap first",
            "ConfigMap part",
            "Secret all",
            "Secret csi",
            "Secret db?",
            "Secret part",
            "Secret pull",
            "Secret tls?",
        ];
        assert_eq!(names(&template), expected);
    }

    #[test]
    fn what_is_needed_once_is_not_optional() {
        let from = |optional: bool| json!({"configMapRef": {"name": "a", "optional": optional}});
        let template = |sources: Value| json!({"spec": {"containers": [{"name": "m", "envFrom": sources}]}});
        assert_eq!(names(&template(json!([from(true), from(true)]))), ["ConfigMap a?"]);
        assert_eq!(names(&template(json!([from(true), from(false)]))), ["ConfigMap a"]);
        assert!(names(&json!({"spec": {"containers": "odd", "volumes": [7, null]}})).is_empty());
        assert!(names(&json!(null)).is_empty());
    }
}

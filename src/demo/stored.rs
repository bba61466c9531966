//! One object as the store keeps it: the tree that the controller reads and the bytes that go over the wire.
//! Immutable: a write makes a new one, so that readers and watchers share it without copies.

use std::sync::Arc;

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::resource::Resource;

/// Objects with this label are left alone by the world's controllers, as by those of another instance.
pub const INSTANCE: &str = "argo-rollouts.argoproj.io/controller-instance-id";

/// An object and its tree. The tree is dropped with the last version; the snapshot lives on in the history.
#[derive(Clone, Debug)]
pub struct Stored {
    tree: Option<Arc<Value>>,
    owners: Vec<String>,
    /// The object for the wire.
    pub snapshot: Arc<Snapshot>,
}

/// One version of an object, ready to be sent and selected.
#[derive(Debug)]
pub struct Snapshot {
    /// Namespace; empty for a kind without namespaces.
    pub namespace: String,
    /// Name within the namespace.
    pub name: String,
    /// Labels, sorted by key.
    pub labels: Vec<(String, String)>,
    /// The `resourceVersion` of this version.
    pub version: u64,
    /// JSON of the object without `apiVersion` and `kind`.
    pub body: Bytes,
}

impl Stored {
    /// Seals a tree as one version of an object.
    pub fn new(value: Value, version: u64) -> Self {
        let text = |key: &str| value["metadata"][key].as_str().unwrap_or_default().to_owned();
        let labels = value["metadata"]["labels"].as_object();
        let labels = labels.map_or_else(Vec::new, |labels| {
            labels.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
        });
        // Boxed, so that it is kept without the room that writing it left over.
        let body = serde_json::to_vec(&Untyped(&value)).unwrap_or_default().into_boxed_slice();
        let snapshot = Snapshot { namespace: text("namespace"), name: text("name"), labels, version, body: body.into() };
        let owners = owners(&value).map(str::to_owned).collect();
        Self { tree: Some(Arc::new(value)), owners, snapshot: Arc::new(snapshot) }
    }

    /// The object.
    pub fn value(&self, resource: Resource) -> Arc<Value> {
        self.tree.clone().unwrap_or_else(|| Arc::new(self.snapshot.value(resource)))
    }

    /// The next version with another status, made from bytes alone: the rest of a large object is not read for it.
    /// None if it has no metadata, spec and status.
    pub fn with_status(&self, version: u64, change: impl FnOnce(&Value) -> Value) -> Option<Self> {
        let before: Parts = serde_json::from_slice(&self.snapshot.body).ok()?;
        let mut metadata: Value = serde_json::from_str(before.metadata.get()).ok()?;
        metadata["resourceVersion"] = version.to_string().into();
        let status = change(&serde_json::from_str(before.status.get()).ok()?);
        let parts =
            ["{\"metadata\":", &metadata.to_string(), ",\"spec\":", before.spec.get(), ",\"status\":", &status.to_string(), "}"];
        // Made in one piece of the right size: thousands a second leave holes otherwise.
        let body = parts.concat();
        let old = &self.snapshot;
        let snapshot = Snapshot {
            namespace: old.namespace.clone(),
            name: old.name.clone(),
            labels: old.labels.clone(),
            version,
            body: body.into_bytes().into_boxed_slice().into(),
        };
        Some(Self { tree: None, owners: self.owners.clone(), snapshot: Arc::new(snapshot) })
    }

    /// The uids of its owners.
    pub fn owners(&self) -> &[String] {
        &self.owners
    }

    /// The same for keeping: a tree weighs three times its bytes, and nobody looks at those of objects left alone.
    #[must_use]
    pub fn kept(mut self) -> Self {
        if self.snapshot.label(INSTANCE).is_some() {
            self.tree = None;
        }
        self
    }
}

impl Snapshot {
    /// The object, read from its bytes.
    pub fn value(&self, resource: Resource) -> Value {
        let mut value: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        value["apiVersion"] = resource.api_version().into();
        value["kind"] = resource.about().kind.into();
        value
    }

    /// Appends the object with its type.
    pub fn write_typed(&self, resource: Resource, out: &mut Vec<u8>) {
        let kind = resource.about().kind;
        out.extend_from_slice(format!("{{\"apiVersion\":\"{}\",\"kind\":\"{kind}\"", resource.api_version()).as_bytes());
        if self.body.len() > 2 {
            out.push(b',');
        }
        out.extend_from_slice(self.body.get(1..).unwrap_or(b"}"));
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }
}

/// An object's parts as they are written.
#[derive(serde::Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
    #[serde(borrow)]
    spec: &'a RawValue,
    #[serde(borrow)]
    status: &'a RawValue,
}

/// The uids of an object's owners.
pub fn owners(object: &Value) -> impl Iterator<Item = &str> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten().filter_map(|reference| reference["uid"].as_str())
}

/// An object without the fields that say its type: lists of built-in kinds leave them out.
struct Untyped<'a>(&'a Value);

impl Serialize for Untyped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(object) = self.0.as_object() else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in object.iter().filter(|(key, _)| *key != "apiVersion" && *key != "kind") {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_replaced_in_the_bytes_and_nothing_else_is() {
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "a", "labels": { INSTANCE: "x" } },
            "spec": { "replicas": 5, "text": "{\"status\":1}" }, "status": { "phase": "Paused" },
        });
        let before = Stored::new(object.clone(), 1).kept();
        let after = before.with_status(7, |status| json!({ "was": status["phase"] })).unwrap();
        let mut wanted = object;
        wanted["metadata"]["resourceVersion"] = "7".into();
        wanted["status"] = json!({ "was": "Paused" });
        assert_eq!(*after.value(Resource::Rollout), wanted);
        assert_eq!(after.snapshot.body, Stored::new(wanted, 7).snapshot.body, "the same bytes as if it had been written whole");
        assert!(Stored::new(json!({ "metadata": {} }), 1).with_status(2, Value::clone).is_none());
    }
}

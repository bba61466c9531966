//! Events, as controllers record them: one that repeats is counted, not added again.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::Resource;
use super::store::Store;

/// What a controller says about an object.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// `Normal` or `Warning`.
    pub severity: &'a str,
    /// Machine-readable reason.
    pub reason: &'a str,
    /// The sentence.
    pub message: &'a str,
    /// The component that says it (`rollouts-controller`, `kubelet`).
    pub component: &'a str,
}

impl Store {
    /// Records an event about an object, which needs `apiVersion`, `kind` and the usual metadata. The same note about
    /// the same object again raises the count of the first event.
    pub fn emit_event(&mut self, about: &Value, note: Note<'_>) {
        let now = self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let metadata = &about["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap_or_default();
        // Events about things without a namespace live in `default`, as in a real cluster.
        let namespace = if text("namespace").is_empty() { "default" } else { text("namespace") };
        let name = format!("{}.{:016x}", text("name"), fingerprint(text("uid"), note));
        if self.stored(Resource::Event, namespace, &name).is_some() {
            drop(self.edit(Resource::Event, (namespace, &name), |event| {
                event["count"] = (event["count"].as_i64().unwrap_or(1) + 1).into();
                event["lastTimestamp"] = now.into();
            }));
            return;
        }
        let event = json!({
            "metadata": { "name": name, "namespace": namespace },
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": text("name"), "namespace": text("namespace"),
                "uid": text("uid"), "resourceVersion": text("resourceVersion"),
            },
            "type": note.severity, "reason": note.reason, "message": note.message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "eventTime": null,
            "source": { "component": note.component }, "reportingComponent": note.component, "reportingInstance": "",
        });
        drop(self.create(Resource::Event, event));
    }

    /// Removes the events that were last seen before `oldest`, as a cluster does after an hour.
    pub fn expire_events(&mut self, oldest: Timestamp) {
        let at = |event: &Value| last_seen(event).as_str().and_then(|at| at.parse::<Timestamp>().ok());
        let old = self.list(Resource::Event, None).filter(|event| at(event).is_some_and(|at| at < oldest));
        let old: Vec<_> = old.collect();
        for event in old {
            let text = |key: &str| event["metadata"][key].as_str().unwrap_or_default();
            drop(self.delete(Resource::Event, (text("namespace"), text("name"))));
        }
    }
}

/// When an event was seen last, in whichever form its writer says that.
pub fn last_seen(event: &Value) -> &Value {
    let times = [&event["series"]["lastObservedTime"], &event["lastTimestamp"], &event["eventTime"]];
    times.into_iter().find(|time| time.is_string()).unwrap_or(&event["metadata"]["creationTimestamp"])
}

/// FNV-1a over what makes two events the same.
fn fingerprint(uid: &str, note: Note<'_>) -> u64 {
    let parts = [uid, note.severity, note.reason, note.message, note.component];
    let bytes = parts.into_iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

//! What every reconciler works at: the objects, the time, the alarm clock and the model behind the metrics. It holds no
//! opinion on any kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::model::Model;
use crate::demo::argocd::Git;
use crate::demo::event::Note;
use crate::demo::managed::Author;
use crate::demo::part::{Part, Write};
use crate::demo::{Resource, Store};

/// An object by kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    pub resource: Resource,
    pub namespace: String,
    pub name: String,
}

impl At {
    /// Names an object.
    pub fn new(resource: Resource, namespace: &str, name: &str) -> Self {
        Self { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The name of an object that is at hand.
    pub fn of(resource: Resource, object: &Value) -> Self {
        Self::new(resource, text(object, "namespace"), text(object, "name"))
    }

    fn pair(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

/// When which object is to be looked at again although nothing changed.
#[derive(Debug, Default)]
pub struct Alarms(BTreeSet<(Timestamp, At)>);

impl Alarms {
    /// Sets an alarm for an object.
    pub fn set(&mut self, when: Timestamp, at: At) {
        self.0.insert((when, at));
    }

    /// Takes back all alarms for an object.
    pub fn forget(&mut self, at: &At) {
        self.0.retain(|(_, known)| known != at);
    }

    /// Takes what is due.
    pub fn due(&mut self, now: Timestamp) -> Vec<At> {
        let mut due = Vec::new();
        while self.0.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(self.0.pop_first().map(|(_, at)| at));
        }
        due
    }

    /// The next time at which something is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }
}

/// The desk itself, for one call of `settle`.
pub struct Desk<'a> {
    pub store: &'a mut Store,
    pub alarms: &'a mut Alarms,
    pub model: &'a mut Model,
    pub git: &'a mut Git,
    pub now: Timestamp,
}

impl Desk<'_> {
    /// The time as objects carry it: RFC 3339, UTC, whole seconds.
    pub fn stamp(&self) -> String {
        stamp(self.now)
    }

    /// An object.
    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.get(resource, namespace, name)
    }

    /// What an object owns, by name.
    pub fn owned(&self, resource: Resource, owner: &Value) -> Vec<Arc<Value>> {
        self.store.list_owned(resource, text(owner, "uid"))
    }

    /// The pods of an object that are not on their way out, by name.
    pub fn pods(&self, owner: &Value) -> Vec<Arc<Value>> {
        let mut pods = self.owned(Resource::Pod, owner);
        pods.retain(|pod| text(pod, "deletionTimestamp").is_empty());
        pods
    }

    /// Adds an object. What the store refuses is not there; the next look tries again.
    pub fn create(&mut self, resource: Resource, object: Value) -> Option<Arc<Value>> {
        self.store.create(resource, object).ok()
    }

    /// The same in the name of somebody who is not the controller of the kind.
    pub fn create_as(&mut self, resource: Resource, manager: &str, object: Value) {
        let write = Write { part: Part::Whole, dry_run: false, author: Author::Update(manager) };
        drop(self.store.insert(resource, object, write));
    }

    /// Changes an object, if it is there.
    pub fn edit(&mut self, at: &At, change: impl FnOnce(&mut Value)) -> Option<Arc<Value>> {
        self.store.edit(at.resource, at.pair(), change).ok()
    }

    /// The same in the name of somebody who is not the controller of the kind.
    pub fn edit_as(&mut self, at: &At, manager: &str, change: impl FnOnce(&mut Value)) -> Option<Arc<Value>> {
        self.store.edit_as(at.resource, at.pair(), Author::Update(manager), change).ok()
    }

    /// Deletes an object, if it is there.
    pub fn delete(&mut self, at: &At) {
        drop(self.store.delete(at.resource, at.pair()));
    }

    /// Records an event of the rollouts controller.
    pub fn note(&mut self, about: &Value, reason: &str, message: &str) {
        self.record(about, ("Normal", "rollouts-controller"), reason, message);
    }

    /// Records a warning of the rollouts controller.
    pub fn warn(&mut self, about: &Value, reason: &str, message: &str) {
        self.record(about, ("Warning", "rollouts-controller"), reason, message);
    }

    /// Records an event of any component.
    pub fn record(&mut self, about: &Value, (severity, component): (&str, &str), reason: &str, message: &str) {
        self.store.emit_event(about, Note { severity, reason, message, component });
    }

    /// Looks at an object again at a time.
    pub fn wake(&mut self, at: &At, when: Timestamp) {
        self.alarms.set(when.max(self.now), at.clone());
    }

    /// Looks at an object again after a while.
    pub fn wake_in(&mut self, at: &At, seconds: i64) {
        self.wake(at, self.now + SignedDuration::from_secs(seconds));
    }

    /// Looks at an object again when a deadline of whole seconds has passed.
    pub fn wake_after(&mut self, at: &At, deadline: Timestamp) {
        self.wake(at, deadline + SignedDuration::from_millis(5));
    }
}

/// A time as objects carry it.
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time that an object carries.
pub fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// A text of the metadata; empty if it is not there.
pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or_default()
}

/// An annotation; empty if it is not there.
pub fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"]["annotations"][key].as_str().unwrap_or_default()
}

/// A label; empty if it is not there.
pub fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"]["labels"][key].as_str().unwrap_or_default()
}

/// The entry of `ownerReferences` by which one object controls another.
pub fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }])
}

/// The owner that controls an object: its kind and name.
pub fn controller_of(object: &Value) -> Option<(&str, &str)> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((owner["kind"].as_str()?, owner["name"].as_str()?))
}

/// A label selector as text (`app=web,tier in (a,b)`).
pub fn selector_text(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut parts: Vec<String> = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        parts.push(match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.join(",")
}

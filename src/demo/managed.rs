//! `metadata.managedFields`: who set which fields of an object, how and when, so that a client can see who wrote last. It
//! is kept as a real server keeps it; it decides nothing about values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::resource::Resource;
use super::strategic::merge_key;

/// What of the metadata belongs to somebody.
const OF_METADATA: [&str; 4] = ["annotations", "finalizers", "labels", "ownerReferences"];
/// Lists and maps that are set as a whole although they have parts.
const WHOLE: [&str; 2] = ["conditions", "selector"];

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// A client under this name, field by field.
    Update(&'a str),
    /// A client under this name, by a configuration that it applies.
    Apply(&'a str, &'a Value),
    /// The controller that looks after the kind.
    Controller,
}

impl Author<'_> {
    fn manager(self, resource: Resource) -> String {
        match self {
            Self::Update(name) | Self::Apply(name, _) => name.to_owned(),
            Self::Controller if resource == Resource::Canary => "flagger".to_owned(),
            Self::Controller if resource == Resource::Application => "argocd-application-controller".to_owned(),
            Self::Controller => "rollouts-controller".to_owned(),
        }
    }

    fn operation(self) -> &'static str {
        if matches!(self, Self::Apply(..)) { "Apply" } else { "Update" }
    }

    fn is_of(self, resource: Resource, entry: &Value, part: &str) -> bool {
        entry["manager"] == *self.manager(resource)
            && entry["operation"] == self.operation()
            && entry["subresource"].as_str().unwrap_or_default() == part
    }

    /// The author's entry for one part of an object, after a write that changed these fields while others went.
    fn entry(self, resource: Resource, part: &str, write: Written, now: &str) -> Option<Value> {
        let Written { mut known, changed, gone } = write;
        let before = known["fieldsV1"].take();
        let since = known["time"].as_str().unwrap_or(now).to_owned();
        let (held, touched) = if let Self::Apply(_, applied) = self {
            let mut fields = object(Some(leaves(all(applied))));
            fields.retain(|key, _| !resource.about().status || (key == "f:status") == (part == "status"));
            let touched = !changed.is_empty() || before.as_object() != Some(&fields);
            (fields.into(), touched)
        } else {
            let touched = !changed.is_empty() || meet(&before, &gone);
            (plus(less(before, &gone).unwrap_or_default(), changed.into()), touched)
        };
        if held.as_object().is_none_or(Map::is_empty) {
            return None;
        }
        let mut entry = json!({
            "manager": self.manager(resource), "operation": self.operation(), "apiVersion": resource.api_version(),
            "time": if touched { now } else { &since }, "fieldsType": "FieldsV1",
        });
        entry["fieldsV1"] = held;
        if !part.is_empty() {
            entry["subresource"] = part.into();
        }
        Some(entry)
    }
}

/// What a write did to one part of an object.
struct Written {
    /// The author's entry before it.
    known: Value,
    changed: Map<String, Value>,
    gone: Value,
}

/// Notes in `after` what `author` made of `before` (null for a new object) through a part of it (`scale`, or empty) at
/// `now`, RFC 3339. What the world's own controllers write is noted on releases only: of other objects nobody asks it.
pub fn note(resource: Resource, before: &Value, after: &mut Value, (author, part): (Author<'_>, &str), now: &str) {
    let releases = [Resource::Rollout, Resource::Canary, Resource::Application];
    if matches!(author, Author::Controller) && (before.is_null() || !releases.contains(&resource)) {
        return;
    }
    let (changed, gone) = changes(before, after);
    let gone = Value::from(gone);
    let mut main = changed.clone();
    let status: Map<_, _> = main.remove_entry("f:status").filter(|_| resource.about().status).into_iter().collect();
    if !resource.about().status {
        main.clone_from(&changed);
    }
    let lost = plus(gone.clone(), changed.into());
    let mut kept = Vec::new();
    let mut known = [Value::Null, Value::Null];
    for mut entry in take_entries(after) {
        if let Some(place) = [part, "status"].iter().position(|part| author.is_of(resource, &entry, part)) {
            known[place] = entry;
        } else if let Some(left) = less(entry["fieldsV1"].take(), &lost) {
            entry["fieldsV1"] = left;
            kept.push(entry);
        }
    }
    let [of_main, of_status] = known;
    for (part, known, changed) in [(part, of_main, main), ("status", of_status, status)] {
        kept.extend(author.entry(resource, part, Written { known, changed, gone: gone.clone() }, now));
    }
    // Always in one order, so that writing the same again makes no other object.
    kept.sort_by_cached_key(|entry| {
        ["operation", "time", "manager", "subresource"].map(|key| entry[key].as_str().unwrap_or_default().to_owned())
    });
    if !kept.is_empty() {
        after["metadata"]["managedFields"] = kept.into();
    } else if let Some(metadata) = after["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
}

/// The fields that a configuration would change although another manager set them: who, as refusals say it, and the
/// field's path.
pub fn conflicts(live: &Value, merged: &Value, manager: &str) -> Vec<(String, String)> {
    let changed = Value::from(changes(live, merged).0);
    let mut found = Vec::new();
    for entry in entries(live).iter().filter(|e| !(e["manager"] == *manager && e["operation"] == "Apply")) {
        let mut paths = Vec::new();
        overlap(&entry["fieldsV1"], &changed, "", &mut paths);
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let mut owner = format!("{:?}", text("manager"));
        if entry["subresource"].is_string() {
            owner = format!("{owner} with subresource {:?}", text("subresource"));
        }
        if text("operation") == "Update" {
            owner = format!("{owner} using {}", text("apiVersion"));
        }
        found.extend(paths.into_iter().map(|path| (owner.clone(), path)));
    }
    found
}

/// Removes from an object what a manager applied before, applies no longer, and shares with nobody.
pub fn drop_unapplied(object: &mut Value, applied: &Value, manager: &str) {
    let entries = entries(object);
    let own_entry = |entry: &&Value| entry["manager"] == *manager && entry["operation"] == "Apply";
    let Some(before) = entries.iter().find(own_entry) else { return };
    let mut left = minus(&before["fieldsV1"], &all(applied));
    for other in entries.iter().filter(|entry| !own_entry(entry)) {
        left = left.and_then(|left| minus(&left, &other["fieldsV1"]));
    }
    if let Some(left) = left {
        remove("", object, &left);
    }
}

fn entries(object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    entries.filter(|entry| entry["manager"].is_string()).cloned().collect()
}

fn take_entries(object: &mut Value) -> Vec<Value> {
    let entries = object["metadata"].get_mut("managedFields").map(Value::take);
    let Some(Value::Array(mut entries)) = entries else { return Vec::new() };
    entries.retain(|entry| entry["manager"].is_string());
    entries
}

/// The parts of an object that belong to somebody, by the name of their field. Only what is needed is looked at: an object
/// is large, and written often.
fn owned(object: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    let rest = object.as_object().into_iter().flatten();
    let rest = rest.filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
    rest.map(|(key, value)| (format!("f:{key}"), key.as_str(), value))
}

fn owned_metadata(object: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    let part = |key: &'static str| Some((format!("f:{key}"), key, object["metadata"].get(key)?));
    OF_METADATA.into_iter().filter_map(part)
}

/// The fields that an object sets as a whole.
fn all(object: &Value) -> Value {
    let set = |(key, name, value): (String, &str, &Value)| (key, set(name, value));
    let mut fields: Map<String, Value> = owned(object).map(set).collect();
    let metadata: Map<String, Value> = owned_metadata(object).map(set).collect();
    if !metadata.is_empty() {
        fields.insert("f:metadata".to_owned(), metadata.into());
    }
    fields.into()
}

/// The fields of an object that are set otherwise than before, and those that are gone.
fn changes(before: &Value, after: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let (mut changed, mut gone) = parts(owned(before), owned(after));
    let (of_metadata, gone_metadata) = parts(owned_metadata(before), owned_metadata(after));
    for (all, metadata) in [(&mut changed, of_metadata), (&mut gone, gone_metadata)] {
        if !metadata.is_empty() {
            all.insert("f:metadata".to_owned(), metadata.into());
        }
    }
    (changed, gone)
}

fn object(fields: Option<Value>) -> Map<String, Value> {
    match fields {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// What a value is made of, if not of one piece: the fields of an object, the items of a list that has a key.
fn children<'a>(name: &str, value: &'a Value) -> Option<BTreeMap<String, (&'a str, &'a Value)>> {
    match value {
        _ if WHOLE.contains(&name) => None,
        Value::Object(fields) => Some(fields.iter().map(|(key, value)| (format!("f:{key}"), (key.as_str(), value))).collect()),
        Value::Array(items) => {
            let key = merge_key(name, items)?;
            let named: BTreeMap<_, _> = items.iter().map(|item| (item_key(key, item), ("", item))).collect();
            (named.len() == items.len()).then_some(named)
        }
        _ => None,
    }
}

fn item_key(key: &str, item: &Value) -> String {
    format!("k:{}", json!({ key: item[key] }))
}

/// The fields of a value that is set as a whole.
fn set(name: &str, value: &Value) -> Value {
    let Some(children) = children(name, value).filter(|children| !children.is_empty()) else { return json!({}) };
    let mut fields: Map<String, Value> =
        children.into_iter().map(|(key, (name, value))| (key.clone(), within(&key, set(name, value)))).collect();
    if !name.is_empty() {
        fields.insert(".".to_owned(), json!({}));
    }
    fields.into()
}

/// The same without the objects that are only there for their fields: a configuration names values. An item of a list is one.
fn leaves(fields: Value) -> Value {
    let mut fields = object(Some(fields));
    for (key, value) in &mut fields {
        let item = key.starts_with("k:").then(|| ".".to_owned());
        let mut inner = object(Some(leaves(value.take())));
        inner.remove(".");
        inner.extend(item.map(|dot| (dot, json!({}))));
        *value = inner.into();
    }
    fields.into()
}

/// The fields of an item of a list, which is itself one of them.
fn within(key: &str, mut fields: Value) -> Value {
    if key.starts_with("k:")
        && let Some(fields) = fields.as_object_mut()
    {
        fields.insert(".".to_owned(), json!({}));
    }
    fields
}

/// The fields that are set otherwise than before, and those that are gone.
fn differences(name: &str, before: &Value, after: &Value) -> (Option<Value>, Option<Value>) {
    if before == after {
        return (None, None);
    }
    if before.is_null() {
        return (Some(set(name, after)), None);
    }
    let (Some(old), Some(new)) = (children(name, before), children(name, after)) else { return (Some(json!({})), None) };
    let flat = |(key, (name, value))| (key, name, value);
    let (changed, gone) = parts(old.into_iter().map(flat), new.into_iter().map(flat));
    let some = |fields: Map<String, Value>| (!fields.is_empty()).then(|| fields.into());
    (some(changed), some(gone))
}

/// The same of the parts of a value: their keys among the fields, their names and themselves.
fn parts<'a>(
    before: impl Iterator<Item = (String, &'a str, &'a Value)>,
    after: impl Iterator<Item = (String, &'a str, &'a Value)>,
) -> (Map<String, Value>, Map<String, Value>) {
    let mut old: BTreeMap<String, (&str, &Value)> = before.map(|(key, name, value)| (key, (name, value))).collect();
    let (mut changed, mut gone) = (Map::new(), Map::new());
    for (key, name, value) in after {
        match old.remove(&key) {
            Some((_, was)) => {
                let (c, g) = differences(name, was, value);
                changed.extend(c.map(|c| (key.clone(), c)));
                gone.extend(g.map(|g| (key, g)));
            }
            None => drop(changed.insert(key.clone(), within(&key, set(name, value)))),
        }
    }
    gone.extend(old.into_iter().map(|(key, (name, value))| (key.clone(), within(&key, set(name, value)))));
    (changed, gone)
}

/// As [`minus`], without making anything new where nothing goes.
fn less(fields: Value, gone: &Value) -> Option<Value> {
    if meet(&fields, gone) { minus(&fields, gone) } else { fields.is_object().then_some(fields) }
}

/// Some fields are in both.
fn meet(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return false };
    other.iter().any(|(key, other)| one.get(key).is_some_and(|one| is_leaf(one) || is_leaf(other) || meet(one, other)))
}

/// Fields without those of `less`; none if nothing is left.
fn minus(fields: &Value, less: &Value) -> Option<Value> {
    let (Some(fields), Some(less)) = (fields.as_object(), less.as_object()) else {
        return fields.is_object().then(|| fields.clone());
    };
    let mut left = Map::new();
    for (key, value) in fields {
        match less.get(key) {
            None => drop(left.insert(key.clone(), value.clone())),
            Some(less) if is_leaf(less) || is_leaf(value) => {}
            Some(less) => left.extend(minus(value, less).map(|rest| (key.clone(), rest))),
        }
    }
    (!left.is_empty()).then(|| left.into())
}

fn plus(fields: Value, more: Value) -> Value {
    let (mut fields, more) = (object(Some(fields)), object(Some(more)));
    for (key, value) in more {
        let sum = match fields.get_mut(&key).map(Value::take) {
            Some(known) => plus(known, value),
            None => value,
        };
        fields.insert(key, sum);
    }
    fields.into()
}

fn is_leaf(fields: &Value) -> bool {
    fields.as_object().is_none_or(Map::is_empty)
}

/// Paths of the fields that are in both.
fn overlap(one: &Value, other: &Value, path: &str, found: &mut Vec<String>) {
    for (key, value) in one.as_object().into_iter().flatten().filter(|(key, _)| *key != ".") {
        let Some(same) = other.get(key) else { continue };
        let path = match key.split_once(':') {
            Some(("k", item)) => {
                format!("{path}[{}]", item.trim_matches(['{', '}']).replacen("\":", "=", 1).trim_start_matches('"'))
            }
            _ => format!("{path}.{}", key.trim_start_matches("f:")),
        };
        if is_leaf(value) || is_leaf(same) {
            found.push(path);
        } else {
            overlap(value, same, &path, found);
        }
    }
}

/// Removes fields from a value.
fn remove(name: &str, value: &mut Value, fields: &Value) {
    for (key, less) in fields.as_object().into_iter().flatten() {
        match (key.split_once(':'), &mut *value) {
            (Some(("f", field)), Value::Object(map)) => {
                if is_leaf(less) {
                    map.remove(field);
                } else if let Some(child) = map.get_mut(field) {
                    remove(field, child, less);
                }
            }
            (Some(("k", _)), Value::Array(items)) => {
                let Some(by) = merge_key(name, items) else { continue };
                let place = items.iter().position(|item| item_key(by, item) == *key);
                match place {
                    Some(place) if less.get(".").is_some() => drop(items.remove(place)),
                    Some(place) => items.get_mut(place).into_iter().for_each(|item| remove("", item, less)),
                    None => {}
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: &str = "2026-01-05T09:00:00Z";
    const LATER: &str = "2026-01-05T09:01:00Z";

    fn write(before: &Value, change: impl FnOnce(&mut Value), author: Author<'_>, now: &str) -> Value {
        let mut after = before.clone();
        change(&mut after);
        note(Resource::Rollout, before, &mut after, (author, ""), now);
        after
    }

    fn made() -> Value {
        let object = json!({
            "metadata": { "name": "web", "labels": { "app": "web" } },
            "spec": { "replicas": 2, "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "web:1" }] } } },
        });
        let mut after = object;
        note(Resource::Rollout, &Value::Null, &mut after, (Author::Update("kubectl-create"), ""), THEN);
        after
    }

    fn held(object: &Value, manager: &str, part: &str) -> Value {
        let entries = object["metadata"]["managedFields"].as_array().unwrap();
        let fits = |e: &&Value| e["manager"] == manager && e["subresource"].as_str().unwrap_or_default() == part;
        entries.iter().find(fits).map(|entry| json!([entry["fieldsV1"], entry["time"]])).unwrap_or_default()
    }

    #[test]
    fn fields_are_the_last_writers_and_gone_ones_nobodys() {
        let made = made();
        let container = json!({ ".": {}, "f:image": {}, "f:name": {} });
        let pods = json!({ ".": {}, "f:containers": { ".": {}, "k:{\"name\":\"web\"}": container } });
        let template = json!({ ".": {}, "f:metadata": { ".": {}, "f:labels": { ".": {}, "f:app": {} } }, "f:spec": pods });
        let spec = json!({ ".": {}, "f:replicas": {}, "f:template": template });
        let all = json!({ "f:metadata": { "f:labels": { ".": {}, "f:app": {} } }, "f:spec": spec });
        assert_eq!(held(&made, "kubectl-create", ""), json!([all, THEN]));
        let scaled = write(&made, |o| o["spec"]["replicas"] = 3.into(), Author::Update("hpa"), LATER);
        assert_eq!(held(&scaled, "hpa", ""), json!([{ "f:spec": { "f:replicas": {} } }, LATER]));
        assert_eq!(held(&scaled, "kubectl-create", "")[0]["f:spec"]["f:replicas"], Value::Null);
        assert_eq!(held(&scaled, "kubectl-create", "")[1], THEN, "a field that was taken away is no write");
        let aborted = write(&scaled, |o| o["status"] = json!({ "abort": true }), Author::Update("pilothouse"), LATER);
        assert_eq!(held(&aborted, "pilothouse", "status"), json!([{ "f:status": { ".": {}, "f:abort": {} } }, LATER]));
        let back = |object: &mut Value| object["status"] = json!({ "phase": "Degraded" });
        let moved = write(&aborted, back, Author::Controller, LATER);
        let left = json!([{ "f:status": { ".": {} } }, LATER]);
        assert_eq!(held(&moved, "pilothouse", "status"), left, "the status itself stays whose it was");
        assert_eq!(held(&moved, "rollouts-controller", "status"), json!([{ "f:status": { "f:phase": {} } }, LATER]));
    }

    #[test]
    fn an_applied_configuration_conflicts_with_others_and_forgets_what_it_no_longer_says() {
        let made = made();
        let one = json!({ "spec": { "replicas": 5, "paused": false } });
        let mut merged = made.clone();
        crate::demo::strategic::merge(&mut merged, &one);
        let owner = "\"kubectl-create\" using argoproj.io/v1alpha1".to_owned();
        assert_eq!(conflicts(&made, &merged, "ci"), [(owner, ".spec.replicas".to_owned())]);
        let applied = write(&made, |o| *o = merged, Author::Apply("ci", &one), LATER);
        assert_eq!(held(&applied, "ci", "")[0], json!({ "f:spec": { "f:paused": {}, "f:replicas": {} } }));
        let mut less = applied.clone();
        drop_unapplied(&mut less, &json!({ "spec": { "replicas": 5 } }), "ci");
        assert_eq!((&less["spec"]["paused"], &less["spec"]["replicas"]), (&Value::Null, &json!(5)));
    }
}

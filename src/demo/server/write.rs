//! Creating, changing and deleting objects: what each kind of patch means, what a part of an object may be written
//! through, and what is refused.

use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::form::Form;
use super::reply::{self, Reply};
use super::route::{Asked, Target};
use super::{Api, fields, list, strategic, table};
use crate::demo::part::{Part, Write};
use crate::demo::resource::Resource;
use crate::demo::status::Status;
use crate::demo::store::Store;
use crate::demo::stored::Stored;

/// What JSON Patch answers whatever went wrong, as seen on a real server.
const REJECTED: &str = "the server rejected our request due to an error in our request";

/// Answers a request for one object.
pub fn get(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let stored = api.world.with(api.place(), |store| store.stored(target.resource, &target.namespace, name).cloned());
    let stored = stored.ok_or_else(|| Status::not_found(target.resource, name))?;
    if target.part == "scale" {
        return Ok(reply::json(200, &scale(&stored.value(target.resource))));
    }
    Ok(shown(api, asked, target.resource, &stored, 200))
}

/// Answers POST.
pub fn create(api: &Api, asked: &Asked, target: &Target) -> Result<Reply, Status> {
    let mut object = parsed(asked)?;
    check_type(target.resource, &object)?;
    place(target, &mut object)?;
    own_nothing(target.resource, &mut object)?;
    fields::prune(asked, target.resource, &mut object)?;
    let dry_run = dry_run(asked)?;
    let stored = api.world.with(api.place(), |store| store.insert(target.resource, object, dry_run))?;
    Ok(shown(api, asked, target.resource, &stored, 201))
}

/// Answers PUT.
pub fn replace(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let wanted = parsed(asked)?;
    if target.part == "scale" {
        let patch = json!({ "spec": { "replicas": wanted["spec"]["replicas"] } });
        return rescale(api, asked, target, name, &patch);
    }
    check_type(target.resource, &wanted)?;
    if wanted["metadata"]["name"] != name {
        let message =
            format!("the name of the object ({}) does not match the name on the URL ({name})", wanted["metadata"]["name"]);
        return Err(Status::bad_request(message));
    }
    change(api, asked, target, name, |_| Ok(wanted))
}

/// Answers PATCH.
pub fn patch(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let content_type = asked.header(CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    match content_type {
        "application/merge-patch+json" => {
            let patch = parsed(asked)?;
            if target.part == "scale" {
                return rescale(api, asked, target, name, &patch);
            }
            change(api, asked, target, name, |mut object| {
                json_patch::merge(&mut object, &patch);
                Ok(object)
            })
        }
        "application/json-patch+json" => {
            let patch: json_patch::Patch = serde_json::from_slice(&asked.body)
                .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
            change(api, asked, target, name, |object| json_patched(object, &patch))
        }
        "application/strategic-merge-patch+json" if target.resource.about().built_in => {
            let patch = parsed(asked)?;
            change(api, asked, target, name, |mut object| {
                strategic::merge(&mut object, &patch);
                Ok(object)
            })
        }
        "application/apply-patch+yaml" => apply(api, asked, target, name),
        _ => Err(unsupported(target.resource)),
    }
}

/// Answers DELETE of one object.
pub fn delete(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let options = if asked.body.is_empty() { Value::Null } else { parsed(asked)? };
    let dry_run = dry_run(asked)? || options["dryRun"].as_array().is_some_and(|all| all.iter().any(|word| word == "All"));
    let at = (target.namespace.as_str(), name);
    let orphan = options["propagationPolicy"].as_str().or(asked.get("propagationPolicy")) == Some("Orphan");
    let object = api.world.with(api.place(), |store| {
        let object = store.get(target.resource, at.0, at.1).ok_or_else(|| Status::not_found(target.resource, name))?;
        for (key, said) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            let wanted = &options["preconditions"][key];
            if wanted.is_string() && *wanted != object["metadata"][key] {
                let why = format!(
                    "the {said} in the precondition ({wanted}) does not match the {said} in record ({})",
                    object["metadata"][key]
                );
                return Err(Status::conflict(target.resource, name, &why));
            }
        }
        match (dry_run, orphan) {
            (true, _) => Ok(object),
            (false, true) => store.delete_orphaning(target.resource, at),
            (false, false) => store.delete(target.resource, at),
        }
    })?;
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Ok(reply::json(200, &object));
    }
    let about = target.resource.about();
    let details = json!({ "name": name, "group": about.group, "kind": about.plural, "uid": object["metadata"]["uid"] });
    Ok(reply::json(200, &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })))
}

/// Answers DELETE of many.
pub fn delete_all(api: &Api, asked: &Asked, target: &Target) -> Result<Reply, Status> {
    let selection = list::selection(asked, target)?;
    let dry_run = dry_run(asked)?;
    let items: Vec<Value> = api.world.with(api.place(), |store| {
        let found: Vec<Stored> =
            store.all(target.resource, selection.namespace()).filter(|s| selection.takes(&s.snapshot)).cloned().collect();
        for object in found.iter().filter(|_| !dry_run) {
            // What was owned by one of them may be gone already.
            drop(store.delete(target.resource, (&object.snapshot.namespace, &object.snapshot.name)));
        }
        found.iter().map(|stored| Value::clone(&stored.value(target.resource))).collect()
    });
    let kind = format!("{}List", target.resource.about().kind);
    Ok(reply::json(200, &json!({ "kind": kind, "apiVersion": target.resource.api_version(), "metadata": {}, "items": items })))
}

/// Changes one object by `make`, within the part that the path names.
fn change(
    api: &Api,
    asked: &Asked,
    target: &Target,
    name: &str,
    make: impl FnOnce(Value) -> Result<Value, Status>,
) -> Result<Reply, Status> {
    let dry_run = dry_run(asked)?;
    let part = if target.part == "status" { Part::Status } else { Part::Main };
    let stored = api.world.with(api.place(), |store| {
        let before = store.get(target.resource, &target.namespace, name).ok_or_else(|| Status::not_found(target.resource, name))?;
        let mut wanted = make(Value::clone(&before))?;
        fields::prune(asked, target.resource, &mut wanted)?;
        check_identity(target.resource, name, &before, &wanted)?;
        store.put(target.resource, (&target.namespace, name), wanted, Write { part, dry_run })
    })?;
    Ok(shown(api, asked, target.resource, &stored, 200))
}

/// Server-side apply: fields of the applied object win, whoever set them; lists that have keys are merged by them.
fn apply(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    if asked.get("fieldManager").is_none() {
        let why = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return Err(Status::new(422, "Invalid", why));
    }
    let mut wanted = from_yaml(&asked.body)?;
    check_type(target.resource, &wanted)?;
    let there = api.world.with(api.place(), |store| store.get(target.resource, &target.namespace, name).is_some());
    if !there {
        wanted["metadata"]["name"] = name.into();
        place(target, &mut wanted)?;
        own_nothing(target.resource, &mut wanted)?;
        fields::prune(asked, target.resource, &mut wanted)?;
        let dry_run = dry_run(asked)?;
        let stored = api.world.with(api.place(), |store| store.insert(target.resource, wanted, dry_run))?;
        return Ok(shown(api, asked, target.resource, &stored, 201));
    }
    change(api, asked, target, name, |mut object| {
        strategic::merge(&mut object, &wanted);
        Ok(object)
    })
}

fn rescale(api: &Api, asked: &Asked, target: &Target, name: &str, patch: &Value) -> Result<Reply, Status> {
    let Some(replicas) = patch["spec"]["replicas"].as_u64() else {
        return Err(Status::invalid(target.resource, name, "spec.replicas", "Required value"));
    };
    let dry_run = dry_run(asked)?;
    let at = (target.namespace.as_str(), name);
    let set = |store: &mut Store| {
        let before = store.get(target.resource, at.0, at.1).ok_or_else(|| Status::not_found(target.resource, name))?;
        let mut object = Value::clone(&before);
        object["spec"]["replicas"] = replicas.into();
        store.put(target.resource, at, object, Write { part: Part::Main, dry_run })
    };
    let stored = api.world.with(api.place(), set)?;
    Ok(reply::json(200, &scale(&stored.value(target.resource))))
}

fn json_patched(mut object: Value, patch: &json_patch::Patch) -> Result<Value, Status> {
    for operation in &patch.0 {
        // A real server takes an absent path for null here; RFC 6902 does not.
        if let json_patch::PatchOperation::Test(test) = operation
            && test.value.is_null()
            && object.pointer(test.path.as_str()).is_none_or(Value::is_null)
        {
            continue;
        }
        json_patch::patch(&mut object, std::slice::from_ref(operation)).map_err(|_| Status::new(422, "Invalid", REJECTED))?;
    }
    Ok(object)
}

fn check_type(resource: Resource, object: &Value) -> Result<(), Status> {
    let about = resource.about();
    let (version, kind) = (resource.api_version(), about.kind);
    if !object.is_object() {
        return Err(Status::bad_request("the object provided is unrecognized"));
    }
    let fits = |key: &str, wanted: &str| object[key].as_str().is_none_or(|given| given == wanted);
    if fits("apiVersion", &version) && fits("kind", kind) {
        return Ok(());
    }
    let given =
        format!("{}, Kind={}", object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    Err(Status::bad_request(format!("the object provided is unrecognized (must be of type {kind} in {version}): {given}")))
}

/// What a write may not change, and the version on which it may insist.
fn check_identity(resource: Resource, name: &str, before: &Value, wanted: &Value) -> Result<(), Status> {
    let (old, new) = (&before["metadata"], &wanted["metadata"]);
    let given = new["resourceVersion"].as_str().filter(|version| !version.is_empty());
    if given.is_some_and(|version| old["resourceVersion"] != version) {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        return Err(Status::conflict(resource, name, why));
    }
    if new["uid"].is_string() && new["uid"] != old["uid"] {
        let why = format!("Precondition failed: UID in precondition: {}, UID in object meta: {}", new["uid"], old["uid"]);
        return Err(Status::conflict(resource, name, &why));
    }
    if new["name"].is_string() && new["name"] != old["name"] {
        return Err(Status::invalid(resource, name, "metadata.name", "Invalid value: field is immutable"));
    }
    Ok(())
}

/// Puts an object where the path says.
fn place(target: &Target, object: &mut Value) -> Result<(), Status> {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let given = object["metadata"]["namespace"].as_str().unwrap_or_default();
    if !given.is_empty() && given != target.namespace {
        let message = format!("the namespace of the provided object does not match the namespace sent on the request ({given})");
        return Err(Status::bad_request(message));
    }
    if target.resource.about().namespaced {
        if target.namespace.is_empty() {
            return Err(Status::bad_request("an empty namespace may not be set during creation"));
        }
        object["metadata"]["namespace"] = target.namespace.clone().into();
    }
    Ok(())
}

/// Takes from a new object what only the server gives.
fn own_nothing(resource: Resource, object: &mut Value) -> Result<(), Status> {
    if object["metadata"]["resourceVersion"].as_str().is_some_and(|version| !version.is_empty()) {
        return Err(Status::bad_request("resourceVersion should not be set on objects to be created"));
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for key in ["uid", "creationTimestamp", "generation", "deletionTimestamp", "selfLink", "managedFields"] {
            metadata.remove(key);
        }
    }
    if resource.about().status
        && let Some(object) = object.as_object_mut()
    {
        object.remove("status");
    }
    let replicated = matches!(resource, Resource::Deployment | Resource::ReplicaSet) && object["spec"].is_object();
    if replicated && object["spec"]["replicas"].is_null() {
        object["spec"]["replicas"] = 1.into();
    }
    Ok(())
}

fn dry_run(asked: &Asked) -> Result<bool, Status> {
    match asked.get("dryRun") {
        None => Ok(false),
        Some("All") => Ok(true),
        Some(other) => {
            Err(Status::new(422, "Invalid", format!("dryRun: Unsupported value: \"{other}\": supported values: \"All\"")))
        }
    }
}

/// Reads a body: JSON, or YAML when it says so.
pub fn parsed(asked: &Asked) -> Result<Value, Status> {
    if asked.header(CONTENT_TYPE).contains("yaml") {
        return from_yaml(&asked.body);
    }
    serde_json::from_slice(&asked.body)
        .map_err(|error| Status::bad_request(format!("couldn't read the request's body as JSON: {error}")))
}

fn from_yaml(body: &[u8]) -> Result<Value, Status> {
    let text = str::from_utf8(body).map_err(|_| Status::bad_request("the request's body is not UTF-8"))?;
    serde_saphyr::from_str(text).map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))
}

fn unsupported(resource: Resource) -> Status {
    let mut known = vec!["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
    if resource.about().built_in {
        known.push("application/strategic-merge-patch+json");
    }
    let message = format!("the body of the request was in an unknown format - accepted media types include: {}", known.join(", "));
    Status::new(415, "UnsupportedMediaType", message)
}

fn scale(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let own_labels = || {
        let labels = object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        let pairs: Vec<String> = labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        pairs.join(",")
    };
    let selector = object["status"]["selector"].as_str().map_or_else(own_labels, str::to_owned);
    let replicas = object["status"]["HPAReplicas"].as_i64().or(object["status"]["replicas"].as_i64());
    let kept = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
    let kept: serde_json::Map<String, Value> = kept.into_iter().map(|key| (key.to_owned(), metadata[key].clone())).collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept,
        "spec": { "replicas": object["spec"]["replicas"] }, "status": { "replicas": replicas.unwrap_or(0), "selector": selector },
    })
}

/// An object in the form that was asked for.
fn shown(api: &Api, asked: &Asked, resource: Resource, stored: &Stored, code: u16) -> Reply {
    match Form::of(asked, false) {
        Form::Table { objects } => {
            let rows = [table::row(resource, &stored.snapshot, objects, api.world.now())];
            let metadata = json!({ "resourceVersion": stored.snapshot.version.to_string() });
            reply::json(code, &table::table(resource, &metadata, &rows, true))
        }
        Form::Metadata => reply::json(code, &table::metadata_only(&stored.snapshot)),
        Form::Object => {
            let mut body = Vec::with_capacity(stored.snapshot.body.len() + 80);
            stored.snapshot.write_typed(resource, &mut body);
            reply::whole(code, reply::JSON, body)
        }
    }
}

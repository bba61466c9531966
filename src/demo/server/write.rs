//! Creating, changing and deleting objects: what a part of an object may be written through, and what is refused.

use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::form::Form;
use super::reply::{self, Reply};
use super::route::{Asked, Target};
use super::{Api, fields, list, patch, scale, table};
use crate::demo::controller::amount::duration;
use crate::demo::managed::Author;
use crate::demo::part::{Part, Write};
use crate::demo::resource::Resource;
use crate::demo::status::Status;
use crate::demo::stored::Stored;

/// Answers a request for one object.
pub fn get(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let stored = api.world.with(api.place(), |store| store.stored(target.resource, &target.namespace, name).cloned());
    let stored = stored.ok_or_else(|| Status::not_found(target.resource, name))?;
    if target.part == "scale" {
        return Ok(reply::json(200, &scale::shown(&stored.value(target.resource))));
    }
    Ok(shown(api, asked, target.resource, &stored, 200))
}

/// Answers POST.
pub fn create(api: &Api, asked: &Asked, target: &Target) -> Result<Reply, Status> {
    let object = parsed(asked)?;
    check_type(target.resource, &object)?;
    insert(api, asked, target, object, Author::Update(patch::manager(asked)?))
}

/// Answers PUT.
pub fn replace(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let wanted = parsed(asked)?;
    if target.part == "scale" {
        let patch = json!({ "spec": { "replicas": wanted["spec"]["replicas"] } });
        return scale::rescale(api, asked, target, name, &patch);
    }
    check_type(target.resource, &wanted)?;
    if wanted["metadata"]["name"] != name {
        let message =
            format!("the name of the object ({}) does not match the name on the URL ({name})", wanted["metadata"]["name"]);
        return Err(Status::bad_request(message));
    }
    let author = Author::Update(patch::manager(asked)?);
    Change { api, asked, target, name, author }.make(|object| {
        *object = wanted;
        Ok(())
    })
}

/// Answers DELETE of one object.
pub fn delete(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let options = if asked.body.is_empty() { Value::Null } else { parsed(asked)? };
    let dry_run = dry_run(asked)? || options["dryRun"].as_array().is_some_and(|all| all.iter().any(|word| word == "All"));
    let at = (target.namespace.as_str(), name);
    let at_once = options["gracePeriodSeconds"] == 0 || asked.get("gracePeriodSeconds") == Some("0");
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
            (false, false) => {
                let deleted = store.delete(target.resource, at)?;
                if at_once && store.stored(target.resource, at.0, at.1).is_some() {
                    return store.delete(target.resource, at);
                }
                Ok(deleted)
            }
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

/// A change of one object, within the part that the path names.
pub struct Change<'a> {
    pub api: &'a Api,
    pub asked: &'a Asked,
    pub target: &'a Target,
    pub name: &'a str,
    pub author: Author<'a>,
}

impl Change<'_> {
    /// Makes it, and shows the object as it is then.
    pub fn make(self, make: impl FnOnce(&mut Value) -> Result<(), Status>) -> Result<Reply, Status> {
        let Self { api, asked, target, name, author } = self;
        let part = if target.part == "status" { Part::Status } else { Part::Main };
        let write = Write { part, dry_run: dry_run(asked)?, author };
        let (stored, unknown) = api.world.with(api.place(), |store| {
            let before =
                store.get(target.resource, &target.namespace, name).ok_or_else(|| Status::not_found(target.resource, name))?;
            let mut wanted = Value::clone(&before);
            make(&mut wanted)?;
            let unknown = fields::fit(asked, target.resource, &target.part, &mut wanted)?;
            check_identity(target.resource, name, &before, &wanted)?;
            Ok((store.put(target.resource, (&target.namespace, name), wanted, write)?, unknown))
        })?;
        let mut reply = shown(api, asked, target.resource, &stored, 200);
        unknown.warn(&mut reply);
        Ok(reply)
    }
}

/// Adds an object where the path says.
pub fn insert(api: &Api, asked: &Asked, target: &Target, mut object: Value, author: Author<'_>) -> Result<Reply, Status> {
    place(target, &mut object)?;
    own_nothing(target.resource, &mut object)?;
    let unknown = fields::fit(asked, target.resource, "", &mut object)?;
    if target.resource == Resource::Event {
        check_event(&object)?;
    }
    let write = Write { part: Part::Whole, dry_run: dry_run(asked)?, author };
    let stored = api.world.with(api.place(), |store| store.insert(target.resource, object, write))?;
    let mut reply = shown(api, asked, target.resource, &stored, 201);
    unknown.warn(&mut reply);
    Ok(reply)
}

/// An event lives where the object lives that it is about, and one of the new kind says more.
fn check_event(event: &Value) -> Result<(), Status> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (home, about) = (text(&event["metadata"]["namespace"]), text(&event["involvedObject"]["namespace"]));
    let mut faults = Vec::new();
    if home != about && !(about.is_empty() && home == "default") {
        faults.push(("involvedObject.namespace".to_owned(), format!("Invalid value: {about:?}: does not match event.namespace")));
    }
    let missing = |key: &&str| event["eventTime"].is_string() && event[*key].as_str().is_none_or(str::is_empty);
    let missing = ["reportingComponent", "reportingInstance", "action"].into_iter().filter(missing);
    faults.extend(missing.map(|key| (key.to_owned(), "Required value".to_owned())));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Status::invalid_fields(Resource::Event, &text(&event["metadata"]["name"]), &faults))
    }
}

pub fn check_type(resource: Resource, object: &Value) -> Result<(), Status> {
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
    let selectors = [&before["spec"]["selector"], &wanted["spec"]["selector"]];
    if resource == Resource::Rollout && selectors.iter().all(|selector| selector.is_object()) && selectors[0] != selectors[1] {
        let why = "Invalid value: \"object\": .spec.selector is immutable";
        return Err(Status::invalid(resource, name, "spec.selector", why));
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

/// Whether a request only wants to see what would happen. Its time limit is looked at too.
pub fn dry_run(asked: &Asked) -> Result<bool, Status> {
    if let Some(limit) = asked.get("timeout").filter(|limit| duration(limit).is_none()) {
        let why = format!("invalid timeout specified in the request URL - time: invalid duration {limit:?}");
        return Err(Status::bad_request(why));
    }
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

pub fn from_yaml(body: &[u8]) -> Result<Value, Status> {
    let text = str::from_utf8(body).map_err(|_| Status::bad_request("the request's body is not UTF-8"))?;
    serde_saphyr::from_str(text).map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))
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

//! What each kind of patch means, and who is noted as its author.

use http::header::{CONTENT_TYPE, USER_AGENT};
use serde_json::{Value, json};

use super::operations::{self, Operation};
use super::reply::Reply;
use super::route::{Asked, Target};
use super::write::{self, Change};
use super::{Api, scale};
use crate::demo::managed::{self, Author};
use crate::demo::resource::Resource;
use crate::demo::status::{Status, bad_option};
use crate::demo::strategic;

/// What JSON Patch answers whatever went wrong, as seen on a real server.
const REJECTED: &str = "the server rejected our request due to an error in our request";
/// The longest name of a manager.
const LONGEST_NAME: usize = 128;

/// Answers PATCH.
pub fn answer(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    let content_type = asked.header(CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if target.part == "scale" {
        return match content_type {
            "application/merge-patch+json" => scale::rescale(api, asked, target, name, &write::parsed(asked)?),
            _ => Err(unsupported(target.resource)),
        };
    }
    let author = Author::Update(manager(asked)?);
    let change = Change { api, asked, target, name, author };
    match content_type {
        "application/merge-patch+json" => {
            let patch = write::parsed(asked)?;
            if !patch.is_object() {
                return Err(Status::bad_request("the body of a merge patch must be an object"));
            }
            change.make(|object| {
                json_patch::merge(object, &patch);
                Ok(())
            })
        }
        "application/json-patch+json" => {
            let patch: Vec<Operation> = serde_json::from_slice(&asked.body)
                .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
            change.make(|object| {
                operations::apply(object, &patch)
                    .map_err(|_| Status { details: json!({}), ..Status::new(422, "Invalid", REJECTED) })
            })
        }
        "application/strategic-merge-patch+json" if target.resource.about().built_in => {
            let patch = write::parsed(asked)?;
            change.make(|object| {
                strategic::merge(object, &patch);
                Ok(())
            })
        }
        "application/apply-patch+yaml" => apply(api, asked, target, name),
        _ => Err(unsupported(target.resource)),
    }
}

/// The name under which a request's fields are noted: the one that it gives, or its program's.
pub fn manager(asked: &Asked) -> Result<&str, Status> {
    let Some(name) = asked.get("fieldManager") else {
        return Ok(asked.header(USER_AGENT).split('/').next().unwrap_or_default());
    };
    if name.len() > LONGEST_NAME {
        return Err(bad_option("fieldManager", &format!("Too long: may not be more than {LONGEST_NAME} bytes")));
    }
    if name.chars().any(char::is_control) {
        return Err(bad_option("fieldManager", &format!("Invalid value: {name:?}: should only contain printable characters")));
    }
    Ok(name)
}

/// Server-side apply: fields of the applied object win over their owners by force only; lists that have keys are merged
/// by them; what the same manager applied before and does not any more goes.
fn apply(api: &Api, asked: &Asked, target: &Target, name: &str) -> Result<Reply, Status> {
    if asked.get("fieldManager").is_none() {
        return Err(bad_option("fieldManager", "Required value: is required for apply patch"));
    }
    let manager = manager(asked)?;
    let applied = write::from_yaml(&asked.body)?;
    write::check_type(target.resource, &applied)?;
    if applied["metadata"]["managedFields"].is_array() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let author = Author::Apply(manager, &applied);
    let there = api.world.with(api.place(), |store| store.get(target.resource, &target.namespace, name).is_some());
    if !there {
        let mut made = applied.clone();
        made["metadata"]["name"] = name.into();
        return write::insert(api, asked, target, made, author);
    }
    let forced = asked.is_on("force");
    Change { api, asked, target, name, author }.make(|object| {
        let mut merged = object.clone();
        managed::drop_unapplied(&mut merged, &applied, manager);
        strategic::merge(&mut merged, &applied);
        let conflicts = managed::conflicts(object, &merged, manager);
        if !forced && !conflicts.is_empty() {
            return Err(conflict(&conflicts));
        }
        *object = merged;
        Ok(())
    })
}

/// The refusal that names who has set what otherwise.
fn conflict(conflicts: &[(String, String)]) -> Status {
    let message = if let [(owner, path)] = conflicts {
        format!("Apply failed with 1 conflict: conflict with {owner}: {path}")
    } else {
        let mut lines = Vec::new();
        for (place, (owner, path)) in conflicts.iter().enumerate() {
            if place == 0 || conflicts[place - 1].0 != *owner {
                lines.push(format!("conflicts with {owner}:"));
            }
            lines.push(format!("- {path}"));
        }
        format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
    };
    let cause = |(owner, path): &(String, String)| json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {owner}"), "field": path });
    let details = json!({ "causes": conflicts.iter().map(cause).collect::<Value>() });
    Status { details, ..Status::new(409, "Conflict", message) }
}

fn unsupported(resource: Resource) -> Status {
    let mut known = vec!["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
    if resource.about().built_in {
        known.push("application/strategic-merge-patch+json");
    }
    let message = format!("the body of the request was in an unknown format - accepted media types include: {}", known.join(", "));
    Status::new(415, "UnsupportedMediaType", message)
}

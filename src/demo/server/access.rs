//! Who may do what. One rule answers both the 403 of a request and the review that asks beforehand.

use serde_json::{Value, json};

use super::Api;
use super::reply::{self, Reply};
use super::route::{Asked, Target};
use super::{protobuf, write};
use crate::demo::resource::Resource;
use crate::demo::status::Status;

/// The one user of an embedded world.
pub const USER: &str = "captain";

/// The group of reviews of permissions.
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/";

/// Refuses a request that is not allowed.
pub fn check(api: &Api, asked: &Asked, target: &Target) -> Result<(), Status> {
    let name = target.name.as_deref().unwrap_or_default();
    check_verb(api, asked.verb(), (target.resource, &target.part), (&target.namespace, name))
}

/// Refuses what this verb must not do to a part (empty for the whole) of an object.
pub fn check_verb(api: &Api, verb: &str, (kind, part): (Resource, &str), (namespace, name): (&str, &str)) -> Result<(), Status> {
    let about = kind.about();
    let resource = if part.is_empty() { about.plural.to_owned() } else { format!("{}/{part}", about.plural) };
    if !api.place().faults.forbids(verb, &resource, namespace) {
        return Ok(());
    }
    let scope = if namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{namespace}\"") };
    let named = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
    let message = format!(
        "{}{named} is forbidden: User \"{USER}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {scope}",
        kind.qualified(),
        about.group
    );
    let details = json!({ "name": name, "group": about.group, "kind": about.plural });
    Err(Status { details, ..Status::new(403, "Forbidden", message) })
}

/// Answers the reviews in which a client asks what it may; none if the path is not one of theirs.
pub fn review(api: &Api, asked: &Asked) -> Option<Result<Reply, Status>> {
    if asked.method != http::Method::POST {
        return None;
    }
    match asked.path.strip_prefix(REVIEWS) {
        Some("selfsubjectaccessreviews") => Some(review_one(api, asked)),
        Some("selfsubjectrulesreviews") => Some(review_rules(api, asked)),
        _ if asked.path == "/apis/authentication.k8s.io/v1/selfsubjectreviews" => Some(Ok(review_self(api))),
        _ => None,
    }
}

fn review_one(api: &Api, asked: &Asked) -> Result<Reply, Status> {
    let mut review = match protobuf::access_review(&asked.body) {
        Some(review) => review,
        None => write::parsed(asked)?,
    };
    let attributes = &review["spec"]["resourceAttributes"];
    let text = |key: &str| attributes[key].as_str().unwrap_or_default();
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        part => format!("{}/{part}", text("resource")),
    };
    let allowed = attributes.is_null() || !api.place().faults.forbids(text("verb"), &resource, text("namespace"));
    review["status"] =
        if allowed { json!({ "allowed": true, "reason": "allowed in the embedded world" }) } else { json!({ "allowed": false }) };
    Ok(typed("authorization.k8s.io/v1", "SelfSubjectAccessReview", review))
}

fn review_rules(api: &Api, asked: &Asked) -> Result<Reply, Status> {
    let mut review = match protobuf::rules_review(&asked.body) {
        Some(review) => review,
        None => write::parsed(asked)?,
    };
    let namespace = review["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
    let mut rules = Vec::new();
    for resource in Resource::ALL {
        let about = resource.about();
        let parts = [("", true), ("/status", about.status), ("/scale", about.scale)];
        for (part, _) in parts.into_iter().filter(|(_, is_there)| *is_there) {
            let name = format!("{}{part}", about.plural);
            let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"].into_iter();
            let verbs: Vec<&str> = verbs
                .filter(|verb| part.is_empty() || matches!(*verb, "get" | "update" | "patch"))
                .filter(|verb| !api.place().faults.forbids(verb, &name, &namespace))
                .collect();
            if !verbs.is_empty() {
                rules.push(json!({ "verbs": verbs, "apiGroups": [about.group], "resources": [name] }));
            }
        }
    }
    review["status"] = json!({ "resourceRules": rules, "nonResourceRules": [{ "verbs": ["get"], "nonResourceURLs": ["*"] }], "incomplete": false });
    Ok(typed("authorization.k8s.io/v1", "SelfSubjectRulesReview", review))
}

fn review_self(api: &Api) -> Reply {
    let status = json!({ "userInfo": { "username": USER, "uid": USER, "groups": ["captains", "system:authenticated"] } });
    let made = api.world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let review = json!({ "metadata": { "creationTimestamp": made }, "status": status });
    typed("authentication.k8s.io/v1", "SelfSubjectReview", review)
}

fn typed(api_version: &str, kind: &str, mut review: Value) -> Reply {
    review["apiVersion"] = api_version.into();
    review["kind"] = kind.into();
    if review["metadata"].is_null() {
        review["metadata"] = json!({ "creationTimestamp": null });
    }
    reply::json(201, &review)
}

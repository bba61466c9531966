//! What the server says that it serves: versions, groups and kinds, in the old form and in the aggregated one.

use std::collections::BTreeMap;

use http::header::ACCEPT;
use serde_json::{Value, json};

use super::open_api;
use super::reply::{self, Reply};
use super::route::Asked;
use crate::demo::resource::{About, Resource};

/// The version of Kubernetes that the world behaves like.
pub const VERSION: &str = "v1.33.4";

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Kinds that are only asked, not stored: group, version, plural, kind.
const REVIEWS: [(&str, &str, &str, &str); 3] = [
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview"),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
];

/// Answers a question about the server itself; none if the path is not one of them.
pub fn answer(asked: &Asked) -> Option<Reply> {
    let path = asked.path.trim_end_matches('/');
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let aggregated = asked.header(ACCEPT).contains("as=APIGroupDiscoveryList");
    let value = match parts.as_slice() {
        ["version"] => version(),
        ["livez" | "readyz" | "healthz", ..] => return Some(reply::whole(200, "text/plain; charset=utf-8", "ok")),
        ["api" | "apis"] if aggregated => return Some(reply::whole(200, AGGREGATED, all(parts[0] == "api").to_string())),
        ["api"] => json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] }),
        ["apis"] => {
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups().keys().filter(|(g, _)| !g.is_empty()).map(group).collect::<Value>() })
        }
        ["api", version] => resources("", version)?,
        ["apis", name] => {
            let mut found = groups().keys().find(|(g, _)| g == name).map(group)?;
            found["kind"] = "APIGroup".into();
            found["apiVersion"] = "v1".into();
            found
        }
        ["apis", group, version] => resources(group, version)?,
        ["openapi", "v2"] => return Some(reply::whole(200, open_api::OLD_TYPE, open_api::OLD)),
        ["openapi", "v3"] => open_api::index(groups().keys()),
        ["openapi", "v3", "api", version] => open_api::document("", version, kinds("", version)?),
        ["openapi", "v3", "apis", group, version] => open_api::document(group, version, kinds(group, version)?),
        _ => return None,
    };
    Some(reply::json(200, &value))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "33", "gitVersion": VERSION, "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.24.0", "compiler": "gc", "platform": "linux/amd64",
    })
}

type Groups = BTreeMap<(String, String), Vec<Resource>>;

/// The kinds by group and version, the reviews' groups too.
fn groups() -> Groups {
    let mut groups = Groups::new();
    for resource in Resource::ALL {
        let about = resource.about();
        groups.entry((about.group.to_owned(), about.version.to_owned())).or_default().push(resource);
    }
    for (group, version, ..) in REVIEWS {
        groups.entry((group.to_owned(), version.to_owned())).or_default();
    }
    groups
}

fn kinds(group: &str, version: &str) -> Option<Vec<Resource>> {
    groups().remove(&(group.to_owned(), version.to_owned()))
}

fn group((name, version): &(String, String)) -> Value {
    let version = json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    json!({ "name": name, "versions": [version], "preferredVersion": version })
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let kinds = kinds(group, version)?;
    let mut all = Vec::new();
    for resource in kinds {
        let about = resource.about();
        all.push(json!({
            "name": about.plural, "singularName": about.singular(), "namespaced": about.namespaced, "kind": about.kind,
            "verbs": VERBS, "shortNames": about.short, "categories": about.categories,
        }));
        for part in parts(about) {
            let mut sub = json!({
                "name": format!("{}/{part}", about.plural), "singularName": "", "namespaced": about.namespaced,
                "kind": about.kind, "verbs": ["get", "patch", "update"],
            });
            if part == "scale" {
                sub["group"] = "autoscaling".into();
                sub["version"] = "v1".into();
                sub["kind"] = "Scale".into();
            }
            all.push(sub);
        }
    }
    for (_, _, plural, kind) in REVIEWS.iter().filter(|(g, v, ..)| *g == group && *v == version) {
        all.push(
            json!({ "name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"] }),
        );
    }
    let name = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": all }))
}

fn parts(about: &About) -> impl Iterator<Item = &'static str> {
    [("status", about.status), ("scale", about.scale)].into_iter().filter(|(_, is_there)| *is_there).map(|(part, _)| part)
}

/// The aggregated form: the core group, or all others.
fn all(core: bool) -> Value {
    let items = groups().into_iter().filter(|((name, _), _)| name.is_empty() == core).map(|((name, version), kinds)| {
        let mut resources: Vec<Value> = kinds.into_iter().map(aggregated).collect();
        for (group, version, plural, kind) in REVIEWS.iter().filter(|(group, ..)| *group == name) {
            resources.push(json!({
                "resource": plural, "responseKind": { "group": group, "version": version, "kind": kind }, "scope": "Cluster",
                "singularResource": kind.to_lowercase(), "verbs": ["create"],
            }));
        }
        json!({ "metadata": { "name": name, "creationTimestamp": null }, "versions": [{ "version": version, "freshness": "Current", "resources": resources }] })
    });
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items.collect::<Value>() })
}

fn aggregated(resource: Resource) -> Value {
    let about = resource.about();
    let parts: Value = parts(about)
        .map(|part| {
            let (group, version, kind) =
                if part == "scale" { ("autoscaling", "v1", "Scale") } else { (about.group, about.version, about.kind) };
            json!({
                "subresource": part, "responseKind": { "group": group, "version": version, "kind": kind },
                "verbs": ["get", "patch", "update"],
            })
        })
        .collect();
    json!({
        "resource": about.plural, "responseKind": { "group": about.group, "version": about.version, "kind": about.kind },
        "scope": if about.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": about.singular(), "verbs": VERBS,
        "shortNames": about.short, "categories": about.categories, "subresources": parts,
    })
}

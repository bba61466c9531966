//! Just enough OpenAPI for `kubectl apply`: which paths take `fieldValidation`, and of which kind they are. Objects have
//! no schemas here.

use serde_json::{Map, Value, json};

use crate::demo::resource::Resource;

/// The old document, which kubectl reads as protobuf to validate a `List` of objects: one that defines nothing, by which
/// every object is right. In it are `swagger` "2.0", the title and an empty `paths`.
pub const OLD: &[u8] = b"\x0a\x032.0\x12\x10\x0a\x0aKubernetes\x12\x02v1\x42\x00";
/// The type of [`OLD`].
pub const OLD_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Where the document of each group and version is.
pub fn index<'a>(groups: impl Iterator<Item = &'a (String, String)>) -> Value {
    let path = |(group, version): &(String, String)| {
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let url = format!("/openapi/v3/{path}?hash=1");
        (path, json!({ "serverRelativeURL": url }))
    };
    json!({ "paths": groups.map(path).collect::<Map<_, _>>() })
}

/// One group's document.
pub fn document(group: &str, version: &str, kinds: Vec<Resource>) -> Value {
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for resource in kinds {
        let about = resource.about();
        let place = if about.namespaced { "/namespaces/{namespace}" } else { "" };
        let kind = json!({ "group": about.group, "version": about.version, "kind": about.kind });
        let all = format!("{root}{place}/{}", about.plural);
        paths.insert(format!("{all}/{{name}}"), json!({ "patch": operation("patch", &kind), "put": operation("put", &kind) }));
        paths.insert(all, json!({ "post": operation("post", &kind) }));
        let name = format!("{}.{version}.{}", about.group, about.kind).trim_start_matches('.').to_owned();
        let schema =
            json!({ "type": "object", "x-kubernetes-group-version-kind": [kind], "x-kubernetes-preserve-unknown-fields": true });
        schemas.insert(name, schema);
    }
    json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": super::discovery::VERSION }, "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn operation(action: &str, kind: &Value) -> Value {
    let parameter = |name: &str| {
        let kind = if name == "force" { "boolean" } else { "string" };
        json!({ "name": name, "in": "query", "schema": { "type": kind, "uniqueItems": true } })
    };
    let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter);
    json!({
        "parameters": parameters,
        "responses": { "200": { "description": "OK" } }, "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind,
    })
}

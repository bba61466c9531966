//! Label and field selectors, as strict as a real server: what it does not support is refused, never ignored.

use serde_json::Value;

use crate::demo::resource::Resource;
use crate::demo::status::Status;
use crate::demo::stored::Snapshot;

/// Which objects a list or watch is about.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    namespace: Option<String>,
    labels: Vec<Requirement>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
struct Field {
    path: String,
    value: String,
    equal: bool,
}

impl Selection {
    /// Reads both selectors.
    ///
    /// # Errors
    /// `BadRequest` for what cannot be read, and for fields that the kind cannot be selected by.
    pub fn new(resource: Resource, namespace: &str, labels: &str, fields: &str) -> Result<Self, Status> {
        let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        let labels = split(labels).into_iter().map(requirement).collect::<Result<_, _>>()?;
        let fields = fields.split(',').filter(|field| !field.trim().is_empty());
        let fields = fields.map(|text| field(resource, text)).collect::<Result<_, _>>()?;
        Ok(Self { namespace, labels, fields })
    }

    /// The one namespace it is about, if it is.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// An object belongs to it.
    pub fn takes(&self, object: &Snapshot) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == object.namespace)
            && self.labels.iter().all(|requirement| requirement.holds(object))
            && self.fields_hold(object)
    }

    fn fields_hold(&self, object: &Snapshot) -> bool {
        let mut tree = None;
        self.fields.iter().all(|field| {
            let holds = match field.path.as_str() {
                "metadata.name" => object.name == field.value,
                "metadata.namespace" => object.namespace == field.value,
                path => {
                    let tree = tree.get_or_insert_with(|| serde_json::from_slice(&object.body).unwrap_or(Value::Null));
                    value_at(tree, path) == field.value
                }
            };
            holds == field.equal
        })
    }
}

impl Requirement {
    fn holds(&self, object: &Snapshot) -> bool {
        let among = |key: &str, values: &[String]| object.label(key).is_some_and(|value| values.iter().any(|v| v == value));
        match self {
            Self::Exists(key) => object.label(key).is_some(),
            Self::Absent(key) => object.label(key).is_none(),
            Self::In(key, values) => among(key, values),
            Self::NotIn(key, values) => !among(key, values),
        }
    }
}

/// Splits at commas that are not within parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Result<Requirement, Status> {
    let refused = || Status::bad_request(format!("unable to parse requirement: found '{text}', expected a label selector"));
    let key = |key: &str| {
        let key = key.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if key.is_empty() || !key.chars().all(fits) { Err(refused()) } else { Ok(key.to_owned()) }
    };
    let set = |values: &str| -> Result<Vec<String>, Status> {
        let inner = values.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(refused)?;
        Ok(inner.split(',').map(|value| value.trim().to_owned()).collect())
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(key(name)?, one(value)));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(key(name)?, one(value)));
    }
    if let Some((name, values)) =
        text.split_once(" notin ").or_else(|| text.split_once(" notin(").map(|_| split_set(text, " notin")))
    {
        return Ok(Requirement::NotIn(key(name)?, set(values)?));
    }
    if let Some((name, values)) = text.split_once(" in ").or_else(|| text.split_once(" in(").map(|_| split_set(text, " in"))) {
        return Ok(Requirement::In(key(name)?, set(values)?));
    }
    if let Some(name) = text.strip_prefix('!') {
        return Ok(Requirement::Absent(key(name)?));
    }
    Ok(Requirement::Exists(key(text)?))
}

fn split_set<'a>(text: &'a str, word: &str) -> (&'a str, &'a str) {
    text.split_once(word).unwrap_or((text, ""))
}

fn field(resource: Resource, text: &str) -> Result<Field, Status> {
    let (path, value, equal) = match text.split_once("!=") {
        Some((path, value)) => (path, value, false),
        None => match text.split_once("==").or_else(|| text.split_once('=')) {
            Some((path, value)) => (path, value, true),
            None => return Err(Status::bad_request(format!("invalid field selector: '{text}'; can't understand '{text}'"))),
        },
    };
    let path = path.trim();
    if !selectable(resource).contains(&path) && !matches!(path, "metadata.name" | "metadata.namespace") {
        return Err(Status::bad_request(format!("field label not supported: {path}")));
    }
    Ok(Field { path: path.to_owned(), value: value.trim().to_owned(), equal })
}

/// The fields that a kind can be selected by, besides name and namespace.
fn selectable(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Resource::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Resource::Namespace => &["status.phase"],
        Resource::Secret => &["type"],
        Resource::Node => &["spec.unschedulable"],
        Resource::ReplicaSet => &["status.replicas"],
        Resource::Job => &["status.successful"],
        _ => &[],
    }
}

fn value_at(tree: &Value, path: &str) -> String {
    let path = if path == "source" { "source.component" } else { path };
    match path.split('.').fold(tree, |value, key| &value[key]) {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::demo::stored::Stored;

    fn takes(labels: &str, fields: &str) -> bool {
        let object = json!({
            "metadata": { "name": "a", "namespace": "shop", "labels": { "app": "web", "tier": "front" } },
            "involvedObject": { "kind": "Rollout" },
        });
        let stored = Stored::new(object, 1);
        Selection::new(Resource::Event, "", labels, fields).unwrap().takes(&stored.snapshot)
    }

    #[test]
    fn labels_select_as_kubectl_writes_them() {
        for text in ["", "app=web", "app==web,tier", "app in (web, api),tier!=back", "!gone,app notin (api)", "app in(web)"] {
            assert!(takes(text, ""), "{text}");
        }
        for text in ["app=api", "gone", "!app", "app notin (web)", "app in (api,db)", "app!=web"] {
            assert!(!takes(text, ""), "{text}");
        }
    }

    #[test]
    fn fields_select_and_unknown_ones_are_refused() {
        assert!(takes("", "involvedObject.kind=Rollout,metadata.name!=b"));
        assert!(!takes("", "involvedObject.kind=Pod"));
        let refused = Selection::new(Resource::Rollout, "", "", "spec.replicas=1").unwrap_err();
        assert_eq!(refused.code, 400);
        assert!(refused.message.contains("field label not supported: spec.replicas"), "{}", refused.message);
    }
}

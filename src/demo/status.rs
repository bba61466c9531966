//! What the world's API answers when it refuses. The one shape of every error: `metav1.Status`, never a bare text.

use serde_json::{Value, json};

use super::resource::Resource;

/// A refusal, as Kubernetes words it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason (`NotFound`, `Conflict`, …).
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// `details` of the reply, or null.
    pub details: Value,
}

impl Status {
    /// A refusal without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    /// The object is not there.
    pub fn not_found(resource: Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self { details: details(resource, name), ..Self::new(404, "NotFound", message) }
    }

    /// An object of that name is there already.
    pub fn already_exists(resource: Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self { details: details(resource, name), ..Self::new(409, "AlreadyExists", message) }
    }

    /// The write was decided on an older version.
    pub fn conflict(resource: Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self { details: details(resource, name), ..Self::new(409, "Conflict", message) }
    }

    /// The object breaks a rule of its kind; `field` is the path that does.
    pub fn invalid(resource: Resource, name: &str, field: &str, why: &str) -> Self {
        Self::invalid_fields(resource, name, &[(field.to_owned(), why.to_owned())])
    }

    /// The object breaks several rules of its kind: the path of each field and the sentence about it.
    pub fn invalid_fields(resource: Resource, name: &str, faults: &[(String, String)]) -> Self {
        let sentences: Vec<String> = faults.iter().map(|(field, why)| format!("{field}: {why}")).collect();
        let text = if let [one] = sentences.as_slice() { one.clone() } else { format!("[{}]", sentences.join(", ")) };
        let message = format!("{} \"{name}\" is invalid: {text}", resource.kind_qualified());
        let cause = |(field, why): &(String, String)| json!({ "reason": cause(why), "message": why, "field": field });
        let mut details = details(resource, name);
        details["kind"] = resource.about().kind.into();
        details["causes"] = faults.iter().map(cause).collect();
        Self { details, ..Self::new(422, "Invalid", message) }
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The asked version has been compacted away.
    pub fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// The reply's body.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            body["details"] = self.details.clone();
        }
        body
    }
}

fn details(resource: Resource, name: &str) -> Value {
    let about = resource.about();
    let mut details = json!({ "name": name, "kind": about.plural });
    if !about.group.is_empty() {
        details["group"] = about.group.into();
    }
    details
}

/// A refusal of an option in a request's query.
pub fn bad_option(option: &str, why: &str) -> Status {
    let causes = json!([{ "reason": cause(why), "message": why, "field": option }]);
    let details = json!({ "group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes });
    let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: {option}: {why}");
    Status { details, ..Status::new(422, "Invalid", message) }
}

/// The machine-readable kind of a fault, by the beginning of its sentence.
fn cause(why: &str) -> &'static str {
    match why.split(':').next() {
        Some("Required value") => "FieldValueRequired",
        Some("Too long") => "FieldValueTooLong",
        Some("Unsupported value") => "FieldValueNotSupported",
        _ if why.contains("must be of type") => "FieldValueTypeInvalid",
        _ => "FieldValueInvalid",
    }
}

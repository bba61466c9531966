//! How a request's object fits the definition of its kind: what it does not know is pruned, with a warning, in silence or
//! with a refusal as the client wants it; a wrong type is always refused.

use http::HeaderValue;
use http::header::WARNING;
use serde_json::{Value, json};

use super::reply::Reply;
use super::route::Asked;
use super::schema::{Fault, Shape};
use super::shapes;
use crate::demo::resource::Resource;
use crate::demo::status::{Status, bad_option};

/// What was not known, for the answer.
#[derive(Debug, Default)]
pub struct Unknown(Vec<String>);

/// Removes unknown fields from a new state of an object, of which `part` (empty for all but the status) is written.
///
/// # Errors
/// The refusal of a strict request, with the whole object in it as a real server puts it there; the fields whose values
/// have a wrong type.
pub fn fit(asked: &Asked, resource: Resource, part: &str, object: &mut Value) -> Result<Unknown, Status> {
    let Some(shape) = shapes::of(resource) else { return Ok(Unknown::default()) };
    let as_sent = object.to_string();
    let mut unknown = Vec::new();
    shape.prune(object, "", &mut unknown);
    match asked.get("fieldValidation") {
        Some("Strict") if !unknown.is_empty() => return Err(strict(asked, resource, &as_sent, &unknown)),
        Some("Ignore") => unknown.clear(),
        None | Some("Strict" | "Warn") => {}
        Some(other) => {
            let why = format!("Unsupported value: {other:?}: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"");
            return Err(bad_option("fieldValidation", &why));
        }
    }
    let mut faults = Vec::new();
    match (part, resource.about().status) {
        // What is written through the status is judged as a thing of its own.
        ("status", true) => check_status(shape, object, &mut faults),
        // The other half of the object is not written, whatever was sent for it.
        (_, true) => {
            let mut written = object.clone();
            if let Some(written) = written.as_object_mut() {
                written.remove("status");
            }
            shape.check(&written, "", &mut faults);
        }
        (_, false) => shape.check(object, "", &mut faults),
    }
    if faults.is_empty() {
        return Ok(Unknown(unknown));
    }
    // Their definitions have rules across fields.
    if matches!(resource, Resource::Rollout | Resource::Canary) {
        let why = "Invalid value: null: some validation rules were not checked because the object was invalid; \
                   correct the existing errors to complete validation";
        faults.push(("<nil>".to_owned(), why.to_owned()));
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    Err(Status::invalid_fields(resource, name, &faults))
}

fn check_status(shape: &Shape, object: &Value, faults: &mut Vec<Fault>) {
    let Some(shape) = shape.field("status") else { return };
    let mut of_status = Vec::new();
    if let Some(status) = object.get("status") {
        shape.check(status, "", &mut of_status);
    }
    let place = |(field, why): Fault| if field.is_empty() { ("status".to_owned(), why) } else { (format!("status.{field}"), why) };
    faults.extend(of_status.into_iter().map(place));
}

fn strict(asked: &Asked, resource: Resource, as_sent: &str, unknown: &[String]) -> Status {
    let what = format!("strict decoding error: {}", unknown.join(", "));
    if asked.method == http::Method::PATCH {
        let why = format!("Invalid value: {as_sent:?}: {what}");
        let causes = json!([{ "reason": "FieldValueInvalid", "message": why, "field": "patch" }]);
        let message = format!(" \"\" is invalid: patch: {why}");
        return Status { details: json!({ "causes": causes }), ..Status::new(422, "Invalid", message) };
    }
    let about = resource.about();
    Status::bad_request(format!("{0} in version \"{1}\" cannot be handled as a {0}: {what}", about.kind, about.version))
}

impl Unknown {
    /// Says in an answer's headers what was pruned.
    pub fn warn(&self, reply: &mut Reply) {
        for text in &self.0 {
            let quoted = format!("299 - {text:?}");
            if let Ok(value) = HeaderValue::from_str(&quoted) {
                reply.headers_mut().append(WARNING, value);
            }
        }
    }
}

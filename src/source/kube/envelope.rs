//! How objects come over the wire: pages of a list, and lines of a watch. Objects stay text until they are decoded one by one, so that
//! an odd one costs nothing but itself.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fault::{Cause, Fault};
use crate::domain::fact::Object;
use crate::domain::id::Kind;
use crate::domain::object::decode;

/// One page of a list.
#[derive(Deserialize)]
pub struct Page<'a> {
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    /// Where the list stands.
    #[serde(default)]
    pub metadata: Option<PageMeta>,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

/// `metadata` of a list.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PageMeta {
    /// Version at which a watch goes on.
    pub resource_version: Option<String>,
    /// Present if there are more pages.
    #[serde(rename = "continue")]
    pub next: Option<String>,
}

impl<'a> Page<'a> {
    /// Reads a page of a kind; what is something else is a fault.
    pub fn read(kind: Kind, body: &'a [u8]) -> Result<Self, Fault> {
        let wrong = |what: &str| Fault::new(Cause::Garbled, &format!("asked for {}, got {what}", kind.plural()));
        let page: Self = serde_json::from_slice(body).map_err(|error| {
            let cut = error.is_eof() && !body.is_empty();
            if cut { Fault::new(Cause::Unreachable, "half an answer") } else { wrong(&glimpse(body)) }
        })?;
        match page.kind.as_deref() {
            Some(other) if other != "List" && other != format!("{kind}List") => Err(wrong(&format!("a {other}"))),
            None if page.items.is_none() => Err(wrong("no list")),
            _ => Ok(page),
        }
    }

    /// Its objects, as text.
    pub fn items(&self) -> impl Iterator<Item = &'a str> {
        self.items.iter().flatten().map(|item| item.get())
    }
}

/// The beginning of something unexpected, for people.
fn glimpse(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let start: String = text.trim().chars().take(40).collect();
    if start.is_empty() { "nothing".to_owned() } else { format!("`{start}…`") }
}

/// One line of a watch.
#[derive(Deserialize)]
pub struct Line<'a> {
    #[serde(rename = "type", borrow, default)]
    what: Cow<'a, str>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
}

/// What a line says.
pub enum Said<'a> {
    /// The object is there, as text.
    There(&'a str),
    /// The object is gone, as text.
    Gone(&'a str),
    /// So far everything has been said.
    Mark {
        /// Version at which a watch goes on.
        version: String,
        /// Whether the objects that were there at the beginning have all been sent.
        complete: bool,
    },
}

/// A bookmark's object.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Bookmark {
    metadata: BookmarkMeta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BookmarkMeta {
    resource_version: String,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// An error's object, as far as its code.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorCode {
    code: u16,
}

impl<'a> Said<'a> {
    /// Reads a line; an error event, and what is no event, is a fault.
    pub fn read(line: &'a [u8]) -> Result<Self, Fault> {
        let garbled = || Fault::new(Cause::Garbled, &format!("a watch said {}", glimpse(line)));
        let Line { what, object } = serde_json::from_slice(line).map_err(|_| garbled())?;
        let object = object.ok_or_else(garbled)?.get();
        match &*what {
            "ADDED" | "MODIFIED" => Ok(Self::There(object)),
            "DELETED" => Ok(Self::Gone(object)),
            "BOOKMARK" => {
                let Bookmark { metadata } = serde_json::from_str(object).map_err(|_| garbled())?;
                let complete = metadata.annotations.is_some_and(|all| all.contains_key("k8s.io/initial-events-end"));
                Ok(Self::Mark { version: metadata.resource_version, complete })
            }
            "ERROR" => {
                let ErrorCode { code } = serde_json::from_str(object).unwrap_or_default();
                Err(Fault::answered(if code == 0 { 500 } else { code }, object.as_bytes(), None))
            }
            _ => Err(garbled()),
        }
    }
}

/// Decodes an object of a kind.
pub fn object(kind: Kind, text: &str) -> Result<Object, serde_json::Error> {
    Ok(match kind {
        Kind::Rollout => Object::Rollout(Arc::new(decode(text)?)),
        Kind::Canary => Object::Canary(Arc::new(decode(text)?)),
        Kind::ReplicaSet => Object::ReplicaSet(Arc::new(decode(text)?)),
        Kind::Pod => Object::Pod(Arc::new(decode(text)?)),
        Kind::AnalysisRun => Object::AnalysisRun(Arc::new(decode(text)?)),
        Kind::Experiment => Object::Experiment(Arc::new(decode(text)?)),
        Kind::Event => Object::Event(Arc::new(decode(text)?)),
        Kind::Lease => Object::Lease(Arc::new(decode(text)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        match Said::read(line.as_bytes()) {
            Ok(Said::There(text)) => format!("there {text}"),
            Ok(Said::Gone(text)) => format!("gone {text}"),
            Ok(Said::Mark { version, complete }) => format!("mark {version} {complete}"),
            Err(fault) => format!("{:?} {}", fault.cause, fault.line()),
        }
    }

    #[test]
    fn lines_are_read_in_any_order_of_fields() {
        assert_eq!(said(r#"{"type":"ADDED","object":{"a":1}}"#), r#"there {"a":1}"#);
        assert_eq!(said(r#"{"object":{"a":1},"type":"DELETED"}"#), r#"gone {"a":1}"#);
        assert_eq!(said(r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}"#), "mark 7 false");
        let end = r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}}"#;
        assert_eq!(said(end), "mark 7 true");
        assert_eq!(said(r#"{"type":"ERROR","object":{"code":410,"message":"too old"}}"#), "Expired 410 Gone: too old");
        assert_eq!(said("<html>"), "Garbled a watch said `<html>…`");
        assert_eq!(said(r#"{"type":"ADDED"}"#), r#"Garbled a watch said `{"type":"ADDED"}…`"#);
    }

    #[test]
    fn pages_are_lists_of_what_was_asked_for() {
        let read =
            |body: &str| Page::read(Kind::Rollout, body.as_bytes()).map(|page| page.items().count()).map_err(|fault| fault.text);
        assert_eq!(read(r#"{"kind":"RolloutList","metadata":{},"items":[{},null,7]}"#), Ok(3));
        assert_eq!(read(r#"{"items":null,"kind":"List"}"#), Ok(0));
        assert_eq!(read(r#"{"kind":"PodList","items":[]}"#), Err("asked for rollouts, got a PodList".into()));
        assert_eq!(read("<html>"), Err("asked for rollouts, got `<html>…`".into()));
        assert_eq!(read("{}"), Err("asked for rollouts, got no list".into()));
        assert_eq!(read(""), Err("asked for rollouts, got nothing".into()));
        assert_eq!(read(r#"{"items":[{"#), Err("half an answer".into()));
    }
}

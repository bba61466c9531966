//! What a request asks for: path, query and headers read once, into names. It decides nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::demo::requests::Key;
use crate::demo::resource::Resource;

/// One request, read.
#[derive(Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path as it came.
    pub path: String,
    /// The query's values, decoded; of a repeated key the last one.
    pub query: BTreeMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The objects that the path names, if it names any.
    pub target: Option<Target>,
}

/// The objects that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Their kind.
    pub resource: Resource,
    /// Their namespace; empty for all of them, and for kinds without.
    pub namespace: String,
    /// The one object, if it is one.
    pub name: Option<String>,
    /// `status`, `scale` or empty.
    pub part: String,
}

impl Asked {
    /// Reads a request.
    pub fn new(parts: http::request::Parts, body: Bytes) -> Self {
        let path = parts.uri.path().to_owned();
        let target = target(&path);
        let query = query(parts.uri.query().unwrap_or_default());
        Self { method: parts.method, path, query, headers: parts.headers, body, target }
    }

    /// Reads it as if it had asked for another path.
    pub fn move_to(&mut self, path: String) {
        self.target = target(&path);
        self.path = path;
    }

    /// A value of the query.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A switch of the query is on.
    pub fn is_on(&self, key: &str) -> bool {
        matches!(self.get(key), Some("true" | "1"))
    }

    /// A header's text; empty if it is not there.
    pub fn header(&self, name: http::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The request as it is counted.
    pub fn counted(&self) -> Key {
        Key { verb: self.verb().to_owned(), path: self.path.clone(), dry_run: self.get("dryRun").is_some() }
    }

    /// The verb under which permissions speak of it.
    pub fn verb(&self) -> &'static str {
        let named = self.target.as_ref().is_some_and(|target| target.name.is_some());
        match (self.method.as_str(), named) {
            ("GET" | "HEAD", true) => "get",
            ("GET" | "HEAD", false) if self.is_on("watch") => "watch",
            ("GET" | "HEAD", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "",
        }
    }
}

/// Reads a query. Empty pairs are skipped: kube begins some queries with `&`.
fn query(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

/// A part of a path or query without its percent signs.
pub fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                let text = str::from_utf8(&digits).unwrap_or("00");
                out.push(u8::from_str_radix(text, 16).unwrap_or(b'?'));
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The objects that a path names: `/api/v1/…` or `/apis/GROUP/VERSION/…`.
fn target(path: &str) -> Option<Target> {
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, plural, rest) = match rest {
        ["namespaces", namespace, plural, rest @ ..] if !matches!(*plural, "status" | "finalize") => (*namespace, *plural, rest),
        [plural, rest @ ..] => ("", *plural, rest),
        [] => return None,
    };
    let resource = Resource::at(group, version, plural)?;
    let (name, part) = match rest {
        [] => (None, ""),
        [name] => (Some((*name).to_owned()), ""),
        [name, part] => (Some((*name).to_owned()), *part),
        _ => return None,
    };
    let about = resource.about();
    let place_fits = about.namespaced != namespace.is_empty() || (about.namespaced && name.is_none());
    let part_fits = part.is_empty() || part == "status" && about.status || part == "scale" && about.scale;
    (place_fits && part_fits).then(|| Target { resource, namespace: namespace.to_owned(), name, part: part.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> Option<(Resource, String, Option<String>, String)> {
        target(path).map(|t| (t.resource, t.namespace, t.name, t.part))
    }

    #[test]
    fn paths_name_objects() {
        let text = str::to_owned;
        let rollouts = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts";
        assert_eq!(names(rollouts), Some((Resource::Rollout, text("shop"), None, text(""))));
        assert_eq!(
            names(&format!("{rollouts}/gateway/status")),
            Some((Resource::Rollout, text("shop"), Some(text("gateway")), text("status")))
        );
        assert_eq!(names("/api/v1/pods"), Some((Resource::Pod, text(""), None, text(""))));
        assert_eq!(names("/api/v1/namespaces/shop"), Some((Resource::Namespace, text(""), Some(text("shop")), text(""))));
        assert_eq!(
            names("/api/v1/namespaces/shop/status"),
            Some((Resource::Namespace, text(""), Some(text("shop")), text("status")))
        );
        let analysis = "/apis/argoproj.io/v1alpha1/namespaces/shop/analysisruns/x/status";
        assert_eq!(names(analysis), None, "AnalysisRuns have no status of their own path");
        assert_eq!(names("/api/v1/pods/x"), None);
        assert_eq!(names("/apis/argoproj.io/v1/rollouts"), None);
    }

    #[test]
    fn queries_are_decoded_and_empty_pairs_skipped() {
        let query = query("&limit=5&labelSelector=a+in+(b%2Cc)&watch");
        assert_eq!(query["limit"], "5");
        assert_eq!(query["labelSelector"], "a in (b,c)");
        assert_eq!(query["watch"], "");
    }
}

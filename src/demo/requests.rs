//! How often each request came, as it came: before anything was made of it, whatever was answered. So a test can say that
//! nothing was sent twice.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::world::lock;

/// How many different requests are told apart; more are counted as one.
const MOST: usize = 10_000;

/// The requests since the start, or since they were last forgotten.
#[derive(Debug, Default)]
pub struct Requests(Mutex<BTreeMap<Key, u64>>);

/// A request as it is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The verb (`get`, `watch`, `patch`, …).
    pub verb: String,
    /// The path without its query.
    pub path: String,
    /// It only wants to see what would happen.
    pub dry_run: bool,
}

impl Requests {
    /// Counts a request.
    pub fn note(&self, key: Key) {
        let mut counts = lock(&self.0);
        let key = if counts.len() < MOST || counts.contains_key(&key) { key } else { Key { path: "other".to_owned(), ..key } };
        *counts.entry(key).or_default() += 1;
    }

    /// Begins to count anew.
    pub fn forget(&self) {
        lock(&self.0).clear();
    }

    /// The counts of those with this verb, if one is given, and whose path starts so; sorted by verb and path.
    pub fn list(&self, verb: Option<&str>, path: &str) -> Value {
        let counts = lock(&self.0);
        let wanted = counts.iter().filter(|(key, _)| verb.is_none_or(|verb| verb == key.verb) && key.path.starts_with(path));
        wanted.map(|(key, count)| json!({ "verb": key.verb, "path": key.path, "dry_run": key.dry_run, "count": count })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_different_ones_are_counted_as_one() {
        let requests = Requests::default();
        let key = |path: String| Key { verb: "get".to_owned(), path, dry_run: false };
        (0..MOST + 5).for_each(|number| requests.note(key(format!("/{number}"))));
        requests.note(key("/3".to_owned()));
        assert_eq!(requests.list(Some("get"), "/3").as_array().unwrap().iter().find(|r| r["path"] == "/3").unwrap()["count"], 2);
        assert_eq!(requests.list(None, "other")[0]["count"], 5);
        requests.forget();
        assert_eq!(requests.list(None, ""), json!([]));
    }
}

//! What the world's services are like: the numbers that metrics would return and the answers that gates would give.
//! Whoever plays the world sets them; nobody is asked over a network.

use std::collections::BTreeMap;

use serde_json::Value;

/// Numbers and gates, by name.
#[derive(Clone, Debug, Default)]
pub struct Model {
    metrics: BTreeMap<String, Value>,
    gates: BTreeMap<String, u16>,
    told: Vec<(String, Value)>,
}

impl Model {
    /// What a metric returns from now on. Its name is the last part of the URL that is asked, or the metric's own name,
    /// or one of these behind `namespace/` or `namespace/owner/`. Null forgets it.
    pub fn set_metric(&mut self, name: &str, value: Value) {
        self.told.push((name.to_owned(), value.clone()));
        if value.is_null() {
            self.metrics.remove(name);
        } else {
            self.metrics.insert(name.to_owned(), value);
        }
    }

    /// The metrics that were set since the last call, in that order.
    pub fn take_told(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.told)
    }

    /// The HTTP status that a gate answers from now on; its name is the last part of its URL, or that behind `namespace/`
    /// or `namespace/canary/`.
    pub fn set_gate(&mut self, name: &str, status: u16) {
        self.gates.insert(name.to_owned(), status);
    }

    /// What a metric returns; the names are tried in order.
    pub fn metric(&self, names: &[String]) -> Option<&Value> {
        names.iter().find_map(|name| self.metrics.get(name))
    }

    /// What a gate answers; the names are tried in order.
    pub fn gate(&self, names: &[String]) -> Option<u16> {
        names.iter().find_map(|name| self.gates.get(name).copied())
    }
}

/// The names under which something of an owner is looked up: the most particular first.
pub fn names(namespace: &str, owner: &str, own: &[&str]) -> Vec<String> {
    let own: Vec<&str> = own.iter().copied().filter(|name| !name.is_empty()).collect();
    let of_owner = own.iter().map(|name| format!("{namespace}/{owner}/{name}"));
    let of_namespace = own.iter().map(|name| format!("{namespace}/{name}"));
    of_owner.chain(of_namespace).chain(own.iter().map(|name| (*name).to_owned())).collect()
}

/// The last part of a URL's path.
pub fn last_part(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

//! A ROLLOUT as typed: `[rollout/|canary/][NAMESPACE/]NAME`. Never guesses: several that match are all named.

use super::Failure;
use crate::config::error::nearest;
use crate::domain::id::{Key, Kind};

/// A rollout as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    kind: Option<Kind>,
    namespace: Option<String>,
    name: String,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = match text.split_once('/') {
            Some(("rollout" | "rollouts" | "ro", rest)) => (Some(Kind::Rollout), rest),
            Some(("canary" | "canaries", rest)) => (Some(Kind::Canary), rest),
            _ => (None, text),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, rest),
        };
        if name.is_empty() || name.contains('/') || namespace.as_deref() == Some("") {
            return Err("a rollout is [rollout/|canary/][NAMESPACE/]NAME".to_owned());
        }
        Ok(Self { kind, namespace, name: name.to_owned() })
    }
}

impl Target {
    /// The one object that is meant; otherwise which ones could be.
    pub fn find<'a>(&self, keys: impl Iterator<Item = &'a Key> + Clone) -> Result<&'a Key, Failure> {
        let mut found: Vec<&Key> = keys.clone().filter(|key| self.matches(key)).collect();
        found.sort();
        match found.as_slice() {
            [key] => Ok(key),
            [] => {
                let names = keys.map(|key| &*key.name);
                let meant = nearest(&self.name, names).map_or(String::new(), |name| format!(" Did you mean '{name}'?"));
                Err(Failure::Refused(format!("There is no rollout '{}'.{meant} pilothouse status lists all of them.", self.text())))
            }
            several => {
                let names: Vec<String> = several.iter().map(|key| full(key)).collect();
                Err(Failure::Usage(format!("'{}' is {} rollouts. Say which: {}.", self.text(), names.len(), names.join(", "))))
            }
        }
    }

    /// The kind, if one was typed.
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The namespace, if one was typed.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether an object is one that can be meant.
    pub fn matches(&self, key: &Key) -> bool {
        self.kind.is_none_or(|kind| kind == key.kind)
            && self.namespace.as_deref().is_none_or(|namespace| namespace == &*key.namespace)
            && *self.name == *key.name
    }

    fn text(&self) -> String {
        let namespace = self.namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
        format!("{namespace}{}", self.name)
    }
}

/// The spelling that means this object and no other.
fn full(key: &Key) -> String {
    let kind = if key.kind == Kind::Canary { "canary" } else { "rollout" };
    format!("{kind}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> String {
        let keys = [
            Key::new(Kind::Rollout, "shop", "gateway"),
            Key::new(Kind::Rollout, "pay", "gateway"),
            Key::new(Kind::Canary, "shop", "web"),
            Key::new(Kind::Rollout, "shop", "web"),
            Key::new(Kind::Rollout, "shop", "search"),
        ];
        match text.parse::<Target>() {
            Err(error) => error,
            Ok(target) => target.find(keys.iter()).map_or_else(|failure| failure.to_string(), full),
        }
    }

    #[test]
    fn the_shortest_spelling_that_is_certain_is_enough() {
        assert_eq!(find("search"), "rollout/shop/search");
        assert_eq!(find("pay/gateway"), "rollout/pay/gateway");
        assert_eq!(find("canary/web"), "canary/shop/web");
        assert_eq!(find("rollout/shop/web"), "rollout/shop/web");
    }

    #[test]
    fn what_is_not_certain_is_refused_with_the_candidates() {
        assert_eq!(find("gateway"), "'gateway' is 2 rollouts. Say which: rollout/pay/gateway, rollout/shop/gateway.");
        assert_eq!(find("shop/web"), "'shop/web' is 2 rollouts. Say which: rollout/shop/web, canary/shop/web.");
        assert_eq!(find("serch"), "There is no rollout 'serch'. Did you mean 'search'? pilothouse status lists all of them.");
        assert_eq!(find("a/b/c/d"), "a rollout is [rollout/|canary/][NAMESPACE/]NAME");
        assert_eq!(find("shop/"), "a rollout is [rollout/|canary/][NAMESPACE/]NAME");
    }
}

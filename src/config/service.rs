//! Which rollouts a `[[service]]` is about.

use super::Service;

impl Service {
    /// Whether it speaks of this rollout of this environment.
    pub fn is_about(&self, environment: &str, namespace: &str, name: &str) -> bool {
        self.environment.as_deref().is_none_or(|own| own == environment)
            && self.namespace.as_deref().is_none_or(|own| own == namespace)
            && fits(&self.name, name)
    }
}

/// Whether a name fits a pattern in which `*` stands for any letters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let Some((_, after)) = name.split_once(part) else { return false };
        name = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        let cases =
            [("gateway", true), ("*", true), ("gate*", true), ("*way", true), ("g*e*y", true), ("gate", false), ("gate*x", false)];
        for (pattern, expected) in cases.into_iter().chain([("**", true), ("gateway*", true), ("*gateway*x", false), ("", false)]) {
            assert_eq!(fits(pattern, "gateway"), expected, "{pattern}");
        }
        let service =
            Service { name: "g*".into(), namespace: Some("shop".into()), environment: Some("prod".into()), ..Service::default() };
        assert!(service.is_about("prod", "shop", "gateway") && !service.is_about("prod", "shop", "web"));
        assert!(!service.is_about("stage", "shop", "gateway") && !service.is_about("prod", "other", "gateway"));
    }
}

//! What is in the newest revision against stable: images, what differs in the templates, and the ConfigMaps and Secrets that the
//! templates name. Pure; values of Secrets are not among what it is given, and texts that look like credentials are masked.

mod compare;
mod references;
mod show;

use jiff::Timestamp;
use serde_json::Value;

pub use compare::compare;
pub use references::{Reference, ReferenceKind, references};

/// What is in a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// What there is to go back to; None at the first deployment.
    pub stable: Option<Side>,
    /// The newest revision; the same as stable where nothing is on its way.
    pub newest: Side,
    /// What differs in their templates, by path. Images are in the sides.
    pub differences: Vec<Difference>,
    /// ConfigMaps and Secrets that either template names, those that need an eye first.
    pub references: Vec<Named>,
    /// What could not be looked at, in a sentence each.
    pub refused: Vec<String>,
}

/// One of both revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Its number; Flagger counts none.
    pub revision: Option<i64>,
    /// Its pod hash; empty where there is none.
    pub hash: Box<str>,
    /// Its containers with their images, as the template has them, init containers first.
    pub images: Vec<(Box<str>, Box<str>)>,
    /// When it was first deployed.
    pub created: Option<Timestamp>,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: `containers[gateway].resources.limits.memory`.
    pub path: Box<str>,
    /// What stable has; None if it has nothing there.
    pub old: Option<Box<str>>,
    /// What the newest revision has.
    pub new: Option<Box<str>>,
}

/// A ConfigMap or Secret, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Which of both.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: Box<str>,
    /// Which templates name it.
    pub by: NamedBy,
    /// When it last changed; None if that is not known.
    pub changed: Option<Timestamp>,
    /// Whether stable names it and it changed after stable was deployed: going back does not bring its old content back.
    pub after_stable: bool,
    /// Whether it is not there.
    pub missing: bool,
    /// Whether the pods start without it.
    pub optional: bool,
}

/// Which templates name something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// Both.
    Both,
    /// The newest revision's alone.
    Newest,
    /// Stable's alone.
    Stable,
}

/// What is known of a named object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is there, and last changed then.
    Changed(Option<Timestamp>),
    /// It is not there.
    Missing,
    /// It may not be looked at.
    Refused,
}

impl Side {
    /// A side of a template.
    pub fn of(template: &Value) -> Self {
        let lists = ["initContainers", "containers"].into_iter();
        let containers = lists.filter_map(|list| template.pointer(&format!("/spec/{list}"))?.as_array()).flatten();
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().into();
        Self { images: containers.map(|one| (text(one, "name"), text(one, "image"))).collect(), ..Self::default() }
    }
}

impl Contents {
    /// Whether nothing is on its way.
    pub fn is_settled(&self) -> bool {
        let same = |stable: &Side| !stable.hash.is_empty() && stable.hash == self.newest.hash;
        self.differences.is_empty() && self.stable.as_ref().is_some_and(same)
    }

    /// Containers with their images before and after, in the order of the newest revision; those that went, at the end.
    pub fn images(&self) -> Vec<(&str, Option<&str>, Option<&str>)> {
        let old = self.stable.as_ref().map_or(&[][..], |stable| &stable.images);
        let find = |all: &'_ [(Box<str>, Box<str>)], name: &str| all.iter().position(|(known, _)| **known == *name);
        let before = |name: &str| find(old, name).and_then(|place| old.get(place)).map(|(_, image)| &**image);
        let mut images: Vec<_> = self.newest.images.iter().map(|(name, image)| (&**name, before(name), Some(&**image))).collect();
        let gone = old.iter().filter(|(name, _)| find(&self.newest.images, name).is_none());
        images.extend(gone.map(|(name, image)| (&**name, Some(&**image), None)));
        images
    }
}

/// What both templates name, each with what is known of it. Nothing is told of what may not be looked at but its name.
pub fn named(stable: Option<(&Value, Option<Timestamp>)>, newest: &Value, known: impl Fn(&Reference) -> Known) -> Vec<Named> {
    let new = references(newest);
    let old = stable.map(|(template, _)| references(template)).unwrap_or_default();
    let since = stable.and_then(|(_, since)| since);
    let same = |a: &Reference, b: &Reference| a.kind == b.kind && a.name == b.name;
    let both = |reference: &Reference, all: &[Reference]| all.iter().any(|other| same(reference, other));
    let only_old = old.iter().filter(|reference| !both(reference, &new)).map(|reference| (reference, NamedBy::Stable));
    let others = new.iter().map(|one| (one, if both(one, &old) { NamedBy::Both } else { NamedBy::Newest }));
    let mut all: Vec<Named> = others
        .chain(only_old)
        .map(|(reference, by)| {
            let found = known(reference);
            let changed = if let Known::Changed(changed) = found { changed } else { None };
            let after_stable = by != NamedBy::Newest && changed.zip(since).is_some_and(|(changed, since)| changed > since);
            let (kind, name, optional) = (reference.kind, reference.name.clone(), reference.optional);
            Named { kind, name, by, changed, after_stable, missing: found == Known::Missing, optional }
        })
        .collect();
    all.sort_by(|a, b| (!a.needs_an_eye(), a.kind, &a.name).cmp(&(!b.needs_an_eye(), b.kind, &b.name)));
    all
}

impl Named {
    /// Whether it changed under stable, or pods cannot start without it.
    pub fn needs_an_eye(&self) -> bool {
        self.after_stable || (self.missing && !self.optional)
    }
}

/// Flagger's copy of a target's template as if it were the target's own: names that end in `-primary` where the target's do not lose
/// that end, and Flagger's mark goes. What is renamed so has a copy of its own, which goes back with the template.
pub fn as_target(primary: &Value, target: &Value) -> Value {
    match (primary, target) {
        (Value::String(copy), Value::String(own)) if copy.strip_suffix("-primary") == Some(own) => target.clone(),
        (Value::Object(copies), Value::Object(owns)) => {
            let fields = copies.iter().filter(|(key, _)| key.as_str() != "flagger-id" || owns.contains_key(*key));
            let own = |key: &str| owns.get(key).unwrap_or(&Value::Null);
            fields.map(|(key, copy)| (key.clone(), as_target(copy, own(key)))).collect()
        }
        (Value::Array(copies), Value::Array(owns)) => {
            let null = Value::Null;
            let own = |place: usize, copy: &Value| {
                let named = copy.get("name").and_then(|name| owns.iter().find(|own| own.get("name") == Some(name)));
                named.or_else(|| owns.get(place)).unwrap_or(&null).clone()
            };
            copies.iter().enumerate().map(|(place, copy)| as_target(copy, &own(place, copy))).collect()
        }
        _ => primary.clone(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use serde_json::json;

    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + hours.hours()
    }

    fn naming(maps: &[&str]) -> Value {
        let sources: Vec<_> = maps.iter().map(|name| json!({"configMapRef": {"name": name}})).collect();
        json!({"spec": {"containers": [{"name": "main", "image": "web:1", "envFrom": sources}]}})
    }

    #[test]
    fn what_changed_under_stable_comes_first() {
        let known = |reference: &Reference| match &*reference.name {
            "gone" => Known::Missing,
            "secret" => Known::Refused,
            name => Known::Changed(Some(at(if name.starts_with("late") { 9 } else { 1 }))),
        };
        let (stable, newest) = (naming(&["a", "late-old", "gone", "late-both"]), naming(&["late-new", "late-both", "a", "secret"]));
        let found = named(Some((&stable, Some(at(5)))), &newest, known);
        let words: Vec<_> = found.iter().map(|one| (&*one.name, one.by, one.after_stable, one.missing)).collect();
        let expected = [
            ("gone", NamedBy::Stable, false, true),
            ("late-both", NamedBy::Both, true, false),
            ("late-old", NamedBy::Stable, true, false),
            ("a", NamedBy::Both, false, false),
            ("late-new", NamedBy::Newest, false, false),
            ("secret", NamedBy::Newest, false, false),
        ];
        assert_eq!(words, expected);
        assert_eq!(found[5].changed, None);
        let first = named(None, &newest, known);
        assert!(first.iter().all(|one| !one.after_stable && one.by == NamedBy::Newest) && first.len() == 4);
    }

    #[test]
    fn images_before_and_after() {
        let side = |template: Value| Side::of(&template);
        let container = |name: &str, image: &str| json!({"name": name, "image": image});
        let stable = side(json!({"spec": {"containers": [container("main", "web:1"), container("old", "x:1")]}}));
        let newest =
            side(json!({"spec": {"initContainers": [container("first", "i:1")], "containers": [container("main", "web:2")]}}));
        let contents =
            Contents { stable: Some(stable), newest, differences: Vec::new(), references: Vec::new(), refused: Vec::new() };
        let expected = [("first", None, Some("i:1")), ("main", Some("web:1"), Some("web:2")), ("old", Some("x:1"), None)];
        assert_eq!(contents.images(), expected);
        assert!(!contents.is_settled());
    }

    #[test]
    fn flaggers_copy_is_read_as_the_targets_own() {
        let template = |end: &str, id: bool| {
            let mut annotations = json!({"note": "x"});
            if id {
                annotations["flagger-id"] = "123".into();
            }
            json!({"metadata": {"labels": {"app": format!("web{end}")}, "annotations": annotations},
                "spec": {"containers": [{"name": "main", "image": "web:1", "envFrom": [{"configMapRef": {"name": format!("web-config{end}")}}]}],
                    "volumes": [{"name": "b", "secret": {"secretName": format!("tls{end}")}}, {"name": "own-primary"}]}})
        };
        let (primary, target) = (template("-primary", true), template("", false));
        assert_eq!(as_target(&primary, &target), target);
        assert!(compare(&as_target(&primary, &target), &target).is_empty());
    }
}

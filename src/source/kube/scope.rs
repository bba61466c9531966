//! What one watch reads: a kind, where, and which of them. Plain values; nothing here talks to anybody.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::fact::Object;
use crate::domain::guard::GUARD;
use crate::domain::id::Kind;
use crate::source::Subject;

/// ReplicaSets that Argo Rollouts made carry this label; those of Deployments do not and are never read.
const HASH_LABEL: &str = "rollouts-pod-template-hash";
/// A field selector of events: those that all went well are many, and say little.
const WARNINGS: &str = "type=Warning";

/// One watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Where, and by which selectors.
    pub place: Place,
    /// If not empty, only what these own, or what is owned by something whose name begins with theirs: an Experiment's runs.
    /// Of events, those about something whose name begins so: their ReplicaSets and pods.
    pub owners: BTreeSet<Arc<str>>,
}

/// The part of a scope that a server sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// What.
    pub kind: Kind,
    /// Where; None is everywhere.
    pub namespace: Option<Arc<str>>,
    /// Label selector, may be empty.
    pub labels: String,
    /// Field selector, may be empty.
    pub fields: String,
}

impl Place {
    /// All of a kind in a namespace, or everywhere.
    pub fn new(kind: Kind, namespace: Option<Arc<str>>) -> Self {
        let labels = match kind {
            Kind::ReplicaSet => HASH_LABEL,
            // Every node and every controller has Leases of its own.
            Kind::Lease => GUARD,
            _ => "",
        };
        let labels = labels.to_owned();
        Self { kind, namespace, labels, fields: String::new() }
    }

    /// The path under which a server has it.
    pub fn path(&self) -> String {
        let group = group_of(self.kind);
        let plural = self.kind.plural();
        match &self.namespace {
            Some(namespace) => format!("{group}/namespaces/{namespace}/{plural}"),
            None => format!("{group}/{plural}"),
        }
    }
}

/// Path of the group and version that serves a kind.
pub fn group_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Rollout | Kind::AnalysisRun | Kind::Experiment => "/apis/argoproj.io/v1alpha1",
        Kind::Canary => "/apis/flagger.app/v1beta1",
        Kind::ReplicaSet => "/apis/apps/v1",
        Kind::Pod | Kind::Event => "/api/v1",
        Kind::Lease => "/apis/coordination.k8s.io/v1",
    }
}

impl Scope {
    /// Everything in a place.
    pub fn all(place: Place) -> Self {
        Self { place, owners: BTreeSet::new() }
    }

    /// Whether an object in the place belongs to the scope.
    pub fn takes(&self, object: &Object) -> bool {
        if self.owners.is_empty() {
            return true;
        }
        match object {
            Object::Event(event) => self.owned_by(&event.involved_object.name),
            other => other.meta().controller().is_some_and(|owner| self.owned_by(&owner.name)),
        }
    }

    fn owned_by(&self, name: &str) -> bool {
        let below = |owner: &Arc<str>| name.strip_prefix(&**owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        self.owners.iter().any(below)
    }
}

/// What is read whole, all the time.
pub fn whole(namespaces: &[Option<Arc<str>>]) -> Vec<Scope> {
    let kinds = [Kind::Rollout, Kind::ReplicaSet, Kind::Canary, Kind::Lease];
    let each = |kind| namespaces.iter().map(move |namespace| Scope::all(Place::new(kind, namespace.clone())));
    kinds.into_iter().flat_map(each).collect()
}

/// What is read for those that are looked at: pods and events each by a watch of their own; what they own, and warnings about that,
/// by one per namespace: events cannot be asked for by what owns what they are about.
pub fn close(subjects: &[Subject]) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for subject in subjects {
        let namespace = &subject.key.namespace;
        if !subject.selector.is_empty() {
            let place = Place { labels: subject.selector.clone(), ..Place::new(Kind::Pod, Some(namespace.clone())) };
            scopes.push(Scope::all(place));
        }
        let fields = match &*subject.uid {
            "" => format!("involvedObject.kind={},involvedObject.name={}", subject.key.kind, subject.key.name),
            uid => format!("involvedObject.uid={uid}"),
        };
        scopes.push(Scope::all(Place { fields, ..Place::new(Kind::Event, Some(namespace.clone())) }));
    }
    let namespaces: BTreeSet<&Arc<str>> = rollouts(subjects).map(|subject| &subject.key.namespace).collect();
    for namespace in namespaces {
        let here = rollouts(subjects).filter(|subject| subject.key.namespace == *namespace);
        let owners: BTreeSet<Arc<str>> = here.map(|subject| subject.key.name.clone()).collect();
        for kind in [Kind::AnalysisRun, Kind::Experiment, Kind::Event] {
            let fields = if kind == Kind::Event { WARNINGS.to_owned() } else { String::new() };
            let place = Place { fields, ..Place::new(kind, Some(namespace.clone())) };
            scopes.push(Scope { place, owners: owners.clone() });
        }
    }
    scopes
}

fn rollouts(subjects: &[Subject]) -> impl Iterator<Item = &Subject> {
    subjects.iter().filter(|subject| subject.key.kind == Kind::Rollout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Key;
    use crate::domain::object::{AnalysisRun, Event, Involved, Meta, Owner};

    fn subject(kind: Kind, namespace: &str, name: &str) -> Subject {
        Subject { key: Key::new(kind, namespace, name), uid: format!("uid-{name}").into(), selector: format!("app={name}") }
    }

    #[test]
    fn paths_are_those_of_the_api() {
        assert_eq!(Place::new(Kind::Rollout, None).path(), "/apis/argoproj.io/v1alpha1/rollouts");
        assert_eq!(Place::new(Kind::Pod, Some("shop".into())).path(), "/api/v1/namespaces/shop/pods");
        assert_eq!(Place::new(Kind::ReplicaSet, None).labels, "rollouts-pod-template-hash");
    }

    #[test]
    fn what_is_looked_at_costs_two_watches_each_and_three_a_namespace() {
        let subjects = [subject(Kind::Rollout, "a", "web"), subject(Kind::Rollout, "a", "api"), subject(Kind::Canary, "b", "pay")];
        let scopes = close(&subjects);
        assert_eq!(scopes.len(), 3 * 2 + 3);
        let runs = scopes.iter().find(|scope| scope.place.kind == Kind::AnalysisRun).unwrap();
        assert_eq!(runs.owners.iter().map(|name| &**name).collect::<Vec<_>>(), ["api", "web"]);
        assert!(scopes.iter().any(|scope| scope.place.fields == "involvedObject.uid=uid-pay"));
    }

    #[test]
    fn owners_are_the_subject_and_its_experiments() {
        let scope = Scope { owners: BTreeSet::from(["web".into()]), ..Scope::all(Place::new(Kind::AnalysisRun, None)) };
        let owned = |name: &str| {
            let owner = Owner { name: name.into(), controller: true, ..Owner::default() };
            let metadata = Meta { owner_references: [owner].into(), ..Meta::default() };
            scope.takes(&Object::AnalysisRun(Arc::new(AnalysisRun { metadata, ..AnalysisRun::default() })))
        };
        assert!(owned("web") && owned("web-6f4c-2-0"));
        assert!(!owned("webshop") && !owned("api") && !scope.takes(&Object::AnalysisRun(Arc::default())));
        let about = |name: &str| {
            let involved_object = Involved { name: name.into(), ..Involved::default() };
            scope.takes(&Object::Event(Arc::new(Event { involved_object, ..Event::default() })))
        };
        assert!(about("web-6f4c-x2") && !about("webshop-6f4c-x2"));
    }
}

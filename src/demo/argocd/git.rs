//! What stands in Git for each application: objects as people wrote them, under a revision that changes with every push.
//! It is outside of the cluster; nobody there can change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::NAMESPACE;
use crate::demo::Resource;
use crate::demo::controller::desk::At;

/// All repositories.
#[derive(Debug, Default)]
pub struct Git {
    sources: BTreeMap<String, Source>,
    owners: BTreeMap<At, String>,
    pushes: u64,
}

/// What stands in Git for one application.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The newest commit.
    pub revision: String,
    /// The objects, in the order in which they are applied.
    pub manifests: Vec<Arc<(Resource, Value)>>,
    /// Since when something else is there.
    pub differs_since: Option<Timestamp>,
}

impl Git {
    /// Writes all objects of an application.
    pub fn push(&mut self, application: &str, manifests: Vec<(Resource, Value)>) {
        for (resource, object) in &manifests {
            self.owners.insert(At::of(*resource, object), application.to_owned());
        }
        let revision = self.next_revision(application);
        let manifests = manifests.into_iter().map(Arc::new).collect();
        self.sources.insert(application.to_owned(), Source { revision, manifests, differs_since: None });
    }

    /// Changes the objects of an application by a commit.
    pub fn commit(&mut self, application: &str, mut change: impl FnMut(&mut (Resource, Value))) {
        let revision = self.next_revision(application);
        if let Some(source) = self.sources.get_mut(application) {
            source.manifests.iter_mut().for_each(|manifest| change(Arc::make_mut(manifest)));
            source.revision = revision;
        }
    }

    /// What stands there for an application.
    pub fn source(&self, application: &str) -> Option<&Source> {
        self.sources.get(application)
    }

    /// The same, to be noted on.
    pub fn source_mut(&mut self, application: &str) -> Option<&mut Source> {
        self.sources.get_mut(application)
    }

    /// The Application that an object belongs to.
    pub fn application_of(&self, at: &At) -> Option<At> {
        self.owners.get(at).map(|name| At::new(Resource::Application, NAMESPACE, name))
    }

    /// A name for a commit that looks like one.
    fn next_revision(&mut self, application: &str) -> String {
        self.pushes += 1;
        let seed = application.bytes().fold(self.pushes, |sum, byte| sum.wrapping_mul(131).wrapping_add(byte.into()));
        let mut chance = fastrand::Rng::with_seed(seed);
        format!("{:016x}{:016x}{:08x}", chance.u64(..), chance.u64(..), chance.u32(..))
    }
}

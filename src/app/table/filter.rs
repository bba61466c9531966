//! What a filter lets through: releases in which every word of it occurs, in namespace and name, phase, need or images.

use crate::app::cluster::Cluster;
use crate::domain::id::Key;
use crate::domain::release::Phase;

/// A filter as typed, and what is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// As typed.
    pub(super) text: String,
    words: Vec<String>,
}

impl Filter {
    /// Takes a text as typed.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), words: text.split_whitespace().map(str::to_lowercase).collect() }
    }

    /// Whether it lets everything through.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether everything that this lets through is let through by the other too.
    pub(super) fn narrows(&self, other: &Self) -> bool {
        other.words.iter().all(|word| self.words.iter().any(|own| own.contains(word)))
    }

    /// Whether it lets a release through. `scratch` is for reuse between calls.
    pub(super) fn lets(&self, cluster: &Cluster, key: &Key, scratch: &mut String) -> bool {
        if self.is_empty() {
            return true;
        }
        scratch.clear();
        for part in [&*key.namespace, "/", &*key.name, "\n"] {
            scratch.push_str(part);
        }
        if let Some(glance) = cluster.glance(key) {
            scratch.push_str(phase(glance.phase));
            scratch.push_str(if glance.needs_person { " needs you\n" } else { "\n" });
        }
        let rollout = cluster.rollout(key);
        if let Some(template) = rollout.and_then(|rollout| rollout.spec.template.as_ref()) {
            for container in &template.spec.containers {
                scratch.push_str(&container.image);
                scratch.push('\n');
            }
        } else if rollout.is_some() {
            // Its template is elsewhere (`workloadRef`): its ReplicaSets have the images.
            for set in &cluster.belongings(key).replica_sets {
                for container in &set.spec.template.spec.containers {
                    scratch.push_str(&container.image);
                    scratch.push('\n');
                }
            }
        }
        scratch.make_ascii_lowercase();
        self.words.iter().all(|word| scratch.contains(word.as_str()))
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Healthy => "healthy",
        Phase::Progressing => "progressing",
        Phase::Paused => "paused",
        Phase::Degraded => "degraded",
        Phase::Unknown => "unknown",
    }
}

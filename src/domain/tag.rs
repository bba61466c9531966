//! Roles of ReplicaSets and images, and how a ReplicaSet is doing, as the plugin says them.

use std::borrow::Cow;
use std::fmt;

use super::belongings::{Belongings, pod_hash};
use super::object::{ReplicaSet, Rollout};
use super::release::{ImageTags, Tag};

/// Annotation of an Experiment's ReplicaSet: the template it runs.
const TEMPLATE_NAME: &str = "experiment.argoproj.io/template-name";

impl Tag {
    /// The tag as the plugin prints it.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Canary => "canary".into(),
            Self::Stable => "stable".into(),
            Self::Active => "active".into(),
            Self::Preview => "preview".into(),
            Self::Ping => "ping".into(),
            Self::Pong => "pong".into(),
            Self::Experiment(template) => format!("Σ:{template}").into(),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Roles of one of the rollout's own ReplicaSets, in the plugin's order for images.
pub fn tags(rollout: &Rollout, set: &ReplicaSet) -> Vec<Tag> {
    let (status, strategy, hash) = (&rollout.status, &rollout.spec.strategy, pod_hash(&set.metadata));
    let mut tags = Vec::new();
    if let Some(canary) = &strategy.canary {
        let stable = *status.stable_rs == *hash;
        if !stable && *status.current_pod_hash != *hash {
            return tags;
        }
        tags.push(if stable { Tag::Stable } else { Tag::Canary });
        if canary.ping_pong.is_some() {
            let stable_is_ping = &*status.canary.stable_ping_pong == "ping";
            tags.push(if stable == stable_is_ping { Tag::Ping } else { Tag::Pong });
        }
    } else if strategy.blue_green.is_some() {
        if *status.stable_rs == *hash {
            tags.push(Tag::Stable);
        }
        if *status.blue_green.active_selector == *hash {
            tags.push(Tag::Active);
        } else if *status.blue_green.preview_selector == *hash {
            tags.push(Tag::Preview);
        }
    }
    tags
}

/// The role of an Experiment's ReplicaSet: the template it runs, if it says so.
pub fn experiment_tag(set: &ReplicaSet) -> Option<Tag> {
    set.metadata.annotation(TEMPLATE_NAME).filter(|name| !name.is_empty()).map(|name| Tag::Experiment(name.into()))
}

/// Images of everything that has pods, by image. An image that runs in several roles has them all, by name.
pub fn images(rollout: &Rollout, belongings: &Belongings) -> Vec<ImageTags> {
    let uid = &rollout.metadata.uid;
    let mut images = Vec::new();
    for set in belongings.replica_sets_of(uid) {
        add_images(&mut images, set, &tags(rollout, set));
    }
    for experiment in belongings.experiments_of(uid) {
        for set in belongings.replica_sets_of(&experiment.metadata.uid) {
            add_images(&mut images, set, experiment_tag(set).as_slice());
        }
    }
    images
}

fn add_images(images: &mut Vec<ImageTags>, set: &ReplicaSet, tags: &[Tag]) {
    if set.status.replicas <= 0 {
        return;
    }
    for container in &set.spec.template.spec.containers {
        match images.binary_search_by(|known| known.image.cmp(&container.image)) {
            Err(place) => images.insert(place, ImageTags { image: container.image.clone(), tags: tags.to_vec() }),
            Ok(place) => {
                if let Some(known) = images.get_mut(place) {
                    known.tags.extend_from_slice(tags);
                    known.tags.sort_by(|a, b| a.name().cmp(&b.name()));
                    known.tags.dedup();
                }
            }
        }
    }
}

/// How a ReplicaSet is doing: `Progressing`, `ReplicaFailure`, `ScaledDown` or `Healthy`.
pub fn health(set: &ReplicaSet) -> &'static str {
    if set.status.observed_generation < set.metadata.generation {
        return "Progressing";
    }
    if failure(set).is_some() {
        return "ReplicaFailure";
    }
    match set.spec.replicas {
        Some(wanted) if set.status.available_replicas < wanted => "Progressing",
        Some(0) => "ScaledDown",
        _ => "Healthy",
    }
}

/// Why a ReplicaSet cannot create pods, in the API server's words.
pub fn failure(set: &ReplicaSet) -> Option<&str> {
    let failed = set.status.conditions.iter().find(|condition| *condition.kind == *"ReplicaFailure")?;
    (*failed.status == *"True").then_some(&*failed.message)
}

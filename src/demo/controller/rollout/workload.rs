//! `workloadRef`: the template comes from a Deployment (or ReplicaSet, or PodTemplate), whose generation is noted on the
//! rollout. The workload itself is scaled down as the spec says; its template is never touched.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::desk::{At, Desk, annotation};
use super::scene::Scene;
use super::spec::Spec;
use crate::demo::Resource;

/// Generation of the referenced workload as last seen.
pub const GENERATION: &str = "rollout.argoproj.io/workload-generation";

/// The annotation that ReplicaSets of such a rollout carry.
pub fn generation(scene: &Scene<'_, '_>) -> Option<String> {
    let known = annotation(&scene.object, GENERATION);
    (scene.spec.workload_ref.is_some() && !known.is_empty()).then(|| known.to_owned())
}

fn resource(kind: &str) -> Option<Resource> {
    match kind {
        "Deployment" => Some(Resource::Deployment),
        "ReplicaSet" => Some(Resource::ReplicaSet),
        _ => None,
    }
}

/// Takes template and selector from the workload. An error is the sentence for `InvalidSpec`.
pub fn resolve(desk: &mut Desk<'_>, at: &At, object: &mut Arc<Value>, spec: &mut Spec) -> Result<(), String> {
    let Some(reference) = spec.workload_ref.clone() else {
        if !annotation(object, GENERATION).is_empty() {
            let edited = desk.edit(at, |rollout| {
                if let Some(notes) = rollout["metadata"]["annotations"].as_object_mut() {
                    notes.remove(GENERATION);
                }
            });
            *object = edited.unwrap_or_else(|| object.clone());
        }
        return Ok(());
    };
    if spec.template.is_some() {
        return Err("template must be empty for workload reference rollout".to_owned());
    }
    let Some(resource) = resource(&reference.kind) else {
        let group = reference.api_version.split('/').next().unwrap_or_default();
        return Err(format!("workload of type {group}/{} is not supported", reference.kind));
    };
    let Some(workload) = desk.get(resource, &at.namespace, &reference.name) else {
        return Err(format!("{} \"{}/{}\" not found", resource.qualified(), at.namespace, reference.name));
    };
    spec.template = Some(workload["spec"]["template"].clone());
    if spec.selector.is_none() {
        spec.selector = Some(workload["spec"]["selector"].clone());
    }
    let generation = workload["metadata"]["generation"].as_i64().unwrap_or(1).to_string();
    if annotation(object, GENERATION) != generation {
        let edited = desk.edit(at, |rollout| {
            if !rollout["metadata"]["annotations"].is_object() {
                rollout["metadata"]["annotations"] = json!({});
            }
            rollout["metadata"]["annotations"][GENERATION] = generation.into();
        });
        *object = edited.unwrap_or_else(|| object.clone());
    }
    Ok(())
}

impl Scene<'_, '_> {
    /// Scales the workload down as the rollout takes over.
    pub fn scale_workload(&mut self) {
        let Some(reference) = self.spec.workload_ref.clone() else { return };
        let Some(resource) = resource(&reference.kind) else { return };
        let at = At::new(resource, &self.at.namespace, &reference.name);
        let Some(workload) = self.desk.get(resource, &at.namespace, &at.name) else { return };
        let now = workload["spec"]["replicas"].as_i64().unwrap_or(1);
        let wanted = match reference.scale_down.as_str() {
            "onsuccess" if self.before.phase == "Healthy" => 0,
            "progressively" => {
                let available: i64 = self.sets.iter().map(|set| set.available).sum();
                now.min((self.spec.replicas() - available).max(0))
            }
            _ => now,
        };
        if wanted != now {
            self.desk.edit(&at, |workload| workload["spec"]["replicas"] = wanted.into());
        }
    }
}

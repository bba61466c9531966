//! The rollout controller: one look at one Rollout at a time. A look reads everything afresh, makes one move and writes
//! one status; what follows from the move is another look. It never talks to anything but the desk.

mod blue_green;
mod conditions;
mod experiment;
mod pause;
mod plugin;
mod references;
mod restart;
mod revisions;
mod runs;
mod scale;
mod scene;
mod services;
mod spec;
mod status;
mod sync;
mod template;
mod traffic;
mod validate;
mod workload;

use serde::Deserialize;
use serde_json::Value;

use super::desk::{At, Desk, label, text};
use references::References;
use scene::Scene;
use spec::Spec;
use status::Status;

/// Objects with this label belong to another controller.
const INSTANCE: &str = "argo-rollouts.argoproj.io/controller-instance-id";
/// Seconds until an invalid spec is looked at again.
const INVALID_AGAIN: i64 = 20;

pub use runs::{is_final, phase};
pub use spec::Analysis;

/// Whether a Rollout is another controller's.
pub fn is_foreign(object: &Value) -> bool {
    !label(object, INSTANCE).is_empty()
}

/// One look at a Rollout.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(mut object) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    if is_foreign(&object) || !text(&object, "deletionTimestamp").is_empty() {
        return;
    }
    if object["status"]["observedGeneration"].is_null() && object["status"]["conditions"].is_null() {
        let message = format!("Rollout resource added to informer: {}/{}", at.namespace, at.name);
        desk.note(&object, "RolloutAddedToInformer", &message);
    }
    if !object["spec"].is_object() {
        return say_invalid(desk, at, &object, "spec: Required value");
    }
    if object["spec"]["replicas"].is_null() {
        object = desk.edit(at, |rollout| rollout["spec"]["replicas"] = 1.into()).unwrap_or(object);
    }
    let spec = Spec::deserialize(&object["spec"]).map_err(|error| format!("spec: Invalid value: {error}"));
    let resolved = spec.and_then(|mut spec| {
        workload::resolve(desk, at, &mut object, &mut spec)?;
        let references = References { desk, namespace: &at.namespace, owner: &at.name, spec: &spec };
        validate::fault(&spec).or_else(|| references.fault()).map_or(Ok(spec), Err)
    });
    match resolved {
        Ok(spec) => look_at_valid(Scene::open(desk, object, spec)),
        Err(fault) => say_invalid(desk, at, &object, &fault),
    }
}

fn look_at_valid(mut scene: Scene<'_, '_>) {
    scene.after.drop_condition("InvalidSpec");
    if scene.announce_pauses() {
        scene.persist_announcement();
    }
    scene.scale_workload();
    if scene.spec.strategy.blue_green.is_some() {
        scene.look_blue_green();
    } else {
        look_canary(scene);
    }
}

fn look_canary(mut scene: Scene<'_, '_>) {
    scene.after.canary.stable_ping_pong = scene.ping_pong_state();
    scene.sync_new_set();
    scene.dress_sets();
    if scene.template_or_steps_changed() {
        return scene.sync_canary();
    }
    if scene.restart_pods() > 0 {
        // The counts of the ReplicaSets do not know of it yet: everything else waits for the next look.
        return;
    }
    scene.trim_history();
    scene.reconcile_canary_services();
    scene.reconcile_traffic();
    scene.reconcile_experiment();
    scene.reconcile_runs();
    if scene.wishes.add.is_empty() && !scene.scale_canary() {
        scene.reconcile_plugin();
        scene.reconcile_step_pause();
    }
    scene.sync_canary();
}

fn say_invalid(desk: &mut Desk<'_>, at: &At, object: &Value, fault: &str) {
    let mut status = Status::read(object);
    let message = format!("The Rollout \"{}\" is invalid: {fault}", at.name);
    let stamp = desk.stamp();
    status.set_condition(("InvalidSpec", "True", "InvalidSpec"), &message, &stamp);
    "Degraded".clone_into(&mut status.phase);
    status.message = format!("InvalidSpec: {message}");
    status.observed_generation = object["metadata"]["generation"].as_i64().unwrap_or_default().to_string();
    let bare = status.current_pod_hash.is_empty();
    if let Ok(mut value) = serde_json::to_value(&status) {
        if bare && let Some(status) = value.as_object_mut() {
            status.remove("canary");
            status.remove("blueGreen");
        }
        desk.edit(at, |rollout| rollout["status"] = value);
    }
    desk.wake_in(at, INVALID_AGAIN);
}

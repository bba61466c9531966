//! The services of a rollout: which revision's pods each leads to. It writes their selectors and says so in events.

use serde_json::json;

use super::super::desk::At;
use super::super::hash;
use super::scene::Scene;
use super::spec::BlueGreen;
use crate::demo::Resource;

/// The annotation that says which rollout a service belongs to.
pub const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

impl Scene<'_, '_> {
    /// The names of the services that lead to a revision each. Those of ping-pong lead wherever they led last.
    pub fn service_names(&self) -> Vec<String> {
        let canary = self.spec.strategy.canary.iter().flat_map(|way| [way.canary_service.clone(), way.stable_service.clone()]);
        let blue_green =
            self.spec.strategy.blue_green.iter().flat_map(|way| [Some(way.active_service.clone()), way.preview_service.clone()]);
        canary.chain(blue_green).flatten().filter(|name| !name.is_empty()).collect()
    }

    /// The hash that a service leads to; empty if none.
    pub fn service_hash(&self, name: &str) -> String {
        let service = self.desk.get(Resource::Service, &self.at.namespace, name);
        service.and_then(|service| Some(service["spec"]["selector"][hash::LABEL].as_str()?.to_owned())).unwrap_or_default()
    }

    /// The hash that one of the blue-green services leads to.
    pub fn selected(&self, which: impl Fn(&BlueGreen) -> Option<&str>) -> String {
        let name = self.spec.strategy.blue_green.as_ref().and_then(which);
        name.map(|name| self.service_hash(name)).unwrap_or_default()
    }

    /// Lets a service lead to a revision.
    pub fn switch_service(&mut self, name: &str, wanted: &str) {
        let at = At::new(Resource::Service, &self.at.namespace, name);
        let Some(service) = self.desk.get(at.resource, &at.namespace, name) else { return };
        let before = service["spec"]["selector"][hash::LABEL].as_str().unwrap_or_default().to_owned();
        if before == wanted || wanted.is_empty() {
            return;
        }
        let rollout = self.at.name.clone();
        self.desk.edit(&at, |service| {
            if !service["spec"]["selector"].is_object() {
                service["spec"]["selector"] = json!({});
            }
            service["spec"]["selector"][hash::LABEL] = wanted.into();
            if !service["metadata"]["annotations"].is_object() {
                service["metadata"]["annotations"] = json!({});
            }
            service["metadata"]["annotations"][MANAGED_BY] = rollout.into();
        });
        self.note("SwitchService", &format!("Switched selector for service '{name}' from '{before}' to '{wanted}'"));
    }

    /// The services of canary and stable: (canary, stable).
    pub fn canary_services(&self) -> (Option<String>, Option<String>) {
        let Some(way) = &self.spec.strategy.canary else { return (None, None) };
        let (canary, stable) = way.services(self.after.canary.stable_ping_pong == "ping");
        (canary.map(str::to_owned), stable.map(str::to_owned))
    }

    /// Lets the canary's and stable's services lead to their pods, as soon as there are such.
    pub fn reconcile_canary_services(&mut self) {
        let ping_pong = self.spec.strategy.canary.as_ref().is_some_and(|way| way.ping_pong.is_some());
        let (canary, stable) = self.canary_services();
        if let (Some(name), Some((hash, available))) = (stable, self.stable_set().map(|set| (set.hash.clone(), set.available)))
            && available > 0
        {
            self.switch_service(&name, &hash);
        }
        let Some(name) = canary else { return };
        // Ping-pong keeps the service of the last stable on its pods until the next update needs it.
        if ping_pong && self.before.promoted() && !self.service_hash(&name).is_empty() {
            return;
        }
        if self.rolls_back_dynamically().is_some() {
            return;
        }
        if self.aborted() && self.has_two() {
            let no_traffic = self.after.canary.weights.as_ref().is_none_or(|weights| weights.canary.weight == 0);
            if let Some(hash) = self.stable_set().filter(|_| no_traffic && !ping_pong).map(|set| set.hash.clone()) {
                self.switch_service(&name, &hash);
            }
            return;
        }
        if let Some((hash, available)) = self.new_set().map(|set| (set.hash.clone(), set.available))
            && (available > 0 || (ping_pong && self.has_two()))
        {
            self.switch_service(&name, &hash);
        }
    }

    /// With dynamic stable scale an update that goes back to stable in its middle still needs the given-up canary: its hash.
    pub fn rolls_back_dynamically(&self) -> Option<String> {
        let weights = self.before.canary.weights.as_ref().filter(|_| self.dynamic() && self.before.promoted())?;
        let canary = &weights.canary.pod_template_hash;
        let short = self.new_set().is_some_and(|set| set.available < self.spec.replicas());
        (*canary != self.new_hash() && short).then(|| canary.clone())
    }

    /// Which of the two services is stable; empty without ping-pong.
    pub fn ping_pong_state(&self) -> String {
        let enabled = self.spec.strategy.canary.as_ref().is_some_and(|way| way.ping_pong.is_some());
        if enabled { self.before.canary.stable_ping_pong.clone() } else { String::new() }
    }

    /// The other service becomes stable's.
    pub fn turn_ping_pong(&mut self) {
        if self.spec.strategy.canary.as_ref().is_some_and(|way| way.ping_pong.is_some()) {
            let turn = if self.after.canary.stable_ping_pong == "ping" { "pong" } else { "ping" };
            turn.clone_into(&mut self.after.canary.stable_ping_pong);
        }
    }
}

//! Traffic weights: what the router is to send where, recorded in the status and written into the router's objects (an
//! nginx canary Ingress, Istio VirtualServices and DestinationRules). Routers without objects here take the weight as given.

use serde_json::{Value, json};

use super::super::desk::{At, owned_by};
use super::super::hash;
use super::scene::Scene;
use super::spec::Step;
use super::status::{Destination, Weights};
use crate::demo::Resource;

/// The annotation of a canary Ingress that says its share.
const WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";

impl Scene<'_, '_> {
    /// Sends the traffic where the step wants it, as far as there are pods for it.
    pub fn reconcile_traffic(&mut self) {
        if !self.routed() {
            self.after.canary.weights = None;
            return;
        }
        let serves = self.stable_set().is_some_and(|set| set.available > 0);
        if !serves && self.before.canary.weights.is_none() {
            return;
        }
        let weight = self.wanted_weight();
        // Stable must be able to carry what it gets.
        let carried = (self.max_weight() - weight) * self.spec.replicas() / self.max_weight();
        if self.stable_set().is_none_or(|set| set.available < carried) {
            return;
        }
        let additional = self.experiment_destinations();
        let (canary_service, stable_service) = self.canary_services();
        let destination = |weight: i64, hash: Option<String>, service: Option<String>| Destination {
            pod_template_hash: hash.unwrap_or_default(),
            service_name: service.unwrap_or_default(),
            weight,
        };
        let given_up = self.rolls_back_dynamically();
        let new = given_up.or_else(|| self.new_set().map(|set| set.hash.clone()));
        let stable = self.stable_set().map(|set| set.hash.clone());
        let taken = weight + additional.iter().map(|d| d.weight).sum::<i64>();
        let weights = Weights {
            canary: destination(weight, new, canary_service),
            stable: destination((self.max_weight() - taken).max(0), stable, stable_service),
            additional,
            verified: self.verified(),
        };
        let before = self.before.canary.weights.as_ref().map(|weights| weights.canary.weight);
        if before != Some(weight) {
            self.write_router(&weights, before.is_none());
            let message = before.map_or_else(
                || format!("Traffic weight updated to {weight}"),
                |before| format!("Traffic weight updated from {before} to {weight}"),
            );
            self.note("TrafficWeightUpdated", &message);
        } else if self.before.canary.weights.as_ref() != Some(&weights) {
            self.write_router(&weights, false);
        }
        self.after.canary.weights = Some(weights);
        self.reconcile_routes();
    }

    /// Load balancers of AWS confirm the weights; the world's do so at once.
    fn verified(&self) -> Option<bool> {
        let routing = self.spec.strategy.canary.as_ref()?.traffic_routing.as_ref()?;
        routing.get("alb").filter(|alb| !alb.is_null()).map(|_| true)
    }

    fn wanted_weight(&self) -> i64 {
        let (max, replicas) = (self.max_weight(), self.spec.replicas().max(1));
        let recorded = self.before.canary.weights.as_ref().map(|weights| weights.canary.weight);
        if self.rolls_back_dynamically().is_some() || (self.aborted() && self.has_two() && !self.before.promote_full) {
            return self.weight_on_the_way_back();
        }
        if self.stable == self.new || self.before.promoted() {
            return 0;
        }
        let available = self.new_set().map_or(0, |set| set.available);
        if available == 0 {
            return 0;
        }
        if self.before.promote_full {
            return if self.dynamic() { (max * available / replicas).min(max) } else { recorded.unwrap_or(0) };
        }
        if !self.at_wanted_counts(None) {
            let index = usize::try_from(self.index()).unwrap_or(0);
            let weight = |step: &Step| if let Step::SetWeight(weight) = step { Some(*weight) } else { None };
            return self.steps[..index].iter().rev().find_map(weight).unwrap_or(0);
        }
        self.set_weight()
    }

    /// Traffic goes back to stable: at once, or with dynamic stable scale as fast as its pods come back, and never up again.
    fn weight_on_the_way_back(&self) -> i64 {
        let (max, replicas) = (self.max_weight(), self.spec.replicas());
        let Some(stable) = self.stable_set().filter(|_| self.dynamic() && replicas > 0) else { return 0 };
        let carried = max * stable.available / replicas;
        let (uncarried, stepwise) = ((max - carried).max(0), if self.aborted() { self.pod_weight() } else { 0 });
        let Some(recorded) = self.before.canary.weights.as_ref().map(|weights| weights.canary.weight) else {
            return uncarried.max(stepwise);
        };
        if stepwise <= 0 {
            uncarried.min(recorded)
        } else if carried < max - stepwise {
            recorded
        } else {
            stepwise.min(recorded)
        }
    }

    /// What experiments of the current step get of the traffic.
    fn experiment_destinations(&self) -> Vec<Destination> {
        let (Some(Step::Experiment(step)), Some(experiment)) = (self.step(), &self.experiment) else { return Vec::new() };
        if experiment["status"]["phase"] != "Running" || self.aborted() {
            return Vec::new();
        }
        let status = |name: &str| {
            let all = experiment["status"]["templateStatuses"].as_array();
            all.into_iter().flatten().find(|status| status["name"] == name).cloned().unwrap_or_default()
        };
        let weighted = step.templates.iter().filter_map(|template| Some((template, template.weight?)));
        let destination = |(template, weight): (&super::spec::ExperimentTemplate, i64)| {
            let status = status(&template.name);
            let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
            Destination { pod_template_hash: text("podTemplateHash"), service_name: text("serviceName"), weight }
        };
        weighted.map(destination).collect()
    }

    fn write_router(&mut self, weights: &Weights, first: bool) {
        let routing = self.spec.strategy.canary.as_ref().and_then(|way| way.traffic_routing.clone()).unwrap_or_default();
        if let Some(ingress) = routing["nginx"]["stableIngress"].as_str() {
            self.write_ingress(ingress, weights.canary.weight, first);
        }
        for ingress in routing["nginx"]["stableIngresses"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.write_ingress(ingress, weights.canary.weight, first);
        }
        let istio = &routing["istio"];
        let one = istio.get("virtualService").filter(|service| service.is_object());
        for service in one.into_iter().chain(istio["virtualServices"].as_array().into_iter().flatten()) {
            self.write_virtual_service(service, &istio["destinationRule"], weights);
        }
        if let Some(rule) = istio["destinationRule"]["name"].as_str() {
            self.write_destination_rule(rule, &istio["destinationRule"], weights);
        }
    }

    fn write_ingress(&mut self, stable: &str, weight: i64, first: bool) {
        let name = format!("{}-{stable}-canary", self.at.name);
        let at = At::new(Resource::Ingress, &self.at.namespace, &name);
        if self.desk.get(at.resource, &at.namespace, &name).is_some() {
            self.note("PatchingCanaryIngress", &format!("Updating Ingress `{name}` to desiredWeight '{weight}'"));
            self.desk.edit(&at, |ingress| ingress["metadata"]["annotations"][WEIGHT] = weight.to_string().into());
            return;
        }
        let Some(original) = self.desk.get(Resource::Ingress, &self.at.namespace, stable) else { return };
        let (canary, stable_service) = self.canary_services();
        let mut spec = original["spec"].clone();
        replace_service(&mut spec, &stable_service.unwrap_or_default(), &canary.unwrap_or_default());
        let annotations = json!({ "nginx.ingress.kubernetes.io/canary": "true", WEIGHT: weight.to_string() });
        let metadata = json!({
            "name": name, "namespace": self.at.namespace, "annotations": annotations, "ownerReferences": owned_by(&self.object),
        });
        self.desk.create(Resource::Ingress, json!({ "metadata": metadata, "spec": spec, "status": { "loadBalancer": {} } }));
        if first {
            self.note("CreatingCanaryIngress", &format!("Creating canary ingress `{name}` with weight `{weight}`"));
        }
    }

    fn write_virtual_service(&mut self, reference: &Value, rule: &Value, weights: &Weights) {
        let Some(name) = reference["name"].as_str() else { return };
        let (namespace, name) = name.rsplit_once('.').map_or((self.at.namespace.clone(), name), |(name, ns)| (ns.to_owned(), name));
        let at = At::new(Resource::VirtualService, &namespace, name);
        let named: Vec<String> =
            reference["routes"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let subset = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        let (canary_subset, stable_subset) = (subset("canarySubsetName"), subset("stableSubsetName"));
        let of = |destination: &Value| {
            let host = destination["host"].as_str().unwrap_or_default().split('.').next().unwrap_or_default();
            let subset = destination["subset"].as_str().unwrap_or_default();
            if (!subset.is_empty() && subset == canary_subset) || (!host.is_empty() && host == weights.canary.service_name) {
                Some(weights.canary.weight)
            } else if (!subset.is_empty() && subset == stable_subset) || (!host.is_empty() && host == weights.stable.service_name) {
                Some(weights.stable.weight)
            } else {
                None
            }
        };
        self.desk.edit(&at, |service| {
            for route in service["spec"]["http"].as_array_mut().into_iter().flatten() {
                let name = route["name"].as_str().unwrap_or_default();
                let managed = route["route"].as_array().is_some_and(|routes| routes.len() > 1);
                if !managed || !(named.is_empty() || named.iter().any(|n| n == name)) {
                    continue;
                }
                for target in route["route"].as_array_mut().into_iter().flatten() {
                    if let Some(weight) = of(&target["destination"]) {
                        target["weight"] = weight.into();
                    }
                }
            }
        });
    }

    fn write_destination_rule(&mut self, name: &str, rule: &Value, weights: &Weights) {
        let at = At::new(Resource::DestinationRule, &self.at.namespace, name);
        self.desk.edit(&at, |object| {
            for subset in object["spec"]["subsets"].as_array_mut().into_iter().flatten() {
                let hash = if subset["name"] == rule["canarySubsetName"] {
                    &weights.canary.pod_template_hash
                } else if subset["name"] == rule["stableSubsetName"] {
                    &weights.stable.pod_template_hash
                } else {
                    continue;
                };
                if !subset["labels"].is_object() {
                    subset["labels"] = json!({});
                }
                subset["labels"][hash::LABEL] = hash.clone().into();
            }
        });
    }

    /// Header and mirror routes: set by their steps, gone with the end of the update.
    fn reconcile_routes(&mut self) {
        let routing = self.spec.strategy.canary.as_ref().and_then(|way| way.traffic_routing.clone()).unwrap_or_default();
        let managed: Vec<String> = routing["managedRoutes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| r["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        let istio = &routing["istio"];
        let Some(name) = istio["virtualService"]["name"].as_str().filter(|_| !managed.is_empty()) else { return };
        let at = At::new(Resource::VirtualService, &self.at.namespace, name);
        let Some(service) = self.desk.get(at.resource, &at.namespace, name) else { return };
        let over = self.before.promoted() || self.aborted() || self.before.promote_full || self.new == self.stable;
        let present: Vec<String> = service["spec"]["http"].as_array().into_iter().flatten().map(|r| text_of(r, "name")).collect();
        if over {
            if present.iter().any(|name| managed.contains(name)) {
                self.desk.edit(&at, |service| retain_routes(service, |name| !managed.iter().any(|m| m == name)));
            }
            return;
        }
        let step = self.step().cloned();
        let (canary, stable) = self.canary_services();
        let (canary, stable) = (canary.unwrap_or_default(), stable.unwrap_or_default());
        let (name, route) = match step {
            Some(Step::SetHeaderRoute { name, matches }) => (name.clone(), header_route(&name, &matches, &canary)),
            Some(Step::SetMirrorRoute { name, matches, percentage }) => {
                (name.clone(), mirror_route(&name, &matches, percentage, (&canary, &stable)))
            }
            _ => return,
        };
        self.desk.edit(&at, |service| {
            retain_routes(service, |other| other != name);
            if let (Some(route), Some(routes)) = (route, service["spec"]["http"].as_array_mut()) {
                routes.insert(0, route);
            }
        });
    }
}

fn text_of(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn retain_routes(service: &mut Value, keep: impl Fn(&str) -> bool) {
    if let Some(routes) = service["spec"]["http"].as_array_mut() {
        routes.retain(|route| keep(route["name"].as_str().unwrap_or_default()));
    }
}

/// A route for requests with a header; none if the step names no match, which removes the route.
fn header_route(name: &str, matches: &Value, canary: &str) -> Option<Value> {
    let matches: Vec<Value> = matches
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            let header = text_of(entry, "headerName");
            json!({ "headers": { header: entry["headerValue"] } })
        })
        .collect();
    let route = json!({ "name": name, "match": matches, "route": [{ "destination": { "host": canary }, "weight": 100 }] });
    (!matches.is_empty()).then_some(route)
}

fn mirror_route(name: &str, matches: &Value, percentage: Option<i64>, (canary, stable): (&str, &str)) -> Option<Value> {
    let matches = matches.as_array().filter(|matches| !matches.is_empty())?;
    let matches: Vec<Value> = matches
        .iter()
        .map(|entry| {
            let mut entry = entry.clone();
            if let (Some(path), Some(object)) = (entry.get("path").cloned(), entry.as_object_mut()) {
                object.remove("path");
                object.insert("uri".to_owned(), path);
            }
            entry
        })
        .collect();
    Some(json!({
        "name": name, "match": matches, "route": [{ "destination": { "host": stable }, "weight": 100 }],
        "mirror": { "host": canary }, "mirrorPercentage": { "value": percentage.unwrap_or(100) },
    }))
}

/// Lets every backend of an ingress that leads to one service lead to another.
fn replace_service(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(object) => {
            if object.get("service").is_some_and(|service| service["name"] == from) {
                object["service"]["name"] = to.into();
            }
            object.values_mut().for_each(|value| replace_service(value, from, to));
        }
        Value::Array(array) => array.iter_mut().for_each(|value| replace_service(value, from, to)),
        _ => {}
    }
}

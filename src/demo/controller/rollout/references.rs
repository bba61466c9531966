//! What is wrong with the things that a Rollout's spec refers to: services, templates of analyses, routers' objects.

use serde_json::Value;

use super::super::amount::Amount;
use super::super::desk::{Desk, annotation};
use super::services::MANAGED_BY;
use super::spec::{Analysis, Spec, Step};
use super::validate::invalid;
use crate::demo::Resource;
use serde::Deserialize;

/// The references of one rollout.
pub struct References<'a, 'd> {
    pub desk: &'a Desk<'d>,
    pub namespace: &'a str,
    /// Name of the rollout.
    pub owner: &'a str,
    pub spec: &'a Spec,
}

impl References<'_, '_> {
    /// The first fault, if there is one.
    pub fn fault(&self) -> Option<String> {
        let services = self.services();
        let analyses = self.analyses();
        let there = services.iter().find_map(|(path, name)| self.missing_service(path, name));
        there
            .or_else(|| analyses.iter().find_map(|(path, analysis, _)| self.missing_template(path, analysis)))
            .or_else(|| self.routers())
            .or_else(|| services.iter().find_map(|(path, name)| self.wrong_service(path, name)))
            .or_else(|| analyses.iter().find_map(|(path, analysis, ends)| self.endless(path, analysis).filter(|_| *ends)))
    }

    fn services(&self) -> Vec<(String, String)> {
        let mut services = Vec::new();
        let mut add = |path: &str, name: Option<&str>| {
            services.extend(name.filter(|name| !name.is_empty()).map(|name| (format!("spec.strategy.{path}"), name.to_owned())));
        };
        if let Some(way) = &self.spec.strategy.blue_green {
            add("blueGreen.activeService", Some(&way.active_service));
            add("blueGreen.previewService", way.preview_service.as_deref());
        } else if let Some(way) = &self.spec.strategy.canary {
            add("canary.stableService", way.stable_service.as_deref());
            add("canary.canaryService", way.canary_service.as_deref());
            add("canary.pingPong.pingService", way.ping_pong.as_ref().map(|pair| pair.ping_service.as_str()));
            add("canary.pingPong.pongService", way.ping_pong.as_ref().map(|pair| pair.pong_service.as_str()));
        }
        services
    }

    fn missing_service(&self, path: &str, name: &str) -> Option<String> {
        let missing = self.desk.get(Resource::Service, self.namespace, name).is_none();
        missing.then(|| invalid(path, format!("{name:?}"), format!("service {name:?} not found")))
    }

    fn wrong_service(&self, path: &str, name: &str) -> Option<String> {
        let service = self.desk.get(Resource::Service, self.namespace, name)?;
        let labels = self.spec.template.as_ref().map(|template| &template["metadata"]["labels"])?;
        let selector = service["spec"]["selector"].as_object().into_iter().flatten();
        let strange = selector.filter(|(key, _)| *key != super::super::hash::LABEL).find(|(key, value)| labels[*key] != **value);
        if let Some((key, _)) = strange {
            let why = format!("Service {name:?} has unmatch label {key:?} in rollout");
            return Some(invalid(path, format!("{name:?}"), why));
        }
        let other = annotation(&service, MANAGED_BY);
        let taken = !other.is_empty() && other != self.owner;
        taken.then(|| invalid(path, format!("{name:?}"), format!("Service {name:?} is managed by another Rollout")))
    }

    /// All analyses with the paths of their templates, and whether they have to end by themselves.
    fn analyses(&self) -> Vec<(String, Analysis, bool)> {
        let mut analyses = Vec::new();
        let mut add = |path: String, analysis: Option<&Analysis>, ends: bool| {
            analyses.extend(analysis.map(|analysis| (format!("spec.strategy.{path}.templates"), analysis.clone(), ends)));
        };
        if let Some(way) = &self.spec.strategy.blue_green {
            add("blueGreen.prePromotionAnalysis".to_owned(), way.pre_promotion_analysis.as_ref(), true);
            add("blueGreen.postPromotionAnalysis".to_owned(), way.post_promotion_analysis.as_ref(), true);
        } else if let Some(way) = &self.spec.strategy.canary {
            for (place, step) in way.read_steps().iter().enumerate() {
                if let Step::Analysis(analysis) = step {
                    add(format!("canary.steps[{place}].analysis"), Some(analysis), true);
                }
            }
            add("canary.analysis".to_owned(), way.analysis.as_ref(), false);
        }
        analyses
    }

    fn template(&self, name: &str, cluster: bool) -> Option<std::sync::Arc<Value>> {
        if cluster {
            self.desk.get(Resource::ClusterAnalysisTemplate, "", name)
        } else {
            self.desk.get(Resource::AnalysisTemplate, self.namespace, name)
        }
    }

    fn missing_template(&self, path: &str, analysis: &Analysis) -> Option<String> {
        analysis.templates.iter().find_map(|template| {
            let (name, cluster) = (&template.template_name, template.cluster_scope);
            let kind = if cluster { "ClusterAnalysisTemplate" } else { "AnalysisTemplate" };
            let missing = self.template(name, cluster).is_none();
            missing.then(|| invalid(path, format!("{name:?}"), format!("{kind} '{name}' not found")))
        })
    }

    /// A step cannot wait for a metric that never ends.
    fn endless(&self, path: &str, analysis: &Analysis) -> Option<String> {
        analysis.templates.iter().find_map(|reference| {
            let name = &reference.template_name;
            let template = self.template(name, reference.cluster_scope)?;
            let metrics = template["spec"]["metrics"].as_array().cloned().unwrap_or_default();
            let endless = metrics.iter().find(|metric| {
                let count = Amount::deserialize(&metric["count"]).ok();
                count.is_none() && metric["interval"].as_str().is_some_and(|interval| !interval.is_empty())
            })?;
            let metric = endless["name"].as_str().unwrap_or_default();
            let why = format!("AnalysisTemplate {name} has metric {metric} which runs indefinitely. Invalid value for count: nil");
            Some(invalid(path, format!("{name:?}"), why))
        })
    }

    fn routers(&self) -> Option<String> {
        let way = self.spec.strategy.canary.as_ref()?;
        let routing = way.traffic_routing.as_ref()?;
        let path = "spec.strategy.canary.trafficRouting";
        let several = routing["nginx"]["stableIngresses"].as_array().into_iter().flatten();
        let one = routing["nginx"].get("stableIngress");
        for name in one.into_iter().chain(several).filter_map(Value::as_str).filter(|name| !name.is_empty()) {
            let Some(ingress) = self.desk.get(Resource::Ingress, self.namespace, name) else {
                let why = format!("ingress.networking.k8s.io {name:?} not found");
                return Some(invalid(&format!("{path}.nginx.stableIngress"), format!("{name:?}"), why));
            };
            let stable = way.stable_service.as_deref().unwrap_or_default();
            if !leads_to(&ingress["spec"], stable) {
                let why = format!("ingress `{name}` has no rules using service {stable} backend");
                return Some(invalid(&format!("{path}.nginx.stableIngress"), format!("{name:?}"), why));
            }
        }
        let name = routing["istio"]["virtualService"]["name"].as_str()?;
        let (name, namespace) = name.rsplit_once('.').unwrap_or((name, self.namespace));
        let missing = self.desk.get(Resource::VirtualService, namespace, name).is_none();
        let why = format!("virtualservices.networking.istio.io {name:?} not found");
        missing.then(|| invalid(&format!("{path}.istio.virtualService.name"), format!("{name:?}"), why))
    }
}

/// Whether some backend of an ingress is a service.
fn leads_to(value: &Value, service: &str) -> bool {
    match value {
        Value::Object(object) => {
            object.get("service").is_some_and(|found| found["name"] == service)
                || object.values().any(|value| leads_to(value, service))
        }
        Value::Array(array) => array.iter().any(|value| leads_to(value, service)),
        _ => false,
    }
}
